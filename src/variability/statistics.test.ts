import { readFileSync } from "node:fs";
import { assert as assertProperty, double, integer, property } from "fast-check";
import { describe, expect, test } from "vitest";
import { hasSharedData, sharedData } from "../../test/shared-data.ts";
import { Random } from "../simulation/random.ts";
import {
	addMeasurement,
	correctMeasurement,
	decodeState,
	emptyState,
	encodeState,
	type LightCurveState,
	mergeStates,
	rebuild,
	removeMeasurement,
	summarize,
	validate,
} from "./statistics.ts";

interface Row {
	mjd: number;
	flux: number;
	err: number;
}
const columns = (rows: Row[]) => ({
	mjd: rows.map((row) => row.mjd),
	flux: rows.map((row) => row.flux),
	err: rows.map((row) => row.err),
});

/** Doubles as whole numbers on a common binary scale: `value = whole * 2^-scale`, exactly. */
function wholeNumbers(values: number[]): { whole: bigint[]; scale: number } {
	let scale = 0;
	for (const value of values) while (!Number.isInteger(value * 2 ** scale)) scale++;
	return { whole: values.map((value) => BigInt(value * 2 ** scale)), scale };
}

/** over / under * 2^exponent, rounded once. */
function ratio(over: bigint, under: bigint, exponent = 0): number {
	if (over === 0n) return 0;
	const size = (value: bigint) => value.toString(16).length * 4;
	const shift = size(under) - size(over < 0n ? -over : over) + 80;
	const digits = shift > 0 ? (over << BigInt(shift)) / under : over / (under << BigInt(-shift));
	return Number(digits) * 2 ** (exponent - shift);
}

/** The statistics in exact rational arithmetic: whole numbers over one common denominator, never rounded. */
function exactStatistics(rows: Row[]) {
	const n = BigInt(rows.length);
	const { whole, scale } = wholeNumbers(rows.flatMap((row) => [row.flux, row.err]));
	const flux = whole.filter((_, i) => i % 2 === 0);
	const variance = whole.filter((_, i) => i % 2 === 1).map((value) => value * value);
	const total = (terms: bigint[]) => terms.reduce((a, b) => a + b, 0n);
	const common = variance.reduce((a, b) => a * b, 1n);
	const weight = variance.map((value) => common / value);
	const sum = total(flux);
	const spread = n * total(flux.map((value) => value * value)) - sum * sum;
	const weightSum = total(weight);
	const weighted = total(weight.map((value, i) => value * flux[i]));
	const weightedSpread = weightSum * total(weight.map((value, i) => value * flux[i] * flux[i])) - weighted * weighted;
	const reliability = weightSum * weightSum - total(weight.map((value) => value * value));
	const excess = ratio(spread - (n - 1n) * total(variance), n * (n - 1n), -2 * scale);
	const mean = ratio(sum, n, -scale);
	return {
		mean,
		weightedMean: ratio(weighted, weightSum, -scale),
		weightedMeanErr: Math.sqrt(ratio(common, weightSum, -2 * scale)),
		std: Math.sqrt(ratio(spread, n * (n - 1n), -2 * scale)),
		weightedStd: Math.sqrt(ratio(weightedSpread, reliability, -2 * scale)),
		chi2: ratio(weightedSpread, weightSum * common),
		eta: ratio(weightedSpread, weightSum * common * (n - 1n)),
		modulationIndex: (Math.sign(excess) * Math.sqrt(Math.abs(excess))) / mean,
	};
}

function pairsByComparison(rows: Row[]) {
	let vsMax = 0;
	let mPair: number | null = null;
	for (let a = 0; a < rows.length; a++)
		for (let b = 0; b < a; b++) {
			const vs = Math.abs(rows[a].flux - rows[b].flux) / Math.hypot(rows[a].err, rows[b].err);
			vsMax = Math.max(vsMax, vs);
			const [fluxA, fluxB] = [Math.max(0, rows[a].flux), Math.max(0, rows[b].flux)];
			if (vs >= 4.3 && fluxA + fluxB > 0) mPair = Math.max(mPair ?? 0, (2 * Math.abs(fluxA - fluxB)) / (fluxA + fluxB));
		}
	return { vsMax, mPair };
}

const relative = (found: number | null, wanted: number) =>
	found === null ? Infinity : Math.abs(found - wanted) / Math.max(Math.abs(wanted), 1e-300);

