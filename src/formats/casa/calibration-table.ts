import type { Antenna } from "../../calibration/visibility-set.ts";
import { badInput } from "../../error.ts";
import type { FieldRow, WindowRow } from "./subtables.ts";

/**
 * A CASA calibration table ("NewCalTable"): one row per time, spectral window and antenna. Cells have the shape
 * [polarisation, channel] of their window; the cell of row r begins at element `offset[r]` of the flat arrays, polarisation
 * fastest. Gains are those of V_pq = g_p conj(g_q) M_pq; delays (K) are in ns.
 */
export interface CalibrationTable {
	/** `K`, `B`, `G`, `T`, `D` ...: the first word of VisCal. */
	kind: string;
	/** Interleaved (re, im) params if true. K: false. */
	isComplex: boolean;
	telescope: string;
	/** The MeasurementSet solved for. */
	msName: string;
	/** `linear`, `circular` or `unknown`. */
	polarizationBasis: string;
	/** What wrote it. */
	software: string;
	antennas: Antenna[];
	fields: FieldRow[];
	windows: WindowRow[];
	nRows: number;
	/** Middle of the solution interval, MJD UTC. */
	timesMjd: Float64Array;
	/** Length of the solution interval, s; 0 in tables of CASA. */
	intervalsS: Float64Array;
	field: Int32Array;
	window: Int32Array;
	antenna: Int32Array;
	/** Antenna to which phases refer; -1 if none. */
	reference: Int32Array;
	scan: Int32Array;
	/** nRows + 1 element offsets. */
	offset: Int32Array;
	nPolarizations: Int32Array;
	/** CPARAM (complex) or FPARAM. */
	params: Float32Array;
	paramErr: Float32Array;
	/** 1 = flagged. */
	flags: Uint8Array;
	/** 0 in every K table of CASA, and left as found in flagged cells. */
	snr: Float32Array;
	/** Lines of HISTORY. */
	history: string[];
}

/** @throws CausticError `calibration-table` if the arrays do not fit together. */
export function checkCalibrationTable(path: string, table: CalibrationTable): void {
	const { nRows, offset } = table;
	const refuse = (what: string) => badInput("calibration-table", what, { subject: path });
	const perRow = {
		timesMjd: table.timesMjd,
		intervalsS: table.intervalsS,
		field: table.field,
		window: table.window,
		antenna: table.antenna,
		reference: table.reference,
		scan: table.scan,
		nPolarizations: table.nPolarizations,
	};
	for (const [name, values] of Object.entries(perRow)) {
		if (values.length !== nRows) throw refuse(`${name} has ${values.length} values for ${nRows} rows`);
	}
	if (offset.length !== nRows + 1) throw refuse(`offset has ${offset.length} values for ${nRows} rows`);
	const total = offset[nRows];
	const flat = { paramErr: table.paramErr, flags: table.flags, snr: table.snr };
	for (const [name, values] of Object.entries(flat)) {
		if (values.length !== total) throw refuse(`${name} has ${values.length} values where cells hold ${total}`);
	}
	if (table.params.length !== total * (table.isComplex ? 2 : 1)) {
		throw refuse(`params has ${table.params.length} values where cells hold ${total}`);
	}
	for (let r = 0; r < nRows; r++) {
		const window = table.windows[table.window[r]];
		const channels = (offset[r + 1] - offset[r]) / table.nPolarizations[r];
		if (window === undefined || window.frequenciesHz.length !== channels) {
			throw refuse(
				`row ${r} has ${channels} channels, its spectral window ${window?.frequenciesHz.length ?? "is missing"}`,
			);
		}
		if (!(table.antenna[r] >= 0 && table.antenna[r] < table.antennas.length)) {
			throw refuse(`row ${r} names antenna ${table.antenna[r]} of ${table.antennas.length}`);
		}
		if (!(table.field[r] >= 0 && table.field[r] < table.fields.length)) {
			throw refuse(`row ${r} names field ${table.field[r]} of ${table.fields.length}`);
		}
	}
}
