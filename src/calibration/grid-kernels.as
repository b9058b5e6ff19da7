/**
 * The inner loops of a solve's passes over its grid of samples, two complex numbers (one vector of four floats) at a time.
 * AssemblyScript: `node tools/build-kernels.ts` compiles it into grid-kernels-binary.ts. All positions are bytes of the one
 * memory, laid out by grid-kernels.ts. Sums are in double precision and in a fixed order: chi-squared is a small difference of them.
 */

/** D, N, P and count of an accumulator, as five doubles: re, im of D; N; P; count. */
@inline function put(out: usize, straight: v128, crossed: v128, n: v128, p: v128, count: i32): void {
	store<f64>(out, f64x2.extract_lane(straight, 0) + f64x2.extract_lane(crossed, 0));
	store<f64>(out, f64x2.extract_lane(straight, 1) - f64x2.extract_lane(crossed, 1), 8);
	store<f64>(out, f64x2.extract_lane(n, 0) + f64x2.extract_lane(n, 1), 16);
	store<f64>(out, f64x2.extract_lane(p, 0) + f64x2.extract_lane(p, 1), 24);
	store<f64>(out, f64(count), 32);
}

/**
 * Sums over the pairs of samples of each row: even samples of a row in one accumulator, odd ones in another.
 *
 * @param z [row][sample][re, im] floats; `flags` [row][sample] bytes, 0 = good.
 * @param a amplitudes, `aRow` bytes from row to row: one float for both samples of a pair (`shared`), or one for each.
 * @param g known gains [row][sample][re, im] doubles; a sample whose gain is zero is left out.
 * @param step looks at every so many pairs.
 * @param out [row][2][5].
 */
export function sumRows(
	z: usize, flags: usize, a: usize, aRow: usize, shared: bool, g: usize, rows: i32, pairs: i32, step: i32, out: usize,
): void {
	const zero = f64x2.splat(0);
	for (let row = 0; row < rows; row++) {
		let straight0 = zero, crossed0 = zero, n0 = zero, p0 = zero, count0 = 0;
		let straight1 = zero, crossed1 = zero, n1 = zero, p1 = zero, count1 = 0;
		for (let k: usize = 0; k < <usize>pairs; k += step) {
			const f = load<u16>(flags + (k << 1));
			const pair = v128.load(z + (k << 4));
			if ((f & 0xff) == 0) {
				const amplitude = <f64>load<f32>(shared ? a + (k << 2) : a + (k << 3));
				const gain = f64x2.mul(v128.load(g + (k << 5)), f64x2.splat(amplitude));
				if (v128.any_true(f64x2.ne(gain, zero))) {
					const x = f64x2.promote_low_f32x4(pair);
					straight0 = f64x2.add(straight0, f64x2.mul(x, v128.shuffle<f64>(gain, gain, 0, 0)));
					crossed0 = f64x2.add(crossed0, f64x2.mul(v128.shuffle<f64>(x, x, 1, 0), v128.shuffle<f64>(gain, gain, 1, 1)));
					n0 = f64x2.add(n0, f64x2.mul(gain, gain));
					p0 = f64x2.add(p0, f64x2.mul(x, x));
					count0++;
				}
			}
			if ((f & 0xff00) == 0) {
				const amplitude = <f64>load<f32>(shared ? a + (k << 2) : a + (k << 3) + 4);
				const gain = f64x2.mul(v128.load(g + (k << 5), 16), f64x2.splat(amplitude));
				if (v128.any_true(f64x2.ne(gain, zero))) {
					const x = f64x2.promote_low_f32x4(v128.shuffle<f64>(pair, pair, 1, 1));
					straight1 = f64x2.add(straight1, f64x2.mul(x, v128.shuffle<f64>(gain, gain, 0, 0)));
					crossed1 = f64x2.add(crossed1, f64x2.mul(v128.shuffle<f64>(x, x, 1, 0), v128.shuffle<f64>(gain, gain, 1, 1)));
					n1 = f64x2.add(n1, f64x2.mul(gain, gain));
					p1 = f64x2.add(p1, f64x2.mul(x, x));
					count1++;
				}
			}
		}
		put(out, straight0, crossed0, n0, p0, count0);
		put(out + 40, straight1, crossed1, n1, p1, count1);
		z += <usize>pairs << 4;
		flags += <usize>pairs << 1;
		g += <usize>pairs << 5;
		a += aRow;
		out += 80;
	}
}

/** Adds to an accumulator of five doubles. */
@inline function add(out: usize, straight: v128, crossed: v128, n: f64, p: v128, count: i32): void {
	store<f64>(out, load<f64>(out) + (f64x2.extract_lane(straight, 0) + f64x2.extract_lane(crossed, 0)));
	store<f64>(out, load<f64>(out, 8) + (f64x2.extract_lane(straight, 1) - f64x2.extract_lane(crossed, 1)), 8);
	store<f64>(out, load<f64>(out, 16) + n, 16);
	store<f64>(out, load<f64>(out, 24) + (f64x2.extract_lane(p, 0) + f64x2.extract_lane(p, 1)), 24);
	store<f64>(out, load<f64>(out, 32) + f64(count), 32);
}

/**
 * Sums over integrations of every sample of one row of a baseline, added to what `out` holds.
 *
 * @param z samples of the first integration, `zTime` bytes from one to the next; `flags` and `fTime` alike.
 * @param a amplitudes, `aTime` bytes from one integration to the next; `shared` as in sumRows.
 * @param even [integration] gains of the even samples, `odd` of the odd: w re, w im, w |g|^2, w as doubles; w |g|^2 = 0 is left out.
 * @param out [sample][5].
 */
