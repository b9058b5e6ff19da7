import type { Config } from "../config/schema.ts";
import type { Logger } from "../observability/log.ts";
import type { Database, Queryable, Row, Transaction } from "../store/database.ts";
import type { Run } from "../store/runs.ts";
import type { PixelPool } from "./pixels/pool.ts";

/** What every stage may use. */
export interface StageContext {
	database: Database;
	config: Config;
	/** Hash of the settings that decide the numbers: part of a measurement's key. */
	configurationHash: string;
	dataFolder: string;
	log: Logger;
	/** Threads that read images and work on pixels. */
	pixels: PixelPool;
	signal: AbortSignal;
}

/** What a unit of a stage leaves: counts for people, and the one short transaction that stores the result. */
export interface StageResult {
	output: Row;
	/** Runs in the transaction that marks the unit done. Everything slow has been done before. */
	store(tx: Transaction): Promise<void>;
}

/**
 * A step of the pipeline: loads, calls science, stores. Work is cut into units that do not depend on one another and
 * may run in any order, on any worker, with the same result.
 */
export interface Stage {
	name: string;
	/** Stages whose units must all have ended before. */
	after: string[];
	/** Switched off by configuration: it has no units then. */
	enabled(config: Config): boolean;
	/** The units of a run, once the stages before have ended. */
	units(db: Queryable, run: Run, config: Config): Promise<string[]>;
	execute(context: StageContext, run: Run, unit: string): Promise<StageResult>;
	/**
	 * What a unit that failed for good means: `reject` drops the unit's input (dead letter) and goes on,
	 * `abort` ends the run as failed.
	 */
	onFailure: "reject" | "abort";
	/** The input that a unit stands for, for people: a path rather than an id. */
	subjectOf?(db: Queryable, unit: string): Promise<string>;
}

/** The path of the image that a unit stands for. */
export async function imagePathOf(db: Queryable, unit: string): Promise<string> {
	const [row] = await db.query<{ path: string }>("image path", "SELECT path FROM image WHERE id = $1", [Number(unit)]);
	return row?.path ?? `image ${unit}`;
}
