import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test, vi } from "vitest";
import { type Command, parseInvocation } from "../src/cli/command.ts";
import { COMMANDS } from "../src/cli/commands.ts";
import { earthOrientationReach } from "../src/sky/earth-orientation.ts";
import { mjdToIso, mjdToUnix } from "../src/sky/time.ts";
import { hasSharedData, sharedData } from "./shared-data.ts";

const folder = mkdtempSync(join(tmpdir(), "caustic-calibrators-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function caustic(...args: string[]) {
	const run = spawnSync(process.execPath, ["src/cli/main.ts", ...args], {
		encoding: "utf8",
		env: { ...process.env, CAUSTIC_DATA: folder, NODE_NO_WARNINGS: "1" },
	});
	return { status: run.status, out: run.stdout, err: run.stderr };
}

/** The same command line within this process: a new one for every refusal would cost half a second each. */
async function inProcess([family, member, ...rest]: string[]): Promise<number> {
	const entry = COMMANDS.find((candidate) => candidate.name === family);
	const found = (await entry?.load())?.subcommands?.find((candidate) => candidate.name === member);
	if (found === undefined) throw new Error(`no command ${family} ${member}`);
	const command = await found.load();
	return command.run(parseInvocation(command, rest, new AbortController().signal));
}

describe("caustic calibrators", () => {
	test("transits lists 3C286 on its strip at its time, as JSON and as a file", () => {
		const site = ["--site=-118.2834,37.2334,1188", "--dec=30.5", "--from", "2022-03-15", "--to", "2022-03-16"];
		const { status, out } = caustic("calibrators", "transits", ...site, "--json");
		expect(status).toBe(0);
		const rows = JSON.parse(out) as { name: string; transit_utc: string; apparent_jy: number }[];
		const row = rows.find((each) => each.name === "3C286");
		expect(row?.transit_utc).toMatch(/^2022-03-15T09:53:22\.2[34]/);
		expect(row?.apparent_jy).toBeCloseTo(15.0, 1);
		const file = join(folder, "transits.csv");
		expect(caustic("calibrators", "transits", ...site, "--out", file).status).toBe(0);
	});

	test("flux gives the scale's value", () => {
		const { status, out } = caustic("calibrators", "flux", "J1331+3030", "--frequency-mhz", "1400", "--json");
		expect(status).toBe(0);
		expect((JSON.parse(out) as { flux_jy: number }[])[0].flux_jy).toBeCloseTo(15.08, 2);
	});

	test.skipIf(!hasSharedData)("rank finds the calibrator of a drift scan and the integration where it peaks", () => {
		const tiny = sharedData("visibilities", "dsa-sim-tiny");
		const files = readdirSync(tiny)
			.filter((name) => /_sb\d\d\.hdf5$/.test(name))
			.map((name) => join(tiny, name));
		const list = sharedData("dsa110", "vla_calibrators.csv");
		const { status, out, err } = caustic("calibrators", "rank", ...files, "--list", list, "--json");
		expect(status).toBe(0);
		const [best] = JSON.parse(out) as {
			name: string;
			best_integration: number;
			best_response: number;
			best_utc: string;
		}[];
		expect(best.name).toBe("1331+305");
		expect(best.best_response).toBeGreaterThan(0.99);
		// Within half an integration of the transit.
		const seconds = (Date.parse(`${best.best_utc}Z`) - Date.parse("2022-03-15T09:53:22.239Z")) / 1000;
		expect(Math.abs(seconds)).toBeLessThan(6.5);
		expect(err).toMatch(/row \d+ left out/);
	});

	test.each([
		[["calibrators", "transits", "--dec=30"], /must be given once/],
		[["calibrators", "transits", "--site=1,2,3"], /declination of the strip is missing/],
		[["calibrators", "transits", "--site=1,200", "--dec=0"], /no place on the Earth/],
		[["calibrators", "transits", "--site=1,2", "--dec=0", "--from", "tomorrow"], /not a date and time/],
		[["calibrators", "transits", "--site=1,2", "--dec=0", "--from", "2090-01-01"], /UT1-UTC is known/],
		[["calibrators", "transits", "--site=1,2", "--dec=0", "--list", "/nowhere.csv"], /does not exist/],
		[["calibrators", "flux", "3C999"], /neither in the list nor a standard/],
		[["iers", "refresh"], /one or two files/],
		[["iers", "refresh", "package.json"], /no series of days/],
	])("%j is refused, with a remedy", async (args, message) => {
		await expect(inProcess(args)).rejects.toThrow(message);
		await expect(inProcess(args)).rejects.toMatchObject({ blame: "input", remedy: expect.stringMatching(/./) });
	});

	test("a refusal is one line and exit code 2", () => {
		const { status, err } = caustic("calibrators", "transits", "--dec=30");
		expect(status).toBe(2);
		expect(err).toMatch(/^caustic: --site: .*\n$/);
	});
});

describe("caustic iers", () => {
	test("refresh keeps a newer table in the data folder and every later command uses it", () => {
		const { lastMeasuredMjd } = earthOrientationReach();
		const before = JSON.parse(caustic("iers", "show", "--json").out) as { last_day: string };
		// A year and a half more, measured, from a hundred days before the end of the built-in table.
		const lines = Array.from({ length: 700 }, (_, i) => {
			const start = `26 1 1 ${(lastMeasuredMjd - 100 + i).toFixed(2)} I  0.100000 0.000091  0.300000 0.000091`;
			return `${start.padEnd(57)}I ${(-0.2 - 1e-4 * i).toFixed(7)} 0.0000271`;
		});
		const file = join(folder, "finals2000A.data");
		writeFileSync(file, `${lines.join("\n")}\n`);
		const refreshed = caustic("iers", "refresh", file, "--json");
		expect(refreshed.status).toBe(0);
		expect(refreshed.out).toMatch(/earth-orientation\.json/);
		const after = JSON.parse(caustic("iers", "show", "--json").out) as {
			first_day: string;
			last_day: string;
			source: string;
		};
		expect(after.last_day > before.last_day).toBe(true);
		expect(after.first_day).toBe("1973-01-02");
		expect(after.source).toMatch(/^refreshed from finals2000A\.data$/);
		writeFileSync(join(folder, "earth-orientation.json"), "{}");
		const damaged = caustic("iers", "show");
		expect(damaged.status).toBe(2);
		expect(damaged.err).toMatch(/earth-orientation\.json: the table of the Earth's rotation is damaged/);
		expect(caustic("iers", "refresh", file).status).toBe(0);
	});
});

describe("caustic doctor", () => {
	/** What it says of the Earth's rotation at a time, and its exit code. */
	async function earthOrientationAt(time: number): Promise<{ status: string; output: string; exit: number }> {
		const entry = COMMANDS.find(({ name }) => name === "doctor");
		const command = (await entry?.load()) as Command;
		let text = "";
		const write = vi.spyOn(process.stdout, "write").mockImplementation((piece) => {
			text += piece;
			return true;
		});
		vi.useFakeTimers({ now: time, toFake: ["Date"] });
		try {
			const invocation = parseInvocation(command, ["--json", "--data", empty], new AbortController().signal);
			const exit = await command.run(invocation);
			const findings = JSON.parse(text) as { what: string; status: string; output: string }[];
			const { status, output } = findings.find(({ what }) => what === "earth orientation") as (typeof findings)[number];
			return { status, output, exit };
		} finally {
			vi.useRealTimers();
			write.mockRestore();
		}
	}
	const empty = join(folder, "empty");
	const day = (mjd: number) => mjdToIso(mjd).slice(0, 10);

	test("says how far the table of the Earth's rotation reaches: well before its end, near it, beyond it", async () => {
		const { lastMeasuredMjd, lastMjd } = earthOrientationReach();
		const at = (mjd: number) => earthOrientationAt(mjdToUnix(mjd));
		const reach = `measured to ${day(lastMeasuredMjd)}, predicted to ${day(lastMjd)}`;
		expect(await at(lastMjd - 61)).toMatchObject({ status: "ok", exit: 0, output: expect.stringContaining(reach) });
		expect(await at(lastMjd - 59)).toMatchObject({ status: "warn", exit: 0, output: expect.stringContaining(reach) });
		expect(await at(lastMjd + 1)).toMatchObject({ status: "fail", exit: 1, output: expect.stringContaining(reach) });
	});

	test("and of a table refreshed from a file, how far that one reaches", () => {
		const data = join(folder, "refreshed");
		const { lastMeasuredMjd } = earthOrientationReach();
		const lines = Array.from({ length: 900 }, (_, i) => {
			const mjd = lastMeasuredMjd - 10 + i;
			// Measured for 600 days, then predicted.
			const kind = i < 600 ? "I" : "P";
			const start = `26 1 1 ${mjd.toFixed(2)} ${kind}  0.100000 0.000091  0.300000 0.000091`;
			return `${start.padEnd(57)}${kind} ${(-0.2).toFixed(7)} 0.0000271`;
		});
		const file = join(folder, "finals2000A.all");
		writeFileSync(file, `${lines.join("\n")}\n`);
		expect(caustic("iers", "refresh", file, "--data", data)).toMatchObject({ status: 0, err: "" });
		const run = caustic("doctor", "--data", data);
		const found = /ok +earth orientation +refreshed from finals2000A\.all: measured to (\S+), predicted to (\S+);/.exec(
			run.out,
		);
		expect(found?.[1]).toBe(day(lastMeasuredMjd - 10 + 599));
		// The compact table has a value every three days.
		const lastDay = lastMeasuredMjd - 10 + 899;
		expect([0, 1, 2].map((before) => day(lastDay - before))).toContain(found?.[2]);
	});
});
