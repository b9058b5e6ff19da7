import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseInvocation } from "../src/cli/command.ts";
import { command } from "../src/cli/commands/calibrate.ts";
import { CausticError } from "../src/error.ts";
import { exportMeasurementSet } from "../src/formats/casa/export-measurement-set.ts";
import { readTableDescription } from "../src/formats/casa/table-description.ts";
import { writeTableDescription } from "../src/formats/casa/write-description.ts";
import { openVisibilities } from "../src/formats/open-visibilities.ts";
import type { QualityDocument } from "../src/pipeline/calibration/quality-document.ts";
import { Random } from "../src/simulation/random.ts";
import { type Alteration, alterUvh5 } from "./altered-set.ts";

const main = join(dirname(dirname(fileURLToPath(import.meta.url))), "src/cli/main.ts");
const folder = mkdtempSync(join(tmpdir(), "caustic-refusals-"));
afterAll(() => rmSync(folder, { recursive: true }));
const caustic = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });
const good = join(folder, "good");
let file = "";

beforeAll(() => {
	const made = caustic(
		..."simulate visibilities".split(" "),
		good,
		..."--antennas 12 --subbands 1 --channels 32 --width 2000 --integrations 8 --field 0 --no-defects --seed 77".split(
			" ",
		),
	);
	expect(made.stderr).toBe("");
	file = join(good, readdirSync(good).filter((name) => name.endsWith(".hdf5"))[0]);
});

let count = 0;
async function altered(change: Alteration): Promise<string> {
	const path = join(folder, `altered-${++count}.hdf5`);
	await alterUvh5(file, path, change);
	return path;
}

/** Refused: exit code 2, one or two lines of reasons, quality.json with them, and no table. */
function refused(reason: RegExp, ...args: string[]): QualityDocument | undefined {
	const out = join(folder, `out-${++count}`);
	const run = caustic("calibrate", ...args, "--out", out);
	expect(run.stderr).toMatch(reason);
	expect(run.stderr.trim().split("\n").length).toBeLessThanOrEqual(2);
	expect(run.status).toBe(2);
	const left = existsSync(out) ? readdirSync(out) : [];
	expect(left.filter((name) => name !== "quality.json")).toEqual([]);
	if (!left.includes("quality.json")) return undefined;
	const quality = JSON.parse(readFileSync(join(out, "quality.json"), "utf8")) as QualityDocument;
	expect(quality.accepted).toBe(false);
	expect(quality.score).toBe(0);
	expect(quality.reasons.join("; ")).toMatch(reason);
	return quality;
}

