import { availableParallelism } from "node:os";
import { Piscina } from "piscina";
import type { InjectionGrid, InjectionSummary } from "../../detection/inject.ts";
import {
	arrangeFields,
	type DetectSource,
	type FieldData,
	type LightCurveTable,
} from "../../detection/light-curve-table.ts";
import type { InjectionTask } from "./inject-thread.ts";

export interface InjectionOptions {
	grid: InjectionGrid;
	/** Lenses per source. */
	perSource: number;
	/** Significance from which an injected lens counts as found. */
	leastSigma: number;
	seed: number;
	/** Fluxes are on one scale already. */
	normalized: boolean;
}

/** Injection and recovery over all fields on all cores; the same seed gives the same map whatever the threads. */
export async function injectInThreads(
	table: LightCurveTable,
	sources: readonly DetectSource[],
	options: InjectionOptions,
	onProgress: (done: number, total: number) => void = () => {},
	threads = availableParallelism(),
): Promise<InjectionSummary> {
	const { fields } = arrangeFields(table, sources);
	const pool = new Piscina({
		filename: new URL("./inject-thread.ts", import.meta.url).href,
		minThreads: 0,
		maxThreads: Math.max(1, threads),
		concurrentTasksPerWorker: 1,
	});
	let done = 0;
	try {
		const results = await Promise.all(
			fields.map(async (field: FieldData) => {
				const stream = field.fieldId ?? `source ${sources[field.sources[0]].id}`;
				const task: InjectionTask = { field, stream, ...options };
				const summary = (await pool.run(task)) as InjectionSummary;
				onProgress(++done, fields.length);
				return summary;
			}),
		);
		return {
			injections: results.flatMap((result) => result.injections),
			nullScores: results.flatMap((result) => result.nullScores).sort((a, b) => a.sourceIndex - b.sourceIndex),
		};
	} finally {
		await pool.close();
	}
}
