import { availableParallelism } from "node:os";
import { Piscina } from "piscina";
import type { Detections, DetectOptions, DetectSource, LightCurveTable } from "../../detection/detect.ts";

/** So many sources without a field, or of a field whose gain is known, make one task: small enough to share out evenly. */
const PER_TASK = 8;
/** The same where every source is a long search. */
const FEW_PER_TASK = 2;

/** Idle threads stay so long: what they have learned of lenses serves the next epoch. */
const IDLE_MS = 10 * 60_000;
const pools = new Map<number, Piscina>();

/** Threads that outlive a call; they keep no process from ending. */
function poolOf(threads: number): Piscina {
	let pool = pools.get(threads);
	if (pool === undefined) {
		pool = new Piscina({
			filename: new URL("./field-thread.ts", import.meta.url).href,
			minThreads: 0,
			maxThreads: threads,
			concurrentTasksPerWorker: 1,
			idleTimeout: IDLE_MS,
		});
		pools.set(threads, pool);
	}
	return pool;
}

/**
 * The detector on all cores: fields do not depend on one another, so each is a task. The result is the same, in the same
 * order, whatever the number of threads.
 */
export async function detectInThreads(
	table: LightCurveTable,
	sources: readonly DetectSource[],
	options: DetectOptions,
	onProgress: (done: number, total: number) => void = () => {},
	threads = availableParallelism(),
	perTask = PER_TASK,
): Promise<Detections> {
	const groups = new Map<string, number[]>();
	let alone = 0;
	const counts = new Map<string, number>();
	// Sources on one scale already do not need their field: a field is then cut into tasks as well.
	const part = (field: string) => {
		if (options.normalized !== true) return field;
		const before = counts.get(field) ?? 0;
		counts.set(field, before + 1);
		return `${field} ${Math.floor(before / perTask)}`;
	};
	// Nor do they need those of it that nobody asks about.
	const concerned = (i: number) => options.normalized !== true || options.only?.has(i) !== false;
	sources.forEach((source, i) => {
		if (!concerned(i)) return;
		const key = source.fieldId === undefined ? `alone ${Math.floor(alone++ / perTask)}` : part(source.fieldId);
		const group = groups.get(key);
		if (group === undefined) groups.set(key, [i]);
		else group.push(i);
	});
	const keyOf = new Array<number>(sources.length);
	const lists = [...groups.values()];
	lists.forEach((list, g) => {
		for (const i of list) keyOf[i] = g;
	});
	const rows: number[][] = lists.map(() => []);
	for (let row = 0; row < table.flux.length; row++) {
		const source = table.sourceIndex[row];
		if (concerned(source)) rows[keyOf[source]].push(row);
	}
	const pool = poolOf(Math.max(1, threads));
	let done = 0;
	const results = await Promise.all(
		lists.map(async (list, g) => {
			const place = new Map(list.map((source, j) => [source, j]));
			const pick = (values: ArrayLike<number>) => Float64Array.from(rows[g], (row) => values[row]);
			const only =
				options.only === undefined
					? undefined
					: new Set([...options.only].flatMap((source) => place.get(source) ?? []));
			const searchedUntil =
				options.searchedUntil === undefined
					? undefined
					: new Map(
							list.flatMap((source, j): [number, number][] => {
								const until = options.searchedUntil?.get(source);
								return until === undefined ? [] : [[j, until]];
							}),
						);
			const result = (await pool.run({
				table: {
					sourceIndex: Int32Array.from(rows[g], (row) => place.get(table.sourceIndex[row]) as number),
					mjd: pick(table.mjd),
					frequencyMhz: pick(table.frequencyMhz),
					flux: pick(table.flux),
					fluxErr: pick(table.fluxErr),
				},
				sources: list.map((source) => sources[source]),
				options: { ...options, only, searchedUntil },
			})) as Detections;
			onProgress(++done, lists.length);
			return {
				candidates: result.candidates.map((candidate) => ({
					...candidate,
					sourceIndex: list[candidate.sourceIndex],
				})),
				scores: result.scores.map((score) => ({ ...score, sourceIndex: list[score.sourceIndex] })),
				rejected: result.rejected.map(({ row, reason }) => ({ row: rows[g][row], reason })),
			};
		}),
	);
	return {
		candidates: results
			.flatMap((result) => result.candidates)
			.sort((a, b) => b.significance - a.significance || b.statistic - a.statistic || a.sourceIndex - b.sourceIndex),
		scores: results.flatMap((result) => result.scores).sort((a, b) => a.sourceIndex - b.sourceIndex),
		rejected: results.flatMap((result) => result.rejected).sort((a, b) => a.row - b.row),
	};
}

/**
 * The detector where time is short: a coarse look at all sources, then the whole search of those that the coarse look
 * cannot rule out, the ones with most evidence first, at most so many of those that can wait.
 *
 * @param canWait sources (indices) that may be left for another time
 * @returns what {@link detectInThreads} does, and which sources were left: these have no score
 */
export async function detectBestFirst(
	table: LightCurveTable,
	sources: readonly DetectSource[],
	options: DetectOptions,
	canWait: ReadonlySet<number>,
	most: number,
	threads = availableParallelism(),
): Promise<Detections> {
	const coarse = await detectInThreads(table, sources, { ...options, coarseOnly: true }, undefined, threads);
	const open = coarse.scores.filter((score) => score.evidence !== undefined);
	const waiting = open
		.filter((score) => canWait.has(score.sourceIndex))
		.sort((a, b) => (b.evidence as number) - (a.evidence as number) || a.sourceIndex - b.sourceIndex);
	const left = new Set(waiting.slice(most).map((score) => score.sourceIndex));
	const only = new Set(open.flatMap(({ sourceIndex }) => (left.has(sourceIndex) ? [] : [sourceIndex])));
	const whole = await detectInThreads(table, sources, { ...options, only }, undefined, threads, FEW_PER_TASK);
	return {
		candidates: whole.candidates,
		scores: [...coarse.scores.filter((score) => score.evidence === undefined), ...whole.scores].sort(
			(a, b) => a.sourceIndex - b.sourceIndex,
		),
		rejected: coarse.rejected,
		left,
	};
}
