import { describe, expect, test } from "vitest";
import { simulateField } from "../../test/simulated-gains.ts";
import { emptyBaselines } from "./baseline.ts";
import { CORRECTION_SOURCES } from "./fallback.ts";
import {
	NORMALIZATION_FLAGS as F,
	type ImageMeasurements,
	normalizationFlagNames,
	normalizeImage,
} from "./normalize-image.ts";
import { pullsOf } from "./quality.ts";
import { renormalize, solveBaselines } from "./survey.ts";

const field = simulateField(11, {
	sources: 80,
	epochs: 20,
	jumps: [{ first: 12, last: 16, amplitude: 0.2, tilt: 0.1 }],
});
const solved = solveBaselines(field, { identity: { version: "b1" } });
const image = (epoch: number, change: (flux: Float64Array) => void = () => {}): ImageMeasurements => {
	const sourceIndex = Int32Array.from({ length: field.sources }, (_, i) => i);
	const fluxJy = Float64Array.from(sourceIndex, (i) => field.fluxJy[i * field.epochs + epoch]);
	change(fluxJy);
	return {
		mjd: field.mjd[epoch],
		sourceIndex,
		fluxJy,
		fluxErrJy: Float64Array.from(sourceIndex, (i) => field.fluxErrJy[i * field.epochs + epoch]),
		raDeg: field.raDeg,
		decDeg: field.decDeg,
	};
};
const { baselines, references } = solved;
const few = { primary: references.primary.slice(0, 2) };
const name = (code: number) => CORRECTION_SOURCES[code];

describe("one image", () => {
	test("an event in a target, reference or not, is neither absorbed nor passed on", () => {
		const steady = normalizeImage(image(5), { baselines, references });
		for (const target of [references.primary[0], references.primary[20], 79]) {
			const event = normalizeImage(
				image(5, (flux) => {
					flux[target] *= 0.6;
				}),
				{ baselines, references },
			);
			expect(Math.abs(event.fluxNormJy[target] / steady.fluxNormJy[target] - 0.6)).toBeLessThan(0.002);
			const others = event.fluxNormJy.map((flux, i) => (i === target ? 1 : flux / steady.fluxNormJy[i]));
			expect(Math.max(...others.map((ratio) => Math.abs(ratio - 1)))).toBeLessThan(0.003);
		}
	});

	test("a blend's other members are left out with the target", () => {
		const [a, b] = references.primary;
		const blendGroup = new Int32Array(field.sources);
		blendGroup[a] = 1;
		blendGroup[b] = 1;
		const plain = normalizeImage(image(5), { baselines, references });
		const blended = normalizeImage({ ...image(5), blendGroup }, { baselines, references });
		expect(blended.nReferences[a]).toBe(plain.nReferences[a] - 1);
		expect(blended.correctionErr[a]).toBeGreaterThan(plain.correctionErr[a]);
		const other = references.primary[2];
		expect(blended.correction[other]).toBe(plain.correction[other]);
	});

	test("the chain: ensemble, wider ensemble, catalogue, cached, none, each marked", () => {
		const catalogue = { fluxJy: field.trueFluxJy, fluxErrJy: field.trueFluxJy.map((flux) => 0.05 * flux) };
		const previous = { correction: 1.05, correctionErr: 0.01, mjd: field.mjd[5] - 3 };
		const first = normalizeImage(image(5), { baselines, references, catalogue, previous });
		expect(first.solution.source).toBe("ensemble");
		expect(first.flags.every((bits) => (bits & F.fallback_correction) === 0)).toBe(true);

		const wide = normalizeImage(image(5), {
			baselines,
			references: { ...few, wide: references.wide },
			catalogue,
			previous,
		});
		expect(wide.solution.source).toBe("ensemble_wide");
		expect(wide.solution.order).toBe(0);
		expect(wide.solution.steps[0]).toMatchObject({
			source: "ensemble",
			reasons: ["too_few_references", "one_reference_dominates"],
		});

		const third = normalizeImage(image(5), { baselines, references: few, catalogue, previous });
		expect(third.solution.source).toBe("catalogue");
		expect(name(third.correctionSource[0])).toBe("catalogue");
		expect(normalizationFlagNames(third.flags[0])).toContain("fallback_correction");
		expect(third.solution.correctionErr / third.solution.correction).toBeGreaterThan(0.008);

		const fourth = normalizeImage(image(5), { baselines, references: few, previous });
		expect(fourth.solution.source).toBe("cached");
		expect(fourth.correction[0]).toBe(1.05);
		expect(fourth.correctionErr[0]).toBeCloseTo(Math.hypot(0.01, baselines.epochScatter * 1.05), 12);

		const old = { ...previous, mjd: field.mjd[5] - 8 };
		const last = normalizeImage(image(5), { baselines, references: few, previous: old });
		expect(last.solution.status).toBe("not_normalised");
		expect(last.fluxNormJy).toEqual(image(5).fluxJy);
		expect(last.flags.every((bits) => (bits & F.not_normalised) !== 0)).toBe(true);
		expect(last.solution.steps.map(({ source, reasons }) => [source, reasons[reasons.length - 1]])).toEqual([
			["ensemble", "one_reference_dominates"],
			["cached", "cached_correction_too_old"],
		]);
		expect(last.fluxNormErrJy[0]).toBeGreaterThan(field.fluxErrJy[0]);
	});

	test("a correction outside the gate is stored, not applied, and no other step hides it", () => {
		const dim = image(5, (flux) => flux.forEach((value, i) => (flux[i] = 0.4 * value)));
		const catalogue = { fluxJy: field.trueFluxJy, fluxErrJy: field.trueFluxJy.map((flux) => 0.05 * flux) };
		const result = normalizeImage(dim, { baselines, references, catalogue });
		expect(result.solution.status).toBe("suspicious");
		expect(result.solution.reasons).toEqual(["correction_out_of_range"]);
		expect(result.solution.correction).toBeLessThan(0.5);
		expect(result.fluxNormJy).toEqual(dim.fluxJy);
		expect(result.flags.every((bits) => (bits & F.suspicious_correction) !== 0)).toBe(true);
	});

	test("before there are baselines, images are marked as not normalised, never as corrected by 1", () => {
		const result = normalizeImage(image(0), {
			baselines: emptyBaselines(field.sources),
			references: { primary: new Int32Array(0) },
		});
		expect(result.solution.status).toBe("not_normalised");
		expect(name(result.correctionSource[0])).toBe("none");
		expect(result.correctionErr[0]).toBeGreaterThan(0.05);
	});

	test("a NaN is flagged, a negative flux is data, an unusable measurement is no reference", () => {
		const [target, other] = references.primary;
		const usable = new Uint8Array(field.sources).fill(1);
		usable[other] = 0;
		const result = normalizeImage(
			{
				...image(5, (flux) => {
					flux[target] = Number.NaN;
					flux[79] = -0.001;
				}),
				usable,
			},
			{ baselines, references },
		);
		expect(normalizationFlagNames(result.flags[target])).toContain("no_flux");
		expect(result.fluxNormJy[79]).toBeLessThan(0);
		expect(result.solution.available).toBe(references.primary.length - 2);
		expect(result.solution.references.some(({ sourceIndex }) => sourceIndex === other)).toBe(false);
	});

	test("modes: none leaves everything raw, single rests on one reference with a larger error", () => {
		const none = normalizeImage(image(5), { baselines, references, options: { mode: "none" } });
		expect(none.solution.reasons).toEqual(["switched_off"]);
		expect(none.fluxNormJy).toEqual(image(5).fluxJy);
		const single = normalizeImage(image(5), { baselines, references, options: { mode: "single" } });
		const ensemble = normalizeImage(image(5), { baselines, references, options: { mode: "ensemble" } });
		expect(name(single.correctionSource[0])).toBe("single");
		expect(single.correctionErr[0]).toBeGreaterThan(2 * ensemble.correctionErr[0]);
		expect(single.nReferences[0]).toBe(1);
	});

	test("arrays that do not belong together are refused by name", () => {
		const bad = image(5);
		expect(() => normalizeImage({ ...bad, fluxErrJy: new Float64Array(3) }, { baselines, references })).toThrow(
			/3 values for 80/,
		);
		expect(() =>
			normalizeImage({ ...bad, sourceIndex: new Int32Array(80).fill(999) }, { baselines, references }),
		).toThrow(/source 999/);
	});
});

