/**
 * The recursion of the matched filter (matched-filter.ts) for two templates at once under one null, for sources of four bands.
 * AssemblyScript: `node tools/build-kernels.ts` compiles it into filter-loops-binary.ts. Each lane makes the operations that the loop for one
 * template makes, in the same order: the results are the same to the last bit. Positions are bytes.
 */

/** Bytes of the null's table for each epoch, of doubles: propagation 4, inverse pivot 3, y 2, weights 2 per band. */
const STRIDE: usize = 17 << 3;

@inline function cell(table: usize, index: usize): v128 {
	return v128.load64_splat(table + (index << 3));
}

/**
 * Runs two templates through the null of one grid point.
 *
 * @param table of the grid point, at the first epoch of either template; `epochs` from there on.
 * @param p [epoch][two sums][template]: zero where a template is not; as far as the longer one goes.
 * @param end1 epochs from there on to the first template's end, `end2` to the second's.
 * @param sums product, squares and the four bands' sums, of both templates each, which are brought up to date.
 */
export function runTwo(table: usize, epochs: i32, p: usize, end1: i32, end2: i32, sums: usize): void {
	const zero = f64x2.splat(0), two = f64x2.splat(2), tiny = f64x2.splat(1e-5);
	const ends = f64x2(<f64>end1, <f64>end2);
	const longest = max(end1, end2);
	let product = v128.load(sums), squares = v128.load(sums, 16);
	let r0 = v128.load(sums, 32), r1 = v128.load(sums, 48), r2 = v128.load(sums, 64), r3 = v128.load(sums, 80);
	let c0 = zero, c1 = zero, largest = zero;
	for (let i = 0; i < epochs; i++, table += STRIDE) {
		let n0 = f64x2.add(f64x2.mul(cell(table, 0), c0), f64x2.mul(cell(table, 1), c1));
		let n1 = f64x2.add(f64x2.mul(cell(table, 2), c0), f64x2.mul(cell(table, 3), c1));
		if (i < longest) {
			n0 = f64x2.add(n0, v128.load(p));
			n1 = f64x2.add(n1, v128.load(p, 16));
			p += 32;
			const going = f64x2.lt(f64x2.splat(<f64>i), ends);
			largest = v128.bitselect(f64x2.pmax(largest, f64x2.abs(n0)), largest, going);
			if (i >= end1 || i >= end2) {
				const small = v128.andnot(f64x2.lt(f64x2.add(f64x2.abs(n0), f64x2.abs(n1)), f64x2.mul(tiny, largest)), going);
				n0 = v128.andnot(n0, small);
				n1 = v128.andnot(n1, small);
			}
		} else {
			const small = f64x2.lt(f64x2.add(f64x2.abs(n0), f64x2.abs(n1)), f64x2.mul(tiny, largest));
			if (i64x2.all_true(small)) break;
			n0 = v128.andnot(n0, small);
			n1 = v128.andnot(n1, small);
		}
		c0 = n0;
		c1 = n1;
		const d = f64x2.add(f64x2.mul(cell(table, 4), c0), f64x2.mul(f64x2.mul(two, cell(table, 5)), c1));
		squares = f64x2.sub(squares, f64x2.add(f64x2.mul(c0, d), f64x2.mul(f64x2.mul(cell(table, 6), c1), c1)));
		product = f64x2.sub(product, f64x2.add(f64x2.mul(c0, cell(table, 7)), f64x2.mul(c1, cell(table, 8))));
		r0 = f64x2.sub(r0, f64x2.add(f64x2.mul(c0, cell(table, 9)), f64x2.mul(c1, cell(table, 10))));
		r1 = f64x2.sub(r1, f64x2.add(f64x2.mul(c0, cell(table, 11)), f64x2.mul(c1, cell(table, 12))));
		r2 = f64x2.sub(r2, f64x2.add(f64x2.mul(c0, cell(table, 13)), f64x2.mul(c1, cell(table, 14))));
		r3 = f64x2.sub(r3, f64x2.add(f64x2.mul(c0, cell(table, 15)), f64x2.mul(c1, cell(table, 16))));
	}
	v128.store(sums, product);
	v128.store(sums, squares, 16);
	v128.store(sums, r0, 32);
	v128.store(sums, r1, 48);
	v128.store(sums, r2, 64);
	v128.store(sums, r3, 80);
}
