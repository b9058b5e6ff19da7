import { useSyncExternalStore } from "react";

const KEY = "caustic.reviewer";
const listeners = new Set<() => void>();

/** Who judges here: a name kept in this browser, written into the history with each verdict. */
export const reviewer = (): string => localStorage.getItem(KEY) ?? "";

export function setReviewer(name: string): void {
	localStorage.setItem(KEY, name.trim());
	for (const listener of listeners) listener();
}

export const useReviewer = (): string =>
	useSyncExternalStore((listener) => {
		listeners.add(listener);
		return () => listeners.delete(listener);
	}, reviewer);
