import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { askPython, pythonWith } from "../../../test/oracle/python.ts";
import { hasSharedData, sharedData } from "../../../test/shared-data.ts";
import { readFitsPlane } from "./image.ts";
import { writeFitsImage } from "./write.ts";

const python = pythonWith("astropy", "numpy");
const script = fileURLToPath(new URL("../../../test/oracle/fits-oracle.py", import.meta.url));

interface Described {
	path: string;
	shape: number[];
	sum: number;
	nan: number;
	first: (number | null)[];
	cards: Record<string, string | number | boolean>;
}

describe.skipIf(python === undefined)("FITS images beside astropy", () => {
	let folder: string;
	beforeAll(() => {
		folder = mkdtempSync(join(tmpdir(), "caustic-fits-"));
	});
	afterAll(() => rmSync(folder, { recursive: true, force: true }));
	const ask = (input: unknown) => askPython<Described[]>(python as string, script, input);

	async function compare(expected: Described): Promise<void> {
		const { plane, header } = await readFitsPlane(expected.path, { precision: "float64" });
		expect([plane.width, plane.height]).toEqual(expected.shape.slice(0, 2));
		let sum = 0;
		let size = 0;
		let nan = 0;
		for (const value of plane.data) {
			if (Number.isNaN(value)) nan += 1;
			else {
				sum += value;
				size += Math.abs(value);
			}
		}
		expect([expected.path, nan]).toEqual([expected.path, expected.nan]);
		expect(Math.abs(sum - expected.sum)).toBeLessThan(1e-12 * size + 1e-300);
		expected.first.forEach((value, i) => {
			if (value === null) expect(plane.data[i]).toBeNaN();
			else expect(Math.abs(plane.data[i] - value)).toBeLessThanOrEqual(1e-15 * Math.abs(value));
		});
		for (const [keyword, value] of Object.entries(expected.cards)) {
			const got = header.get(keyword);
			// astropy describes unsigned and scaled integers by the array that it made of them.
			if (["BITPIX", "BSCALE", "BZERO"].includes(keyword)) continue;
			if (typeof value === "number") expect([keyword, Number(got)]).toEqual([keyword, value]);
			else expect([keyword, got]).toEqual([keyword, value]);
		}
	}

	test("reads what astropy writes", async () => {
		const made = ask({ make: folder });
		expect(made.length).toBe(11);
		for (const expected of made) await compare(expected);
	});

	test.skipIf(!hasSharedData)("reads real and simulated images as astropy does", async () => {
		const names = [
			["vast-epochs", "epoch01.fits"],
			["vast-epochs", "epoch03.noiseMap.fits"],
			["parkes-1904-66", "image.fits"],
			["parkes-1904-66", "rms.fits"],
			["lofar-grb201006a", "image.fits"],
			["synthetic-512", "image.fits.gz"],
			["synthetic-512", "bkg.fits.gz"],
		].map((parts) => sharedData("images", ...parts));
		for (const expected of ask({ read: names })) await compare(expected);
	});

	test("writes what astropy accepts without complaint", async () => {
		const data = Float64Array.from({ length: 30 * 20 }, (_, i) => Math.cos(i) / 3);
		data[7] = Number.NaN;
		const paths: string[] = [];
		for (const bitpix of [-32, -64, 16, 32] as const) {
			for (const gzip of [false, true]) {
				const path = join(folder, `ours${bitpix}.fits${gzip ? ".gz" : ""}`);
				paths.push(path);
				await writeFitsImage(
					path,
					{ width: 30, height: 20, data },
					[
						["BUNIT", "Jy/beam", "brightness"],
						["CTYPE1", "RA---SIN"],
						["CTYPE2", "DEC--SIN"],
						["CTYPE4", "STOKES"],
						["CRVAL1", 1 / 3],
						["SMALL", 1e-7],
						["MJD-AVG", 60310.123456789],
						["LONG", `${"It's long. ".repeat(20)}`.trim()],
						["CAUSTIC VERSION", "1", "long keyword"],
						["HISTORY", "h".repeat(90)],
					],
					{ bitpix, gzip },
				);
			}
		}
		const described = ask({ read: paths });
		for (const got of described) {
			expect(got.shape).toEqual([30, 20, 1, 1]);
			expect(got.nan).toBe(1);
			expect(got.cards["CRVAL1"]).toBe(1 / 3);
			expect(got.cards["SMALL"]).toBe(1e-7);
			expect(got.cards["MJD-AVG"]).toBe(60310.123456789);
			expect(got.cards["LONG"]).toBe("It's long. ".repeat(20).trim());
			expect(got.cards["CAUSTIC VERSION"]).toBe("1");
			await compare(got);
		}
		expect(described[2].first[1]).toBe(data[1]);
	});
});
