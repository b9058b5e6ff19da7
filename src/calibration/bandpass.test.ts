import { describe, expect, test } from "vitest";
import { type Bandpass, commonShape, fillGaps } from "./bandpass.ts";

const N = 8;
/** Amplitude falls to 0.4 at both ends of each window. */
const shapeOf = (k: number) => (k === 0 || k === N - 1 ? 0.4 : 1);

function bandpassOf(windows: number, flagged: readonly number[]): Bandpass {
	const nAntennas = 3;
	const nChannels = windows * N;
	const size = nChannels * nAntennas;
	const out: Bandpass = {
		nChannels,
		nAntennas,
		gains: new Float64Array(2 * size),
		errors: new Float64Array(size).fill(0.01),
		snr: new Float64Array(size).fill(100),
		flags: new Uint8Array(size),
		reasons: new Uint8Array(size),
	};
	for (let c = 0; c < nChannels; c++) {
		for (let p = 0; p < nAntennas; p++) {
			const i = c * nAntennas + p;
			const size = shapeOf(c % N) * (1 + 0.02 * c) * (1 + 0.1 * p);
			out.gains[2 * i] = size * Math.cos(0.1 * c + p);
			out.gains[2 * i + 1] = size * Math.sin(0.1 * c + p);
			if (!flagged.includes(c)) continue;
			out.flags[i] = 1;
			out.gains[2 * i] = 1;
			out.gains[2 * i + 1] = 0;
		}
	}
	return out;
}

describe("gaps of a bandpass", () => {
	test("beside a falling edge: filled by the shape that all windows share", () => {
		const bandpass = bandpassOf(5, [N + 6]);
		expect(commonShape(bandpass, Array(5).fill(N))[7]).toBeCloseTo(0.4, 1);
		expect(fillGaps(bandpass, Array(5).fill(N), 3)).toBe(3);
		const truth = bandpassOf(5, []);
		for (let p = 0; p < 3; p++) {
			const i = (N + 6) * 3 + p;
			expect(
				Math.hypot(bandpass.gains[2 * i] - truth.gains[2 * i], bandpass.gains[2 * i + 1] - truth.gains[2 * i + 1]),
			).toBeLessThan(0.03);
			expect([bandpass.flags[i], bandpass.reasons[i]]).toEqual([0, 5]);
		}
	});

	test("of a window alone, between channels that differ much: it stays a gap", () => {
		const bandpass = bandpassOf(1, [6]);
		expect(fillGaps(bandpass, [N], 3)).toBe(0);
		expect(bandpass.flags[6 * 3]).toBe(1);
		const inside = bandpassOf(1, [3, 4]);
		expect(fillGaps(inside, [N], 3)).toBe(6);
		expect(fillGaps(bandpassOf(1, [2, 3, 4, 5]), [N], 3)).toBe(0);
	});
});
