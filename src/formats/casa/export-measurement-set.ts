import { icrsOnMeridian, isUniform, meridianDirection, turnPhases } from "../../calibration/rephase.ts";
import type { SpectralWindow, VisibilityBlock, VisibilitySet } from "../../calibration/visibility-set.ts";
import { badInput } from "../../error.ts";
import { observerAt } from "../../sky/apparent-place.ts";
import { antennaUvw, uvwAxes } from "../../sky/uvw.ts";
import type { FieldRow, WindowRow } from "./subtables.ts";
import { type DataColumn, type MeasurementRows, MeasurementSetWriter } from "./write-measurement-set.ts";

/** New values for a block's samples, in the block's layout; undefined where they stay. */
export interface CorrectedBlock {
	visibilities: Float32Array;
	flags?: Uint8Array;
	weights?: Float32Array;
}

export interface ExportOptions {
	/** ICRS place to which phases are turned; by default the fields' own, or for data that do not track, the middle of their path. */
	centre?: { name: string; raDeg: number; decDeg: number };
	/** Calibrated values of a block of `set.blocks()`; with it CORRECTED_DATA is written beside DATA. */
	correct?: (block: VisibilityBlock) => CorrectedBlock;
	/** Model values of a block, written as MODEL_DATA. */
	model?: (block: VisibilityBlock) => Float32Array;
	/** Keep one spectral window per subband, even where subbands join without a gap. */
	keepWindows?: boolean;
	/** About how many bytes of visibilities are assembled at once. 4 MiB by default: they stay in the processor's cache. */
	chunkBytes?: number;
	history?: readonly string[];
	signal?: AbortSignal;
	progress?: (rowsDone: number, rowsTotal: number) => void;
}

export interface ExportReport {
	nRows: number;
	nWindows: number;
	nChannels: number;
	/** Samples that were not numbers: written as flagged zeros. */
	notFinite: number;
	fields: FieldRow[];
	/** Whether phases were turned. */
	rephased: boolean;
}

/**
 * Writes any visibility set as a MeasurementSet that CASA and WSClean take, streaming. Subbands that join are one spectral
 * window of ascending frequencies. Data that do not track a place on the sky are turned to one, with the apparent place of
 * date, diurnal aberration and UT1 in the geometry, and get the uvw of that place.
 *
 * @throws CausticError if the set cannot be written, or has no phase centre and its antennas no place.
 */
export async function exportMeasurementSet(
	set: VisibilitySet,
	path: string,
	options: ExportOptions = {},
): Promise<ExportReport> {
	const groups = options.keepWindows === true ? set.spectralWindows.map((window) => [window]) : joinWindows(set);
	const windows = groups.map((group) => windowRow(set, group));
	const turning = turningOf(set, options);
	const nRows = groups.reduce((sum, group) => sum + group[0].nRows, 0);
	const columns: DataColumn[] = ["DATA"];
	if (options.correct !== undefined) columns.push("CORRECTED_DATA");
	if (options.model !== undefined) columns.push("MODEL_DATA");
	const margin = set.integrationS > 0 ? set.integrationS / 2 / 86400 : 0;
	const writer = new MeasurementSetWriter(path, {
		// The name that WSClean and EveryBeam know the array by; CASA takes any.
		telescope: set.telescope === "OVRO_MMA" ? "DSA_110" : set.telescope,
		antennas: set.antennas,
		windows,
		polarizations: set.polarizations,
		fields: turning.fields,
		nRows,
		beginMjd: set.timesMjd[0] - margin,
		endMjd: set.timesMjd[set.timesMjd.length - 1] + margin,
		columns,
		history: [
			`converted from ${set.format}: ${set.source.length} file(s), telescope name ${set.telescope}`,
			...set.warnings,
			...(options.history ?? []),
		],
	});
	const assembler = new Assembler(set, options, columns);
	try {
		// Rows in order of time, then of window: one window goes through in one piece.
		const step = groups.length === 1 ? set.timesMjd.length : 1;
		let done = 0;
		for (let t = 0; t < set.timesMjd.length; t += step) {
			for (let g = 0; g < groups.length; g++) {
				for await (const rows of assembler.read(groups[g], g, t, t + step)) {
					options.signal?.throwIfAborted();
					turning.turn(rows, windows[g].frequenciesHz);
					writer.append(rows);
					done += rows.count;
					options.progress?.(done, nRows);
				}
			}
		}
		writer.finish();
	} catch (error) {
		writer.abandon();
		throw error;
	}
	const nChannels = set.frequenciesHz.length;
	const { fields, rephased } = turning;
	return { nRows, nWindows: windows.length, nChannels, notFinite: assembler.notFinite, fields, rephased };
}

