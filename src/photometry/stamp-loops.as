/**
 * The sums that forced photometry makes over stamps, two pixels at a time. AssemblyScript: `node tools/build-kernels.ts` compiles it
 * into stamp-loops-binary.ts. Positions and strides are bytes of the one memory, in which the planes of an image lie as floats.
 *
 * A kernel exp(-(a dx^2 + b dx dy + c dy^2)) is followed by recurrence (GaussianRows): `k` and `g` at the first pixel of the first
 * row, `curve` along a row, `step`, `rowCurve` and `gStep` from row to row.
 */

/**
 * Reads the ends of each row of a stamp. The loads do not wait for one another, so that the cache lines of the stamp arrive
 * together and the sums, which would meet them one by one, find them there.
 *
 * @param last from the first pixel of a row to its last. The result means nothing.
 */
export function touch(image: usize, noise: usize, base: usize, last: usize, rows: i32, stride: usize): i32 {
	let all = i32x4.splat(0);
	for (let row = 0; row < rows; row++) {
		all = v128.or(all, v128.or(v128.load32_zero(image), v128.load32_zero(image + last)));
		all = v128.or(all, v128.or(v128.load32_zero(noise), v128.load32_zero(noise + last)));
		all = v128.or(all, v128.or(v128.load32_zero(base), v128.load32_zero(base + last)));
		image += stride;
		noise += stride;
		base += stride;
	}
	return i32x4.extract_lane(all, 0);
}

@inline function two(at: usize): v128 {
	return f64x2.promote_low_f32x4(v128.load64_zero(at));
}

/** The last pixel of an odd row: its partner counts for nothing. */
@inline function last(at: usize): v128 {
	return f64x2.promote_low_f32x4(v128.load32_zero(at));
}

@inline function total(value: v128): f64 {
	return f64x2.extract_lane(value, 0) + f64x2.extract_lane(value, 1);
}

/** Sums are kept by the instance, not in memory: other threads may be at work on the same planes. */
let s0: f64, s1: f64, s2: f64, s3: f64, s4: f64, s5: f64, s6: f64, s7: f64, s8: f64, s9: f64, lowestInverse: f64;

/** What the latest call left: sums from 0 on, and the least 1/n as number 10. */
export function sum(index: i32): f64 {
	switch (index) {
		case 0: return s0;
		case 1: return s1;
		case 2: return s2;
		case 3: return s3;
		case 4: return s4;
		case 5: return s5;
		case 6: return s6;
		case 7: return s7;
		case 8: return s8;
		case 9: return s9;
		default: return lowestInverse;
	}
}

/** Begins the sums of {@link addPair} anew. */
export function clear(): void {
	s0 = 0; s1 = 0; s2 = 0; s3 = 0; s4 = 0; s5 = 0; s6 = 0; s7 = 0; s8 = 0; s9 = 0;
	lowestInverse = Infinity;
}

/**
 * With r = d/n and q = k/n: sums 0 to 4 of r q, q^2, r^2, q and q/n, and the least 1/n.
 *
 * @param share of the background that is taken off: 1, or 0 where `base` is the image itself.
 */
export function sumStamp(
	image: usize, noise: usize, base: usize, share: f64, count: i32, rows: i32, stride: usize,
	k: f64, g: f64, curve: f64, step: f64, rowCurve: f64, gStep: f64,
): void {
	const zero = f64x2.splat(0);
	const one = f64x2.splat(1);
	// In the place of the partner: a noise of one, and no kernel.
	const single = f64x2(0, 1);
	const shares = f64x2.splat(share);
	const curve2 = curve * curve;
	const curve4 = f64x2.splat(curve2 * curve2);
	let rq = zero, qq = zero, rr = zero, weight = zero, over = zero, lowest = f64x2.splat(Infinity);
	const even = <usize>(count >> 1) << 3;
	for (let row = 0; row < rows; row++) {
		let kk = f64x2(k, k * g);
		const g2 = g * g * curve;
		let gg = f64x2(g2, g2 * curve2);
		for (let i: usize = 0; i < even; i += 8) {
			const inverse = f64x2.div(one, two(noise + i));
			const r = f64x2.mul(f64x2.sub(two(image + i), f64x2.mul(shares, two(base + i))), inverse);
			const q = f64x2.mul(kk, inverse);
			lowest = f64x2.pmin(lowest, inverse);
			rq = f64x2.add(rq, f64x2.mul(r, q));
			qq = f64x2.add(qq, f64x2.mul(q, q));
			rr = f64x2.add(rr, f64x2.mul(r, r));
			weight = f64x2.add(weight, q);
			over = f64x2.add(over, f64x2.mul(q, inverse));
			kk = f64x2.mul(kk, gg);
			gg = f64x2.mul(gg, curve4);
		}
		if (count & 1) {
			const inverse = f64x2.div(one, f64x2.add(last(noise + even), single));
			const r = f64x2.mul(f64x2.sub(last(image + even), f64x2.mul(shares, last(base + even))), inverse);
			const q = f64x2.replace_lane(f64x2.mul(kk, inverse), 1, 0);
			lowest = f64x2.pmin(lowest, v128.shuffle<f64>(inverse, inverse, 0, 0));
			rq = f64x2.add(rq, f64x2.mul(r, q));
			qq = f64x2.add(qq, f64x2.mul(q, q));
			rr = f64x2.add(rr, f64x2.mul(r, r));
			weight = f64x2.add(weight, q);
			over = f64x2.add(over, f64x2.mul(q, inverse));
		}
		k *= step;
		step *= rowCurve;
		g *= gStep;
		image += stride;
		noise += stride;
		base += stride;
	}
	s0 = total(rq);
	s1 = total(qq);
	s2 = total(rr);
	s3 = total(weight);
	s4 = total(over);
	lowestInverse = Math.min(f64x2.extract_lane(lowest, 0), f64x2.extract_lane(lowest, 1));
}

