import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Random } from "../simulation/random.ts";
import { addPosition, meanPosition, positionAt, sourcePositions, tangentOffset } from "./source-position.ts";

describe("weighted mean position", () => {
	test("offset and position undo each other, at the poles and at RA 0 too", () => {
		fc.assert(
			fc.property(
				fc.double({ min: 0, max: 360, noNaN: true }),
				fc.oneof(fc.double({ min: -90, max: 90, noNaN: true }), fc.constantFrom(-90, 90, 89.9999, 0)),
				fc.double({ min: -500, max: 500, noNaN: true }),
				fc.double({ min: -500, max: 500, noNaN: true }),
				(ra, dec, east, north) => {
					const p = positionAt(ra, dec, east, north);
					const back = tangentOffset(p.raDeg, p.decDeg, ra, dec);
					expect(Math.hypot(back.eastArcsec - east, back.northArcsec - north)).toBeLessThan(1e-6);
				},
			),
			{ numRuns: 300, seed: 3 },
		);
	});

	test.each([
		[0, 20],
		[359.9999, -45],
		[120, 90],
		[10, 89.9999],
	])("mean at (%f, %f) is right with its errors, and an addition can be taken back", (ra, dec) => {
		const random = new Random(2);
		const positions = sourcePositions(Float64Array.of(ra), Float64Array.of(dec));
		for (let k = 0; k < 400; k++) {
			const err = random.uniform(0.5, 2);
			const p = positionAt(ra, dec, 3 + err * random.normal(), -2 + err * random.normal());
			addPosition(positions, 0, p.raDeg, p.decDeg, err, err);
		}
		const mean = meanPosition(positions, 0);
		const offset = tangentOffset(mean.raDeg, mean.decDeg, ra, dec);
		expect(Math.abs(offset.eastArcsec - 3) / mean.raErrArcsec).toBeLessThan(4);
		expect(Math.abs(offset.northArcsec + 2) / mean.decErrArcsec).toBeLessThan(4);
		expect(mean.raErrArcsec).toBeLessThan(0.06);
		const far = positionAt(ra, dec, 40, 40);
		addPosition(positions, 0, far.raDeg, far.decDeg, 0.1, 0.1);
		addPosition(positions, 0, far.raDeg, far.decDeg, 0.1, 0.1, -1);
		const after = meanPosition(positions, 0);
		const moved = tangentOffset(after.raDeg, after.decDeg, mean.raDeg, mean.decDeg);
		expect(Math.hypot(moved.eastArcsec, moved.northArcsec)).toBeLessThan(1e-6);
	});

	test("nothing added: the origin, no errors; nonsense refused", () => {
		const positions = sourcePositions(Float64Array.of(5), Float64Array.of(6));
		expect(meanPosition(positions, 0)).toEqual({
			raDeg: 5,
			decDeg: 6,
			raErrArcsec: Number.NaN,
			decErrArcsec: Number.NaN,
		});
		expect(() => addPosition(positions, 0, 5, 6, 0, 1)).toThrow(/with errors/);
		expect(() => addPosition(positions, 0, 185, -6, 1, 1)).toThrow(/with errors/);
	});
});
