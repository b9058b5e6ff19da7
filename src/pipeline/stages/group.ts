import { join } from "node:path";
import { version } from "../../config/version.ts";
import * as metrics from "../../observability/metrics.ts";
import { addGroupProduct } from "../../store/arrivals.ts";
import type { Row, Transaction } from "../../store/database.ts";
import { addDeadLetter, resolveDeadLetters } from "../../store/dead-letters.ts";
import { publish } from "../../store/events.ts";
import type { Run } from "../../store/runs.ts";
import { recordSolve, recordTrends } from "../calibration/solve-metrics.ts";
import type { Stage, StageContext } from "../stage.ts";
import type { ConvertedGroup, GroupTask, SolvedGroup } from "../visibilities/group-products.ts";
import { inGroupThread } from "../visibilities/in-thread.ts";

/** The name of a group in the names of files: colons are no good there. */
export const groupName = (group: string): string => group.replaceAll(/[-:]/g, "").replace("#", "-");

function taskOf({ dataFolder, config }: StageContext, run: Run, step: GroupTask["step"]): GroupTask {
	const name = groupName(run.inputs.group ?? run.id);
	return {
		step,
		paths: run.inputs.paths,
		folder: join(dataFolder, "visibilities", name),
		name,
		calibratorList: config.arrival.calibrator_list,
		software: `caustic ${version}`,
	};
}

async function storeProduct(tx: Transaction, run: Run, product: Row): Promise<void> {
	if (run.inputs.group !== undefined) await addGroupProduct(tx, run.inputs.group, run.id, product);
}

/** Solves the group's calibrator, if one is in the beam. */
export const solve: Stage = {
	name: "solve",
	after: [],
	enabled: (config) => config.arrival.calibrate,
	units: async (_, run) => [run.inputs.group ?? run.id],
	onFailure: "reject",
	async execute(context, run, unit) {
		const task = taskOf(context, run, "solve");
		const solved = await inGroupThread<SolvedGroup>(task, context.dataFolder, context.signal);
		const { calibrator, accepted, score, reasons, trends, cost } = solved;
		const status = accepted ? "accepted" : reasons.length > 0 ? "refused" : "no_calibrator";
		return {
			output: {
				calibrator: calibrator ?? "none",
				accepted: accepted ? 1 : 0,
				...(score === undefined ? {} : { score }),
				...(cost === undefined ? {} : { solve_s: cost.seconds.total, cpu_s: cost.cpuS, peak_mb: cost.peakMb }),
			},
			async store(tx) {
				await storeProduct(tx, run, {
					calibrator: calibrator ?? null,
					accepted,
					score: score ?? null,
					reasons: [...reasons],
				});
				if (status === "refused") {
					await addDeadLetter(tx, {
						runId: run.id,
						stage: "solve",
						unit,
						subject: unit,
						code: "calibration-refused",
						reason: `${unit}: ${reasons.join("; ")}`,
						remedy: "Look at its report; the group was converted as it was recorded",
						payload: { inputs: run.inputs },
					});
				} else await resolveDeadLetters(tx, "solve", [unit], `run ${run.id}`);
				if (status !== "no_calibrator") {
					await publish(tx, accepted ? "CalibrationSolved" : "CalibrationRefused", {
						source: "stage/solve",
						subject: task.name,
						data: { calibrator, score, reasons },
					});
				}
				if (trends.length > 0) {
					await publish(tx, "CalibrationTrend", {
						source: "stage/solve",
						subject: task.name,
						data: { calibrator, trends },
					});
				}
				recordTrends(trends);
				recordSolve(calibrator, status, score, cost);
			},
		};
	},
};

/** Writes the group's MeasurementSet, corrected where the solve was accepted. */
export const convert: Stage = {
	name: "convert",
	after: ["solve"],
	enabled: () => true,
	units: async (_, run) => [run.inputs.group ?? run.id],
	onFailure: "reject",
	async execute(context, run, unit) {
		const task = taskOf(context, run, "convert");
		const made = await inGroupThread<ConvertedGroup>(task, context.dataFolder, context.signal);
		const { measurementSet, calibrator, nRows, nChannels } = made;
		return {
			output: { rows: nRows, channels: nChannels, corrected: calibrator === undefined ? 0 : 1 },
			async store(tx) {
				await storeProduct(tx, run, {
					measurement_set: measurementSet,
					corrected: calibrator !== undefined,
					rows: nRows,
					channels: nChannels,
					files: run.inputs.paths.length,
				});
				for (const stage of ["convert", "arrival"]) await resolveDeadLetters(tx, stage, [unit], `run ${run.id}`);
				await publish(tx, "VisibilitiesConverted", {
					source: "stage/convert",
					subject: task.name,
					data: { measurement_set: measurementSet, calibrator: calibrator ?? null, rows: nRows },
				});
				metrics.groupConversions.inc({ status: calibrator === undefined ? "uncorrected" : "corrected" });
			},
		};
	},
};
