import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CausticError } from "../../error.ts";
import { Random } from "../../simulation/random.ts";
import { type CardToWrite, headerBlock } from "./card-text.ts";
import { readFitsCube } from "./cube.ts";
import { readFitsHeaders } from "./file.ts";
import { readFitsImage, readFitsPlane } from "./image.ts";
import { readFitsTable, writeFitsTable } from "./table.ts";
import { writeFitsImage } from "./write.ts";

let folder: string;
beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), "caustic-fuzz-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SKY: CardToWrite[] = [
	["BUNIT", "Jy/beam"],
	["CTYPE1", "RA---SIN"],
	["CTYPE2", "DEC--SIN"],
	["CRVAL1", 150],
	["CRVAL2", -30],
	["CRPIX1", 10],
	["CRPIX2", 10],
	["CDELT1", -1 / 1200],
	["CDELT2", 1 / 1200],
	["BMAJ", 0.004],
	["BMIN", 0.003],
	["BPA", 30],
	["CTYPE3", "FREQ"],
	["CRVAL3", 1.4e9],
	["CDELT3", 1e6],
	["CRPIX3", 1],
	["DATE-OBS", "2024-01-01T00:00:00"],
	["EXPTIME", 600],
	["LONG", "a long string ".repeat(12)],
	["HISTORY", "AIPS   CLEAN BMAJ=  4.2500E-03 BMIN=  3.5417E-03 BPA=  -4.45"],
];

/** One good file of every kind. */
async function seeds(): Promise<Buffer[]> {
	const plane = { width: 20, height: 18, data: Float64Array.from({ length: 360 }, (_, i) => Math.sin(i)) };
	plane.data[7] = Number.NaN;
	const files: Buffer[] = [];
	const keep = async (name: string, write: (path: string) => Promise<void>) => {
		const path = join(folder, name);
		await write(path);
		files.push(readFileSync(path));
	};
	for (const bitpix of [-32, -64, 16, 32] as const) {
		await keep(`image${bitpix}.fits`, (path) => writeFitsImage(path, plane, SKY, { bitpix }));
	}
	await keep("packed.fits.gz", (path) => writeFitsImage(path, plane, SKY, { gzip: true }));
	await keep("table.fits", (path) =>
		writeFitsTable(path, {
			rows: 30,
			columns: [
				{ name: "BMAJ", kind: "number", unit: "arcsec", values: new Float64Array(30).fill(14) },
				{ name: "BMIN", kind: "number", unit: "arcsec", values: new Float64Array(30).fill(11) },
				{ name: "BPA", kind: "number", values: new Float64Array(30) },
				{ name: "CHAN", kind: "integer", values: Float64Array.from({ length: 30 }, (_, i) => i) },
				{ name: "NAME", kind: "text", values: Array.from({ length: 30 }, (_, i) => `n${i}`) },
				{ name: "OK", kind: "boolean", values: new Float64Array(30) },
			],
			name: "BEAMS",
		}),
	);
	// A cube with a table of beams, and an ASCII table.
	const cube = headerBlock(
		[
			["SIMPLE", true],
			["BITPIX", -32],
			["NAXIS", 3],
			["NAXIS1", 10],
			["NAXIS2", 12],
			["NAXIS3", 6],
			...SKY.filter(([keyword]) => !keyword.startsWith("BM") && keyword !== "HISTORY"),
			["CASAMBM", true],
		],
		"cube",
	);
	files.push(Buffer.concat([cube, Buffer.alloc(2880), files[5].subarray(2880)]));
	const ascii = headerBlock(
		[
			["XTENSION", "TABLE"],
			["BITPIX", 8],
			["NAXIS", 2],
			["NAXIS1", 16],
			["NAXIS2", 20],
			["PCOUNT", 0],
			["GCOUNT", 1],
			["TFIELDS", 2],
			["TBCOL1", 1],
			["TFORM1", "F8.3"],
			["TBCOL2", 9],
			["TFORM2", "A8"],
		],
		"ascii",
	);
	files.push(
		Buffer.concat([files[5].subarray(0, 2880), ascii, Buffer.alloc(320, "   1.500 name   "), Buffer.alloc(2560, 32)]),
	);
	return files;
}