/**
 * The same for two kernels at once, added to what is there: 0 r^2; 1 and 2 q of each, 3 and 4 q/n, 5 and 6 q r; 7 q q of the
 * first, 8 of both, 9 of the second; the least 1/n.
 */
export function addPair(
	image: usize, noise: usize, base: usize, share: f64, count: i32, rows: i32, stride: usize,
	k1: f64, g1: f64, curve1: f64, step1: f64, rowCurve1: f64, gStep1: f64,
	k2: f64, g2: f64, curve2: f64, step2: f64, rowCurve2: f64, gStep2: f64,
): void {
	const zero = f64x2.splat(0);
	const one = f64x2.splat(1);
	const single = f64x2(0, 1);
	const shares = f64x2.splat(share);
	const square1 = curve1 * curve1, square2 = curve2 * curve2;
	const fourth1 = f64x2.splat(square1 * square1), fourth2 = f64x2.splat(square2 * square2);
	let rr = zero, weight1 = zero, weight2 = zero, over1 = zero, over2 = zero, rq1 = zero, rq2 = zero;
	let n11 = zero, n12 = zero, n22 = zero, lowest = f64x2.splat(Infinity);
	const even = <usize>(count >> 1) << 3;
	for (let row = 0; row < rows; row++) {
		let kk1 = f64x2(k1, k1 * g1), kk2 = f64x2(k2, k2 * g2);
		const first1 = g1 * g1 * curve1, first2 = g2 * g2 * curve2;
		let gg1 = f64x2(first1, first1 * square1), gg2 = f64x2(first2, first2 * square2);
		for (let i: usize = 0; i < <usize>count << 2; i += 8) {
			let inverse: v128, r: v128;
			if (i < even) {
				inverse = f64x2.div(one, two(noise + i));
				r = f64x2.mul(f64x2.sub(two(image + i), f64x2.mul(shares, two(base + i))), inverse);
				lowest = f64x2.pmin(lowest, inverse);
			} else {
				inverse = f64x2.div(one, f64x2.add(last(noise + i), single));
				r = f64x2.mul(f64x2.sub(last(image + i), f64x2.mul(shares, last(base + i))), inverse);
				lowest = f64x2.pmin(lowest, v128.shuffle<f64>(inverse, inverse, 0, 0));
				kk1 = f64x2.replace_lane(kk1, 1, 0);
				kk2 = f64x2.replace_lane(kk2, 1, 0);
			}
			const q1 = f64x2.mul(kk1, inverse), q2 = f64x2.mul(kk2, inverse);
			rr = f64x2.add(rr, f64x2.mul(r, r));
			weight1 = f64x2.add(weight1, q1);
			weight2 = f64x2.add(weight2, q2);
			over1 = f64x2.add(over1, f64x2.mul(q1, inverse));
			over2 = f64x2.add(over2, f64x2.mul(q2, inverse));
			rq1 = f64x2.add(rq1, f64x2.mul(q1, r));
			rq2 = f64x2.add(rq2, f64x2.mul(q2, r));
			n11 = f64x2.add(n11, f64x2.mul(q1, q1));
			n12 = f64x2.add(n12, f64x2.mul(q1, q2));
			n22 = f64x2.add(n22, f64x2.mul(q2, q2));
			kk1 = f64x2.mul(kk1, gg1);
			gg1 = f64x2.mul(gg1, fourth1);
			kk2 = f64x2.mul(kk2, gg2);
			gg2 = f64x2.mul(gg2, fourth2);
		}
		k1 *= step1;
		step1 *= rowCurve1;
		g1 *= gStep1;
		k2 *= step2;
		step2 *= rowCurve2;
		g2 *= gStep2;
		image += stride;
		noise += stride;
		base += stride;
	}
	s0 += total(rr);
	s1 += total(weight1);
	s2 += total(weight2);
	s3 += total(over1);
	s4 += total(over2);
	s5 += total(rq1);
	s6 += total(rq2);
	s7 += total(n11);
	s8 += total(n12);
	s9 += total(n22);
	lowestInverse = Math.min(lowestInverse, Math.min(f64x2.extract_lane(lowest, 0), f64x2.extract_lane(lowest, 1)));
}
