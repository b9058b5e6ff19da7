import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadConfig } from "../src/config/load.ts";
import { summarisePulls } from "../src/normalization/quality.ts";
import { median } from "../src/normalization/robust-location.ts";
import { configurationHash } from "../src/pipeline/runner.ts";
import type { Stage, StageContext } from "../src/pipeline/stage.ts";
import { normalise } from "../src/pipeline/stages/normalise.ts";
import { references } from "../src/pipeline/stages/references.ts";
import { createService } from "../src/service/server.ts";
import { separationDeg } from "../src/sky/separation.ts";
import type { Row } from "../src/store/database.ts";
import { openStore, type Store } from "../src/store/open.ts";
import type { Run } from "../src/store/runs.ts";
import { type SimulatedField, simulateField } from "./simulated-gains.ts";
import { storeEpoch, storeField } from "./stored-field.ts";

const folder = mkdtempSync(join(tmpdir(), "caustic-normalise-"));
let store: Store;
beforeAll(async () => {
	store = await openStore({ dataFolder: folder });
}, 60_000);
afterAll(async () => {
	await store.close();
	rmSync(folder, { recursive: true, force: true });
});

/** An empty store: one server serves all surveys of this file, one after another. */
async function emptied(): Promise<Store> {
	const tables = await store.database.query<{ name: string }>(
		"tables",
		"SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'schema_migration'",
	);
	await store.database.execute("empty", `TRUNCATE ${tables.map(({ name }) => name).join(", ")} CASCADE`);
	return store;
}

/** A stored survey and the stages that normalise its epochs one after another, as runs would. */
async function survey(field: SimulatedField, how: { catalogue?: boolean; overrides?: string[] } = {}) {
	await emptied();
	const loaded = loadConfig({ overrides: how.overrides ?? [] });
	const { config } = loaded;
	await storeField(store.database, field, (k) => `run${k}`, {
		measured: 0,
		...(how.catalogue === true ? { catalogueFluxJy: (i: number) => field.trueFluxJy[i] } : {}),
	});
	const context = { database: store.database, config, configurationHash: configurationHash(config) } as StageContext;
	const computed = (stage: Stage, epoch: number) => stage.execute(context, { id: `run${epoch}` } as Run, "1");
	const work = async (stage: Stage, epoch: number) => {
		const run = { id: `run${epoch}` } as Run;
		for (const unit of await stage.units(store.database, run, config)) {
			const result = await stage.execute(context, run, unit);
			await store.database.transaction("store", (tx) => result.store(tx));
		}
	};
	const epoch = async (k: number, change: (fluxJy: Float64Array) => void = () => {}) => {
		const fluxJy = field.fluxJy.slice();
		change(fluxJy);
		await storeEpoch(store.database, { ...field, fluxJy }, k, `run${k}`);
		await work(normalise, k);
		await work(references, k);
	};
	const query = (text: string, values: unknown[] = []) => store.database.query<Row>("test", text, values);
	const correction = async (k: number) =>
		(await query("SELECT * FROM flux_correction WHERE image_id = $1", [k + 1]))[0] as Row & {
			details: { steps: { source: string; reasons: string[] }[]; reasons: string[] };
		};
	return { store, loaded, epoch, computed, query, correction };
}

/** Normalises the first epochs; the place of the best reference then. */
async function firstReferences(run: Awaited<ReturnType<typeof survey>>, epochs: number) {
	for (let k = 0; k < epochs; k++) await run.epoch(k);
	const list = await run.query(
		"SELECT source_id FROM baseline WHERE reference_set_id = (SELECT max(id) FROM reference_set) AND is_reference ORDER BY rank",
	);
	return { primary: Number(list[0].source_id) - 1, list: list.map((row) => Number(row.source_id) - 1) };
}

