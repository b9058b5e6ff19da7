import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CausticError } from "../../error.ts";
import { Random } from "../../simulation/random.ts";
import { catalogueOf } from "../catalogue.ts";
import { readColumnar } from "./columnar-read.ts";
import { readTable } from "./read.ts";
import type { Table } from "./table.ts";
import { writeTable } from "./write.ts";

let folder: string;
beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), "caustic-table-fuzz-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A small catalogue with a column of every kind. */
function sample(random: Random): Table {
	const rows = 40;
	return {
		rows,
		columns: [
			{ name: "source_id", kind: "text", values: Array.from({ length: rows }, (_, i) => `J${i}`) },
			{ name: "ra_deg", kind: "number", values: Float64Array.from({ length: rows }, () => random.uniform(0, 360)) },
			{ name: "dec_deg", kind: "number", values: Float64Array.from({ length: rows }, () => random.uniform(-90, 90)) },
			{ name: "n", kind: "integer", values: Float64Array.from({ length: rows }, (_, i) => (i % 7 ? i : Number.NaN)) },
			{ name: "ok", kind: "boolean", values: Float64Array.from({ length: rows }, (_, i) => i % 2) },
		],
	};
}

async function seeds(random: Random, extensions: string[]): Promise<Buffer[]> {
	const table = sample(random);
	const files: Buffer[] = [];
	for (const extension of extensions) {
		const path = join(folder, `seed${extension}`);
		await writeTable(path, table);
		files.push(readFileSync(path));
	}
	return files;
}

function mutate(random: Random, seed: Buffer): Buffer {
	const bytes = Buffer.from(seed);
	const kind = random.integer(3);
	if (kind === 0) return bytes.subarray(0, random.integer(bytes.length));
	if (kind === 1) {
		const from = random.integer(bytes.length);
		return bytes.fill(random.integer(256), from, Math.min(bytes.length, from + random.integer(200)));
	}
	for (let k = 0; k < 1 + random.integer(12); k++) bytes[random.integer(bytes.length)] ^= 1 << random.integer(8);
	return bytes;
}

const seed = Number(process.env.CAUSTIC_FUZZ_SEED ?? 20_240_102);

/** Reads mutants; anything but a table or a CausticError is a failure that names its seed. */
async function torment(
	count: number,
	files: Buffer[],
	random: Random,
	read: (path: string, file: number) => Promise<unknown>,
) {
	process.stderr.write(`caustic tests: CAUSTIC_FUZZ_SEED=${seed}\n`);
	const path = join(folder, "mutant");
	const result = { readings: 0, errors: 0, slowestMs: 0 };
	for (let i = 0; i < count; i++) {
		writeFileSync(path, mutate(random, files[i % files.length]));
		const begun = performance.now();
		try {
			await read(path, i % files.length);
			result.readings += 1;
		} catch (error) {
			if (!(error instanceof CausticError)) {
				throw new Error(`seed ${seed}, mutant ${i}: ${(error as Error).stack}`, { cause: error });
			}
			expect(error.subject).toContain(path);
			result.errors += 1;
		}
		result.slowestMs = Math.max(result.slowestMs, performance.now() - begun);
	}
	return result;
}

describe("damaged tables end in a table or in one clear error, soon and in little memory", () => {
	test("CSV, VOTable, JSON, FITS", async () => {
		const random = new Random(seed);
		const files = await seeds(random, [".csv", ".csv.gz", ".vot", ".vot.gz", ".json", ".fits"]);
		const before = process.memoryUsage().rss;
		const result = await torment(700, files, random, async (path) => catalogueOf(await readTable(path)));
		expect(result.readings).toBeGreaterThan(20);
		expect(result.errors).toBeGreaterThan(250);
		expect(result.slowestMs).toBeLessThan(3000);
		expect(process.memoryUsage().rss - before).toBeLessThan(300e6);
	});

	test("Parquet and Arrow, whose decoders may never end, in a thread that is stopped", async () => {
		const random = new Random(seed);
		const files = await seeds(random, [".parquet", ".arrow"]);
		const formats = ["parquet", "arrow"] as const;
		const limits = { patienceMs: 700, heapMb: 256 };
		const result = await torment(10, files, random, (path, file) =>
			readColumnar({ path, format: formats[file] }, 3000, limits),
		);
		expect(result.errors).toBeGreaterThan(2);
		expect(result.slowestMs).toBeLessThan(10_000);
	});
});
