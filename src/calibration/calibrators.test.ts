import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { hasSharedData, sharedData } from "../../test/shared-data.ts";
import { type Calibrator, LIST_BANDS, parseCalibratorList } from "./calibrator-list.ts";
import { calibratorByName, calibratorFlux, calibratorQuality, standardOf } from "./calibrators.ts";
import { STANDARD_SOURCES, standardFluxJy, standardSource } from "./flux-scale.ts";

const HEADING =
	"J2000_NAME,B1950_NAME,PC_J2000,PC_B1950,RA_J2000,DEC_J2000,POS_REF,ALT_NAME,BAND,BAND_CODE,A,B,C,D,FLUX_JY,UVMIN_kL,UVMAX_kL";
const row = (band: string, code: string, rest: string, name = "0005+383") =>
	`${name},0003+380,A,A,00h05m57.175409s,"38d20'15.148570""",Aug01,CJ2,${band},${code},${rest}`;

describe("the flux scale of Perley & Butler 2017", () => {
	test.each([
		["3C48", 16.26],
		["3C138", 8.56],
		["3C147", 22.17],
		["3C196", 14.43],
		["3C286", 15.08],
		["3C295", 22.5],
	])("%s at 1.4 GHz is %f Jy", (name, expected) => {
		const source = standardSource(name);
		expect(source).toBeDefined();
		if (source !== undefined) expect(Math.abs(standardFluxJy(source, 1.4e9) - expected)).toBeLessThan(0.006);
	});

	test("is refused where it was not fitted", () => {
		for (const source of STANDARD_SOURCES) {
			expect(() => standardFluxJy(source, 1e12)).toThrow(/not at 1000 GHz/);
			expect(standardFluxJy(source, 2e9)).toBeGreaterThan(5);
		}
	});

	test("knows its sources by all their names", () => {
		for (const name of ["3C286", "3c 286", "1331+305", "J1331+3030", "1328+307"]) {
			expect(standardSource(name)?.name).toBe("3C286");
		}
		expect(standardSource("3C999")).toBeUndefined();
	});
});

describe("reading the list", () => {
	test("one source of several bands", () => {
		const text = [HEADING, row("20cm", "L", "P,S,W,X,0.52,45,NaN"), row("6cm", "C", "?,s,P,NaN,0.8,NaN,100")].join(
			"\n",
		);
		const { calibrators, problems } = parseCalibratorList(text, "list.csv");
		expect(problems).toEqual([]);
		expect(calibrators).toHaveLength(1);
		const [source] = calibrators;
		expect(source.raDeg).toBeCloseTo((5 / 60 + 57.175409 / 3600) * 15, 10);
		expect(source.decDeg).toBeCloseTo(38 + 20 / 60 + 15.14857 / 3600, 10);
		expect(source.aliases).toEqual(["0003+380", "CJ2"]);
		expect(source.bands[0]).toEqual({
			band: "L",
			frequencyHz: LIST_BANDS.L,
			fluxJy: 0.52,
			quality: { A: "P", B: "S", C: "W", D: "X" },
			uvMinKilolambda: 45,
			uvMaxKilolambda: undefined,
		});
		expect(source.bands[1].quality).toEqual({ A: undefined, B: "S", C: "P", D: undefined });
	});

	test("a flux density of zero is none", () => {
		const { calibrators } = parseCalibratorList(`${HEADING}\n${row("20cm", "L", "P,P,P,P,0.0,NaN,NaN")}`, "list.csv");
		expect(calibrators[0].bands[0].fluxJy).toBeUndefined();
		expect(calibratorFlux(calibrators[0], 1.4e9)).toBeUndefined();
	});

	test("rows that cannot be read are named, the others read", () => {
		const text = [
			HEADING,
			row("20cm", "X", "P,P,P,P,1,NaN,NaN"),
			row("17cm", "L", "P,P,P,P,1,NaN,NaN"),
			row("6cm", "C", "P,P,P,P,1,NaN,NaN"),
			row("6cm", "C", "P,P,P,P,2,NaN,NaN"),
			'1234+567,,A,A,12h34m99s,"56d00\'00""",,,6cm,C,P,P,P,P,1,,',
		].join("\r\n");
		const { calibrators, problems } = parseCalibratorList(text, "list.csv");
		expect(calibrators.map((each) => each.bands.length)).toEqual([1]);
		expect(problems.map(({ row }) => row)).toEqual([2, 3, 5, 6]);
		expect(problems[0].reason).toMatch(/20cm has the letter X/);
		expect(problems[2].reason).toMatch(/occurs twice/);
	});

	test.each([
		["", /no column/],
		["a,b,c\n1,2,3", /no column J2000_NAME/],
		[HEADING, /no rows/],
		[`${HEADING}\nx,y,z`, /cannot be read/],
	])("%j is no list", (text, message) => {
		expect(() => parseCalibratorList(text, "list.csv")).toThrow(message);
	});
});