describe("two hundred references with gain jumps, tilts and noise, epoch after epoch", () => {
	const jumps = [
		{ first: 14, last: 17, amplitude: 0.25, tilt: 0.08 },
		{ first: 23, last: 28, amplitude: -0.15, tilt: 0.1, angle: 1.2 },
		{ first: 33, last: 34, amplitude: 0.05 },
	];
	const field = simulateField(11, { sources: 260, epochs: 40, jumps, snr: [15, 300], missing: 0.03, outliers: 0.002 });
	let rows: Row[];
	let corrections: Row[];
	let versions: Row[];
	beforeAll(async () => {
		const run = await survey(field);
		for (let k = 0; k < field.epochs; k++) await run.epoch(k);
		rows = await run.query("SELECT * FROM measurement ORDER BY source_id, image_id");
		corrections = await run.query("SELECT * FROM flux_correction ORDER BY image_id");
		versions = await run.query("SELECT * FROM reference_set ORDER BY version");
	}, 120_000);
	const cellOf = (row: Row) => (Number(row.source_id) - 1) * field.epochs + Number(row.image_id) - 1;
	const truth = (row: Row) => field.trueFluxJy[Number(row.source_id) - 1];
	/** The survey's scale is relative: one factor for all. */
	const scale = () => median(rows.map((row) => Number(row.flux_norm_jy ?? Number.NaN) / truth(row)));
	const pull = (row: Row, unit: number) =>
		(Number(row.flux_norm_jy ?? Number.NaN) - unit * truth(row)) / Number(row.flux_norm_err_jy ?? Number.NaN);

	test("raw fluxes are as they were measured, beside the normalised ones; earlier scales are kept", async () => {
		for (const row of rows) {
			const raw = field.fluxJy[cellOf(row)];
			expect(row.flux_jy).toBe(Number.isNaN(raw) ? null : raw);
			if (!Number.isNaN(raw)) expect(row.flux_norm_jy).toBeCloseTo(raw / Number(row.correction), 12);
		}
		// What was found for an image before its field's scale was solved anew is kept.
		expect(
			(
				await store.database.query<Row>(
					"test",
					"SELECT * FROM flux_correction_history WHERE image_id = 1 ORDER BY number",
				)
			).map((row) => row.source),
		).toEqual(["none", "ensemble", "ensemble"]);
		expect(rows.filter((row) => row.correction_source === "ensemble").length).toBeGreaterThan(0.95 * rows.length);
	});

	test("pulls of steady sources are unit normal, in jumps and out of them, bright and faint", () => {
		const unit = scale();
		const of = (keep: (row: Row) => boolean) => summarisePulls(rows.filter(keep).map((row) => pull(row, unit)));
		const all = of(() => true);
		expect(Math.abs(all.mean)).toBeLessThan(0.05);
		expect(Math.abs(all.std - 1)).toBeLessThan(0.05);
		const inJumps = of((row) => field.jump[Number(row.image_id) - 1] === 1);
		expect(Math.abs(inJumps.mean)).toBeLessThan(0.1);
		expect(Math.abs(inJumps.std - 1)).toBeLessThan(0.05);
	});

	test("every jump is removed to the error stated", () => {
		const unit = scale();
		const epochs = corrections.map((row) => {
			const own = rows.filter(
				({ image_id, correction_source }) => image_id === row.image_id && correction_source === "ensemble",
			);
			const z = own.map(
				(value) => (Number(value.correction) - field.factor[cellOf(value)] / unit) / Number(value.correction_err),
			);
			return {
				jump: field.jump[Number(row.image_id) - 1] === 1,
				rms: Math.sqrt(z.reduce((sum, v) => sum + v * v, 0) / z.length),
			};
		});
		expect(corrections.every((row) => row.status === "applied")).toBe(true);
		// All sources of an epoch share its correction's error: one draw per epoch, and so the mean square over epochs.
		const square = (keep: (epoch: (typeof epochs)[number]) => boolean) => {
			const kept = epochs.filter(keep);
			return kept.reduce((sum, { rms }) => sum + rms * rms, 0) / kept.length;
		};
		expect(Math.max(...epochs.map(({ rms }) => rms))).toBeLessThan(3);
		expect(square(({ jump }) => jump)).toBeLessThan(2);
		expect(square(() => true)).toBeGreaterThan(0.5);
		expect(square(() => true)).toBeLessThan(1.5);
		// Before the correction the jumps were dozens of errors away.
		const before = corrections.map((row) => Math.abs(Number(row.correction) - 1) / Number(row.correction_err));
		expect(Math.max(...before)).toBeGreaterThan(40);
	});

	test("levels follow the epochs: versions are solved when they double, brought up to date in between, never changed", async () => {
		expect(versions.filter((row) => row.method === "joint").map((row) => row.n_epochs)).toEqual([3, 6, 12, 24]);
		expect(versions.filter((row) => row.method === "updated")).toHaveLength(34);
		versions.forEach((row, i) =>
			expect(row).toMatchObject({ version: i + 1, supersedes: versions[i - 1]?.id ?? null }),
		);
		// The newest one's levels rest on all epochs, and each normalised value names the version that it used.
		expect(versions[versions.length - 1].n_epochs).toBe(40);
		expect(new Set(rows.map((row) => row.reference_set_id)).size).toBe(29);
		const levels = await store.database.query<Row>("test", "SELECT * FROM baseline WHERE reference_set_id = $1", [
			versions[versions.length - 1].id,
		]);
		const unit = scale();
		const pulls = levels
			.filter((row) => row.status === "established")
			.map(
				(row) => (Number(row.flux_jy) - unit * field.trueFluxJy[Number(row.source_id) - 1]) / Number(row.flux_err_jy),
			);
		expect(pulls.length).toBeGreaterThan(200);
		expect(summarisePulls(pulls).std).toBeLessThan(1.5);
	});
});

