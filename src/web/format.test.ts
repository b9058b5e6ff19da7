import { describe, expect, test } from "vitest";
import { dateOfMjd, dateText, degrees, duration, fixed, flux, hours, MISSING, short } from "./format.ts";

describe("what is written on a page", () => {
	test("positions carry over at the seams", () => {
		expect(hours(0)).toBe("00ʰ00ᵐ00.00ˢ");
		expect(hours(359.99999999)).toBe("00ʰ00ᵐ00.00ˢ");
		expect(hours(-0.5)).toBe("23ʰ58ᵐ00.00ˢ");
		expect(hours(83.633083)).toBe("05ʰ34ᵐ31.94ˢ");
		expect(degrees(22.01446)).toBe("+22°00′52.1″");
		expect(degrees(-0.00001)).toBe("−00°00′00.0″");
		expect(degrees(-59.99999)).toBe("−60°00′00.0″");
	});

	test("a missing number is a dash", () => {
		for (const missing of [null, undefined, Number.NaN, Number.POSITIVE_INFINITY]) {
			expect([fixed(missing, 2), short(missing), flux(missing), duration(missing)]).toEqual(Array(4).fill(MISSING));
		}
	});

	test("numbers of every size", () => {
		expect([short(0), short(12.345), short(0.00012), short(-123456), short(999.9)]).toEqual([
			"0",
			"12.3",
			"1.20×10⁻⁴",
			"-1.23×10⁵",
			"1000",
		]);
		expect([flux(1.5), flux(-0.01234), flux(2e-4)]).toEqual(["1.500 Jy", "-12.34 mJy", "200 µJy"]);
	});

	test("MJD 60000 is 2023-02-25", () => {
		expect(dateText(dateOfMjd(60_000))).toBe("2023-02-25 00:00");
	});
});
