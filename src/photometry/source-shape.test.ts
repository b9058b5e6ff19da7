import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Beam } from "../sky/beam.ts";
import { convolved, deconvolved, shapeInImage } from "./source-shape.ts";

const beam: Beam = { majorDeg: 9 / 3600, minorDeg: 6.75 / 3600, paDeg: 30 };
const ellipse = fc
	.tuple(
		fc.double({ min: 1, max: 30, noNaN: true }),
		fc.double({ min: 0.2, max: 0.95, noNaN: true }),
		fc.double({ min: -89, max: 90, noNaN: true }),
	)
	.map(([major, ratio, paDeg]): Beam => ({ majorDeg: major / 3600, minorDeg: (major * ratio) / 3600, paDeg }));

describe("shapes", () => {
	test("deconvolution undoes convolution, whatever the angles", () => {
		fc.assert(
			fc.property(ellipse, (source) => {
				const back = deconvolved(convolved(source, beam), beam);
				expect(back.majorDeg / source.majorDeg).toBeCloseTo(1, 6);
				expect(back.minorDeg / source.minorDeg).toBeCloseTo(1, 5);
				const turn = ((back.paDeg - source.paDeg + 270) % 180) - 90;
				expect(Math.abs(turn)).toBeLessThan(1e-4);
			}),
		);
	});

	test("a fitted size that is not significantly larger than the beam is a point", () => {
		expect(shapeInImage({ ...beam }, beam, beam)).toBeUndefined();
		expect(shapeInImage({ ...beam, majorDeg: 9.6 / 3600 }, beam, beam)).toBeUndefined();
		const wide = { ...beam, majorDeg: 12 / 3600 };
		expect(shapeInImage(wide, beam, beam)?.majorDeg).toBeCloseTo(12 / 3600, 9);
		expect(shapeInImage({ ...wide, majorErrDeg: 3 / 3600 }, beam, beam)).toBeUndefined();
		expect(shapeInImage({ ...wide, majorDeg: Number.NaN }, beam, beam)).toBeUndefined();
	});

	test("a shape is carried from the catalogue's beam to the image's", () => {
		const source: Beam = { majorDeg: 8 / 3600, minorDeg: 5 / 3600, paDeg: -40 };
		const other: Beam = { majorDeg: 15 / 3600, minorDeg: 14 / 3600, paDeg: 0 };
		const expected = convolved(source, other);
		const carried = shapeInImage(convolved(source, beam), beam, other);
		expect(carried?.majorDeg).toBeCloseTo(expected.majorDeg, 9);
		expect(carried?.paDeg).toBeCloseTo(expected.paDeg, 6);
	});
});
