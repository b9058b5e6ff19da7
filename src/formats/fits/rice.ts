/** What Rice coding of the FITS standard needs to know: bytes per integer and integers per block. */
export interface RiceParameters {
	bytes: 1 | 2 | 4;
	block: number;
}

/** Bits of the code that says how many low bits a block keeps, and its value for "not compressed", by bytes. */
const CODE: Record<RiceParameters["bytes"], [bits: number, verbatim: number]> = { 1: [3, 6], 2: [4, 14], 4: [5, 25] };

/**
 * Decodes integers compressed by RICE_1 (FITS standard 4.0, section 10.4.1): differences of neighbours, folded to be
 * positive, each block split into low bits as they are and high bits in unary.
 * @returns whether the data were long enough
 */
export function decodeRice(data: Uint8Array, { bytes, block }: RiceParameters, out: Int32Array): boolean {
	const width = 8 * bytes;
	const [codeBits, verbatim] = CODE[bytes];
	const length = data.length;
	if (length < bytes) return false;
	let at = bytes;
	let last = 0;
	for (let i = 0; i < bytes; i++) last = (last << 8) | data[i];
	/** The next bits, right-aligned: `held` of them. */
	let bits = 0;
	let held = 0;
	const take = (count: number): number => {
		// At most 7 bits are held here and at most 24 are asked for, so that all fit 32.
		while (held < count) {
			if (at >= length) {
				at += 1;
				bits <<= 8;
			} else bits = (bits << 8) | data[at++];
			held += 8;
		}
		held -= count;
		const value = bits >>> held;
		bits &= (1 << held) - 1;
		return value;
	};
	for (let i = 0; i < out.length; ) {
		const end = Math.min(i + block, out.length);
		const code = take(codeBits) - 1;
		if (at > length + 4) return false;
		if (code < 0) {
			out.fill(last, i, end);
			i = end;
		} else if (code >= verbatim) {
			for (; i < end; i++) {
				const folded = width === 32 ? ((take(16) << 16) | take(16)) >>> 0 : take(width);
				last = (last + unfold(folded)) | 0;
				out[i] = last;
			}
		} else {
			for (; i < end; i++) {
				let high = 0;
				while (bits === 0) {
					high += held;
					if (at >= length) return false;
					bits = data[at++];
					held = 8;
				}
				const zeros = held - (32 - Math.clz32(bits));
				high += zeros;
				held -= zeros + 1;
				bits &= (1 << held) - 1;
				const folded = (high << code) | (code === 0 ? 0 : take(code));
				last = (last + unfold(folded >>> 0)) | 0;
				out[i] = last;
			}
		}
	}
	narrow(out, bytes);
	return at <= length;
}

/** 0, 1, 2, 3, 4 stand for 0, -1, 1, -2, 2. */
const unfold = (folded: number): number => (folded & 1 ? ~(folded >>> 1) : folded >>> 1);

/** Differences were added modulo 2^32; bytes are unsigned in FITS and 16-bit integers are signed. */
function narrow(out: Int32Array, bytes: RiceParameters["bytes"]): void {
	if (bytes === 1) for (let i = 0; i < out.length; i++) out[i] &= 0xff;
	else if (bytes === 2) for (let i = 0; i < out.length; i++) out[i] = (out[i] << 16) >> 16;
}
