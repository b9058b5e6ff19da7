import { availableParallelism } from "node:os";
import { Piscina } from "piscina";
import type { FieldResult, FieldTask } from "../../normalization/normalize-field.ts";

/** Fields and subbands do not depend on one another: each is a task. The results keep the order of the tasks. */
export async function normalizeInThreads(
	tasks: readonly FieldTask[],
	onProgress: (done: number, total: number) => void = () => {},
	options: { threads?: number; signal?: AbortSignal } = {},
): Promise<FieldResult[]> {
	const pool = new Piscina({
		filename: new URL("./table-thread.ts", import.meta.url).href,
		minThreads: 0,
		maxThreads: Math.max(1, Math.min(tasks.length, options.threads ?? availableParallelism())),
		concurrentTasksPerWorker: 1,
	});
	let done = 0;
	try {
		return await Promise.all(
			tasks.map(async (task) => {
				const result = (await pool.run(task, { signal: options.signal })) as FieldResult;
				onProgress(++done, tasks.length);
				return result;
			}),
		);
	} finally {
		await pool.destroy();
	}
}
