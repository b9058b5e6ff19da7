import type { SamplePlace } from "../../calibration/visibility-set.ts";
import type { Uvh5Box, Uvh5Data } from "./data-reader.ts";

/** Which rows of a file name their antennas the other way round. */
export interface RowOrientation {
	/** Per row: 1 if it does. */
	exchanged: Uint8Array;
	/** Where each product of such a row is taken from; undefined if there is no such row. */
	exchange: Int32Array | undefined;
}

/** What was found in samples that were read to a place. What is the same everywhere has not been written there. */
export interface PlacedSamples {
	/** Whether any is flagged; if not, the place's flags are as they were. */
	flagged: boolean;
	/** The weight of all samples; if there is one, the place's weights are as they were. */
	weight: number | undefined;
}

/** Samples of a box of a file to rows [to, ...) of a place, in our convention. */
export function readPlaced(
	data: Uvh5Data,
	box: Uvh5Box,
	place: SamplePlace,
	to: number,
	{ exchanged, exchange }: RowOrientation,
): PlacedSamples {
	const at = { at: to * place.width + place.at, width: place.width };
	const perRow = box.channels * data.nPolarizations;
	// UVH5 holds conj(V) and -uvw of the pair as it stands, hence V and uvw of the pair exchanged.
	const isConjugated = data.readVisibilities(box, place.visibilities, at, exchange === undefined);
	const flagged = data.readFlags(box, place.flags, at);
	const weight = data.readSamples(box, place.weights, at);
	if (!isConjugated) conjugateRows(place, to, box.rows, perRow, exchanged, box.row);
	if (exchange !== undefined) {
		const changes = { flagged, weighted: weight === undefined };
		exchangeProducts(place, to, box.rows, perRow, exchanged, box.row, exchange, changes);
	}
	return { flagged, weight };
}

/** Room for rows without gaps. */
export const samplePlace = (rows: number, width: number): SamplePlace => ({
	width,
	at: 0,
	visibilities: new Float32Array(2 * rows * width),
	flags: new Uint8Array(rows * width),
	weights: new Float32Array(rows * width),
});

/** Sets a window's samples in some rows of a place. */
export function fillRows(
	target: Uint8Array | Float32Array,
	value: number,
	{ width, at }: SamplePlace,
	first: number,
	rows: number,
	perRow: number,
): void {
	if (width === perRow) target.fill(value, first * width, (first + rows) * width);
	else for (let r = first, i = first * width + at; r < first + rows; r++, i += width) target.fill(value, i, i + perRow);
}

/** Changes the sign of the imaginary parts, by their sign bits, of rows whose antennas are in order. */
function conjugateRows(
	{ visibilities, width, at }: SamplePlace,
	first: number,
	rows: number,
	perRow: number,
	exchanged: Uint8Array,
	row: number,
): void {
	const words = new Int32Array(visibilities.buffer, visibilities.byteOffset, visibilities.length);
	for (let r = 0; r < rows; r++) {
		if (exchanged[row + r] === 1) continue;
		const begin = 2 * ((first + r) * width + at);
		conjugate(words, begin, begin + 2 * perRow);
	}
}

function conjugate(words: Int32Array, begin: number, end: number): void {
	let i = begin + 1;
	for (; i + 6 < end; i += 8) {
		words[i] ^= 0x80000000;
		words[i + 2] ^= 0x80000000;
		words[i + 4] ^= 0x80000000;
		words[i + 6] ^= 0x80000000;
	}
	for (; i < end; i += 2) words[i] ^= 0x80000000;
}

/** Puts the products of rows whose antennas the file has the other way round where those of the pair in order belong. */
function exchangeProducts(
	{ visibilities, flags, weights, width, at }: SamplePlace,
	first: number,
	rows: number,
	perRow: number,
	exchanged: Uint8Array,
	row: number,
	order: Int32Array,
	changes: { flagged: boolean; weighted: boolean },
): void {
	const nPol = order.length;
	const kept = new Float32Array(4 * nPol);
	for (let r = 0; r < rows; r++) {
		if (exchanged[row + r] !== 1) continue;
		const begin = (first + r) * width + at;
		for (let i = begin; i < begin + perRow; i += nPol) {
			for (let p = 0; p < nPol; p++) {
				kept[p] = visibilities[2 * (i + p)];
				kept[nPol + p] = visibilities[2 * (i + p) + 1];
				kept[2 * nPol + p] = flags[i + p];
				kept[3 * nPol + p] = weights[i + p];
			}
			for (let p = 0; p < nPol; p++) {
				visibilities[2 * (i + p)] = kept[order[p]];
				visibilities[2 * (i + p) + 1] = kept[nPol + order[p]];
				if (changes.flagged) flags[i + p] = kept[2 * nPol + order[p]];
				if (changes.weighted) weights[i + p] = kept[3 * nPol + order[p]];
			}
		}
	}
}

/** One window's samples of some rows to another place; of flags and weights what was written there. */
export function moveRows(
	source: SamplePlace,
	row: number,
	target: SamplePlace,
	to: number,
	rows: number,
	perRow: number,
	{ flagged, weight }: PlacedSamples,
): void {
	const isDense = source.width === perRow && target.width === perRow;
	const span = isDense ? rows * perRow : perRow;
	for (let r = 0; r < (isDense ? 1 : rows); r++) {
		const from = (row + r) * source.width + source.at;
		const at = (to + r) * target.width + target.at;
		target.visibilities.set(source.visibilities.subarray(2 * from, 2 * (from + span)), 2 * at);
		if (flagged) target.flags.set(source.flags.subarray(from, from + span), at);
		if (weight === undefined) target.weights.set(source.weights.subarray(from, from + span), at);
	}
}
