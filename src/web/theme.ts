import { useSyncExternalStore } from "react";
import { takeInk } from "./charts/colours.ts";

export type Theme = "light" | "dark";

const KEY = "caustic.theme";
const system = matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();

/** What was chosen in this browser, else what the system asks for. */
export function theme(): Theme {
	const chosen = localStorage.getItem(KEY);
	if (chosen === "light" || chosen === "dark") return chosen;
	return system.matches ? "dark" : "light";
}

/** Puts the theme on the document and into the ink of the charts; pictures are drawn anew by whoever shows them. */
export function applyTheme(): void {
	document.documentElement.dataset.theme = theme();
	takeInk(theme());
	for (const listener of listeners) listener();
}

system.addEventListener("change", applyTheme);

export function chooseTheme(next: Theme): void {
	localStorage.setItem(KEY, next);
	applyTheme();
}

export const useTheme = (): Theme =>
	useSyncExternalStore((listener) => {
		listeners.add(listener);
		return () => listeners.delete(listener);
	}, theme);