/** Neighbouring windows whose channels go on without a gap, with equal widths and rows. */
function joinWindows(set: VisibilitySet): SpectralWindow[][] {
	const groups: SpectralWindow[][] = [];
	const { frequenciesHz, channelWidthsHz } = set;
	for (const window of set.spectralWindows) {
		const group = groups.at(-1);
		const before = group?.at(-1);
		const first = window.firstChannel;
		const width = channelWidthsHz[first];
		const joins =
			before !== undefined &&
			before.nRows === window.nRows &&
			Math.abs(frequenciesHz[first] - frequenciesHz[first - 1] - width) < 1e-4 * width &&
			channelWidthsHz
				.slice(before.firstChannel, first + window.nChannels)
				.every((w) => Math.abs(w - width) < 1e-6 * width);
		if (joins) group?.push(window);
		else groups.push([window]);
	}
	return groups;
}

function windowRow(set: VisibilitySet, group: SpectralWindow[]): WindowRow {
	const first = group[0].firstChannel;
	const last = group[group.length - 1];
	const end = last.firstChannel + last.nChannels;
	return {
		name: group.length === 1 ? group[0].name : `${group[0].name} to ${last.name}`,
		frequenciesHz: set.frequenciesHz.slice(first, end),
		channelWidthsHz: set.channelWidthsHz.slice(first, end),
	};
}

/** Puts the blocks of joined windows side by side. */
class Assembler {
	notFinite = 0;
	private readonly set: VisibilitySet;
	private readonly options: ExportOptions;
	private readonly columns: readonly DataColumn[];
	private capacity = 0;
	private firstTime = -1;
	private data: Partial<Record<DataColumn, Float32Array>> = {};
	private flags = new Uint8Array(0);
	private weights = new Float32Array(0);

	constructor(set: VisibilitySet, options: ExportOptions, columns: readonly DataColumn[]) {
		this.set = set;
		this.options = options;
		this.columns = columns;
	}

	private reserve(samples: number): void {
		if (samples <= this.capacity) return;
		this.capacity = samples;
		for (const column of this.columns) this.data[column] = new Float32Array(2 * samples);
		this.flags = new Uint8Array(samples);
		this.weights = new Float32Array(samples);
	}

	/** Rows of times [t0, t1) over all channels of a group, some at a time; they are the receiver's until it asks for more. */
	async *read(
		group: readonly SpectralWindow[],
		window: number,
		t0: number,
		t1: number,
	): AsyncGenerator<MeasurementRows> {
		const { set, options } = this;
		const nPol = set.polarizations.length;
		const nChannels = group.reduce((sum, { nChannels: n }) => sum + n, 0);
		const bytesPerRow = nChannels * nPol * 8;
		const rowsAtOnce = Math.max(1, Math.floor((options.chunkBytes ?? 4 << 20) / bytesPerRow));
		const readers = group.map(({ firstChannel, nChannels: own }) =>
			set
				.blocks({
					channels: [firstChannel, firstChannel + own],
					times: [t0, t1],
					autocorrelations: true,
					blockBytes: rowsAtOnce * own * nPol * 8,
				})
				[Symbol.asyncIterator](),
		);
		for (;;) {
			let rows: MeasurementRows | undefined;
			let at = 0;
			for (let i = 0; i < group.length; i++) {
				const { done, value: block } = await readers[i].next();
				if (done === true) {
					if (i === 0) return;
					throw this.unequal();
				}
				rows ??= this.begin(block, window, nChannels);
				if (block.nRows !== rows.count || block.timeIndex[0] !== this.firstTime) throw this.unequal();
				this.put(rows, block, at, nChannels);
				at += group[i].nChannels * nPol;
			}
			if (rows === undefined) return;
			for (const column of this.columns) this.flagNotFinite(rows.data[column] as Float32Array, rows.flags);
			yield rows;
		}
	}

	private unequal() {
		return badInput("visibility-set", "its subbands have different rows at one time", {
			subject: this.set.source[0],
			remedy: "Keep one spectral window per subband",
		});
	}

