import { badInput } from "../error.ts";
import { tangentOffsets } from "../sky/separation.ts";
import { measurementFault } from "../variability/statistics.ts";

/** A table of light curves by column: rows in any order. */
export interface LightCurveTable {
	/** Index into the list of sources. */
	sourceIndex: ArrayLike<number>;
	/** Mid-exposure times, MJD UTC. */
	mjd: ArrayLike<number>;
	frequencyMhz: ArrayLike<number>;
	/** Jy; NaN where there is no value. */
	flux: ArrayLike<number>;
	/** Standard error, Jy. */
	fluxErr: ArrayLike<number>;
}

export interface DetectSource {
	id: string;
	raDeg?: number;
	decDeg?: number;
	/** Sources of one field are observed together and share its gain. Without it every source stands alone. */
	fieldId?: string;
}

export interface RejectedRow {
	/** 0-based row of the table. */
	row: number;
	reason: string;
}

/** One field on its grid of epochs and bands, ready for correction and search. */
export interface FieldData {
	fieldId: string | null;
	/** Indices into the list of sources. */
	sources: Int32Array;
	mjd: Float64Array;
	frequencyMhz: Float64Array;
	/** Source by source, epoch by epoch, bands fastest; NaN where there is no measurement. Jy. */
	flux: Float64Array;
	err: Float64Array;
	/** Tangent-plane offsets in degrees, or null without positions for all. */
	x: Float64Array | null;
	y: Float64Array | null;
}

/** Epochs of a field beyond which neighbours in time are averaged, and bands beyond which a table is refused. */
export const MOST_EPOCHS = 1500;
const MOST_BANDS = 32;
/** Rows closer in time than this belong to one epoch, days. */
const SAME_EPOCH_DAYS = 0.04;

/**
 * Sorts a table into fields. Rows that are no measurement (numbers that are not finite, errors that are not positive,
 * repeated source, epoch and band) are left out and named.
 *
 * @throws CausticError `too-many-bands` for a field with more than 32 frequencies
 */
export function arrangeFields(
	table: LightCurveTable,
	sources: readonly DetectSource[],
): { fields: FieldData[]; rejected: RejectedRow[] } {
	const rejected: RejectedRow[] = [];
	const fieldOf = new Map<string, number>();
	const members: number[][] = [];
	const names: (string | null)[] = [];
	const sourceField = new Int32Array(sources.length);
	const sourcePlace = new Int32Array(sources.length);
	for (let s = 0; s < sources.length; s++) {
		const { fieldId } = sources[s];
		const key = fieldId === undefined || fieldId === "" ? `\u0000${s}` : fieldId;
		let field = fieldOf.get(key);
		if (field === undefined) {
			field = members.length;
			fieldOf.set(key, field);
			members.push([]);
			names.push(fieldId === undefined || fieldId === "" ? null : fieldId);
		}
		sourceField[s] = field;
		sourcePlace[s] = members[field].length;
		members[field].push(s);
	}
	const rows: number[][] = members.map(() => []);
	for (let row = 0; row < table.flux.length; row++) {
		const source = table.sourceIndex[row];
		// A missing value, as after a flag: nothing is wrong with the row.
		if (Number.isNaN(table.flux[row]) && !(table.fluxErr[row] <= 0)) continue;
		const reason = source >= 0 && source < sources.length ? rowFault(table, row) : "unknown source";
		if (reason === null) rows[sourceField[source]].push(row);
		else rejected.push({ row, reason });
	}
	const fields: FieldData[] = [];
	for (let f = 0; f < members.length; f++)
		if (rows[f].length > 0)
			fields.push(arrangeField(table, sources, names[f], members[f], rows[f], sourcePlace, rejected));
	rejected.sort((a, b) => a.row - b.row);
	return { fields, rejected };
}

function rowFault(table: LightCurveTable, row: number): string | null {
	const nu = table.frequencyMhz[row];
	if (!(nu > 0) || !Number.isFinite(nu)) return "frequency_mhz is not a positive number";
	return measurementFault(table.mjd[row], table.flux[row], table.fluxErr[row]);
}