/** Random additions, corrections, deletions and merges, with the rows kept beside the states. */
function randomHistory(seed: number, signalToNoise: number) {
	const random = new Random(seed);
	const flux = 10 ** random.uniform(-4, 2);
	const noise = flux / signalToNoise;
	const draw = (): Row => ({
		mjd: 60000 + random.uniform(0, 500),
		flux: flux + noise * random.normal() * (random.uniform() < 0.1 ? 50 : 1) * (random.uniform() < 0.02 ? 1e4 : 1),
		err: noise * random.uniform(0.5, 2),
	});
	let states: { state: LightCurveState; rows: Row[] }[] = [];
	const renew = (part: { state: LightCurveState; rows: Row[] }) => {
		part.state = rebuild(columns(part.rows));
	};
	for (let i = 0; i < 3; i++) states.push({ state: emptyState(), rows: [] });
	for (let step = 0; step < 150; step++) {
		const part = states[random.integer(states.length)];
		const action = random.uniform();
		if (part.rows.length === 0 || action < 0.55) {
			const row = draw();
			part.rows.push(row);
			addMeasurement(part.state, row.mjd, row.flux, row.err);
		} else if (action < 0.75) {
			const [row] = part.rows.splice(random.integer(part.rows.length), 1);
			if (removeMeasurement(part.state, row.mjd, row.flux, row.err) === "needs-rebuild") renew(part);
		} else if (action < 0.97) {
			const at = random.integer(part.rows.length);
			const after = draw();
			const before = part.rows[at];
			part.rows[at] = after;
			if (correctMeasurement(part.state, before, after) === "needs-rebuild") renew(part);
		} else if (states.length > 1) {
			const [a, b, ...rest] = states;
			states = [{ state: mergeStates(a.state, b.state), rows: [...a.rows, ...b.rows] }, ...rest];
		}
	}
	return states.reduce((a, b) => ({ state: mergeStates(a.state, b.state), rows: [...a.rows, ...b.rows] }));
}

describe("running statistics", () => {
	test("equal exact rational arithmetic under any add, correct, delete and merge", () => {
		let worst = 0;
		assertProperty(
			property(integer(), double({ min: 0.5, max: 4, noNaN: true }), (seed, logSignal) => {
				const { state, rows } = randomHistory(seed, 10 ** logSignal);
				const summary = summarize(state);
				expect(summary.n).toBe(rows.length);
				if (rows.length < 2) return;
				for (const [name, wanted] of Object.entries(exactStatistics(rows))) {
					const found = summary[name as keyof typeof summary] as number | null;
					if (found === null) continue;
					worst = Math.max(worst, relative(found, wanted));
				}
				const pairs = pairsByComparison(rows);
				expect(relative(summary.vsMax, pairs.vsMax)).toBeLessThan(1e-12);
				if (pairs.mPair === null) expect(summary.mPair).toBeNull();
				else expect(relative(summary.mPair, pairs.mPair)).toBeLessThan(1e-12);
				expect(validate(summary, rows.length)).toEqual([]);
			}),
			{ numRuns: 60, seed: 7 },
		);
		expect(worst).toBeLessThan(1e-12);
	});

	test("the order of arrival and the sharding do not matter beyond rounding", () => {
		const random = new Random(3);
		const rows = Array.from({ length: 500 }, (_, i) => ({ mjd: i, flux: 1 + 1e-4 * random.normal(), err: 1e-4 }));
		const forward = summarize(rebuild(columns(rows)));
		const backward = summarize(rebuild(columns(rows.toReversed())));
		const shards = [0, 1, 2, 3].map((k) => rebuild(columns(rows.filter((_, i) => i % 4 === k))));
		const merged = summarize(shards.reduce(mergeStates));
		for (const other of [backward, merged])
			for (const name of ["mean", "std", "chi2", "eta", "v", "vsMax"] as const)
				expect(relative(other[name], forward[name] ?? Number.NaN)).toBeLessThan(1e-14);
		expect(merged.mPairMjd).toEqual(forward.mPairMjd);
	});

	test("survives a store as a row of doubles", () => {
		const state = randomHistory(11, 100).state;
		expect(decodeState(encodeState(state))).toEqual(state);
		expect(decodeState(encodeState(emptyState()))).toEqual(emptyState());
		expect(() => decodeState(encodeState(state).slice(0, -1))).toThrow(/cut short/);
	});

	test("one point, none, and a constant series answer without infinities", () => {
		expect(summarize(emptyState())).toMatchObject({ n: 0, mean: null, std: null, eta: null, weightedMeanErr: null });
		const one = rebuild({ mjd: [60000], flux: [-0.5], err: [0.1] });
		expect(summarize(one)).toMatchObject({ n: 1, mean: -0.5, std: null, v: null, chi2: null, dof: 0 });
		const constant = summarize(
			rebuild({ mjd: [1, 2, 3, 4, 5, 6, 7], flux: Array(7).fill(0.1), err: Array(7).fill(0.003) }),
		);
		expect(constant).toMatchObject({ std: 0, v: 0, chi2: 0, eta: 0, logP: 0, sigmaDeviation: null, vsMax: 0 });
		expect(validate(constant, 7)).toEqual([]);
	});

	test("probabilities far below the smallest double", () => {
		const flux = Array.from({ length: 50 }, (_, i) => (i % 2 === 0 ? 1 : 2));
		const { logP, chi2 } = summarize(rebuild({ mjd: flux.map((_, i) => i), flux, err: flux.map(() => 0.01) }));
		expect(chi2).toBeCloseTo(125_000, 6);
		// By the asymptotic series of DLMF 8.11.2, summed in extended precision.
		expect(logP).toBeCloseTo(-27053.802113485, 6);
	});

	test("refuses what is no measurement, by what is wrong with it", () => {
		const state = emptyState();
		expect(() => addMeasurement(state, 1, Number.NaN, 1)).toThrow(/flux is not a number/);
		expect(() => addMeasurement(state, 1, 1, 0)).toThrow(/not positive/);
		expect(() => addMeasurement(state, 1, 1, -1)).toThrow(/not positive/);
		expect(() => addMeasurement(state, Infinity, 1, 1)).toThrow(/time/);
		expect(state).toEqual(emptyState());
	});

	test("a front as long as the series is thinned and says so", () => {
		const state = emptyState();
		for (let i = 0; i < 3000; i++) addMeasurement(state, i, 1 + i / 1000, 0.05 * (1 + i / 1000));
		const summary = summarize(state);
		expect(state.highFront.length).toBeLessThanOrEqual(3 * 128);
		expect(summary.pairsApproximate).toBe(true);
		expect(summary.vsMax).toBeCloseTo(3 / Math.hypot(0.05, 0.2), 0);
	});

	test("names what no set of measurements can have", () => {
		const good = summarize(randomHistory(5, 30).state);
		expect(validate({ ...good, sigmaDeviation: 1e3 })[0]).toMatch(/sigmaDeviation/);
		expect(validate({ ...good, eta: -1 }).join()).toMatch(/eta/);
		expect(validate({ ...good, mean: Number.NaN }).join()).toMatch(/mean/);
		expect(validate(good, good.n + 1)[0]).toMatch(/measurements held/);
		// A real, strong event passes: eta of thousands is possible.
		const event = rebuild({
			mjd: Array.from({ length: 100 }, (_, i) => i),
			flux: Array.from({ length: 100 }, (_, i) => (i > 40 && i < 60 ? 0.02 : 1)),
			err: Array(100).fill(0.001),
		});
		expect(summarize(event).eta).toBeGreaterThan(1e4);
		expect(validate(summarize(event), 100)).toEqual([]);
	});
});

