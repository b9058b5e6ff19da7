import { describe, expect, test } from "vitest";
import { Random } from "../simulation/random.ts";
import { Applier, type ApplyOptions, type NamedTable } from "./apply.ts";
import { gainsAt, INTERPOLATION_DEFAULTS, windowMap } from "./solution-interpolation.ts";
import { emptySolutionWindow, type SolutionKind, type SolutionTable, solutionIndex } from "./solution-table.ts";
import type { VisibilityBlock, VisibilitySet } from "./visibility-set.ts";

const N = 4;
const TIMES = [60000, 60000 + 60 / 86400, 60000 + 120 / 86400];
const CHANNELS = Float64Array.of(1.4e9, 1.401e9, 1.402e9, 1.403e9);

/** A table whose value at (time, antenna, polarisation, channel) is given. */
function tableOf(
	kind: SolutionKind,
	times: readonly number[],
	channels: Float64Array,
	value: (t: number, p: number, s: number, c: number) => [number, number] | undefined,
): SolutionTable {
	const window = emptySolutionWindow(
		kind,
		times.length,
		N,
		2,
		channels,
		channels.map(() => 1e6),
	);
	const table: SolutionTable = {
		kind,
		polarizations: ["XX", "YY"],
		nAntennas: N,
		timesMjd: Float64Array.from(times),
		intervalsS: new Float64Array(times.length).fill(60),
		windows: [window],
	};
	for (let t = 0; t < times.length; t++) {
		for (let p = 0; p < N; p++) {
			for (let s = 0; s < 2; s++) {
				for (let c = 0; c < channels.length; c++) {
					const v = value(t, p, s, c);
					if (v === undefined) continue;
					const i = solutionIndex(table, window, t, p, s, c);
					window.values.set(v, 2 * i);
					window.flags[i] = 0;
				}
			}
		}
	}
	return table;
}

const polar = (amplitude: number, deg: number): [number, number] => [
	amplitude * Math.cos((deg * Math.PI) / 180),
	amplitude * Math.sin((deg * Math.PI) / 180),
];

/** Gain of antenna 1, first polarisation, at a time and the given frequencies. */
function at(table: SolutionTable, mjd: number, frequencies: Float64Array, options = INTERPOLATION_DEFAULTS) {
	const gains = new Float64Array(2 * N * 2 * frequencies.length);
	const flags = new Uint8Array(N * 2 * frequencies.length);
	gainsAt(table, 0, mjd, frequencies, options, gains, flags);
	return Array.from(frequencies, (_, c) => {
		const i = 1 * 2 * frequencies.length + c;
		return flags[i] !== 0
			? undefined
			: {
					amplitude: Math.hypot(gains[2 * i], gains[2 * i + 1]),
					deg: (Math.atan2(gains[2 * i + 1], gains[2 * i]) * 180) / Math.PI,
				};
	});
}