function arrangeField(
	table: LightCurveTable,
	sources: readonly DetectSource[],
	fieldId: string | null,
	members: number[],
	rows: number[],
	sourcePlace: Int32Array,
	rejected: RejectedRow[],
): FieldData {
	const bandOf = new Map<number, number>();
	const keyOf = (nu: number) => Math.round(nu * 10);
	for (const row of rows) bandOf.set(keyOf(table.frequencyMhz[row]), 0);
	const frequencies = [...bandOf.keys()].sort((a, b) => a - b);
	if (frequencies.length > MOST_BANDS)
		throw badInput("too-many-bands", `${frequencies.length} frequencies, at most ${MOST_BANDS} can be searched`, {
			subject: fieldId === null ? `source ${sources[members[0]].id}` : `field ${fieldId}`,
			remedy: "Average channels into subbands",
		});
	frequencies.forEach((key, k) => {
		bandOf.set(key, k);
	});
	const { epochOfRow, mjd } = assignEpochs(table, rows);
	const epochs = mjd.length;
	const bands = frequencies.length;
	const flux = new Float64Array(members.length * epochs * bands).fill(Number.NaN);
	const err = new Float64Array(flux.length).fill(Number.NaN);
	const binned = epochOfRow.binned;
	for (let i = 0; i < rows.length; i++) {
		const row = rows[i];
		const band = bandOf.get(keyOf(table.frequencyMhz[row])) ?? 0;
		const cell = (sourcePlace[table.sourceIndex[row]] * epochs + epochOfRow.epoch[i]) * bands + band;
		if (Number.isNaN(flux[cell])) {
			flux[cell] = table.flux[row];
			err[cell] = table.fluxErr[row];
		} else if (binned) {
			const a = 1 / err[cell] ** 2;
			const b = 1 / table.fluxErr[row] ** 2;
			flux[cell] = (a * flux[cell] + b * table.flux[row]) / (a + b);
			err[cell] = 1 / Math.sqrt(a + b);
		} else rejected.push({ row, reason: "repeats an earlier row of the same source, epoch and frequency" });
	}
	const { x, y } = offsetsOf(members.map((s) => sources[s]));
	return {
		fieldId,
		sources: Int32Array.from(members),
		mjd,
		frequencyMhz: Float64Array.from(frequencies, (key) => key / 10),
		flux,
		err,
		x,
		y,
	};
}

/** The epoch of each row, and the mean time of each epoch; very long series are averaged in time. */
function assignEpochs(
	table: LightCurveTable,
	rows: number[],
): { epochOfRow: { epoch: Int32Array; binned: boolean }; mjd: Float64Array } {
	const epoch = new Int32Array(rows.length);
	if (rows.length === 0) return { epochOfRow: { epoch, binned: false }, mjd: new Float64Array(0) };
	const order = Int32Array.from(rows, (_, i) => i).sort((a, b) => table.mjd[rows[a]] - table.mjd[rows[b]] || a - b);
	const times: number[] = [];
	let start = -Infinity;
	for (const i of order) {
		const time = table.mjd[rows[i]];
		if (time - start > SAME_EPOCH_DAYS) {
			start = time;
			times.push(time);
		}
		epoch[i] = times.length - 1;
	}
	return thin(epoch, Float64Array.from(times));
}

function thin(
	epoch: Int32Array,
	times: Float64Array,
): { epochOfRow: { epoch: Int32Array; binned: boolean }; mjd: Float64Array } {
	if (times.length <= MOST_EPOCHS) return { epochOfRow: { epoch, binned: false }, mjd: times };
	const width = (times[times.length - 1] - times[0]) / (MOST_EPOCHS - 1);
	const bin = new Int32Array(times.length);
	const sums: { time: number; n: number }[] = [];
	let last = -1;
	for (let i = 0; i < times.length; i++) {
		const slot = Math.floor((times[i] - times[0]) / width);
		if (slot !== last) {
			sums.push({ time: 0, n: 0 });
			last = slot;
		}
		bin[i] = sums.length - 1;
		sums[sums.length - 1].time += times[i];
		sums[sums.length - 1].n++;
	}
	return {
		epochOfRow: { epoch: epoch.map((i) => bin[i]), binned: true },
		mjd: Float64Array.from(sums, (sum) => sum.time / sum.n),
	};
}

/** Offsets (degrees) on a tangent plane of the field; null unless every position is known and lies on it. */
function offsetsOf(sources: readonly DetectSource[]): { x: Float64Array | null; y: Float64Array | null } {
	const { raDeg: ra0, decDeg: dec0 } = sources[0];
	if (ra0 === undefined || dec0 === undefined) return { x: null, y: null };
	const offsets = sources.map(({ raDeg, decDeg }) =>
		raDeg === undefined || decDeg === undefined ? [Number.NaN, Number.NaN] : tangentOffsets(ra0, dec0, raDeg, decDeg),
	);
	// A "field" that does not fit on a tangent plane has no gradient.
	if (!offsets.every(([x, y]) => Math.hypot(x, y) < 60)) return { x: null, y: null };
	return { x: Float64Array.from(offsets, ([x]) => x), y: Float64Array.from(offsets, ([, y]) => y) };
}
