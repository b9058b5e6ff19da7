import { readFileSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { cpus, loadavg, totalmem } from "node:os";
import { monitorEventLoopDelay } from "node:perf_hooks";

/** What the machine and this process used over time: columns of equal length. */
export interface ResourceColumns {
	/** Unix seconds. */
	time: number[];
	/** Share of all cores of the machine in use, 0..1. */
	cpu_machine: number[];
	/** Share of all cores that this process used, 0..1. */
	cpu_process: number[];
	/** Resident memory of this process, MB. */
	memory_process_mb: number[];
	/** Memory in use on the machine, MB. */
	memory_machine_mb: number[];
	/** 99th percentile of the delay of the event loop, ms. */
	event_loop_delay_ms: number[];
	/** Free in the data folder, MB. */
	disk_free_mb: number[];
	load: number[];
}

const EVERY_MS = 2000;
/** The delay is measured by a timer of this period, which is in every reading. */
const RESOLUTION_MS = 20;
const KEPT = 900;
const COLUMNS = [
	"time",
	"cpu_machine",
	"cpu_process",
	"memory_process_mb",
	"memory_machine_mb",
	"event_loop_delay_ms",
	"disk_free_mb",
	"load",
] as const;

const round = (value: number, digits: number) => Math.round(value * 10 ** digits) / 10 ** digits;

function memoryInUse(): number {
	try {
		const text = readFileSync("/proc/meminfo", "utf8");
		const of = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1]);
		const used = of("MemTotal") - of("MemAvailable");
		if (Number.isFinite(used)) return used / 1024;
	} catch {}
	return totalmem() / 2 ** 20;
}

/** Samples every two seconds, half an hour kept, for the dashboard. */
export class ResourceHistory {
	readonly #dataFolder: string;
	readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
	readonly #columns: ResourceColumns = Object.fromEntries(
		COLUMNS.map((name) => [name, []]),
	) as unknown as ResourceColumns;
	#timer: NodeJS.Timeout | undefined;
	#before = this.#clocks();

	constructor(dataFolder: string) {
		this.#dataFolder = dataFolder;
	}

	start(): void {
		this.#delay.enable();
		void this.#sample();
		this.#timer = setInterval(() => void this.#sample(), EVERY_MS);
		this.#timer.unref();
	}

	stop(): void {
		clearInterval(this.#timer);
		this.#delay.disable();
	}

	get columns(): ResourceColumns {
		return this.#columns;
	}

	#clocks() {
		let busy = 0;
		let all = 0;
		const cores = cpus();
		for (const { times } of cores) {
			const sum = times.user + times.nice + times.sys + times.irq + times.idle;
			all += sum;
			busy += sum - times.idle;
		}
		const own = process.cpuUsage();
		return { busy, all, cores: Math.max(1, cores.length), own: (own.user + own.system) / 1e3, at: performance.now() };
	}

	async #sample(): Promise<void> {
		const now = this.#clocks();
		const { busy, all, own, at } = this.#before;
		this.#before = now;
		let free = Number.NaN;
		try {
			const { bavail, bsize } = await statfs(this.#dataFolder);
			free = (bavail * bsize) / 2 ** 20;
		} catch {}
		const values: Record<(typeof COLUMNS)[number], number> = {
			time: round(Date.now() / 1000, 1),
			cpu_machine: now.all > all ? round((now.busy - busy) / (now.all - all), 4) : 0,
			cpu_process: round((now.own - own) / Math.max(1, now.at - at) / now.cores, 4),
			memory_process_mb: round(process.memoryUsage.rss() / 2 ** 20, 1),
			memory_machine_mb: round(memoryInUse(), 0),
			event_loop_delay_ms: round(Math.max(0, this.#delay.percentile(99) / 1e6 - RESOLUTION_MS), 1),
			disk_free_mb: round(free, 0),
			load: round(loadavg()[0], 2),
		};
		this.#delay.reset();
		for (const name of COLUMNS) {
			this.#columns[name].push(values[name]);
			if (this.#columns[name].length > KEPT) this.#columns[name].shift();
		}
	}
}
