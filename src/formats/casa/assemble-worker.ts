import { parentPort, workerData } from "node:worker_threads";
import { CausticError } from "../../error.ts";
import { openVisibilities } from "../open-visibilities.ts";
import { Assembler, assembleRows, type SampleBuffers } from "./assemble-rows.ts";
import type { AssemblyMessage, AssemblyTask } from "./assemble-thread.ts";

/** Pieces under way at once: one being written, one waiting, one being read. */
const SLOTS = 3;

const port = parentPort;
if (port === null) throw new Error("this file is a thread's");
const send = (message: AssemblyMessage) => port.postMessage(message, []);

const free = Array.from({ length: SLOTS }, (_, slot) => slot);
const buffers: (SampleBuffers | undefined)[] = [];
let wake = () => {};
port.on("message", (slot: number) => {
	free.push(slot);
	wake();
});

let current = 0;
async function nextBuffers(samples: number): Promise<SampleBuffers> {
	while (free.length === 0) {
		await new Promise<void>((resolve) => {
			wake = resolve;
		});
	}
	current = free.shift() as number;
	let own = buffers[current];
	if (own === undefined || own.flags.length < samples) {
		own = {
			data: { DATA: new Float32Array(new SharedArrayBuffer(8 * samples)) },
			flags: new Uint8Array(new SharedArrayBuffer(samples)),
			weights: new Float32Array(new SharedArrayBuffer(4 * samples)),
		};
		buffers[current] = own;
	}
	return own;
}

try {
	const { paths, plan } = workerData as AssemblyTask;
	const set = openVisibilities(paths);
	const counts = { notFinite: 0 };
	for await (const rows of assembleRows(set, plan, new Assembler(set, ["DATA"], {}, nextBuffers), counts)) {
		send({ kind: "rows", slot: current, rows });
	}
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
} finally {
	port.close();
}
