/** Values that are kept for a time: the oldest go when there are too many, and nothing outlives its time. */
export class TtlCache<T> {
	readonly #entries = new Map<string, { value: T; until: number }>();
	readonly #most: number;
	readonly #now: () => number;

	/** @param now milliseconds of a clock that never goes back */
	constructor(most: number, now: () => number = () => performance.now()) {
		this.#most = most;
		this.#now = now;
	}

	get(key: string): T | undefined {
		const entry = this.#entries.get(key);
		if (entry === undefined) return undefined;
		if (this.#now() < entry.until) return entry.value;
		this.#entries.delete(key);
		return undefined;
	}

	set(key: string, value: T, ttlSeconds: number): void {
		this.#entries.delete(key);
		this.#entries.set(key, { value, until: this.#now() + ttlSeconds * 1000 });
		const oldest = this.#entries.keys();
		while (this.#entries.size > this.#most) this.#entries.delete(oldest.next().value as string);
	}
}
