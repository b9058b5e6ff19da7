import { useEffect, useRef } from "react";

/** Single keys that act on a page, silent while somebody types or a dialog is open. */
export function useKeys(actions: Record<string, () => void>): void {
	const current = useRef(actions);
	current.current = actions;
	useEffect(() => {
		const onKey = (event: KeyboardEvent) => {
			if (event.ctrlKey || event.metaKey || event.altKey) return;
			const target = event.target as HTMLElement;
			if (target.closest("input, textarea, select, [contenteditable]") !== null) return;
			if (document.querySelector("dialog[open]") !== null) return;
			const action = current.current[event.key];
			if (action === undefined) return;
			// Enter and space belong to the button or link that has the focus.
			if ((event.key === "Enter" || event.key === " ") && target.closest("a, button, summary") !== null) return;
			event.preventDefault();
			action();
		};
		document.addEventListener("keydown", onKey);
		return () => document.removeEventListener("keydown", onKey);
	}, []);
}
