import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Candidate, detectEvents } from "../src/detection/detect.ts";
import { hasSharedData, sharedData } from "./shared-data.ts";

/** Real light curves of the Green Bank Interferometer, 2.25 and 8.3 GHz, in bins of a day; no field, no ensemble. */
function judge(set: string): Map<string, Candidate[]> {
	const found = new Map<string, Candidate[]>();
	for (const name of readdirSync(sharedData("lightcurves", "gbi", set))) {
		const days = new Map<number, number[][]>();
		for (const line of readFileSync(sharedData("lightcurves", "gbi", set, name), "utf8")
			.trim()
			.split("\n")) {
			const row = line.trim().split(/\s+/).map(Number);
			const day = days.get(Math.floor(row[0]));
			if (day === undefined) days.set(Math.floor(row[0]), [row]);
			else day.push(row);
		}
		const rows: { mjd: number; mhz: number; flux: number; err: number }[] = [];
		for (const day of days.values())
			for (const [mhz, column, errColumn] of [
				[2250, 2, 5],
				[8300, 3, 6],
			]) {
				// -1 marks what is missing.
				const used = day.filter((row) => row[column] > -0.9 && row[errColumn] > 0);
				if (used.length === 0) continue;
				const weight = used.reduce((sum, row) => sum + row[errColumn] ** -2, 0);
				const flux = used.reduce((sum, row) => sum + row[column] * row[errColumn] ** -2, 0) / weight;
				const mjd = day.reduce((sum, row) => sum + row[0], 0) / day.length;
				rows.push({ mjd, mhz, flux, err: Math.hypot(1 / Math.sqrt(weight), 0.015 * flux) });
			}
		const table = {
			sourceIndex: new Int32Array(rows.length),
			mjd: rows.map((row) => row.mjd),
			frequencyMhz: rows.map((row) => row.mhz),
			flux: rows.map((row) => row.flux),
			fluxErr: rows.map((row) => row.err),
		};
		found.set(name, detectEvents(table, [{ id: name }]).candidates);
	}
	return found;
}

const loud = (found: Map<string, Candidate[]>, least: number) =>
	[...found].filter(([, candidates]) => candidates.some((c) => c.significance >= least)).map(([name]) => name);

describe.skipIf(!hasSharedData)("real light curves of Green Bank", () => {
	test("of thirteen AGN at most one besides 2005+403 raises anything strong, and 1328+254 nothing", () => {
		const found = judge("agn");
		expect(found.size).toBe(13);
		expect(loud(found, 4.5).filter((name) => name !== "2005+403").length).toBeLessThanOrEqual(1);
		expect(loud(found, 7).filter((name) => name !== "2005+403")).toEqual([]);
		expect(found.get("1328+254")).toEqual([]);
	}, 60_000);

	test("flaring stars and X-ray binaries: at most one", () => {
		const found = judge("stars-and-xrb");
		expect(found.size).toBe(14);
		expect(loud(found, 0).length).toBeLessThanOrEqual(1);
	}, 60_000);
});