describe("interpolation of solutions", () => {
	const gain = tableOf("G", TIMES, Float64Array.of(1.4e9), (t) => polar(1 + 0.2 * t, 170 + 20 * t));

	test("takes amplitude and the short way of the phase each linear in time", () => {
		const [one] = at(gain, TIMES[0] + 30 / 86400, CHANNELS.slice(0, 1));
		expect(one?.amplitude).toBeCloseTo(1.1, 6);
		expect(Math.abs(one?.deg ?? 0)).toBeCloseTo(180, 3);
		// Complex interpolation would lose amplitude: |(z1 + z2)/2| = 1.1 cos(10 deg) at most.
		const [nearest] = at(gain, TIMES[0] + 20 / 86400, CHANNELS.slice(0, 1), {
			...INTERPOLATION_DEFAULTS,
			time: "nearest",
		});
		expect(nearest?.amplitude).toBeCloseTo(1, 9);
	});

	test("never crosses a flagged solution unless asked", () => {
		const holed = tableOf("G", TIMES, Float64Array.of(1.4e9), (t) => (t === 1 ? undefined : polar(1, 40 * t)));
		const frequency = CHANNELS.slice(0, 1);
		expect(at(holed, TIMES[0] + 20 / 86400, frequency)[0]?.deg).toBeCloseTo(0, 9);
		expect(at(holed, TIMES[1], frequency)[0]).toBeUndefined();
		expect(at(holed, TIMES[0] + 40 / 86400, frequency)[0]).toBeUndefined();
		const across = at(holed, TIMES[1], frequency, { ...INTERPOLATION_DEFAULTS, acrossFlagged: true })[0];
		expect(across?.deg).toBeCloseTo(40, 6);
	});

	test("beyond the ends the nearest serves up to the maximum age", () => {
		const frequency = CHANNELS.slice(0, 1);
		expect(at(gain, TIMES[2] + 3600 / 86400, frequency)[0]?.amplitude).toBeCloseTo(1.4, 9);
		expect(at(gain, TIMES[0] - 3600 / 86400, frequency)[0]?.amplitude).toBeCloseTo(1, 9);
		const strict = { ...INTERPOLATION_DEFAULTS, maximumAgeS: 600 };
		expect(at(gain, TIMES[2] + 3600 / 86400, frequency, strict)[0]).toBeUndefined();
		expect(at(gain, TIMES[2] + 500 / 86400, frequency, strict)[0]?.amplitude).toBeCloseTo(1.4, 9);
	});

	test("goes linearly between channels, not across flagged ones, not beyond the band", () => {
		const bandpass = tableOf("B", [TIMES[0]], CHANNELS, (_t, _p, _s, c) =>
			c === 2 ? undefined : polar(1 + c, 10 * c),
		);
		const seen = at(bandpass, TIMES[0], Float64Array.of(1.4e9, 1.4005e9, 1.4015e9, 1.402e9, 1.403e9, 1.41e9));
		expect(seen[0]?.amplitude).toBeCloseTo(1, 9);
		expect(seen[1]?.amplitude).toBeCloseTo(1.5, 6);
		expect(seen[1]?.deg).toBeCloseTo(5, 6);
		expect(seen[2]).toBeUndefined();
		expect(seen[3]).toBeUndefined();
		expect(seen[4]?.amplitude).toBeCloseTo(4, 9);
		expect(seen[5]).toBeUndefined();
		const across = at(bandpass, TIMES[0], Float64Array.of(1.402e9), { ...INTERPOLATION_DEFAULTS, acrossFlagged: true });
		expect(across[0]?.amplitude).toBeCloseTo(3, 6);
	});

	test("a window is found by its frequencies, or by the map", () => {
		const bandpass = tableOf("B", [TIMES[0]], CHANNELS, () => [1, 0]);
		const other = CHANNELS.map((f) => f + 1e9);
		expect(Array.from(windowMap(bandpass, [other, CHANNELS], undefined))).toEqual([-1, 0]);
		expect(Array.from(windowMap(bandpass, [other, CHANNELS], [0, 0]))).toEqual([0, 0]);
		expect(Array.from(windowMap(gain, [other, CHANNELS], undefined))).toEqual([0, 0]);
	});
});

const antennas = Array.from({ length: N }, (_, i) => ({
	name: `A${i}`,
	number: i,
	positionItrfM: [1000 * i, 0, 0] as [number, number, number],
	diameterM: 5,
}));

const PAIRS = [
	[0, 1],
	[0, 2],
	[1, 2],
	[1, 3],
];

const set = {
	telescope: "TEST",
	antennas,
	timesMjd: Float64Array.from(TIMES),
	frequenciesHz: CHANNELS,
	spectralWindows: [{ firstChannel: 0, nChannels: 4, nRows: 12, name: "w" }],
	polarizations: ["XX", "XY", "YX", "YY"],
	baselines: { antenna1: Int32Array.from(PAIRS, ([p]) => p), antenna2: Int32Array.from(PAIRS, ([, q]) => q) },
} as unknown as VisibilitySet;

/** Data of a model of 1 Jy seen through gains. */
function blockThrough(gain: (t: number, p: number, receptor: number, c: number) => [number, number]): VisibilityBlock {
	const rows = TIMES.flatMap((_, t) => PAIRS.map(([p, q]) => ({ t, p, q })));
	const visibilities = new Float32Array(2 * rows.length * 16);
	rows.forEach(({ t, p, q }, row) => {
		for (let c = 0; c < 4; c++) {
			for (let s = 0; s < 4; s++) {
				const a = gain(t, p, s >> 1, c);
				const b = gain(t, q, s & 1, c);
				const i = 2 * ((row * 4 + c) * 4 + s);
				visibilities[i] = a[0] * b[0] + a[1] * b[1];
				visibilities[i + 1] = a[1] * b[0] - a[0] * b[1];
			}
		}
	});
	return {
		spectralWindow: 0,
		firstChannel: 0,
		nChannels: 4,
		nRows: rows.length,
		timeIndex: Int32Array.from(rows, ({ t }) => t),
		antenna1: Int32Array.from(rows, ({ p }) => p),
		antenna2: Int32Array.from(rows, ({ q }) => q),
		baseline: Int32Array.from(rows, (_, i) => i % 4),
		field: new Int32Array(rows.length),
		integrationS: new Float64Array(rows.length),
		uvwM: new Float64Array(3 * rows.length),
		visibilities,
		flags: new Uint8Array(rows.length * 16),
		weights: new Float32Array(rows.length * 16).fill(1),
	};
}

