import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ApplyCounts, ApplyOptions, NamedTable } from "../../calibration/apply.ts";
import { badInput } from "../../error.ts";
import { addCounts, type Corrector } from "../../formats/casa/correction.ts";
import { exportMeasurementSet } from "../../formats/casa/export-measurement-set.ts";
import { openForUpdate } from "../../formats/casa/update-measurement-set.ts";
import { openVisibilities } from "../../formats/open-visibilities.ts";
import { type BlockCorrection, correctorOf } from "./correct-blocks.ts";
import { flagSet } from "./flag-set.ts";
import type { QualityDocument } from "./quality-document.ts";

/** The module that threads load to correct blocks. */
const CORRECTOR = new URL(
	import.meta.url.endsWith(".ts") ? "./correct-blocks.ts" : "./correct-blocks.js",
	import.meta.url,
).href;

export interface ApplyRequest {
	paths: readonly string[];
	tables: readonly NamedTable[];
	/** A new MeasurementSet; undefined: CORRECTED_DATA of the one named. */
	out: string | undefined;
	options: ApplyOptions;
	/** Look for interference and bad samples first. */
	flag: boolean;
	/** Noise of antennas by name against the array's median; weights fall with its square. */
	noiseRatio: ReadonlyMap<string, number>;
	history: readonly string[];
	signal: AbortSignal | undefined;
}

export interface ApplyReport extends ApplyCounts {
	/** Flagged because it is interference or no measurement. */
	flaggedBad: number;
	rfiFraction: number;
	/** Of the samples unflagged before: without solution. */
	uncorrectedFraction: number;
	out: string;
}

/**
 * Applies calibration tables to a set: into CORRECTED_DATA of a MeasurementSet, or into a new MeasurementSet.
 *
 * @throws CausticError when the tables do not fit, or nothing at all could be corrected.
 */
export async function applyToSet(
	request: ApplyRequest,
	progress: (stage: string, done: number, total: number) => void = () => {},
): Promise<ApplyReport> {
	const { options, out } = request;
	const inPlace = out === undefined && options.mode !== "trial";
	const set = openVisibilities(request.paths);
	try {
		if (inPlace && set.format !== "measurement-set") {
			throw badInput("no-out", "only a MeasurementSet is corrected in place", {
				subject: request.paths[0],
				remedy: "Give a new MeasurementSet with --out",
			});
		}
		const { tables, noiseRatio } = request;
		// Tables that do not fit are refused before anything is looked for.
		const unflagged = correctorOf(set, { tables, options, flags: undefined, noiseRatio });
		const flags = request.flag
			? await flagSet(set, (done, total) => progress("looking for interference", done, total))
			: undefined;
		const order: BlockCorrection = { tables, options, flags, noiseRatio };
		const corrector = flags === undefined ? unflagged : correctorOf(set, order);
		const counts: Record<string, number> = {};
		if (options.mode === "trial") {
			for await (const block of set.blocks()) {
				request.signal?.throwIfAborted();
				corrector.correct(block);
			}
		} else if (out === undefined) {
			await correctInPlace(request, corrector, progress);
		} else {
			if (existsSync(out))
				throw badInput("exists", "it is there already", { subject: out, remedy: "Give another name" });
			await exportMeasurementSet(set, out, {
				correction: { module: CORRECTOR, order, counts },
				history: request.history,
				...(request.signal === undefined ? {} : { signal: request.signal }),
				progress: (done, total) => progress("writing", done, total),
			});
		}
		addCounts(counts, corrector.counts());
		const { samples, flaggedBefore, withoutSolution, corrected, flaggedBad } = counts;
		const before = samples - flaggedBefore;
		const report: ApplyReport = {
			samples,
			flaggedBefore,
			withoutSolution,
			corrected,
			flaggedBad,
			rfiFraction: flags?.rfiFraction ?? 0,
			uncorrectedFraction: before > 0 ? withoutSolution / before : 1,
			out: out ?? request.paths[0],
		};
		if (corrected === 0) {
			throw badInput("nothing-corrected", "no sample has a solution: nothing was calibrated", {
				subject: request.paths[0],
				remedy: "Check times, antennas and band of the tables (--max-age, --spwmap)",
			});
		}
		return report;
	} finally {
		set.close();
	}
}

async function correctInPlace(
	request: ApplyRequest,
	corrector: Corrector,
	progress: (stage: string, done: number, total: number) => void,
): Promise<void> {
	const update = openForUpdate(request.paths[0], ["corrected"]);
	try {
		let done = 0;
		for await (const block of update.set.blocks({ autocorrelations: true })) {
			request.signal?.throwIfAborted();
			const { visibilities, flags } = corrector.correct(block);
			update.put(block, { corrected: visibilities, ...(request.options.mode === "calflag" ? { flags } : {}) });
			done += block.nRows;
			progress("correcting", done, update.set.nRows);
		}
	} finally {
		update.close();
	}
}

/** Noise of the antennas as the solve found it: from `quality.json` beside the tables. */
export function noiseRatios(folder: string): Map<string, number> {
	const path = join(folder, "quality.json");
	const out = new Map<string, number>();
	if (!existsSync(path)) return out;
	let document: Partial<QualityDocument>;
	try {
		document = JSON.parse(readFileSync(path, "utf8")) as Partial<QualityDocument>;
	} catch {
		throw badInput("bad-quality", "it is no JSON", { subject: path, remedy: "Solve again, or give --weights gains" });
	}
	if (document.accepted === false) {
		throw badInput("not-accepted", `the solutions were refused: ${(document.reasons ?? []).join("; ")}`, {
			subject: path,
			remedy: "Solve again, or apply them all the same with --force",
		});
	}
	for (const { name, noise_ratio } of document.antennas ?? []) if (noise_ratio !== null) out.set(name, noise_ratio);
	return out;
}
