import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { askAstropy, hasAstropy } from "./oracle/astropy.ts";
import { headerOf, imageCase } from "./oracle/image-header.ts";
import { randomHeaders } from "./oracle/random-headers.ts";
import { compareWcs, type WcsAnswer } from "./oracle/wcs-comparison.ts";
import { hasSharedData, sharedData } from "./shared-data.ts";

describe.skipIf(!hasAstropy)("celestial coordinates against wcslib, asked now", () => {
	test("390 random headers agree to 1e-9 degrees", () => {
		const cases = randomHeaders(4, 390, 15);
		const result = compareWcs(cases, askAstropy<WcsAnswer[]>("wcs-oracle.py", cases));
		expect(result.disagreements).toEqual([]);
		expect(result.points).toBeGreaterThan(10_000);
		for (const worst of Object.values(result.worst)) expect(worst).toBeLessThan(1e-9);
	});

	test.skipIf(!hasSharedData)("real images agree to 1e-9 degrees", () => {
		const images = [
			["parkes-1904-66", "image.fits"],
			["lofar-grb201006a", "image.fits"],
			["vast-epochs", "epoch01.fits"],
			["vast-epochs", "epoch04.noiseMap.fits"],
		];
		const cases = images.map((parts) => imageCase(headerOf(readFileSync(sharedData("images", ...parts)))));
		const result = compareWcs(cases, askAstropy<WcsAnswer[]>("wcs-oracle.py", cases));
		expect(result.disagreements).toEqual([]);
		expect(result.points).toBe(images.length * 12);
		for (const worst of Object.values(result.worst)) expect(worst).toBeLessThan(1e-9);
	});
});