describe.skipIf(!hasSharedData)("VAST tables", () => {
	const table = (name: string) => {
		const [head, ...lines] = readFileSync(sharedData("lightcurves", "vast", name), "utf8")
			.trim()
			.split("\n");
		const names = head.split(",");
		return lines.map((line) => {
			const cells = line.split(",");
			return Object.fromEntries(names.map((column, i) => [column, cells[i]]));
		});
	};

	test("Vs and m of every pair", () => {
		const pairs = table("test_measurement_pairs.csv");
		expect(pairs.length).toBeGreaterThan(0);
		for (const pair of pairs) {
			const number = (column: string) => Number(pair[column]);
			const state = rebuild({
				mjd: [1, 2],
				flux: [number("flux_peak_a"), number("flux_peak_b")],
				err: [number("flux_peak_err_a"), number("flux_peak_err_b")],
			});
			const summary = summarize(state);
			expect(relative(summary.vsMax, Math.abs(number("vs_peak")))).toBeLessThan(1e-6);
			if (summary.mPair !== null) expect(relative(summary.mPair, Math.abs(number("m_peak")))).toBeLessThan(1e-6);
		}
	});

	test("V, eta and the most variable pair of every source whose measurements are given", () => {
		const measurements = new Map(table("test_measurements.csv").map((row) => [row.id, row]));
		const members = new Map<string, Set<string>>();
		for (const { source_id, meas_id_a, meas_id_b } of table("test_measurement_pairs.csv")) {
			if (!members.has(source_id)) members.set(source_id, new Set());
			members.get(source_id)?.add(meas_id_a).add(meas_id_b);
		}
		let compared = 0;
		for (const source of table("test_sources.csv")) {
			const rows = [...(members.get(source.id) ?? [])].map((id) => measurements.get(id));
			const { flux, err } = {
				flux: rows.map((row) => Number(row?.flux_peak)),
				err: rows.map((row) => Number(row?.flux_peak_err)),
			};
			// One source shares later measurements with a neighbour: its own are not all in the table.
			if (rows.length !== Number(source.n_meas)) continue;
			const summary = summarize(rebuild({ mjd: flux.map((_, i) => i), flux, err }));
			expect(relative(summary.v, Number(source.v_peak))).toBeLessThan(1e-9);
			expect(relative(summary.eta, Number(source.eta_peak))).toBeLessThan(1e-9);
			// The table's pair is the one of largest |m|, with its |Vs|, both rounded to single precision.
			expect(relative(summary.mPair, Number(source.m_abs_significant_max_peak))).toBeLessThan(1e-6);
			compared++;
		}
		expect(compared).toBeGreaterThanOrEqual(2);
	});
});
