import { describe, expect, test } from "vitest";
import { Random } from "../simulation/random.ts";
import { findRfi, RFI_DEFAULTS } from "./rfi.ts";

const NT = 24;
const WINDOWS = new Array(8).fill(24);
const NC = 192;

/** Mean amplitudes of quiet data: windows that roll off at their edges and step against each other. */
function quiet(seed: number): Float64Array {
	const random = new Random(seed);
	const steps = WINDOWS.map(() => random.uniform(0.8, 1.2));
	return Float64Array.from({ length: NT * NC }, (_, i) => {
		const c = i % NC;
		const edge = Math.min(c % 24, 23 - (c % 24));
		const shape = steps[Math.floor(c / 24)] * (1 - 0.6 * Math.exp(-edge / 0.7));
		return shape * (1 + 0.02 * Math.sin(i / NC / 3)) + 0.02 * random.normal();
	});
}

describe("interference", () => {
	test("quiet data with rolling edges and steps between windows lose next to nothing", () => {
		const found = findRfi([quiet(1), quiet(2)], NT, WINDOWS, RFI_DEFAULTS);
		expect(found.persistentChannels).toEqual([]);
		expect(found.fraction).toBeLessThan(0.005);
	});

	test("strong and faint, short and long, narrow and broad interference is found", () => {
		const data = quiet(3);
		const bad = new Set<number>();
		const put = (t0: number, t1: number, c0: number, c1: number, size: number) => {
			for (let t = t0; t < t1; t++) {
				for (let c = c0; c < c1; c++) {
					data[t * NC + c] += size;
					bad.add(t * NC + c);
				}
			}
		};
		put(5, 6, 40, 41, 3); // one sample
		put(2, 10, 60, 61, 0.1); // 5 sigma for eight integrations
		put(12, 13, 100, 116, 0.1); // 5 sigma over sixteen channels
		put(0, NT, 150, 152, 0.3); // always there
		const found = findRfi([data], NT, WINDOWS, RFI_DEFAULTS);
		expect(found.persistentChannels).toEqual([150, 151]);
		let [missed, wrong] = [0, 0];
		found.mask.forEach((flag, i) => {
			if (bad.has(i) && flag === 0) missed++;
			if (!bad.has(i) && flag !== 0) wrong++;
		});
		expect(missed).toBeLessThanOrEqual(3);
		expect(wrong).toBeLessThan(40);
	});

	test("a line of a few channels at the edge of a single window is found whole", () => {
		const random = new Random(9);
		const data = Float64Array.from({ length: 8 * 128 }, (_, i) => {
			const c = i % 128;
			const rolls = c % 8 === 0 || c % 8 === 7 ? 0.35 : 1;
			return (c >= 126 ? 6 : rolls) + 0.03 * random.normal();
		});
		expect(findRfi([data], 8, [128], RFI_DEFAULTS).persistentChannels).toEqual([126, 127]);
	});

	test("a burst in a single window is found although a line at its edge is flagged throughout", () => {
		const random = new Random(10);
		const data = Float64Array.from({ length: 24 * 96 }, (_, i) => (i % 96 >= 92 ? 5 : 1) + 0.03 * random.normal());
		for (let t = 5; t < 9; t++) for (let c = 20; c < 25; c++) data[t * 96 + c] += 1;
		const { mask, persistentChannels } = findRfi([data], 24, [96], RFI_DEFAULTS);
		expect(persistentChannels).toEqual([92, 93, 94, 95]);
		for (let t = 5; t < 9; t++) for (let c = 20; c < 25; c++) expect(mask[t * 96 + c]).toBe(1);
		expect(mask.reduce((sum, one) => sum + one, 0)).toBeLessThan(20 + 4 * 24 + 6);
	});

	test("a sample bad in one polarisation is bad in both, and missing data are no interference", () => {
		const [a, b] = [quiet(4), quiet(5)];
		a[3 * NC + 30] += 5;
		b.fill(Number.NaN, 8 * NC, 9 * NC);
		const found = findRfi([a, b], NT, WINDOWS, RFI_DEFAULTS);
		expect(found.mask[3 * NC + 30]).toBe(1);
		expect(found.fraction).toBeLessThan(0.01);
	});
});
