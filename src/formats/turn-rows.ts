import type { BlockOptions } from "../calibration/visibility-set.ts";
import { badInput } from "../error.ts";

/** Samples of some rows as a file has them: [row][channel][polarisation]. */
export interface RawSamples {
	visibilities: Float32Array;
	flags: Uint8Array;
	weights: Float32Array | undefined;
}

/**
 * Brings rows of samples from a file's order and sign into ours: channels ascending, the imaginary part times the row's sign,
 * products exchanged where the antennas are. Rows are written one behind the other from row `to` of the target on.
 *
 * @param rows which rows of `raw`, in this order.
 * @param signs of the imaginary part, per row of `rows`.
 * @param exchange where each product is taken from in rows with exchanged antennas; undefined if nothing moves.
 * @param exchanged 1 for such rows, per row of `rows`.
 * @param offset first sample of a row that is wanted; rows of `raw` hold `rawRow` samples, of the target channels x nPol.
 * @param place where rows of the target are wider: how many samples they hold, and the first that is ours.
 */
export function turnRows(
	raw: RawSamples,
	rows: Int32Array,
	signs: Int8Array,
	exchange: Int32Array | undefined,
	exchanged: Uint8Array,
	rawRow: number,
	offset: number,
	target: RawSamples,
	to: number,
	channels: number,
	nPol: number,
	descending: boolean,
	place: { width: number; at: number } = { width: channels * nPol, at: 0 },
): void {
	const perRow = channels * nPol;
	const { width, at: inRow } = place;
	if (!descending && rawRow === perRow && width === perRow && isPlain(rows, signs, exchange, exchanged)) {
		const from = rows[0] * perRow;
		const end = from + rows.length * perRow;
		target.visibilities.set(raw.visibilities.subarray(2 * from, 2 * end), 2 * to * perRow);
		target.flags.set(raw.flags.subarray(from, end), to * perRow);
		if (raw.weights !== undefined) target.weights?.set(raw.weights.subarray(from, end), to * perRow);
		return;
	}
	const step = descending ? -nPol : nPol;
	const begin = offset + (descending ? perRow - nPol : 0);
	for (let i = 0; i < rows.length; i++) {
		const from = rows[i] * rawRow + begin;
		const at = (to + i) * width + inRow;
		const order = exchanged[i] === 1 ? exchange : undefined;
		if (order !== undefined) turnExchanged(raw, from, step, order, signs[i], target, at, channels, nPol);
		else if (nPol === 2) turnPairs(raw.visibilities, from, step, signs[i], target.visibilities, at, channels);
		else turnAny(raw.visibilities, from, step, signs[i], target.visibilities, at, channels, nPol);
	}
	turnFlags(raw.flags, rows, exchange, exchanged, rawRow, begin, step, target.flags, to, width, inRow, channels, nPol);
	if (raw.weights !== undefined && target.weights !== undefined) {
		const { weights } = target;
		turnWeights(raw.weights, rows, exchange, exchanged, rawRow, begin, step, weights, to, width, inRow, channels, nPol);
	}
}

/** Whether rows follow one another and are in our order and sign already. */
function isPlain(rows: Int32Array, signs: Int8Array, exchange: Int32Array | undefined, exchanged: Uint8Array): boolean {
	for (let i = 0; i < rows.length; i++) {
		if (rows[i] !== rows[0] + i || signs[i] !== 1 || (exchange !== undefined && exchanged[i] === 1)) return false;
	}
	return rows.length > 0;
}

function turnPairs(
	raw: Float32Array,
	from: number,
	step: number,
	sign: number,
	target: Float32Array,
	to: number,
	channels: number,
): void {
	for (let c = 0, s = 2 * from, t = 2 * to; c < channels; c++, s += 2 * step, t += 4) {
		target[t] = raw[s];
		target[t + 1] = sign * raw[s + 1];
		target[t + 2] = raw[s + 2];
		target[t + 3] = sign * raw[s + 3];
	}
}

