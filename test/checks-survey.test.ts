import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readTable } from "../src/formats/table/read.ts";
import { numbers, type Table, texts } from "../src/formats/table/table.ts";
import { Random } from "../src/simulation/random.ts";
import { openStore } from "../src/store/open.ts";
import { getImage, listImages } from "../src/store/read/images.ts";
import { lightCurves } from "../src/store/read/light-curves.ts";
import { getSource, listSources } from "../src/store/read/sources.ts";
import { RMS, skyPlane, type WrittenSource, writeCatalogue, writeObservation } from "./written-survey.ts";

const main = join(dirname(dirname(fileURLToPath(import.meta.url))), "src/cli/main.ts");
const caustic = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });

const SIDE = 256;
const EPOCHS = 9;
const DIMMED = 3;
const folder = mkdtempSync(join(tmpdir(), "caustic-checks-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Thirty-six steady sources of 15 to 60 sigma. */
const random = new Random(5);
const steady: WrittenSource[] = Array.from({ length: 36 }, (_, i) => ({
	x: 28 + (i % 6) * 38 + random.uniform(-3, 3),
	y: 28 + Math.floor(i / 6) * 38 + random.uniform(-3, 3),
	flux: RMS * random.uniform(15, 60),
}));
/** Apart from all of them, from the sixth epoch on. */
const transient: WrittenSource = { x: 28 + 2.5 * 38, y: 28 + 2.5 * 38, flux: 30 * RMS };
/** Seen only because one epoch is deeper: never called new. */
const faint: WrittenSource = { x: 28 + 3.5 * 38, y: 28 + 3.5 * 38, flux: 3 * RMS };

async function writeEpochs(
	into: string,
	change: (sources: WrittenSource[], epoch: number) => WrittenSource[],
	deep = -1,
) {
	for (let epoch = 0; epoch < EPOCHS; epoch++) {
		const rms = epoch === deep ? RMS / 4 : RMS;
		const plane = skyPlane(new Random(100 + epoch), SIDE, change(steady, epoch), rms);
		await writeObservation(join(into, `epoch${epoch}.fits`), plane, { startDay: 3 * epoch });
	}
}

describe("a survey with one dimmed source and two that were not in the catalogue", () => {
	const data = join(folder, "survey");
	let table: Table;
	beforeAll(async () => {
		await writeEpochs(
			join(folder, "images"),
			(sources, epoch) => [
				...sources.map((source, i) =>
					i === DIMMED && epoch === EPOCHS - 1 ? { ...source, flux: 0.4 * source.flux } : source,
				),
				...(epoch >= 5 ? [transient] : []),
				faint,
			],
			6,
		);
		writeCatalogue(join(folder, "catalogue.csv"), SIDE, steady);
		const run = caustic("run", join(folder, "images"), "--catalog", join(folder, "catalogue.csv"), "--data", data);
		expect([run.stderr, run.status]).toEqual(["", 0]);
		const out = join(folder, "measurements.csv");
		expect(caustic("export", "measurements", "--data", data, "--out", out).status).toBe(0);
		table = await readTable(out);
	}, 120_000);

	test("the dimmed measurement is an anomaly of its own past, and hardly any other is", () => {
		const mjd = numbers(table, "mjd");
		const last = Math.max(...mjd);
		const ids = texts(table, "source_id");
		const flagged = [...ids.keys()].filter((i) =>
			texts(table, "check_flags")[i]?.split("|").includes("history_anomaly"),
		);
		const dimmed = flagged.filter((i) => ids[i] === `s${DIMMED}` && mjd[i] === last);
		expect(dimmed).toHaveLength(1);
		expect(numbers(table, "history_sigmas")[dimmed[0]]).toBeLessThan(-5);
		expect(flagged.filter((i) => !dimmed.includes(i) && ids[i]?.startsWith("s"))).toHaveLength(0);
	});

	test("forced and fitted fluxes stand side by side and agree, with the consensus of the two", () => {
		const [flux, err, fitted, consensus, consensusErr] = [
			"flux_jy",
			"flux_err_jy",
			"fitted_flux_jy",
			"consensus_flux_jy",
			"consensus_flux_err_jy",
		].map((name) => numbers(table, name));
		const method = texts(table, "consensus_method");
		const compared = [...flux.keys()].filter((i) => Number.isFinite(fitted[i]));
		expect(compared.length).toBeGreaterThan(0.9 * 36 * EPOCHS);
		for (const i of compared) {
			expect(Math.abs(fitted[i] - flux[i])).toBeLessThan(5 * err[i]);
			expect(consensus[i]).toBe(method[i] === "forced" ? flux[i] : fitted[i]);
			expect(consensusErr[i]).toBeLessThanOrEqual(err[i]);
		}
		const differ = texts(table, "check_flags").filter((flags) => flags?.includes("fitted_differs"));
		expect(differ).toHaveLength(0);
		// Where the finder saw nothing, the forced value is all that there is.
		for (const i of flux.keys()) if (Number.isNaN(fitted[i]) && flux[i] > -1) expect(method[i]).toBe("forced");
	});

	test("a source is called new only where earlier images would have shown it; earlier epochs are filled in", async () => {
		const { database, close } = await openStore({ dataFolder: data }).then((store) => ({
			database: store.database,
			close: () => store.close(),
		}));
		try {
			const { items } = await listSources(database, { sort: "name", limit: 100, origin: "found" });
			const found = await Promise.all(items.map((item) => getSource(database, item.id)));
			const bright = found.find((source) => source?.new_source_verdict === "new");
			expect(bright?.new_source_significance).toBeGreaterThan(20);
			const [curve] = (await lightCurves(database, bright?.id ?? 0)).curves;
			expect(curve.mjd).toHaveLength(EPOCHS);
			// Not there before: measured all the same, with limits.
			for (let epoch = 0; epoch < 5; epoch++) {
				expect(Math.abs(curve.flux_jy[epoch] ?? Number.NaN)).toBeLessThan(5 * RMS);
				if ((curve.flux_jy[epoch] ?? 0) < 3 * (curve.flux_err_jy[epoch] ?? 0)) {
					expect(curve.upper_limit_jy[epoch]).toBeGreaterThan(0);
				}
			}
			const deep = found.filter((source) => source?.new_source_verdict === "could_not_have_been_seen");
			expect(deep.length).toBeGreaterThanOrEqual(1);
			const { items: images } = await listImages(database, { limit: 100 });
			const quality = (await getImage(database, images[0].id))?.quality as {
				cross_check: { compared: number; discrepant: number };
				snr_classes: Record<string, number>;
				history: { checked: number; image_anomalous: boolean; anomalous: number };
			};
			expect(quality.cross_check.compared).toBeGreaterThan(30);
			expect(Object.values(quality.snr_classes).reduce((sum, n) => sum + n, 0)).toBe(38);
			expect(quality.history).toMatchObject({ image_anomalous: false, anomalous: 1 });
		} finally {
			await close();
		}
	});
});

test("when all sources of an image deviate together the image is at fault, not they", async () => {
	const into = join(folder, "dim");
	const data = join(folder, "dim-survey");
	await writeEpochs(into, (sources, epoch) =>
		epoch === EPOCHS - 1 ? sources.map((source) => ({ ...source, flux: 0.7 * source.flux })) : sources,
	);
	writeCatalogue(join(folder, "dim.csv"), SIDE, steady);
	const run = caustic(
		"run",
		into,
		"--catalog",
		join(folder, "dim.csv"),
		"--data",
		data,
		"--set",
		"normalization.enabled=false",
		"--json",
	);
	expect(run.status).toBe(0);
	const { summary } = JSON.parse(run.stdout) as {
		summary: { statistics: Record<string, number>; find: Record<string, number> };
	};
	// The median noise of a run's images does not grow with their number.
	expect(summary.find.median_noise_jy / RMS).toBeCloseTo(1, 1);
	expect(summary.statistics).toMatchObject({ anomalous_images: 1, history_anomalies: 0 });
}, 120_000);