describe("flux densities from the list", () => {
	const source = (fluxes: Partial<Record<keyof typeof LIST_BANDS, number>>): Calibrator => ({
		name: "x",
		aliases: [],
		raDeg: 10,
		decDeg: 10,
		positionClass: undefined,
		bands: Object.entries(fluxes).map(([band, fluxJy]) => ({
			band: band as keyof typeof LIST_BANDS,
			frequencyHz: LIST_BANDS[band as keyof typeof LIST_BANDS],
			fluxJy,
			quality: { A: undefined, B: undefined, C: undefined, D: undefined },
			uvMinKilolambda: undefined,
			uvMaxKilolambda: undefined,
		})),
	});

	test("are the list's own in its band", () => {
		const flux = calibratorFlux(source({ L: 2, C: 1 }), 1.45e9);
		expect(flux).toMatchObject({ origin: "list", bands: ["L"] });
		expect(flux?.fluxJy).toBeCloseTo(2, 12);
		expect(flux?.fluxErrJy).toBeCloseTo(0.2, 12);
	});

	test("are interpolated between bands on a power law", () => {
		const law = (hz: number) => 3 * (hz / 1e9) ** -0.7;
		const flux = calibratorFlux(source({ P: law(LIST_BANDS.P), C: law(LIST_BANDS.C) }), 1.4e9);
		expect(flux?.origin).toBe("interpolated");
		expect(flux?.fluxJy).toBeCloseTo(law(1.4e9), 10);
		expect((flux?.fluxErrJy ?? 0) / (flux?.fluxJy ?? 1)).toBeCloseTo(0.172, 3);
	});

	test("are extrapolated with an error that grows with the distance, never invented", () => {
		const errors = (["C", "X", "U", "Q"] as const).map((band) => {
			const flux = calibratorFlux(source({ [band]: 1 }), 1.4e9);
			expect(flux).toMatchObject({ origin: "extrapolated", bands: [band] });
			return (flux?.fluxErrJy ?? 0) / (flux?.fluxJy ?? 1);
		});
		expect(errors).toEqual([...errors].sort((a, b) => a - b));
		expect(errors[0]).toBeGreaterThan(0.4);
		expect(errors[3]).toBeLessThan(1);
	});

	test("of standard sources are those of the scale", () => {
		const standard: Calibrator = { ...source({ L: 99 }), raDeg: 202.7845, decDeg: 30.5092 };
		expect(standardOf(standard)?.name).toBe("3C286");
		expect(calibratorFlux(standard, 1.4e9)).toMatchObject({ origin: "perley-butler-2017" });
		expect(calibratorFlux(standard, 1.4e9)?.fluxJy).toBeCloseTo(15.08, 2);
	});

	test("at no frequency are refused", () => {
		expect(() => calibratorFlux(source({ L: 1 }), 0)).toThrow(/not a frequency/);
	});
});

describe.skipIf(!hasSharedData)("the real VLA list", () => {
	const path = hasSharedData ? sharedData("dsa110", "vla_calibrators.csv") : "";
	const { calibrators, problems } = hasSharedData
		? parseCalibratorList(readFileSync(path, "utf8"), path)
		: { calibrators: [], problems: [] };

	test("is read whole, with its odd rows named", () => {
		expect(calibrators).toHaveLength(1855);
		// One row of 20 cm with the letter X, and three bands that occur twice.
		expect(problems).toHaveLength(4);
		// 1,033 rows of 20 cm; three carry no flux density or zero.
		const withL = calibrators.filter((each) => each.bands.some((band) => band.band === "L"));
		expect(withL).toHaveLength(1033);
	});

	test("finds sources by every name and gives their quality", () => {
		const source = calibratorByName(calibrators, "3C286");
		expect(source?.name).toBe("1331+305");
		expect(calibratorByName(calibrators, "1331+305")).toBe(source);
		expect(calibratorByName(calibrators, "J1331+3030")).toBe(source);
		expect(calibratorByName(calibrators, "nothing")).toBeUndefined();
		if (source !== undefined) expect(calibratorQuality(source, "C", 1.4e9)).toMatchObject({ band: "L", letter: "P" });
		const limited = calibratorByName(calibrators, "0006-063");
		if (limited !== undefined) {
			expect(calibratorQuality(limited, "C", 1.4e9)).toMatchObject({ letter: "X", uvMinKilolambda: 45 });
		}
	});

	test("predicts its own 20 cm row from the others within the errors it states", () => {
		let inside = 0;
		let all = 0;
		let bias = 0;
		for (const each of calibrators) {
			const truth = each.bands.find((band) => band.band === "L")?.fluxJy;
			const others = each.bands.filter((band) => band.band !== "L");
			if (truth === undefined || standardOf(each) !== undefined) continue;
			const flux = calibratorFlux({ ...each, bands: others }, 1.45e9);
			if (flux === undefined) continue;
			const pull = Math.log(truth / flux.fluxJy) / (flux.fluxErrJy / flux.fluxJy);
			all += 1;
			bias += pull;
			if (Math.abs(pull) < 1) inside += 1;
		}
		expect(all).toBeGreaterThan(800);
		// One standard error holds two thirds.
		expect(inside / all).toBeGreaterThan(0.6);
		expect(inside / all).toBeLessThan(0.8);
		expect(Math.abs(bias / all)).toBeLessThan(0.25);
	});

	test("every source has a flux density at 1.4 GHz or none in any band", () => {
		for (const each of calibrators) {
			const flux = calibratorFlux(each, 1.4e9);
			expect(flux === undefined).toBe(
				each.bands.every((band) => band.fluxJy === undefined) && standardOf(each) === undefined,
			);
			if (flux !== undefined)
				expect(flux.fluxJy > 0 && flux.fluxErrJy > 0 && Number.isFinite(flux.fluxErrJy)).toBe(true);
		}
	});
});
