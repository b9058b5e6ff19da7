import { describe, expect, test } from "vitest";
import { fluxScale, planSurvey } from "./survey.ts";
import { imageCards, SurveyPainter } from "./survey-image.ts";
import { EXAMPLE_SURVEY, type SurveyOptions } from "./survey-options.ts";

const small: SurveyOptions = { ...EXAMPLE_SURVEY, size: 256, sources: 12, epochs: 12 };

describe("plan of a survey", () => {
	const survey = planSurvey(EXAMPLE_SURVEY);
	const { sources, epochs, subbands, fluxJy, lens, flare } = survey;

	test("is the same for the same seed and another for another", () => {
		const plain = (plan: typeof survey) => JSON.stringify({ ...plan, wcs: undefined });
		expect(plain(planSurvey(EXAMPLE_SURVEY))).toBe(plain(survey));
		expect(plain(planSurvey({ ...EXAMPLE_SURVEY, seed: 2 }))).not.toBe(plain(survey));
	});

	test("is the example that was asked for", () => {
		expect(sources.length).toBe(60);
		const complete = epochs.filter((epoch) => epoch.subbands.some(({ isMissing }) => !isMissing));
		expect(complete.length).toBeGreaterThanOrEqual(40);
		expect(complete.length).toBeLessThan(epochs.length);
		expect(subbands.length).toBe(4);
		const span = epochs[epochs.length - 1].mjd - epochs[0].mjd;
		expect(span).toBeGreaterThan(250);
		expect(span).toBeLessThan(340);
		const count = (label: string) => sources.filter((source) => source.label === label).length;
		expect([count("ese"), count("flare"), count("scintillating"), count("steady")]).toEqual([1, 1, 4, 54]);
		for (const { fluxJy: flux } of sources) {
			expect(flux).toBeGreaterThanOrEqual(0.005);
			expect(flux).toBeLessThanOrEqual(1);
		}
	});

	test("sources keep their distance and their place in the coordinate system", () => {
		for (const a of sources) {
			const [x, y] = survey.wcs.icrsToPixel(a.raDeg, a.decDeg);
			expect(Math.hypot(x - a.x, y - a.y)).toBeLessThan(1e-6);
			for (const b of sources) {
				if (a !== b) expect(Math.hypot(a.x - b.x, a.y - b.y) * 2).toBeGreaterThan((3 * 13 * 1400) / 888);
			}
		}
	});

	test("only the lensed source dips, deeper and wider at low frequency; the flare only rises", () => {
		const ofSource = (id: string) => fluxJy[sources.findIndex((source) => source.id === id)];
		const dip = ofSource(lens?.sourceId as string);
		const least = subbands.map((_, band) => {
			const values = epochs.map((_, epoch) => dip[epoch * 4 + band]);
			return Math.min(...values) / values[0];
		});
		expect(Math.max(...least)).toBeLessThan(0.6);
		expect(least[0]).toBeLessThan(least[3]);
		const rise = ofSource(flare?.sourceId as string);
		const first = [0, 1, 2, 3].map((band) => rise[band]);
		for (let i = 0; i < rise.length; i++) expect(rise[i]).toBeGreaterThan(0.98 * first[i % 4]);
		expect(Math.max(...epochs.map((_, epoch) => rise[epoch * 4])) / first[0]).toBeGreaterThan(1.2);
	});

	test("jumps, jitter and tilt scale the whole field", () => {
		const jump = survey.gainJumps[0];
		expect(Math.abs(jump.amplitude)).toBeGreaterThanOrEqual(0.05);
		const inside = epochs.findIndex(({ mjd }) => mjd === jump.firstMjd);
		expect(Math.abs(fluxScale(survey, inside, 0, 255.5, 255.5) - 1)).toBeGreaterThan(0.01);
		const { tilt } = epochs[inside];
		const ratio = fluxScale(survey, inside, 0, 511, 255.5) / fluxScale(survey, inside, 0, 255.5, 255.5);
		expect(ratio).toBeCloseTo(1 + tilt[0], 12);
		const steady = planSurvey({ ...EXAMPLE_SURVEY, steady: true });
		expect(
			steady.epochs.every((epoch, e) => epoch.subbands.every((_, band) => fluxScale(steady, e, band, 9, 9) === 1)),
		).toBe(true);
		expect([steady.lens, steady.flare, steady.gainJumps]).toEqual([undefined, undefined, []]);
	});

	test("impossible options are refused by name", () => {
		const refuse = (change: Partial<SurveyOptions>, message: RegExp) =>
			expect(() => planSurvey({ ...EXAMPLE_SURVEY, ...change })).toThrow(message);
		refuse({ size: 10 }, /10 is not a whole number from 64/);
		refuse({ noiseJy: Number.NaN }, /NaN/);
		refuse({ epochs: 1.5 }, /whole number/);
		refuse({ frequenciesMhz: [] }, /frequencies/);
		refuse({ pixelArcsec: 10 }, /pixels wide at the highest frequency/);
		refuse({ pairs: 31 }, /31 pairs are more than 60 sources/);
		refuse({ fluxRangeJy: [1, 0.1] }, /not a positive range/);
		refuse({ sources: 100_000 }, /do not fit/);
	});
});

