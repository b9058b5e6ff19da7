/**
 * Writes the built-in table of UT1 and polar motion, src/sky/data/earth-orientation.ts, from files of the IERS:
 *
 *     node tools/iers-table.ts eopc04.1962-now finals2000A.all
 *
 * The C04 series is the best for the past; Bulletin A continues it with rapid values and a year of predictions. The
 * largest departures of the compact table from the daily series are printed.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { decodeTable, encodeTable } from "../src/sky/earth-orientation-table.ts";
import { continueSeries, parseIersFile, tabulate } from "../src/sky/iers-file.ts";
import { mjdToIso } from "../src/sky/time.ts";

const [c04, finals] = process.argv.slice(2).map((path) => parseIersFile(readFileSync(path, "latin1"), path));
const daily = continueSeries(c04, finals);
const last = daily.firstMjd + daily.ut1MinusUtc.length - 1;
const day = (mjd: number) => mjdToIso(mjd).slice(0, 10);
const source = "IERS EOP C04 and finals2000A";
const reach = `measured to ${day(daily.lastMeasuredMjd)}, predicted to ${day(last)}`;
const encoded = encodeTable(tabulate(daily, source));
const lines = (text: string) => (text.match(/.{1,110}/g) ?? []).map((line) => `\t\t"${line}",\n`).join("");
const series = (name: string, text: string) => `\t${name}: [\n${lines(text)}\t].join(""),\n`;
writeFileSync(
	new URL("../src/sky/data/earth-orientation.ts", import.meta.url),
	`// Written by tools/iers-table.ts from ${source}, ${reach}.
import type { EncodedEarthOrientation } from "../earth-orientation-table.ts";

export const BUNDLED_EARTH_ORIENTATION: EncodedEarthOrientation = {
	source: "${source}",
	firstMjd: ${encoded.firstMjd},
	lastMeasuredMjd: ${encoded.lastMeasuredMjd},
	leapSeconds: ${JSON.stringify(encoded.leapSeconds)},
	stepDays: ${encoded.stepDays},
${series("ut1MinusTai", encoded.ut1MinusTai)}${series("xp", encoded.xp)}${series("yp", encoded.yp)}};
`,
);
const { earthOrientation, useEarthOrientation } = await import("../src/sky/earth-orientation.ts");
useEarthOrientation(decodeTable(encoded));
let ut1 = 0;
let pole = 0;
for (let mjd = encoded.firstMjd; mjd < last - 6; mjd++) {
	const i = mjd - daily.firstMjd;
	const ours = earthOrientation(mjd);
	ut1 = Math.max(ut1, Math.abs(ours.ut1MinusUtc - daily.ut1MinusUtc[i]));
	pole = Math.max(pole, Math.hypot(ours.xp - daily.xp[i], ours.yp - daily.yp[i]));
}
process.stdout.write(
	`${source}, ${reach}\nlargest departure: UT1 ${(ut1 * 1e3).toFixed(2)} ms, pole ${(pole * 1e3).toFixed(1)} mas\n`,
);
