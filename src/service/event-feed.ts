import { failure } from "../error.ts";
import type { Logger } from "../observability/log.ts";
import type { Database } from "../store/database.ts";
import {
	type EventPlace,
	type EventType,
	newestPlace,
	placeOf,
	readEvents,
	type StoredEvent,
} from "../store/events.ts";

const POLL_MS = 400;
const MOST_READERS = 100;
const BATCH = 200;

/**
 * Follows the outbox for any number of readers. One look at the table serves them all; each reader then reads from its
 * own place, so that a slow one holds up nobody and one that comes back with the last place it saw misses nothing.
 */
export class EventFeed {
	readonly #database: Database;
	readonly #log: Logger;
	readonly #waiting = new Set<() => void>();
	#readers = 0;
	#timer: NodeJS.Timeout | undefined;
	#tip: EventPlace = "";
	#closed = false;

	constructor(database: Database, log: Logger) {
		this.#database = database;
		this.#log = log;
	}

	newest(): Promise<EventPlace> {
		return newestPlace(this.#database);
	}

	/**
	 * Events after a place, then those that come, until the signal. An empty batch comes from time to time: a sign of
	 * life to pass on.
	 *
	 * @throws CausticError `too-many-streams`
	 */
	async *follow(
		from: EventPlace,
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
			let after = from;
			while (!signal.aborted && !this.#closed) {
				const tip = this.#tip;
				const events = await readEvents(this.#database, after, BATCH, types);
				if (events.length > 0) {
					after = placeOf(events[events.length - 1]);
					yield events;
				} else if (!(await this.#news(tip, signal, lifeSignMs))) yield [];
			}
		} finally {
			this.#readers -= 1;
		}
	}

	/** Waits until the table has grown beyond `tip` (true), or for the given time (false). */
	#news(tip: EventPlace, signal: AbortSignal, ms: number): Promise<boolean> {
		return new Promise((resolve) => {
			const end = (grown: boolean) => {
				clearTimeout(timer);
				this.#waiting.delete(wake);
				signal.removeEventListener("abort", wake);
				resolve(grown);
			};
			const wake = () => end(true);
			const timer = setTimeout(() => end(false), ms);
			this.#waiting.add(wake);
			signal.addEventListener("abort", wake, { once: true });
			// What came while the reader was reading was announced to nobody.
			if (this.#tip !== tip || signal.aborted || this.#closed) wake();
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
