/** 10^k is exact in a double up to k = 22. */
const POWER_OF_TEN = Float64Array.from({ length: 23 }, (_, k) => Number(`1e${k}`));

const isDigit = (byte: number) => byte >= 48 && byte <= 57;

/**
 * The decimal number in bytes [from, to), correctly rounded; NaN when it is none. Up to 15 significant digits and
 * powers of ten up to 22 take one exact multiplication or division (Clinger 1990); the rest goes through a string.
 */
export function parseDecimal(bytes: Buffer, from: number, to: number): number {
	let at = from;
	const isNegative = bytes[at] === 45;
	if (isNegative || bytes[at] === 43) at += 1;
	let mantissa = 0;
	let digits = 0;
	let significant = 0;
	let scale = 0;
	for (; at < to && isDigit(bytes[at]); at++) {
		digits += 1;
		if (significant > 0 || bytes[at] !== 48) significant += 1;
		mantissa = mantissa * 10 + (bytes[at] - 48);
	}
	if (at < to && bytes[at] === 46) {
		for (at += 1; at < to && isDigit(bytes[at]); at++) {
			digits += 1;
			if (significant > 0 || bytes[at] !== 48) significant += 1;
			mantissa = mantissa * 10 + (bytes[at] - 48);
			scale -= 1;
		}
	}
	if (digits === 0) return bytes[at] === 105 || bytes[at] === 73 ? parseWord(bytes, from, to) : Number.NaN;
	if (at < to && (bytes[at] === 101 || bytes[at] === 69)) {
		at += 1;
		const isDown = bytes[at] === 45;
		if (isDown || bytes[at] === 43) at += 1;
		if (at >= to) return Number.NaN;
		let exponent = 0;
		for (; at < to && isDigit(bytes[at]); at++) exponent = Math.min(99_999, exponent * 10 + (bytes[at] - 48));
		scale += isDown ? -exponent : exponent;
	}
	if (at !== to) return Number.NaN;
	if (significant > 15 || scale > 22 || scale < -22) return Number(bytes.toString("latin1", from, to));
	const value = scale < 0 ? mantissa / POWER_OF_TEN[-scale] : mantissa * POWER_OF_TEN[scale];
	return isNegative ? -value : value;
}

/** inf, +Infinity, -INF: what numeric libraries write; anything else is no number. */
function parseWord(bytes: Buffer, from: number, to: number): number {
	if (to - from > 9) return Number.NaN;
	const match = /^([+-]?)inf(inity)?$/i.exec(bytes.toString("latin1", from, to));
	if (match === null) return Number.NaN;
	return match[1] === "-" ? -Infinity : Infinity;
}

/** Words that mean "no value" in a column of numbers. */
const NULL_WORDS = new Set(["", "nan", "null", "none", "n/a", "na", "--", "-", "masked", "+nan", "-nan"]);

/** Whether bytes [from, to), without surrounding blanks, mean "no value". */
export function isNullWord(bytes: Buffer, from: number, to: number): boolean {
	if (from === to) return true;
	if (to - from > 6) return false;
	return NULL_WORDS.has(bytes.toString("latin1", from, to).toLowerCase());
}