	/** What all windows of a group have in common. */
	private begin(block: VisibilityBlock, window: number, nChannels: number): MeasurementRows {
		const { set } = this;
		const size = block.nRows * nChannels * set.polarizations.length;
		this.reserve(size);
		this.firstTime = block.timeIndex[0];
		return {
			count: block.nRows,
			window,
			timesMjd: Float64Array.from(block.timeIndex, (t) => set.timesMjd[t]),
			integrationS: block.integrationS.slice(),
			antenna1: block.antenna1.slice(),
			antenna2: block.antenna2.slice(),
			field: block.field.slice(),
			uvwM: block.uvwM.slice(),
			flags: this.flags.subarray(0, size),
			weights: this.weights.subarray(0, size),
			data: Object.fromEntries(this.columns.map((name) => [name, this.data[name]?.subarray(0, 2 * size)])),
		};
	}

	/** One window's samples at their place among the group's. */
	private put(rows: MeasurementRows, block: VisibilityBlock, at: number, nChannels: number): void {
		const { set, options } = this;
		const nPol = set.polarizations.length;
		const corrected = options.correct?.(block);
		const wide = nChannels * nPol;
		const narrow = block.nChannels * nPol;
		this.place(rows.data.DATA as Float32Array, block.visibilities, 2 * narrow, 2 * wide, 2 * at);
		if (corrected !== undefined) {
			this.place(rows.data.CORRECTED_DATA as Float32Array, corrected.visibilities, 2 * narrow, 2 * wide, 2 * at);
		}
		if (options.model !== undefined) {
			this.place(rows.data.MODEL_DATA as Float32Array, options.model(block), 2 * narrow, 2 * wide, 2 * at);
		}
		this.place(rows.flags, corrected?.flags ?? block.flags, narrow, wide, at);
		const weights = corrected?.weights ?? block.weights;
		if (weights !== undefined) this.place(rows.weights, weights, narrow, wide, at);
		else for (let r = 0; r < rows.count; r++) rows.weights.fill(1, r * wide + at, r * wide + at + narrow);
	}

	private place<T extends Float32Array | Uint8Array>(
		target: T,
		source: T,
		narrow: number,
		wide: number,
		at: number,
	): void {
		if (narrow === wide) target.set(source);
		else if (source instanceof Float32Array) spreadFloats(target as Float32Array, source, narrow, wide, at);
		else spreadBytes(target as Uint8Array, source as Uint8Array, narrow, wide, at);
	}

	/** A sample that is no number becomes a flagged zero: imagers multiply before they look at flags. */
	private flagNotFinite(data: Float32Array, flags: Uint8Array): void {
		const run = 256;
		for (let i = 0; i < flags.length; i += run) {
			const end = Math.min(flags.length, i + run);
			if (allFinite(data, 2 * i, 2 * end)) continue;
			for (let k = i; k < end; k++) {
				if (Number.isFinite(data[2 * k]) && Number.isFinite(data[2 * k + 1])) continue;
				data[2 * k] = 0;
				data[2 * k + 1] = 0;
				if (flags[k] === 0) this.notFinite++;
				flags[k] = 1;
			}
		}
	}
}

// Loops of their own, each for one type: a loop that has seen several runs at a tenth of the speed.
function spreadFloats(target: Float32Array, source: Float32Array, narrow: number, wide: number, at: number): void {
	for (let from = 0, to = at; from < source.length; to += wide) {
		for (let i = 0; i < narrow; i++) target[to + i] = source[from++];
	}
}

function spreadBytes(target: Uint8Array, source: Uint8Array, narrow: number, wide: number, at: number): void {
	for (let from = 0, to = at; from < source.length; to += wide) {
		for (let i = 0; i < narrow; i++) target[to + i] = source[from++];
	}
}

/** Whether numbers [from, to) are all finite: 0 x infinity and 0 x NaN are NaN, and stay so in a sum. */
function allFinite(data: Float32Array, from: number, to: number): boolean {
	let a = 0;
	let b = 0;
	let c = 0;
	let d = 0;
	let i = from;
	for (; i + 4 <= to; i += 4) {
		a += data[i] * 0;
		b += data[i + 1] * 0;
		c += data[i + 2] * 0;
		d += data[i + 3] * 0;
	}
	for (; i < to; i++) a += data[i] * 0;
	return a + b + c + d === 0;
}

interface Turning {
	fields: FieldRow[];
	rephased: boolean;
	/** Turns phases and replaces uvw, where a field's phase centre is not the one written. */
	turn(rows: MeasurementRows, frequenciesHz: Float64Array): void;
}

