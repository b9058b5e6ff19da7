import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { pairsOf, UVFITS_MJD, UVFITS_STEP_S, type UvfitsToWrite, writeUvfits } from "../../../test/written-uvfits.ts";
import { SPEED_OF_LIGHT } from "../../calibration/rephase.ts";
import { openUvfits } from "./read.ts";

const folder = mkdtempSync(join(tmpdir(), "caustic-uvfits-"));
afterAll(() => rmSync(folder, { recursive: true }));

const plain: UvfitsToWrite = {
	nAntennas: 5,
	nTimes: 3,
	nChannels: 4,
	ifs: [{ offsetHz: 0, stepHz: 1e6 }],
	stokes: [-1, -2],
	sample: (row, w, c, p) => [row + w / 4, c - p / 2, (row + c + p) % 5 === 0 ? -1 : 1 + ((row + w) % 3)],
};

const counts = (from: number) => ({
	...plain,
	sample: (row: number, w: number, c: number, p: number): [number, number, number] =>
		plain.sample(row, w, c, p).map((value) => (value - from) * 8) as [number, number, number],
	scale: 1 / 8,
	zero: from,
});

/** Every sample, wherever its IF and channel went, against what was written. */
async function expectAsWritten(plan: UvfitsToWrite): Promise<void> {
	const path = join(folder, "written.uvfits");
	writeUvfits(path, plan);
	const set = openUvfits(path);
	const pairs = pairsOf(plan.nAntennas);
	const frequencies = plan.ifs.map(({ offsetHz, stepHz }) =>
		Array.from({ length: plan.nChannels }, (_, c) => 1.4e9 + offsetHz + c * stepHz),
	);
	const { scale = 1, zero = 0, blank } = plan;
	let samples = 0;
	for await (const block of set.blocks({ autocorrelations: true })) {
		for (let r = 0; r < block.nRows; r++) {
			const [p, q] = [block.antenna1[r], block.antenna2[r]];
			const t = block.timeIndex[r];
			expect(set.timesMjd[t]).toBeCloseTo(UVFITS_MJD + (t * UVFITS_STEP_S) / 86400, 6);
			const pair = pairs.findIndex(([a, b]) => a === p + 1 && b === q + 1);
			for (let k = 0; k < 3; k++) {
				expect(block.uvwM[3 * r + k]).toBeCloseTo((k + 1) * (q - p) * 1e-7 * SPEED_OF_LIGHT, 1);
			}
			for (let c = 0; c < block.nChannels; c++) {
				const hz = set.frequenciesHz[block.firstChannel + c];
				const w = frequencies.findIndex((list) => list.some((own) => Math.abs(own - hz) < 1));
				const stored = frequencies[w].findIndex((own) => Math.abs(own - hz) < 1);
				expect(set.channelWidthsHz[block.firstChannel + c]).toBeCloseTo(Math.abs(plan.ifs[w].stepHz), 0);
				for (let s = 0; s < plan.stokes.length; s++, samples++) {
					const wanted = plan.sample(t * pairs.length + pair, w, stored, s);
					const i = (r * block.nChannels + c) * plan.stokes.length + s;
					const isBlank = blank !== undefined && (wanted[0] === blank || wanted[1] === blank);
					const [re, im, weight] = wanted.map((value) => zero + scale * value);
					const found = [block.visibilities[2 * i], block.visibilities[2 * i + 1], block.flags[i]];
					const lost = isBlank || weight <= 0 ? 1 : 0;
					expect(found).toEqual(isBlank ? [Number.NaN, Number.NaN, 1] : [Math.fround(re), Math.fround(im), lost]);
					expect(block.weights?.[i]).toBe(Math.abs(weight));
				}
			}
		}
	}
	set.close();
	expect(samples).toBe(plan.nTimes * pairs.length * plan.ifs.length * plan.nChannels * plan.stokes.length);
}

describe("UVFITS as different programs write it: every sample at its frequency", () => {
	test.each<[string, UvfitsToWrite]>([
		["one IF", plain],
		[
			"IFs with steps of their own, one of them descending, in any order",
			{
				...plain,
				ifs: [
					{ offsetHz: 2e8, stepHz: 1e6 },
					{ offsetHz: 0, stepHz: -5e5 },
					{ offsetHz: -1e8, stepHz: 2e6 },
				],
			},
		],
		["an IF whose step the table leaves empty", { ...plain, ifs: [{ offsetHz: 5e6, stepHz: 0 }], nChannels: 1 }],
		["four products, linear", { ...plain, stokes: [-5, -6, -7, -8] }],
		["one product", { ...plain, stokes: [1] }],
		["antennas as parameters of their own", { ...plain, pairs: "apart" }],
		["the pair of more than 255 antennas", { ...plain, pairs: 2048 }],
		["a date in _DATE", { ...plain, secondDate: "_DATE" }],
		["double precision", { ...plain, bitpix: -64 }],
		["integers of 16 bits with scale, zero and blanks", { ...counts(-3), bitpix: 16, blank: 8 * 7 }],
		["integers of 32 bits with scale and zero", { ...counts(5), bitpix: 32 }],
	])("%s", (_, plan) => expectAsWritten(plan));

	test("numbers of eight bits are refused", () => {
		const path = join(folder, "bytes.uvfits");
		writeUvfits(path, { ...plain, bitpix: 8 as 16 });
		expect(() => openUvfits(path)).toThrow(/BITPIX 8 is not supported/);
	});
});
