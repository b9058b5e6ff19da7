import { badInput } from "../error.ts";
import type { Selection } from "./selection.ts";
import type { VisibilitySet } from "./visibility-set.ts";
import { FLAG, type WindowData } from "./window-data.ts";

const BLOCK_BYTES = 4 << 20;
/** What is read straight into the grid is worked on at once, while it is in the processor's cache. */
const STRAIGHT_BYTES = 256 << 10;

/** What came with the samples of a window. */
export interface LoadedWindow {
	data: WindowData;
	/** [time][baseline][3] m; NaN where there was no row. */
	uvwM: Float64Array;
	/** [time][baseline]; -1 where there was no row. */
	field: Int32Array;
	/** Rows read. */
	rows: number;
	/** The first so many rows of the grid have been shown to {@link LoadOptions.onRows}. */
	shown: number;
}

export interface LoadOptions {
	/** Column of a MeasurementSet. */
	column?: "data" | "corrected" | "model";
	/** Half-open range of the set's channels, within the window. */
	channels?: readonly [number, number];
	/** Try to read into the grid without a copy (default); the result is the same. */
	straight?: boolean;
	/**
	 * Called once for the grid, and what it returns for rows [first, beyond) of the grid as they arrive, while they are in the
	 * processor's cache. Rows that do not come in the grid's order are not shown.
	 */
	onRows?: (data: WindowData) => (first: number, beyond: number) => void;
}

/**
 * Reads one spectral window into the solver's grid. What has no row is flagged as absent, baselines outside the uv range
 * as excluded.
 *
 * @throws CausticError `too-large` when the grid would not fit an array.
 */
export async function loadWindow(
	set: VisibilitySet,
	window: number,
	selection: Selection,
	options: LoadOptions = {},
): Promise<LoadedWindow> {
	const { column = "data", straight = true } = options;
	const { firstChannel, nChannels: all } = set.spectralWindows[window];
	const range = options.channels ?? [firstChannel, firstChannel + all];
	const nChannels = range[1] - range[0];
	const nBaselines = selection.array.antenna1.length;
	const nTimes = selection.times.length;
	const nPol = selection.polarizations.length;
	const setPol = set.polarizations.length;
	const samples = nTimes * nBaselines * nChannels * nPol;
	if (samples > 2 ** 30) {
		throw badInput("too-large", `one spectral window holds ${samples} visibilities`, {
			subject: set.source[0],
			remedy: "Select fewer integrations with --times",
		});
	}
	const visibilities = new Float32Array(2 * samples);
	const flags = new Uint8Array(samples).fill(FLAG.absent);
	const frequenciesHz = set.frequenciesHz.slice(range[0], range[1]);
	const shape = { nTimes, nBaselines, nChannels, nPolarizations: nPol, frequenciesHz };
	const show = options.onRows?.({ ...shape, visibilities, flags, weights: undefined });
	const uvwM = new Float64Array(3 * nTimes * nBaselines).fill(Number.NaN);
	const field = new Int32Array(nTimes * nBaselines).fill(-1);
	let weights: Float32Array | undefined;
	let rows = 0;
	let weighted = false;
	const span = nChannels * nPol;
	const plain = setPol === nPol && selection.polarizationOf.every((p, i) => p === i);
	// Rows that come in the grid's order, as correlators write them, are read straight into it.
	let direct = straight && plain && set.canPlace === true && takesAll(selection);
	let received = 0;
	let shown = 0;
	let placedWeights = new Float32Array(0);
	const blocks = set.blocks({
		channels: range,
		column,
		blockBytes: direct ? STRAIGHT_BYTES : BLOCK_BYTES,
		uniformWeights: true,
		times: spanOf(selection.timeOf),
		...(direct
			? {
					place: (most: number) => {
						if (placedWeights.length < most * span) placedWeights = new Float32Array(most * span);
						return {
							width: span,
							at: 0,
							visibilities: visibilities.subarray(2 * received * span, 2 * (received + most) * span),
							flags: flags.subarray(received * span, (received + most) * span),
							weights: placedWeights,
						};
					},
				}
			: {}),
	});
	for await (const block of blocks) {
		const from = block.firstChannel - range[0];
		if (direct) {
			direct = block.nChannels === nChannels;
			for (let row = 0; direct && row < block.nRows; row++) {
				const k = selection.timeOf[block.timeIndex[row]] * nBaselines + block.baseline[row];
				direct = k === received + row && block.baseline[row] >= 0;
			}
			if (!direct) return loadWindow(set, window, selection, { ...options, straight: false });
			received += block.nRows;
		}
		const { uniformWeight } = block;
		const recorded = uniformWeight !== undefined ? undefined : direct ? placedWeights : block.weights;
		for (let row = 0; row < block.nRows; row++) {
			const t = selection.timeOf[block.timeIndex[row]];
			const b = block.baseline[row] < 0 ? -1 : selection.baselineOf[block.baseline[row]];
			if (t < 0 || b < 0) continue;
			if (selection.fields !== undefined && !selection.fields.has(block.field[row])) continue;
			rows++;
			const k = t * nBaselines + b;
			field[k] = block.field[row];
			uvwM[3 * k] = block.uvwM[3 * row];
			uvwM[3 * k + 1] = block.uvwM[3 * row + 1];
			uvwM[3 * k + 2] = block.uvwM[3 * row + 2];
			const target = k * span + from * nPol;
			const source = row * block.nChannels * setPol;
			const count = block.nChannels * nPol;
			if (direct) {
				// They stand there already.
			} else if (plain) {
				visibilities.set(block.visibilities.subarray(2 * source, 2 * (source + count)), 2 * target);
				flags.set(block.flags.subarray(source, source + count), target);
			} else {
				for (let c = 0; c < block.nChannels; c++) {
					for (let s = 0; s < nPol; s++) {
						const i = source + c * setPol + selection.polarizationOf[s];
						const o = target + c * nPol + s;
						visibilities[2 * o] = block.visibilities[2 * i];
						visibilities[2 * o + 1] = block.visibilities[2 * i + 1];
						flags[o] = block.flags[i];
					}
				}
			}
			if (uniformWeight !== undefined) {
				weights ??= new Float32Array(nTimes * nBaselines * nPol);
				if (uniformWeight > 0) {
					weighted = true;
					for (let s = 0; s < nPol; s++) weights[k * nPol + s] = uniformWeight;
				} else {
					for (let i = target; i < target + count; i++) flags[i] |= FLAG.absent;
				}
			} else if (recorded !== undefined) {
				weights ??= new Float32Array(nTimes * nBaselines * nPol);
				const w = recorded;
				const step = setPol;
				for (let s = 0; s < nPol; s++) {
					const first = source + selection.polarizationOf[s];
					const beyond = first + block.nChannels * step;
					let sum = 0;
					let positive = 0;
					for (let i = first; i < beyond; i += step) {
						const value = w[i];
						if (value > 0) {
							sum += value;
							positive++;
						}
					}
					if (positive > 0) weighted = true;
					if (positive < block.nChannels) {
						for (let c = 0; c < block.nChannels; c++) {
							if (!(w[first + c * step] > 0)) flags[target + c * nPol + s] |= FLAG.absent;
						}
					}
					weights[k * nPol + s] += sum / nChannels;
				}
			}
			if (selection.uvRange !== undefined)
				excludeByLength(set, selection.uvRange, block, row, range[0] + from, flags, target, nPol);
		}
		// Only where it is known that rows without weight are missing: see below.
		if (show !== undefined && direct && shown === received - block.nRows && (weighted || weights === undefined)) {
			show(shown, received);
			shown = received;
		}
	}
	// A sample without weight is one that nobody recorded; a set in which none has weight records no weights.
	if (weights !== undefined && !weighted) {
		weights = undefined;
		for (let k = 0; k < field.length; k++) {
			if (field[k] < 0) continue;
			for (let i = k * span; i < (k + 1) * span; i++) flags[i] &= ~FLAG.absent;
		}
	}
	return {
		data: {
			...shape,
			visibilities,
			flags,
			weights: weights === undefined ? undefined : relativeWeights(weights),
		},
		uvwM,
		field,
		rows,
		shown,
	};
}

