import { expect, test } from "vitest";
import { type ApparentAnswers, compareApparent, randomApparentCases } from "./oracle/apparent-cases.ts";
import { askAstropy, hasAstropy } from "./oracle/astropy.ts";

test.skipIf(!hasAstropy)(
	"10,000 apparent places and sidereal times of 1973 to 2022 agree with astropy, asked now",
	() => {
		const cases = randomApparentCases(5, 10_000, 41_700, 59_900);
		const worst = compareApparent(cases, askAstropy<ApparentAnswers>("apparent-oracle.py", { ...cases, north: false }));
		expect(worst.placeArcsec).toBeLessThan(0.005);
		// The published series of UT1 differ among themselves by milliseconds before the 1990s.
		expect(worst.gmstS).toBeLessThan(0.006);
		expect(worst.gastS).toBeLessThan(0.006);
		expect(worst.lstS).toBeLessThan(0.006);
		expect(worst.ut1S).toBeLessThan(0.006);
		expect(worst.poleArcsec).toBeLessThan(0.05);
		expect(worst.itrfArcsec).toBeLessThan(0.1);
	},
);

test.skipIf(!hasAstropy)("the north of uvw agrees with astropy, asked now", () => {
	const cases = randomApparentCases(6, 500, 50_000, 59_900);
	const answers = askAstropy<ApparentAnswers>("apparent-oracle.py", cases);
	expect(answers.v.length).toBe(500);
	expect(compareApparent(cases, answers).northArcsec).toBeLessThan(0.05);
});
