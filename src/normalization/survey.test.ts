import { describe, expect, test } from "vitest";
import { Random } from "../simulation/random.ts";
import { NORMALIZATION_FLAGS } from "./normalize-image.ts";
import {
	type FieldSurvey,
	type NormalizedSurvey,
	renormalize,
	type SurveyBaselines,
	solveBaselines,
} from "./survey.ts";

interface Simulated {
	survey: FieldSurvey;
	/** True scale of each measurement. */
	scale: Float64Array;
	flux: Float64Array;
	jumps: { from: number; to: number; size: number }[];
}

/** A field of steady sources with a jittering flux scale, jumps of it, and a tilt that turns with the epochs. */
function simulate(
	seed: number,
	options: { sources?: number; epochs?: number; tilt?: number; jumps?: number[] } = {},
): Simulated {
	const { sources = 200, epochs = 60, tilt = 0, jumps = [0.15, -0.08, 0.25] } = options;
	const random = new Random(seed);
	const size = sources * epochs;
	const raDeg = Float64Array.from({ length: sources }, () => (359.5 + random.uniform(0, 1)) % 360);
	const decDeg = Float64Array.from({ length: sources }, () => 30 + random.uniform(-0.5, 0.5));
	const flux = Float64Array.from({ length: sources }, () => 0.02 * random.uniform(0.02, 1) ** -1);
	const spans = jumps.map((size, k) => ({ from: 8 + 17 * k, to: 15 + 17 * k, size }));
	const survey = {
		sources,
		epochs,
		raDeg,
		decDeg,
		fluxJy: new Float64Array(size),
		fluxErrJy: new Float64Array(size),
		mjd: Float64Array.from({ length: epochs }, (_, k) => 60000 + 3 * k),
	};
	const scale = new Float64Array(size);
	for (let k = 0; k < epochs; k++) {
		const jump = spans.filter((span) => k >= span.from && k < span.to).reduce((sum, span) => sum + span.size, 0);
		const gain = (1 + jump) * Math.exp(0.015 * random.normal());
		const angle = random.uniform(0, 2 * Math.PI);
		for (let i = 0; i < sources; i++) {
			const east = ((raDeg[i] + 180) % 360) - 180;
			const at = i * epochs + k;
			scale[at] = gain * (1 + tilt * (east * Math.cos(angle) + (decDeg[i] - 30) * Math.sin(angle)) * 2);
			survey.fluxErrJy[at] = 0.0006;
			survey.fluxJy[at] = flux[i] * scale[at] + survey.fluxErrJy[at] * random.normal();
		}
	}
	return { survey, scale, flux, jumps: spans };
}

function pullsOf(
	{ survey }: Simulated,
	solved: SurveyBaselines,
	result: NormalizedSurvey,
	keep: (i: number, k: number) => boolean = () => true,
): number[] {
	const pulls: number[] = [];
	for (let i = 0; i < survey.sources; i++)
		for (let k = 0; k < survey.epochs; k++) {
			const at = i * survey.epochs + k;
			const room = 1 - solved.joint.share[at];
			if (!keep(i, k) || room < 0.05 || (result.flags[at] & NORMALIZATION_FLAGS.not_normalised) !== 0) continue;
			pulls.push(
				(result.fluxNormJy[at] - solved.baselines.value[i]) / result.fluxNormErrAtBaselineJy[at] / Math.sqrt(room),
			);
		}
	return pulls;
}

const spread = (values: number[]) => {
	const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
	return { mean, std: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1)) };
};

const solve = (simulated: Simulated, mode: "plane" | "ensemble" = "plane") => {
	const solved = solveBaselines(simulated.survey, { normalization: { mode } });
	return { solved, result: renormalize(simulated.survey, solved.baselines, solved.references, { mode }) };
};

