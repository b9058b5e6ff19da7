import { readFileSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { freemem } from "node:os";
import type { Config } from "../config/schema.ts";
import { CausticError } from "../error.ts";
import { MIGRATIONS } from "../store/migrate.ts";
import type { DatabaseProbe } from "../store/probe.ts";

export const COMPONENTS = ["database", "schema", "disk", "memory", "ese-detection"] as const;
export type Component = (typeof COMPONENTS)[number];

/** Without these nothing can be served; the others say that a part is unwell. */
const NEEDED: readonly Component[] = ["database", "schema", "disk", "memory"];

export type HealthStatus = "pass" | "warn" | "fail";

/** How one part is, after the health-check response format for HTTP APIs (draft-inadarei-api-health-check). */
export interface ComponentHealth {
	status: HealthStatus;
	/** What was found, for a person. */
	output: string;
	observedValue?: number | undefined;
	observedUnit?: string | undefined;
	/** When it was found out. */
	time: string;
}

export interface OverallHealth {
	status: HealthStatus;
	checks: Record<Component, ComponentHealth>;
}

type Finding = Omit<ComponentHealth, "time">;

/** A finding this young is given again without looking. */
const FRESH_MS = 300;

/** For so long after a look that overran its time, nobody else is kept waiting for the next one. */
const OVERDUE_MS = 2000;

const megabytes = (bytes: number) => Math.floor(bytes / 2 ** 20);

/** Memory that a new allocation could have, bytes: caches the kernel would give back included. */
function availableMemory(): number {
	try {
		const match = /^MemAvailable:\s+(\d+) kB/m.exec(readFileSync("/proc/meminfo", "utf8"));
		if (match !== null) return Number(match[1]) * 1024;
	} catch {}
	return freemem();
}

/**
 * Looks after the parts that the service stands on. Every answer comes within the configured time even when the part
 * it asks about hangs: a look that is still going on is never begun a second time, and one that overran its time is
 * reported at once as failed until it ends.
 */
export class Health {
	readonly #probe: DatabaseProbe;
	readonly #config: Config;
	readonly #dataFolder: string;
	readonly #last = new Map<Component, { at: number; health: ComponentHealth }>();
	readonly #going = new Map<Component, { since: number; look: Promise<ComponentHealth> }>();
	readonly #overdue = new Map<Component, { at: number; health: ComponentHealth }>();

	constructor(probe: DatabaseProbe, config: Config, dataFolder: string) {
		this.#probe = probe;
		this.#config = config;
		this.#dataFolder = dataFolder;
	}

	async check(component: Component): Promise<ComponentHealth> {
		const last = this.#last.get(component);
		if (last !== undefined && performance.now() - last.at < FRESH_MS && last.health.status !== "fail")
			return last.health;
		const limit = this.#config.service.health_timeout_ms;
		let going = this.#going.get(component);
		if (going === undefined) {
			going = { since: performance.now(), look: this.#look(component) };
			this.#going.set(component, going);
		}
		const now = performance.now();
		const late = this.#overdue.get(component);
		if (late !== undefined && now - late.at < OVERDUE_MS) return late.health;
		const left = limit - (now - going.since);
		let timer: NodeJS.Timeout | undefined;
		const overdue = new Promise<ComponentHealth>((resolve) => {
			const giveUp = () => {
				const output = `no answer within ${limit} ms`;
				const health: ComponentHealth = { status: "fail", output, time: new Date().toISOString() };
				this.#overdue.set(component, { at: performance.now(), health });
				resolve(health);
			};
			// An answer that has come while this process was busy counts: it is read before the immediate runs.
			timer = setTimeout(() => setImmediate(giveUp), Math.max(0, left));
		});
		try {
			return await Promise.race([going.look, overdue]);
		} finally {
			clearTimeout(timer);
		}
	}

	async all(): Promise<OverallHealth> {
		const found = await Promise.all(COMPONENTS.map(async (name) => [name, await this.check(name)] as const));
		const checks = Object.fromEntries(found) as Record<Component, ComponentHealth>;
		const failed = NEEDED.some((name) => checks[name].status === "fail");
		const unwell = COMPONENTS.some((name) => checks[name].status !== "pass");
		return { status: failed ? "fail" : unwell ? "warn" : "pass", checks };
	}

	async #look(component: Component): Promise<ComponentHealth> {
		const begun = performance.now();
		let finding: Finding;
		try {
			finding = await this.#find(component);
		} catch (error) {
			const output = error instanceof CausticError ? error.message : ((error as Error)?.message ?? String(error));
			finding = { status: "fail", output };
		}
		const health = { ...finding, time: new Date().toISOString() };
		// A failure that took long to find is what the next who ask are told at once.
		const isSlow = performance.now() - begun > this.#config.service.health_timeout_ms / 2;
		if (health.status !== "fail") this.#overdue.delete(component);
		else if (isSlow) this.#overdue.set(component, { at: performance.now(), health });
		this.#last.set(component, { at: performance.now(), health });
		this.#going.delete(component);
		return health;
	}

	#find(component: Component): Promise<Finding> {
		switch (component) {
			case "database":
				return this.#findDatabase();
			case "schema":
				return this.#findSchema();
			case "disk":
				return this.#findDisk();
			case "memory":
				return Promise.resolve(this.#findMemory());
			case "ese-detection":
				return this.#findDetection();
		}
	}

	async #findDatabase(): Promise<Finding> {
		const begun = performance.now();
		await this.#probe.query("SELECT 1");
		const took = Math.round(10 * (performance.now() - begun)) / 10;
		return { status: "pass", output: "answers", observedValue: took, observedUnit: "ms" };
	}

	/** The database's own finding first: when it hangs, nobody else need wait for it in turn. */
	async #askDatabase<T>(text: string): Promise<T[]> {
		const database = await this.check("database");
		if (database.status === "fail") throw new Error(`the database fails: ${database.output}`);
		return this.#probe.query<T>(text);
	}

	async #findSchema(): Promise<Finding> {
		const wanted = MIGRATIONS[MIGRATIONS.length - 1].version;
		const [{ present }] = await this.#askDatabase<{ present: boolean }>(
			"SELECT to_regclass('schema_migration') IS NOT NULL AS present",
		);
		if (!present) return { status: "fail", output: "there are no tables yet" };
		const [row] = await this.#askDatabase<{ version: number; missing: string | null }>(
			`SELECT (SELECT max(version) FROM schema_migration) AS version,
			 (SELECT string_agg(name, ', ') FROM unnest(ARRAY['image', 'source', 'measurement', 'light_curve_state', 'candidate', 'candidate_event',
			 'run', 'stage_run', 'event', 'dead_letter']) AS name WHERE to_regclass(name) IS NULL) AS missing`,
		);
		if (row.missing !== null) return { status: "fail", output: `tables are missing: ${row.missing}` };
		const state = { observedValue: row.version, observedUnit: "version" };
		if (row.version < wanted)
			return { status: "fail", output: `version ${wanted} is needed: caustic db upgrade`, ...state };
		if (row.version > wanted)
			return { status: "warn", output: `newer than this program, which knows ${wanted}`, ...state };
		return { status: "pass", output: "up to date", ...state };
	}

	async #findDisk(): Promise<Finding> {
		const { bavail, bsize } = await statfs(this.#dataFolder);
		const free = megabytes(bavail * bsize);
		const least = this.#config.service.disk_free_min_mb;
		const found = { observedValue: free, observedUnit: "MB" };
		if (free < least) return { status: "fail", output: `less than ${least} MB free in the data folder`, ...found };
		return free < 4 * least
			? { status: "warn", output: "little is free in the data folder", ...found }
			: { status: "pass", output: "free in the data folder", ...found };
	}

	#findMemory(): Finding {
		const free = megabytes(availableMemory());
		const least = this.#config.service.memory_free_min_mb;
		const found = { observedValue: free, observedUnit: "MB" };
		return free < least
			? { status: "fail", output: `less than ${least} MB available`, ...found }
			: { status: "pass", output: "available", ...found };
	}

	/** Whether detection works is told by when it last succeeded, not by its tables being there. */
	async #findDetection(): Promise<Finding> {
		const limit = this.#config.ese_detection.freshness_hours;
		const [{ missing }] = await this.#askDatabase<{ missing: string | null }>(
			`SELECT string_agg(name, ', ') AS missing FROM unnest(ARRAY['measurement', 'light_curve_state', 'source_score', 'candidate', 'candidate_event',
			 'stage_run']) AS name WHERE to_regclass(name) IS NULL`,
		);
		if (missing !== null) return { status: "fail", output: `tables are missing: ${missing}` };
		const [row] = await this.#askDatabase<{ success_hours: number | null; failed_since: boolean | null }>(
			`SELECT extract(epoch FROM now() - max(finished_at) FILTER (WHERE status = 'done'))::float8 / 3600 AS success_hours,
			 max(finished_at) FILTER (WHERE status = 'failed') > max(finished_at) FILTER (WHERE status = 'done') AS failed_since
			 FROM stage_run WHERE stage IN ('detect', 'detect-requested')`,
		);
		if (!this.#config.ese_detection.enabled) return { status: "pass", output: "switched off by configuration" };
		if (row.success_hours === null) return { status: "warn", output: "has not run yet" };
		const found = { observedValue: Math.round(100 * row.success_hours) / 100, observedUnit: "h" };
		if (row.success_hours > limit) return { status: "fail", output: `last success is older than ${limit} h`, ...found };
		return row.failed_since === true
			? { status: "warn", output: "has failed since its last success", ...found }
			: { status: "pass", output: "since its last success", ...found };
	}
}
