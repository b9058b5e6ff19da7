/**
 * Sums that carry twice the digits of a double: a value is the unevaluated sum `hi + lo` with |lo| <= ulp(hi)/2
 * (Dekker 1971; Hida, Li & Bailey 2001). Relative error about 2^-104 per operation. With them the raw power sums
 * of a light curve can be added to and taken from in any order and still give its variance to the last digit of
 * a double, which centred running sums (Welford) lose after the deletion of an outlier.
 */
export interface DoubleDouble {
	hi: number;
	lo: number;
}

const SPLITTER = 134217729;

/** Rounding error of `product = a * b`, exactly (Dekker's product; no fused multiply-add in JavaScript). */
export function productError(a: number, b: number, product: number): number {
	let t = SPLITTER * a;
	const aHigh = t - (t - a);
	const aLow = a - aHigh;
	t = SPLITTER * b;
	const bHigh = t - (t - b);
	const bLow = b - bHigh;
	return aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
}

export function multiply(a: DoubleDouble, b: DoubleDouble): DoubleDouble {
	const p = a.hi * b.hi;
	return normalised(p, productError(a.hi, b.hi, p) + (a.hi * b.lo + a.lo * b.hi));
}

export function add(a: DoubleDouble, b: DoubleDouble): DoubleDouble {
	const s = a.hi + b.hi;
	const v = s - a.hi;
	let e = a.hi - (s - v) + (b.hi - v);
	const t = a.lo + b.lo;
	const w = t - a.lo;
	const f = a.lo - (t - w) + (b.lo - w);
	e += t;
	const hi = s + e;
	return normalised(hi, e - (hi - s) + f);
}

export const negative = (a: DoubleDouble): DoubleDouble => ({ hi: -a.hi, lo: -a.lo });

export const scaled = (a: DoubleDouble, factor: number): DoubleDouble => multiply(a, { hi: factor, lo: 0 });

/** The quotient as a double. */
export function quotient(a: DoubleDouble, b: DoubleDouble): number {
	const q = a.hi / b.hi;
	const p = q * b.hi;
	const rest = a.hi - p - productError(q, b.hi, p) + a.lo - q * b.lo;
	return q + rest / b.hi;
}

function normalised(hi: number, lo: number): DoubleDouble {
	const sum = hi + lo;
	return { hi: sum, lo: lo - (sum - hi) };
}