/** Every baseline and time of the set is selected, in the set's order. */
function takesAll(selection: Selection): boolean {
	return (
		selection.fields === undefined &&
		selection.baselineOf.every((at, b) => at === b) &&
		selection.timeOf.every((at, t) => at === t)
	);
}

function spanOf(timeOf: Int32Array): [number, number] {
	const first = timeOf.findIndex((t) => t >= 0);
	return first < 0 ? [0, 0] : [first, timeOf.findLastIndex((t) => t >= 0) + 1];
}

function excludeByLength(
	set: VisibilitySet,
	[low, high]: readonly [number, number],
	block: { uvwM: Float64Array; nChannels: number },
	row: number,
	firstChannel: number,
	flags: Uint8Array,
	target: number,
	nPol: number,
): void {
	const lengthM = Math.hypot(block.uvwM[3 * row], block.uvwM[3 * row + 1]);
	for (let c = 0; c < block.nChannels; c++) {
		const wavelengths = (lengthM * set.frequenciesHz[firstChannel + c]) / 299792458;
		if (wavelengths >= low && wavelengths <= high) continue;
		for (let s = 0; s < nPol; s++) flags[target + c * nPol + s] |= FLAG.excluded;
	}
}

/** Scaled to a mean of 1 over rows with weight; undefined when all of those are equal: then they say nothing. */
function relativeWeights(weights: Float32Array): Float32Array | undefined {
	let [low, high, sum, count] = [Number.POSITIVE_INFINITY, 0, 0, 0];
	for (const w of weights) {
		if (!(w > 0)) continue;
		low = Math.min(low, w);
		high = Math.max(high, w);
		sum += w;
		count++;
	}
	if (count === 0 || high - low < 1e-5 * high) return undefined;
	return weights.map((w) => (w > 0 && Number.isFinite(w) ? (w * count) / sum : 0));
}
