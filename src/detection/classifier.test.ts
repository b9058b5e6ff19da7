import { describe, expect, test } from "vitest";
import { Random } from "../simulation/random.ts";
import {
	classify,
	compareClassifiers,
	crossValidate,
	type LabelledCandidate,
	performanceOf,
	trainClassifier,
} from "./classifier.ts";

/** Verdicts drawn from a known logistic law, so that the true probability of each is known. */
function verdicts(seed: number, n: number): (LabelledCandidate & { truth: number })[] {
	const random = new Random(seed);
	return Array.from({ length: n }, () => {
		const features = [random.normal() * 3 + 5, random.normal(), random.normal() * 0.1];
		const truth = 1 / (1 + Math.exp(-(0.8 * (features[0] - 5) - 1.5 * features[1])));
		return { features, isEvent: random.uniform() < truth, truth };
	});
}

describe("classifier trained on verdicts", () => {
	test("finds the law behind them and is calibrated", () => {
		const classifier = trainClassifier(verdicts(1, 3000), 1, 0.01);
		const fresh = verdicts(2, 3000);
		let worst = 0;
		for (const { features, truth } of fresh) worst = Math.max(worst, Math.abs(classify(classifier, features) - truth));
		expect(worst).toBeLessThan(0.08);
		const performance = performanceOf(classifier, fresh);
		expect(Math.abs((performance.calibration ?? 0) - 1)).toBeLessThan(0.05);
		// On what it was trained on, calibration in the large is exact.
		expect(performanceOf(classifier, verdicts(1, 3000)).calibration).toBeCloseTo(1, 6);
	});

	test("two versions side by side: more verdicts win, with an error bar", () => {
		const comparison = compareClassifiers(
			trainClassifier(verdicts(3, 24)),
			trainClassifier(verdicts(4, 2000)),
			verdicts(5, 2000),
		);
		expect(comparison.lossDifference).toBeLessThan(-2 * comparison.standardError);
		expect(comparison.second.brier).toBeLessThan(comparison.first.brier);
	});

	test("cross-validation tells what training cannot", () => {
		const noise = verdicts(6, 60).map((one, i) => ({ ...one, isEvent: i % 2 === 0 }));
		const honest = crossValidate(noise);
		expect(honest.n).toBe(60);
		expect(honest.logLoss).toBeGreaterThan(performanceOf(trainClassifier(noise), noise).logLoss);
	});

	test("separable verdicts do not run away", () => {
		const labelled = Array.from({ length: 20 }, (_, i) => ({ features: [i < 10 ? 0 : 100], isEvent: i >= 10 }));
		const classifier = trainClassifier(labelled);
		expect(Number.isFinite(classifier.weights[0])).toBe(true);
		expect(classify(classifier, [100])).toBeGreaterThan(0.9);
		expect(classify(classifier, [0])).toBeLessThan(0.1);
	});

	test("refuses too few verdicts and bad numbers, saying what is missing", () => {
		expect(() => trainClassifier(verdicts(7, 40).filter((one) => one.isEvent))).toThrow(/0 others/);
		const bad = verdicts(8, 60);
		bad[3].features[1] = Number.NaN;
		expect(() => trainClassifier(bad)).toThrow(/not numbers/);
	});
});
