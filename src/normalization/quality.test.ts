import { describe, expect, test } from "vitest";
import { simulateField } from "../../test/simulated-gains.ts";
import { assessNormalization, compareModes, summarisePulls } from "./quality.ts";
import { type FieldSurvey, renormalize, solveBaselines } from "./survey.ts";

const jumps = [{ first: 10, last: 17, amplitude: -0.2, tilt: 0.12 }];
const run = (survey: FieldSurvey, mode: "plane" | "ensemble" | "single" | "none" = "plane") => {
	const solved = solveBaselines(survey, { normalization: { mode } });
	const normalized = renormalize(survey, solved.baselines, solved.references, { mode });
	const quality = assessNormalization(
		survey,
		normalized,
		solved.baselines,
		solved.steadiness,
		solved.joint.share,
		solved.references.primary,
	);
	return { solved, normalized, quality };
};

describe("quality of a normalization", () => {
	const survey = simulateField(21, { sources: 100, epochs: 40, jumps });
	const { quality, solved } = run(survey);

	test("a good field: unit pulls, steadier sources, no alert", () => {
		expect(Math.abs(quality.pulls.std - 1)).toBeLessThan(0.05);
		expect(quality.after.v).toBeLessThan(0.6 * quality.before.v);
		expect(quality.after.eta).toBeLessThan(1.4);
		expect(quality.before.eta).toBeGreaterThan(3);
		expect(quality.alerts).toEqual([]);
		expect(quality.epochs).toHaveLength(40);
		expect(quality.epochs[12].order).toBeGreaterThan(0);
		expect(quality.epochs[12].correction).toBeLessThan(0.9);
		expect(quality.epochs[12].completeness).toBe(1);
		expect(quality.references).toHaveLength(solved.references.primary.length);
		for (const { pulls } of quality.bySnr) if (pulls.n > 500) expect(Math.abs(pulls.std - 1)).toBeLessThan(0.08);
	});

	test("modes: the surface beats the constant where there is a tilt, and both beat one reference", () => {
		const modes = (["plane", "ensemble", "single", "none"] as const).map((mode) => {
			const { solved: s, normalized } = run(survey, mode);
			return { mode, normalized, level: s.baselines.value, share: s.joint.share };
		});
		const table = compareModes(survey, modes, quality.steady);
		const by = new Map(table.map((row) => [row.mode, row]));
		expect(by.get("plane")?.scatter).toBeLessThan(by.get("ensemble")?.scatter ?? 0);
		expect(by.get("ensemble")?.scatter).toBeLessThan(by.get("none")?.scatter ?? 0);
		expect(by.get("single")?.correctionErr).toBeGreaterThan(2 * (by.get("ensemble")?.correctionErr ?? 1));
		expect(by.get("plane")?.differenceStd).toBe(0);
		expect(by.get("single")?.differenceStd).toBeGreaterThan(0.3);
	});

	test("each alarm is raised by what it is for", () => {
		const kinds = (change: (survey: ReturnType<typeof simulateField>) => void) => {
			const field = simulateField(22, { sources: 40, epochs: 30, jitter: 0.01 });
			change(field);
			return new Set(run(field).quality.alerts.map(({ kind }) => kind));
		};
		expect(kinds(() => {}).size).toBe(0);
		expect(
			kinds((field) => {
				for (let i = 2; i < 40; i++) field.fluxJy[i * 30 + 5] = Number.NaN;
			}),
		).toContain("too_few_references");
		expect(
			kinds((field) => {
				for (let i = 0; i < 40; i++) field.fluxJy[i * 30 + 5] *= 0.3;
			}),
		).toContain("correction_suspicious");
		expect(
			kinds((field) => {
				for (let at = 0; at < field.fluxErrJy.length; at++) field.fluxErrJy[at] *= 3;
			}),
		).toContain("pull_scatter");
		expect(
			kinds((field) => {
				field.catalogue = { fluxJy: field.trueFluxJy.map((flux) => 2 * flux), fluxErrJy: field.trueFluxJy };
			}),
		).toContain("catalogue_ratio");
	});

	test("summaries of pulls", () => {
		expect(summarisePulls([]).n).toBe(0);
		const summary = summarisePulls([-1, 1, -1, 1, 100, Number.NaN]);
		expect(summary).toMatchObject({ n: 5, mean: 0, std: 1, robustStd: 1.4826 });
		expect(summary.outliers).toBeCloseTo(0.2, 12);
	});
});