describe.each([
	["across RA 0", 0.02, 12],
	["at the pole", 120, 89.6],
])("references of a field %s", (_, ra, dec) => {
	test("bright, unresolved, unconfused, no candidates, inside the circle, best first", async () => {
		const field = simulateField(8, { sources: 120, epochs: 3, snr: [12, 300], centre: [ra, dec], radiusDeg: 2 });
		const brightest = Array.from(field.trueFluxJy.keys()).sort((a, b) => field.trueFluxJy[b] - field.trueFluxJy[a]);
		const inside = (i: number) => separationDeg(ra, dec, field.raDeg[i], field.decDeg[i]) < 1.4;
		const [resolved, confused, candidate] = brightest.filter(inside);
		// One more source, half an arcminute from the second brightest and a tenth as bright: too faint to be solved.
		const faint = brightest[brightest.length - 1];
		field.raDeg[faint] = field.raDeg[confused];
		field.decDeg[faint] = field.decDeg[confused] - 0.5 / 60;
		for (let k = 0; k < 3; k++) field.fluxJy[faint * 3 + k] = 0.1 * field.trueFluxJy[confused];
		const run = await survey(field);
		await run.query(
			`INSERT INTO component (image_id, number, source_id, ra_deg, dec_deg, ra_err_arcsec, dec_err_arcsec, peak_flux_jy, peak_flux_err_jy, int_flux_jy, int_flux_err_jy, local_rms_jy)
			 SELECT image.id, source.id, source.id, 0, 0, 0.1, 0.1, 1, 0.01, CASE WHEN source.id = $1 THEN 1.5 ELSE 1.01 END, 0.01, 0.001 FROM image, source`,
			[resolved + 1],
		);
		await run.query(
			`INSERT INTO candidate (id, source_id, status, significance, false_alarm_probability, tier, first_detected_mjd, start_mjd, peak_mjd, end_mjd, n_measurements)
			 VALUES (1, $1, 'confirmed', 6, 1e-9, 'medium', 60000, 60000, 60001, 60002, 3)`,
			[candidate + 1],
		);
		const { list } = await firstReferences(run, 3);
		expect(list.length).toBeGreaterThan(20);
		for (const refused of [resolved, confused, candidate]) expect(list).not.toContain(refused);
		expect(list.every((i) => separationDeg(ra, dec, field.raDeg[i], field.decDeg[i]) < 1.6)).toBe(true);
		// On both sides of where RA begins again, and not on one side of the field only.
		expect(list.filter((i) => field.x[i] > 0.1).length).toBeGreaterThan(5);
		expect(list.filter((i) => field.x[i] < -0.1).length).toBeGreaterThan(5);
		const snr = list.map((i) => field.trueFluxJy[i]);
		expect(snr.slice(0, 10).reduce((a, b) => a + b)).toBeGreaterThan(2 * snr.slice(-10).reduce((a, b) => a + b));
		const [{ details }] = await run.query("SELECT details FROM reference_set");
		expect((details as { selection: { counts: Row } }).selection.counts).toMatchObject({
			unresolved: 1,
			isolated: expect.any(Number),
			not_a_candidate: 1,
		});
	});
});

