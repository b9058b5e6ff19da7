import { type JobWithMetadata, PgBoss } from "pg-boss";
import { connectionOptions, type Database, type Queryable, type Transaction } from "../store/database.ts";

/** One queue for all stages: the run's graph says what may run, the queue who runs it. */
const QUEUE = "stage";

export interface UnitJob {
	runId: string;
	stage: string;
	unit: string;
	traceparent: string | undefined;
}

export type FetchedJob = Pick<JobWithMetadata<UnitJob>, "id" | "data" | "retryCount">;

/** Jobs on PostgreSQL: sent in the transaction that calls for them, fetched by any worker on any machine. */
export class StageQueue {
	readonly #boss: PgBoss;

	private constructor(boss: PgBoss) {
		this.#boss = boss;
	}

	static async open(database: Database, onError: (error: Error) => void): Promise<StageQueue> {
		const boss = new PgBoss({
			...(connectionOptions(database.target) as object),
			max: 3,
			migrate: false,
			schedule: false,
			supervise: true,
			application_name: "caustic-queue",
		});
		boss.on("error", onError);
		await boss.start();
		await boss.createQueue(QUEUE, {
			// A worker that dies is noticed by its heartbeat; one on this machine is noticed at once by its process id.
			heartbeatSeconds: 10,
			expireInSeconds: 3600,
			retryLimit: 20,
			retryDelay: 1,
			retryBackoff: true,
			retryDelayMax: 60,
		});
		return new StageQueue(boss);
	}

	/** Sends jobs in the given transaction; their ids in order. */
	async send(tx: Transaction, jobs: UnitJob[], priority = 0): Promise<string[]> {
		if (jobs.length === 0) return [];
		const ids = jobs.map(() => crypto.randomUUID());
		await this.#boss.insert(
			QUEUE,
			jobs.map((data, i) => ({ id: ids[i], data, priority })),
			{ db: tx },
		);
		return ids;
	}

	fetch(batchSize: number): Promise<FetchedJob[]> {
		return this.#boss.fetch<UnitJob>(QUEUE, { batchSize, includeMetadata: true });
	}

	/** Whether this attempt of the job was still ours to complete. */
	async complete(job: FetchedJob, tx?: Transaction): Promise<void> {
		await this.#boss.complete(
			QUEUE,
			{ id: job.id, retryCount: job.retryCount },
			undefined,
			tx === undefined ? {} : { db: tx },
		);
	}

	/** Gives the job back, to be tried again after a growing delay. */
	async giveBack(job: FetchedJob, reason: string): Promise<void> {
		await this.#boss.fail(QUEUE, { id: job.id, retryCount: job.retryCount }, { reason });
	}

	async heartbeat(job: FetchedJob): Promise<void> {
		await this.#boss.touch(QUEUE, { id: job.id, retryCount: job.retryCount });
	}

	/** Which of the jobs still wait for a worker. */
	async waiting(db: Queryable, ids: string[]): Promise<Set<string>> {
		const rows = await db.query<{ id: string }>(
			"waiting jobs",
			"SELECT id FROM pgboss.job WHERE name = $1 AND id = ANY($2::uuid[]) AND state IN ('created', 'retry')",
			[QUEUE, ids],
		);
		return new Set(rows.map((row) => row.id));
	}

	async discard(tx: Transaction, ids: string[]): Promise<void> {
		if (ids.length > 0) await this.#boss.deleteJob(QUEUE, ids, { db: tx });
	}

	async close(): Promise<void> {
		await this.#boss.stop({ graceful: false });
	}
}