const OPTIONS: ApplyOptions = { ...INTERPOLATION_DEFAULTS, mode: "calflag", windowMap: undefined };
const named = (table: SolutionTable): NamedTable => ({ name: `test.${table.kind}`, table, antennas });

describe("applying tables", () => {
	const random = new Random(3);
	const draw = Array.from({ length: 3 * N * 2 * 4 }, () => random.uniform(0.5, 2));
	const of = (t: number, p: number, r: number, c: number) => draw[((t * N + p) * 2 + r) * 4 + c];
	const delayS = (p: number, r: number) => 1e-9 * (3 * p - 2 * r);
	const G = (t: number, p: number, r: number) => polar(of(t, p, r, 0), 100 * of(t, p, r, 1));
	const B = (p: number, r: number, c: number) => polar(of(0, p, r, c), 50 * of(1, p, r, c));
	const times = (a: [number, number], b: [number, number]): [number, number] => [
		a[0] * b[0] - a[1] * b[1],
		a[0] * b[1] + a[1] * b[0],
	];
	const K = (p: number, r: number, c: number) => polar(1, 360 * delayS(p, r) * (CHANNELS[c] - CHANNELS[0]));
	const through = () => blockThrough((t, p, r, c) => times(times(G(t, p, r), B(p, r, c)), K(p, r, c)));
	const tables = [
		named(tableOf("K", [TIMES[1]], CHANNELS.slice(0, 1), (_t, p, s) => [delayS(p, s), 0])),
		named(tableOf("B", [TIMES[1]], CHANNELS, (_t, p, s, c) => B(p, s, c))),
		named(tableOf("G", TIMES, CHANNELS.slice(0, 1), (t, p, s) => G(t, p, s))),
	];

	test("gives back the model in all four products and scales the weights", () => {
		const block = through();
		const before = block.visibilities.slice();
		const applier = new Applier(set, tables, OPTIONS);
		applier.apply(block);
		for (let i = 0; i < block.flags.length; i++) {
			expect(block.visibilities[2 * i]).toBeCloseTo(1, 5);
			expect(block.visibilities[2 * i + 1]).toBeCloseTo(0, 5);
			expect(block.weights?.[i]).toBeCloseTo(before[2 * i] ** 2 + before[2 * i + 1] ** 2, 3);
		}
		expect(applier.counts).toEqual({ samples: 192, flaggedBefore: 0, withoutSolution: 0, corrected: 192 });
	});

	test("flags, leaves or only counts what has no solution", () => {
		const holed = [
			...tables.slice(0, 2),
			named(tableOf("G", TIMES, CHANNELS.slice(0, 1), (t, p, s) => (p === 3 ? undefined : G(t, p, s)))),
		];
		for (const mode of ["calflag", "calonly", "trial"] as const) {
			const block = through();
			const before = block.visibilities.slice();
			const applier = new Applier(set, holed, { ...OPTIONS, mode });
			applier.apply(block);
			expect(applier.counts.withoutSolution).toBe(48);
			expect(block.flags.reduce((sum, flag) => sum + flag, 0)).toBe(mode === "calflag" ? 48 : 0);
			// Row 3 has antenna 3: its values stay.
			expect(block.visibilities.slice(96, 128)).toEqual(before.slice(96, 128));
			expect(block.visibilities[0] === before[0]).toBe(mode === "trial");
		}
	});

	test("tables of another array, band or basis are refused", () => {
		const elsewhere = antennas.map((antenna) => ({
			...antenna,
			positionItrfM: [antenna.positionItrfM[0], 500, 0] as [number, number, number],
		}));
		expect(() => new Applier(set, [{ ...tables[0], antennas: elsewhere }], OPTIONS)).toThrow(
			/another array: antenna A0 stands 500 m/,
		);
		const renamed = antennas.map((antenna) => ({ ...antenna, name: `B${antenna.number}` }));
		expect(() => new Applier(set, [{ ...tables[0], antennas: renamed }], OPTIONS)).toThrow(
			/another array: 4 of 4 antennas/,
		);
		const far = named(
			tableOf(
				"B",
				[TIMES[0]],
				CHANNELS.map((f) => 2 * f),
				() => [1, 0],
			),
		);
		expect(() => new Applier(set, [far], OPTIONS)).toThrow(/none of the data's spectral windows/);
		const circular = { ...tables[2], table: { ...tables[2].table, polarizations: ["RR", "LL"] } };
		expect(() => new Applier(set, [circular], OPTIONS)).toThrow(/basis/);
	});
});
