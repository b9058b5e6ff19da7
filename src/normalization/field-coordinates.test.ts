import { describe, expect, test } from "vitest";
import { separationDeg } from "../sky/separation.ts";
import { convexHull, fieldCoordinates, fieldOf, nearestInHull } from "./field-coordinates.ts";

describe("field coordinates", () => {
	test.each([
		[0, 20],
		[359.9, -45],
		[120, 90],
		[0, -90],
	])("a position one radius to the north of (%f, %f) lies at (0, 1)", (centreRaDeg, centreDecDeg) => {
		const field = { centreRaDeg, centreDecDeg, radiusDeg: 1.5 };
		const over = centreDecDeg + 1.5;
		const ra = over > 90 ? centreRaDeg + 180 : centreRaDeg;
		const dec = over > 90 ? 180 - over : over;
		const { x, y } = fieldCoordinates(
			Float64Array.of(ra, centreRaDeg + 360),
			Float64Array.of(dec, centreDecDeg),
			field,
		);
		expect(Math.hypot(x[0], y[0] - 1)).toBeLessThan(1e-10);
		expect(Math.hypot(x[1], y[1])).toBeLessThan(1e-10);
	});

	test("the field of positions about RA 0 is centred there, and the far side of the sky is no place in it", () => {
		const field = fieldOf(Float64Array.of(359, 1, 0, 0), Float64Array.of(10, 10, 9, 11));
		expect(Math.abs(((field.centreRaDeg + 180) % 360) - 180)).toBeLessThan(1e-9);
		expect(field.radiusDeg).toBeGreaterThan(0.98);
		expect(fieldCoordinates(Float64Array.of(180), Float64Array.of(-10), field).x[0]).toBeNaN();
		expect(() => fieldCoordinates(Float64Array.of(0), Float64Array.of(0), { ...field, radiusDeg: 0 })).toThrow(
			/radius/,
		);
	});

	test("separations are exact when tiny, across a pole and across RA 0", () => {
		expect(separationDeg(10, 20, 10, 20 + 1e-7) / 1e-7).toBeCloseTo(1, 6);
		expect(separationDeg(0, 89.9, 180, 89.9)).toBeCloseTo(0.2, 12);
		expect(separationDeg(359.9, 0, 0.1, 0)).toBeCloseTo(0.2, 12);
		expect(separationDeg(0, 90, 77, -90)).toBeCloseTo(180, 10);
	});
});

describe("convex hull", () => {
	const hull = convexHull([0, 2, 2, 0, 1, 1, Number.NaN], [0, 0, 2, 2, 1, 0, 3]);

	test("has its corners only", () => {
		expect(hull).toHaveLength(4);
	});

	test("holds places inside and gives the nearest on its edge for others", () => {
		expect(nearestInHull(hull, 0.5, 1.5)).toEqual({ x: 0.5, y: 1.5, distance: 0 });
		expect(nearestInHull(hull, 3, 1)).toEqual({ x: 2, y: 1, distance: 1 });
		expect(nearestInHull(hull, 3, 3)).toEqual({ x: 2, y: 2, distance: Math.SQRT2 });
		expect(nearestInHull([], 0, 0).distance).toBe(Infinity);
	});
});
