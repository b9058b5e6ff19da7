import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { askPython, pythonWith } from "../../../test/oracle/python.ts";
import { CausticError } from "../../error.ts";
import { Random } from "../../simulation/random.ts";
import { readFitsCube } from "./cube.ts";
import { readFitsImage, readFitsPlane } from "./image.ts";
import { decodeRice } from "./rice.ts";

const python = pythonWith("astropy", "numpy");
const script = fileURLToPath(new URL("../../../test/oracle/fits-oracle.py", import.meta.url));

describe("Rice decoding", () => {
	test("of a stream made by hand", () => {
		// 16-bit: first value 100; one block of code 2 (two low bits... here code - 1 = 1), differences 0, +1, -1, +2.
		const folded = [0, 2, 1, 4];
		const bits = `0000000001100100${"0010"}${folded.map((f) => `${"0".repeat(f >> 1)}1${f & 1}`).join("")}`;
		const bytes = Uint8Array.from(bits.padEnd(Math.ceil(bits.length / 8) * 8, "0").match(/.{8}/g) ?? [], (b) =>
			Number(`0b${b}`),
		);
		const out = new Int32Array(4);
		expect(decodeRice(bytes, { bytes: 2, block: 32 }, out)).toBe(true);
		expect(Array.from(out)).toEqual([100, 101, 100, 102]);
		expect(decodeRice(bytes.subarray(0, 2), { bytes: 2, block: 32 }, new Int32Array(400))).toBe(false);
	});

	test("of constant blocks and of an empty stream", () => {
		const out = new Int32Array(64);
		expect(decodeRice(Uint8Array.of(0, 0, 0, 9, 0, 0), { bytes: 4, block: 32 }, out)).toBe(true);
		expect(new Set(out)).toEqual(new Set([9]));
		expect(decodeRice(new Uint8Array(0), { bytes: 4, block: 32 }, out)).toBe(false);
	});
});

describe.skipIf(python === undefined)("tile-compressed images beside astropy", () => {
	interface Described {
		path: string;
		shape: number[];
		nan: number;
		first: (number | null)[];
		cards: Record<string, string | number>;
	}
	let folder: string;
	let made: Described[];
	beforeAll(() => {
		folder = mkdtempSync(join(tmpdir(), "caustic-compressed-"));
		made = askPython<Described[]>(python as string, script, { compress: folder });
	});
	afterAll(() => rmSync(folder, { recursive: true, force: true }));

	test("every method, type, tiling and dithering gives the pixels of astropy", async () => {
		expect(made.length).toBe(62);
		for (const { path, shape, first, cards } of made) {
			const planes = shape.length > 2 ? shape.slice(2).reduce((a, b) => a * b, 1) : 1;
			for (let plane = 0; plane < planes; plane++) {
				const { plane: got, header } = await readFitsPlane(path, { plane, precision: "float64" });
				expect([path, got.width, got.height]).toEqual([path, shape[0], shape[1]]);
				const want = first.slice(plane * got.data.length, (plane + 1) * got.data.length);
				const wrong = want.findIndex((value, i) =>
					value === null
						? !Number.isNaN(got.data[i])
						: // astropy restores single precision in single precision.
							!(Math.abs(got.data[i] - value) <= 3e-7 * Math.max(1, Math.abs(value))),
				);
				expect([path, plane, wrong, got.data[wrong], want[wrong]]).toEqual([path, plane, -1, undefined, undefined]);
				for (const [keyword, value] of Object.entries(cards)) expect(header.get(keyword)).toBe(value);
				expect(header.has("ZIMAGE") || header.has("TFIELDS")).toBe(false);
			}
		}
	});

	test("rows are cut out, and a whole image has its beam and coordinates", async () => {
		const { path, first, shape } = made.find((one) => one.path.includes("dither1-RICE_1-True")) as Described;
		const part = await readFitsImage(path, { rows: [17, 33], requireBeam: true });
		expect([part.plane.height, part.firstRow, part.imageHeight]).toEqual([16, 17, 53]);
		const want = first.slice(17 * shape[0], 33 * shape[0]);
		expect(want.every((value, i) => value === null || Math.abs(part.plane.data[i] - value) < 1e-6)).toBe(true);
		expect(part.wcs.projection).toBe("SIN");
		const packed = join(folder, "packed.fits.gz");
		writeFileSync(packed, gzipSync(readFileSync(path)));
		expect((await readFitsImage(packed, { rows: [17, 33] })).plane.data).toEqual(part.plane.data);
		const cube = made.find((one) => one.path.includes("cube-RICE_1-False")) as Described;
		expect((await readFitsCube(cube.path)).planes.length).toBe(2);
	});

	test("damage ends in one clear error", async () => {
		const random = new Random(4);
		const path = join(folder, "mutant");
		let errors = 0;
		for (let i = 0; i < 400; i++) {
			const bytes = readFileSync(made[random.integer(made.length)].path);
			for (let k = 0; k < 1 + random.integer(8); k++) {
				bytes[2880 + random.integer(bytes.length - 2880)] ^= 1 << random.integer(8);
			}
			writeFileSync(path, random.uniform() < 0.3 ? bytes.subarray(0, random.integer(bytes.length)) : bytes);
			try {
				await readFitsPlane(path, { plane: 0 });
			} catch (error) {
				if (!(error instanceof CausticError)) throw error;
				expect(error.subject).toContain(path);
				errors += 1;
			}
		}
		expect(errors).toBeGreaterThan(100);
		// Not read, and named: HCOMPRESS and PLIO.
		const text = readFileSync(made[0].path);
		const at = text.indexOf("RICE_1  ");
		text.write("PLIO_1  ", at, "latin1");
		writeFileSync(path, text);
		await expect(readFitsPlane(path)).rejects.toThrow(/ZCMPTYPE = PLIO_1 are not read/);
	});
});
