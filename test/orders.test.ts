import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import pino from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ZodType } from "zod";
import { loadConfig } from "../src/config/load.ts";
import { createLogger } from "../src/observability/log.ts";
import { flushSpans } from "../src/observability/tracing.ts";
import { GRAPHS } from "../src/pipeline/graph.ts";
import { openSession, type Session } from "../src/pipeline/session.ts";
import { createService, type Service } from "../src/service/server.ts";
import { openStore, type Store } from "../src/store/open.ts";
import { spansOfTrace } from "../src/store/spans.ts";
import { type SeededSurvey, seedSurvey } from "./seeded-survey.ts";

const main = join(dirname(dirname(fileURLToPath(import.meta.url))), "src/cli/main.ts");
const folder = mkdtempSync(join(tmpdir(), "caustic-orders-"));
const log = pino({ level: "silent" });
/** What the session logs, one entry per line. */
const logged: string[] = [];
const sessionLog = createLogger("info", { write: (line: string) => void logged.push(line) });
const stop = new AbortController();
let store: Store;
let survey: SeededSurvey;
let session: Session;
let service: Service;

const serviceWith = (overrides: string[]) =>
	createService({ store, loaded: loadConfig({ overrides }), log, version: "0.0.0", pipeline: session });

beforeAll(async () => {
	store = await openStore({ dataFolder: join(folder, "data") });
	survey = await seedSurvey(store.database, { sources: 30, epochs: 40 });
	// The seeded run would be taken for one that goes on; nobody works on it here.
	await store.database.execute("end seeded run", "UPDATE run SET status = 'failed' WHERE status = 'running'");
	session = await openSession({ store, config: loadConfig().config, log: sessionLog, signal: stop.signal, threads: 2 });
	service = serviceWith([]);
});
afterAll(async () => {
	stop.abort();
	await service.close();
	await session.close();
	await store.close();
	rmSync(folder, { recursive: true });
});

const post = (path: string, body: unknown, on: Service = service) =>
	on.app.request(`http://localhost${path}`, {
		method: "POST",
		headers: { "content-type": "application/json" },
		body: JSON.stringify(body),
	});
const get = async (path: string) => (await service.app.request(`http://localhost${path}`)).json();

interface Job {
	status: string;
	batches: number;
	examined: number;
	candidates: number;
	results: { source_id: number; status: string; significance: number | null; candidates: { id: number }[] }[];
}

