import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CausticError } from "../../error.ts";
import { type CardToWrite, headerBlock } from "./card-text.ts";
import { readFitsCube } from "./cube.ts";
import { readFitsHeaders } from "./file.ts";
import { readFitsImage, readFitsPlane } from "./image.ts";
import { writeFitsImage } from "./write.ts";

let folder: string;
beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), "caustic-fits-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const WCS: CardToWrite[] = [
	["CTYPE1", "RA---SIN"],
	["CTYPE2", "DEC--SIN"],
	["CRVAL1", 150],
	["CRVAL2", -30],
	["CRPIX1", 3],
	["CRPIX2", 2],
	["CDELT1", -1 / 1200],
	["CDELT2", 1 / 1200],
	["RADESYS", "ICRS"],
];
const BEAM: CardToWrite[] = [
	["BMAJ", 0.004],
	["BMIN", 0.003],
	["BPA", 30],
];
const SKY: CardToWrite[] = [["BUNIT", "Jy/beam"], ...WCS, ...BEAM];

/** A file from a header and raw big-endian data, padded to whole blocks. */
function raw(name: string, cards: CardToWrite[], data: Uint8Array, pad = true): string {
	const path = join(folder, name);
	const padding = pad ? Buffer.alloc((2880 - (data.length % 2880)) % 2880) : Buffer.alloc(0);
	writeFileSync(path, Buffer.concat([headerBlock(cards, path), data, padding]));
	return path;
}

const structure = (bitpix: number, ...naxis: number[]): CardToWrite[] => [
	["SIMPLE", true],
	["BITPIX", bitpix],
	["NAXIS", naxis.length],
	...naxis.map((length, i): CardToWrite => [`NAXIS${i + 1}`, length]),
];

function bigEndian(bitpix: number, values: number[]): Uint8Array {
	const width = Math.abs(bitpix) / 8;
	const view = new DataView(new ArrayBuffer(values.length * width));
	values.forEach((value, i) => {
		const at = i * width;
		if (bitpix === 8) view.setUint8(at, value);
		else if (bitpix === 16) view.setInt16(at, value);
		else if (bitpix === 32) view.setInt32(at, value);
		else if (bitpix === 64) view.setBigInt64(at, BigInt(value));
		else if (bitpix === -32) view.setFloat32(at, value);
		else view.setFloat64(at, value);
	});
	return new Uint8Array(view.buffer);
}

async function problem(work: Promise<unknown>): Promise<CausticError> {
	try {
		await work;
	} catch (error) {
		if (error instanceof CausticError) return error;
		throw error;
	}
	throw new Error("no error was thrown");
}

