import { mkdir, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { writeCalibrationTable } from "../../formats/casa/write-calibration-table.ts";
import type { CalibratedSet } from "./calibrate-set.ts";
import type { QualityDocument } from "./quality-document.ts";
import { antennaFigures, arrayFigures } from "./solution-plots.ts";
import { solveReport } from "./solve-report.ts";
import { toCasa } from "./table-files.ts";

export interface ResultOptions {
	/** Of the tables; by default the calibrator's. */
	name: string | undefined;
	/** What solved them, for HISTORY. */
	software: string;
	/** Write the tables even if the solutions are not accepted. */
	keepRejected: boolean;
	/** Folder for the solution plots, if they are wanted. */
	plots: string | undefined;
}

const safeName = (name: string) => name.replaceAll(/[^\w.+-]/g, "_");

/**
 * Writes what a solve leaves: the tables if they are accepted (or kept all the same), `quality.json`, a report, and plots.
 *
 * @returns the paths, `quality.json` among them.
 */
export async function writeResults(
	out: string,
	solved: CalibratedSet,
	quality: QualityDocument,
	how: ResultOptions,
): Promise<string[]> {
	const { calibration, set, calibrator } = solved;
	const written: string[] = [];
	const name = safeName(how.name ?? calibrator?.source.name ?? "calibration");
	const keep = quality.accepted || how.keepRejected;
	for (const kind of ["K", "B", "G"] as const) {
		const path = join(out, `${name}.${kind}`);
		const table = calibration.tables[kind];
		if (table === undefined || !keep) {
			// A table of an earlier solve must not stand beside this one's quality.
			await rm(path, { recursive: true, force: true });
			continue;
		}
		const field = calibrator?.source ?? { name, raDeg: 0, decDeg: 0 };
		writeCalibrationTable(
			path,
			toCasa(table, set, {
				msName: basename(set.source[0]),
				field: { name: field.name, raDeg: field.raDeg, decDeg: field.decDeg },
				software: how.software,
				history: [
					`caustic calibrate: ${set.source.length} files from ${basename(set.source[0])}`,
					`reference antennas ${Object.entries(quality.reference_antennas)
						.map(([hand, antenna]) => `${hand} ${antenna}`)
						.join(", ")}`,
					`score ${quality.score}, ${quality.accepted ? "accepted" : `refused: ${quality.reasons.join("; ")}`}`,
				],
			}),
		);
		written.push(path);
	}
	await writeFile(join(out, "quality.json"), `${JSON.stringify(quality, null, "\t")}\n`);
	written.push(join(out, "quality.json"));
	const figures = arrayFigures(solved);
	const reportPath = join(out, `${name}.html`);
	await writeFile(reportPath, solveReport(name, solved, quality, figures));
	written.push(reportPath);
	const { plots } = how;
	if (plots !== undefined) {
		await mkdir(plots, { recursive: true });
		for (const { name: figure, svg } of [...figures, ...antennaFigures(solved)]) {
			await writeFile(join(plots, `${figure}.svg`), `${svg}\n`);
		}
	}
	return written;
}
