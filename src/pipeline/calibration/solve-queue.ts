/** A solve that waits for its turn. */
export interface QueuedSolve<T> {
	/** Higher goes first; equal ones in the order given. */
	priority: number;
	/** What it will hold at most. */
	memoryBytes: number;
	run(): Promise<T>;
}

export type SolveOutcome<T> = { done: true; value: T } | { done: false; error: unknown };

/**
 * Runs independent solves side by side, the most urgent first, as many as there are slots and memory for. One that needs more
 * memory than there is runs alone. A solve that fails does not stop the others.
 *
 * @param slots solves at once.
 * @returns outcomes in the order given.
 */
export async function runSolves<T>(
	solves: readonly QueuedSolve<T>[],
	slots: number,
	memoryBytes: number,
	signal?: AbortSignal,
): Promise<SolveOutcome<T>[]> {
	const waiting = Array.from(solves.keys()).sort((a, b) => solves[b].priority - solves[a].priority || a - b);
	const outcomes = new Array<SolveOutcome<T>>(solves.length);
	let running = 0;
	let held = 0;
	return new Promise((resolve, reject) => {
		const next = (): void => {
			if (signal?.aborted === true && running === 0) {
				reject(signal.reason instanceof Error ? signal.reason : new Error("stopped"));
				return;
			}
			if (waiting.length === 0 && running === 0) {
				resolve(outcomes);
				return;
			}
			if (signal?.aborted === true) return;
			while (waiting.length > 0 && running < slots) {
				// The most urgent one that waits is never overtaken because it is large.
				const solve = solves[waiting[0]];
				if (running > 0 && held + solve.memoryBytes > memoryBytes) return;
				const i = waiting.shift() as number;
				running++;
				held += solve.memoryBytes;
				solve
					.run()
					.then(
						(value) => (outcomes[i] = { done: true, value }),
						(error: unknown) => (outcomes[i] = { done: false, error }),
					)
					.finally(() => {
						running--;
						held -= solve.memoryBytes;
						next();
					});
			}
		};
		next();
	});
}