describe("what must not be solved is refused with reasons, and leaves no table", () => {
	test("the set itself is fine", () => {
		const run = caustic("calibrate", good, "--out", join(folder, "fine"));
		expect(run.stderr).toBe("");
		expect(run.status).toBe(0);
	});

	test("no calibrator: none of the list passes through the beam", async () => {
		refused(/no calibrator/, await altered({ laterDays: 0.2 }));
	});

	test("no calibrator: noise where one should be", async () => {
		const random = new Random(3);
		const path = await altered({
			samples: ({ visibilities }) => {
				for (let i = 0; i < visibilities.length; i++) visibilities[i] = 5 * random.normal();
			},
		});
		refused(/no coherent signal/, path);
	});

	test("the wrong calibrator: outside the beam, and in the beam but not what the data show", () => {
		refused(/3C48 is not in the beam/, file, "--calibrator", "3C48");
		const elsewhere = ["--calibrator", "B1331+999", "--calibrator-position", "203.3,31.3", "--flux", "15"];
		// Gains would take up the wrong place; the drift of their phases tells.
		refused(/another source, a wrong position/, file, ...elsewhere);
	});

	test("a place that is off by a few minutes of arc is measured and said", () => {
		const place = (ra: number, dec: number) => {
			const at = ["--calibrator", "X", "--calibrator-position", `${ra},${dec}`, "--flux", "15"];
			const run = caustic("calibrate", file, ...at, "--out", join(folder, "near"), "--json");
			expect(run.stderr).toBe("");
			const offset = (JSON.parse(run.stdout) as QualityDocument).source_offset;
			if (offset === null) throw new Error("no offset was measured");
			return offset;
		};
		const right = place(202.7845338, 30.5091553);
		const wrong = place(202.7845338 + 5 / 60 / Math.cos((30.5 * Math.PI) / 180), 30.5091553 - 5 / 60);
		// The source stands west and north of where it was looked for.
		expect(Math.abs(wrong.east_arcmin - right.east_arcmin + 5)).toBeLessThan(0.2);
		expect(Math.abs(wrong.north_arcmin - right.north_arcmin - 5)).toBeLessThan(0.2);
		expect(Math.hypot(right.east_arcmin, right.north_arcmin)).toBeLessThan(4 * right.error_arcmin);
	});

	test("a model of zero, or none at all", async () => {
		refused(/0 Jy is no flux density/, file, "--calibrator", "3C286", "--flux", "0");
		refused(/no column of model/, file, "--model", "column");
		const ms = join(folder, "zero.ms");
		const set = openVisibilities([file]);
		await exportMeasurementSet(set, ms, { model: (block) => new Float32Array(block.visibilities.length) });
		set.close();
		refused(/the model is zero in every sample/, ms, "--model", "column");
	});

	test("all flagged", async () => {
		const path = await altered({ samples: ({ flags }) => void flags.fill(1) });
		refused(/all data are flagged/, path);
	});

	test("one polarisation, unless it is asked for", async () => {
		const path = await altered({ polarization: "YY" });
		refused(/only one polarisation, YY/, path);
		const out = join(folder, "one-polarisation");
		const run = caustic("calibrate", path, "--single-polarization", "--out", out);
		expect(run.status).toBe(0);
		expect(existsSync(join(out, "3C286.G"))).toBe(true);
	});

	test("autocorrelations only", async () => {
		refused(/autocorrelations only/, await altered({ keepRow: (p, q) => p === q }));
	});

	test("two antennas", async () => {
		const set = openVisibilities([file]);
		const [a, b] = [...new Set(set.baselines.antenna1)];
		set.close();
		const path = await altered({ keepRow: (p, q) => (p === a || p === b) && (q === a || q === b) });
		refused(/2 antennas have data; 5 are needed/, path);
	});

	test("NaN everywhere, or strewn over everything", async () => {
		refused(/no usable sample/, await altered({ samples: ({ visibilities }) => void visibilities.fill(Number.NaN) }));
		const random = new Random(4);
		const strewn = await altered({
			samples: ({ visibilities }) => {
				for (let i = 0; i < visibilities.length; i += 2) if (random.uniform() < 0.3) visibilities[i] = Number.NaN;
			},
		});
		refused(/no measurement: .* not numbers/, strewn);
	});

	test("NaN in the last integration alone are flagged, and the rest is solved", async () => {
		const path = await altered({
			samples: (block) => {
				const last = Math.max(...block.timeIndex);
				const perRow = block.visibilities.length / block.nRows;
				for (let r = 0; r < block.nRows; r++) {
					if (block.timeIndex[r] === 7 || (last < 7 && block.timeIndex[r] === last)) {
						block.visibilities.fill(Number.NaN, r * perRow, (r + 1) * perRow);
					}
				}
			},
		});
		const out = join(folder, "last-nan");
		const run = caustic("calibrate", path, "--out", out, "--json");
		expect(run.stderr).toBe("");
		expect(run.status).toBe(0);
		const quality = JSON.parse(run.stdout) as QualityDocument;
		expect(quality.samples.notFinite).toBeGreaterThan(0.1);
		expect(quality.antennas.every(({ state }) => state === "good")).toBe(true);
		expect(quality.tables.G?.flagged_fraction_active).toBeCloseTo(1 / 8, 6);
	});

	test("a table of another array is not applied", async () => {
		const path = await altered({ movedM: 500 });
		const other = join(folder, "other");
		// Baselines are the same, so the set solves; its antennas stand elsewhere.
		expect(caustic("calibrate", good, "--out", other).status).toBe(0);
		const run = caustic("apply", path, "--tables", other, "--out", join(folder, "never.ms"));
		expect(run.status).toBe(2);
		expect(run.stderr).toMatch(/another array: antenna .* stands 500 m/);
		expect(existsSync(join(folder, "never.ms"))).toBe(false);
	});

	test("a MeasurementSet with columns and subtables missing: all of them are named at once", async () => {
		const path = join(folder, "maimed.ms");
		expect(caustic("convert", file, "--out", path).status).toBe(0);
		const description = readTableDescription(path, readFileSync(join(path, "table.dat")));
		const keep = description.columns.filter(({ name }) => name !== "FLAG" && name !== "UVW");
		writeFileSync(join(path, "table.dat"), writeTableDescription({ ...description, columns: keep }));
		rmSync(join(path, "SPECTRAL_WINDOW"), { recursive: true });
		refused(
			/maimed\.ms: it has no columns UVW, FLAG and no subtable SPECTRAL_WINDOW\. Give a whole MeasurementSet/,
			path,
		);
	});

	test("a MeasurementSet without visibilities, or without the model asked for", async () => {
		const path = join(folder, "bare.ms");
		expect(caustic("convert", file, "--out", path).status).toBe(0);
		refused(/no column MODEL_DATA\. Write a model into it first/, path, "--model", "column");
		const description = readTableDescription(path, readFileSync(join(path, "table.dat")));
		const keep = description.columns.filter(({ name }) => name !== "DATA");
		writeFileSync(join(path, "table.dat"), writeTableDescription({ ...description, columns: keep }));
		refused(/no column DATA\. Give a MeasurementSet with visibilities/, path);
	});

	test("a missing file, a file of something else, an empty folder", () => {
		refused(/does not exist|no such/i, join(folder, "nothing.hdf5"));
		refused(/./, main);
		const run = caustic("calibrate");
		expect(run.status).toBe(2);
		expect(run.stderr).toMatch(/no visibilities are named/);
	});
});

