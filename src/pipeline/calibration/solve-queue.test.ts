import { describe, expect, test } from "vitest";
import { type QueuedSolve, runSolves } from "./solve-queue.ts";

function recorded(list: readonly { name: string; priority: number; memory?: number; fails?: boolean }[]) {
	const events: string[] = [];
	let [running, most] = [0, 0];
	const solves = list.map(
		({ name, priority, memory = 1, fails = false }): QueuedSolve<string> => ({
			priority,
			memoryBytes: memory,
			async run() {
				events.push(name);
				most = Math.max(most, ++running);
				await new Promise((resolve) => setTimeout(resolve, 5));
				running--;
				if (fails) throw new Error(name);
				return name;
			},
		}),
	);
	return { events, solves, most: () => most };
}

describe("solves side by side", () => {
	test("the most urgent first, as many as there are slots, outcomes in the order given", async () => {
		const { events, solves, most } = recorded([
			{ name: "old", priority: 1 },
			{ name: "tonight", priority: 9 },
			{ name: "broken", priority: 5, fails: true },
			{ name: "older", priority: 0 },
			{ name: "also old", priority: 1 },
		]);
		const outcomes = await runSolves(solves, 2, 100);
		expect(events).toEqual(["tonight", "broken", "old", "also old", "older"]);
		expect(most()).toBe(2);
		expect(outcomes.map((one) => (one.done ? one.value : (one.error as Error).message))).toEqual([
			"old",
			"tonight",
			"broken",
			"older",
			"also old",
		]);
		expect(outcomes.map((one) => one.done)).toEqual([true, true, false, true, true]);
	});

	test("never more memory than there is, but one that needs more runs alone", async () => {
		const { events, solves, most } = recorded([
			{ name: "a", priority: 3, memory: 60 },
			{ name: "b", priority: 2, memory: 60 },
			{ name: "c", priority: 1, memory: 500 },
		]);
		await runSolves(solves, 3, 100);
		expect(events).toEqual(["a", "b", "c"]);
		expect(most()).toBe(1);
	});

	test("nothing new begins once it is stopped", async () => {
		const stop = new AbortController();
		const { events, solves } = recorded([
			{ name: "a", priority: 2 },
			{ name: "b", priority: 1 },
		]);
		const all = runSolves(solves, 1, 10, stop.signal);
		stop.abort(new Error("stopped"));
		await expect(all).rejects.toThrow("stopped");
		expect(events).toEqual(["a"]);
	});
});