describe("FITS pixels", () => {
	const values = [0, 1, 2, 100, 127, 3];

	test.each([8, 16, 32, 64, -32, -64])("BITPIX %i", async (bitpix) => {
		const data = bitpix === 8 ? values : values.map((value, i) => (i % 2 === 0 ? value : -value));
		const path = raw(`b${bitpix}.fits`, [...structure(bitpix, 3, 2), ...SKY], bigEndian(bitpix, data));
		const { plane } = await readFitsImage(path);
		expect([plane.width, plane.height]).toEqual([3, 2]);
		expect(plane.data).toBeInstanceOf(Float32Array);
		expect(plane.data.buffer).toBeInstanceOf(SharedArrayBuffer);
		expect(Array.from(plane.data)).toEqual(data.map((value) => value + 0));
		const double = await readFitsImage(path, { precision: "float64" });
		expect(double.plane.data).toBeInstanceOf(Float64Array);
		expect(Array.from(double.plane.data)).toEqual(data);
	});

	test("BSCALE and BZERO each by itself, BLANK for integers only", async () => {
		const data = bigEndian(16, [10, 20, -32768, 0, 1, -1]);
		const read = async (...cards: CardToWrite[]) =>
			Array.from((await readFitsPlane(raw("s.fits", [...structure(16, 3, 2), ...cards], data))).plane.data);
		expect(await read(["BSCALE", 0.5])).toEqual([5, 10, -16384, 0, 0.5, -0.5]);
		expect(await read(["BZERO", 100])).toEqual([110, 120, -32668, 100, 101, 99]);
		expect(await read(["BLANK", -32768], ["BSCALE", 2], ["BZERO", 1])).toEqual([21, 41, Number.NaN, 1, 3, -1]);
		const floats = raw("f.fits", [...structure(-32, 2, 1), ["BLANK", 5]], bigEndian(-32, [5, Number.NaN]));
		expect(Array.from((await readFitsPlane(floats)).plane.data)).toEqual([5, Number.NaN]);
		const scaled = raw("g.fits", [...structure(-32, 2, 1), ["BZERO", 1]], bigEndian(-32, [5, -1]));
		expect(Array.from((await readFitsPlane(scaled)).plane.data)).toEqual([6, 0]);
	});

	test("rows, gzip by content, and the last block cut short", async () => {
		const data = Array.from({ length: 12 }, (_, i) => i);
		const path = raw("rows.fits", [...structure(-32, 3, 4), ...SKY], bigEndian(-32, data));
		const part = await readFitsImage(path, { rows: [1, 3] });
		expect(Array.from(part.plane.data)).toEqual([3, 4, 5, 6, 7, 8]);
		expect([part.plane.height, part.firstRow, part.imageHeight]).toEqual([2, 1, 4]);
		expect((await problem(readFitsImage(path, { rows: [2, 5] }))).message).toMatch(/rows 2 to 5/);
		const packed = join(folder, "packed.fits");
		writeFileSync(packed, gzipSync(readFileSync(path)));
		expect(Array.from((await readFitsImage(packed)).plane.data)).toEqual(data);
		expect(Array.from((await readFitsImage(packed, { rows: [3, 4] })).plane.data)).toEqual([9, 10, 11]);
		const short = raw("short.fits", [...structure(-32, 3, 4), ...SKY], bigEndian(-32, data), false);
		const image = await readFitsImage(short);
		expect(Array.from(image.plane.data)).toEqual(data);
		expect(image.warnings.join()).toMatch(/shorter than 2880/);
	});

	test.each([-32, -64, 16, 32] as const)("writes BITPIX %i and reads it back", async (bitpix) => {
		const data = Float64Array.from({ length: 700 * 3 }, (_, i) => Math.sin(i) * 0.01);
		data[5] = Number.NaN;
		const plane = { width: 700, height: 3, data };
		for (const gzip of [false, true]) {
			const path = join(folder, `written${bitpix}${gzip ? ".gz" : ""}`);
			await writeFitsImage(path, plane, [...SKY, ["CTYPE3", "FREQ"], ["CRVAL3", 1.4e9]], { bitpix, gzip });
			expect(readFileSync(path)[0]).toBe(gzip ? 0x1f : 0x53);
			const image = await readFitsImage(path, { precision: "float64" });
			expect(image.header.naxis).toEqual([700, 3, 1]);
			expect(image.frequencyHz).toBe(1.4e9);
			const tolerance = { [-64]: 0, [-32]: 1e-9, 16: 0.02 / 65534, 32: 1e-11 }[bitpix];
			for (let i = 0; i < data.length; i++) {
				if (i === 5) expect(image.plane.data[i]).toBeNaN();
				else expect(Math.abs(image.plane.data[i] - data[i])).toBeLessThanOrEqual(tolerance);
			}
		}
	});
});

