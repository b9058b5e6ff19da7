import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import pino from "pino";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { loadConfig } from "../src/config/load.ts";
import { readFitsImage } from "../src/formats/fits/image.ts";
import { writeFitsImage } from "../src/formats/fits/write.ts";
import { createService, type Service } from "../src/service/server.ts";
import { addDeadLetter } from "../src/store/dead-letters.ts";
import { openStore, type Store } from "../src/store/open.ts";
import { type SeededSurvey, seedSurvey } from "./seeded-survey.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const CHROMIUM = process.env.CAUSTIC_CHROMIUM ?? "/usr/bin/chromium";
const hasChromium = existsSync(CHROMIUM);
if (!hasChromium) {
	process.stderr.write(
		`caustic tests: there is no ${CHROMIUM} (CAUSTIC_CHROMIUM names another); the dashboard is NOT tested\n`,
	);
}

const FLAGS = [
	"--headless",
	"--no-sandbox",
	"--disable-gpu",
	"--disable-quic",
	"--no-first-run",
	"--disable-background-networking",
	"--disable-component-update",
	"--disable-sync",
];

/** One image of the seeded field for all its epochs, with a peak where the lensed source is. */
async function writeImage(path: string, store: Store, sourceId: number): Promise<void> {
	const size = 720;
	const cards: [string, string | number][] = [
		["CTYPE1", "RA---SIN"],
		["CTYPE2", "DEC--SIN"],
		["CRPIX1", size / 2],
		["CRPIX2", size / 2],
		["CRVAL1", 0.1],
		["CRVAL2", -4],
		["CDELT1", -10 / 3600],
		["CDELT2", 10 / 3600],
		["BUNIT", "Jy/beam"],
	];
	const data = new Float32Array(size * size).fill(1e-4);
	const plane = { width: size, height: size, data };
	await writeFitsImage(path, plane, cards);
	const [source] = await store.database.query<{ ra_deg: number; dec_deg: number }>(
		"lensed source",
		"SELECT ra_deg, dec_deg FROM source WHERE id = $1",
		[sourceId],
	);
	const { wcs } = await readFitsImage(path);
	const { x, y } = wcs.icrsToPixels(Float64Array.of(source.ra_deg), Float64Array.of(source.dec_deg));
	data[Math.round(y[0]) * size + Math.round(x[0])] = 0.2;
	await writeFitsImage(path, plane, cards);
	await store.database.execute("image files", "UPDATE image SET path = $1", [path]);
}

