import { describe, expect, test } from "vitest";
import { turnPhases } from "../calibration/rephase.ts";
import { Random } from "../simulation/random.ts";
import { PhaseTurner } from "./casa/phase-turner.ts";
import { type CopyAxis, copyBox, copyBoxWithin, planCopy } from "./hdf5/copy-box.ts";
import { rawBytes } from "./raw-bytes.ts";
import { compileSampleLoops, type SampleMemory, sampleMemory } from "./sample-kernels.ts";

const module = compileSampleLoops();
const memoryOf = (rows: number, width: number) => sampleMemory(module, rows, width) as SampleMemory;

/** A box of random extents and order of axes in a dense array of `elements`: strides of the source or the target. */
function randomAxes(random: Random, extents: readonly number[]): { strides: number[]; at: number } {
	const order = extents.map((_, d) => d).sort(() => random.uniform(-1, 1));
	const strides = new Array<number>(extents.length).fill(0);
	let unit = 1;
	let at = 0;
	for (const d of order) {
		const isBackwards = random.integer(3) === 0;
		strides[d] = isBackwards ? -unit : unit;
		if (isBackwards) at += (extents[d] - 1) * unit;
		// Sometimes with a gap.
		unit *= extents[d] + random.integer(2);
	}
	return { strides, at };
}

describe("compiled loops do what the general ones do", () => {
	test("boxes of elements of 1 to 24 bytes in any layout, and the sign of the second float", () => {
		const random = new Random(3);
		for (let trial = 0; trial < 300; trial++) {
			const size = [1, 2, 4, 8, 16, 24][random.integer(6)];
			const extents = Array.from({ length: 1 + random.integer(4) }, () => 1 + random.integer(5));
			const from = randomAxes(random, extents);
			const to = randomAxes(random, extents);
			const axes = extents.map((count, d): CopyAxis => ({ count, from: from.strides[d], to: to.strides[d] }));
			const plan = planCopy(axes);
			const memory = memoryOf(6 ** 4, 3);
			const source = memory.read.subarray(0, 6 ** 4 * size);
			for (let i = 0; i < source.length; i++) source[i] = random.integer(256);
			const target = rawBytes(memory.place.visibilities);
			const wanted = new Uint8Array(target.length);
			copyBox(Uint8Array.from(source), from.at * size, wanted, to.at * size, plan, size);
			const at = target.byteOffset + to.at * size;
			copyBoxWithin(memory, source.byteOffset + from.at * size, at, plan, size, 0n);
			expect(Buffer.compare(target, wanted), JSON.stringify({ axes, size })).toBe(0);
			if (size % 8 !== 0) continue;
			// Twice the sign's bit is no change; once, it is on what was copied only.
			copyBoxWithin(memory, source.byteOffset + from.at * size, at, plan, size, 1n << 63n);
			const marks = new Uint8Array(target.length);
			copyBox(new Uint8Array(source.length).fill(1), from.at * size, marks, to.at * size, plan, size);
			for (let i = 0; i < target.length; i++) {
				const isSign = marks[i] === 1 && i % 8 === 7;
				if (target[i] !== (isSign ? wanted[i] ^ 0x80 : wanted[i])) expect.unreachable(`byte ${i}`);
			}
		}
	});

	test.each([1, 2, 4])(
		"phases of %i products are turned to the last bit alike, whatever the number of channels",
		(nPol) => {
			const random = new Random(7);
			for (const channels of [1, 2, 3, 48, 1023, 1024, 1025, 3000]) {
				const frequenciesHz = Float64Array.from({ length: channels }, (_, c) => 1.3e9 + 244140.625 * c);
				const rows = 3;
				const width = channels * nPol;
				const { place } = memoryOf(rows, width);
				for (let i = 0; i < place.visibilities.length; i++) place.visibilities[i] = random.normal();
				const wanted = place.visibilities.slice();
				const deltas = Float64Array.of(123.4, 0, -2345.6);
				for (const r of [0, 2]) turnPhases(wanted, 2 * r * width, frequenciesHz, nPol, deltas[r], true);
				expect(new PhaseTurner(frequenciesHz, nPol).turn(place.visibilities, rows, deltas)).toBe(true);
				expect(Buffer.compare(rawBytes(place.visibilities), rawBytes(wanted))).toBe(0);
				// And they are the phases wanted: those of every channel worked out by itself.
				const exact = Float32Array.from({ length: 2 * width }, (_, i) => (i % 2 === 0 ? 1 : 0));
				const quick = exact.slice();
				turnPhases(exact, 0, frequenciesHz, nPol, 2345.6, false);
				turnPhases(quick, 0, frequenciesHz, nPol, 2345.6, true);
				for (let i = 0; i < exact.length; i++) expect(Math.abs(exact[i] - quick[i])).toBeLessThan(2e-7);
			}
		},
	);

	test("one number that is not finite is seen, wherever it stands, turned or not", () => {
		for (const channels of [1, 2, 5, 8]) {
			const frequenciesHz = Float64Array.from({ length: channels }, (_, c) => 1.3e9 + 244140.625 * c);
			const turner = new PhaseTurner(frequenciesHz, 2);
			const { place } = memoryOf(1, 2 * channels);
			for (const odd of [Number.NaN, Infinity, -Infinity]) {
				for (let i = 0; i < place.visibilities.length; i++) {
					for (const deltas of [undefined, Float64Array.of(0), Float64Array.of(77)]) {
						place.visibilities.fill(3.4e38 / 4);
						expect(turner.turn(place.visibilities, 1, deltas)).toBe(true);
						place.visibilities.fill(1);
						place.visibilities[i] = odd;
						expect(turner.turn(place.visibilities, 1, deltas)).toBe(false);
					}
				}
			}
		}
	});

	test("too large a piece is left to the general loops", () => {
		expect(sampleMemory(module, 1 << 14, 1 << 14)).toBeUndefined();
	});
});
