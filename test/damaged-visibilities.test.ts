import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { DamagedReadings } from "./damage/damaged-readings.ts";
import { goodFiles } from "./damage/good-files.ts";

const root = mkdtempSync(join(tmpdir(), "caustic-damaged-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("damaged and hostile HDF5, UVH5, tables, MeasurementSets, calibration tables and UVFITS", () => {
	test("end in a reading or in one clear error, soon and in little memory", async () => {
		const seed = Number(process.env.CAUSTIC_FUZZ_SEED ?? 20_260_125);
		process.stderr.write(`caustic tests: CAUSTIC_FUZZ_SEED=${seed}\n`);
		mkdirSync(join(root, "good"));
		const readings = new DamagedReadings(await goodFiles(join(root, "good")), root, seed);
		expect(await readings.undamaged()).toBeGreaterThan(10);
		const before = process.memoryUsage().rss;
		const codes = new Set<string>();
		const [kinds, faults] = [new Set<string>(), [] as string[]];
		let [read, refused, slowest] = [0, 0, 0];
		for (let number = 0; number < 1500; number++) {
			const reading = await readings.read(number);
			kinds.add(reading.kind);
			for (const code of reading.codes) codes.add(code);
			if (reading.fault !== undefined) faults.push(`seed ${seed}, case ${number}, ${reading.name}: ${reading.fault}`);
			if (reading.codes.length === 0) read++;
			else refused++;
			slowest = Math.max(slowest, reading.ms);
		}
		expect(faults).toEqual([]);
		expect(kinds.size).toBe(6);
		expect(read).toBeGreaterThan(200);
		expect(refused).toBeGreaterThan(500);
		expect(codes.size).toBeGreaterThan(10);
		expect(slowest).toBeLessThan(5000);
		expect(process.memoryUsage().rss - before).toBeLessThan(400e6);
	}, 120_000);
});
