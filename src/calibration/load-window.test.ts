import { describe, expect, test } from "vitest";
import { loadWindow } from "./load-window.ts";
import { selectAll } from "./selection.ts";
import type { BlockOptions, VisibilityBlock, VisibilitySet } from "./visibility-set.ts";

const [N_TIMES, N_ANTENNAS, N_CHANNELS] = [3, 4, 5];
const PAIRS = [
	[0, 1],
	[0, 2],
	[0, 3],
	[1, 2],
	[1, 3],
	[2, 3],
];

/** A set in memory whose rows come in the order given, [time, baseline]; values say where they belong. */
function setOf(order: readonly (readonly [number, number])[]): VisibilitySet {
	const span = 2 * N_CHANNELS;
	return {
		format: "uvh5",
		source: ["memory"],
		telescope: "test",
		location: undefined,
		antennas: Array.from({ length: N_ANTENNAS }, (_, i) => ({
			name: String(i),
			number: i,
			positionItrfM: [i, 0, 0],
			diameterM: 5,
		})),
		timesMjd: Float64Array.from({ length: N_TIMES }, (_, t) => 60000 + t / 8640),
		integrationS: 10,
		frequenciesHz: Float64Array.from({ length: N_CHANNELS }, (_, c) => 1.4e9 + 1e6 * c),
		channelWidthsHz: new Float64Array(N_CHANNELS).fill(1e6),
		spectralWindows: [{ firstChannel: 0, nChannels: N_CHANNELS, name: "w", nRows: order.length }],
		polarizations: ["XX", "YY"],
		baselines: { antenna1: Int32Array.from(PAIRS, ([p]) => p), antenna2: Int32Array.from(PAIRS, ([, q]) => q) },
		autocorrelations: new Int32Array(0),
		fields: [],
		nRows: order.length,
		warnings: [],
		canPlace: true,
		close() {},
		async *blocks(options: BlockOptions = {}) {
			for (let first = 0; first < order.length; first += 4) {
				const rows = order.slice(first, first + 4);
				const place = await options.place?.(4);
				const samples = place ?? {
					width: span,
					at: 0,
					visibilities: new Float32Array(8 * span),
					flags: new Uint8Array(4 * span),
					weights: new Float32Array(4 * span),
				};
				rows.forEach(([t, b], r) => {
					for (let k = 0; k < span; k++) {
						samples.visibilities[2 * (r * span + k)] = 1000 * t + 100 * b + k;
						samples.visibilities[2 * (r * span + k) + 1] = -k;
						samples.flags[r * span + k] = (t + b + k) % 7 === 0 ? 1 : 0;
						samples.weights[r * span + k] = k === 3 ? 0 : 1 + b;
					}
				});
				const none = place !== undefined;
				yield {
					spectralWindow: 0,
					firstChannel: 0,
					nChannels: N_CHANNELS,
					nRows: rows.length,
					timeIndex: Int32Array.from(rows, ([t]) => t),
					antenna1: Int32Array.from(rows, ([, b]) => PAIRS[b][0]),
					antenna2: Int32Array.from(rows, ([, b]) => PAIRS[b][1]),
					baseline: Int32Array.from(rows, ([, b]) => b),
					field: new Int32Array(rows.length),
					integrationS: new Float64Array(rows.length).fill(10),
					uvwM: Float64Array.from(rows.flatMap(([t, b]) => [t, b, 1])),
					visibilities: none ? new Float32Array(0) : samples.visibilities,
					flags: none ? new Uint8Array(0) : samples.flags,
					weights: none ? new Float32Array(0) : samples.weights,
				} satisfies VisibilityBlock;
			}
		},
	};
}

const inOrder = Array.from({ length: N_TIMES * PAIRS.length }, (_, k): [number, number] => [
	Math.floor(k / PAIRS.length),
	k % PAIRS.length,
]);

describe("a window read into the solver's grid", () => {
	const exchanged = inOrder.map(
		(_, k): [number, number] => inOrder[k % 2 === 0 && k + 1 < inOrder.length ? k + 1 : k - (k % 2)],
	);
	test.each([
		["in the grid's order", inOrder],
		["with rows in another order", exchanged],
		["with rows missing at the end", inOrder.slice(0, -3)],
		["with a row missing in the middle", inOrder.filter((_, k) => k !== 8)],
	])("%s: without a copy or with one, the same", async (_, order) => {
		const set = setOf(order);
		const selection = selectAll(set);
		const straight = await loadWindow(set, 0, selection);
		const copied = await loadWindow(set, 0, selection, { straight: false });
		expect(straight).toEqual(copied);
		const span = 2 * N_CHANNELS;
		const has = new Set(order.map(([t, b]) => t * PAIRS.length + b));
		for (let k = 0; k < N_TIMES * PAIRS.length; k++) {
			expect(straight.data.flags[k * span + 3] & 2).toBe(2);
			if (!has.has(k)) {
				expect(straight.field[k]).toBe(-1);
				expect(straight.data.flags.subarray(k * span, (k + 1) * span).every((flag) => flag === 2)).toBe(true);
				continue;
			}
			const [t, b] = [Math.floor(k / PAIRS.length), k % PAIRS.length];
			expect(straight.data.visibilities[2 * (k * span + 4)]).toBe(1000 * t + 100 * b + 4);
			expect(straight.uvwM[3 * k + 1]).toBe(b);
		}
		expect(straight.rows).toBe(order.length);
	});
});
