import { SPEED_OF_LIGHT } from "../../calibration/rephase.ts";
import type { BlockOptions, SpectralWindow, VisibilityBlock, VisibilitySet } from "../../calibration/visibility-set.ts";
import { taiMinusUtc } from "../../sky/leap-seconds.ts";
import { exchangeOrder } from "../polarization.ts";
import { openForReading, type RandomAccess } from "../random-access.ts";
import { median, type RowTable, rowRange, tabulateRows } from "../row-table.ts";
import { requireRecordedColumn } from "../turn-rows.ts";
import { samplePlace } from "../uvh5/placed-rows.ts";
import { describeUvfits, type UvfitsDescription } from "./description.ts";
import { type GroupLayout, nativeNumbers, takeGroup } from "./group-samples.ts";
import { readHdus, refuseUvfits } from "./hdus.ts";

const DEFAULT_BLOCK_BYTES = 16 << 20;
const SLAB_BYTES = 4 << 20;
/** Numbers that are read faster than passed over. */
const MOST_PASSED_OVER = 2048;
const MJD_OF_JD_0 = -2400000.5;

/**
 * Opens a UVFITS file (AIPS Memo 117; random groups with AN and FQ tables) as a visibility set. Its convention is the
 * MeasurementSet's; IFs are spectral windows.
 *
 * @throws CausticError `uvfits` naming what is missing, damaged or not supported.
 */
export function openUvfits(path: string): VisibilitySet {
	return openUvfitsFrom(openForReading(path));
}

export function openUvfitsFrom(source: RandomAccess): VisibilitySet {
	try {
		return new UvfitsSet(source);
	} catch (error) {
		source.close();
		throw error;
	}
}

/** One IF, channels ascending. */
interface Window {
	index: number;
	descending: boolean;
	frequenciesHz: Float64Array;
}

class UvfitsSet implements VisibilitySet {
	readonly format = "uvfits";
	readonly source: string[];
	readonly telescope: string;
	readonly location: UvfitsDescription["location"];
	readonly antennas: UvfitsDescription["antennas"];
	readonly timesMjd: Float64Array;
	readonly integrationS: number;
	readonly frequenciesHz: Float64Array;
	readonly channelWidthsHz: Float64Array;
	readonly spectralWindows: SpectralWindow[] = [];
	readonly polarizations: UvfitsDescription["polarizations"];
	readonly baselines: RowTable["baselines"];
	readonly autocorrelations: Int32Array;
	readonly fields: UvfitsDescription["fields"];
	readonly nRows: number;
	readonly warnings: string[];
	private readonly file: RandomAccess;
	private readonly about: UvfitsDescription;
	private readonly windows: Window[] = [];
	private readonly rows: RowTable;
	private readonly exchange: Int32Array | undefined;
	private readonly uvw: Float64Array;
	private readonly fieldOfRow: Int32Array;
	private readonly rowIntegrationS: Float64Array;

	constructor(file: RandomAccess) {
		this.file = file;
		this.source = [file.name];
		const about = describeUvfits(file, readHdus(file));
		this.about = about;
		this.telescope = about.telescope;
		this.location = about.location;
		this.antennas = about.antennas;
		this.polarizations = about.polarizations;
		this.fields = about.fields;
		this.warnings = about.warnings;
		this.nRows = about.nGroups;
		if (this.nRows === 0) throw refuseUvfits(file.name, "it holds no visibilities", "Give a file with data");

		const { times, first, second, uvw, field, integration } = this.readParameters();
		this.uvw = uvw;
		this.fieldOfRow = field;
		this.rows = tabulateRows(times, first, second, about.antennas.length);
		this.timesMjd = this.rows.timesMjd;
		this.baselines = this.rows.baselines;
		this.autocorrelations = this.rows.autocorrelations;
		this.exchange = this.rows.exchanged.includes(1) ? exchangeOrder(this.polarizations, file.name) : undefined;
		this.rowIntegrationS = integration ?? new Float64Array(this.nRows).fill(this.usualStepS());
		this.integrationS = median(this.rowIntegrationS.filter((seconds) => seconds > 0));

		about.windowsHz.forEach((hz, index) => {
			if (hz.some((value) => !(value > 0)))
				throw refuseUvfits(file.name, `IF ${index + 1} has a frequency that is not positive`);
			const descending = hz.length > 1 && hz[1] < hz[0];
			this.windows.push({ index, descending, frequenciesHz: descending ? Float64Array.from(hz).reverse() : hz });
		});
		this.windows.sort((a, b) => a.frequenciesHz[0] - b.frequenciesHz[0]);
		const n = about.frequency.length;
		this.frequenciesHz = new Float64Array(n * this.windows.length);
		this.channelWidthsHz = new Float64Array(this.frequenciesHz.length);
		this.windows.forEach((window, w) => {
			this.frequenciesHz.set(window.frequenciesHz, w * n);
			this.channelWidthsHz.fill(about.widthsHz[window.index], w * n, (w + 1) * n);
			this.spectralWindows.push({
				firstChannel: w * n,
				nChannels: n,
				name: `IF ${window.index + 1}`,
				nRows: this.nRows,
			});
		});
	}

