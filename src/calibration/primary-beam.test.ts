import { describe, expect, test } from "vitest";
import { besselJ1 } from "./bessel.ts";
import { airyBeam, beamFwhmRad, measuredBeam, parseMeasuredBeam } from "./primary-beam.ts";

const RAD = Math.PI / 180;

describe("the Airy beam of a 4.65 m dish", () => {
	const beam = airyBeam(4.65);

	test("has its known values at 1.4 GHz", () => {
		expect(beam(0, 1.4e9)).toBe(1);
		expect(beam(RAD, 1.4e9)).toBeCloseTo(0.694, 3);
		expect(beam(2 * RAD, 1.4e9)).toBeCloseTo(0.194, 3);
		expect(beamFwhmRad(beam, 1.4e9) / RAD).toBeCloseTo(2.72, 2);
	});

	test("falls all the way to its first null, which is at 1.22 lambda/D", () => {
		const nullAngle = Math.asin((1.2196698912665045 * 299792458) / 1.4e9 / 4.65);
		let last = 1;
		for (let angle = 0.01 * RAD; angle < nullAngle; angle += 0.01 * RAD) {
			const response = beam(angle, 1.4e9);
			expect(response).toBeLessThan(last);
			last = response;
		}
		expect(beam(nullAngle, 1.4e9)).toBeLessThan(1e-12);
		// The first side lobe is 1.75 percent.
		expect(Math.max(...Array.from({ length: 200 }, (_, i) => beam(nullAngle + i * 1e-3, 1.4e9)))).toBeCloseTo(
			0.0175,
			3,
		);
	});

	test("is symmetric, narrows with frequency and never looks backwards", () => {
		expect(beam(-RAD, 1.4e9)).toBe(beam(RAD, 1.4e9));
		expect(beamFwhmRad(beam, 2.8e9) / beamFwhmRad(beam, 1.4e9)).toBeCloseTo(0.5, 3);
		expect(beam(2, 1.4e9)).toBe(0);
		expect(Number.isNaN(beam(Number.NaN, 1.4e9))).toBe(true);
		expect(() => airyBeam(0)).toThrow(/not the diameter/);
	});

	test("J1 equals tabulated values on both sides of where its formula changes", () => {
		// Abramowitz & Stegun, table 9.1, and scipy.
		for (const [x, value] of [
			[0, 0],
			[1, 0.4400505857449335],
			[3.8317059702075125, 0],
			[10, 0.04347274616886141],
			[15.9, 0.1080278900630652],
			[16.1, 0.07197941862244982],
			[50, -0.09751182812517509],
			[-1, -0.4400505857449335],
		]) {
			expect(Math.abs(besselJ1(x) - value)).toBeLessThan(1e-10);
		}
	});
});

describe("a measured beam", () => {
	const csv = "angle_deg,power,frequency_mhz\n0,2,1300\n1,1.4,1300\n2,0.4,1300\n0,1,1500\n1,0.6,1500\n2,0.1,1500\n";

	test("is read, scaled to its axis and interpolated in angle and frequency", () => {
		const beam = measuredBeam(parseMeasuredBeam(csv, "beam.csv", 1.4e9));
		expect(beam(0, 1.3e9)).toBe(1);
		expect(beam(RAD, 1.3e9)).toBeCloseTo(0.7, 12);
		expect(beam(0.5 * RAD, 1.3e9)).toBeCloseTo(0.85, 12);
		expect(beam(RAD, 1.4e9)).toBeCloseTo(0.65, 12);
		// Outside the measured frequencies the angles scale with the wavelength.
		expect(beam(RAD, 3e9)).toBeCloseTo(0.1, 12);
		expect(beam(2 * RAD, 0.65e9)).toBeCloseTo(0.7, 12);
		expect(beam(3 * RAD, 1.4e9)).toBe(0);
	});

	test("without frequencies it holds at the given one", () => {
		const beam = measuredBeam(parseMeasuredBeam("angle_deg,power\n0,1\n1,0.5\n2,0\n", "beam.csv", 1.4e9));
		expect(beam(RAD, 1.4e9)).toBeCloseTo(0.5, 12);
	});

	test.each([
		["no columns", "a,b\n1,2\n", /no columns/],
		["a bad row", "angle_deg,power\n0,1\nx,2\n2,3\n", /cannot be used/],
		["no axis", "angle_deg,power\n1,1\n2,0.5\n3,0.1\n", /the first 0/],
		["an angle twice", "angle_deg,power\n0,1\n1,0.5\n1,0.4\n", /each once/],
		[
			"angles that differ",
			"angle_deg,power,frequency_mhz\n0,1,1\n1,.5,1\n2,.1,1\n0,1,2\n1,.5,2\n3,.1,2\n",
			/each once/,
		],
	])("with %s is refused", (_, text, message) => {
		expect(() => parseMeasuredBeam(text, "beam.csv", 1.4e9)).toThrow(message);
	});
});
