import type { UvfitsDescription } from "./description.ts";

/** Where the samples of a group are, in values, and what their numbers mean. */
export interface GroupLayout {
	channels: number;
	channelStep: number;
	products: Int32Array;
	/** The same of groups whose antennas are the other way round. */
	exchanged: Int32Array;
	imaginary: number;
	/** Undefined if there are no weights. */
	weight: number | undefined;
	scale: number;
	zero: number;
	blank: number | undefined;
}

/** One group's samples from `at` on, in our convention, to `to` of the arrays. */
export function takeGroup(
	values: Float32Array | Float64Array,
	at: number,
	layout: GroupLayout,
	swap: boolean,
	visibilities: Float32Array,
	flags: Uint8Array,
	weights: Float32Array,
	to: number,
): void {
	const { channels, channelStep, imaginary, weight, scale, zero, blank } = layout;
	const products = swap ? layout.exchanged : layout.products;
	const sign = swap ? -1 : 1;
	const isPlain = scale === 1 && zero === 0 && blank === undefined && weight !== undefined;
	if (isPlain && values instanceof Float32Array) {
		takeFloats(values, at, channels, channelStep, products, imaginary, sign, visibilities, flags, weights, to);
		return;
	}
	for (let c = 0, start = at; c < channels; c++, start += channelStep) {
		for (let p = 0; p < products.length; p++, to++) {
			const from = start + products[p];
			const re = values[from];
			const im = values[from + imaginary];
			const w = weight === undefined ? 1 : zero + scale * values[from + weight];
			const isBlank = blank !== undefined && (re === blank || im === blank);
			visibilities[2 * to] = isBlank ? Number.NaN : zero + scale * re;
			visibilities[2 * to + 1] = isBlank ? Number.NaN : sign * (zero + scale * im);
			flags[to] = w > 0 && !isBlank ? 0 : 1;
			weights[to] = Math.abs(w);
		}
	}
}

/** The same of floats that are what they stand for. A loop of its own: it has seen nothing else. */
function takeFloats(
	values: Float32Array,
	at: number,
	channels: number,
	channelStep: number,
	products: Int32Array,
	imaginary: number,
	sign: number,
	visibilities: Float32Array,
	flags: Uint8Array,
	weights: Float32Array,
	to: number,
): void {
	for (let c = 0, start = at; c < channels; c++, start += channelStep) {
		for (let p = 0; p < products.length; p++, to++) {
			const from = start + products[p];
			const w = values[from + 2 * imaginary];
			visibilities[2 * to] = values[from];
			visibilities[2 * to + 1] = sign * values[from + imaginary];
			flags[to] = w > 0 ? 0 : 1;
			weights[to] = Math.abs(w);
		}
	}
}

/** Big-endian numbers in the machine's order, in place where they are floats. */
export function nativeNumbers(
	bytes: Buffer,
	bitpix: UvfitsDescription["bitpix"],
	wide: Float64Array | undefined,
): Float32Array | Float64Array {
	if (wide !== undefined) {
		const isShort = bitpix === 16;
		const n = bytes.length / (isShort ? 2 : 4);
		for (let i = 0; i < n; i++) wide[i] = isShort ? bytes.readInt16BE(2 * i) : bytes.readInt32BE(4 * i);
		return wide.subarray(0, n);
	}
	const { buffer, byteOffset, length } = bytes;
	if (bitpix === -64) {
		bytes.swap64();
		return new Float64Array(buffer, byteOffset, length / 8);
	}
	bytes.swap32();
	return new Float32Array(buffer, byteOffset, length / 4);
}
