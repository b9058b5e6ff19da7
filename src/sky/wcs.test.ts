import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { randomHeaders, type WcsCase } from "../../test/oracle/random-headers.ts";
import { compareWcs, type WcsAnswer } from "../../test/oracle/wcs-comparison.ts";
import { CausticError } from "../error.ts";
import { destination, positionAngleDeg, separationDeg, tangentOffsets } from "./separation.ts";
import { CelestialWcs } from "./wcs.ts";

const SIMPLE = {
	CTYPE1: "RA---SIN",
	CTYPE2: "DEC--SIN",
	CRVAL1: 150,
	CRVAL2: -30,
	CRPIX1: 101,
	CRPIX2: 51,
	CDELT1: -0.001,
	CDELT2: 0.001,
};
type Cards = Record<string, string | number | boolean>;
const read = (cards: Cards, naxis = 2) => CelestialWcs.fromHeader(new Map(Object.entries(cards)), naxis);
const without = (cards: Cards, ...keys: string[]) =>
	Object.fromEntries(Object.entries(cards).filter(([key]) => !keys.includes(key)));

describe("recorded answers of wcslib through astropy", () => {
	const recorded = JSON.parse(readFileSync(new URL("../../test/oracle/wcs-vectors.json", import.meta.url), "utf8")) as [
		WcsCase,
		WcsAnswer,
	][];
	const result = compareWcs(
		recorded.map(([item]) => item),
		recorded.map(([, answer]) => answer),
	);

	test("cover every projection and every frame", () => {
		const wcs = recorded
			.filter(([, answer]) => answer.refused === undefined)
			.map(([item]) => read(item.cards, item.naxis));
		expect(new Set(wcs.map((each) => each.projection))).toEqual(
			new Set(["SIN", "TAN", "ARC", "STG", "ZEA", "CAR", "CEA", "MOL", "SFL", "AIT"]),
		);
		expect(new Set(wcs.map((each) => each.frame.name))).toEqual(new Set(["icrs", "fk5", "fk4", "galactic"]));
		expect(result.points).toBeGreaterThan(500);
	});

	test("agree to 1e-9 degrees, with NaN and refusals at the same places", () => {
		expect(result.disagreements).toEqual([]);
		expect(result.worst.sky).toBeLessThan(1e-9);
		expect(result.worst.icrs).toBeLessThan(1e-9);
		expect(result.worst.back).toBeLessThan(1e-9);
		expect(result.worst.pixel).toBeLessThan(1e-9);
	});
});

