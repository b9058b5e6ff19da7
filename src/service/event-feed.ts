import { failure } from "../error.ts";
import type { Logger } from "../observability/log.ts";
import type { Database } from "../store/database.ts";
import { type EventType, readEvents, type StoredEvent } from "../store/events.ts";

const POLL_MS = 400;
const MOST_READERS = 100;
const BATCH = 200;

/**
 * Follows the outbox for any number of readers. One look at the table serves them all; each reader then reads from its
 * own place, so that a slow one holds up nobody and one that comes back with the last number it saw misses nothing.
 */
export class EventFeed {
	readonly #database: Database;
	readonly #log: Logger;
	readonly #waiting = new Set<() => void>();
	#readers = 0;
	#timer: NodeJS.Timeout | undefined;
	#tip = 0;
	#closed = false;

	constructor(database: Database, log: Logger) {
		this.#database = database;
		this.#log = log;
	}

	/** Number of the newest event that may be read. */
	async newest(): Promise<number> {
		const [row] = await this.#database.query<{ seq: number | null }>(
			"newest event",
			"SELECT max(seq) AS seq FROM event WHERE transaction_id < pg_snapshot_xmin(pg_current_snapshot())",
		);
		return row.seq ?? 0;
	}

	/**
	 * Events after `afterSeq`, then those that come, until the signal. An empty batch comes from time to time: a sign of
	 * life to pass on.
	 *
	 * @throws CausticError `too-many-streams`
	 */
	async *follow(
		afterSeq: number,
		types: readonly EventType[] | undefined,
		signal: AbortSignal,
		lifeSignMs = 15_000,
	): AsyncGenerator<StoredEvent[]> {
		if (this.#readers >= MOST_READERS) {
			throw failure("too-many-streams", `${MOST_READERS} readers follow the events already`, {
				remedy: "Close one, or try again later",
			});
		}
		this.#readers += 1;
		this.#begin();
		try {
			let after = afterSeq;
			while (!signal.aborted && !this.#closed) {
				const events = await readEvents(this.#database, after, BATCH, types);
				if (events.length > 0) {
					after = events[events.length - 1].seq;
					yield events;
				} else if (!(await this.#news(signal, lifeSignMs))) yield [];
			}
		} finally {
			this.#readers -= 1;
		}
	}

	/** Waits until the table has grown (true), or for the given time (false). */
	#news(signal: AbortSignal, ms: number): Promise<boolean> {
		return new Promise((resolve) => {
			const end = (grown: boolean) => {
				clearTimeout(timer);
				this.#waiting.delete(wake);
				signal.removeEventListener("abort", stop);
				resolve(grown);
			};
			const wake = () => end(true);
			const stop = () => end(true);
			const timer = setTimeout(() => end(false), ms);
			this.#waiting.add(wake);
			signal.addEventListener("abort", stop, { once: true });
			if (signal.aborted || this.#closed) stop();
		});
	}

	#begin(): void {
		if (this.#timer !== undefined || this.#closed) return;
		const look = async () => {
			try {
				const newest = await this.newest();
				if (newest !== this.#tip) {
					this.#tip = newest;
					for (const wake of this.#waiting) wake();
				}
			} catch (error) {
				this.#log.warn({ error: (error as Error).message }, "events_away");
			}
			this.#timer = this.#readers > 0 && !this.#closed ? setTimeout(() => void look(), POLL_MS) : undefined;
		};
		this.#timer = setTimeout(() => void look(), 0);
	}

	close(): void {
		this.#closed = true;
		clearTimeout(this.#timer);
		for (const wake of this.#waiting) wake();
	}
}
