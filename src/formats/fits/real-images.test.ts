import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { unzip } from "../../../test/archives.ts";
import { hasSharedData, sharedData } from "../../../test/shared-data.ts";
import { readFitsCube } from "./cube.ts";
import { readFitsImage, readFitsPlane } from "./image.ts";

describe.skipIf(!hasSharedData)("real images", () => {
	let folder: string;
	beforeAll(() => {
		folder = mkdtempSync(join(tmpdir(), "caustic-real-"));
	});
	afterAll(() => rmSync(folder, { recursive: true, force: true }));

	test("an ASKAP epoch by CASA", async () => {
		const image = await readFitsImage(sharedData("images", "vast-epochs", "epoch01.fits"));
		expect([image.plane.width, image.plane.height, image.header.naxis.length]).toEqual([256, 256, 4]);
		expect(image.beam?.majorDeg).toBeCloseTo(15 / 3600, 9);
		expect([image.beam?.minorDeg, image.beam?.paDeg]).toEqual([expect.closeTo(10 / 3600, 9), 0]);
		expect([image.frequencyHz, image.bandwidthHz, image.stokes]).toEqual([888e6, 288e6, "I"]);
		expect([image.telescope, image.object, image.unit]).toEqual(["ASKAP", undefined, "Jy/beam"]);
		expect(image.time?.mjd).toBeCloseTo(59064.19022545, 6);
		const noise = await readFitsPlane(sharedData("images", "vast-epochs", "epoch01.noiseMap.fits"));
		expect([noise.plane.width, noise.plane.height]).toEqual([256, 256]);
	});

	test("a single-dish map whose reference is far off it, without a time", async () => {
		const image = await readFitsImage(sharedData("images", "parkes-1904-66", "image.fits"));
		expect(image.beam?.majorDeg).toBeCloseTo(0.24, 6);
		expect(image.frequencyHz).toBe(1.42040575e9);
		expect(image.warnings.join()).toMatch(/RESTFRQ/);
		expect(image.time).toBeUndefined();
		expect(image.timeProblem).toMatch(/./);
		const [, dec] = image.wcs.pixelToIcrs(96, 96);
		expect(dec).toBeLessThan(-55);
	});

	test("a LOFAR cut-out with cards of axes that it no longer has", async () => {
		const image = await readFitsImage(sharedData("images", "lofar-grb201006a", "image.fits"));
		expect(image.frequencyHz).toBeCloseTo(143650817.871094, 3);
		expect(image.bandwidthHz).toBe(46875000);
		expect(image.beam?.paDeg).toBeCloseTo(38.686, 3);
		expect(image.stokes).toBe("I");
	});

	test("EMU cubes with one beam per channel", async () => {
		const cubes = [...unzip(sharedData("images", "emu-subbands", "sub_cube_fits_examples.zip"))].filter(([name]) =>
			name.endsWith(".fits"),
		);
		expect(cubes.length).toBe(10);
		let impossible = 0;
		for (const [name, content] of cubes) {
			const path = join(folder, name.replaceAll("/", "-"));
			writeFileSync(path, content);
			const cube = await readFitsCube(path, { precision: "float64" });
			expect([cube.planes.length, cube.beamSource, cube.stokes]).toEqual([36, "BEAMS table", "I"]);
			expect(cube.planes[0].data).toBeInstanceOf(Float64Array);
			expect(cube.frequenciesHz[0]).toBeCloseTo(803490740.74, 1);
			expect(cube.frequenciesHz[35] - cube.frequenciesHz[0]).toBeCloseTo(35 * 8e6, 0);
			const beams = cube.beams.filter((beam) => beam !== undefined);
			expect(beams.length).toBeGreaterThan(20);
			// Some channels were restored with a beam that the imager failed to fit: most were not.
			const usual = beams.filter((beam) => beam.majorDeg * 3600 > 6 && beam.majorDeg * 3600 < 20);
			expect(usual.length).toBeGreaterThan(0.9 * beams.length);
			impossible += cube.warnings.filter((warning) => /has no usable beam/.test(warning)).length;
			await expect(readFitsImage(path)).rejects.toThrow(/axis 3 \(FREQ\) has 36 planes/);
			const one = await readFitsImage(path, { plane: 7, requireBeam: cube.beams[7] !== undefined });
			expect([one.beam, one.frequencyHz]).toEqual([cube.beams[7], cube.frequenciesHz[7]]);
			expect(Array.from(one.plane.data)).toEqual(Array.from(new Float32Array(cube.planes[7].data)));
		}
		expect(impossible).toBe(2);
	});
});
