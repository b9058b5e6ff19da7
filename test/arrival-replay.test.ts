import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
	type ArrivalDecision,
	ArrivalGrouping,
	type ArrivedFile,
	DEFAULT_ARRIVAL_POLICY,
} from "../src/pipeline/arrival/grouping.ts";
import { Random } from "../src/simulation/random.ts";
import { hasSharedData, sharedData } from "./shared-data.ts";

/** How many subband files carried each name, as an observatory recorded it. */
const inventory = () =>
	readFileSync(sharedData("dsa110", "arrival_inventory.csv"), "utf8")
		.trim()
		.split("\n")
		.slice(1)
		.map((line) => line.split(","))
		.map(([date, stamp, count]) => ({ date, stampS: Date.parse(`${stamp}Z`) / 1000, count: Number(count) }))
		.sort((a, b) => a.stampS - b.stampS);

/** Clusters names in time, counted from each cluster's first: what is to be found, computed another way. */
function clusters(rows: ReturnType<typeof inventory>, windowS: number) {
	const found: { firstS: number; stamps: number[] }[] = [];
	for (const { stampS, count } of rows) {
		const last = found.at(-1);
		const stamps = Array.from({ length: count }, () => stampS);
		if (last !== undefined && stampS - last.firstS <= windowS) last.stamps.push(...stamps);
		else found.push({ firstS: stampS, stamps });
	}
	return found;
}

describe.skipIf(!hasSharedData)("the arrivals of fourteen real days", () => {
	const february = () => inventory().filter(({ date }) => date.startsWith("2026-02"));

	test("counted by the names alone, hardly a group is complete; clustered, nearly all are", () => {
		const rows = inventory();
		expect(rows.length).toBe(6276);
		expect(rows.filter(({ count }) => count === 16).length).toBe(212);
		const table = [2, 10, 20, 60, 120, 300].map((windowS) => {
			const found = clusters(february(), windowS);
			return [windowS, found.length, found.filter(({ stamps }) => stamps.length === 16).length];
		});
		expect(table).toEqual([
			[2, 3091, 2009],
			[10, 2467, 2010],
			[20, 2258, 2194],
			[60, 2240, 2199],
			[120, 2231, 2208],
			[300, 2231, 2206],
		]);
	});

	test("replayed file by file, out of order, with delays and jumps of the clock, the same groups are formed", () => {
		// The inventory does not say which subband had which name: any assignment within a true cluster will do.
		const random = new Random(20260201);
		const files: { file: ArrivedFile; arrivesS: number }[] = [];
		const truth = clusters(february(), 120);
		for (const { stamps } of truth) {
			const order = Array.from(stamps, (_, i) => i).sort(() => random.uniform() - 0.5);
			stamps.forEach((stampS, i) => {
				const file = { path: `${stampS}_sb${order[i]}_${i}`, stampS, subband: order[i], sizeBytes: 145348600 };
				// A file is closed when its 309 s are over, and takes up to a minute to be seen.
				files.push({ file, arrivesS: stampS + 309 + random.uniform(0, 60) });
			});
		}
		files.sort((a, b) => a.arrivesS - b.arrivesS);
		let grouping = new ArrivalGrouping();
		const decisions: ArrivalDecision[] = [];
		let last = files[0].arrivesS;
		let offset = 0;
		files.forEach(({ file, arrivesS }, i) => {
			for (let t = last + 30; t < arrivesS && t < last + 3000; t += 30) decisions.push(...grouping.tick(t + offset));
			last = arrivesS;
			if (i % 5000 === 2500) offset += random.uniform(-7200, 7200);
			// Now and then the program is restarted from what it stored.
			if (i % 3000 === 1000)
				grouping = new ArrivalGrouping(DEFAULT_ARRIVAL_POLICY, JSON.parse(JSON.stringify(grouping.state())));
			decisions.push(...grouping.see(file, arrivesS + offset));
		});
		for (let t = 0; t < 1300; t += 30) decisions.push(...grouping.tick(last + offset + t));

		const accepted = decisions.filter((decision) => decision.kind === "accepted");
		const complete = accepted.filter((decision) => decision.complete);
		const partial = accepted.filter((decision) => !decision.complete);
		const rejected = decisions.filter((decision) => decision.kind === "rejected");
		expect(files.length).toBe(truth.reduce((sum, { stamps }) => sum + stamps.length, 0));
		expect({
			complete: complete.length,
			partial: partial.length,
			rejected: rejected.length,
			all: decisions.length,
		}).toEqual({
			complete: 2208,
			partial: 2,
			rejected: 21,
			all: 2231,
		});
		// Incomplete groups are a shutdown, the restart next morning, and one loss at mid-day.
		expect(partial.map((decision) => decision.files.length).sort((a, b) => b - a)).toEqual([15, 13]);
		const few = rejected.map((decision) => decision.files.length).sort((a, b) => b - a);
		expect(few.slice(0, 7)).toEqual([10, 10, 9, 9, 8, 8, 6]);
		expect(few.slice(7).every((count) => count <= 3)).toBe(true);
		// Nothing lost, nothing twice.
		const held = [...accepted, ...rejected].flatMap((decision) => decision.files.map((file) => file.path));
		expect(held.length).toBe(files.length);
		expect(new Set(held).size).toBe(files.length);
	});

	test("the days of January: whole groups under one name each, and two rows that are no groups", () => {
		const rows = inventory().filter(({ date }) => !date.startsWith("2026-02"));
		expect(rows.length).toBe(184);
		expect(rows.filter(({ count }) => count > 16).map(({ count }) => count)).toEqual([240, 80]);
		const grouping = new ArrivalGrouping();
		const decisions: ArrivalDecision[] = [];
		for (const { stampS, count } of rows) {
			if (count > 16) continue;
			for (let subband = 0; subband < count; subband++) {
				const file = { path: `${stampS}_${subband}`, stampS, subband, sizeBytes: 1 };
				decisions.push(...grouping.see(file, stampS + 309));
			}
		}
		// One group of that night has 14 subbands.
		const lastS = rows[rows.length - 1].stampS;
		for (let t = 0; t < 1300; t += 30) decisions.push(...grouping.tick(lastS + 400 + t));
		const accepted = decisions.filter((decision) => decision.kind === "accepted");
		expect(accepted.map((decision) => decision.files.length).filter((count) => count !== 16)).toEqual([14]);
		expect(accepted.length).toBe(182);
		expect(decisions.length).toBe(182);
	});
});
