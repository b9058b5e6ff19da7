import { describe, expect, test } from "vitest";
import { everyPair } from "../simulation/observation.ts";
import { Random } from "../simulation/random.ts";
import { TILE_BYTES } from "./grid-kernels.ts";
import { fixedGains, type KnownGains } from "./known-gains.ts";
import { crossSpectraOf, sumOverChannels, sumOverTime } from "./normal-sums.ts";
import type { ReferredWindow } from "./refer-samples.ts";
import type { ArrayBaselines } from "./window-data.ts";

type Model = "one source" | "many sources" | "column";

/** A window of noise with flags, weights, amplitudes of any layout and gains of which some are unknown. */
function randomWindow(nPol: number, nChannels: number, model: Model, nTimes: number, weighted: boolean) {
	const random = new Random(nPol + 10 * nChannels + (weighted ? 1000 : 0));
	const array: ArrayBaselines = everyPair(4);
	const nBaselines = array.antenna1.length;
	const samples = nTimes * nBaselines * nChannels * nPol;
	const some = (n: number) => Float32Array.from({ length: n }, () => random.uniform(0.2, 2));
	const flags = Uint8Array.from({ length: samples }, () => (random.uniform(0, 1) < 0.05 ? 1 : 0));
	const visibilities = Float32Array.from({ length: 2 * samples }, () => random.uniform(-1, 1));
	// What is flagged may be anything.
	for (let i = 0; i < samples; i++) if (flags[i] !== 0) visibilities[2 * i] = i % 2 === 0 ? Number.NaN : 3e38;
	const span = nChannels * nPol;
	const amplitudes = {
		"one source": {
			values: some(nTimes * nChannels),
			timeStride: nChannels,
			baselineStride: 0,
			channelStride: 1,
			polarizationStride: 0,
		},
		"many sources": {
			values: some(nTimes * nBaselines * nChannels),
			timeStride: nBaselines * nChannels,
			baselineStride: nChannels,
			channelStride: 1,
			polarizationStride: 0,
		},
		column: {
			values: some(samples),
			timeStride: nBaselines * span,
			baselineStride: span,
			channelStride: nPol,
			polarizationStride: 1,
		},
	}[model];
	const window: ReferredWindow = {
		data: {
			nTimes,
			nBaselines,
			nChannels,
			nPolarizations: nPol,
			frequenciesHz: Float64Array.from({ length: nChannels }, (_, c) => 1.4e9 + c * 2e6),
			visibilities,
			flags,
			weights: weighted ? some(nTimes * nBaselines * nPol).map((w) => (w < 0.4 ? 0 : w)) : undefined,
		},
		amplitudes,
	};
	const known: KnownGains = {
		referenceHz: 1.4e9,
		delaysS: Float64Array.from({ length: nPol * 4 }, (_, i) => (i === 2 ? Number.NaN : random.uniform(-1e-7, 1e-7))),
		bandpass: Float64Array.from({ length: 2 * nPol * nChannels * 4 }, () => random.uniform(0.5, 1)),
		timeGains: Float64Array.from({ length: 2 * nPol * nTimes * 4 }, () => random.uniform(-1, 1)).fill(0, 6, 8),
	};
	return { window, array, known };
}

/** The sums as their definition says, sample by sample; `cellOf` -1 leaves a sample out. */
function plainSums(
	{ data, amplitudes }: ReferredWindow,
	array: ArrayBaselines,
	known: KnownGains,
	inTime: boolean,
	cellOf: (t: number, c: number) => number,
	nCells: number,
) {
	const { nTimes, nBaselines, nChannels, nPolarizations: nPol, visibilities: z, flags, weights } = data;
	const fixed = fixedGains(known, data.frequenciesHz, array.nAntennas, nPol);
	const size = nCells * nPol * nBaselines;
	const out = {
		d: new Float64Array(2 * size),
		n: new Float64Array(size),
		p: new Float64Array(size),
		count: new Float32Array(size),
	};
	const times = (a: number[], b: number[]) => [a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]];
	for (let t = 0; t < nTimes; t++) {
		for (let b = 0; b < nBaselines; b++) {
			for (let c = 0; c < nChannels; c++) {
				for (let s = 0; s < nPol; s++) {
					const i = ((t * nBaselines + b) * nChannels + c) * nPol + s;
					const w = weights === undefined ? 1 : weights[(t * nBaselines + b) * nPol + s];
					const cell = cellOf(t, c);
					if (flags[i] !== 0 || !(w > 0) || cell < 0) continue;
					const gain = (p: number) => {
						const o = 2 * ((p * nPol + s) * nChannels + c);
						const still = [fixed[o], fixed[o + 1]];
						const g = 2 * ((s * nTimes + t) * array.nAntennas + p);
						const { timeGains } = known;
						return inTime && timeGains !== undefined ? times(still, [timeGains[g], timeGains[g + 1]]) : still;
					};
					const [qRe, qIm] = gain(array.antenna2[b]);
					const a =
						amplitudes.values[
							t * amplitudes.timeStride +
								b * amplitudes.baselineStride +
								c * amplitudes.channelStride +
								s * amplitudes.polarizationStride
						];
					const m = times(gain(array.antenna1[b]), [a * qRe, -a * qIm]);
					if (m[0] === 0 && m[1] === 0) continue;
					const v = [z[2 * i], z[2 * i + 1]];
					const to = (cell * nPol + s) * nBaselines + b;
					const d = times(v, [m[0], -m[1]]);
					out.d[2 * to] += w * d[0];
					out.d[2 * to + 1] += w * d[1];
					out.n[to] += w * (m[0] ** 2 + m[1] ** 2);
					out.p[to] += w * (v[0] ** 2 + v[1] ** 2);
					out.count[to]++;
				}
			}
		}
	}
	return out;
}