describe("reading a header", () => {
	test("pixels are 0-based", () => {
		const wcs = read(SIMPLE);
		expect(wcs.pixelToSky(100, 50)[0]).toBeCloseTo(150, 12);
		expect(wcs.pixelToSky(100, 50)[1]).toBeCloseTo(-30, 12);
		expect(wcs.skyToPixel(150, -30)[0]).toBeCloseTo(100, 9);
		expect(wcs.pixelToSky(0, 50)[0]).toBeGreaterThan(150.1);
	});

	test("finds the axes in any order and lets x follow the first celestial axis", () => {
		const plain = read(SIMPLE);
		const turned = read(
			{
				CTYPE1: "FREQ",
				CTYPE2: "DEC--SIN",
				CTYPE4: "RA---SIN",
				CRVAL4: 150,
				CRVAL2: -30,
				CRPIX4: 101,
				CRPIX2: 51,
				CDELT4: -0.001,
				CDELT2: 0.001,
			},
			4,
		);
		expect([turned.longitudeAxis, turned.latitudeAxis]).toEqual([3, 1]);
		expect([...turned.pixelToSky(33, 77)]).toEqual([...plain.pixelToSky(77, 33)]);
		expect([...turned.skyToPixel(150.01, -30.02)].reverse()).toEqual([...plain.skyToPixel(150.01, -30.02)]);
	});

	test("celestial cards beyond NAXIS are found through WCSAXES and a third axis does not disturb", () => {
		expect(read({ ...SIMPLE, WCSAXES: 4, CTYPE3: "FREQ", CRVAL3: 1.4e9 }).projection).toBe("SIN");
	});

	test("old forms of the matrix agree", () => {
		const angle = 25;
		const c = Math.cos((angle * Math.PI) / 180);
		const s = Math.sin((angle * Math.PI) / 180);
		const crota = read({ ...SIMPLE, CROTA2: angle });
		const pc = read({ ...SIMPLE, PC001001: c, PC001002: s, PC002001: -s, PC002002: c });
		const cd = read({
			...without(SIMPLE, "CDELT1", "CDELT2"),
			CD1_1: -0.001 * c,
			CD1_2: -0.001 * s,
			CD2_1: -0.001 * s,
			CD2_2: 0.001 * c,
		});
		const pc2 = read({ ...SIMPLE, PC01_01: c, PC01_02: s, PC02_01: -s, PC02_02: c });
		for (const other of [pc, cd, pc2]) {
			const [a, b] = [crota.pixelToSky(7, 190), other.pixelToSky(7, 190)];
			expect(separationDeg(a[0], a[1], b[0], b[1])).toBeLessThan(1e-12);
		}
	});

	test("units of angle other than degrees are converted", () => {
		const arcsec = read({ ...SIMPLE, CUNIT1: "deg", CUNIT2: "arcsec", CRVAL2: -108000, CDELT2: 3.6 });
		expect(arcsec.pixelToSky(10, 20)[1]).toBeCloseTo(read(SIMPLE).pixelToSky(10, 20)[1], 11);
	});

	test("frame follows RADESYS, else EQUINOX, else ICRS", () => {
		const frame = (cards: Cards) => read({ ...SIMPLE, ...cards }).frame;
		expect(frame({}).name).toBe("icrs");
		expect(frame({ EQUINOX: 2000 })).toEqual({ name: "fk5", equinox: 2000 });
		expect(frame({ EPOCH: 1950 })).toEqual({ name: "fk4", equinox: 1950 });
		expect(frame({ EQUINOX: "J2000.0" }).name).toBe("fk5");
		expect(frame({ EQUINOX: 2000, RADESYS: "ICRS" }).name).toBe("icrs");
		expect(frame({ RADECSYS: "FK5" })).toEqual({ name: "fk5", equinox: 2000 });
		expect(frame({ RADESYS: "FK4", "DATE-OBS": "1984-01-01" }).epochMjd).toBe(45700);
	});

	const refusals: [string, Cards, string, string][] = [
		["no celestial axes", { CTYPE1: "LINEAR" }, "no-wcs", "CTYPE1"],
		["two longitudes", { CTYPE2: "RA---SIN" }, "bad-wcs", "CTYPE2"],
		["projections that differ", { CTYPE2: "DEC--TAN" }, "bad-wcs", "CTYPE2"],
		["an unknown projection", { CTYPE1: "RA---XPH", CTYPE2: "DEC--XPH" }, "unsupported-wcs", "CTYPE2"],
		["no projection", { CTYPE1: "RA" }, "unsupported-wcs", "CTYPE1"],
		["a distortion", { CTYPE1: "RA---TAN-SIP" }, "unsupported-wcs", "CTYPE1"],
		["ecliptic axes", { CTYPE1: "ELON-SIN" }, "unsupported-wcs", "CTYPE1"],
		["a text for a number", { CRPIX1: "middle" }, "bad-card", "CRPIX1"],
		["NaN", { CDELT2: Number.NaN }, "bad-card", "CDELT2"],
		["a pixel of no size", { CDELT1: 0 }, "bad-wcs", "CDELT1"],
		["a singular matrix", { CD1_1: 1, CD1_2: 1, CD2_1: 1, CD2_2: 1 }, "bad-wcs", "CD1_1"],
		["CD beside PC", { CD1_1: 1, CD2_2: 1, PC1_2: 0.1 }, "bad-wcs", "PC1_2"],
		["a mixed axis", { CTYPE3: "FREQ", PC1_3: 0.2 }, "unsupported-wcs", "PC1_3"],
		["a latitude beyond the pole", { CRVAL2: 91 }, "bad-wcs", "CRVAL2"],
		["a strange unit", { CUNIT1: "Hz" }, "bad-wcs", "CUNIT1"],
		["an unknown frame", { RADESYS: "GAPPT" }, "unsupported-wcs", "RADESYS"],
		["an equinox that is no year", { EQUINOX: 51544 }, "bad-card", "EQUINOX"],
		["CROTA on the wrong axis", { CROTA1: 10 }, "bad-wcs", "CROTA1"],
		["NCP on the equator", { CTYPE1: "RA---NCP", CTYPE2: "DEC--NCP", CRVAL2: 0 }, "bad-wcs", "CRVAL2"],
	];
	test.each(refusals)("refuses %s, naming the card", (_, cards, code, subject) => {
		let caught: unknown;
		try {
			read({ ...SIMPLE, ...cards }, 3);
		} catch (error) {
			caught = error;
		}
		expect(caught).toBeInstanceOf(CausticError);
		expect((caught as CausticError).code).toBe(code);
		expect((caught as CausticError).subject).toBe(subject);
		expect((caught as CausticError).remedy).toBeTruthy();
	});

	test.each(["CRVAL1", "CRPIX2", "CDELT1"])("refuses a header without %s", (keyword) => {
		expect(() => read(without(SIMPLE, keyword))).toThrow(/lacks the card/);
	});
});

