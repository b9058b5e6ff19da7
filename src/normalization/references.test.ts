import { describe, expect, test } from "vitest";
import { simulateField } from "../../test/simulated-gains.ts";
import { neighbourRatio, type ReferenceCandidates, selectReferences } from "./references.ts";

function candidates(seed: number, centre: [number, number], n = 120): ReferenceCandidates {
	const field = simulateField(seed, { sources: n, epochs: 1, centre, radiusDeg: 2.5 });
	return {
		raDeg: field.raDeg,
		decDeg: field.decDeg,
		fluxJy: field.trueFluxJy,
		medianSnr: field.trueFluxJy.map((flux) => flux / 1e-3),
	};
}
const at = (centreRaDeg: number, centreDecDeg: number) => ({ centreRaDeg, centreDecDeg, radiusDeg: 1.5 });

describe("choice of references", () => {
	test.each([
		[0, 20],
		[359.99, -35],
		[0, 90],
		[200, -90],
		[40, 88.9],
	])("at (%f, %f) the same sources are chosen as anywhere else", (ra, dec) => {
		const options = { maxSources: 25, minSnr: 20 };
		const here = selectReferences(candidates(1, [ra, dec]), at(ra, dec), options);
		const elsewhere = selectReferences(candidates(1, [150, 10]), at(150, 10), options);
		expect(Array.from(here.primary)).toEqual(Array.from(elsewhere.primary));
		expect(here.primary.length).toBeGreaterThan(20);
	});

	test("the circle comes first, the rank second and the limit last", () => {
		const list = candidates(2, [0, 0]);
		const { primary, values, surplus } = selectReferences(list, at(0, 0), { maxSources: 10, minSnr: 20 });
		for (const i of primary) expect(values.circle[i]).toBeLessThanOrEqual(1.5);
		expect(primary).toHaveLength(10);
		expect(surplus.length).toBeGreaterThan(5);
		const shuffled = selectReferences(list, at(0, 0), { maxSources: 10, minSnr: 20, defaultFovRadiusDeg: 0.8 });
		for (const i of shuffled.primary) expect(values.circle[i]).toBeLessThanOrEqual(0.8);
	});

	test("says why each source was refused, with the value", () => {
		const n = 8;
		const fill = (value: number) => new Float64Array(n).fill(value);
		const list: ReferenceCandidates = {
			raDeg: Float64Array.from({ length: n }, (_, i) => i * 0.1),
			decDeg: fill(0),
			fluxJy: fill(0.1),
			medianSnr: fill(60),
			nEpochs: fill(20),
			compactness: fill(1),
			compactnessErr: fill(0.1),
			coverage: fill(1),
			steadyP: fill(0.5),
			scatter: fill(0.05),
			candidate: new Uint8Array(n),
			knownVariable: new Uint8Array(n),
		};
		list.medianSnr[0] = 5;
		list.compactness?.fill(1.5, 1, 2);
		list.steadyP?.fill(1e-5, 2, 3);
		list.coverage?.fill(0.5, 3, 4);
		list.candidate?.fill(1, 4, 5);
		list.knownVariable?.fill(1, 5, 6);
		list.raDeg[6] = 2;
		const { refusals, primary, values, counts } = selectReferences(list, at(0, 0), {});
		expect(refusals).toEqual([
			["snr"],
			["unresolved"],
			["steady"],
			["measured_well"],
			["not_a_candidate"],
			["not_known_variable"],
			["circle"],
			[],
		]);
		expect(Array.from(primary)).toEqual([7]);
		expect(values.unresolved[1]).toBe(1.5);
		expect(values.circle[6]).toBeCloseTo(2, 9);
		expect(counts.snr).toBe(1);
	});

	test("a member leaves later than others enter and an expelled one returns later still", () => {
		const list = candidates(3, [10, 0], 4);
		const n = 4;
		const test_ = (p: number, member: 0 | 1, expelled: 0 | 1) =>
			selectReferences(
				{
					...list,
					medianSnr: new Float64Array(n).fill(60),
					nEpochs: new Float64Array(n).fill(50),
					steadyP: new Float64Array(n).fill(p),
					scatter: new Float64Array(n).fill(0.05),
					member: new Uint8Array(n).fill(member),
					expelled: new Uint8Array(n).fill(expelled),
				},
				at(10, 0),
				{ defaultFovRadiusDeg: 5 },
			).primary.length;
		expect([test_(0.005, 0, 0), test_(0.005, 1, 0), test_(0.0005, 1, 0)]).toEqual([0, 4, 0]);
		expect([test_(0.03, 0, 0), test_(0.03, 0, 1), test_(0.06, 0, 1)]).toEqual([4, 0, 4]);
	});

	test("relaxes the signal to noise while references are few, and no further", () => {
		const list = candidates(4, [0, 0], 40);
		const few = list.medianSnr.map((_, i) => (i < 4 ? 60 : i < 8 ? 30 : i < 20 ? 12 : 5));
		expect(selectReferences({ ...list, medianSnr: few }, at(0, 0), { defaultFovRadiusDeg: 5 }).snrLimit).toBe(10);
		const some = list.medianSnr.map((_, i) => (i < 12 ? 30 : 12));
		const relaxed = selectReferences({ ...list, medianSnr: some }, at(0, 0), { defaultFovRadiusDeg: 5 });
		expect(relaxed.snrLimit).toBe(20);
		expect(relaxed.wide.length).toBeGreaterThan(relaxed.primary.length);
	});

	test("a bright neighbour confuses a source, a faint one does not", () => {
		const ra = Float64Array.of(359.9999, 0.005, 0.5, 0.505);
		const dec = Float64Array.of(0, 0, 0, 0);
		const ratio = neighbourRatio(ra, dec, Float64Array.of(1, 0.04, 1, 0.2), 60);
		expect(Array.from(ratio, (value) => Math.round(value * 100) / 100)).toEqual([0.04, 25, 0.2, 5]);
	});

	test("spreads a short list over the field", () => {
		const list = candidates(5, [0, 0], 400);
		// The brightest all lie in one corner.
		const { x, y } = simulateField(5, { sources: 400, epochs: 1, centre: [0, 0], radiusDeg: 2.5 });
		list.medianSnr = list.medianSnr.map((snr, i) => (x[i] > 0.1 && y[i] > 0.1 ? 500 + snr : 60));
		const { primary } = selectReferences(list, at(0, 0), { maxSources: 40 });
		const elsewhere = Array.from(primary).filter((i) => !(x[i] > 0.1 && y[i] > 0.1)).length;
		expect(elsewhere).toBeGreaterThan(12);
		expect(() => selectReferences(list, at(0, 0), { maxSources: 0 })).toThrow(/above 0/);
	});
});
