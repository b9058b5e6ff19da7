import { describe, expect, test } from "vitest";
import { type Candidate, detectEvents, type LightCurveTable } from "../../detection/detect.ts";
import { lensLightCurve } from "../../detection/plasma-lens.ts";
import { Random } from "../../simulation/random.ts";
import { verifyCandidates } from "./verify-stored.ts";

const MHZ = [888, 1367, 1656];
const SOURCES = [{ id: "7", fieldId: "1" }];

/** A source behind a lens, as stored: on the common scale. */
function measured(lens: { alpha1400: number; betaS: number }): LightCurveTable {
	const random = new Random(11);
	const mjd = Array.from({ length: 120 }, (_, i) => 60_000 + 2 * i);
	const rows = MHZ.flatMap((nu) => {
		const factor = lensLightCurve({ ...lens, fwhmDays: 40, centreMjd: 60_120, amplitude: 1 }, mjd, nu);
		return mjd.map((time, i) => ({ time, nu, flux: 0.05 * factor[i] * (1 + 0.01 * random.normal()) }));
	});
	return {
		sourceIndex: new Int32Array(rows.length),
		mjd: Float64Array.from(rows, (row) => row.time),
		frequencyMhz: Float64Array.from(rows, (row) => row.nu),
		flux: Float64Array.from(rows, (row) => row.flux),
		fluxErr: new Float64Array(rows.length).fill(0.0005),
	};
}

describe("a candidate before it is stored", () => {
	const table = measured({ alpha1400: 12, betaS: 0.8 });
	const [genuine] = detectEvents(table, SOURCES, { normalized: true, looks: "every-epoch" }).candidates;
	const judge = (candidate: Candidate, rows = table) => verifyCandidates(rows, SOURCES, [candidate]);

	test("is accepted where the stored measurements bear it out", () => {
		expect(judge(genuine)).toEqual({ accepted: [genuine], refused: [] });
	});

	const forged: [string, Partial<Candidate>, RegExp][] = [
		["a significance raised by hand", { significance: 9 }, /significance/],
		["a probability made smaller", { falseAlarmProbability: 1e-15 }, /probability/],
		["a probability above one", { falseAlarmProbability: 1.2 }, /is no probability/],
		["a probability of zero", { falseAlarmProbability: 0 }, /is no probability/],
		["a statistic made larger", { statistic: 10 * genuine.statistic }, /statistic/],
		["a negative statistic", { statistic: -3 }, /statistic -3 is negative/],
		["a significance that is no number", { significance: Number.NaN }, /significance NaN is not a finite number/],
		["an infinite depth", { depth: Number.POSITIVE_INFINITY }, /depth Infinity is not a finite number/],
		["a depth beyond the whole flux", { depth: 1.4 }, /depth 1.4 exceeds the whole flux/],
		["an end before its start", { endMjd: genuine.startMjd - 1 }, /not in this order/],
		["a time outside the measurements", { startMjd: 50_000 }, /outside the measurements/],
		["a detection before the first measurement", { firstDetectedMjd: 50_000 }, /no measurements/],
		["no duration", { durationDays: 0 }, /durationDays 0 is not positive/],
		["more measurements than there are", { nMeasurements: 1e6 }, /more measurements than the 360 held/],
		[
			"a lens elsewhere",
			{ explanation: { ...genuine.explanation, centre_mjd: 60_020 } },
			/the measurements give a likelihood ratio of/,
		],
		[
			"likelihood ratios that are not those of its lens",
			{ explanation: { ...genuine.explanation, lambda_null: 3 * genuine.explanation.lambda_null } },
			/the measurements give a likelihood ratio of/,
		],
	];
	test.each(forged)("with %s is refused, with the reason", (_name, change, reason) => {
		const { accepted, refused } = judge({ ...genuine, ...change });
		expect(accepted).toEqual([]);
		expect(refused.length).toBe(1);
		expect(refused[0].reasons.join("; ")).toMatch(reason);
	});

	test("of which the measurements have changed since is refused", () => {
		const steady = { ...table, flux: Float64Array.from(table.flux, () => 0.05) };
		expect(judge(genuine, steady).accepted).toEqual([]);
		const none = { ...table, sourceIndex: new Int32Array(table.flux.length).fill(1) };
		expect(judge(genuine, none).refused[0].reasons).toEqual(["source 7 has no measurements"]);
	});

	test("that is brighter than any event known is flagged, not refused", () => {
		const bright = measured({ alpha1400: 2.5, betaS: 0.1 });
		expect(Math.max(...Array.from(bright.flux))).toBeGreaterThan(0.3);
		const { candidates } = detectEvents(bright, SOURCES, { normalized: true, looks: "every-epoch" });
		expect(candidates.length).toBe(1);
		expect(candidates[0].flags).toContain("extreme_flux");
		expect(judge(candidates[0], bright)).toEqual({ accepted: candidates, refused: [] });
		expect(genuine.flags).not.toContain("extreme_flux");
	});
});