test("a hostile header gives a coordinate system or one clear error, never anything else", () => {
	const value = fc.oneof(
		fc.double(),
		fc.constantFrom<string | number | boolean>(
			"",
			"x",
			" 12 ",
			true,
			0,
			1e308,
			-1e308,
			5e-324,
			91,
			360,
			1e9,
			"RA---SIN",
			"deg",
		),
	);
	const keywords =
		"CTYPE1 CTYPE2 CTYPE3 CRVAL1 CRVAL2 CRPIX1 CDELT1 CDELT2 CROTA2 PC1_2 CD2_1 PV2_1 PV2_2 PV1_3 LONPOLE LATPOLE CUNIT1 " +
		"RADESYS EQUINOX WCSAXES MJD-OBS DATE-OBS";
	const keyword = fc.constantFrom(...keywords.split(" "));
	const projection = fc.constantFrom("SIN", "NCP", "TAN", "ARC", "STG", "ZEA", "CAR", "CEA", "AIT", "MOL", "SFL");
	fc.assert(
		fc.property(projection, fc.array(fc.tuple(keyword, value), { maxLength: 4 }), (code, changes) => {
			const cards: Cards = {
				...SIMPLE,
				CTYPE1: `RA---${code}`,
				CTYPE2: `DEC--${code}`,
				...Object.fromEntries(changes),
			};
			let wcs: CelestialWcs;
			try {
				wcs = read(cards);
			} catch (error) {
				expect(error).toBeInstanceOf(CausticError);
				return;
			}
			const [lon, lat] = wcs.pixelToIcrs(3, 4);
			expect(Number.isNaN(lon) || (lon >= 0 && lon < 360 && Math.abs(lat) <= 90)).toBe(true);
			expect(wcs.icrsToPixel(12, 34)).toHaveLength(2);
		}),
		{ seed: 3, numRuns: 3000 },
	);
});

