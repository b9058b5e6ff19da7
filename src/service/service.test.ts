import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { ZodType } from "zod";
import { type SeededSurvey, seedSurvey } from "../../test/seeded-survey.ts";
import { loadConfig } from "../config/load.ts";
import { readTable } from "../formats/table/read.ts";
import { Database } from "../store/database.ts";
import { publish } from "../store/events.ts";
import { openStore, type Store } from "../store/open.ts";
import { createService, type Service } from "./server.ts";

const folder = mkdtempSync(join(tmpdir(), "caustic-service-"));
const log = pino({ level: "silent" });
let store: Store;
let survey: SeededSurvey;
let service: Service;
let address: string;

const serviceOn = (overrides: string[] = [], on: Store = store) =>
	createService({ store: on, loaded: loadConfig({ overrides }), log, version: "0.0.0" });

beforeAll(async () => {
	store = await openStore({ dataFolder: folder });
	survey = await seedSurvey(store.database, { sources: 40, epochs: 12 });
	service = serviceOn();
	address = await service.listen("127.0.0.1", 0);
});
afterAll(async () => {
	await service.close();
	await store.close();
	rmSync(folder, { recursive: true });
});

const get = (path: string, headers: Record<string, string> = {}) => fetch(`${address}${path}`, { headers });
const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
	fetch(`${address}${path}`, {
		method: "POST",
		headers: { "content-type": "application/json", ...headers },
		body: typeof body === "string" ? body : JSON.stringify(body),
	});

async function problemOf(response: Response) {
	expect(response.headers.get("content-type")).toBe("application/problem+json");
	const problem = (await response.json()) as {
		status: number;
		code: string;
		detail: string;
		errors?: { field: string; message: string }[];
	};
	expect(problem.status).toBe(response.status);
	return problem;
}

interface DocumentedRoute {
	method: string;
	path: string;
	responses: Record<string, { content?: Record<string, { schema: ZodType }> }>;
}
const documentedRoutes = () =>
	service.app.openAPIRegistry.definitions.flatMap((definition) =>
		definition.type === "route" ? [definition.route as unknown as DocumentedRoute] : [],
	);

describe("answers", () => {
	test("every documented GET answers just what its schema says", async () => {
		let looked = 0;
		for (const route of documentedRoutes()) {
			const schema = route.responses[200]?.content?.["application/json"]?.schema;
			// Jobs are begun, and their answers looked at, where there is somebody to work on them.
			if (route.method !== "get" || schema === undefined || /\{job\}|\{product\}|cutout$/.test(route.path)) continue;
			const id = route.path.includes("/runs/") ? survey.doneRunId : "1";
			const response = await get(route.path.replace("{id}", id));
			expect(response.status, route.path).toBe(200);
			const body = await response.json();
			// Parsing drops what the schema does not know: equality says that nothing undocumented is there.
			expect(schema.parse(body), route.path).toEqual(body);
			looked += 1;
		}
		expect(looked).toBeGreaterThan(18);
	});

	test("the description is OpenAPI 3.1 and the page explains every operation", async () => {
		const document = (await (await get("/api/v1/openapi.json")).json()) as {
			openapi: string;
			paths: Record<string, Record<string, unknown>>;
		};
		expect(document.openapi).toBe("3.1.0");
		const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
			Object.keys(methods).map((method) => `${method} ${path}`),
		);
		expect(operations).toContain("post /api/v1/candidates/{id}/reject");
		const response = await get("/api/docs");
		const page = await response.text();
		for (const operation of operations) expect(page).toContain(operation.split(" ")[1]);
		expect(page).not.toMatch(/(src|href)="https?:/);
		expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
	});

	test("a cone, an order, and pages that follow one another", async () => {
		const cone = (await (await get("/api/v1/sources?ra=0&dec=-4&radius=0.4&limit=5")).json()) as {
			items: { separation_arcsec: number }[];
			next_cursor: string;
		};
		const distances = cone.items.map((row) => row.separation_arcsec);
		expect(distances).toEqual([...distances].sort((a, b) => a - b));
		expect(distances[4]).toBeLessThan(0.4 * 3600);
		const next = await get(`/api/v1/sources?ra=0&dec=-4&radius=0.4&limit=5&cursor=${cone.next_cursor}`);
		const second = (await next.json()) as typeof cone;
		expect(second.items[0].separation_arcsec).toBeGreaterThanOrEqual(distances[4]);
	});
});

