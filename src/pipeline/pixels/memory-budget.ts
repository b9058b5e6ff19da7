import { failure } from "../../error.ts";

interface Waiting {
	bytes: number;
	begin: () => void;
}

/**
 * Bounds the memory of images in work: what does not fit waits its turn, first come first served, and what is kept for
 * later is given up first.
 */
export class MemoryBudget {
	readonly limit: number;
	readonly #giveUp: (bytes: number) => number;
	readonly #waiting: Waiting[] = [];
	#used = 0;

	/** `giveUp` lets go of kept memory until so many bytes are free, as far as it can; the bytes that it freed. */
	constructor(limit: number, giveUp: (bytes: number) => number) {
		this.limit = limit;
		this.#giveUp = giveUp;
	}

	get used(): number {
		return this.#used;
	}

	/**
	 * Waits until so many bytes may be used.
	 * @throws CausticError `memory-limit` when they never may.
	 */
	async take(bytes: number, subject: string): Promise<void> {
		if (bytes > this.limit) {
			const megabytes = (value: number) => Math.ceil(value / 1e6);
			throw failure(
				"memory-limit",
				`needs ${megabytes(bytes)} MB for its pixels, ${megabytes(this.limit)} MB are allowed`,
				{
					subject,
					remedy: `Raise photometry_pipeline.memory_limit_mb to ${megabytes(bytes)} or more`,
				},
			);
		}
		if (this.#waiting.length === 0 && this.#fits(bytes)) {
			this.#used += bytes;
			return;
		}
		await new Promise<void>((resolve) => this.#waiting.push({ bytes, begin: resolve }));
	}

	release(bytes: number): void {
		this.#used -= bytes;
		while (this.#waiting.length > 0 && this.#fits(this.#waiting[0].bytes)) {
			const next = this.#waiting.shift() as Waiting;
			this.#used += next.bytes;
			next.begin();
		}
	}

	#fits(bytes: number): boolean {
		const lacking = this.#used + bytes - this.limit;
		if (lacking > 0) this.#used -= this.#giveUp(lacking);
		return this.#used + bytes <= this.limit;
	}
}
