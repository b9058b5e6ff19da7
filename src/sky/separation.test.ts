import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
	destination,
	positionAngleDeg,
	separationDeg,
	tangentOffsets,
	unitVector,
	vectorToDegrees,
} from "./separation.ts";

const place = fc.tuple(fc.double({ min: 0, max: 360, noNaN: true }), fc.double({ min: -90, max: 90, noNaN: true }));

describe("distances on the sphere", () => {
	test("known ones, across 0 h, at the poles, at the antipode and far below an arc second", () => {
		expect(separationDeg(359.9, 0, 0.1, 0)).toBeCloseTo(0.2, 13);
		expect(separationDeg(10, 90, 200, 90)).toBeLessThan(1e-14);
		expect(separationDeg(10, 89, 190, 89)).toBeCloseTo(2, 13);
		expect(separationDeg(0, 0, 180, 0)).toBe(180);
		expect(separationDeg(30, 40, 210, -40)).toBeCloseTo(180, 12);
		expect(separationDeg(150, -30, 150, -30 + 1e-9) / 1e-9).toBeCloseTo(1, 5);
		expect(separationDeg(-10, 5, 710, 5)).toBeCloseTo(0, 12);
	});

	test("position angles of the compass", () => {
		expect(positionAngleDeg(10, 20, 10, 21)).toBe(0);
		expect(positionAngleDeg(359.5, 0, 0.5, 0)).toBeCloseTo(90, 12);
		expect(positionAngleDeg(10, 20, 10, 19)).toBe(180);
		expect(positionAngleDeg(0.5, 0, 359.5, 0)).toBeCloseTo(270, 12);
	});

	test("a destination is at its distance and position angle", () => {
		fc.assert(
			fc.property(
				place,
				fc.double({ min: 0, max: 359.999, noNaN: true }),
				fc.double({ min: 1e-6, max: 179.9, noNaN: true }),
				([ra, dec], pa, distance) => {
					const [ra2, dec2] = destination(ra, dec, pa, distance);
					expect(separationDeg(ra, dec, ra2, dec2)).toBeCloseTo(distance, 10);
					if (Math.abs(dec) < 89.9 && distance > 1e-3 && distance < 179) {
						const turned = Math.abs(((positionAngleDeg(ra, dec, ra2, dec2) - pa + 540) % 360) - 180);
						expect(turned * Math.sin((distance * Math.PI) / 180)).toBeLessThan(1e-9);
					}
				},
			),
			{ seed: 11, numRuns: 500 },
		);
	});

	test("tangent offsets are the tangent of the distance along the position angle", () => {
		fc.assert(
			fc.property(
				place,
				fc.double({ min: 0, max: 360, noNaN: true }),
				fc.double({ min: 0, max: 60, noNaN: true }),
				([ra, dec], pa, distance) => {
					const [ra2, dec2] = destination(ra, dec, pa, distance);
					const [xi, eta] = tangentOffsets(ra, dec, ra2, dec2);
					const expected = (Math.tan((distance * Math.PI) / 180) * 180) / Math.PI;
					expect(Math.hypot(xi, eta)).toBeCloseTo(expected, 9);
				},
			),
			{ seed: 12, numRuns: 300 },
		);
		expect(tangentOffsets(0, 0, 100, 0)).toEqual([Number.NaN, Number.NaN]);
	});

	test("vectors and angles", () => {
		expect(unitVector(90, 0)).toEqual([0, 1, 0]);
		expect(unitVector(123, 90)).toEqual([0, 0, 1].map((v) => (v === 0 ? expect.closeTo(0, 15) : v)));
		expect(vectorToDegrees(0, -2, 0)).toEqual([270, 0]);
	});
});
