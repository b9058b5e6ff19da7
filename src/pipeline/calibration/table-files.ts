import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { NamedTable } from "../../calibration/apply.ts";
import {
	emptySolutionWindow,
	type SolutionKind,
	type SolutionTable,
	solutionIndex,
} from "../../calibration/solution-table.ts";
import type { VisibilitySet } from "../../calibration/visibility-set.ts";
import { badInput } from "../../error.ts";
import type { CalibrationTable } from "../../formats/casa/calibration-table.ts";
import { readCalibrationTable } from "../../formats/casa/read-calibration-table.ts";

/** What CASA's table wants to know beside the solutions. */
export interface TableProvenance {
	msName: string;
	field: { name: string; raDeg: number; decDeg: number };
	software: string;
	history: readonly string[];
}

/** A table in the shape of CASA's: one row per time, window and antenna; delays in ns. */
export function toCasa(table: SolutionTable, set: VisibilitySet, provenance: TableProvenance): CalibrationTable {
	const nPol = table.polarizations.length;
	const nTimes = table.timesMjd.length;
	const nRows = nTimes * table.windows.length * table.nAntennas;
	const isComplex = table.kind !== "K";
	const cells = table.windows.map((window) => nPol * window.frequenciesHz.length);
	const total = nTimes * table.nAntennas * cells.reduce((sum, n) => sum + n, 0);
	const out: CalibrationTable = {
		kind: table.kind,
		isComplex,
		telescope: set.telescope,
		msName: provenance.msName,
		polarizationBasis: table.polarizations[0]?.startsWith("X") ? "linear" : "circular",
		software: provenance.software,
		antennas: [...set.antennas],
		fields: [{ ...provenance.field, timeMjd: table.timesMjd[0] ?? 0 }],
		windows: table.windows.map(({ frequenciesHz, channelWidthsHz }, w) => ({
			name: table.windows.length === 1 ? "band" : `window-${w}`,
			frequenciesHz,
			channelWidthsHz,
			...(frequenciesHz.length === 1 ? { referenceFrequencyHz: frequenciesHz[0] } : {}),
		})),
		nRows,
		timesMjd: new Float64Array(nRows),
		intervalsS: new Float64Array(nRows),
		field: new Int32Array(nRows),
		window: new Int32Array(nRows),
		antenna: new Int32Array(nRows),
		reference: new Int32Array(nRows).fill(-1),
		scan: new Int32Array(nRows).fill(1),
		offset: new Int32Array(nRows + 1),
		nPolarizations: new Int32Array(nRows).fill(nPol),
		params: new Float32Array(isComplex ? 2 * total : total),
		paramErr: new Float32Array(total),
		flags: new Uint8Array(total),
		snr: new Float32Array(total),
		history: [...provenance.history],
	};
	let row = 0;
	let at = 0;
	for (let t = 0; t < nTimes; t++) {
		for (const [w, window] of table.windows.entries()) {
			const nChannels = window.frequenciesHz.length;
			for (let p = 0; p < table.nAntennas; p++) {
				out.timesMjd[row] = table.timesMjd[t];
				out.intervalsS[row] = table.intervalsS[t];
				out.window[row] = w;
				out.antenna[row] = p;
				// One column for all polarisations: the first one's reference. Others are in the history.
				out.reference[row] = window.references[t * nPol];
				for (let c = 0; c < nChannels; c++) {
					for (let s = 0; s < nPol; s++, at++) {
						const i = solutionIndex(table, window, t, p, s, c);
						if (isComplex) {
							out.params[2 * at] = window.values[2 * i];
							out.params[2 * at + 1] = window.values[2 * i + 1];
						} else out.params[at] = 1e9 * window.values[2 * i];
						out.paramErr[at] = (isComplex ? 1 : 1e9) * window.errors[i];
						out.flags[at] = window.flags[i];
						out.snr[at] = window.snr[i];
					}
				}
				out.offset[++row] = at;
			}
		}
	}
	return out;
}

/**
 * Solutions from a table in CASA's shape. Rows may come in any order; what no row gives is flagged.
 *
 * @throws CausticError `calibration-table` for kinds that are not applied here, or rows that contradict each other.
 */