function turnAny(
	raw: Float32Array,
	from: number,
	step: number,
	sign: number,
	target: Float32Array,
	to: number,
	channels: number,
	nPol: number,
): void {
	for (let c = 0, t = 2 * to; c < channels; c++) {
		let s = 2 * (from + c * step);
		for (let p = 0; p < nPol; p++, s += 2, t += 2) {
			target[t] = raw[s];
			target[t + 1] = sign * raw[s + 1];
		}
	}
}

function turnExchanged(
	raw: RawSamples,
	from: number,
	step: number,
	order: Int32Array,
	sign: number,
	target: RawSamples,
	to: number,
	channels: number,
	nPol: number,
): void {
	for (let c = 0, t = to; c < channels; c++) {
		for (let p = 0; p < nPol; p++, t++) {
			const s = from + c * step + order[p];
			target.visibilities[2 * t] = raw.visibilities[2 * s];
			target.visibilities[2 * t + 1] = sign * raw.visibilities[2 * s + 1];
		}
	}
}

function anySet(flags: Uint8Array): boolean {
	let any = 0;
	for (let i = 0; i < flags.length; i++) any |= flags[i];
	return any !== 0;
}

function turnFlags(
	raw: Uint8Array,
	rows: Int32Array,
	exchange: Int32Array | undefined,
	exchanged: Uint8Array,
	rawRow: number,
	begin: number,
	step: number,
	target: Uint8Array,
	to: number,
	width: number,
	inRow: number,
	channels: number,
	nPol: number,
): void {
	const perRow = channels * nPol;
	// Mostly nothing is flagged.
	if (!anySet(raw)) {
		if (width === perRow) target.fill(0, to * perRow, (to + rows.length) * perRow);
		else for (let i = 0, at = to * width + inRow; i < rows.length; i++, at += width) target.fill(0, at, at + perRow);
		return;
	}
	for (let i = 0; i < rows.length; i++) {
		const order = exchanged[i] === 1 ? exchange : undefined;
		const from = rows[i] * rawRow + begin;
		for (let c = 0, t = (to + i) * width + inRow; c < channels; c++) {
			const s = from + c * step;
			for (let p = 0; p < nPol; p++, t++) target[t] = raw[s + (order === undefined ? p : order[p])] === 0 ? 0 : 1;
		}
	}
}

function turnWeights(
	raw: Float32Array,
	rows: Int32Array,
	exchange: Int32Array | undefined,
	exchanged: Uint8Array,
	rawRow: number,
	begin: number,
	step: number,
	target: Float32Array,
	to: number,
	width: number,
	inRow: number,
	channels: number,
	nPol: number,
): void {
	for (let i = 0; i < rows.length; i++) {
		const order = exchanged[i] === 1 ? exchange : undefined;
		const from = rows[i] * rawRow + begin;
		let t = (to + i) * width + inRow;
		if (order !== undefined) {
			for (let c = 0; c < channels; c++) {
				for (let p = 0; p < nPol; p++, t++) target[t] = raw[from + c * step + order[p]];
			}
		} else if (nPol === 2) {
			for (let c = 0, s = from; c < channels; c++, s += step, t += 2) {
				target[t] = raw[s];
				target[t + 1] = raw[s + 1];
			}
		} else {
			for (let c = 0; c < channels; c++) {
				const s = from + c * step;
				for (let p = 0; p < nPol; p++, t++) target[t] = raw[s + p];
			}
		}
	}
}

/** Refuses other columns of a format that has only one. */
export function requireRecordedColumn(options: BlockOptions, source: string): void {
	if (options.column !== undefined && options.column !== "data") {
		throw badInput("no-column", `it has no column of ${options.column} visibilities`, {
			subject: source,
			remedy: "Convert it to a MeasurementSet and calibrate that",
		});
	}
}