	/** Without INTTIM: the usual distance of two times, s. */
	private usualStepS(): number {
		const steps = this.timesMjd.slice(1).map((mjd, i) => (mjd - this.timesMjd[i]) * 86400);
		return steps.length === 0 ? Number.NaN : median(steps);
	}

	/**
	 * Calls `visit` for each run of groups, with the numbers as they are stored.
	 *
	 * @param taken how many numbers of each group: all, or those at its beginning.
	 */
	private slabs(
		first: number,
		count: number,
		taken: number,
		visit: (values: Float32Array | Float64Array, first: number, count: number) => void,
	): void {
		const { nParameters, nValues, dataStart, bitpix } = this.about;
		const width = Math.abs(bitpix) / 8;
		const groupBytes = (nParameters + nValues) * width;
		const takenBytes = taken * width;
		const most = Math.max(1, Math.floor(SLAB_BYTES / takenBytes));
		const size = Math.min(most, count) * taken;
		// Aligned, because it becomes an array of numbers in place.
		const buffer = Buffer.from(new ArrayBuffer(size * width));
		const wide = bitpix > 0 ? new Float64Array(size) : undefined;
		for (let begin = first; begin < first + count; begin += most) {
			const n = Math.min(most, first + count - begin);
			const part = buffer.subarray(0, n * takenBytes);
			if (takenBytes === groupBytes) this.file.read(part, dataStart + begin * groupBytes);
			else {
				for (let g = 0; g < n; g++) {
					const own = part.subarray(g * takenBytes, (g + 1) * takenBytes);
					this.file.read(own, dataStart + (begin + g) * groupBytes);
				}
			}
			visit(nativeNumbers(part, bitpix, wide), begin, n);
		}
	}

	private readParameters() {
		const { about, nRows } = this;
		const file = this.file.name;
		// Of large groups only the beginning is read.
		const groupValues = about.nParameters + (about.nValues > MOST_PASSED_OVER ? 0 : about.nValues);
		const need = (name: string) => {
			const list = about.parameters.get(name);
			if (list === undefined) throw refuseUvfits(file, `its groups have no parameter ${name}`);
			return list;
		};
		const [uu, vv, ww, date] = ["UU", "VV", "WW", "DATE"].map(need);
		const pair = about.parameters.get("BASELINE");
		const antenna1 = pair === undefined ? need("ANTENNA1") : undefined;
		const antenna2 = pair === undefined ? need("ANTENNA2") : undefined;
		const source = about.sourceIds.length > 0 ? about.parameters.get("SOURCE") : undefined;
		const interval = about.parameters.get("INTTIM");
		const indexOf = new Map(about.antennas.map((antenna, index) => [antenna.number, index]));
		const fieldOf = new Map(about.sourceIds.map((id, index) => [id, index]));

		const times = new Float64Array(nRows);
		const first = new Int32Array(nRows);
		const second = new Int32Array(nRows);
		const uvw = new Float64Array(3 * nRows);
		const field = new Int32Array(nRows);
		const integration = interval === undefined ? undefined : new Float64Array(nRows);
		let warned = false;
		this.slabs(0, nRows, groupValues, (values, begin, n) => {
			for (let g = 0; g < n; g++) {
				const row = begin + g;
				// Sums of scaled values; a zero point of a Julian date is taken off before small numbers are added.
				const value = (list: typeof uu, origin = 0) => {
					let sum = origin;
					for (const { zero } of list) sum += zero;
					for (const { index, scale } of list) sum += scale * values[g * groupValues + index];
					return sum;
				};
				times[row] = value(date, MJD_OF_JD_0);
				if (about.isAtomicTime) times[row] -= taiMinusUtc(times[row]) / 86400;
				if (!(times[row] > 15000 && times[row] < 120000)) {
					throw refuseUvfits(file, `group ${row} is of MJD ${times[row]}, which is no date of an observation`);
				}
				const list = [uu, vv, ww];
				for (let k = 0; k < 3; k++) uvw[3 * row + k] = SPEED_OF_LIGHT * value(list[k]);
				let [a, b] = [0, 0];
				if (pair !== undefined) {
					const code = value(pair);
					// The fraction is the number of the subarray, less one, in hundredths.
					const whole = Math.floor(code + 1e-4);
					if (code - whole > 5e-3 && !warned) {
						warned = true;
						this.warnings.push("it has several subarrays; they are read as one");
					}
					[a, b] =
						whole >= 65536 ? [Math.floor((whole - 65536) / 2048), (whole - 65536) % 2048] : [whole >> 8, whole & 255];
				} else {
					a = value(antenna1 as typeof uu);
					b = value(antenna2 as typeof uu);
				}
				const [p, q] = [indexOf.get(a), indexOf.get(b)];
				if (p === undefined || q === undefined) {
					throw refuseUvfits(
						file,
						`group ${row} is of antennas ${a} and ${b}, which are not both in the antenna table`,
					);
				}
				first[row] = p;
				second[row] = q;
				if (source !== undefined) {
					const index = fieldOf.get(value(source));
					if (index === undefined)
						throw refuseUvfits(file, `group ${row} is of source ${value(source)}, which is not in its table`);
					field[row] = index;
				}
				if (integration !== undefined) integration[row] = value(interval as typeof uu);
			}
		});
		return { times, first, second, uvw, field, integration };
	}