export function fromCasa(path: string, casa: CalibrationTable): NamedTable {
	if (casa.kind !== "K" && casa.kind !== "B" && casa.kind !== "G" && casa.kind !== "T") {
		throw badInput("calibration-table", `a table of kind ${casa.kind} is not applied`, {
			subject: path,
			remedy: "Give tables of kind K, B, G or T",
		});
	}
	const kind: SolutionKind = casa.kind === "T" ? "G" : casa.kind;
	const nPol = casa.nRows === 0 ? 0 : casa.nPolarizations[0];
	if (nPol < 1 || nPol > 2 || casa.nPolarizations.some((n) => n !== nPol)) {
		throw badInput("calibration-table", "its rows do not all have the same one or two polarisations", {
			subject: path,
		});
	}
	const hands = casa.polarizationBasis === "circular" ? ["RR", "LL"] : ["XX", "YY"];
	// A T table has one value for both.
	const both = casa.kind === "T" && nPol === 1;
	const polarizations = both ? hands : hands.slice(0, nPol);
	// Antennas of one interval may carry times that differ by a fraction of it.
	const times: number[] = [];
	for (const mjd of Array.from(casa.timesMjd).sort((a, b) => a - b)) {
		if (times.length === 0 || (mjd - times[times.length - 1]) * 86400 > 0.5) times.push(mjd);
	}
	const timesMjd = Float64Array.from(times);
	const indexOf = (mjd: number) => {
		let best = 0;
		for (let t = 1; t < times.length; t++) if (Math.abs(times[t] - mjd) < Math.abs(times[best] - mjd)) best = t;
		return best;
	};
	const step = times.length < 2 ? 0 : Math.min(...times.slice(1).map((mjd, i) => (mjd - times[i]) * 86400));
	const windows = casa.windows.map(({ frequenciesHz, channelWidthsHz }) =>
		emptySolutionWindow(kind, times.length, casa.antennas.length, polarizations.length, frequenciesHz, channelWidthsHz),
	);
	const intervalsS = new Float64Array(times.length).fill(step);
	const table: SolutionTable = { kind, polarizations, nAntennas: casa.antennas.length, timesMjd, intervalsS, windows };
	for (let row = 0; row < casa.nRows; row++) {
		const window = windows[casa.window[row]];
		const nChannels = (casa.offset[row + 1] - casa.offset[row]) / nPol;
		if (window === undefined || nChannels !== window.frequenciesHz.length) {
			throw badInput("calibration-table", `row ${row} has ${nChannels} channels, its window another number`, {
				subject: path,
			});
		}
		const t = indexOf(casa.timesMjd[row]);
		if (casa.intervalsS[row] > 0) intervalsS[t] = casa.intervalsS[row];
		for (let s = 0; s < polarizations.length; s++) {
			window.references[t * polarizations.length + s] = casa.reference[row];
			for (let c = 0; c < nChannels; c++) {
				const from = casa.offset[row] + c * nPol + (both ? 0 : s);
				const to = solutionIndex(table, window, t, casa.antenna[row], s, c);
				const re = casa.isComplex ? casa.params[2 * from] : casa.params[from] * 1e-9;
				const im = casa.isComplex ? casa.params[2 * from + 1] : 0;
				const usable =
					casa.flags[from] === 0 &&
					Number.isFinite(re) &&
					Number.isFinite(im) &&
					(kind === "K" || re !== 0 || im !== 0);
				if (!usable) continue;
				window.values[2 * to] = re;
				window.values[2 * to + 1] = im;
				window.errors[to] = casa.paramErr[from];
				window.snr[to] = casa.snr[from];
				window.flags[to] = 0;
				window.reasons[to] = 0;
			}
		}
	}
	return { name: path, table, antennas: casa.antennas };
}

/**
 * The tables of one solve in a folder, `NAME.K`, `NAME.B`, `NAME.G`, in the order in which they apply.
 *
 * @param name undefined: the only name there is.
 * @throws CausticError when there are none, or tables of several solves and no name.
 */
export function readTables(folder: string, name: string | undefined): NamedTable[] {
	if (!existsSync(folder) || !statSync(folder).isDirectory()) {
		throw badInput("no-tables", "there is no such folder", {
			subject: folder,
			remedy: "Give the folder of caustic calibrate",
		});
	}
	// A table may be named itself.
	if (existsSync(join(folder, "table.dat"))) return [fromCasa(folder, readCalibrationTable(folder))];
	const found = readdirSync(folder)
		.filter((entry) => /\.[KBG]$/.test(entry) && existsSync(join(folder, entry, "table.dat")))
		.sort();
	const names = [...new Set(found.map((entry) => entry.slice(0, -2)))];
	const wanted = name ?? (names.length === 1 ? names[0] : undefined);
	if (names.length === 0) {
		throw badInput("no-tables", "it holds no calibration table (NAME.K, NAME.B, NAME.G)", {
			subject: folder,
			remedy: "Give the folder that caustic calibrate wrote",
		});
	}
	if (wanted === undefined || !names.includes(wanted)) {
		throw badInput("which-tables", `it holds tables of ${names.join(", ")}`, {
			subject: folder,
			remedy: "Choose one with --name: tables of different solves are never mixed",
		});
	}
	return ["K", "B", "G"].flatMap((kind) => {
		const path = join(folder, `${wanted}.${kind}`);
		return existsSync(path) ? [fromCasa(path, readCalibrationTable(path))] : [];
	});
}
