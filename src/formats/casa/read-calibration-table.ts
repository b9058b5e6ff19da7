import { badInput } from "../../error.ts";
import { type CalibrationTable, checkCalibrationTable } from "./calibration-table.ts";
import { readAntennas, readFields, readSpectralWindows } from "./read-subtables.ts";
import { SECONDS_PER_DAY } from "./subtables.ts";
import { CasaTable } from "./table.ts";
import type { CasaArray } from "./values.ts";

/**
 * Reads a calibration table of CASA or of ours: B, G, K, T, D and others of that layout.
 *
 * @throws CausticError if it is not one, or is damaged.
 */
export function readCalibrationTable(path: string): CalibrationTable {
	const main = new CasaTable(path);
	try {
		return readOpened(main);
	} finally {
		main.close();
	}
}

function readOpened(main: CasaTable): CalibrationTable {
	const keyword = (name: string) => {
		const value = main.keywords.get(name)?.value;
		return typeof value === "string" ? value : "";
	};
	const isComplex = main.has("CPARAM");
	if (!isComplex && !main.has("FPARAM")) {
		throw badInput("not-a-calibration-table", "it has neither CPARAM nor FPARAM", {
			subject: main.path,
			remedy: main.type === "" ? "Give a calibration table" : `It is a table of type ${JSON.stringify(main.type)}`,
		});
	}
	const { nRows } = main;
	const ints = (name: string) => Int32Array.from(main.column(name).numbers());
	const params = main.column(isComplex ? "CPARAM" : "FPARAM");
	const offset = new Int32Array(nRows + 1);
	const nPolarizations = new Int32Array(nRows);
	const cells: CasaArray[] = [];
	for (let r = 0; r < nRows; r++) {
		const cell = params.cell(r);
		if (cell === undefined || cell.shape.length !== 2 || cell.shape[0] === 0) {
			throw badInput(
				"calibration-table",
				`row ${r} holds ${cell === undefined ? "no solution" : `a cell of shape [${cell.shape}]`}`,
				{
					subject: main.path,
				},
			);
		}
		cells.push(cell);
		nPolarizations[r] = cell.shape[0];
		offset[r + 1] = offset[r] + cell.shape[0] * cell.shape[1];
	}
	const total = offset[nRows];
	const flat = <T extends Float32Array | Uint8Array>(target: T, name: string, width: number, missing: number): T => {
		const column = main.has(name) ? main.column(name) : undefined;
		for (let r = 0; r < nRows; r++) {
			const data = column?.cell(r)?.data;
			const size = (offset[r + 1] - offset[r]) * width;
			if (data === undefined) target.fill(missing, offset[r] * width, offset[r + 1] * width);
			else if (data.length !== size || Array.isArray(data) || data instanceof BigInt64Array) {
				throw badInput("calibration-table", `row ${r} has another shape in ${name} than its solution`, {
					subject: main.path,
				});
			} else target.set(data, offset[r] * width);
		}
		return target;
	};
	const values = new Float32Array(total * (isComplex ? 2 : 1));
	cells.forEach((cell, r) => values.set(cell.data as Float32Array, offset[r] * (isComplex ? 2 : 1)));
	const numbers = (name: string, scale = 1) =>
		main
			.column(name)
			.numbers()
			.map((value) => value * scale);
	const missingInt = (name: string, value: number) => (main.has(name) ? ints(name) : new Int32Array(nRows).fill(value));
	const windows = readSpectralWindows(main.subtable("SPECTRAL_WINDOW"));
	const table: CalibrationTable = {
		kind: keyword("VisCal").split(" ")[0] || main.subType.split(" ")[0],
		isComplex,
		telescope: readTelescope(main),
		msName: keyword("MSName"),
		polarizationBasis: keyword("PolBasis"),
		software: keyword("CASA_Version"),
		antennas: readAntennas(main.subtable("ANTENNA")),
		fields: readFields(main.subtable("FIELD")),
		windows,
		nRows,
		timesMjd: numbers("TIME", 1 / SECONDS_PER_DAY),
		intervalsS: main.has("INTERVAL") ? numbers("INTERVAL") : new Float64Array(nRows),
		field: ints("FIELD_ID"),
		window: ints("SPECTRAL_WINDOW_ID"),
		antenna: ints("ANTENNA1"),
		reference: missingInt("ANTENNA2", -1),
		scan: missingInt("SCAN_NUMBER", 0),
		offset,
		nPolarizations,
		params: values,
		paramErr: flat(new Float32Array(total), "PARAMERR", 1, Number.NaN),
		flags: flat(new Uint8Array(total), "FLAG", 1, 0),
		snr: flat(new Float32Array(total), "SNR", 1, Number.NaN),
		history: main.hasSubtable("HISTORY") ? readHistory(main.subtable("HISTORY")) : [],
	};
	checkCalibrationTable(main.path, table);
	return table;
}

function readTelescope(main: CasaTable): string {
	if (!main.hasSubtable("OBSERVATION")) return "";
	const table = main.subtable("OBSERVATION");
	try {
		return table.nRows > 0 ? table.column("TELESCOPE_NAME").strings()[0] : "";
	} finally {
		table.close();
	}
}

function readHistory(table: CasaTable): string[] {
	try {
		return table.column("MESSAGE").strings();
	} finally {
		table.close();
	}
}
