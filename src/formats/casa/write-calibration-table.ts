import { renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { type CalibrationTable, checkCalibrationTable } from "./calibration-table.ts";
import { EPOCH, SECONDS, textKeyword } from "./measures.ts";
import {
	SECONDS_PER_DAY,
	subtableKeywords,
	writeAntennas,
	writeFields,
	writeHistory,
	writeObservation,
	writeSpectralWindows,
} from "./subtables.ts";
import { writeTable } from "./table-writer.ts";
import type { CasaArray, CasaData } from "./values.ts";

const SUBTABLES = ["OBSERVATION", "ANTENNA", "FIELD", "SPECTRAL_WINDOW", "HISTORY"] as const;

/**
 * Writes a calibration table that CASA and casacore open. It appears whole or not at all; an existing one is replaced.
 *
 * @throws CausticError if the arrays do not fit together or the folder cannot be written.
 */
export function writeCalibrationTable(path: string, table: CalibrationTable): void {
	checkCalibrationTable(path, table);
	const target = path.replace(/\/+$/, "");
	const partial = join(dirname(target), `.${basename(target)}.partial`);
	rmSync(partial, { recursive: true, force: true });
	const { nRows, offset, isComplex } = table;
	const width = isComplex ? 2 : 1;
	const cells = (data: Exclude<CasaData, string[]>, per: number) =>
		Array.from({ length: nRows }, (_, r): CasaArray => {
			const elements = offset[r + 1] - offset[r];
			const shape = [table.nPolarizations[r], elements / table.nPolarizations[r]];
			return { shape, data: data.slice(offset[r] * per, offset[r + 1] * per) as Exclude<CasaData, string[]> };
		});
	const seconds = (mjd: Float64Array) => mjd.map((value) => value * SECONDS_PER_DAY);
	const scalar = (name: string, type: "Int" | "double", keywords?: ReturnType<typeof EPOCH>) => ({
		name,
		type,
		keywords,
	});
	const array = (name: string, type: "Complex" | "float" | "Bool") => ({
		name,
		type,
		cells: "varying" as const,
		ndim: -1,
	});
	const visCal = `${table.kind} Jones`;
	const keywords = new Map([
		["ParType", textKeyword(isComplex ? "Complex" : "Float")],
		["MSName", textKeyword(table.msName)],
		["VisCal", textKeyword(visCal)],
		["PolBasis", textKeyword(table.polarizationBasis)],
		["CASA_Version", textKeyword(table.software)],
		...subtableKeywords(SUBTABLES),
	]);
	const param = isComplex ? "CPARAM" : "FPARAM";
	try {
		writeTable(
			partial,
			{
				nRows,
				keywords,
				type: "Calibration",
				subType: visCal,
				name: visCal,
				version: "1.0",
				comment: "New calibration table",
				columns: [
					scalar("TIME", "double", EPOCH()),
					scalar("FIELD_ID", "Int"),
					scalar("SPECTRAL_WINDOW_ID", "Int"),
					scalar("ANTENNA1", "Int"),
					scalar("ANTENNA2", "Int"),
					scalar("INTERVAL", "double", SECONDS()),
					scalar("SCAN_NUMBER", "Int"),
					scalar("OBSERVATION_ID", "Int"),
					array(param, isComplex ? "Complex" : "float"),
					array("PARAMERR", "float"),
					array("FLAG", "Bool"),
					array("SNR", "float"),
					array("WEIGHT", "float"),
				],
			},
			{
				TIME: seconds(table.timesMjd),
				FIELD_ID: table.field,
				SPECTRAL_WINDOW_ID: table.window,
				ANTENNA1: table.antenna,
				ANTENNA2: table.reference,
				INTERVAL: table.intervalsS,
				SCAN_NUMBER: table.scan,
				OBSERVATION_ID: new Int32Array(nRows),
				[param]: cells(table.params, width),
				PARAMERR: cells(table.paramErr, 1),
				FLAG: cells(table.flags, 1),
				SNR: cells(table.snr, 1),
				WEIGHT: new Array<undefined>(nRows).fill(undefined),
			},
		);
		const times = table.timesMjd;
		const span =
			nRows === 0 ? [0, 0] : [times.reduce((a, b) => Math.min(a, b)), times.reduce((a, b) => Math.max(a, b))];
		writeObservation(join(partial, "OBSERVATION"), {
			telescope: table.telescope,
			observer: "",
			project: "",
			beginMjd: span[0],
			endMjd: span[1],
		});
		writeAntennas(join(partial, "ANTENNA"), table.antennas);
		writeFields(join(partial, "FIELD"), table.fields, "J2000");
		writeSpectralWindows(join(partial, "SPECTRAL_WINDOW"), table.windows);
		writeHistory(
			join(partial, "HISTORY"),
			table.history.map((message) => ({ timeMjd: span[1], message })),
		);
		rmSync(target, { recursive: true, force: true });
		renameSync(partial, target);
	} catch (error) {
		rmSync(partial, { recursive: true, force: true });
		throw error;
	}
}