describe("FITS image", () => {
	const one = bigEndian(-32, [1, 2, 3, 4, 5, 6]);

	test("carries coordinates, beam, frequency, Stokes and names", async () => {
		const cards: CardToWrite[] = [
			...structure(-32, 3, 2, 1, 1),
			...SKY,
			["CTYPE3", "STOKES"],
			["CRVAL3", 4],
			["CRPIX3", 1],
			["CDELT3", 1],
			["CTYPE4", "FREQ"],
			["CRVAL4", 900],
			["CRPIX4", 1],
			["CDELT4", 300],
			["CUNIT4", "MHz"],
			["DATE-OBS", "2024-01-01T00:00:00"],
			["EXPTIME", 600],
			["OBJECT", "field"],
			["TELESCOP", "DSA-110"],
		];
		const image = await readFitsImage(raw("full.fits", cards, one));
		expect(image.wcs.projection).toBe("SIN");
		const [ra, dec] = image.wcs.pixelToSky(2, 1);
		expect([ra, dec]).toEqual([expect.closeTo(150, 10), expect.closeTo(-30, 10)]);
		expect(image.beam).toEqual({ majorDeg: 0.004, minorDeg: 0.003, paDeg: 30 });
		expect(image.beamSource).toBe("header");
		expect([image.frequencyHz, image.bandwidthHz]).toEqual([900e6, 300e6]);
		expect(image.stokes).toBe("V");
		expect([image.object, image.telescope, image.unit]).toEqual(["field", "DSA-110", "Jy/beam"]);
		expect(image.time?.mjd).toBeCloseTo(60310 + 300 / 86400, 9);
		expect(image.warnings).toEqual([]);
	});

	test("a degenerate axis may come first", async () => {
		const cards: CardToWrite[] = [
			...structure(-32, 1, 3, 2),
			["BUNIT", "JY/BEAM"],
			["CTYPE1", "FREQ"],
			["CRVAL1", 1e9],
			...WCS.map(
				([keyword, value]): CardToWrite => [keyword.replace(/\d$/, (digit) => String(Number(digit) + 1)), value],
			),
		];
		const { plane, wcs, frequencyHz } = await readFitsImage(raw("first.fits", cards, one));
		expect([plane.width, plane.height]).toEqual([3, 2]);
		expect(wcs.pixelToSky(2, 1)[1]).toBeCloseTo(-30, 10);
		expect(frequencyHz).toBe(1e9);
		cards[3] = ["NAXIS1", 2];
		const error = await problem(readFitsImage(raw("first.fits", cards, Buffer.concat([one, one]))));
		expect(error.message).toMatch(/axis 1 \(FREQ, 2 long\)/);
	});

	test("a plane of a cube is chosen, never assumed", async () => {
		const cards: CardToWrite[] = [
			...structure(-32, 1, 1, 3, 2),
			...SKY,
			["CTYPE3", "FREQ"],
			["CRVAL3", 1e9],
			["CRPIX3", 1],
			["CDELT3", 1e6],
			["CTYPE4", "STOKES"],
			["CRVAL4", 1],
			["CRPIX4", 1],
			["CDELT4", 1],
		];
		const path = raw("cube.fits", cards, one);
		const error = await problem(readFitsImage(path));
		expect(error.code).toBe("plane-not-chosen");
		expect(error.message).toMatch(/axis 3 \(FREQ\) has 3 planes, axis 4 \(STOKES\) has 2/);
		expect(error.remedy).toMatch(/0 to 5/);
		const fifth = await readFitsImage(path, { plane: 4 });
		expect([fifth.plane.data[0], fifth.frequencyHz, fifth.stokes]).toEqual([5, 1.001e9, "Q"]);
		const byStokes = await readFitsImage(path, { plane: 2, stokes: "I" });
		expect([byStokes.plane.data[0], byStokes.frequencyHz, byStokes.stokes]).toEqual([3, 1.002e9, "I"]);
		expect((await problem(readFitsImage(path, { plane: 2, stokes: "V" }))).message).toMatch(/no Stokes V.*I, Q/);
		expect((await problem(readFitsImage(path, { plane: 6 }))).code).toBe("no-such-plane");
		const cube = await readFitsCube(path, { stokes: "Q" });
		expect(cube.planes.map((plane) => plane.data[0])).toEqual([4, 5, 6]);
		expect(Array.from(cube.frequenciesHz)).toEqual([1e9, 1.001e9, 1.002e9]);
	});

	test("units become Jy/beam or are refused", async () => {
		const read = (unit: string) =>
			readFitsImage(raw("unit.fits", [...structure(-32, 3, 2), ["BUNIT", unit], ...WCS], one));
		for (const unit of ["JY/BEAM", "Jy/beam", "Jy beam-1", "Jy beam^-1", "jy / beam"]) {
			expect((await read(unit)).plane.data[1]).toBe(2);
		}
		expect((await read("mJy/beam")).plane.data[1]).toBeCloseTo(0.002, 9);
		expect((await read("uJy/beam")).plane.data[1]).toBeCloseTo(2e-6, 12);
		for (const unit of ["K", "Jy/pixel", "MJY/BEAM", "Jy/beam.km/s", "counts"]) {
			const error = await problem(read(unit));
			expect([error.code, error.subject]).toEqual(["bad-unit", join(folder, "unit.fits")]);
		}
		const none = await readFitsImage(raw("none.fits", [...structure(-32, 3, 2), ...WCS], one));
		expect([none.unit, none.warnings.join()]).toEqual(["", expect.stringMatching(/no BUNIT/)]);
	});

	test("beams: plausible ones, the AIPS history, none", async () => {
		const read = (cards: CardToWrite[], requireBeam = false) =>
			readFitsImage(raw("beam.fits", [...structure(-32, 3, 2), ["BUNIT", "Jy/beam"], ...WCS, ...cards], one), {
				requireBeam,
			});
		for (const [major, minor] of [
			[14.4, 10.8],
			[0, 0],
			[-0.004, 0.003],
			[6.98e-5, 5.2e-5],
		]) {
			const error = await problem(
				read([
					["BMAJ", major],
					["BMIN", minor],
				]),
			);
			expect(error.code).toBe("bad-beam");
			expect(error.remedy).toMatch(/degrees/);
		}
		const swapped = await read([
			["BMAJ", 0.003],
			["BMIN", 0.004],
			["BPA", 10],
		]);
		expect(swapped.beam).toEqual({ majorDeg: 0.004, minorDeg: 0.003, paDeg: -80 });
		expect(swapped.warnings.join()).toMatch(/exchanged/);
		const aips = await read([
			["HISTORY", "AIPS   CLEAN BMAJ=  1.0000E-03 BMIN=  1.0000E-03 BPA=   0.00"],
			["HISTORY", "AIPS   CLEAN BMAJ=  4.2500E-03 BMIN=  3.5417E-03 BPA=  -4.45"],
		]);
		expect([aips.beam, aips.beamSource]).toEqual([
			{ majorDeg: 0.00425, minorDeg: 0.0035417, paDeg: -4.45 },
			"AIPS history",
		]);
		expect((await read([])).beam).toBeUndefined();
		expect((await problem(read([], true))).code).toBe("no-beam");
	});

	test("frequency from velocity axes, the rest frequency, or nowhere", async () => {
		const read = (cards: CardToWrite[]) =>
			readFitsImage(raw("freq.fits", [...structure(-32, 3, 2, 1), ...SKY, ...cards], one));
		const rest: CardToWrite = ["RESTFRQ", 1.42e9];
		const velocity = (type: string): CardToWrite[] => [rest, ["CTYPE3", type], ["CRVAL3", 3e6], ["CRPIX3", 1]];
		const beta = 3e6 / 299792458;
		expect((await read(velocity("VRAD"))).frequencyHz).toBeCloseTo(1.42e9 * (1 - beta), 1);
		expect((await read(velocity("VOPT"))).frequencyHz).toBeCloseTo(1.42e9 / (1 + beta), 1);
		const only = await read([rest]);
		expect([only.frequencyHz, only.warnings.join()]).toEqual([1.42e9, expect.stringMatching(/RESTFRQ/)]);
		expect((await read([])).frequencyHz).toBeUndefined();
		const absurd = await read([
			["CTYPE3", "FREQ"],
			["CRVAL3", 1.4],
		]);
		expect([absurd.frequencyHz, absurd.warnings.join()]).toEqual([undefined, expect.stringMatching(/not plausible/)]);
	});

	test("an image without a time says why", async () => {
		const image = await readFitsImage(raw("time.fits", [...structure(-32, 3, 2), ...SKY], one));
		expect(image.time).toBeUndefined();
		expect(image.timeProblem).toMatch(/DATE|MJD/);
	});
});