const HOSTILE = [
	"9223372036854775807",
	"-1",
	"0",
	"1E300",
	"2147483648",
	"99999999",
	"1.5",
	"'text'",
	"T",
	"",
	"NaN",
	"'1PE(99999999)'",
	"'9999999999D'",
	"'RA---TAN'",
	"'STOKES'",
	"64",
	"8",
	"-64",
	"'mJy/beam'",
	"'&'",
	"/",
];

/** One of the ways in which files get damaged, or are made to do damage. */
function mutate(random: Random, seed: Buffer): Buffer {
	const bytes = Buffer.from(seed);
	switch (random.integer(6)) {
		case 0:
			return bytes.subarray(0, random.integer(bytes.length));
		case 1: {
			for (let i = 0; i < 1 + random.integer(20); i++) bytes[random.integer(bytes.length)] ^= 1 << random.integer(8);
			return bytes;
		}
		case 2:
		case 3: {
			// A header card gets another value.
			for (let i = 0; i < 1 + random.integer(3); i++) {
				const card = 80 * random.integer(Math.min(70, Math.floor(bytes.length / 80)));
				if (bytes[card + 8] === 61) {
					bytes.write(` ${HOSTILE[random.integer(HOSTILE.length)]}`.padEnd(71), card + 9, 71, "latin1");
				}
			}
			return bytes;
		}
		case 4: {
			// A piece is overwritten, repeated or left out.
			const from = random.integer(bytes.length);
			const length = random.integer(Math.min(3000, bytes.length - from));
			if (random.uniform() < 0.3) return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + length)]);
			if (random.uniform() < 0.5) bytes.fill(random.integer(256), from, from + length);
			return Buffer.concat([bytes.subarray(0, from + length), bytes.subarray(from)]);
		}
		default: {
			// A card is moved over another: keywords twice, END early, structure out of order.
			const cards = Math.min(60, Math.floor(bytes.length / 80));
			bytes.copy(bytes, 80 * random.integer(cards), 80 * random.integer(cards), 80 * random.integer(cards) + 80);
			return bytes;
		}
	}
}

describe("damaged and hostile FITS files", () => {
	test("end in a reading or in one clear error, soon and in little memory", async () => {
		const seed = Number(process.env.CAUSTIC_FUZZ_SEED ?? 20_240_101);
		process.stderr.write(`caustic tests: CAUSTIC_FUZZ_SEED=${seed}\n`);
		const random = new Random(seed);
		const files = await seeds();
		const readers = [
			(path: string) => readFitsHeaders(path),
			(path: string) => readFitsImage(path),
			(path: string) => readFitsPlane(path, { plane: 0 }),
			(path: string) => readFitsCube(path),
			(path: string) => readFitsTable(path),
		];
		for (const [i, file] of files.entries()) {
			const path = join(folder, `seed${i}`);
			writeFileSync(path, file);
			const results = await Promise.allSettled(readers.map((read) => read(path)));
			expect(results.some(({ status }) => status === "fulfilled")).toBe(true);
		}
		const path = join(folder, "mutant");
		const before = process.memoryUsage().rss;
		let [readings, errors, slowest] = [0, 0, 0];
		const codes = new Set<string>();
		for (let i = 0; i < 2600; i++) {
			const original = files[random.integer(files.length)];
			let mutant = mutate(random, original);
			// Half of the packed ones are damaged inside the packing.
			if (original[0] === 0x1f && random.uniform() < 0.5) mutant = gzipSync(mutate(random, gunzipSync(original)));
			writeFileSync(path, mutant);
			for (let k = 0; k < 2; k++) {
				const read = readers[random.integer(readers.length)];
				const begun = performance.now();
				try {
					await read(path);
					readings += 1;
				} catch (error) {
					if (!(error instanceof CausticError)) {
						writeFileSync(join(tmpdir(), "caustic-fuzz-mutant.fits"), mutant);
						throw new Error(`seed ${seed}, mutant ${i}: ${(error as Error).stack}`, { cause: error });
					}
					expect(error.subject).toContain(path);
					codes.add(error.code);
					errors += 1;
				}
				slowest = Math.max(slowest, performance.now() - begun);
			}
		}
		expect(readings).toBeGreaterThan(500);
		expect(errors).toBeGreaterThan(2000);
		expect(codes.size).toBeGreaterThan(12);
		expect(process.memoryUsage().rss - before).toBeLessThan(400e6);
		expect(slowest).toBeLessThan(3000);
	});
});
