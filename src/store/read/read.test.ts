import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type SeededSurvey, seedSurvey } from "../../../test/seeded-survey.ts";
import { openStore, type Store } from "../open.ts";
import { CANDIDATE_ORDERS, listCandidates } from "./candidates.ts";
import { listCorrections } from "./corrections.ts";
import type { Page } from "./cursor.ts";
import { pageDeadLetters } from "./dead-letters.ts";
import { listEpochs } from "./epochs.ts";
import { listImages } from "./images.ts";
import { lightCurves } from "./light-curves.ts";
import { getRunRow, listRunRows, runTimeline } from "./runs.ts";
import { getSource, listSources, SOURCE_ORDERS } from "./sources.ts";
import { statisticsColumns } from "./statistics.ts";
import { surveySummary } from "./survey.ts";

const folder = mkdtempSync(join(tmpdir(), "caustic-read-"));
let store: Store;
let survey: SeededSurvey;
beforeAll(async () => {
	store = await openStore({ dataFolder: folder });
	survey = await seedSurvey(store.database, { sources: 60, epochs: 12 });
	// Sources without any measurement yet must not fall out of a list sorted by what they lack.
	await store.database.execute(
		"bare",
		"INSERT INTO source (id, name, origin, ra_deg, dec_deg) VALUES (901, 'bare', 'catalogue', 359.99, -4.2), (902, 'bare 2', 'catalogue', 0.01, -4.2)",
	);
});
afterAll(async () => {
	await store.close();
	rmSync(folder, { recursive: true });
});

async function everyPage<T>(read: (limit: number, cursor?: string) => Promise<Page<T>>, limit: number): Promise<T[]> {
	const all: T[] = [];
	let cursor: string | undefined;
	for (let pages = 0; pages < 1000; pages++) {
		const page = await read(limit, cursor);
		all.push(...page.items);
		if (page.next_cursor === null) return all;
		expect(page.items.length).toBe(limit);
		cursor = page.next_cursor;
	}
	throw new Error("pages never end");
}

describe("lists", () => {
	test("small pages put together are the one large page, in every list and order", async () => {
		const db = store.database;
		const lists: [string, number, (limit: number, cursor?: string) => Promise<Page<object>>][] = [
			...SOURCE_ORDERS.map((sort): [string, number, (limit: number, cursor?: string) => Promise<Page<object>>] => [
				`sources by ${sort}`,
				sort === "separation" ? -1 : survey.sources + 2,
				(limit, cursor) =>
					listSources(db, {
						sort,
						limit,
						cursor,
						...(sort === "separation" ? { cone: { raDeg: 0.1, decDeg: -4, radiusDeg: 0.6 } } : {}),
					}),
			]),
			...CANDIDATE_ORDERS.map((sort): [string, number, (limit: number, cursor?: string) => Promise<Page<object>>] => [
				`candidates by ${sort}`,
				3,
				(limit, cursor) => listCandidates(db, { sort, limit, cursor }),
			]),
			["images", 48, (limit, cursor) => listImages(db, { limit, cursor })],
			["epochs", 12, (limit, cursor) => listEpochs(db, { limit, cursor })],
			["corrections", 48, (limit, cursor) => listCorrections(db, { limit, cursor })],
			["dead letters", 3, (limit, cursor) => pageDeadLetters(db, { limit, cursor })],
			["runs", 3, (limit, cursor) => listRunRows(db, { limit, cursor })],
		];
		for (const [name, count, read] of lists) {
			const whole = await read(500);
			expect(whole.next_cursor, name).toBeNull();
			if (count >= 0) expect(whole.items.length, name).toBe(count);
			for (const size of [1, 7]) expect(await everyPage(read, size), `${name}, pages of ${size}`).toEqual(whole.items);
		}
	});

	test("a cursor of another order, or a forged one, is refused", async () => {
		const { next_cursor } = await listSources(store.database, { sort: "eta", limit: 5 });
		const refused = (cursor: string) => listSources(store.database, { sort: "name", limit: 5, cursor });
		await expect(refused(String(next_cursor))).rejects.toMatchObject({ code: "bad-cursor", subject: "cursor" });
		await expect(refused("%%%")).rejects.toMatchObject({ code: "bad-cursor" });
		const forged = Buffer.from(JSON.stringify(["eta", "1; DROP TABLE source", "1"])).toString("base64url");
		await expect(listSources(store.database, { sort: "eta", limit: 5, cursor: forged })).rejects.toMatchObject({
			code: "bad-cursor",
		});
	});

	test("a cone search crosses RA 0 and agrees with the distance of every source", async () => {
		const { items: all } = await listSources(store.database, { sort: "name", limit: 1000 });
		const centre = { raDeg: 359.95, decDeg: -4.1, radiusDeg: 0.35 };
		const { items } = await listSources(store.database, { sort: "separation", limit: 1000, cone: centre });
		const radians = Math.PI / 180;
		const unit = (ra: number, dec: number) => [
			Math.cos(dec * radians) * Math.cos(ra * radians),
			Math.cos(dec * radians) * Math.sin(ra * radians),
			Math.sin(dec * radians),
		];
		const distance = (ra: number, dec: number) => {
			const [a, b] = [unit(ra, dec), unit(centre.raDeg, centre.decDeg)];
			return (2 * Math.asin(Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]) / 2)) / radians;
		};
		const inside = all
			.map((row) => ({ id: row.id, degrees: distance(row.ra_deg, row.dec_deg) }))
			.filter((row) => row.degrees <= centre.radiusDeg)
			.sort((a, b) => a.degrees - b.degrees);
		expect(inside.length).toBeGreaterThan(5);
		expect(items.map((row) => row.id)).toEqual(inside.map((row) => row.id));
		for (const [i, row] of items.entries()) expect(row.separation_arcsec).toBeCloseTo(inside[i].degrees * 3600, 6);
		expect(new Set(items.map((row) => row.ra_deg > 180)).size).toBe(2);
	});

	test("a wildcard in a name is a letter like any other", async () => {
		const named = (name: string) => listSources(store.database, { sort: "name", limit: 9, name });
		expect((await named("BARE")).items.map((row) => row.id)).toEqual([901, 902]);
		expect((await named("%")).items).toEqual([]);
	});
});

