import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { STANDARD_CALIBRATORS } from "../../calibration/calibrators.ts";
import type { Trend } from "../../calibration/trends.ts";
import * as metrics from "../../observability/metrics.ts";

/** What a solve cost. CPU is that of the whole process meanwhile: solves that overlap share it. */
export interface SolveCost {
	/** Of each type of solution, and of all that is around them. */
	seconds: Record<"K" | "BP" | "GP" | "total", number>;
	cpuS: number;
	/** Most memory that the process has held, MB. */
	peakMb: number;
	/** Tables, report and plots, MB. */
	writtenMb: number;
}

export type SolveStatus = "accepted" | "refused" | "no_calibrator";

/** Begins to count what a solve costs. */
export function beginCost() {
	const begun = performance.now();
	const before = process.cpuUsage();
	return {
		/** @param stages seconds of each stage of the solve, as `calibrateSet` gives them; @param folder where results went. */
		end(stages: Readonly<Record<string, number>>, folder: string | undefined): SolveCost {
			const { user, system } = process.cpuUsage(before);
			const of = (...names: string[]) => names.reduce((sum, name) => sum + (stages[name] ?? 0), 0);
			return {
				seconds: {
					K: of("flags and delays"),
					BP: of("phases", "bandpass"),
					GP: of("gains"),
					total: (performance.now() - begun) / 1000,
				},
				cpuS: (user + system) / 1e6,
				peakMb: process.resourceUsage().maxRSS / 1024,
				writtenMb: folder === undefined ? 0 : bytesIn(folder) / 1e6,
			};
		},
	};
}

function bytesIn(folder: string): number {
	let sum = 0;
	for (const entry of readdirSync(folder, { withFileTypes: true })) {
		const path = join(folder, entry.name);
		sum += entry.isDirectory() ? bytesIn(path) : statSync(path).size;
	}
	return sum;
}

/** Calibrators of the flux scale by name, all others as one: labels stay bounded. */
export const calibratorLabel = (name: string | undefined): string =>
	name === undefined ? "none" : STANDARD_CALIBRATORS.some((one) => one.name === name) ? name : "other";

/** Puts a solve into the metrics. */
export function recordSolve(
	calibrator: string | undefined,
	status: SolveStatus,
	score: number | undefined,
	cost: SolveCost | undefined,
): void {
	const calibrator_name = calibratorLabel(calibrator);
	metrics.solveAttempts.inc({ calibrator_name, status });
	if (cost !== undefined) {
		for (const calibration_type of ["K", "BP", "GP"] as const) {
			metrics.solveDuration.observe({ calibrator_name, calibration_type }, cost.seconds[calibration_type]);
		}
		metrics.solveDuration.observe({ calibrator_name, calibration_type: "all" }, cost.seconds.total);
		metrics.solveCpu.observe(cost.cpuS);
		metrics.solveMemory.set(cost.peakMb * 1e6);
		metrics.solveWritten.inc(cost.writtenMb * 1e6);
	}
	if (score !== undefined && calibrator !== undefined) metrics.calibrationQuality.set({ calibrator_name }, score);
}

/** Counts what changed against earlier solves. */
export function recordTrends(trends: readonly Trend[]): void {
	for (const { kind } of trends) metrics.calibrationTrends.inc({ kind });
}
