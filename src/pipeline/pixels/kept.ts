import * as metrics from "../../observability/metrics.ts";

interface Entry<V> {
	value: V;
	bytes: number;
	/** In use by so many: not given up. */
	users: number;
	touched: number;
}

/**
 * Values kept for another use, the least recently used given up first. Requests are counted as hits and misses of the
 * cache's name.
 */
export class Kept<V> {
	readonly #name: string;
	readonly #mostBytes: number;
	readonly #entries = new Map<string, Entry<V>>();
	#bytes = 0;

	constructor(name: string, mostBytes: number) {
		this.#name = name;
		this.#mostBytes = mostBytes;
	}

	/** The value, held until it is let go of. */
	hold(key: string): V | undefined {
		const entry = this.#entries.get(key);
		metrics.countCacheRequest(this.#name, entry !== undefined);
		if (entry === undefined) return undefined;
		entry.users++;
		entry.touched = performance.now();
		this.#entries.delete(key);
		this.#entries.set(key, entry);
		return entry.value;
	}

	letGo(key: string): void {
		const entry = this.#entries.get(key);
		if (entry !== undefined) entry.users--;
	}

	/** Keeps a value unless it is there already or too large; whether it was kept. */
	keep(key: string, value: V, bytes: number): boolean {
		if (this.#entries.has(key) || !this.hasRoomFor(bytes)) return false;
		this.#entries.set(key, { value, bytes, users: 0, touched: performance.now() });
		this.#bytes += bytes;
		return true;
	}

	/** Whether a value of this size could be kept at all. */
	hasRoomFor(bytes: number): boolean {
		return bytes <= this.#mostBytes;
	}

	/** How far the kept values exceed their share of memory. */
	get excess(): number {
		return Math.max(0, this.#bytes - this.#mostBytes);
	}

	/** Gives up unused values until so many bytes are free, or none is left; the bytes freed. */
	giveUp(bytes: number): number {
		return this.#drop((_, freed) => freed < bytes);
	}

	/** Gives up what has not been asked for in so long; the bytes freed. */
	giveUpOlder(milliseconds: number): number {
		const before = performance.now() - milliseconds;
		return this.#drop((entry) => entry.touched < before);
	}

	#drop(wanted: (entry: Entry<V>, freed: number) => boolean): number {
		let freed = 0;
		for (const [key, entry] of this.#entries) {
			if (entry.users > 0 || !wanted(entry, freed)) continue;
			this.#entries.delete(key);
			freed += entry.bytes;
		}
		this.#bytes -= freed;
		return freed;
	}
}