describe("options of the solve are validated by name", () => {
	test.each([
		["--refant", "999", /no antenna 999/],
		["--refantmode", "loose", /flex or strict|flex, strict/],
		["--minblperant", "1", /minblperant/],
		["--gain-interval", "soon", /gain-interval/],
		["--gain-interval", "-5", /gain-interval/],
		["--gain-mode", "amp", /gain-mode/],
		["--gain-minsnr", "-1", /gain-minsnr/],
		["--bandpass-minsnr", "many", /bandpass-minsnr/],
		["--bandpass-channels", "-2", /bandpass-channels/],
		["--delay-minsnr", "x", /delay-minsnr/],
		["--fill-gaps", "-1", /fill-gaps/],
		["--uvrange", "5,1", /uvrange/],
		["--combine", "field", /field cannot be combined/],
		["--solve", "KX", /other tables than K, B and G/],
		["--times", "yesterday,today", /times/],
		["--exclude", "nobody", /no antenna nobody/],
		["--model", "guess", /model/],
		["--calibrator-position", "400,100", /calibrator-position/],
		["--workers", "0", /workers/],
		["--min-antennas", "2", /min-antennas/],
		["--memory", "lots", /memory/],
		["--no-such-option", "1", /no-such-option/],
	])("%s %s", async (option, value, message) => {
		const out = join(folder, "options");
		const run = async () => {
			const invocation = parseInvocation(command, [file, option, value, "--out", out], new AbortController().signal);
			await command.run(invocation);
		};
		const error = (await run().catch((caught: unknown) => caught)) as CausticError;
		expect(error).toBeInstanceOf(CausticError);
		// Exit code 2.
		expect(error.blame).toBe("input");
		expect(`${error.subject}: ${error.message} ${error.remedy}`).toMatch(message);
		expect(existsSync(join(out, "3C286.G"))).toBe(false);
	});
});