describe("geometry at a pixel", () => {
	const cases = randomHeaders(77, 260, 4);

	test("the Jacobian is the derivative of true angles, on every projection", () => {
		let compared = 0;
		let worst = 0;
		for (const item of cases) {
			let wcs: CelestialWcs;
			try {
				wcs = read(item.cards, item.naxis);
			} catch {
				continue;
			}
			for (let k = 1; k < item.x.length; k++) {
				const [x, y] = [item.x[k], item.y[k]];
				const jacobian = wcs.jacobianAt(x, y);
				const [lon, lat] = wcs.pixelToSky(x, y);
				const scale = Math.hypot(...Object.values(jacobian));
				// Half a pole's distance is where east and north are still straight over the step.
				if (Number.isNaN(lon) || !(scale < 50) || 90 - Math.abs(lat) < 1) continue;
				const step = 2e-4 / scale;
				const offset = (dx: number, dy: number) => {
					const [a, b] = wcs.pixelToSky(x + dx, y + dy);
					return tangentOffsets(lon, lat, a, b);
				};
				const slope = (plus: number[], minus: number[]) => plus.map((value, i) => (value - minus[i]) / (2 * step));
				const [ex, nx] = slope(offset(step, 0), offset(-step, 0));
				const [ey, ny] = slope(offset(0, step), offset(0, -step));
				const difference = Math.hypot(
					ex - jacobian.eastPerX,
					ey - jacobian.eastPerY,
					nx - jacobian.northPerX,
					ny - jacobian.northPerY,
				);
				if (Number.isNaN(difference)) continue;
				worst = Math.max(worst, difference / scale);
				compared += 1;
			}
		}
		expect(compared).toBeGreaterThan(400);
		expect(worst).toBeLessThan(1e-7);
	});

	test("the reference Jacobian of an unrotated image is its pixel", () => {
		const { eastPerX, eastPerY, northPerX, northPerY } = read(SIMPLE).referenceJacobian;
		expect(eastPerX).toBeCloseTo(-0.001, 15);
		expect(northPerY).toBeCloseTo(0.001, 15);
		expect(Math.abs(eastPerY) + Math.abs(northPerX)).toBeLessThan(1e-18);
	});

	test("at a pole the reference Jacobian has the north of CRVAL1", () => {
		const { eastPerX, northPerY } = read({ ...SIMPLE, CRVAL1: 77, CRVAL2: -90 }).referenceJacobian;
		expect(eastPerX).toBeCloseTo(-0.001, 12);
		expect(northPerY).toBeCloseTo(0.001, 12);
	});

	test("the offset between norths turns ICRS position angles into those of the image", () => {
		const header = { ...SIMPLE, CTYPE1: "GLON-SIN", CTYPE2: "GLAT-SIN", CRVAL1: 120, CRVAL2: 10 };
		for (const cards of [header, { ...SIMPLE, EQUINOX: 1950 }, { ...SIMPLE, EQUINOX: 2000, CRVAL2: 88 }]) {
			const wcs = read(cards);
			const [ra, dec] = wcs.pixelToIcrs(40, 70);
			const [ra2, dec2] = destination(ra, dec, 35, 1e-3);
			const [a, b] = [wcs.pixelToSky(40, 70), wcs.icrsToPixel(ra2, dec2)];
			const [lon2, lat2] = wcs.pixelToSky(b[0], b[1]);
			const expected = positionAngleDeg(a[0], a[1], lon2, lat2);
			const turned = (35 + wcs.northOffsetDeg(40, 70) + 720) % 360;
			expect(Math.abs(((turned - expected + 540) % 360) - 180)).toBeLessThan(1e-4);
		}
		expect(read(SIMPLE).northOffsetDeg(3, 4)).toBe(0);
	});

	test("what is outside the map is NaN both ways", () => {
		const wcs = read({ ...SIMPLE, CDELT1: -1, CDELT2: 1 });
		expect(wcs.pixelToSky(100 + 58, 50).every(Number.isNaN)).toBe(true);
		expect(wcs.skyToPixel(150, 61).every(Number.isNaN)).toBe(true);
		expect(Number.isNaN(wcs.jacobianAt(170, 50).eastPerX)).toBe(true);
		expect(Number.isNaN(wcs.skyToPixel(150, 95)[0])).toBe(true);
		expect(Number.isNaN(wcs.pixelToSky(Number.NaN, 3)[0])).toBe(true);
	});

	test("many places at once equal one by one", () => {
		const wcs = read({ ...SIMPLE, EQUINOX: 1950 });
		const ra = Float64Array.of(149.9, 150.0, 150.3, 330);
		const dec = Float64Array.of(-30.1, -30, -29.7, 30);
		const { x, y } = wcs.icrsToPixels(ra, dec);
		ra.forEach((_, i) => expect([x[i], y[i]]).toEqual([...wcs.icrsToPixel(ra[i], dec[i])]));
		expect(Number.isNaN(x[3])).toBe(true);
	});
});