describe("normalization of a simulated survey", () => {
	test("jumps of 5 to 25 % are removed, and the pulls of steady sources are unit normal", () => {
		const simulated = simulate(1);
		const { solved, result } = solve(simulated);
		const all = spread(pullsOf(simulated, solved, result));
		expect(Math.abs(all.std - 1)).toBeLessThan(0.05);
		expect(Math.abs(all.mean)).toBeLessThan(0.05);
		// In parts of the survey as well: faint and bright, inside jumps and outside.
		const inJump = (k: number) => simulated.jumps.some((jump) => k >= jump.from && k < jump.to);
		for (const keep of [
			(i: number) => simulated.flux[i] > 0.06,
			(i: number) => simulated.flux[i] <= 0.06,
			(_: number, k: number) => inJump(k),
			(_: number, k: number) => !inJump(k),
		]) {
			expect(Math.abs(spread(pullsOf(simulated, solved, result, keep)).std - 1)).toBeLessThan(0.07);
		}
		// The scale found is the true one to its stated error; a common factor is free.
		const { epochs } = simulated.survey;
		const ratio = result.solutions.map((solution, k) => solution.correction / simulated.scale[k]);
		const level = ratio.toSorted((a, b) => a - b)[epochs >> 1];
		const z = ratio.map(
			(value, k) => (value / level - 1) / (result.solutions[k].correctionErr / result.solutions[k].correction),
		);
		expect(spread(z).std).toBeLessThan(1.3);
		expect(Math.max(...z.map(Math.abs))).toBeLessThan(4.5);
	});

	test("a tilt of 10 % over the field is removed, and none is invented where there is none", () => {
		const tilted = simulate(2, { tilt: 0.1, jumps: [] });
		const plane = solve(tilted);
		expect(Math.abs(spread(pullsOf(tilted, plane.solved, plane.result)).std - 1)).toBeLessThan(0.05);
		expect(plane.result.solutions.filter((solution) => solution.order >= 1).length).toBeGreaterThan(
			tilted.survey.epochs * 0.8,
		);
		const flat = solve(tilted, "ensemble");
		// A constant cannot follow a tilt: its light curves scatter by several times as much.
		const scatter = ({ solved, result }: { solved: SurveyBaselines; result: NormalizedSurvey }) => {
			const { sources, epochs } = tilted.survey;
			let sum = 0;
			for (let i = 0; i < sources; i++)
				for (let k = 0; k < epochs; k++)
					if (tilted.flux[i] > 0.1) sum += (result.fluxNormJy[i * epochs + k] / solved.baselines.value[i] - 1) ** 2;
			return sum;
		};
		expect(scatter(flat)).toBeGreaterThan(9 * scatter(plane));
		const level = solve(simulate(3, { jumps: [] }));
		expect(level.result.solutions.filter((solution) => solution.order === 0).length / 60).toBeGreaterThanOrEqual(0.95);
	});

	test("a source's own event stays in its light curve, though it is a reference", () => {
		const simulated = simulate(4);
		const { epochs } = simulated.survey;
		const brightest = simulated.flux.indexOf(Math.max(...simulated.flux));
		const dip = (k: number) => (k >= 20 && k < 45 ? 0.5 : 1);
		for (let k = 0; k < epochs; k++) simulated.survey.fluxJy[brightest * epochs + k] *= dip(k);
		const { solved, result } = solve(simulated);
		const value = (k: number) => result.fluxNormJy[brightest * epochs + k];
		const outside = (value(5) + value(10) + value(50) + value(55)) / 4;
		for (const k of [22, 30, 40]) expect(value(k) / outside).toBeCloseTo(0.5, 1);
		const others = pullsOf(simulated, solved, result, (i) => i !== brightest);
		expect(Math.abs(spread(others).std - 1)).toBeLessThan(0.05);
	});

	test("an absurd reference is rejected, not averaged in", () => {
		const simulated = simulate(5, { jumps: [] });
		const { epochs } = simulated.survey;
		const victim = simulated.flux.indexOf(Math.max(...simulated.flux));
		simulated.survey.fluxJy[victim * epochs + 30] *= 2697;
		const { result } = solve(simulated);
		const [before, at] = [result.solutions[29], result.solutions[30]];
		expect(at.status).toBe("applied");
		expect(Math.abs(at.correction / simulated.scale[30] - before.correction / simulated.scale[29])).toBeLessThan(0.02);
	});

	test("too few epochs or references: raw values, marked", () => {
		const simulated = simulate(6, { epochs: 2, jumps: [] });
		const { result } = solve(simulated);
		expect(result.solutions.every((solution) => solution.status === "not_normalised")).toBe(true);
		expect(result.fluxNormJy).toEqual(simulated.survey.fluxJy);
		expect(result.flags.every((flags) => (flags & NORMALIZATION_FLAGS.not_normalised) !== 0)).toBe(true);
	});
});