describe("details", () => {
	test("a light curve per subband, columns of equal length in order of time, gaps as null", async () => {
		const { curves, configurations } = await lightCurves(store.database, survey.lensed.sourceId);
		expect(configurations).toEqual([survey.configuration]);
		expect(curves.map((curve) => curve.frequency_mhz)).toEqual(survey.frequenciesMhz);
		for (const curve of curves) {
			const { band_id: _, frequency_mhz: __, method: ___, ...columns } = curve;
			for (const [name, column] of Object.entries(columns)) expect(column.length, name).toBe(survey.epochs);
			expect(curve.mjd).toEqual([...curve.mjd].sort((a, b) => a - b));
		}
		const stored = await store.database.query<{ flux_jy: number | null }>(
			"stored",
			"SELECT flux_jy FROM measurement WHERE source_id = $1 AND band_id = 2 ORDER BY mjd",
			[survey.lensed.sourceId],
		);
		expect(curves[1].flux_jy).toEqual(stored.map((row) => row.flux_jy));
		expect((await lightCurves(store.database, 901)).curves).toEqual([]);
	});

	test("a source carries its statistics and candidates, a run its stages and timeline", async () => {
		const source = await getSource(store.database, survey.lensed.sourceId);
		expect(source?.statistics.length).toBe(4);
		expect(source).toMatchObject({ candidate_id: 1, candidate_tier: "high", field: "F0000-04" });
		expect(await getSource(store.database, 123456)).toBeUndefined();
		const run = await getRunRow(store.database, survey.doneRunId);
		expect(run?.stages.map((stage) => stage.stage)).toEqual([
			"ingest",
			"find",
			"associate",
			"measure",
			"normalise",
			"statistics",
			"detect",
			"report",
		]);
		expect(run?.stages[3]).toMatchObject({ units: 12, done: 12, failed: 0 });
		const timeline = await runTimeline(store.database, survey.doneRunId);
		expect(timeline.truncated).toBe(false);
		expect(timeline.units.length).toBe(19);
		expect(timeline.spans[0].name).toBe("run");
		expect((await runTimeline(store.database, survey.doneRunId, 3)).truncated).toBe(true);
	});

	test("statistics of every source as columns; the limit leaves the steadiest out", async () => {
		const all = await statisticsColumns(store.database, { limit: 1000 });
		expect(all.total).toBe(62);
		expect(all.source_id[0]).toBe(survey.lensed.sourceId);
		const few = await statisticsColumns(store.database, { limit: 5 });
		expect(few.total).toBe(62);
		expect(few.source_id).toEqual(all.source_id.slice(0, 5));
		const band = await statisticsColumns(store.database, { limit: 1000, bandId: 3 });
		expect(band.total).toBe(60);
		expect(await surveySummary(store.database)).toMatchObject({
			sources: 62,
			measurements: 60 * 12 * 4,
			candidates_open: 2,
			dead_letters_open: 2,
		});
	});
});
