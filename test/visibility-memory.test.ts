import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeDsaGroup } from "../bench/dsa-group.ts";
import { EXIT } from "../src/cli/command.ts";
import { PEAK_KB } from "./peak-memory.ts";

const main = fileURLToPath(new URL("../src/cli/main.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "caustic-memory-"));
/** Integrations of a small and of a large group. */
const TIMES = [4, 16];
const bytes: number[] = [];
const groupOf = (i: number) => join(folder, `group${i}`);
const setOf = (i: number) => join(folder, `set${i}.ms`);

beforeAll(() => {
	for (let i = 0; i < TIMES.length; i++) bytes.push(writeDsaGroup(groupOf(i), TIMES[i], 4).bytes);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs `caustic` in a process of its own; returns the most memory it ever held, bytes. */
function peakOf(...args: string[]): number {
	// Of the main thread only: threads have their own `exit`.
	const hook = `import { isMainThread } from "node:worker_threads";
		process.on("exit", () => { if (isMainThread) process.stderr.write("peak " + ${PEAK_KB}); });`;
	const run = spawnSync(
		process.execPath,
		["--import", `data:text/javascript,${encodeURIComponent(hook)}`, main, ...args],
		{ encoding: "utf8" },
	);
	expect([run.status, run.stderr]).toEqual([0, expect.stringMatching(/^peak \d+$/)]);
	return 1024 * Number(run.stderr.slice(5));
}

describe("a group larger than all the memory that is taken streams through, and memory does not grow with it", () => {
	test.each<[string, (i: number) => string[]]>([
		["UVH5 to a MeasurementSet", (i) => [groupOf(i), "--out", setOf(i)]],
		["with its windows kept apart", (i) => [groupOf(i), "--out", join(folder, "apart.ms"), "--keep-windows"]],
		["a MeasurementSet to another", (i) => [setOf(i), "--out", join(folder, "again.ms")]],
		["a MeasurementSet to UVH5", (i) => [setOf(i), "--out", join(folder, "again.uvh5")]],
	])("%s", (_, argsOf) => {
		const [small, large] = TIMES.map((_, i) => peakOf("convert", ...argsOf(i), "--overwrite"));
		expect(bytes[1]).toBeGreaterThan(1.5 * large);
		// What rows say beside their samples is kept: of 56,000 more rows some 12 MB, and the collector's slack.
		expect(large - small).toBeLessThan(0.2 * (bytes[1] - bytes[0]));
	});
});

test("a conversion that is interrupted says so and leaves nothing behind", async () => {
	const out = join(folder, "interrupted.ms");
	const child = spawn(process.execPath, [main, "convert", groupOf(1), "--out", out]);
	let said = "";
	child.stderr.on("data", (text) => {
		said += text;
	});
	const ended = new Promise<number | null>((resolve) => {
		child.on("close", resolve);
	});
	const partial = join(folder, ".interrupted.ms.partial");
	while (!existsSync(partial) && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 2));
	child.kill("SIGINT");
	expect(await ended).toBe(EXIT.interrupted);
	expect(said).toBe("caustic: interrupted\n");
	expect(readdirSync(folder).filter((name) => name.includes("interrupted"))).toEqual([]);
});
