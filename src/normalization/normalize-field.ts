import type { Baselines } from "./baseline.ts";
import type { NormalizationMode } from "./normalize-image.ts";
import { assessNormalization, compareModes, type FieldQuality, type ModeComparison } from "./quality.ts";
import type { ReferenceOptions, ReferenceSelection } from "./references.ts";
import { type FieldSurvey, type NormalizedSurvey, renormalize, solveBaselines } from "./survey.ts";

export interface FieldTask {
	survey: FieldSurvey;
	mode: NormalizationMode;
	references?: Partial<ReferenceOptions>;
	identity?: Partial<Baselines>;
	/** Assess the quality, and compare with these modes. */
	assess?: boolean;
	compareWith?: NormalizationMode[];
}

export interface FieldResult {
	normalized: NormalizedSurvey;
	baselines: Baselines;
	references: ReferenceSelection;
	quality?: FieldQuality;
	/** The mode itself first. */
	modes: ModeComparison[];
}

/** One field in one subband from raw fluxes to normalised ones: baselines, references, corrections and their quality. */
export function normalizeField(task: FieldTask): FieldResult {
	const { survey, mode } = task;
	const inMode = (name: NormalizationMode) => {
		const solved = solveBaselines(survey, {
			normalization: { mode: name },
			references: task.references,
			identity: task.identity,
		});
		return { solved, normalized: renormalize(survey, solved.baselines, solved.references, { mode: name }) };
	};
	const { solved, normalized } = inMode(mode);
	const { baselines, references, joint, steadiness } = solved;
	const result: FieldResult = { normalized, baselines, references, modes: [] };
	if (!task.assess) return result;
	const { share } = joint;
	result.quality = assessNormalization(survey, normalized, baselines, steadiness, share, references.primary);
	const others = (task.compareWith ?? []).filter((name) => name !== mode);
	if (others.length > 0) {
		const runs = others.map((name) => {
			const run = inMode(name);
			return {
				mode: name as string,
				normalized: run.normalized,
				level: run.solved.baselines.value,
				share: run.solved.joint.share,
			};
		});
		const first = { mode: mode as string, normalized, level: baselines.value, share };
		result.modes = compareModes(survey, [first, ...runs], result.quality.steady);
	}
	return result;
}