export function sumTimes(
	z: usize, zTime: usize, flags: usize, fTime: usize, a: usize, aTime: usize, shared: bool, even: usize, odd: usize,
	times: i32, pairs: i32, out: usize,
): void {
	const zero = f64x2.splat(0);
	for (let k: usize = 0; k < <usize>pairs; k++) {
		let straight0 = zero, crossed0 = zero, p0 = zero, n0: f64 = 0, count0 = 0;
		let straight1 = zero, crossed1 = zero, p1 = zero, n1: f64 = 0, count1 = 0;
		let zAt = z + (k << 4), fAt = flags + (k << 1), aAt = a + (shared ? k << 2 : k << 3);
		for (let t = 0; t < times; t++) {
			const f = load<u16>(fAt);
			const pair = v128.load(zAt);
			if ((f & 0xff) == 0) {
				const gains = even + (<usize>t << 5);
				const power = load<f64>(gains, 16);
				if (power != 0) {
					const amplitude = <f64>load<f32>(aAt);
					const gain = f64x2.mul(v128.load(gains), f64x2.splat(amplitude));
					const x = f64x2.promote_low_f32x4(pair);
					straight0 = f64x2.add(straight0, f64x2.mul(x, v128.shuffle<f64>(gain, gain, 0, 0)));
					crossed0 = f64x2.add(crossed0, f64x2.mul(v128.shuffle<f64>(x, x, 1, 0), v128.shuffle<f64>(gain, gain, 1, 1)));
					n0 += amplitude * amplitude * power;
					p0 = f64x2.add(p0, f64x2.mul(f64x2.mul(x, x), v128.load64_splat(gains, 24)));
					count0++;
				}
			}
			if ((f & 0xff00) == 0) {
				const gains = odd + (<usize>t << 5);
				const power = load<f64>(gains, 16);
				if (power != 0) {
					const amplitude = <f64>load<f32>(shared ? aAt : aAt + 4);
					const gain = f64x2.mul(v128.load(gains), f64x2.splat(amplitude));
					const x = f64x2.promote_low_f32x4(v128.shuffle<f64>(pair, pair, 1, 1));
					straight1 = f64x2.add(straight1, f64x2.mul(x, v128.shuffle<f64>(gain, gain, 0, 0)));
					crossed1 = f64x2.add(crossed1, f64x2.mul(v128.shuffle<f64>(x, x, 1, 0), v128.shuffle<f64>(gain, gain, 1, 1)));
					n1 += amplitude * amplitude * power;
					p1 = f64x2.add(p1, f64x2.mul(f64x2.mul(x, x), v128.load64_splat(gains, 24)));
					count1++;
				}
			}
			zAt += zTime;
			fAt += fTime;
			aAt += aTime;
		}
		add(out + k * 80, straight0, crossed0, n0, p0, count0);
		add(out + k * 80 + 40, straight1, crossed1, n1, p1, count1);
	}
}

/**
 * Amplitudes of a row over their typical value, added to `sums`, if every sample is unflagged, not zero and below its limit;
 * else nothing is added.
 *
 * @param inverse of the typical value, and `limit` of the square: floats of the even and the odd samples.
 * @param line [sample] floats to work with; `sums` [sample] doubles.
 * @returns whether all samples were good.
 */
export function addAmplitudes(
	z: usize, flags: usize, inverse: usize, limit: usize, count: i32, line: usize, sums: usize,
): bool {
	const samples = <usize>count;
	let any: u32 = 0;
	let k: usize = 0;
	for (; k + 4 <= samples; k += 4) any |= load<u32>(flags + k);
	for (; k < samples; k++) any |= load<u8>(flags + k);
	if (any != 0) return false;
	const zero = f32x4.splat(0);
	const inverses = v128.load64_splat(inverse);
	const limits = v128.load64_splat(limit);
	let good = i32x4.splat(-1);
	k = 0;
	for (; k + 4 <= samples; k += 4) {
		const first = v128.load(z + (k << 3));
		const second = v128.load(z + (k << 3), 16);
		const re = v128.shuffle<f32>(first, second, 0, 2, 4, 6);
		const im = v128.shuffle<f32>(first, second, 1, 3, 5, 7);
		const square = f32x4.add(f32x4.mul(re, re), f32x4.mul(im, im));
		good = v128.and(good, v128.and(f32x4.gt(square, zero), f32x4.le(square, limits)));
		v128.store(line + (k << 2), f32x4.mul(f32x4.sqrt(square), inverses));
	}
	if (!i32x4.all_true(good)) return false;
	for (; k < samples; k++) {
		const re = load<f32>(z + (k << 3));
		const im = load<f32>(z + (k << 3), 4);
		const square = re * re + im * im;
		const own = (k & 1) << 2;
		if (!(square > 0 && square <= load<f32>(limit + own))) return false;
		store<f32>(line + (k << 2), Mathf.sqrt(square) * load<f32>(inverse + own));
	}
	for (k = 0; k < samples; k += 2) {
		const x = f64x2.promote_low_f32x4(v128.load64_zero(line + (k << 2)));
		v128.store(sums + (k << 3), f64x2.add(v128.load(sums + (k << 3)), x));
	}
	return true;
}
