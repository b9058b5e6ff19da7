import { describe, expect, test } from "vitest";
import { Random } from "../simulation/random.ts";
import { MatchedFilter } from "./matched-filter.ts";
import { NULL_GRID, NullModel, type Series } from "./null-model.ts";

function randomSeries(random: Random, epochs: number, bands: number): Series {
	const mjd = new Float64Array(epochs);
	let time = 60000;
	for (let i = 0; i < epochs; i++) {
		time += random.uniform(0.2, 6) * (random.uniform() < 0.1 ? 10 : 1);
		mjd[i] = time;
	}
	const y = new Float64Array(epochs * bands);
	const w = new Float64Array(epochs * bands);
	for (let at = 0; at < y.length; at++) {
		if (random.uniform() < 0.2) continue;
		const s = random.uniform(0.01, 0.05);
		w[at] = 1 / (s * s);
		y[at] = s * random.normal() + 0.1 * Math.sin(at / 9);
	}
	return { mjd, frequencyMhz: Float64Array.from({ length: bands }, (_, k) => 900 + 450 * k), y, w };
}

/** Log-likelihood of `y - amplitude * template` under the null, by a dense covariance matrix. */
function denseLogLikelihood(series: Series, epochs: number, point: number, residual: Float64Array): number {
	const { mjd, frequencyMhz, w } = series;
	const bands = frequencyMhz.length;
	const { sigma, tau, kappa } = NULL_GRID[point];
	let meanLog = 0;
	for (const nu of frequencyMhz) meanLog += Math.log(nu) / bands;
	const cells: { i: number; k: number; at: number }[] = [];
	for (let i = 0; i < epochs; i++)
		for (let k = 0; k < bands; k++) if (w[i * bands + k] > 0) cells.push({ i, k, at: i * bands + k });
	const n = cells.length;
	const matrix = cells.map((a) =>
		cells.map((b) => {
			const slope = (Math.log(frequencyMhz[a.k]) - meanLog) * (Math.log(frequencyMhz[b.k]) - meanLog);
			const red = sigma * sigma * Math.exp(-Math.abs(mjd[a.i] - mjd[b.i]) / tau);
			return red * (1 + kappa * kappa * slope) + (a.k === b.k ? 0.25 : 0) + (a.at === b.at ? 1 / w[a.at] : 0);
		}),
	);
	let logDet = 0;
	let quad = 0;
	const solved = new Float64Array(n);
	for (let i = 0; i < n; i++) {
		let value = residual[cells[i].at];
		for (let j = 0; j <= i; j++) {
			let sum = matrix[i][j];
			for (let m = 0; m < j; m++) sum -= matrix[i][m] * matrix[j][m];
			if (i === j) {
				matrix[i][i] = Math.sqrt(sum);
				logDet += 2 * Math.log(matrix[i][i]);
			} else {
				matrix[i][j] = sum / matrix[j][j];
				value -= matrix[i][j] * solved[j];
			}
		}
		solved[i] = value / matrix[i][i];
		quad += solved[i] ** 2;
	}
	return -0.5 * (quad + logDet);
}

describe("null model and matched filter", () => {
	test.each([
		[4, 40],
		[2, 50],
		[1, 60],
		[3, 45],
	])("equal the dense covariance, %d bands, any truncation", (bands, epochs) => {
		const random = new Random(bands);
		const series = randomSeries(random, epochs, bands);
		const model = new NullModel();
		const filter = new MatchedFilter();
		for (const seen of [epochs, Math.floor(epochs / 2)]) {
			model.prepare(series, seen);
			for (const point of [0, 3, 8, 17, 26, 35, 42, 50]) {
				const none = denseLogLikelihood(series, seen, point, series.y);
				expect(Math.abs(model.logLikelihood[point] - none)).toBeLessThan(1e-6 * (1 + Math.abs(none)));
				for (const [first, length] of [
					[5, 9],
					[0, seen],
					[seen - 6, 6],
				]) {
					const values = Float64Array.from(
						{ length: length * bands },
						(_, at) => -Math.exp(-(((at / bands - length / 2) / 3) ** 2)) * (1 + 0.2 * (at % bands)),
					);
					filter.load(series, values, 0, first, length);
					const found = filter.evaluate(model, point, 5, true);
					const { amplitude } = filter.result;
					const residual = series.y.slice();
					for (let at = 0; at < values.length; at++) residual[first * bands + at] -= amplitude * values[at];
					const dense = denseLogLikelihood(series, seen, point, residual);
					expect(Math.abs(found - dense)).toBeLessThan(1e-6 * (1 + Math.abs(dense)));
				}
			}
		}
	});
	test.each([
		[4, 90],
		[3, 40],
	])("two templates at once are what each is alone, to the last bit, %d bands", (bands, epochs) => {
		const random = new Random(7 * bands);
		const series = randomSeries(random, epochs, bands);
		const model = new NullModel();
		model.prepare(series);
		const [first, second, alone] = [new MatchedFilter(), new MatchedFilter(), new MatchedFilter()];
		const found = new Float64Array(2);
		for (let trial = 0; trial < 200; trial++) {
			const templates = [0, 1].map(() => {
				const from = random.integer(epochs);
				const length = 1 + random.integer(epochs - from);
				// Some are nothing at all.
				const size = trial % 17 === 0 ? 0 : 1;
				return { from, values: Float64Array.from({ length: length * bands }, () => size * random.normal()), length };
			});
			const point = random.integer(model.grid.length);
			const signs = [trial % 2 === 0, trial % 3 === 0] as const;
			for (const [i, filter] of [first, second].entries()) {
				const { from, values, length } = templates[i];
				filter.load(series, values, 0, from, length, i === 0 ? 0.1 : 0);
			}
			first.evaluateWith(second, model, point, 1.05, signs, found);
			for (const [i, filter] of [first, second].entries()) {
				const { from, values, length } = templates[i];
				alone.load(series, values, 0, from, length, i === 0 ? 0.1 : 0);
				expect(found[i]).toBe(alone.evaluate(model, point, 1.05, signs[i]));
				expect(filter.result).toEqual(alone.result);
			}
		}
	});
});