describe("painted images", () => {
	/** Weighted flux of a source in an image, by the beam at its true position. */
	function measure(data: ArrayLike<number>, survey: ReturnType<typeof planSurvey>, band: number, s: number): number {
		const { a, b, c } = survey.subbands[band].kernel;
		const { x, y } = survey.sources[s];
		const { size } = survey.options;
		let [dk, kk] = [0, 0];
		for (let py = Math.ceil(y - 12); py <= y + 12; py++) {
			for (let px = Math.ceil(x - 12); px <= x + 12; px++) {
				const k = Math.exp(-(a * (px - x) ** 2 + b * (px - x) * (py - y) + c * (py - y) ** 2));
				dk += data[py * size + px] * k;
				kk += k * k;
			}
		}
		return dk / kk;
	}

	test("hold the true fluxes under the flux scale, to the noise", () => {
		const survey = planSurvey(small);
		const painter = new SurveyPainter(survey);
		let sum = 0;
		let squares = 0;
		let count = 0;
		for (let first = 0; first < 12; first += 2) {
			for (let band = 0; band < 4; band++) {
				painter.paint(first, band).forEach((plane, i) => {
					const epoch = first + i;
					survey.sources.forEach(({ x, y }, s) => {
						const expected = survey.fluxJy[s][epoch * 4 + band] * fluxScale(survey, epoch, band, x, y);
						const rms = painter.rms(epoch, band).data[Math.round(y) * 256 + Math.round(x)];
						// With a Gaussian autocorrelation as wide as the beam the estimator scatters by sqrt(4/3) of the rms.
						const pull = (measure(plane.data, survey, band, s) - expected) / (rms * Math.sqrt(4 / 3));
						sum += pull;
						squares += pull * pull;
						count += 1;
					});
				});
			}
		}
		expect(count).toBe(576);
		expect(Math.abs(sum / count)).toBeLessThan(4 / Math.sqrt(count));
		expect(Math.abs(Math.sqrt(squares / count) - 1)).toBeLessThan(4 / Math.sqrt(2 * count));
	});

	test("do not depend on what was painted before", () => {
		const survey = planSurvey(small);
		const alone = new SurveyPainter(survey).paint(4, 2);
		const painter = new SurveyPainter(survey);
		painter.paint(0, 2);
		painter.paint(4, 1);
		expect(painter.paint(4, 2)).toEqual(alone);
	});

	test("test images: fluxes by signal to noise, pairs, background, blank border and holes", () => {
		const options: SurveyOptions = {
			...small,
			size: 512,
			epochs: 1,
			frequenciesMhz: [1400],
			sources: 120,
			pairs: 20,
			snrRange: [1, 1000],
			background: 0.5,
			blankBorder: 12,
			holes: 2,
		};
		const survey = planSurvey(options);
		const painter = new SurveyPainter(survey);
		const [plane, ...none] = painter.paint(0, 0);
		expect(none).toEqual([]);
		const distance = (i: number, j: number) =>
			Math.hypot(survey.sources[i].x - survey.sources[j].x, survey.sources[i].y - survey.sources[j].y) / 6.5;
		for (let i = 0; i < 40; i += 2) {
			expect(survey.sources[i].pair).toBe(survey.sources[i + 1].pair);
			expect(distance(i, i + 1)).toBeGreaterThanOrEqual(0.5);
			expect(distance(i, i + 1)).toBeLessThanOrEqual(2.5);
		}
		for (let i = 40; i < 120; i++) for (let j = 0; j < i; j++) expect(distance(i, j)).toBeGreaterThanOrEqual(3);
		const ratios = survey.sources.map(
			({ x, y, fluxJy }) => fluxJy / painter.rms(0, 0).data[Math.round(y) * 512 + Math.round(x)],
		);
		expect(Math.min(...ratios)).toBeGreaterThan(0.9);
		expect(Math.max(...ratios)).toBeLessThan(1100);
		const border = 512 * 512 - 488 * 488;
		let blank = 0;
		for (const value of plane.data) if (Number.isNaN(value)) blank += 1;
		expect(blank).toBeGreaterThan(border);
		expect(painter.isBlank(5, 200)).toBe(true);
		let brightest = 0;
		for (const value of painter.background().data) brightest = Math.max(brightest, value);
		expect(brightest / options.noiseJy).toBeCloseTo(0.5, 3);
	});

	test("carry their beam, frequency and mid-exposure", () => {
		const survey = planSurvey(small);
		const cards = new Map(imageCards(survey, 3, 1).map(([keyword, value]) => [keyword, value]));
		expect(cards.get("MJD-AVG")).toBe(survey.epochs[3].mjd);
		expect(cards.get("CRVAL3")).toBe(1367e6);
		expect(cards.get("BMAJ")).toBeCloseTo((13 * 1400) / 1367 / 3600, 12);
	});
});
