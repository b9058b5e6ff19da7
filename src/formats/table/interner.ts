const SLOTS = 1 << 15;
/** Longer texts are hardly identifiers that repeat. */
const LONGEST = 64;

/** Strings by their bytes, so that an identifier repeated a million times is decoded once and kept once. */
export class Interner {
	private readonly kept: (string | undefined)[] = new Array(SLOTS);

	/** The text in bytes [from, to), UTF-8. */
	get(bytes: Buffer, from: number, to: number): string {
		const length = to - from;
		if (length > LONGEST) return bytes.toString("utf8", from, to);
		let hash = 2166136261;
		for (let i = from; i < to; i++) hash = Math.imul(hash ^ bytes[i], 16777619);
		const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
		const known = this.kept[slot];
		if (known !== undefined && known.length === length) {
			let i = 0;
			while (i < length && known.charCodeAt(i) === bytes[from + i] && bytes[from + i] < 128) i += 1;
			if (i === length) return known;
		}
		const text = bytes.toString("utf8", from, to);
		this.kept[slot] = text;
		return text;
	}
}