describe("the chain of fallbacks, each step marked in what is stored", () => {
	const field = simulateField(5, { sources: 60, epochs: 12, snr: [15, 300] });
	const drop = (list: number[], k: number) => (flux: Float64Array) => {
		for (const i of list) flux[i * field.epochs + k] = Number.NaN;
	};

	test("no source takes part in its own correction: one that rises by a third comes out risen, the others hardly moved", async () => {
		const values: number[][] = [];
		for (const rise of [1, 4 / 3]) {
			const run = await survey(field);
			const { primary } = await firstReferences(run, 4);
			await run.epoch(4, (flux) => {
				flux[primary * field.epochs + 4] *= rise;
			});
			const rows = await run.query("SELECT * FROM measurement WHERE image_id = 5 ORDER BY source_id");
			expect(rows[primary].norm_flags).toContain("own_reference");
			values.push(rows.map((row) => Number(row.flux_norm_jy)));
			values[0].forEach((value, i) => {
				if (i === primary) expect(values[values.length - 1][i] / value).toBeCloseTo(rise, 3);
				else expect(Math.abs(values[values.length - 1][i] / value - 1)).toBeLessThan(0.01);
			});
		}
	});

	test("before there are baselines: the catalogue's fluxes, at the image's frequency; without a catalogue, raw and said so", async () => {
		const known = await survey(field, { catalogue: true, overrides: ["normalization.catalogue_frequency_mhz=1400"] });
		await known.epoch(0);
		expect(await known.correction(0)).toMatchObject({ source: "catalogue", status: "applied" });
		const c = Number((await known.correction(0)).correction);
		expect(Math.abs(c / field.factor[0] - 1)).toBeLessThan(4 * Number((await known.correction(0)).correction_err));
		const far = await survey(field, { catalogue: true, overrides: ["normalization.catalogue_frequency_mhz=887.5"] });
		await far.epoch(0);
		// Fluxes of the true sky taken as if they were of 887.5 MHz: the scale is off by the spectrum's factor.
		expect(Number((await far.correction(0)).correction) / c).toBeCloseTo((1400 / 887.5) ** 0.7, 2);
		const alone = await survey(field);
		await alone.epoch(0);
		expect(await alone.correction(0)).toMatchObject({ source: "none", status: "not_normalised", correction: 1 });
		const rows = await alone.query("SELECT * FROM measurement");
		for (const row of rows) expect(row.norm_flags).toContain("not_normalised");
		// Nobody expects references before the third epoch: no alert.
		expect(await alone.query("SELECT * FROM event WHERE type = 'NormalizationAlert'")).toEqual([]);
	});

	test("too few references: wider field, catalogue, cached, none; each announced; /metrics tells", async () => {
		const run = await survey(field, {
			overrides: ["normalization.default_fov_radius_deg=0.9", "normalization.min_references=5"],
		});
		const { list } = await firstReferences(run, 6);
		expect(list.length).toBeGreaterThan(8);
		await run.epoch(6, drop(list.slice(3), 6));
		expect(await run.correction(6)).toMatchObject({ source: "ensemble_wide", status: "applied" });
		expect((await run.correction(6)).details.steps[0]).toMatchObject({
			source: "ensemble",
			reasons: ["too_few_references"],
		});
		const everything = Array.from({ length: field.sources - 2 }, (_, i) => i);
		await run.epoch(7, drop(everything, 7));
		expect(await run.correction(7)).toMatchObject({ source: "cached", status: "applied" });
		expect((await run.correction(7)).details.steps.map((step) => step.source)).toEqual(["ensemble", "ensemble_wide"]);
		expect(Number((await run.correction(7)).correction)).toBe(Number((await run.correction(6)).correction));
		expect(Number((await run.correction(7)).correction_err)).toBeGreaterThan(0.05);
		await run.query("UPDATE image SET mjd = mjd + 30 WHERE id = 9");
		await run.epoch(8, drop(everything, 8));
		expect(await run.correction(8)).toMatchObject({ source: "none", status: "not_normalised" });
		expect((await run.correction(8)).details.steps.at(-1)).toMatchObject({
			source: "cached",
			reasons: ["cached_correction_too_old"],
		});
		const sources = await run.query(
			"SELECT DISTINCT image_id, correction_source FROM measurement WHERE flux_jy IS NOT NULL AND image_id BETWEEN 6 AND 9 ORDER BY 1, 2",
		);
		expect(sources.map((row) => row.correction_source)).toEqual(["ensemble", "ensemble_wide", "cached", "none"]);
		const wide = await run.query("SELECT norm_flags FROM measurement WHERE image_id = 7 AND flux_jy IS NOT NULL");
		for (const row of wide) expect(row.norm_flags).toContain("fallback_correction");

		const alerts = await run.query("SELECT * FROM event WHERE type = 'NormalizationAlert' ORDER BY seq");
		expect(alerts.map((row) => (row.data as Row).kind)).toEqual([
			"insufficient_references",
			"insufficient_references",
			"insufficient_references",
			"not_normalised",
		]);
		expect(alerts[0]).toMatchObject({
			subject: "1",
			data: { field: "F1", image: 7, needed: 5, correction_source: "ensemble_wide" },
		});

		const service = createService({
			store: run.store,
			loaded: run.loaded,
			log: pino({ level: "silent" }),
			version: "0.0.0",
		});
		const text = await (await service.app.request("http://localhost/metrics")).text();
		const value = (series: string) =>
			Number(
				text
					.split("\n")
					.find((line) => line.startsWith(`${series} `))
					?.split(" ")
					.pop(),
			);
		for (const status of ["ensemble", "ensemble_wide", "cached", "not_normalised"])
			expect(value(`photometry_normalization_requests_total{status="${status}"}`), status).toBeGreaterThan(0);
		for (const name of ["normalization_correction_factor", "normalization_reference_count", "normalization_rms"]) {
			expect(value(`${name}_count`), name).toBeGreaterThan(0);
			expect(text).toContain(`${name}_bucket{le="0.1"}`.replace("0.1", name === "normalization_rms" ? "0.1" : "1"));
		}
		expect(value('normalization_reference_availability{field="F1"}')).toBeLessThan(0.2);
		expect(value('normalization_reference_snr{field="F1"}')).toBeGreaterThan(10);
		expect(value('normalization_alerts_total{kind="insufficient_references"}')).toBeGreaterThanOrEqual(3);
		expect(value('normalization_cache_lookups_total{cache="references",result="hit"}')).toBeGreaterThan(0);
		await service.close();
	});

	test("on the catalogue's scale when asked: images that are all too bright by a fifth come out as the catalogue has them", async () => {
		const ratio = [];
		for (const anchored of [false, true]) {
			const run = await survey(field, {
				catalogue: true,
				overrides: [`normalization.anchor_to_catalogue=${anchored}`],
			});
			for (let k = 0; k < 7; k++) await run.epoch(k, (flux) => flux.forEach((value, at) => (flux[at] = 1.2 * value)));
			const rows = await run.query("SELECT * FROM measurement WHERE correction_source = 'ensemble'");
			expect(rows.length).toBeGreaterThan(300);
			ratio.push(median(rows.map((row) => Number(row.flux_norm_jy) / field.trueFluxJy[Number(row.source_id) - 1])));
		}
		expect(Math.abs(ratio[0] / 1.2 - 1)).toBeLessThan(0.03);
		expect(Math.abs(ratio[1] - 1)).toBeLessThan(0.02);
	});

	test("two runs that prepare the same field at once leave one version, not two of the same number", async () => {
		const run = await survey(field);
		for (let k = 0; k < 3; k++) await run.epoch(k);
		await storeEpoch(run.store.database, field, 3, "run3");
		const first = await run.computed(normalise, 3);
		await run.store.database.transaction("store", (tx) => first.store(tx));
		const prepared = [await run.computed(references, 3), await run.computed(references, 3)];
		await Promise.all(prepared.map((result) => run.store.database.transaction("store", (tx) => result.store(tx))));
		expect(
			(await run.query("SELECT version, method FROM reference_set ORDER BY id")).map((row) => [
				row.version,
				row.method,
			]),
		).toEqual([
			[1, "joint"],
			[2, "updated"],
		]);
	});

	test("a factor outside 0.5 to 2 is stored, flagged, announced, and applied to nothing", async () => {
		const run = await survey(field);
		for (let k = 0; k < 6; k++) await run.epoch(k);
		await run.epoch(6, (flux) => {
			for (let i = 0; i < field.sources; i++) flux[i * field.epochs + 6] *= 2.6;
		});
		const correction = await run.correction(6);
		expect(correction).toMatchObject({ status: "suspicious", source: "none" });
		expect(Number(correction.correction)).toBeGreaterThan(2);
		const rows = await run.query("SELECT * FROM measurement WHERE image_id = 7 AND flux_jy IS NOT NULL");
		for (const row of rows) {
			expect(row).toMatchObject({ flux_norm_jy: row.flux_jy, correction: 1, correction_source: "none" });
			expect(row.norm_flags).toMatch(/not_normalised.*suspicious_correction/);
		}
		const [alert] = await run.query("SELECT data FROM event WHERE type = 'NormalizationAlert'");
		expect(alert.data).toMatchObject({ kind: "suspicious_correction", image: 7 });
	});
});
