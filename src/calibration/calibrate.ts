import { CausticError } from "../error.ts";
import { type Preparation, prepare, type SolveInput } from "./prepare.ts";
import { type CalibrationQuality, judge, type QualityLimits } from "./quality.ts";
import type { SolutionTable } from "./solution-table.ts";
import {
	type BandpassSolutions,
	type GainSolutions,
	type PhaseSolutions,
	solveBandpass,
	solveGains,
	solvePhases,
} from "./solve.ts";
import type { SolveOptions } from "./solve-options.ts";
import { solutionTables, type TableFrame } from "./solve-tables.ts";
import { type ValidationLimits, validatePrepared } from "./solve-validation.ts";

/** A set that must not be solved: every reason at once, and no table. */
export class UnsolvableSet extends CausticError {
	readonly reasons: readonly string[];

	constructor(subject: string, reasons: readonly string[]) {
		super("unsolvable-set", `not solved: ${reasons.join("; ")}`, {
			subject,
			remedy: "Mend or leave out the data, or name another calibrator with --calibrator",
		});
		this.reasons = reasons;
	}
}

export interface Calibration {
	prep: Preparation;
	phases: PhaseSolutions | undefined;
	bandpass: BandpassSolutions | undefined;
	gains: GainSolutions | undefined;
	tables: { K?: SolutionTable; B?: SolutionTable; G?: SolutionTable };
	quality: CalibrationQuality;
}

export type SolveStage = "flags and delays" | "phases" | "bandpass" | "gains" | "judgement";

/**
 * Flags, delays, bandpass, gains, judgement: the whole solve of one set.
 *
 * @param subject for messages: the file or set.
 * @param onStage called before each stage.
 * @throws UnsolvableSet when the samples forbid a solve.
 */
export async function solveCalibration(
	subject: string,
	input: SolveInput,
	options: SolveOptions,
	frame: TableFrame,
	limits: { validation: ValidationLimits; quality: QualityLimits },
	onStage: (stage: SolveStage) => void = () => {},
): Promise<Calibration> {
	onStage("flags and delays");
	const prep = await prepare(input, options);
	const reasons = validatePrepared(input, prep, limits.validation);
	if (reasons.length > 0) throw new UnsolvableSet(subject, reasons);
	let phases: PhaseSolutions | undefined;
	let bandpass: BandpassSolutions | undefined;
	if (options.bandpass !== undefined) {
		onStage("phases");
		phases = await solvePhases(input, prep, options);
		onStage("bandpass");
		bandpass = await solveBandpass(input, prep, phases, { ...options, bandpass: options.bandpass });
	}
	let gains: GainSolutions | undefined;
	if (options.gain !== undefined) {
		onStage("gains");
		gains = await solveGains(input, prep, bandpass, { ...options, gain: options.gain });
	}
	onStage("judgement");
	const quality = judge(input, prep, bandpass, gains, options.minimumBaselines, limits.quality);
	// Gains take up a wrong place without a trace in the residuals: as good as they look, they are wrong everywhere else.
	if (quality.elsewhere !== undefined) throw new UnsolvableSet(subject, [quality.elsewhere]);
	const tables = solutionTables(input, prep, bandpass, gains, options.delay !== undefined, frame);
	return { prep, phases, bandpass, gains, tables, quality };
}
