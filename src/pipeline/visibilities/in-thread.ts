import { Worker } from "node:worker_threads";
import { CausticError } from "../../error.ts";
import type { ConvertedGroup, GroupTask, SolvedGroup } from "./group-products.ts";

type Answer = SolvedGroup | ConvertedGroup;
type Reply =
	| { answer: Answer }
	| {
			failed: {
				code: string;
				message: string;
				subject: string | undefined;
				remedy: string | undefined;
				blame: "input" | "operation";
			};
	  };

/**
 * Works on a group in a thread of its own, so that the process goes on with its heartbeats; the thread ends at once when told.
 * What it leaves then is a partial folder, which the next attempt removes.
 */
export async function inGroupThread<T extends Answer>(
	task: GroupTask,
	dataFolder: string,
	signal: AbortSignal,
): Promise<T> {
	signal.throwIfAborted();
	const file = import.meta.url.endsWith(".ts") ? "./group-thread.ts" : "./group-thread.js";
	const worker = new Worker(new URL(file, import.meta.url), { workerData: { task, dataFolder } });
	try {
		return await new Promise<T>((resolve, reject) => {
			signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
			worker.once("error", reject);
			worker.once("exit", (code) => reject(new Error(`the thread of group ${task.name} ended with code ${code}`)));
			worker.once("message", (reply: Reply) => {
				if ("answer" in reply) resolve(reply.answer as T);
				else {
					const { code, message, ...detail } = reply.failed;
					reject(new CausticError(code, message, detail as ConstructorParameters<typeof CausticError>[2]));
				}
			});
		});
	} finally {
		await worker.terminate();
	}
}