describe("what is not an image", () => {
	const data = bigEndian(-32, [1, 2, 3, 4, 5, 6]);

	test("is refused with one clear error that names the file", async () => {
		const write = (name: string, content: string | Uint8Array) => {
			const path = join(folder, name);
			writeFileSync(path, content);
			return path;
		};
		const good = raw("good.fits", [...structure(-32, 3, 2), ...SKY], data);
		const cut = raw("cut.fits", [...structure(-32, 300, 200), ...SKY], data);
		const inside = write("inside.fits", readFileSync(good).subarray(0, 1000));
		const packed = write("packed.gz", gzipSync(readFileSync(cut)));
		const half = write("half.gz", gzipSync(readFileSync(good)).subarray(0, 200));
		const cases: [string, string][] = [
			[write("empty.fits", ""), "not-fits"],
			[write("text.fits", "hello"), "not-fits"],
			[join(folder, "absent.fits"), "missing-file"],
			[folder, "not-a-file"],
			[inside, "bad-fits-header"],
			[cut, "truncated-fits"],
			[packed, "truncated-fits"],
			[half, "damaged-gzip"],
			[raw("noWcs.fits", [...structure(-32, 3, 2), ["BUNIT", "Jy/beam"]], data), "no-wcs"],
			[raw("line.fits", structure(-32, 6), data), "not-an-image"],
			[raw("nothing.fits", structure(8), new Uint8Array(0)), "not-an-image"],
			[raw("groups.fits", [...structure(-32, 0, 3), ["GROUPS", true], ["GCOUNT", 2]], data), "not-an-image"],
			[raw("huge.fits", [...structure(-64, 1e6, 1e6), ...SKY], data), "truncated-fits"],
			[raw("huger.fits", [...structure(-64, 9e15, 9e15), ...SKY], data), "bad-fits-header"],
		];
		for (const [path, code] of cases) {
			const error = await problem(readFitsImage(path));
			expect([path, error.code]).toEqual([path, code]);
			expect(error.subject).toContain(path);
		}
	});

	test("a header without end is given up after a bounded length", async () => {
		const path = join(folder, "endless.fits");
		writeFileSync(path, `${"SIMPLE  =                    T".padEnd(80)}${" ".repeat(80)}`);
		truncateSync(path, 60_000_000);
		const begun = performance.now();
		const error = await problem(readFitsHeaders(path));
		expect(error.message).toMatch(/no END card within 20 MiB/);
		expect(performance.now() - begun).toBeLessThan(5000);
	});

	test("a flipped bit in a gzipped image is caught by its checksum", async () => {
		const pixels = Buffer.alloc(400 * 4, 1);
		const path = join(folder, "flip.fits.gz");
		const bytes = gzipSync(readFileSync(raw("flip.fits", [...structure(-32, 20, 20), ...SKY], pixels)), { level: 0 });
		bytes[bytes.length - 3000] ^= 4;
		writeFileSync(path, bytes);
		expect((await problem(readFitsImage(path))).code).toBe("damaged-gzip");
	});

	test("headers are read without the data", async () => {
		const path = raw("sparse.fits", [...structure(-32, 50_000, 50_000), ...SKY], new Uint8Array(0));
		truncateSync(path, 2880 + 1e10);
		const headers = await readFitsHeaders(path);
		expect(headers.map((header) => header.naxis)).toEqual([[50_000, 50_000]]);
	});
});