	close(): void {
		this.file.close();
	}

	async *blocks(options: BlockOptions = {}): AsyncGenerator<VisibilityBlock> {
		requireRecordedColumn(options, this.source[0]);
		const [low, high] = options.channels ?? [0, this.frequenciesHz.length];
		for (let w = 0; w < this.windows.length; w++) {
			const { firstChannel, nChannels } = this.spectralWindows[w];
			const begin = Math.max(low, firstChannel) - firstChannel;
			const end = Math.min(high, firstChannel + nChannels) - firstChannel;
			if (begin < end) yield* this.windowBlocks(w, begin, end - begin, options);
		}
	}

	private *windowBlocks(
		window: number,
		channel: number,
		channels: number,
		options: BlockOptions,
	): Generator<VisibilityBlock> {
		const { about, rows } = this;
		const { complex, stokes, frequency, windows } = about;
		const { index, descending } = this.windows[window];
		const nPol = stokes.length;
		const perRow = channels * nPol;
		const [t0, t1] = options.times ?? [0, this.timesMjd.length];
		const wanted = (row: number) =>
			rows.timeIndex[row] >= t0 &&
			rows.timeIndex[row] < t1 &&
			(options.autocorrelations === true || rows.baseline[row] >= 0);
		const groupValues = about.nParameters + about.nValues;
		const layout: GroupLayout = {
			channels,
			// From one of our channels to the next.
			channelStep: descending ? -frequency.stride : frequency.stride,
			products: Int32Array.from({ length: nPol }, (_, p) => p * stokes.stride),
			exchanged: Int32Array.from({ length: nPol }, (_, p) => (this.exchange?.[p] ?? p) * stokes.stride),
			imaginary: complex.stride,
			weight: complex.length > 2 ? 2 * complex.stride : undefined,
			scale: about.scale,
			zero: about.zero,
			blank: about.blank,
		};
		const [low, high] = rowRange(rows, t0, t1);
		const blockRows = Math.max(
			1,
			Math.min(high - low, Math.floor((options.blockBytes ?? DEFAULT_BLOCK_BYTES) / (8 * perRow))),
		);
		const kept = samplePlace(blockRows, perRow);
		for (let begin = low; begin < high; begin += blockRows) {
			const count = Math.min(blockRows, high - begin);
			const chosen: number[] = [];
			for (let row = begin; row < begin + count; row++) if (wanted(row)) chosen.push(row);
			if (chosen.length === 0) continue;
			const nRows = chosen.length;
			const visibilities = kept.visibilities.subarray(0, 2 * nRows * perRow);
			const flags = kept.flags.subarray(0, nRows * perRow);
			const weights = kept.weights.subarray(0, nRows * perRow);
			const uvwM = new Float64Array(3 * nRows);
			let r = 0;
			this.slabs(begin, count, groupValues, (values, first, n) => {
				for (let g = 0; g < n; g++) {
					const row = first + g;
					if (!wanted(row)) continue;
					const swap = rows.exchanged[row] === 1;
					const sign = swap ? -1 : 1;
					for (let k = 0; k < 3; k++) uvwM[3 * r + k] = sign * this.uvw[3 * row + k];
					const stored = descending ? frequency.length - 1 - channel : channel;
					const at = g * groupValues + about.nParameters + index * windows.stride + stored * frequency.stride;
					takeGroup(values, at, layout, swap, visibilities, flags, weights, r * perRow);
					r++;
				}
			});
			const pick = (values: Int32Array) => Int32Array.from(chosen, (row) => values[row]);
			yield {
				spectralWindow: window,
				firstChannel: this.spectralWindows[window].firstChannel + channel,
				nChannels: channels,
				nRows,
				timeIndex: pick(rows.timeIndex),
				antenna1: pick(rows.antenna1),
				antenna2: pick(rows.antenna2),
				baseline: pick(rows.baseline),
				field: pick(this.fieldOfRow),
				integrationS: Float64Array.from(chosen, (row) => this.rowIntegrationS[row]),
				uvwM,
				visibilities,
				flags,
				weights,
			};
		}
	}
}
