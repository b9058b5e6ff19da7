import { describe, expect, test } from "vitest";
import { simulateLightCurves } from "../simulation/light-curves.ts";
import { Random } from "../simulation/random.ts";
import { correctFieldData } from "./detect.ts";
import { decodeWatch, encodeWatch, newWatch, searched, urgency, type Watch, watchEpoch } from "./watch.ts";

const BANDS = [0, 1, 2, 3];

/** One epoch of a source at a given share of its level. */
const epoch = (random: Random, mjd: number, factor: number, noise = 0.01) =>
	BANDS.map((band) => ({
		band,
		mjd,
		flux: 0.1 * factor * (1 + noise * random.normal()),
		err: 0.1 * noise,
		level: 0.1,
		n: 300,
	}));

describe("watching a source from epoch to epoch", () => {
	test("noise is no news: less than one search in a hundred epochs", () => {
		let due = 0;
		for (let source = 0; source < 40; source++) {
			const random = new Random(source);
			const watch = newWatch();
			for (let i = 0; i < 300; i++) {
				watchEpoch(watch, epoch(random, 60_000 + 2 * i, 1));
				if (urgency(watch) < 1) continue;
				due++;
				searched(watch, { sigma: 0.01, tau: 40 }, 4 * i);
			}
		}
		expect(due / (40 * 300)).toBeLessThan(0.01);
	});

	test("red noise that is known is no news either; a sudden dip and a slow one are", () => {
		const walk = (watch: Watch, seed: number, dip: (i: number) => number) => {
			const random = new Random(seed);
			let x = 0;
			const first: number[] = [];
			for (let i = 0; i < 200; i++) {
				const r = Math.exp(-3 / 100);
				x = r * x + 0.05 * Math.sqrt(1 - r * r) * random.normal();
				watchEpoch(watch, epoch(random, 60_000 + 3 * i, (1 + x) * dip(i)));
				if (urgency(watch) < 1) continue;
				first.push(i);
				searched(watch, { sigma: 0.05, tau: 100 }, 4 * i);
			}
			return first;
		};
		let quiet = 0;
		let sudden = 0;
		let slow = 0;
		for (let seed = 0; seed < 20; seed++) {
			const noise = { sigma: 0.05, tau: 100 };
			quiet += walk(newWatch(noise), seed, () => 1).length;
			if (walk(newWatch(noise), seed, (i) => (i > 150 ? 0.8 : 1)).some((i) => i > 150 && i <= 153)) sudden++;
			if (
				walk(newWatch(noise), seed, (i) => (i > 150 ? Math.max(0.6, 1 - 0.02 * (i - 150)) : 1)).some(
					(i) => i > 150 && i <= 170,
				)
			)
				slow++;
		}
		expect(quiet / (20 * 200)).toBeLessThan(0.01);
		expect(sudden).toBe(20);
		expect(slow).toBe(20);
	});

	test("a simulated sky: few searches per epoch, and lensed sources are searched as their events begin", () => {
		const sky = simulateLightCurves({ seed: 31, fields: 2, sourcesPerField: 60, eventFraction: 0.1, epochFactor: 0.6 });
		let searches = 0;
		let epochs = 0;
		let events = 0;
		let prompt = 0;
		for (const field of sky.fields) {
			const bands = field.frequencyMhz.length;
			const corrected = correctFieldData({
				...field,
				fieldId: field.id,
				sources: Int32Array.from({ length: field.sources }, (_, j) => j),
				x: null,
				y: null,
			});
			for (let j = 0; j < field.sources; j++) {
				const source = sky.sources[field.firstSource + j];
				const size = field.mjd.length * bands;
				const flux = corrected.flux.subarray(j * size, (j + 1) * size);
				const err = corrected.err.subarray(j * size, (j + 1) * size);
				const level = BANDS.map((k) => {
					const values = Array.from(field.mjd.keys(), (i) => flux[i * bands + k])
						.filter(Number.isFinite)
						.sort((a, b) => a - b);
					return values[values.length >> 1];
				});
				const watch = newWatch();
				const due: number[] = [];
				field.mjd.forEach((mjd, i) => {
					watchEpoch(
						watch,
						BANDS.map((band) => ({
							band,
							mjd,
							flux: flux[i * bands + band],
							err: err[i * bands + band],
							level: level[band],
							n: 100,
						})),
					);
					epochs++;
					if (urgency(watch) < 1) return;
					due.push(mjd);
					searched(watch, { sigma: source.host === "const" ? 0.012 : 0.07, tau: 40 }, i);
				});
				searches += due.length;
				if (source.event === null || !(source.depth > 0.3)) continue;
				events++;
				const { event } = source;
				if (due.some((mjd) => mjd >= source.firstEpochMjd - 1 && mjd <= event.centreMjd)) prompt++;
			}
		}
		expect(events).toBeGreaterThan(3);
		expect(prompt).toBe(events);
		expect(searches / epochs).toBeLessThan(0.04);
	});

	test("kept as a row of doubles; a damaged row is refused", () => {
		const watch = newWatch();
		expect(decodeWatch(encodeWatch(watch))).toEqual(watch);
		watchEpoch(watch, epoch(new Random(1), 60_000, 1));
		expect(decodeWatch(encodeWatch(watch))).toEqual(watch);
		expect(() => decodeWatch(encodeWatch(watch).slice(1))).toThrow(/stored/);
	});

	test("nothing measured, no level, a new band, an epoch out of order", () => {
		const watch = newWatch();
		watchEpoch(watch, []);
		watchEpoch(watch, [{ band: 1, mjd: 60_000, flux: Number.NaN, err: 1, level: 1, n: 5 }]);
		expect(watch).toEqual(newWatch());
		const random = new Random(2);
		watchEpoch(watch, epoch(random, 60_010, 1).slice(0, 2));
		watchEpoch(watch, epoch(random, 60_000, 1));
		expect(watch.lastMjd).toBe(60_010);
		expect(watch.bands).toEqual([0, 1, 2, 3]);
		expect(urgency(watch)).toBeLessThan(1);
	});
});