async function ended(statusUrl: string): Promise<Job & { stages?: { stage: string; done: number; failed: number }[] }> {
	for (;;) {
		const job = (await get(statusUrl)) as Job;
		if (job.status !== "running") return job;
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
}

describe("detection on request", () => {
	test("one source: the verdict comes at once and is stored", async () => {
		const response = await post("/api/v1/detect", { source: survey.lensed.sourceId });
		expect(response.status).toBe(200);
		const result = (await response.json()) as Job["results"][number];
		expect(result).toMatchObject({ source_id: survey.lensed.sourceId, status: "done" });
		expect(result.significance).toBeGreaterThan(3);
		expect(result.candidates).toMatchObject([{ id: survey.lensed.candidateId, outcome: "updated" }]);
		const stored = (await get(`/api/v1/sources/${survey.lensed.sourceId}`)) as { significance: number };
		expect(stored.significance).toBe(result.significance);
		const history = (await get(`/api/v1/candidates/${survey.lensed.candidateId}/history`)) as {
			items: { kind: string }[];
		};
		expect(history.items.at(-1)?.kind).toBe("updated");
		expect((await post("/api/v1/detect", { source: 99_999 })).status).toBe(404);
	});

	test("several: a job with an outcome for each, in the order asked, also for those that are not there", async () => {
		await store.database.execute(
			"bare source",
			"INSERT INTO source (id, name, origin, ra_deg, dec_deg) VALUES (900, 'bare', 'catalogue', 0.1, -4)",
		);
		const sources = [900, survey.lensed.sourceId, 77_777, 3];
		const response = await post("/api/v1/detect", { sources, preset: "conservative" });
		expect(response.status).toBe(202);
		const { job, status_url } = (await response.json()) as { job: string; status_url: string };
		expect(response.headers.get("location")).toBe(status_url);
		const done = await ended(status_url);
		expect(done).toMatchObject({ job, status: "done", batches: 1, examined: 2 });
		const documented = service.app.openAPIRegistry.definitions
			.flatMap((definition) => (definition.type === "route" ? [definition.route] : []))
			.find((route) => route.path === "/api/v1/detect/{job}")?.responses[200] as {
			content: Record<string, { schema: ZodType }>;
		};
		expect(documented.content["application/json"].schema.parse(done)).toEqual(done);
		expect(done.results.map((result) => [result.source_id, result.status])).toEqual([
			[900, "no_measurements"],
			[survey.lensed.sourceId, "done"],
			[77_777, "no_source"],
			[3, "done"],
		]);
		expect(await get(`/api/v1/runs/${job}`)).toMatchObject({ kind: "detection", status: "done" });
	});

	test("all: in batches, the same verdict as one by one; asking again while it runs gives the same job", async () => {
		const small = serviceWith(["ese_detection.batch_size=8"]);
		const [first, second] = (await Promise.all(
			[1, 2].map(async () => (await post("/api/v1/detect", { all: true }, small)).json()),
		)) as { job: string; status_url: string }[];
		const done = await ended(first.status_url);
		expect(done).toMatchObject({ status: "done", batches: 4, examined: 30 });
		// Two requests that meet may each begin a job; one that comes while a job runs never does.
		if (second.job !== first.job) expect(await ended(second.status_url)).toMatchObject({ examined: 30 });
		const one = (await (await post("/api/v1/detect", { source: 5 })).json()) as { significance: number };
		const { significance } = (await get("/api/v1/sources/5")) as { significance: number };
		expect(significance).toBe(one.significance);
		await small.close();
	});

	test.each([
		[{}, "source"],
		[{ source: 1, all: true }, "all"],
		[{ source: 0 }, "source"],
		[{ sources: [] }, "sources"],
		[{ sources: [1.5] }, "sources.0"],
		[{ all: false }, "all"],
		[{ source: 1, min_sigma: 20.5 }, "min_sigma"],
		[{ source: 1, min_sigma: -1 }, "min_sigma"],
		[{ source: 1, min_sigma: "5" }, "min_sigma"],
		[{ source: 1, preset: "brave" }, "preset"],
		[{ source: 1, preset: "moderate", min_sigma: 4 }, "min_sigma"],
		[{ source: 1, sigma: 4 }, "sigma"],
	])("%j is refused and the field named", async (body, field) => {
		const response = await post("/api/v1/detect", body);
		expect(response.status).toBe(400);
		const problem = (await response.json()) as { errors: { field: string }[] };
		expect(problem.errors.map((error) => error.field)).toContain(field);
	});
});

describe("runs on request", () => {
	test("images that are named are run to their end", async () => {
		const made = spawnSync(
			process.execPath,
			[
				main,
				"simulate",
				"sky",
				folder,
				"--seed",
				"4",
				"--epochs",
				"3",
				"--frequencies",
				"1400",
				"--size",
				"256",
				"--sources",
				"16",
			],
			{ encoding: "utf8" },
		);
		expect(made.stderr).toBe("");
		const response = await post("/api/v1/runs", {
			paths: [join(folder, "images")],
			catalogue: join(folder, "catalogue.csv"),
		});
		expect(response.status).toBe(202);
		const { status_url } = (await response.json()) as { status_url: string };
		const run = await ended(status_url);
		expect(run.status).toBe("done");
		expect(run.stages?.find((stage) => stage.stage === "measure")).toMatchObject({ done: 3, failed: 0 });
	}, 60_000);

	test("forced photometry by name of an image or by path: as the pipeline stored it", async () => {
		const { items: images } = (await get("/api/v1/images?limit=200")) as { items: { id: number; path: string }[] };
		const image = images.find((one) => one.path.startsWith(folder));
		if (image === undefined) throw new Error("the run stored no image");
		const stored = await store.database.query<{
			name: string;
			ra_deg: number;
			dec_deg: number;
			flux_jy: number;
			flux_norm_jy: number;
			id: number;
		}>(
			"stored fluxes",
			"SELECT s.id, s.name, s.ra_deg, s.dec_deg, m.flux_jy, m.flux_norm_jy FROM measurement m JOIN source s ON s.id = m.source_id WHERE m.image_id = $1 ORDER BY s.id",
			[image.id],
		);
		const positions = stored.map(({ name, ra_deg, dec_deg }) => ({ source_id: name, ra_deg, dec_deg }));
		// The pipeline takes out an image's offset from the survey; a file by its path is taken as it is.
		for (const [how, agreement] of [
			[{ image: image.id }, 0],
			[{ path: image.path }, 0.01],
		] as const) {
			const response = await post("/api/v1/measure", { ...how, positions });
			expect(response.status).toBe(200);
			const { items } = (await response.json()) as { items: { source_id: string; flux_jy: number }[] };
			expect(items.map((row) => row.source_id)).toEqual(stored.map((row) => row.name));
			for (const [i, row] of items.entries()) {
				expect(Math.abs(row.flux_jy / stored[i].flux_jy - 1)).toBeLessThanOrEqual(agreement);
			}
		}
		const outside = await post("/api/v1/measure", { image: image.id, positions: [{ ra_deg: 10, dec_deg: 80 }] });
		expect(await outside.json()).toMatchObject({ items: [{ source_id: "1", flux_jy: null, flags: "off_image" }] });

		const normalized = await post("/api/v1/normalize", { image: image.id });
		expect(normalized.status).toBe(200);
		const { measurements } = (await normalized.json()) as { measurements: { flux_norm_jy: number }[] };
		expect(measurements.map((row) => row.flux_norm_jy)).toEqual(stored.map((row) => row.flux_norm_jy));
		const one = await post("/api/v1/normalize", { image: image.id, source: stored[2].id, mode: "none" });
		expect(await one.json()).toMatchObject({
			measurements: [{ source_id: stored[2].id, flux_norm_jy: stored[2].flux_jy }],
		});
		expect((await post("/api/v1/normalize", { image: 424_242 })).status).toBe(404);
		expect((await post("/api/v1/normalize", { image: image.id, source: 88_888 })).status).toBe(404);
	});

	test("the pixels of an image about a source: its peak where the source is, blank beyond the edge", async () => {
		const [{ id, ra_deg, dec_deg, flux_jy }] = await store.database.query<{
			id: number;
			ra_deg: number;
			dec_deg: number;
			flux_jy: number;
		}>(
			"brightest",
			`SELECT i.id, s.ra_deg, s.dec_deg, m.flux_jy FROM measurement m JOIN source s ON s.id = m.source_id JOIN image i ON i.id = m.image_id
			 WHERE path LIKE $1 ORDER BY flux_jy DESC LIMIT 1`,
			[`${folder}%`],
		);
		const ask = (query: string) => service.app.request(`http://localhost/api/v1/images/${id}/cutout?${query}`);
		const response = await ask(`ra=${ra_deg}&dec=${dec_deg}`);
		expect(response.status).toBe(200);
		const cut = (await response.json()) as {
			width: number;
			height: number;
			x_pix: number;
			y_pix: number;
			pixel_arcsec: number;
			east_is_left: boolean;
			pixels_jy: (number | null)[];
		};
		expect(cut.pixels_jy).toHaveLength(cut.width * cut.height);
		const brightest = cut.pixels_jy.reduce<number>(
			(best, value, i) => ((value ?? -1) > (cut.pixels_jy[best] ?? -1) ? i : best),
			0,
		);
		expect(Math.abs((brightest % cut.width) - cut.x_pix)).toBeLessThan(1);
		expect(Math.abs(Math.floor(brightest / cut.width) - cut.y_pix)).toBeLessThan(1);
		expect((cut.pixels_jy[brightest] as number) / flux_jy).toBeCloseTo(1, 1);
		expect(cut.east_is_left).toBe(true);
		const wide = (await (
			await ask(`ra=${ra_deg}&dec=${dec_deg}&radius_arcsec=${200 * cut.pixel_arcsec}`)
		).json()) as typeof cut;
		expect(wide.pixels_jy).toContain(null);
		const codes = await Promise.all(
			["ra=10&dec=80", `ra=${ra_deg}&dec=${dec_deg}&radius_arcsec=20000`, `ra=${ra_deg}`].map(async (query) => {
				const refused = await ask(query);
				return [refused.status, ((await refused.json()) as { code: string }).code];
			}),
		);
		expect(codes).toEqual([
			[400, "off-image"],
			[400, "too-large-cutout"],
			[400, "bad-request"],
		]);
	});

	test("images normalised again as a job: stored with an outcome for each, statistics follow, raw fluxes stay", async () => {
		const ofImages = () =>
			store.database.query<{ image_id: number; source_id: number; flux_jy: number; flux_norm_jy: number }>(
				"fluxes of run",
				`SELECT image_id, source_id, flux_jy, flux_norm_jy FROM measurement JOIN image ON image.id = image_id WHERE path LIKE $1 ORDER BY 1, 2`,
				[`${folder}%`],
			);
		const meansOf = () =>
			store.database.query<{ mean_jy: number }>(
				"means of run",
				`SELECT mean_jy FROM light_curve_state l WHERE EXISTS (SELECT FROM measurement m JOIN image ON image.id = image_id
				 WHERE m.source_id = l.source_id AND m.band_id = l.band_id AND path LIKE $1) ORDER BY l.source_id, l.band_id`,
				[`${folder}%`],
			);
		const [before, meansBefore] = [await ofImages(), await meansOf()];
		expect(before.filter((row) => row.flux_norm_jy !== row.flux_jy).length).toBeGreaterThan(before.length / 2);
		const ids = [...new Set(before.map((row) => row.image_id))];
		const order = async (body: object) => {
			const response = await post("/api/v1/normalize", body);
			expect(response.status).toBe(202);
			const { status_url } = (await response.json()) as { status_url: string };
			expect(response.headers.get("location")).toBe(status_url);
			return (await ended(status_url)) as unknown as {
				status: string;
				images: number;
				results: { image_id: number; status: string; solution: string }[];
			};
		};
		const raw = await order({ images: [...ids, 424_242], mode: "none" });
		expect(raw).toMatchObject({ status: "done", images: ids.length, normalized: 0 });
		expect(raw.results.map((row) => [row.image_id, row.status])).toEqual([
			...ids.map((id) => [id, "done"]),
			[424_242, "no_image"],
		]);
		const unscaled = await ofImages();
		expect(unscaled.map((row) => row.flux_jy)).toEqual(before.map((row) => row.flux_jy));
		expect(unscaled.map((row) => row.flux_norm_jy)).toEqual(before.map((row) => row.flux_jy));
		expect(await meansOf()).not.toEqual(meansBefore);

		const all = await order({ all: true });
		expect(all).toMatchObject({ status: "done", results: [] });
		expect(all.images).toBeGreaterThanOrEqual(ids.length);
		expect(await ofImages()).toEqual(before);
		expect(await meansOf()).toEqual(meansBefore);
		const documented = service.app.openAPIRegistry.definitions
			.flatMap((definition) => (definition.type === "route" ? [definition.route] : []))
			.find((route) => route.path === "/api/v1/normalize/{job}")?.responses[200] as {
			content: Record<string, { schema: ZodType }>;
		};
		expect(documented.content["application/json"].schema.parse(raw)).toEqual(raw);
		expect((await service.app.request("http://localhost/api/v1/detect/none")).status).toBe(404);
		expect((await service.app.request("http://localhost/api/v1/normalize/none")).status).toBe(404);
	});

	test("every stage of every kind of run has its metrics, and its span in one trace with the request that began it", async () => {
		const scrape = await (await service.app.request("http://localhost/metrics")).text();
		const samples = scrape.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
		const value = (name: string, labels: Record<string, string>) =>
			samples
				.filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
				.filter((line) => Object.entries(labels).every(([key, text]) => line.includes(`${key}="${text}"`)))
				.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
		for (const [kind, stages] of Object.entries(GRAPHS)) {
			// Begun by an arrival and never by a request: the test of watching finds its spans.
			if (kind === "visibilities") continue;
			const [run] = await store.database.query<{ id: string; trace: string }>(
				"newest run",
				"SELECT id, substr(trace_parent, 4, 32) AS trace FROM run WHERE kind = $1 AND status = 'done' AND trace_parent IS NOT NULL ORDER BY created_at DESC LIMIT 1",
				[kind],
			);
			await flushSpans();
			const spans = await spansOfTrace(store.database, run.trace);
			expect(spans.map((span) => span.name)).toContain("http POST");
			expect(stages.length).toBeGreaterThan(0);
			for (const { name, enabled } of stages) {
				// What is switched off unless asked for has a test of its own where it is switched on.
				if (!enabled(loadConfig().config)) continue;
				expect(value("photometry_pipeline_stage_duration_seconds_count", { stage: name }), name).toBeGreaterThan(0);
				expect(value("photometry_pipeline_stage_runs_total", { stage: name, status: "done" }), name).toBeGreaterThan(0);
				expect(value("photometry_pipeline_stage_cpu_seconds_total", { stage: name }), name).toBeGreaterThan(0);
				const own = spans.filter((span) => span.name === `stage ${name}`);
				expect(own.length, `${kind}: ${name}`).toBeGreaterThan(0);
				const within = new Set(own.map((span) => span.span_id));
				expect(spans.some((span) => within.has(span.parent_span_id ?? "") && span.name.startsWith("sql "))).toBe(true);
			}
		}
		for (const name of [
			"photometry_measurements_total",
			"photometry_measurement_accuracy_count",
			"photometry_pipeline_throughput_sources_per_hour",
			"photometry_normalization_requests_total",
			"normalization_correction_factor_count",
			"normalization_reference_count_count",
			"normalization_rms_count",
			"variability_stats_computation_seconds_count",
			"variability_stats_update_duration_seconds_count",
			"ese_detection_requests_total",
			"ese_detection_duration_seconds_count",
			"ese_detection_pipeline_runs_total",
			"ese_detection_pipeline_latency_seconds_count",
			"ese_candidates_current",
		])
			expect(value(name, {}), name).toBeGreaterThan(0);
		expect(scrape).toContain("# TYPE ese_candidates_detected_pipeline_total counter");
		const entries = logged.map((line) => JSON.parse(line) as Record<string, unknown>);
		const detected = entries.find((entry) => entry.event === "stage_completed" && entry.stage === "detect");
		expect(detected).toMatchObject({
			level: "info",
			run: expect.any(String),
			examined: expect.any(Number),
			candidates: expect.any(Number),
			duration_seconds: expect.any(Number),
			trace_id: expect.stringMatching(/^[0-9a-f]{32}$/),
		});
		// No label may hold an id or a free number: only buckets, status classes and names of fields hold digits.
		for (const line of samples) {
			if (/^(nodejs|process)_/.test(line)) continue;
			for (const [, label, text] of line.matchAll(/(\w+)="([^"]*)"/g)) {
				if (label !== "field" && label !== "le" && label !== "snr_tier" && label !== "snr_class")
					expect(text, line).toMatch(/^(\D*|\dxx|\/api\/v1\D*)$/);
			}
		}
	});

	test.each([
		["/api/v1/measure", { image: 1, path: "/x.fits", positions: [{ ra_deg: 1, dec_deg: 1 }] }, "image"],
		["/api/v1/measure", { image: 1, noise: "/n.fits", positions: [{ ra_deg: 1, dec_deg: 1 }] }, "noise"],
		["/api/v1/measure", { image: 1, positions: [{ ra_deg: 12.5, dec_deg: 91 }] }, "positions.0.dec_deg"],
		["/api/v1/measure", { image: 1, positions: [] }, "positions"],
		["/api/v1/measure", { image: 1, positions: [{ ra: 1, dec: 1 }] }, "positions.0.ra"],
		["/api/v1/measure", { image: 1, positions: [{ ra_deg: "12h30m", dec_deg: 1 }] }, "positions.0.ra_deg"],
		["/api/v1/measure", { path: "/etc/passwd\0.fits", positions: [{ ra_deg: 1, dec_deg: 1 }] }, "path"],
		["/api/v1/measure", { path: "../images/a.fits", positions: [{ ra_deg: 1, dec_deg: 1 }] }, "path"],
		["/api/v1/normalize", { source: 1 }, "source"],
		["/api/v1/normalize", { image: 1, images: [1] }, "images"],
		["/api/v1/normalize", { all: false }, "all"],
		["/api/v1/normalize", { image: 1, colour: "red" }, "colour"],
		["/api/v1/normalize", { image: 1, mode: "best" }, "mode"],
	])("%s %j is refused and the field named", async (path, body, field) => {
		const response = await post(path, body);
		expect(response.status).toBe(400);
		const problem = (await response.json()) as { errors: { field: string }[] };
		expect(problem.errors.map((error) => error.field)).toContain(field);
	});

	test("a file that is no image that can be measured is refused with its reason and the remedy", async () => {
		const bad = join(folder, "bad");
		mkdirSync(bad);
		const card = (text: string) => text.padEnd(80);
		const header = (cards: string[]) =>
			Buffer.concat([Buffer.from([...cards, "END"].map(card).join("").padEnd(2880)), Buffer.alloc(2880)]);
		const image = [
			"SIMPLE  =                    T",
			"BITPIX  =                  -32",
			"NAXIS   =                    2",
			"NAXIS1  =                    8",
			"NAXIS2  =                    8",
		];
		const sky = [
			"CTYPE1  = 'RA---SIN'",
			"CTYPE2  = 'DEC--SIN'",
			"CRPIX1  = 4",
			"CRPIX2  = 4",
			"CRVAL1  = 0",
			"CRVAL2  = 0",
			"CDELT1  = -0.001",
			"CDELT2  = 0.001",
		];
		const beam = ["BMAJ    = 0.003", "BMIN    = 0.003", "BPA     = 0"];
		writeFileSync(join(bad, "text.fits"), "not an image at all");
		writeFileSync(join(bad, "empty.fits"), "");
		writeFileSync(join(bad, "no-wcs.fits"), header([...image, ...beam]));
		writeFileSync(join(bad, "no-beam.fits"), header([...image, ...sky]));
		writeFileSync(join(bad, "kelvin.fits"), header([...image, ...sky, ...beam, "BUNIT   = 'K'"]));
		writeFileSync(join(bad, "cut-off.fits"), header([...image, ...sky, ...beam]).subarray(0, 2900));
		writeFileSync(
			join(bad, "huge.fits"),
			header([
				...image.slice(0, 3),
				"NAXIS1  =           2000000000",
				"NAXIS2  =           2000000000",
				...sky,
				...beam,
			]),
		);
		for (const name of ["text", "empty", "no-wcs", "no-beam", "kelvin", "cut-off", "huge"]) {
			const response = await post("/api/v1/measure", {
				path: join(bad, `${name}.fits`),
				positions: [{ ra_deg: 0, dec_deg: 0 }],
			});
			expect(response.headers.get("content-type"), name).toBe("application/problem+json");
			const problem = (await response.json()) as { status: number; code: string; detail: string; remedy?: string };
			expect([response.status, problem.status], name).toEqual([400, 400]);
			expect(problem.code, name).not.toBe("bad-request");
			expect(problem.detail, name).toContain(`${name}.fits`);
			expect(problem.remedy, name).toBeTruthy();
		}
		// A good image all the same: one bad file has not broken the threads.
		writeFileSync(join(bad, "good.fits"), header([...image, ...sky, ...beam]));
		const good = await post("/api/v1/measure", {
			path: join(bad, "good.fits"),
			positions: [{ ra_deg: 0, dec_deg: 0 }],
		});
		expect(good.status).toBe(200);
	});

	test("only paths that the service may read, links followed", async () => {
		const inside = join(folder, "inside");
		mkdirSync(inside);
		writeFileSync(join(folder, "secret.fits"), "x");
		symlinkSync(join(folder, "secret.fits"), join(inside, "link.fits"));
		const closed = serviceWith([`service.input_folders=[${JSON.stringify(inside)}]`]);
		const open = serviceWith(["service.host=0.0.0.0"]);
		const outcome = async (path: string, on: Service) => {
			const response = await post("/api/v1/runs", { paths: [path] }, on);
			return [response.status, ((await response.json()) as { code?: string }).code];
		};
		expect(await outcome(join(inside, "link.fits"), closed)).toEqual([403, "not-allowed-path"]);
		expect(await outcome(join(inside, "..", "secret.fits"), closed)).toEqual([403, "not-allowed-path"]);
		expect(await outcome(join(folder, "nothing-there"), closed)).toEqual([403, "not-allowed-path"]);
		expect(await outcome(`${inside}-other`, closed)).toEqual([403, "not-allowed-path"]);
		expect(await outcome(join(folder, "secret.fits"), open)).toEqual([403, "not-allowed-path"]);
		expect(await outcome("images", service)).toEqual([400, "bad-path"]);
		expect(await outcome(join(folder, "nothing-there"), service)).toEqual([400, "no-path"]);
		await Promise.all([closed.close(), open.close()]);
	});

	test("a service without a queue says that it takes no work", async () => {
		const alone = createService({ store, loaded: loadConfig(), log, version: "0.0.0" });
		const response = await post("/api/v1/detect", { all: true }, alone);
		expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([503, "no-queue"]);
		await alone.close();
	});
});
