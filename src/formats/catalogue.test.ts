import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasSharedData, sharedData } from "../../test/shared-data.ts";
import { readCatalogue } from "./catalogue.ts";

let folder: string;
beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), "caustic-catalogue-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const read = (text: string, name = "catalogue.csv") => {
	const path = join(folder, name);
	writeFileSync(path, text);
	return readCatalogue(path);
};

describe("catalogue of positions", () => {
	test("keeps rows and order, with what is given and NaN for what is not", async () => {
		const catalogue = await read(
			"source_id,ra_deg,dec_deg,flux_jy,major_arcsec,minor_arcsec,pa_deg\n007,10,-30,0.1,15,10,45\nB,-90,89,,,,\n",
		);
		expect(catalogue.sourceId).toEqual(["007", "B"]);
		expect(Array.from(catalogue.raDeg)).toEqual([10, 270]);
		expect(Array.from(catalogue.decDeg)).toEqual([-30, 89]);
		expect(Array.from(catalogue.fluxJy)).toEqual([0.1, Number.NaN]);
		expect([catalogue.majorArcsec[0], catalogue.minorArcsec[0], catalogue.paDeg[0]]).toEqual([15, 10, 45]);
		expect([catalogue.problems, catalogue.notes]).toEqual([[], []]);
	});

	test("takes the aliases, and numbers the rows when they have no identifier", async () => {
		const catalogue = await read("RA\tDec\n10\t20\n30\t40\n");
		expect(catalogue.sourceId).toEqual(["1", "2"]);
		expect(Array.from(catalogue.fluxJy)).toEqual([Number.NaN, Number.NaN]);
		expect((await read("id,ra,dec\nx,1,2\n")).sourceId).toEqual(["x"]);
	});

	test("a row without a position stays, with its problem", async () => {
		const catalogue = await read("ra_deg,dec_deg\n10,20\n,5\nnan,nan\n1,\n2,3\n");
		expect(Array.from(catalogue.raDeg)).toEqual([10, Number.NaN, Number.NaN, Number.NaN, 2]);
		expect(catalogue.decDeg[1]).toBeNaN();
		expect(catalogue.problems).toEqual([
			{ row: 2, reason: "no right ascension" },
			{ row: 3, reason: "no right ascension" },
			{ row: 4, reason: "no declination" },
		]);
	});

	test("hours are converted when the file says that they are hours, and refused in a column of degrees", async () => {
		const catalogue = await read("ra,dec\n10:30:00,-00:30:00\n0h0m1.5s,+89d59m59s\n");
		expect(catalogue.raDeg[0]).toBeCloseTo(157.5, 10);
		expect(catalogue.decDeg[0]).toBeCloseTo(-0.5, 10);
		expect(catalogue.raDeg[1]).toBeCloseTo(0.00625, 10);
		expect(catalogue.notes.join()).toMatch(/hours were converted/);
		await expect(read("ra_deg,dec_deg\n10:30:00,5\n")).rejects.toThrow(/"10:30:00" is not in degrees/);
		await expect(read("ra,dec\n10:75:00,5\n")).rejects.toThrow(/"10:75:00" in row 1 is not a number/);
		const votable = (unit: string, frame = "", ra = "10.5") =>
			read(
				`<VOTABLE><RESOURCE>${frame}<TABLE><FIELD name="ra" datatype="double" unit="${unit}"/><FIELD name="dec" datatype="double"
				 unit="deg"/><DATA><TABLEDATA><TR><TD>${ra}</TD><TD>5</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>`,
				"catalogue.vot",
			);
		expect((await votable("h")).raDeg[0]).toBe(157.5);
		expect((await votable("rad", "", "1")).raDeg[0]).toBeCloseTo(180 / Math.PI, 10);
		await expect(votable("Jy")).rejects.toThrow(/unit of angle/);
		const fk5 = await votable("deg", '<COOSYS system="eq_FK5"/>');
		expect(Math.abs(fk5.raDeg[0] - 10.5) * 3600e3).toBeGreaterThan(1);
		expect(Math.abs(fk5.raDeg[0] - 10.5) * 3600e3).toBeLessThan(50);
		expect(fk5.notes.join()).toMatch(/converted to ICRS/);
		await expect(votable("deg", '<COOSYS system="ecl_FK5"/>')).rejects.toThrow(/ecl_FK5/);
	});

	test("impossible positions and identifiers are refused by row", async () => {
		await expect(read("ra_deg,dec_deg\n10,20\n20,91\n")).rejects.toThrow(/row 2: declination 91/);
		await expect(read("ra_deg,dec_deg\n400,20\n")).rejects.toThrow(/row 1: right ascension 400/);
		await expect(read("ra_deg,dec_deg\n10,inf\n")).rejects.toThrow(/row 1/);
		await expect(read("source_id,ra_deg,dec_deg\na,1,2\nb,1,2\na,1,3\n")).rejects.toThrow(/rows 1 and 3 are both "a"/);
		await expect(read("source_id,ra_deg,dec_deg\na,1,2\n,1,2\n")).rejects.toThrow(/row 2 has no identifier/);
		await expect(read("x,y\n1,2\n")).rejects.toThrow(/no column ra_deg/);
		await expect(read("ra_deg,dec_deg\nhere,2\n")).rejects.toThrow(/"here" in row 1 is not a number/);
	});

	test.skipIf(!hasSharedData)("reads a real component list and a truth table", async () => {
		const racs = await readCatalogue(sharedData("catalogues", "racs", "SB38959.RACS_1357-18_comp.fits.gz"));
		expect([racs.raDeg.length, racs.problems.length]).toEqual([7225, 0]);
		const truth = await readCatalogue(sharedData("images", "synthetic-512", "truth.csv"));
		expect([truth.sourceId.length, truth.fluxJy.some(Number.isNaN)]).toEqual([120, false]);
	});
});