/** What must be done to each field's phases. */
function turningOf(set: VisibilitySet, options: ExportOptions): Turning {
	const middle = (set.timesMjd[0] + set.timesMjd[set.timesMjd.length - 1]) / 2;
	const needs = set.fields.map(({ phaseCentre }) => options.centre !== undefined || phaseCentre.kind !== "sidereal");
	const { location } = set;
	if (needs.includes(true) && location === undefined) {
		throw badInput("no-location", "its phases cannot be turned: the place of the array is not known", {
			subject: set.source[0],
			remedy: "Give data that say where the array stands",
		});
	}
	const fields = set.fields.map(({ name, phaseCentre }): FieldRow => {
		if (options.centre !== undefined) return { ...options.centre, timeMjd: set.timesMjd[0] };
		if (phaseCentre.kind === "sidereal") {
			return { name, raDeg: phaseCentre.raDeg, decDeg: phaseCentre.decDeg, timeMjd: set.timesMjd[0] };
		}
		const site = location as NonNullable<typeof location>;
		const [hourAngle, dec] =
			phaseCentre.kind === "meridian" ? [phaseCentre.hourAngleDeg, phaseCentre.declinationDeg] : [0, site.latitudeDeg];
		const place = icrsOnMeridian(observerAt(middle, site), hourAngle, dec, site.longitudeDeg);
		return { name: name || "drift", ...place, timeMjd: set.timesMjd[0] };
	});
	const positions = Float64Array.from(set.antennas.flatMap((antenna) => antenna.positionItrfM));
	// From a common point near the antennas: differences of geocentric positions lose digits.
	const origin = [0, 1, 2].map((k) => positions[k] ?? 0);
	for (let i = 0; i < positions.length; i++) positions[i] -= origin[i % 3];

	/** uvw of all antennas for a direction at a time; the last one is kept, rows come in order of time. */
	const kept = new Map<string, { mjd: number; uvw: Float64Array }>();
	const uvwOf = (key: string, mjd: number, raDeg: number, decDeg: number): Float64Array => {
		const known = kept.get(key);
		if (known?.mjd === mjd) return known.uvw;
		const uvw = antennaUvw(uvwAxes(observerAt(mjd, location), raDeg, decDeg), positions);
		kept.set(key, { mjd, uvw });
		return uvw;
	};
	/** w of a row for the phase centre that its data were stored with. Of tracked data the file knows best. */
	const storedW = (field: number, mjd: number): ((p: number, q: number, fileW: number) => number) => {
		const { phaseCentre } = set.fields[field];
		if (phaseCentre.kind === "unprojected") return () => 0;
		if (phaseCentre.kind === "sidereal") return (_p, _q, fileW) => fileW;
		const { longitudeDeg } = location as NonNullable<typeof location>;
		const { hourAngleDeg, declinationDeg } = phaseCentre;
		const [x, y, z] = meridianDirection(observerAt(mjd, location), hourAngleDeg, declinationDeg, longitudeDeg);
		return (p, q) =>
			x * (positions[3 * p] - positions[3 * q]) +
			y * (positions[3 * p + 1] - positions[3 * q + 1]) +
			z * (positions[3 * p + 2] - positions[3 * q + 2]);
	};
	const nPol = set.polarizations.length;
	return {
		fields,
		rephased: needs.includes(true),
		turn(rows, frequenciesHz) {
			if (!needs.includes(true)) return;
			const perRow = 2 * frequenciesHz.length * nPol;
			const uniform = isUniform(frequenciesHz);
			let mjd = Number.NaN;
			let field = -1;
			let uvw = new Float64Array(0);
			let old: (p: number, q: number, fileW: number) => number = () => 0;
			for (let r = 0; r < rows.count; r++) {
				if (!needs[rows.field[r]]) continue;
				if (rows.timesMjd[r] !== mjd || rows.field[r] !== field) {
					mjd = rows.timesMjd[r];
					field = rows.field[r];
					uvw = uvwOf(`new ${field}`, mjd, fields[field].raDeg, fields[field].decDeg) as Float64Array<ArrayBuffer>;
					old = storedW(field, mjd);
				}
				const [p, q] = [rows.antenna1[r], rows.antenna2[r]];
				const delta = uvw[3 * p + 2] - uvw[3 * q + 2] - old(p, q, rows.uvwM[3 * r + 2]);
				for (let k = 0; k < 3; k++) rows.uvwM[3 * r + k] = uvw[3 * p + k] - uvw[3 * q + k];
				if (delta === 0) continue;
				for (const data of Object.values(rows.data)) {
					if (data !== undefined) turnPhases(data, r * perRow, frequenciesHz, nPol, delta, uniform);
				}
			}
		},
	};
}