describe("a whole survey", () => {
	/** Pulls about the baselines, each measurement's own part in them accounted for. */
	const pulls = (survey: typeof field) => {
		const s = solveBaselines(survey);
		const n = renormalize(survey, s.baselines, s.references);
		const all = pullsOf(survey, n, s.baselines.value, s.joint.share);
		return (use: (i: number, k: number) => boolean) =>
			Array.from(all).filter((z, at) => Math.abs(z) < 6 && use(Math.floor(at / survey.epochs), at % survey.epochs));
	};
	const moments = (z: number[]) => {
		const mean = z.reduce((sum, value) => sum + value, 0) / z.length;
		return { mean, std: Math.sqrt(z.reduce((sum, value) => sum + (value - mean) ** 2, 0) / z.length) };
	};
	const jumps = [
		{ first: 8, last: 15, amplitude: -0.25, tilt: 0.12, angle: 0.7 },
		{ first: 25, last: 33, amplitude: 0.15, tilt: -0.06, angle: 2 },
		{ first: 45, last: 47, amplitude: 0.05 },
	];

	test("200 references, three jumps of 5 to 25 % with tilts: unit-normal pulls in every bin of SNR, place and epoch", () => {
		const survey = simulateField(12, { sources: 200, epochs: 60, jumps, missing: 0.03 });
		const snr = (i: number) => survey.trueFluxJy[i] / 1e-3;
		const cuts: [string, (i: number, k: number) => boolean][] = [
			["all", () => true],
			["SNR below 20", (i) => snr(i) < 20],
			["SNR 20 to 60", (i) => snr(i) >= 20 && snr(i) < 60],
			["SNR above 60", (i) => snr(i) >= 60],
			["inner field", (i) => Math.hypot(survey.x[i], survey.y[i]) < 0.5],
			["outer field", (i) => Math.hypot(survey.x[i], survey.y[i]) >= 0.5],
			["first jump", (_, k) => k >= 8 && k <= 15],
			["second jump", (_, k) => k >= 25 && k <= 33],
			["third jump", (_, k) => k >= 45 && k <= 47],
			["quiet epochs", (_, k) => survey.jump[k] === 0],
		];
		const of = pulls(survey);
		for (const [label, use] of cuts) {
			const { mean, std } = moments(of(use));
			expect(Math.abs(std - 1), `${label}: std ${std}`).toBeLessThan(0.05);
			expect(Math.abs(mean), `${label}: mean ${mean}`).toBeLessThan(0.05);
		}
	});

	test("every jump is removed to the uncertainty stated", () => {
		const survey = simulateField(13, { sources: 200, epochs: 60, jumps });
		const s = solveBaselines(survey);
		const n = renormalize(survey, s.baselines, s.references);
		const scale = Array.from(s.baselines.value, (value, i) => Math.log(value / survey.trueFluxJy[i]));
		const free = scale.reduce((sum, value) => sum + value, 0) / scale.length;
		const z: number[] = [];
		for (let k = 0; k < 60; k++) {
			if (survey.jump[k] === 0) continue;
			for (let i = 0; i < 200; i++) {
				const at = i * 60 + k;
				if (n.flags[at] & F.outside_hull) continue;
				const residual = Math.log(n.correction[at] / survey.factor[at]) + free;
				z.push(residual / (n.correctionErr[at] / n.correction[at]));
			}
		}
		const { std } = moments(z);
		expect(std).toBeLessThan(1.25);
		expect(std).toBeGreaterThan(0.75);
	});

	test("with outliers among the measurements the rest keep their pulls", () => {
		const survey = simulateField(14, { sources: 120, epochs: 40, jumps: [jumps[0]], outliers: 0.01 });
		const { std, mean } = moments(pulls(survey)(() => true));
		expect(Math.abs(std - 1)).toBeLessThan(0.07);
		expect(Math.abs(mean)).toBeLessThan(0.05);
	});

	test("the floor is found with its error", () => {
		const { floor } = solveBaselines(simulateField(15, { sources: 150, epochs: 40, scatter: 0.02 }));
		expect(Math.abs(floor.value - 0.02)).toBeLessThan(4 * floor.error);
		expect(floor.error).toBeLessThan(0.002);
	});

	test("a source that varies is put off the list and its variation stays", () => {
		const survey = simulateField(16, { sources: 60, epochs: 40, snr: [60, 300] });
		for (let k = 0; k < 40; k++) survey.fluxJy[7 * 40 + k] *= 1 + 0.2 * Math.sin(k);
		const { references: chosen, baselines: made } = solveBaselines(survey);
		expect(Array.from(chosen.primary)).not.toContain(7);
		expect(chosen.refusals[7]).toContain("steady");
		const normalized = renormalize(survey, made, chosen);
		const ratio = Array.from(
			{ length: 40 },
			(_, k) => normalized.fluxNormJy[7 * 40 + k] / made.value[7] / (1 + 0.2 * Math.sin(k)),
		);
		expect(moments(ratio).std).toBeLessThan(0.03);
	});

	test("two epochs give no baselines: everything stays raw and marked; with a third, re-normalisation mends it", () => {
		const survey = simulateField(17, { sources: 40, epochs: 3, jumps: [{ first: 1, last: 1, amplitude: 0.2 }] });
		const cut = (values: Float64Array, n: number) => {
			const out = new Float64Array(40 * n);
			for (let i = 0; i < 40; i++) out.set(values.subarray(i * 3, i * 3 + n), i * n);
			return out;
		};
		const early = {
			...survey,
			epochs: 2,
			mjd: survey.mjd.slice(0, 2),
			fluxJy: cut(survey.fluxJy, 2),
			fluxErrJy: cut(survey.fluxErrJy, 2),
		};
		const none = solveBaselines(early);
		expect(none.baselines.status.every((status) => status === 0)).toBe(true);
		const raw = renormalize(early, none.baselines, none.references);
		expect(raw.solutions.map(({ status }) => status)).toEqual(["not_normalised", "not_normalised"]);
		const catalogue = { fluxJy: survey.trueFluxJy, fluxErrJy: survey.trueFluxJy.map((flux) => 0.05 * flux) };
		const mended = renormalize({ ...early, catalogue }, none.baselines, none.references);
		expect(mended.solutions[1].source).toBe("catalogue");
		expect(mended.solutions[1].correction / mended.solutions[0].correction).toBeCloseTo(
			survey.factor[1] / survey.factor[0],
			1,
		);
		const third = solveBaselines(survey);
		expect(third.baselines.status.filter((status) => status === 1).length).toBeGreaterThan(30);
		const done = renormalize(survey, third.baselines, third.references);
		expect(done.solutions.every(({ source }) => source === "ensemble")).toBe(true);
		expect(done.flags[0] & F.provisional_baseline).not.toBe(0);
	});
});
