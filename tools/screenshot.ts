/**
 * Makes the README's picture of the dashboard from a running one:
 *
 *     npm start                                        # in one terminal
 *     node tools/screenshot.ts docs/dashboard.png      # in another
 *
 * Needs a Chromium at CHROMIUM or /usr/bin/chromium. The page is the first candidate's, at --url.
 */
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";

const { values, positionals } = parseArgs({
	allowPositionals: true,
	options: { url: { type: "string", default: "http://127.0.0.1:8765/candidates/1" } },
});
const out = positionals[0] ?? "docs/dashboard.png";
const browser = await chromium.launch({
	executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
	args: [
		"--no-sandbox",
		"--disable-gpu",
		"--disable-quic",
		"--no-first-run",
		"--disable-background-networking",
		"--disable-component-update",
		"--disable-sync",
	],
});
try {
	const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
	await page.goto(values.url, { waitUntil: "load" });
	await page.waitForSelector("canvas");
	// Charts draw a moment after their data are there.
	await page.waitForTimeout(1500);
	await page.screenshot({ path: out });
	process.stdout.write(`${out}\n`);
} finally {
	await browser.close();
}
