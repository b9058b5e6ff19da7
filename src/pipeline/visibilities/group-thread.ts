import { parentPort, workerData } from "node:worker_threads";
import { CausticError } from "../../error.ts";
import { loadEarthOrientation } from "../../formats/earth-orientation-store.ts";
import { convertGroup, type GroupTask, solveGroup } from "./group-products.ts";

const { task, dataFolder } = workerData as { task: GroupTask; dataFolder: string };
try {
	loadEarthOrientation(dataFolder);
	const answer = task.step === "solve" ? await solveGroup(task) : await convertGroup(task);
	parentPort?.postMessage({ answer }, []);
} catch (error) {
	if (!(error instanceof CausticError)) throw error;
	// Classes do not survive the way between threads.
	const { code, message, subject, remedy, blame } = error;
	parentPort?.postMessage({ failed: { code, message, subject, remedy, blame } }, []);
}
