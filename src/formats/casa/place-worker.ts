import { parentPort } from "node:worker_threads";
import { CausticError } from "../../error.ts";
import { WindowReader } from "../uvh5/window-reader.ts";
import { placePieces, type SetCorrector } from "./place-rows.ts";
import type { PlacingMessage, PlacingOrder } from "./place-thread.ts";

const port = parentPort;
if (port === null) throw new Error("this file is a thread's");
const send = (message: PlacingMessage) => port.postMessage(message, []);

/** What calibrates; only then is all that it takes loaded. */
async function correctingOf({ paths, task, earthOrientation }: PlacingOrder): Promise<SetCorrector | undefined> {
	if (task.correction === undefined) return undefined;
	const { useEarthOrientation } = await import("../../sky/earth-orientation.ts");
	const { openUvh5 } = await import("../uvh5/read.ts");
	const { correctorFor } = await import("./correction.ts");
	useEarthOrientation(earthOrientation);
	const set = openUvh5(paths);
	return { set, corrector: await correctorFor(set, task.correction) };
}

port.once("message", async (order: PlacingOrder) => {
	try {
		const { task } = order;
		const correcting = await correctingOf(order);
		const reader = new WindowReader(task.portable);
		const windows = task.windows.map((_, i) => i);
		for (const _ of placePieces(reader, windows, task, correcting));
		reader.close();
		correcting?.set.close();
		send({ kind: "end", counts: correcting?.corrector.counts() ?? {} });
	} catch (error) {
		const { code, message, subject, remedy, blame } =
			error instanceof CausticError
				? error
				: {
						code: "unexpected",
						message: String(error),
						subject: undefined,
						remedy: undefined,
						blame: "operation" as const,
					};
		send({ kind: "error", code, message, subject, remedy, blame });
	}
});
