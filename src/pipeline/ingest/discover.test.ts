import { describe, expect, test } from "vitest";
import { loadConfig } from "../../config/load.ts";
import { type DiscoveredFile, matchesPattern, sortFiles } from "./discover.ts";

const file = (path: string): DiscoveredFile => ({ path, sizeBytes: 1, modifiedMs: 0 });
const { noise_patterns, background_patterns, ignore_patterns } = loadConfig().config.images;
const patterns = { noise: noise_patterns, background: background_patterns, ignore: ignore_patterns };

describe("sorting of files", () => {
	test("maps are tied to their image by name and never taken for images", () => {
		const sorted = sortFiles(
			[
				"/a/e1.fits",
				"/a/e1.noiseMap.fits",
				"/a/e1.meanMap.fits",
				"/a/e2.fits",
				"/a/list.txt",
				"/b/image.fits.gz",
				"/b/rms.fits",
				"/b/bkg.fits",
				"/b/x-psf.fits",
			].map(file),
			patterns,
		);
		expect(sorted.images.map(({ image, noise, background }) => [image.path, noise?.path, background?.path])).toEqual([
			["/a/e1.fits", "/a/e1.noiseMap.fits", "/a/e1.meanMap.fits"],
			["/a/e2.fits", undefined, undefined],
			["/b/image.fits.gz", "/b/rms.fits", "/b/bkg.fits"],
		]);
		expect(sorted.maps.map(({ file, kind }) => [file.path, kind])).toEqual([
			["/a/e1.noiseMap.fits", "noise"],
			["/a/e1.meanMap.fits", "background"],
			["/b/rms.fits", "noise"],
			["/b/bkg.fits", "background"],
		]);
		expect(sorted.ignored.map(({ file, reason }) => [file.path, reason])).toEqual([
			["/a/list.txt", "not a FITS file by its name"],
			["/b/x-psf.fits", "matches images.ignore_patterns"],
		]);
	});

	test("a pattern's special characters stand for themselves", () => {
		expect(matchesPattern("*.psf", "img.psf")).toBe(true);
		expect(matchesPattern("*.psf", "imgxpsf")).toBe(false);
		expect(matchesPattern("(a|b)+", "aab")).toBe(false);
	});
});
