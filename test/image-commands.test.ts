import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readTable } from "../src/formats/table/read.ts";
import { numbers, type Table, texts } from "../src/formats/table/table.ts";
import { hasSharedData, sharedData } from "./shared-data.ts";

const main = join(dirname(dirname(fileURLToPath(import.meta.url))), "src/cli/main.ts");
const caustic = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });

const std = (values: number[]) => {
	const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
	return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
};
const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

const MEASURE_COLUMNS =
	"source_id,ra_deg,dec_deg,x_pix,y_pix,flux_jy,flux_err_jy,local_rms_jy,snr,chi2,dof,n_blend,upper_limit_jy,flags";
const FIND_COLUMNS =
	"source_id,island_id,ra_deg,ra_err_arcsec,dec_deg,dec_err_arcsec,peak_flux_jy,peak_flux_err_jy,int_flux_jy,int_flux_err_jy,major_arcsec,major_err_arcsec,minor_arcsec,minor_err_arcsec,pa_deg,pa_err_deg,local_rms_jy,background_jy,snr,flags";

describe.skipIf(!hasSharedData)("images measured from the command line", () => {
	const folder = mkdtempSync(join(tmpdir(), "caustic-images-"));
	const file = (name: string) => join(folder, name);
	const set = sharedData("images/synthetic-4096");
	let truth: Table;
	let isolated: number[];
	beforeAll(async () => {
		const unpack = spawnSync("sh", [
			"-c",
			`xz -dc ${set}/image.fits.xz > ${file("image.fits")} && gzip -dc ${set}/rms.fits.gz > ${file("rms.fits")} && gzip -dc ${set}/bkg.fits.gz > ${file("bkg.fits")}`,
		]);
		expect(unpack.status).toBe(0);
		truth = await readTable(join(set, "truth.csv"));
		const [pair, near, blank] = ["pair_id", "nn_dist_px", "centre_is_nan"].map((name) => numbers(truth, name));
		// Further apart than the blends' 2.5 major axes of 6 pixels.
		isolated = Array.from(pair.keys()).filter((i) => pair[i] === 0 && near[i] > 18 && blank[i] === 0);
	}, 60_000);
	afterAll(() => rmSync(folder, { recursive: true, force: true }));
	const maps = () => ["--noise", file("rms.fits"), "--background", file("bkg.fits")];

	test("forced fluxes equal those of forced_phot, and their pulls are unit normal", async () => {
		const run = caustic(
			"measure",
			file("image.fits"),
			"--at",
			join(set, "truth.csv"),
			...maps(),
			"--out",
			file("fluxes.csv"),
		);
		expect([run.stderr, run.status]).toEqual(["", 0]);
		const ours = await readTable(file("fluxes.csv"));
		expect(ours.columns.map((column) => column.name).join(",")).toBe(MEASURE_COLUMNS);
		expect(ours.rows).toBe(truth.rows);
		const peer = numbers(await readTable(join(set, "expected/forced_phot_numba.csv.gz")), "flux_jy");
		const [flux, err] = [numbers(ours, "flux_jy"), numbers(ours, "flux_err_jy")];
		const [trueFlux, snr, blank] = [numbers(truth, "flux_jy"), numbers(truth, "snr"), numbers(truth, "centre_is_nan")];
		for (const i of isolated) expect(Math.abs(flux[i] - peer[i]), `row ${i + 1}`).toBeLessThan(1e-4 * err[i]);
		const pulls = isolated.map((i) => (flux[i] - trueFlux[i]) / err[i]);
		expect(Math.abs(mean(pulls))).toBeLessThan(0.02 + 2 / Math.sqrt(pulls.length));
		expect(Math.abs(std(pulls) - 1)).toBeLessThan(0.03);
		const bright = isolated.filter((i) => snr[i] > 20);
		expect(Math.abs(mean(bright.map((i) => flux[i] / trueFlux[i])) - 1)).toBeLessThan(1e-3);
		const paired = Array.from(numbers(truth, "pair_id").keys()).filter(
			(i) => numbers(truth, "pair_id")[i] > 0 && Number.isFinite(flux[i]),
		);
		expect(paired.filter((i) => Math.abs(flux[i] - trueFlux[i]) > 5 * err[i]).length / paired.length).toBeLessThan(
			0.003,
		);
		// On blank pixels there is no value, and the row says so.
		const flags = texts(ours, "flags");
		for (const i of blank.keys()) if (blank[i] === 1) expect([flux[i], flags[i]]).toEqual([Number.NaN, "no_data"]);
	}, 60_000);

	test("found sources: as complete as Aegean, hardly any false, errors true", async () => {
		const run = caustic("find", file("image.fits"), ...maps(), "--out", file("found.csv"));
		expect([run.stderr, run.status]).toEqual(["", 0]);
		const found = await readTable(file("found.csv"));
		expect(found.columns.map((column) => column.name).join(",")).toBe(FIND_COLUMNS);
		const [ra, dec, peak, peakErr, int, intErr] = [
			"ra_deg",
			"dec_deg",
			"peak_flux_jy",
			"peak_flux_err_jy",
			"int_flux_jy",
			"int_flux_err_jy",
		].map((name) => numbers(found, name));
		const [tra, tdec, flux, snr] = ["ra_deg", "dec_deg", "flux_jy", "snr"].map((name) => numbers(truth, name));
		const scale = Math.cos((tdec[0] * Math.PI) / 180);
		const cell = (a: number, d: number) => `${Math.floor((a * scale * 3600) / 6)} ${Math.floor((d * 3600) / 6)}`;
		const index = new Map<string, number[]>();
		for (let i = 0; i < tra.length; i++)
			index.set(cell(tra[i], tdec[i]), [...(index.get(cell(tra[i], tdec[i])) ?? []), i]);
		const matchOf = new Map<number, number>();
		let spurious = 0;
		for (let k = 0; k < found.rows; k++) {
			let best = -1;
			let nearest = 4.5;
			for (const da of [-6, 0, 6])
				for (const dd of [-6, 0, 6])
					for (const i of index.get(cell(ra[k] + da / 3600 / scale, dec[k] + dd / 3600)) ?? []) {
						const distance = Math.hypot((ra[k] - tra[i]) * scale, dec[k] - tdec[i]) * 3600;
						if (distance < nearest) [nearest, best] = [distance, i];
					}
			if (best < 0) spurious += 1;
			else matchOf.set(best, k);
		}
		expect(spurious).toBeLessThanOrEqual(9);
		for (const [low, high, least] of [
			[5, 6, 0.7],
			[6, 7, 0.965],
			[7, 2000, 0.999],
		]) {
			const bin = isolated.filter((i) => snr[i] >= low && snr[i] < high);
			expect(bin.filter((i) => matchOf.has(i)).length / bin.length, `SNR ${low} to ${high}`).toBeGreaterThanOrEqual(
				least,
			);
		}
		const clear = isolated.filter((i) => snr[i] > 7 && matchOf.has(i));
		const pulls = (value: Float64Array, error: Float64Array) =>
			clear.map((i) => (value[matchOf.get(i) as number] - flux[i]) / error[matchOf.get(i) as number]);
		expect(Math.abs(std(pulls(peak, peakErr)) - 1)).toBeLessThan(0.05);
		expect(Math.abs(std(pulls(int, intErr)) - 1)).toBeLessThan(0.05);
	}, 60_000);

	test("without maps they are made from the image, and the errors stay true", async () => {
		const small = sharedData("images/synthetic-512");
		const run = caustic(
			"measure",
			join(small, "image.fits.gz"),
			"--at",
			join(small, "truth.csv"),
			"--out",
			file("own.csv"),
		);
		expect([run.stderr, run.status]).toEqual(["", 0]);
		const ours = await readTable(file("own.csv"));
		const smallTruth = await readTable(join(small, "truth.csv"));
		const alone = Array.from(numbers(smallTruth, "pair_id").keys()).filter(
			(i) => numbers(smallTruth, "pair_id")[i] === 0 && Number.isFinite(numbers(ours, "flux_jy")[i]),
		);
		const pulls = alone.map(
			(i) => (numbers(ours, "flux_jy")[i] - numbers(smallTruth, "flux_jy")[i]) / numbers(ours, "flux_err_jy")[i],
		);
		expect(Math.abs(std(pulls) - 1)).toBeLessThan(0.2);
	});

	test("what find lists can be measured and fitted again", async () => {
		const small = sharedData("images/synthetic-512");
		const image = join(small, "image.fits.gz");
		const own = ["--noise", join(small, "rms.fits.gz"), "--background", join(small, "bkg.fits.gz")];
		expect(caustic("find", image, ...own, "--out", file("list.csv")).status).toBe(0);
		expect(caustic("measure", image, "--at", file("list.csv"), ...own, "--out", file("again.csv")).status).toBe(0);
		const run = (stage: string) =>
			caustic(
				"find",
				image,
				"--priorised",
				file("list.csv"),
				"--stage",
				stage,
				...own,
				"--out",
				file(`stage${stage}.csv`),
			);
		for (const stage of ["1", "2", "3"]) {
			const { stderr, status } = run(stage);
			expect([stderr, status]).toEqual(["", 0]);
		}
		const [list, again, first, second, third] = await Promise.all(
			["list", "again", "stage1", "stage2", "stage3"].map((name) => readTable(file(`${name}.csv`))),
		);
		expect(texts(again, "source_id")).toEqual(texts(list, "source_id"));
		const [peak, err] = [numbers(list, "peak_flux_jy"), numbers(list, "peak_flux_err_jy")];
		const [flux, forced] = [numbers(again, "flux_jy"), numbers(first, "peak_flux_jy")];
		const [moved, free] = [numbers(second, "peak_flux_jy"), numbers(third, "peak_flux_jy")];
		// Fitted sizes of unresolved sources are not taken for resolved ones: the fluxes agree.
		for (let i = 0; i < list.rows; i++) {
			expect(Math.abs(flux[i] - peak[i]), `row ${i + 1}`).toBeLessThan(4 * err[i]);
			expect(forced[i]).toBe(flux[i]);
			expect(Math.abs(moved[i] - peak[i]), `row ${i + 1}`).toBeLessThan(4 * err[i]);
			expect(Math.abs(free[i] - peak[i]), `row ${i + 1}`).toBeLessThan(2 * err[i]);
		}
	}, 60_000);

	test("a catalogue that repeats rows gives every row its value", async () => {
		const small = join(sharedData("images/synthetic-512"), "image.fits.gz");
		writeFileSync(file("twice.csv"), "source_id,ra_deg,dec_deg\na,150.05,-30.07\na,150.05,-30.07\nb,149.95,-30.0\n");
		const run = caustic("measure", small, "--at", file("twice.csv"), "--out", file("doubled.csv"));
		expect([run.stderr, run.status]).toEqual(["", 0]);
		const rows = await readTable(file("doubled.csv"));
		const flux = numbers(rows, "flux_jy");
		expect(flux[0]).toBe(flux[1]);
		// Other flags may stand beside it: the positions are not those of sources.
		expect(texts(rows, "flags").map((flags) => (flags ?? "").split("|").includes("duplicate"))).toEqual([
			true,
			true,
			false,
		]);
	});

	test("bad input is named, with what would mend it; good rows are measured all the same", async () => {
		const small = join(sharedData("images/synthetic-512"), "image.fits.gz");
		writeFileSync(file("bad.csv"), "source_id,ra_deg,dec_deg\na,150.05,-30.07\nb,,-30.07\nc,150.05,nan\nd,10,80\n");
		const partial = caustic("measure", small, "--at", file("bad.csv"), "--out", file("partial.csv"));
		expect(partial.status).toBe(3);
		expect(partial.stderr).toContain("bad.csv row 2: no right ascension");
		expect(partial.stderr).toContain("bad.csv row 3");
		const rows = await readTable(file("partial.csv"));
		expect(rows.rows).toBe(4);
		expect(numbers(rows, "flux_jy")[0]).toBeTypeOf("number");
		expect(Array.from(numbers(rows, "flux_jy")).map(Number.isNaN)).toEqual([false, true, true, true]);
		writeFileSync(file("beyond.csv"), "ra_deg,dec_deg\n150,-30\n150.05,-95\n");
		writeFileSync(file("hours.csv"), "source_id,ra_deg,dec_deg\na,10:00:12.1,-30:04:12\n");
		writeFileSync(file("text.fits"), "this is no image");
		for (const [args, words] of [
			[
				["measure", small, "--at", file("hours.csv")],
				["hours.csv", "ra_deg"],
			],
			[
				["measure", small, "--at", file("beyond.csv")],
				["beyond.csv", "2"],
			],
			[["measure", small, "--at", file("missing.csv")], ["missing.csv"]],
			[["measure", file("missing.fits"), "--at", file("bad.csv")], ["missing.fits"]],
			[
				["find", file("text.fits")],
				["text.fits", "FITS"],
			],
			[["find", small, "--seed", "3", "--flood", "4"], ["--flood"]],
			[
				["find", small, "--noise", file("rms.fits")],
				["rms.fits", "4096"],
			],
			[["find", small, "--out", file("found.xyz")], ["found.xyz"]],
			[["find", small, "--sede", "3"], ["--sede"]],
		] as const) {
			const run = caustic(...args);
			expect(run.status, args.join(" ")).toBe(2);
			for (const word of words) expect(run.stderr).toContain(word);
			expect(run.stderr.trim().split("\n").length, run.stderr).toBeLessThanOrEqual(2);
		}
	}, 60_000);
});