describe("files", () => {
	test("light curves of one source in every format, the same numbers in each", async () => {
		const aside = join(folder, "aside");
		mkdirSync(aside);
		vi.stubEnv("TMPDIR", aside);
		const stored = (await (await get(`/api/v1/sources/${survey.lensed.sourceId}/light-curves`)).json()) as {
			curves: { flux_jy: (number | null)[]; flux_norm_jy: (number | null)[] }[];
		};
		// On the common scale where there is one, as measured otherwise, nothing where nothing was measured.
		const expected = stored.curves
			.flatMap((curve) => curve.flux_norm_jy.map((value, i) => value ?? curve.flux_jy[i]))
			.filter((value) => value !== null)
			.sort((a, b) => a - b);
		for (const extension of ["csv", "parquet", "vot", "json", "arrow", "fits"]) {
			const response = await get(`/api/v1/export/light-curves?format=${extension}&source=${survey.lensed.sourceId}`);
			expect(response.status).toBe(200);
			expect(response.headers.get("content-disposition")).toMatch(
				new RegExp(`^attachment; filename="light_curves_[\\w.+-]+\\.${extension}"$`),
			);
			const path = join(folder, `exported.${extension}`);
			writeFileSync(path, new Uint8Array(await response.arrayBuffer()));
			const table = await readTable(path);
			const flux = table.columns.find((column) => column.name === "flux_jy")?.values as ArrayLike<number>;
			const found = Array.from(flux, Number)
				.filter((value) => !Number.isNaN(value))
				.sort((a, b) => a - b);
			expect(found.length, extension).toBe(expected.length);
			for (const [i, value] of found.entries()) expect(value - expected[i], extension).toBeCloseTo(0, 9);
		}
		for (const product of ["measurements", "sources", "candidates"]) {
			const response = await get(`/api/v1/export/${product}`);
			expect([response.status, (await response.text()).split("\n").length > 2], product).toEqual([200, true]);
		}
		expect((await get("/api/v1/export/light-curves?source=99999")).status).toBe(404);
		expect((await get("/api/v1/export/sources?source=1")).status).toBe(400);
		expect((await get("/api/v1/export/light-curves?format=xlsx")).status).toBe(400);
		expect((await get("/api/v1/export/passwords")).status).toBe(400);
		// What was written on the way does not stay.
		await expect.poll(() => readdirSync(aside)).toEqual([]);
		vi.unstubAllEnvs();
	});

	test("a run's report by its id and by nothing else", async () => {
		mkdirSync(join(folder, "reports"), { recursive: true });
		writeFileSync(join(folder, "reports", `${survey.doneRunId}.html`), "<!doctype html><title>report</title>");
		const report = await get(`/api/v1/runs/${survey.doneRunId}/report`);
		expect([report.status, report.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
		expect(report.headers.get("content-security-policy")).toMatch(/^default-src 'none'; style-src 'unsafe-inline'/);
		expect((await get(`/api/v1/runs/${survey.failedRunId}/report`)).status).toBe(404);
		expect((await get(`/api/v1/runs/${encodeURIComponent("../postgres/PG_VERSION")}/report`)).status).toBe(404);
	});

	test("the fitted lens of a candidate as light curves: level far away, dimmer at the peak; none without a fit", async () => {
		const path = `/api/v1/candidates/${survey.lensed.candidateId}`;
		const { peak_mjd } = (await (await get(path)).json()) as { peak_mjd: number };
		const model = (await (await get(`${path}/model`)).json()) as {
			mjd: number[];
			bands: { level_jy: number; lens_jy: number[]; alternative_jy: number[] }[];
		};
		expect(model.bands).toHaveLength(survey.frequenciesMhz.length);
		const nearest = model.mjd.reduce(
			(best, time, i) => (Math.abs(time - peak_mjd) < Math.abs(model.mjd[best] - peak_mjd) ? i : best),
			0,
		);
		for (const { level_jy, lens_jy, alternative_jy } of model.bands) {
			expect([lens_jy.length, alternative_jy.length]).toEqual([model.mjd.length, model.mjd.length]);
			expect(lens_jy[nearest]).toBeLessThan(0.6 * level_jy);
			expect(Math.max(...lens_jy)).toBeGreaterThan(level_jy);
			expect(alternative_jy[nearest]).toBeLessThan(Math.max(...alternative_jy));
		}
		const without = await get(`/api/v1/candidates/${survey.mediumCandidateId}/model`);
		expect([without.status, (await problemOf(without)).code]).toEqual([404, "no-model"]);
	});

	test("an image whose file has gone has no cutout", async () => {
		const gone = await get("/api/v1/images/1/cutout?ra=0&dec=-4");
		expect([gone.status, (await problemOf(gone)).code]).toEqual([404, "no-image-file"]);
	});
});

describe("refusals", () => {
	test.each([
		["/api/v1/sources?limit=0", "limit"],
		["/api/v1/sources?limit=12abc", "limit"],
		["/api/v1/sources?limit=", "limit"],
		["/api/v1/sources?sort=beauty", "sort"],
		["/api/v1/sources?ra=0&dec=91&radius=1", "dec"],
		["/api/v1/sources?ra=0&dec=0", "radius"],
		["/api/v1/sources?cursor=zzz", "cursor"],
		["/api/v1/sources?colour=red", "colour"],
		["/api/v1/survey?x=1", "x"],
		["/api/v1/candidates?tier=high,huge", "tier"],
		["/api/v1/sources/abc", "id"],
		["/api/v1/error-rates?hours=NaN", "hours"],
		["/api/v1/events?types=Nothing", "types"],
	])("%s names the field", async (path, field) => {
		const response = await get(path);
		expect(response.status).toBe(400);
		const problem = await problemOf(response);
		expect(problem.errors?.[0].field.split(".")[0]).toBe(field);
	});

	test("what is not there is a 404, another method a 405 that names the right ones", async () => {
		for (const path of [
			"/api/v1/sources/99999",
			"/api/v1/sources/99999/light-curves",
			"/api/v1/runs/none",
			"/api/v1/runs/none/timeline",
			"/api/v1/candidates/99999/history",
			"/api/v1/images/99999",
			"/api/v1/dead-letters/99999",
			"/api/v1/nothing",
			"/health/liver",
		]) {
			const response = await get(path);
			expect(response.status, path).toBe(404);
			await problemOf(response);
		}
		const deleted = await fetch(`${address}/api/v1/sources`, { method: "DELETE" });
		expect(deleted.status).toBe(405);
		expect(deleted.headers.get("allow")).toContain("GET");
		await problemOf(deleted);
	});

	test("a change of state must be JSON of this shape and size, from this origin", async () => {
		const path = `/api/v1/candidates/${survey.mediumCandidateId}/confirm`;
		const good = { expected_seq: 2, actor: "ada" };
		const refusals: [number, string, Promise<Response>][] = [
			[415, "not-json", post(path, good, { "content-type": "text/plain" })],
			[403, "not-allowed-origin", post(path, good, { origin: "https://elsewhere.example" })],
			[403, "not-allowed-origin", post(path, good, { "sec-fetch-site": "cross-site" })],
			[400, "bad-request", post(path, "{not json")],
			[400, "bad-request", post(path, { ...good, mood: "glad" })],
			[400, "bad-request", post(path, { actor: "ada" })],
			[400, "bad-request", post(path, { ...good, expected_seq: "2" })],
			[400, "bad-request", post(path, { ...good, actor: "" })],
			[400, "bad-request", post(path, [])],
			[413, "too-large", post(path, { ...good, reason: "x".repeat(2 << 20) })],
			[400, "bad-request", post(path.replace("confirm", "reject"), good)],
			[400, "bad-review", post(path.replace("confirm", "reject"), { ...good, reason_class: "other" })],
			[409, "out-of-date", post(path, { ...good, expected_seq: 1 })],
			[409, "not-in-that-state", post(path.replace("confirm", "reopen"), good)],
		];
		for (const [status, code, answer] of refusals) {
			const response = await answer;
			const problem = await problemOf(response);
			expect([status, code], problem.detail).toEqual([response.status, problem.code]);
		}
		const untouched = (await (await get(`/api/v1/candidates/${survey.mediumCandidateId}`)).json()) as {
			last_seq: number;
		};
		expect(untouched.last_seq).toBe(2);
	});

	test("on a loopback address another site's name is refused", async () => {
		const ask = async (host: string, on: Service = service) =>
			(await on.app.request("http://x/api/v1/survey", { headers: { host } })).status;
		expect(await ask("localhost:8765")).toBe(200);
		expect(await ask("[::1]:8765")).toBe(200);
		expect(await ask("rebound.example:8765")).toBe(421);
		const proxied = serviceOn(["service.allowed_hosts=[caustic.example]"]);
		expect(await ask("caustic.example", proxied)).toBe(200);
		const open = serviceOn(["service.host=0.0.0.0"]);
		expect(await ask("telescope.example", open)).toBe(200);
		await Promise.all([proxied.close(), open.close()]);
	});

	test("a port that is taken gives an error with a way out", async () => {
		const second = serviceOn();
		await expect(second.listen("127.0.0.1", Number(new URL(address).port))).rejects.toMatchObject({
			code: "port-taken",
		});
		await second.close();
	});
});

describe("review over HTTP", () => {
	test("a verdict is stored with its reason, and the next one must have seen it", async () => {
		const path = `/api/v1/candidates/${survey.lensed.candidateId}`;
		const first = await post(`${path}/reject`, {
			expected_seq: 5,
			actor: "ada",
			reason_class: "calibration",
			reason: "gain jump",
		});
		expect(first.status).toBe(200);
		expect(await first.json()).toMatchObject({
			candidate: { status: "rejected", last_seq: 6 },
			event: { kind: "rejected", reason_class: "calibration", reason: "gain jump", snapshot: { significance: 8.4 } },
		});
		expect((await post(`${path}/reopen`, { expected_seq: 5, actor: "bo" })).status).toBe(409);
		expect((await post(`${path}/reopen`, { expected_seq: 6, actor: "bo" })).status).toBe(200);
		const { items } = (await (await get(`${path}/history`)).json()) as { items: { kind: string }[] };
		expect(items.map((event) => event.kind).slice(-2)).toEqual(["rejected", "reopened"]);
	});

	test("a dead letter is put aside with a note", async () => {
		expect((await post("/api/v1/dead-letters/1/resolve", { note: " " })).status).toBe(400);
		const response = await post("/api/v1/dead-letters/1/resolve", { note: "file was replaced" });
		expect(await response.json()).toMatchObject({ id: 1, status: "resolved", note: "file was replaced" });
	});
});

/** Reads server-sent events until the wanted number has come. */
async function readStream(
	response: Response,
	wanted: number,
): Promise<{ id: string; data: { type: string; subject?: string } }[]> {
	const found: { id: string; data: { type: string; subject?: string } }[] = [];
	let text = "";
	const decoder = new TextDecoder();
	for await (const chunk of response.body as ReadableStream<Uint8Array>) {
		text += decoder.decode(chunk, { stream: true });
		for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
			const block = text.slice(0, end);
			text = text.slice(end + 2);
			const field = (name: string) => new RegExp(`^${name}: ?(.*)$`, "m").exec(block)?.[1];
			const data = field("data");
			if (data !== undefined)
				found.push({ id: String(field("id")), data: JSON.parse(data) as { type: string; subject?: string } });
		}
		if (found.length >= wanted) return found;
	}
	return found;
}

describe("events", () => {
	test("a reader that comes back misses nothing and then follows what comes", async () => {
		const response = await get("/api/v1/events", { "last-event-id": "0" });
		expect(response.headers.get("content-type")).toContain("text/event-stream");
		const stream = readStream(response, 3);
		await store.database.transaction("announce", async (tx) => {
			await publish(tx, "RunStarted", { source: "run", subject: "late" });
			await publish(tx, "RunCompleted", { source: "run", subject: "late" });
		});
		const [first] = await stream;
		const again = await readStream(await get("/api/v1/events?types=RunStarted", { "last-event-id": first.id }), 1);
		expect(again[0].data).toMatchObject({ specversion: "1.0", type: "caustic.RunStarted", subject: "late" });
	});

	test("an event numbered early and committed late is not passed over, whichever transaction began first", async () => {
		for (const begins of ["held", "quick"]) {
			const stream = readStream(await get("/api/v1/events?types=ImageIngested,ImageRejected"), 2);
			const gate = Promise.withResolvers<void>();
			const heldHasPublished = Promise.withResolvers<void>();
			const quickHasBegun = Promise.withResolvers<void>();
			const quick = store.database.transaction("quick", async (tx) => {
				// Writing anything gives a transaction its number.
				if (begins === "quick")
					await tx.execute("touch", "UPDATE run SET kind = kind WHERE id = $1", [survey.doneRunId]);
				quickHasBegun.resolve();
				await heldHasPublished.promise;
				await publish(tx, "ImageRejected", { source: "test", subject: "quick" });
			});
			const held = store.database.transaction("held", async (tx) => {
				await quickHasBegun.promise;
				await publish(tx, "ImageIngested", { source: "test", subject: "held" });
				heldHasPublished.resolve();
				await gate.promise;
			});
			await quick;
			await new Promise((resolve) => setTimeout(resolve, 900));
			gate.resolve();
			await held;
			const subjects = (await stream).map((event) => event.data.subject);
			expect(subjects).toEqual(begins === "held" ? ["held", "quick"] : ["quick", "held"]);
		}
	});
});

describe("health", () => {
	const statusOf = async (path: string, on: Service = service) =>
		(await on.app.request(`http://localhost${path}`)).status;

	test("well: each part answers in a few milliseconds", async () => {
		await get("/health/ready");
		const begun = performance.now();
		for (const part of ["live", "ready", "database", "schema", "disk", "memory"]) {
			expect((await get(`/health/${part}`)).status, part).toBe(200);
		}
		// 2 ms each on a machine at rest; the aim of 50 ms would be a timed assertion on one that is not.
		expect((performance.now() - begun) / 6).toBeLessThan(250);
	});

	/** A good finding is given again without looking for this long. */
	const settle = () => new Promise((resolve) => setTimeout(resolve, 350));

	test("each part fails when it is broken on purpose, and heals", async () => {
		const starved = serviceOn(["service.disk_free_min_mb=1000000000", "service.memory_free_min_mb=1000000000"]);
		expect([await statusOf("/health/disk", starved), await statusOf("/health/memory", starved)]).toEqual([503, 503]);
		expect(await statusOf("/health/ready", starved)).toBe(503);
		await starved.close();

		// The seeded detections are of 2024; one of now makes the detector fresh.
		expect(await statusOf("/health/ese-detection")).toBe(503);
		expect(await statusOf("/health/ready")).toBe(200);
		await store.database.execute(
			"now",
			"UPDATE stage_run SET finished_at = now() WHERE run_id = $1 AND stage = 'detect'",
			[survey.doneRunId],
		);
		expect(await statusOf("/health/ese-detection")).toBe(200);

		for (const table of ["candidate_event", "light_curve_state"]) {
			await settle();
			await store.database.execute("break", `ALTER TABLE ${table} RENAME TO lost`);
			expect(await statusOf("/health/schema")).toBe(503);
			const detector = await service.app.request("http://localhost/health/ese-detection");
			expect([detector.status, ((await detector.json()) as { output: string }).output]).toEqual([
				503,
				`tables are missing: ${table}`,
			]);
			await store.database.execute("mend", `ALTER TABLE lost RENAME TO ${table}`);
			expect(await statusOf("/health/schema")).toBe(200);
			expect(await statusOf("/health/ese-detection")).toBe(200);
		}
		await settle();
		await store.database.execute(
			"fail",
			`INSERT INTO stage_run (run_id, stage, unit, status, finished_at) VALUES ($1, 'detect', 'later', 'failed', now() + interval '1 second')`,
			[survey.doneRunId],
		);
		expect(await (await get("/health/ese-detection")).json()).toMatchObject({ status: "warn" });
		await store.database.execute("mend", "DELETE FROM stage_run WHERE unit = 'later'");
	});

	test("a frozen database: answers within a second, says so, and recovers when it thaws", async () => {
		const cluster = join(folder, "postgres", "cluster");
		const postmaster = Number(readFileSync(join(cluster, "postmaster.pid"), "utf8").split("\n")[0]);
		const parentOf = (pid: string) => {
			try {
				return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
			} catch {
				return -1;
			}
		};
		const family = [
			postmaster,
			...readdirSync("/proc")
				.filter((name) => /^\d+$/.test(name) && parentOf(name) === postmaster)
				.map(Number),
		];
		const signal = (name: NodeJS.Signals) => {
			for (const pid of family) process.kill(pid, name);
		};
		await settle();
		signal("SIGSTOP");
		try {
			for (let round = 0; round < 2; round++) {
				const begun = performance.now();
				const response = await get("/health/ready");
				expect(response.status).toBe(503);
				expect(performance.now() - begun).toBeLessThan(1000);
				const { checks } = (await response.json()) as { checks: Record<string, { status: string }> };
				expect(checks.database.status).toBe("fail");
				expect(checks.disk.status).not.toBe("fail");
				expect((await get("/health/live")).status).toBe(200);
				for (const part of ["database", "schema", "ese-detection"]) {
					const asked = performance.now();
					expect((await get(`/health/${part}`)).status, part).toBe(503);
					expect(performance.now() - asked, part).toBeLessThan(1000);
				}
				const scrape = await (await get("/metrics")).text();
				expect(scrape).toContain("caustic_database_up 0");
			}
		} finally {
			signal("SIGCONT");
		}
		let status = 0;
		for (let i = 0; i < 50 && status !== 200; i++) {
			status = (await get("/health/ready")).status;
			if (status !== 200) await new Promise((resolve) => setTimeout(resolve, 100));
		}
		expect(status).toBe(200);
	});

	test("a server that takes the connection and never speaks", async () => {
		const sockets: Socket[] = [];
		const hole: Server = createServer((socket) => sockets.push(socket));
		await new Promise<void>((resolve) => hole.listen(0, "127.0.0.1", resolve));
		const { port } = hole.address() as { port: number };
		const database = new Database({ url: `postgresql://x@127.0.0.1:${port}/x` });
		const lost = serviceOn([], { database, dataFolder: folder, close: async () => {} });
		const begun = performance.now();
		expect(await statusOf("/health/ready", lost)).toBe(503);
		expect(performance.now() - begun).toBeLessThan(1000);
		await lost.close();
		for (const socket of sockets) socket.destroy();
		hole.close();
	});
});

describe("metrics", () => {
	test("candidates by tier come from the database, requests by route and never by id", async () => {
		await get("/api/v1/sources/7");
		const text = await (await get("/metrics")).text();
		expect(text).toContain('ese_candidates_current{significance_tier="high"} 1');
		expect(text).toContain('ese_candidates_current{significance_tier="low"} 0');
		expect(text).toContain("caustic_database_up 1");
		expect(text).toMatch(
			/http_request_duration_seconds_count\{route="\/api\/v1\/sources\/:id",method="GET",status="2xx"\} \d+/,
		);
		expect(text).not.toContain("/api/v1/sources/7");
		expect(text).not.toContain("/api/v1/nothing");
	});
});
