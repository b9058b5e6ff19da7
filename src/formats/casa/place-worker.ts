import { parentPort, workerData } from "node:worker_threads";
import { CausticError } from "../../error.ts";
import { useEarthOrientation } from "../../sky/earth-orientation.ts";
import { openUvh5 } from "../uvh5/read.ts";
import { placePieces } from "./place-rows.ts";
import type { PlacingMessage, PlacingOrder } from "./place-thread.ts";

const port = parentPort;
if (port === null) throw new Error("this file is a thread's");
const send = (message: PlacingMessage) => port.postMessage(message, []);

try {
	const { paths, task, earthOrientation } = workerData as PlacingOrder;
	useEarthOrientation(earthOrientation);
	const set = openUvh5(paths);
	for (const _ of placePieces(set, task));
	set.close();
	send({ kind: "end" });
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
