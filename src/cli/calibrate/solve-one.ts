import { mkdir, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { UnsolvableSet } from "../../calibration/calibrate.ts";
import { CausticError, failure } from "../../error.ts";
import { type CalibratedSet, type CalibrateRequest, calibrateSet } from "../../pipeline/calibration/calibrate-set.ts";
import { type QualityDocument, qualityDocument, refusalDocument } from "../../pipeline/calibration/quality-document.ts";
import { beginCost, recordSolve } from "../../pipeline/calibration/solve-metrics.ts";
import { writeResults } from "../../pipeline/calibration/write-results.ts";
import { EXIT, type Invocation, stringOption } from "../command.ts";
import { progressOn } from "../progress.ts";
import { version } from "../version.ts";

/** One set, with its progress and its report on the terminal. */
export async function solveOne(
	invocation: Invocation,
	request: CalibrateRequest,
	out: string,
	history: readonly QualityDocument[],
): Promise<number> {
	const progress = progressOn("calibrate");
	let result: SolveResult;
	try {
		result = await solveInto(invocation, request, out, history, (stage, done, total) =>
			progress.update(done, total, stage),
		);
	} catch (error) {
		if (error instanceof UnsolvableSet && invocation.options.json === true) {
			process.stdout.write(`${JSON.stringify(refusalDocument(error.reasons, request.paths, `caustic ${version}`))}\n`);
		}
		throw error;
	} finally {
		progress.end();
	}
	report(invocation, result.quality, result.written, result.solved);
	return result.quality.accepted ? EXIT.done : EXIT.rejectedItems;
}

export interface SolveResult {
	solved: CalibratedSet;
	quality: QualityDocument;
	written: string[];
}

/** Solves a set and leaves its tables, quality and report in a folder; a refusal leaves its reasons there. */
export async function solveInto(
	invocation: Invocation,
	request: CalibrateRequest,
	out: string,
	history: readonly QualityDocument[],
	onStage?: Parameters<typeof calibrateSet>[1],
): Promise<SolveResult> {
	await mkdir(out, { recursive: true }).catch((error: unknown) => {
		throw failure("write-failed", "the folder cannot be made", { subject: out, cause: error });
	});
	const counting = beginCost();
	let solved: CalibratedSet;
	try {
		solved = await calibrateSet(request, onStage);
	} catch (error) {
		if (error instanceof UnsolvableSet) {
			const refusal = refusalDocument(error.reasons, request.paths, `caustic ${version}`);
			await writeFile(join(out, "quality.json"), `${JSON.stringify(refusal, null, "\t")}\n`);
			recordSolve(request.calibrator.name, "refused", 0, undefined);
		} else if (error instanceof CausticError && error.code === "no-calibrator") {
			recordSolve(undefined, "no_calibrator", undefined, undefined);
		}
		throw error;
	}
	const quality = qualityDocument(solved, `caustic ${version}`, history);
	const plots = stringOption(invocation, "plots");
	const written = await writeResults(out, solved, quality, {
		name: stringOption(invocation, "name"),
		software: `caustic ${version}`,
		keepRejected: invocation.options["keep-rejected"] === true,
		plots: plots === undefined || invocation.options.groups !== true ? plots : join(plots, basename(out)),
	});
	const cost = counting.end(solved.seconds, out);
	recordSolve(solved.calibrator?.source.name, quality.accepted ? "accepted" : "refused", quality.score, cost);
	return { solved, quality, written };
}

/** What this solve cost, all threads together. */
function resources() {
	const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
	return { cpu_s: (userCPUTime + systemCPUTime) / 1e6, max_rss_mb: Math.round(maxRSS / 1024) };
}

function report(
	invocation: Invocation,
	quality: QualityDocument,
	written: readonly string[],
	solved: CalibratedSet,
): void {
	if (invocation.options.json === true) {
		process.stdout.write(
			`${JSON.stringify({ ...quality, files: written.map((path) => resolve(path)), seconds: solved.seconds, cpu_seconds: solved.cpuSeconds, resources: resources() })}\n`,
		);
		return;
	}
	const parts = quality.score_parts;
	const lines = [
		`${quality.accepted ? "accepted" : "REFUSED"}, score ${quality.score.toFixed(3)}${
			parts === null
				? ""
				: ` (solved ${parts.solved.toFixed(2)}, converged ${parts.converged.toFixed(2)}, SNR ${parts.snr.toFixed(2)}, chi2 ${parts.chi2.toFixed(2)})`
		}`,
	];
	if (quality.calibrator !== null) {
		const { name, flux_jy, frequency_mhz, model_sources } = quality.calibrator;
		lines.push(
			`calibrator ${name}: ${flux_jy} Jy at ${Number(frequency_mhz).toFixed(1)} MHz, ${model_sources} sources in the model`,
		);
	}
	for (const reason of quality.reasons) lines.push(`refused: ${reason}`);
	for (const warning of quality.warnings) lines.push(`note: ${warning}`);
	for (const [kind, table] of Object.entries(quality.tables)) {
		lines.push(
			`${kind}: ${table.n_solutions} solutions, SNR ${table.snr_median ?? "-"}, ${(100 * table.flagged_fraction_active).toFixed(1)} % flagged, chi2 ${table.residual_chi2 ?? "-"}`,
		);
	}
	for (const antenna of quality.antennas) {
		if (antenna.state !== "good")
			lines.push(`antenna ${antenna.name}: ${antenna.state}: ${antenna.reasons.join("; ")}`);
	}
	lines.push(...written.map((path) => `wrote ${path}`));
	process.stdout.write(`${lines.join("\n")}\n`);
}
