import { parentPort, workerData } from "node:worker_threads";
import { CausticError } from "../../error.ts";
import { useEarthOrientation } from "../../sky/earth-orientation.ts";
import { openUvh5 } from "../uvh5/read.ts";
import { correctorFor } from "./correction.ts";
import { placePieces } from "./place-rows.ts";
import type { PlacingMessage, PlacingOrder } from "./place-thread.ts";

const port = parentPort;
if (port === null) throw new Error("this file is a thread's");
const send = (message: PlacingMessage) => port.postMessage(message, []);

try {
	const { paths, task, earthOrientation } = workerData as PlacingOrder;
	useEarthOrientation(earthOrientation);
	const set = openUvh5(paths);
	const corrector = task.correction === undefined ? undefined : await correctorFor(set, task.correction);
	for (const _ of placePieces(set, task, corrector));
	set.close();
	send({ kind: "end", counts: corrector?.counts() ?? {} });
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
