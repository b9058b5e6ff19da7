/**
 * Damages HDF5, UVH5, casacore tables, MeasurementSets, calibration tables and UVFITS files in many ways and reads them:
 *
 *     node tools/fuzz-visibilities.ts --cases 100000 --seed 1
 *
 * Every case must end in a reading or in an error that names the file, within ten seconds and without any one array
 * larger than 64 MB (the files are smaller than 200 kB). A fault is printed with its case; `--from N --cases 1` repeats it.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { DamagedReadings } from "../test/damage/damaged-readings.ts";
import { goodFiles } from "../test/damage/good-files.ts";

const LIMIT_MS = 10_000;
const LIMIT_BYTES = 64 << 20;

interface Report {
	cases: number;
	readings: number;
	errors: number;
	codes: Record<string, number>;
	kinds: Record<string, number>;
	slowestMs: number;
	largestBytes: number;
	faults: string[];
}

interface Task {
	seed: number;
	from: number;
	to: number;
	/** The case in work, for whoever watches. */
	current: Int32Array;
}

/** Notes the largest array that is asked for, and refuses absurd ones before they are made. */
function watchAllocations(): { largest: number } {
	const noted = { largest: 0 };
	const names = [
		"Uint8Array",
		"Int8Array",
		"Int16Array",
		"Uint16Array",
		"Int32Array",
		"Uint32Array",
		"Float32Array",
		"Float64Array",
		"BigInt64Array",
		"BigUint64Array",
		"ArrayBuffer",
		"SharedArrayBuffer",
	] as const;
	for (const name of names) {
		const original = globalThis[name] as unknown as { new (...args: unknown[]): object; BYTES_PER_ELEMENT?: number };
		const width = original.BYTES_PER_ELEMENT ?? 1;
		const watched = new Proxy(original, {
			construct(target, args, newTarget) {
				if (typeof args[0] === "number") {
					noted.largest = Math.max(noted.largest, args[0] * width);
					if (args[0] * width > LIMIT_BYTES) throw new RangeError(`${name} of ${args[0]} elements`);
				}
				return Reflect.construct(target, args, newTarget) as object;
			},
		});
		(globalThis as unknown as Record<string, unknown>)[name] = watched;
	}
	return noted;
}

async function work({ seed, from, to, current }: Task): Promise<Report> {
	const root = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "caustic-fuzz-"));
	try {
		const scratch = join(root, "good");
		mkdirSync(scratch);
		const files = await goodFiles(scratch);
		const readings = new DamagedReadings(files, root, seed);
		await readings.undamaged();
		const noted = watchAllocations();
		const report: Report = {
			cases: 0,
			readings: 0,
			errors: 0,
			codes: {},
			kinds: {},
			slowestMs: 0,
			largestBytes: 0,
			faults: [],
		};
		for (let number = from; number < to; number++) {
			Atomics.store(current, 0, number);
			const reading = await readings.read(number);
			report.cases++;
			report.kinds[reading.kind] = (report.kinds[reading.kind] ?? 0) + 1;
			if (reading.codes.length === 0) report.readings++;
			else report.errors++;
			for (const code of reading.codes) report.codes[code] = (report.codes[code] ?? 0) + 1;
			report.slowestMs = Math.max(report.slowestMs, reading.ms);
			if (reading.fault !== undefined && report.faults.length < 40) {
				report.faults.push(`case ${number} (${reading.name} ${reading.part}): ${reading.fault}`);
			}
		}
		report.largestBytes = noted.largest;
		return report;
	} finally {
		rmSync(root, { recursive: true, force: true });
	}
}

async function inThread(task: Omit<Task, "current">): Promise<Report> {
	const current = new Int32Array(new SharedArrayBuffer(4)).fill(-1);
	const worker = new Worker(new URL(import.meta.url), { workerData: { ...task, current } });
	return new Promise((resolve, reject) => {
		let last = -1;
		let since = performance.now();
		const watch = setInterval(() => {
			const now = Atomics.load(current, 0);
			if (now !== last) [last, since] = [now, performance.now()];
			// Making the good files takes a while too.
			else if (now >= 0 && performance.now() - since > LIMIT_MS) {
				clearInterval(watch);
				void worker.terminate();
				reject(new Error(`case ${now} did not end within ${LIMIT_MS / 1000} s`));
			}
		}, 500);
		worker.once("message", (report: Report) => {
			clearInterval(watch);
			resolve(report);
		});
		worker.once("error", (error) => {
			clearInterval(watch);
			reject(new Error(`case ${Atomics.load(current, 0)} ended the thread: ${String(error)}`));
		});
	});
}

if (isMainThread) {
	const { values } = parseArgs({
		options: {
			cases: { type: "string", default: "100000" },
			seed: { type: "string", default: `${Math.floor(Date.now() / 1000) % 1_000_000}` },
			from: { type: "string", default: "0" },
			threads: { type: "string", default: "2" },
		},
	});
	const [cases, seed, from, threads] = [values.cases, values.seed, values.from, values.threads].map(Number);
	process.stdout.write(`${cases} damaged files from case ${from}, seed ${seed}\n`);
	const begun = performance.now();
	const each = Math.ceil(cases / threads);
	const tasks = Array.from({ length: threads }, (_, t) => ({
		seed,
		from: from + t * each,
		to: from + Math.min(cases, (t + 1) * each),
	}));
	const results = await Promise.allSettled(tasks.filter((task) => task.to > task.from).map(inThread));
	const faults: string[] = [];
	const total = { cases: 0, readings: 0, errors: 0, slowestMs: 0, largestBytes: 0 };
	const [codes, kinds] = [new Map<string, number>(), new Map<string, number>()];
	for (const result of results) {
		if (result.status === "rejected") {
			faults.push(String(result.reason));
			continue;
		}
		const report = result.value;
		faults.push(...report.faults);
		total.cases += report.cases;
		total.readings += report.readings;
		total.errors += report.errors;
		total.slowestMs = Math.max(total.slowestMs, report.slowestMs);
		total.largestBytes = Math.max(total.largestBytes, report.largestBytes);
		for (const [code, n] of Object.entries(report.codes)) codes.set(code, (codes.get(code) ?? 0) + n);
		for (const [kind, n] of Object.entries(report.kinds)) kinds.set(kind, (kinds.get(kind) ?? 0) + n);
	}
	const listed = (map: Map<string, number>) => [...map].map(([name, n]) => `${name} ${n}`).join(", ");
	process.stdout.write(
		[
			`${total.cases} cases in ${((performance.now() - begun) / 1000).toFixed(0)} s: ${listed(kinds)}`,
			`${total.readings} read, ${total.errors} refused: ${listed(codes)}`,
			`slowest ${total.slowestMs.toFixed(0)} ms, largest array ${(total.largestBytes / 1e6).toFixed(1)} MB, ${faults.length} faults`,
			...faults,
			"",
		].join("\n"),
	);
	process.exitCode = faults.length === 0 && total.cases === cases ? 0 : 1;
} else {
	parentPort?.postMessage(await work(workerData as Task), []);
}
