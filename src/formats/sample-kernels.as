/**
 * The loops that conversion goes through for every sample, in vectors of 16 bytes. AssemblyScript: `node tools/build-kernels.ts`
 * compiles it into sample-kernels-binary.ts. Positions and steps are bytes of the one memory, laid out by sample-kernels.ts.
 */

/**
 * Copies elements of `words` eight-byte words, `fast` of them for each of `slow`, and changes the bits of `flip` in each word.
 * Steps may be negative.
 */
export function copyWords(
	from: usize, to: usize, slow: i32, slowFrom: isize, slowTo: isize, fast: i32, fastFrom: isize, fastTo: isize,
	words: i32, flip: u64,
): void {
	const both = i64x2.splat(flip);
	for (let s = 0; s < slow; s++, from += slowFrom, to += slowTo) {
		let f = from;
		let t = to;
		if (words == 1) {
			let i = 0;
			for (; i + 4 <= fast; i += 4) {
				store<u64>(t, load<u64>(f) ^ flip);
				store<u64>(t + fastTo, load<u64>(f + fastFrom) ^ flip);
				store<u64>(t + 2 * fastTo, load<u64>(f + 2 * fastFrom) ^ flip);
				store<u64>(t + 3 * fastTo, load<u64>(f + 3 * fastFrom) ^ flip);
				f += 4 * fastFrom;
				t += 4 * fastTo;
			}
			for (; i < fast; i++, f += fastFrom, t += fastTo) store<u64>(t, load<u64>(f) ^ flip);
			continue;
		}
		for (let i = 0; i < fast; i++, f += fastFrom, t += fastTo) {
			let k = 0;
			for (; k + 2 <= words; k += 2) v128.store(t + (k << 3), v128.xor(v128.load(f + (k << 3)), both));
			if (k < words) store<u64>(t + (k << 3), load<u64>(f + (k << 3)) ^ flip);
		}
	}
}

/** The same of elements of `run` bytes, as they are. */
export function copyBytes(
	from: usize, to: usize, slow: i32, slowFrom: isize, slowTo: isize, fast: i32, fastFrom: isize, fastTo: isize, run: i32,
): void {
	for (let s = 0; s < slow; s++, from += slowFrom, to += slowTo) {
		let f = from;
		let t = to;
		if (run == 1) {
			for (let i = 0; i < fast; i++, f += fastFrom, t += fastTo) store<u8>(t, load<u8>(f));
		} else if (run == 4) {
			for (let i = 0; i < fast; i++, f += fastFrom, t += fastTo) store<u32>(t, load<u32>(f));
		} else {
			for (let i = 0; i < fast; i++, f += fastFrom, t += fastTo) memory.copy(t, f, run);
		}
	}
}

/** Bytes that are not 0 become 1: `count` of them in each of `rows`, which are `width` apart. */
export function makeTruths(at: usize, rows: i32, width: i32, count: i32): void {
	const one = i8x16.splat(1);
	for (let r = 0; r < rows; r++, at += width) {
		let k = 0;
		for (; k + 16 <= count; k += 16) v128.store(at + k, i8x16.min_u(v128.load(at + k), one));
		for (; k < count; k++) if (load<u8>(at + k) != 0) store<u8>(at + k, 1);
	}
}

/** [re, im] of the lane's phase, as factors of [x, y] and [y, x]. */
@inline function turned(pair: v128, re: v128, im: v128): v128 {
	const low = f64x2.promote_low_f32x4(pair);
	const high = f64x2.promote_low_f32x4(v128.shuffle<f64>(pair, pair, 1, 1));
	const x = f64x2.add(f64x2.mul(low, re), f64x2.mul(v128.shuffle<f64>(low, low, 1, 0), im));
	const y = f64x2.add(f64x2.mul(high, re), f64x2.mul(v128.shuffle<f64>(high, high, 1, 0), im));
	return v128.shuffle<f64>(f32x4.demote_f64x2_zero(x), f32x4.demote_f64x2_zero(y), 0, 2);
}

/** Where a float's exponent has all its bits set, this has its highest bit set. */
@inline function carried(floats: v128): v128 {
	return i32x4.add(v128.and(floats, i32x4.splat(0x7f800000)), i32x4.splat(0x00800000));
}

/**
 * Turns complex floats, `pairs` vectors of two to each channel, by phases of which even channels go on from `re0, im0` and odd
 * ones from `re1, im1`, each by a step of two channels.
 *
 * @returns 0 if all numbers are finite afterwards.
 */
export function turnPairs(
	at: usize, channels: i32, pairs: i32, re0: f64, im0: f64, re1: f64, im1: f64, stepRe: f64, stepIm: f64,
): i32 {
	let re = f64x2.replace_lane(f64x2.splat(re0), 1, re1);
	let im = f64x2.replace_lane(f64x2.splat(im0), 1, im1);
	const sr = f64x2.splat(stepRe);
	const si = f64x2.splat(stepIm);
	let bad = i32x4.splat(0);
	for (let c = 0; c < channels; c += 2) {
		const minus = f64x2.neg(im);
		let r = v128.shuffle<f64>(re, re, 0, 0);
		let i = v128.shuffle<f64>(minus, im, 0, 2);
		for (let k = 0; k < pairs; k++, at += 16) {
			const out = turned(v128.load(at), r, i);
			v128.store(at, out);
			bad = v128.or(bad, carried(out));
		}
		if (c + 1 == channels) break;
		r = v128.shuffle<f64>(re, re, 1, 1);
		i = v128.shuffle<f64>(minus, im, 1, 3);
		for (let k = 0; k < pairs; k++, at += 16) {
			const out = turned(v128.load(at), r, i);
			v128.store(at, out);
			bad = v128.or(bad, carried(out));
		}
		const next = f64x2.sub(f64x2.mul(re, sr), f64x2.mul(im, si));
		im = f64x2.add(f64x2.mul(re, si), f64x2.mul(im, sr));
		re = next;
	}
	return i32x4.bitmask(bad);
}

/** @returns 0 if all of some floats are finite. */
export function notFinite(at: usize, floats: i32): i32 {
	let bad = i32x4.splat(0);
	let k = 0;
	for (; k + 4 <= floats; k += 4, at += 16) bad = v128.or(bad, carried(v128.load(at)));
	for (; k < floats; k++, at += 4) bad = v128.or(bad, carried(i32x4.splat(load<i32>(at))));
	return i32x4.bitmask(bad);
}
