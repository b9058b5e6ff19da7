import type { QueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";

/** An event of the survey as the stream brings it. */
export interface LiveEvent {
	id: string;
	type: string;
	source: string;
	subject?: string;
	time: string;
	data: Record<string, unknown>;
}

interface LiveState {
	isConnected: boolean;
	/** Newest first. */
	recent: LiveEvent[];
}

const KEPT = 40;
let state: LiveState = { isConnected: false, recent: [] };
const listeners = new Set<() => void>();

function set(next: Partial<LiveState>): void {
	state = { ...state, ...next };
	for (const listener of listeners) listener();
}

/** Which nouns an event makes stale. */
const STALE: Record<string, string[]> = {
	RunStarted: ["runs", "survey"],
	RunCompleted: ["runs", "survey", "sources", "candidates", "corrections", "epochs", "fields", "bands", "dead-letters"],
	ImageIngested: ["survey", "epochs"],
	ImageRejected: ["survey", "dead-letters"],
	PipelineStageCompleted: ["runs"],
	NormalizationCompleted: ["corrections"],
	NormalizationAlert: ["corrections"],
	StatisticsUpdated: ["sources"],
	ESECandidateDetected: ["candidates", "survey", "sources"],
	ESECandidateReviewed: ["candidates", "survey", "sources"],
	DeadLetterCreated: ["dead-letters", "survey"],
	DeadLetterRetried: ["dead-letters", "survey"],
};

const PAUSE_MS = 700;

/** Follows the service's events and lets the pages ask again for what has changed, at most once in a while. */
export function followEvents(client: QueryClient): () => void {
	const due = new Set<string>();
	let timer: ReturnType<typeof setTimeout> | undefined;
	const flush = () => {
		timer = undefined;
		for (const noun of due) void client.invalidateQueries({ queryKey: [noun] });
		due.clear();
	};
	const stream = new EventSource("/api/v1/events");
	stream.addEventListener("open", () => set({ isConnected: true }));
	stream.addEventListener("error", () => set({ isConnected: false }));
	stream.addEventListener("message", (message: MessageEvent<string>) => {
		const event = JSON.parse(message.data) as LiveEvent;
		const type = event.type.replace(/^caustic\./, "");
		set({ recent: [{ ...event, type }, ...state.recent].slice(0, KEPT) });
		for (const noun of STALE[type] ?? []) due.add(noun);
		timer ??= setTimeout(flush, PAUSE_MS);
	});
	return () => {
		clearTimeout(timer);
		stream.close();
	};
}

export const useLive = (): LiveState =>
	useSyncExternalStore(
		(listener) => {
			listeners.add(listener);
			return () => listeners.delete(listener);
		},
		() => state,
	);