describe.skipIf(!hasChromium)("the dashboard in a browser", () => {
	const folder = mkdtempSync(join(tmpdir(), "caustic-dashboard-"));
	let store: Store;
	let survey: SeededSurvey;
	let service: Service;
	let address: string;
	let browser: Browser;
	let page: Page;
	/** What no page may cause: errors on the console, failed requests, requests to anywhere else. */
	let complaints: string[] = [];

	beforeAll(async () => {
		// A process of its own: the tests' environment would make it a build for development.
		execFileSync(
			process.execPath,
			[
				join(root, "node_modules/vite/bin/vite.js"),
				"build",
				"--config",
				join(root, "src/web/vite.config.ts"),
				"--outDir",
				join(folder, "web"),
				"--logLevel",
				"error",
			],
			{ cwd: root, env: { ...process.env, NODE_ENV: "production" } },
		);
		store = await openStore({ dataFolder: join(folder, "data") });
		survey = await seedSurvey(store.database, { sources: 60, epochs: 30 });
		await writeImage(join(folder, "image.fits"), store, survey.lensed.sourceId);
		service = createService({
			store,
			// How the service is has tests of its own; on a busy machine the pages must not complain of it.
			loaded: loadConfig({ overrides: ["service.health_timeout_ms=10000"] }),
			log: pino({ level: "silent" }),
			version: "0.0.0",
			dashboardFolder: join(folder, "web"),
		});
		address = await service.listen("127.0.0.1", 0);
		browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
	});
	afterAll(async () => {
		await browser?.close();
		await service?.close();
		await store?.close();
		rmSync(folder, { recursive: true });
	});

	beforeEach(async () => {
		page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
		page.setDefaultTimeout(10_000);
		complaints = [];
		page.on("console", (message) => {
			if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
		});
		page.on("pageerror", (error) => complaints.push(error.message));
		page.on("request", (request) => {
			if (!request.url().startsWith(address) && !request.url().startsWith("data:")) complaints.push(request.url());
		});
	});
	afterEach(async () => {
		await page.close();
	});

	const open = async (path: string, heading: string) => {
		await page.goto(`${address}${path}`);
		await page.getByRole("heading", { name: heading, level: 1 }).waitFor();
	};
	const sees = (text: string | RegExp) => page.getByText(text).first().waitFor();
	const inked = (canvas: string) =>
		page
			.locator(canvas)
			.first()
			.evaluate((element) => {
				const { width, height } = element as HTMLCanvasElement;
				const pixels = (element as HTMLCanvasElement).getContext("2d")?.getImageData(0, 0, width, height).data ?? [];
				let opaque = 0;
				for (let i = 3; i < pixels.length; i += 4) if (pixels[i] > 0) opaque += 1;
				return opaque;
			});

	test("every page shows what it is for, without a complaint or a request to elsewhere", async () => {
		await open("/", "Overview");
		await sees("First in the queue");
		await sees(survey.runningRunId);
		await page.locator(".tile", { hasText: "Measurements" }).getByText("7\u202f200").waitFor();
		await page.getByText("CPU, this process").waitFor();

		await open("/runs", "Runs");
		await page.getByRole("link", { name: survey.doneRunId }).click();
		await page.getByRole("heading", { name: `Run ${survey.doneRunId}` }).waitFor();
		await page.getByRole("img", { name: /Timeline/ }).waitFor();
		expect(await page.locator(".gantt rect.bar.is-done").count()).toBe(7 + survey.epochs);
		await sees("transaction store measure");
		await open(`/runs/${survey.failedRunId}`, `Run ${survey.failedRunId}`);
		await page.getByRole("cell", { name: /has no WCS/ }).waitFor();

		await open("/sky", "Sky");
		await page.getByRole("img", { name: /Sky map of F0000-04 with 60 sources/ }).waitFor();
		expect(await inked(".scatter canvas")).toBeGreaterThan(2000);

		await open("/sources", "Sources");
		await page.getByLabel("Find by name or position").fill("00:03:22.19 -04:14:23.3");
		await page.getByRole("button", { name: "Find" }).click();
		await sees("nearest first");
		const nearest = page.locator("tbody tr").first();
		await nearest.getByRole("cell", { name: "0.0″" }).waitFor();

		await open("/eta-v", "η–V plane");
		await page.getByRole("img", { name: /Eta against V for 60 sources/ }).waitFor();
		await page.getByLabel("Subband").selectOption({ label: "1098 MHz" });
		await page.waitForURL(/band=2/);

		await open("/normalization", "Normalization");
		await page.getByRole("img", { name: /Correction against time at 888 MHz: 30 images, 1 not applied/ }).waitFor();
		await sees("flagged");

		await open("/dead-letters", "Dead letters");
		await sees("/survey/epoch3/no-beam.fits");

		await page.goto(`${address}/no-such-page`);
		await sees("There is no such page.");
		expect(complaints).toEqual([]);
	});

	test("a source: light curve per subband, raw or normalised, together, and the numbers in a table", async () => {
		await page.goto(`${address}/sources/${survey.lensed.sourceId}`);
		for (const mhz of survey.frequenciesMhz) {
			await page.getByRole("img", { name: new RegExp(`${mhz} MHz: 30 measurements against time`) }).waitFor();
		}
		expect(await page.locator(".stack canvas").count()).toBe(4);
		expect(await inked(".stack canvas")).toBeGreaterThan(1500);
		await page.getByRole("button", { name: "Raw" }).click();
		await page.getByRole("button", { name: "Relative" }).click();
		await page.getByRole("img", { name: /all subbands: 120 measurements/ }).waitFor();
		await page.getByText("Measurements as a table").click();
		const rows = page.getByRole("table", { name: "Measurements, newest first" }).locator("tbody tr");
		await rows.nth(119).waitFor();
		expect(await rows.count()).toBe(120);
		await page
			.locator(".uplot .u-over")
			.first()
			.hover({ position: { x: 300, y: 60 } });
		await page.locator(".readout", { hasText: "±" }).first().waitFor();
		expect(complaints).toEqual([]);
	});

	test("images of the source at the event and at a quiet epoch; a click on the light curve chooses another", async () => {
		await page.goto(`${address}/candidates/${survey.lensed.candidateId}`);
		const pictures = page.locator(".cutouts canvas");
		await pictures.nth(7).waitFor();
		await sees("Dashed: the best alternative, a flare.");
		expect(await pictures.count()).toBe(8);
		const inks = await pictures.first().evaluate((element) => {
			const canvas = element as HTMLCanvasElement;
			const pixels = canvas.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
			const middle = 4 * (Math.floor(canvas.height / 2) * canvas.width + Math.floor(canvas.width / 2));
			return { corner: pixels[0], middle: pixels[middle] };
		});
		expect(inks.middle).toBeLessThan(30);
		expect(inks.corner).toBeGreaterThan(225);
		const chosen = page.locator(".cutout-row h3").first();
		const before = await chosen.innerText();
		await page
			.locator(".uplot .u-over")
			.first()
			.click({ position: { x: 8, y: 40 } });
		await expect.poll(() => chosen.innerText()).not.toBe(before);
		await page.getByRole("button", { name: "Epoch after" }).click();
		await page.getByRole("slider", { name: "Epoch of the images" }).press("End");
		expect(await page.getByRole("button", { name: "Epoch after" }).isDisabled()).toBe(true);
		expect(complaints).toEqual([]);
	});

	test("dark on request, kept for the next visit; exports and the report are a click away", async () => {
		await open("/sources", "Sources");
		const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
		const light = await paper();
		await page.getByRole("button", { name: "Dark" }).click();
		expect(await paper()).not.toBe(light);
		await page.reload();
		await page.getByRole("button", { name: "Light" }).waitFor();
		expect(await paper()).not.toBe(light);
		const download = page.waitForEvent("download");
		await page.getByRole("link", { name: "VOTable" }).click();
		expect((await download).suggestedFilename()).toBe("sources.vot");
		await page.goto(`${address}/runs/${survey.doneRunId}`);
		expect(await page.getByRole("link", { name: "Report" }).getAttribute("href")).toBe(
			`/api/v1/runs/${survey.doneRunId}/report`,
		);
		expect(complaints).toEqual([]);
	});

	test("on a telephone no page is wider than the screen", async () => {
		await page.setViewportSize({ width: 390, height: 844 });
		for (const path of [
			"/",
			"/candidates",
			"/sky",
			"/sources",
			"/eta-v",
			"/normalization",
			"/runs",
			"/dead-letters",
			`/sources/${survey.lensed.sourceId}`,
			`/candidates/${survey.lensed.candidateId}`,
			`/runs/${survey.doneRunId}`,
		]) {
			await page.goto(`${address}${path}`);
			await page.locator("main h1").waitFor();
			await page.locator("main .panel").first().waitFor();
			expect(await page.evaluate(() => document.documentElement.scrollWidth), path).toBeLessThanOrEqual(390);
		}
		expect(complaints).toEqual([]);
	});

	test("a click on the sky opens the source under it", async () => {
		await open("/sky", "Sky");
		const canvas = page.locator(".scatter canvas");
		await canvas.waitFor();
		const box = await canvas.boundingBox();
		if (box === null) throw new Error("the map has no place on the page");
		for (let k = 0; k < 400; k++) {
			const angle = 2.4 * k;
			const radius = 12 * Math.sqrt(k);
			await page.mouse.move(box.x + box.width / 2 + radius * Math.cos(angle), box.y + 300 + radius * Math.sin(angle));
			if (await page.locator(".tooltip").isVisible()) break;
		}
		const name = (await page.locator(".tooltip").innerText()).split("\n")[0];
		await page.mouse.down();
		await page.mouse.up();
		await page.getByRole("heading", { name, level: 1 }).waitFor();
		expect(complaints).toEqual([]);
	});

	test("by keyboard alone: one candidate rejected with its reason, another confirmed", async () => {
		await open("/candidates", "Candidates");
		const selected = page.locator('tr[aria-selected="true"] td').first();
		await page.locator("tbody tr").nth(1).waitFor();
		expect(await selected.innerText()).toBe(String(survey.lensed.candidateId));
		await page.keyboard.press("j");
		await page.locator('tr[aria-selected="true"]', { hasText: "medium" }).waitFor();
		await page.keyboard.press("r");
		const dialog = page.getByRole("dialog");
		await dialog.getByLabel("Reason class").selectOption("single_outlier");
		await dialog.getByLabel("Text (optional)").fill("one bad epoch");
		await dialog.getByLabel("Your name").fill("ada");
		await dialog.getByRole("button", { name: "reject" }).click();
		await dialog.waitFor({ state: "detached" });
		await page.locator("tbody tr", { hasText: "medium" }).waitFor({ state: "detached" });

		await page.keyboard.press("Enter");
		await page.getByRole("heading", { name: /Candidate 1/ }).waitFor();
		await page.getByRole("img", { name: /Significance as epochs came in: 5 scores/ }).waitFor();
		await sees("Lens strength α at 1400 MHz");
		await page.locator(".neighbours svg").nth(4).waitFor();
		await page.keyboard.press("c");
		expect(await page.getByRole("dialog").getByLabel("Your name").inputValue()).toBe("ada");
		await page.getByRole("dialog").getByRole("button", { name: "confirm" }).click();
		await page.locator("h1 .badge", { hasText: "confirmed" }).waitFor();
		await page.locator(".history li", { hasText: "confirmed by ada" }).waitFor();

		const events = await store.database.query<{
			candidate_id: number;
			kind: string;
			reason_class: string;
			actor: string;
		}>(
			"verdicts",
			"SELECT candidate_id, kind, reason_class, actor FROM candidate_event WHERE actor = 'ada' ORDER BY at",
		);
		expect(events).toEqual([
			{ candidate_id: survey.mediumCandidateId, kind: "rejected", reason_class: "single_outlier", actor: "ada" },
			{ candidate_id: survey.lensed.candidateId, kind: "confirmed", reason_class: null, actor: "ada" },
		]);
		expect(complaints).toEqual([]);
	});

	test("a verdict on what has changed since is refused and says so", async () => {
		await page.goto(`${address}/candidates/${survey.rejectedCandidateId}`);
		await page.getByRole("button", { name: /^reopen/ }).click();
		const dialog = page.getByRole("dialog");
		await dialog.getByLabel("Your name").fill("bo");
		const other = await fetch(`${address}/api/v1/candidates/${survey.rejectedCandidateId}/comment`, {
			method: "POST",
			headers: { "content-type": "application/json" },
			body: JSON.stringify({ expected_seq: 2, actor: "ada", reason: "seen it twice" }),
		});
		expect(other.status).toBe(200);
		// The open page learns of the comment by itself; the dialog must still stand for what was seen before.
		await page.locator(".history li", { hasText: "seen it twice" }).waitFor();
		await dialog.getByRole("button", { name: "reopen" }).click();
		await dialog
			.getByRole("alert")
			.getByText(/its history is at event 3, the verdict was given on event 2/)
			.waitFor();
		expect(complaints.filter((text) => !text.includes("409"))).toEqual([]);
	});

	test("what happens shows by itself", async () => {
		await open("/dead-letters", "Dead letters");
		await page.locator(".health", { hasText: "Live" }).waitFor();
		const bubble = page.getByRole("link", { name: "Dead letters" }).locator(".bubble");
		expect(await bubble.innerText()).toBe("2");
		await store.database.transaction("new letter", (tx) =>
			addDeadLetter(tx, {
				stage: "measure",
				unit: "5",
				subject: "/survey/new.fits",
				code: "no-wcs",
				reason: "has no WCS",
			}),
		);
		await sees("/survey/new.fits");
		await page.locator("nav .bubble", { hasText: "3" }).waitFor();
		const letter = page.locator(".letters > li", { hasText: "/survey/new.fits" });
		await letter.getByLabel("Note").fill("replaced");
		await letter.getByRole("button", { name: "Resolve" }).click();
		await letter.waitFor({ state: "detached" });
		expect(complaints).toEqual([]);
	});

	test("every control has a name, every picture a text", async () => {
		for (const path of ["/", "/candidates", `/sources/${survey.lensed.sourceId}`, "/sky", "/normalization"]) {
			await page.goto(`${address}${path}`);
			await page.locator("main h1").waitFor();
			await page.waitForLoadState("load");
			const nameless = await page.locator("button, a, input, select, textarea, [role=img]").evaluateAll((elements) =>
				elements
					.filter((element) => {
						const labelled = element.getAttribute("aria-label") ?? element.textContent ?? "";
						return labelled.trim() === "" && element.closest("label") === null;
					})
					.map((element) => element.outerHTML.slice(0, 120)),
			);
			expect(nameless, path).toEqual([]);
		}
		await page.goto(address);
		await page.locator("main h1").waitFor();
		await page.keyboard.press("Tab");
		expect(await page.locator(":focus").innerText()).toBe("Skip to the page");
	});
});
