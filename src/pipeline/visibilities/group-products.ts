import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { UnsolvableSet } from "../../calibration/calibrate.ts";
import { type Calibrator, parseCalibratorList } from "../../calibration/calibrator-list.ts";
import { INTERPOLATION_DEFAULTS } from "../../calibration/solution-interpolation.ts";
import type { Trend } from "../../calibration/trends.ts";
import { badInput, CausticError } from "../../error.ts";
import { exportMeasurementSet } from "../../formats/casa/export-measurement-set.ts";
import { openVisibilities } from "../../formats/open-visibilities.ts";
import { applyToSet, noiseRatios } from "../calibration/apply-set.ts";
import { calibrateSet } from "../calibration/calibrate-set.ts";
import { defaultRequest } from "../calibration/default-request.ts";
import { type QualityDocument, qualityDocument, refusalDocument } from "../calibration/quality-document.ts";
import { beginCost, type SolveCost } from "../calibration/solve-metrics.ts";
import { readTables } from "../calibration/table-files.ts";
import { writeResults } from "../calibration/write-results.ts";

/** What a thread is asked to make of a group. */
export interface GroupTask {
	step: "solve" | "convert";
	/** The subband files. */
	paths: readonly string[];
	/** Folder for the group's products. */
	folder: string;
	/** Name of the MeasurementSet, without `.ms`. */
	name: string;
	/** CSV in the form of the VLA calibrator list, beside the standard sources. */
	calibratorList: string | undefined;
	software: string;
}

/** How the solve of a group went. */
export interface SolvedGroup {
	/** None: no calibrator is in the beam, and nothing was solved. */
	calibrator: string | undefined;
	accepted: boolean;
	score: number | undefined;
	reasons: readonly string[];
	/** Jumps and drifts of antennas and tables against the solves before. */
	trends: readonly Trend[];
	/** None where nothing was solved. */
	cost: SolveCost | undefined;
}

export interface ConvertedGroup {
	measurementSet: string;
	/** The calibrator whose solutions were applied. */
	calibrator: string | undefined;
	nRows: number;
	nChannels: number;
	nWindows: number;
}

const SOLUTIONS = "calibration";

/**
 * Solves a group if a calibrator is in its beam, as `caustic calibrate` does; leaves tables, quality.json and a report. What an
 * earlier attempt left is replaced.
 */
export async function solveGroup(task: GroupTask): Promise<SolvedGroup> {
	const out = join(task.folder, SOLUTIONS);
	const partial = join(task.folder, `.${SOLUTIONS}.partial`);
	await rm(partial, { recursive: true, force: true });
	await rm(out, { recursive: true, force: true });
	await mkdir(partial, { recursive: true });
	const list = task.calibratorList === undefined ? [] : await readCalibrators(task.calibratorList);
	let solved: SolvedGroup;
	const counting = beginCost();
	try {
		const set = await calibrateSet(defaultRequest(task.paths, list));
		const history = await earlierSolves(task, set.calibrator?.source.name);
		const quality = qualityDocument(set, task.software, history);
		await writeResults(partial, set, quality, {
			name: undefined,
			software: task.software,
			keepRejected: false,
			plots: undefined,
		});
		const { accepted, score, reasons, trends } = quality;
		const cost = counting.end(set.seconds, partial);
		solved = { calibrator: set.calibrator?.source.name, accepted, score, reasons, trends, cost };
	} catch (error) {
		if (error instanceof CausticError && error.code === "no-calibrator") {
			await rm(partial, { recursive: true, force: true });
			return { calibrator: undefined, accepted: false, score: undefined, reasons: [], trends: [], cost: undefined };
		}
		if (!(error instanceof UnsolvableSet)) throw error;
		const refusal = refusalDocument(error.reasons, task.paths, task.software);
		await writeFile(join(partial, "quality.json"), `${JSON.stringify(refusal, null, "\t")}\n`);
		solved = { calibrator: undefined, accepted: false, score: 0, reasons: error.reasons, trends: [], cost: undefined };
	}
	await rename(partial, out);
	return solved;
}

/**
 * Writes the group's MeasurementSet: with CORRECTED_DATA where its solve was accepted, else as it was recorded. It appears whole,
 * in place of one of an earlier revision.
 */
export async function convertGroup(task: GroupTask): Promise<ConvertedGroup> {
	const out = join(task.folder, `${task.name}.ms`);
	const fresh = join(task.folder, `.${task.name}.fresh.ms`);
	await rm(fresh, { recursive: true, force: true });
	await mkdir(task.folder, { recursive: true });
	const quality = await qualityOf(join(task.folder, SOLUTIONS));
	let calibrator: string | undefined;
	if (quality?.accepted === true) {
		const folder = join(task.folder, SOLUTIONS);
		const tables = readTables(folder, undefined);
		await applyToSet({
			paths: task.paths,
			tables,
			out: fresh,
			options: {
				time: INTERPOLATION_DEFAULTS.time,
				acrossFlagged: false,
				maximumAgeS: 86400,
				mode: "calflag",
				windowMap: undefined,
			},
			flag: true,
			noiseRatio: noiseRatios(folder),
			history: [`${task.software}: ${tables.map((table) => table.name).join(", ")}`],
			signal: undefined,
		});
		calibrator = `${quality.calibrator?.name ?? "calibrator"}`;
	}
	const set = openVisibilities(task.paths);
	try {
		if (calibrator === undefined) await exportMeasurementSet(set, fresh);
		// A set is a folder, which no rename replaces: between the two there is none for a moment, and a kill there makes it anew.
		await rm(out, { recursive: true, force: true });
		await rename(fresh, out);
		return {
			measurementSet: out,
			calibrator,
			nRows: set.nRows,
			nChannels: set.frequenciesHz.length,
			nWindows: set.spectralWindows.length,
		};
	} finally {
		set.close();
	}
}

/** Solves that a new one is compared with, at most. */
const HISTORY = 40;

/** Accounts of the newest accepted solves of the same calibrator before this group's: names of groups are their times. */
async function earlierSolves(task: GroupTask, calibrator: string | undefined): Promise<QualityDocument[]> {
	const all = dirname(task.folder);
	const names = (await readdir(all).catch(() => [])).filter((name) => name < basename(task.folder)).sort();
	const out: QualityDocument[] = [];
	for (const name of names.reverse()) {
		if (out.length === HISTORY) break;
		// One that was damaged is no reason to fail this one.
		const quality = await qualityOf(join(all, name, SOLUTIONS)).catch(() => undefined);
		if (quality?.accepted === true && calibrator !== undefined && quality.calibrator?.name === calibrator) {
			out.push(quality as QualityDocument);
		}
	}
	return out.reverse();
}

async function qualityOf(folder: string): Promise<Partial<QualityDocument> | undefined> {
	const path = join(folder, "quality.json");
	return existsSync(path) ? (JSON.parse(await readFile(path, "utf8")) as Partial<QualityDocument>) : undefined;
}

async function readCalibrators(path: string): Promise<readonly Calibrator[]> {
	const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
		throw badInput("no-such-file", `it cannot be read (${error.code})`, {
			subject: path,
			remedy: "Mend arrival.calibrator_list in the settings",
		});
	});
	return parseCalibratorList(text, path).calibrators;
}