const near = (found: ArrayLike<number>, wanted: ArrayLike<number>, tolerance: number) => {
	expect(found.length).toBe(wanted.length);
	let largest = 0;
	for (let i = 0; i < wanted.length; i++) largest = Math.max(largest, Math.abs(wanted[i]));
	expect(largest).toBeGreaterThan(0);
	for (let i = 0; i < wanted.length; i++) {
		if (!(Math.abs(found[i] - wanted[i]) <= tolerance * largest)) expect.fail(`${found[i]} for ${wanted[i]} at ${i}`);
	}
};

describe("normal sums, computed in vectors and tiles, are what their definition says", () => {
	const cases: [number, number, Model, number, boolean][] = [
		[2, 6, "one source", 9, false],
		[2, 5, "many sources", 9, true],
		[2, 1, "column", 4, false],
		[1, 5, "one source", 9, true],
		[1, 6, "many sources", 5, false],
		[1, 1, "column", 7, true],
		// One baseline of one integration, or all integrations of one baseline, larger than a tile.
		[2, Math.ceil(TILE_BYTES / 50) + 3, "one source", 2, false],
		[2, 48, "many sources", 160, true],
	];
	test.each(cases)(
		"%i polarisations, %i channels, %s, %i integrations, weights %s",
		(nPol, nChannels, model, nTimes, weighted) => {
			const { window, array, known } = randomWindow(nPol, nChannels, model, nTimes, weighted);
			const together = nChannels > 4 ? 2 : 1;
			const overTime = sumOverTime(window, array, known, together);
			const wantedTime = plainSums(
				window,
				array,
				known,
				true,
				(_, c) => Math.floor(c / together),
				Math.ceil(nChannels / together),
			);
			for (const part of ["d", "n", "p", "count"] as const) near(overTime[part], wantedTime[part], 1e-12);

			const cellOf = Int32Array.from({ length: nTimes }, (_, t) => (t === 1 ? -1 : t % 3));
			for (const step of nChannels > 4 ? [1, 2] : [1]) {
				const overChannels = sumOverChannels(window, array, known, cellOf, 3, step);
				const wanted = plainSums(window, array, known, false, (t, c) => (c % step === 0 ? cellOf[t] : -1), 3);
				for (const part of ["d", "n", "p", "count"] as const) near(overChannels[part], wanted[part], 1e-12);
			}

			const unknown = { ...known, delaysS: undefined, bandpass: undefined, timeGains: undefined };
			const spectra = crossSpectraOf(window, cellOf, 3);
			const wanted = plainSums(
				window,
				array,
				unknown,
				false,
				(t, c) => (cellOf[t] < 0 ? -1 : cellOf[t] * nChannels + c),
				3 * nChannels,
			);
			const nBaselines = array.antenna1.length;
			for (let s = 0; s < nPol; s++) {
				const [d, n] = [new Float64Array(spectra.d[s].length), new Float64Array(spectra.n[s].length)];
				for (let i = 0; i < n.length; i++) {
					const [block, b, c] = [
						Math.floor(i / nChannels / nBaselines),
						Math.floor(i / nChannels) % nBaselines,
						i % nChannels,
					];
					const from = ((block * nChannels + c) * nPol + s) * nBaselines + b;
					d.set(wanted.d.subarray(2 * from, 2 * from + 2), 2 * i);
					n[i] = wanted.n[from];
				}
				near(spectra.d[s], d, 1e-6);
				near(spectra.n[s], n, 1e-6);
			}
		},
	);
});
