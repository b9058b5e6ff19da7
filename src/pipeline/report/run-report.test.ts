import { describe, expect, test } from "vitest";
import { Random } from "../../simulation/random.ts";
import { type RunReportData, runReport } from "./run-report.ts";

const BANDS = [888, 1367];

function survey(sources: number): RunReportData {
	const random = new Random(5);
	const rows = Array.from({ length: sources }, (_, i) => ({
		name: `S${i}`,
		raDeg: (359.9 + 0.2 * random.uniform()) % 360,
		decDeg: 37 + 0.2 * random.uniform(),
		meanJy: 0.002 * 1.1 ** i,
		catalogueJy: 0.002 * 1.1 ** i,
		eta: i === 7 ? 4000 : 0.8 + 0.4 * random.uniform(),
		v: i === 7 ? 0.6 : 0.01 + 0.05 * random.uniform(),
		isCandidate: i === 7,
	}));
	const mjd = Array.from({ length: 12 }, (_, k) => 60_000 + 3 * k);
	return {
		run: { id: "20240511-060000-d0de", createdAt: "2024-05-11T06:00:00.000Z", configurationHash: "abc", paths: ["/x"] },
		counts: {
			images: 24,
			epochs: 12,
			sources,
			measurements: 24 * sources,
			flagged: 0,
			candidates: sources > 7 ? 1 : 0,
		},
		fields: sources === 0 ? [] : [{ name: "F0000+37", raDeg: 0, decDeg: 37.1, radiusDeg: 0.3 }],
		sources: rows,
		catalogue: rows.flatMap((row) =>
			BANDS.map((bandMhz) => ({
				name: row.name,
				bandMhz,
				catalogueJy: row.catalogueJy,
				meanJy: row.meanJy * (1367 / bandMhz) ** 0.75,
			})),
		),
		corrections: (sources === 0 ? [] : mjd).flatMap((time, k) =>
			BANDS.map((bandMhz) => ({
				mjd: time,
				bandMhz,
				correction: k === 3 ? 1.18 : 1,
				correctionErr: 0.002,
				scatter: 0.01,
				references: 20,
				source: k === 5 ? "none" : "ensemble",
				status: k === 5 ? "not_normalised" : "applied",
			})),
		),
		candidates:
			sources > 7
				? [
						{
							id: 1,
							name: "S7",
							significance: 6.1,
							falseAlarmProbability: 6e-10,
							tier: "medium",
							startMjd: 60_009,
							endMjd: 60_021,
							peakMjd: 60_015,
							depth: 0.7,
							durationDays: 12,
							flags: "",
							points: mjd.flatMap((time) =>
								BANDS.map((bandMhz) => ({ bandMhz, mjd: time, fluxJy: 0.2, errJy: 0.002 })),
							),
						},
					]
				: [],
		rejected: [{ subject: "/x/<bad>.fits", reason: "has no beam" }],
		ignored: 1,
	};
}

describe("the report of a run", () => {
	const page = runReport(survey(40));

	test("shows the field, the fluxes against the catalogue, the flux scale, the variability and each candidate", () => {
		for (const text of [
			"Field F0000+37",
			"888 MHz: 1.38",
			"1367 MHz: 1,",
			"Flux scale of each epoch",
			"S7: 6.1 sigma (medium)",
			"flux density (mJy/beam)",
			"robust sigmas above the median",
			"40 sources",
			"1 candidate;",
			"1 other file left alone",
		])
			expect(page).toContain(text);
		expect(page.match(/<svg xmlns/g)).toHaveLength(5);
	});

	test("counts the corrections of each subband, and those that were not applied", () => {
		expect(page).toMatch(
			/<td>888 MHz<\/td><td class="n">12<\/td><td class="n">20<\/td><td>1<\/td><td>1<\/td><td>1\.18<\/td>/,
		);
	});

	test("stands alone: no script, no address, nothing that is not a number, text as text", () => {
		expect(page).not.toMatch(/<script|(src|href)="(?!#)|url\(|NaN|Infinity|undefined/);
		expect(page).toContain("/x/&lt;bad&gt;.fits");
	});

	test("a survey of nothing, or of a handful, is no failure", () => {
		expect(runReport(survey(0))).toContain("No source shows an event");
		const small = runReport(survey(3));
		expect(small).not.toMatch(/NaN|Infinity|robust sigmas/);
	});
});
