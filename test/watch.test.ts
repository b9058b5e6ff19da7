import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
	appendFileSync,
	copyFileSync,
	cpSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	truncateSync,
	utimesSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CasaTable } from "../src/formats/casa/table.ts";
import { GRAPHS } from "../src/pipeline/graph.ts";
import { Random } from "../src/simulation/random.ts";
import { openStore } from "../src/store/open.ts";
import { digestOf } from "./casa-digest.ts";

const main = join(dirname(dirname(fileURLToPath(import.meta.url))), "src/cli/main.ts");
const folder = mkdtempSync(join(tmpdir(), "caustic-watch-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const empty = join(folder, "empty");
const pool = join(folder, "pool");

const caustic = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });

/** The sixteen files of a small simulated group, by name. */
function simulateGroup(name: string, ...options: string[]): string[] {
	const out = join(pool, name);
	const made = caustic(
		"simulate",
		"visibilities",
		out,
		"--antennas",
		"6",
		"--channels",
		"4",
		"--integrations",
		"4",
		"--field",
		"0",
		"--no-defects",
		...options,
	);
	expect(made.stderr).toBe("");
	return readdirSync(out)
		.filter((file) => file.endsWith(".hdf5"))
		.sort()
		.map((file) => join(out, file));
}

const longAgo = Date.now() / 1000 - 3600;
/** Copies files into a folder as if they had been there for an hour. */
function bring(files: readonly string[], to: string): void {
	mkdirSync(to, { recursive: true });
	for (const file of files) {
		const target = join(to, file.slice(dirname(file).length + 1));
		copyFileSync(file, target);
		utimesSync(target, longAgo, longAgo);
	}
}

let groups: { calibrated: string[]; other: string[]; bare: string[] };
let images: string;

beforeAll(async () => {
	groups = {
		calibrated: simulateGroup("a", "--seed", "1"),
		// The next day, and a strip without any calibrator.
		other: simulateGroup("b", "--seed", "2", "--around", "2022-03-16T10:00:00"),
		bare: simulateGroup("c", "--seed", "3", "--around", "2022-03-17T10:00:00", "--dec", "55"),
	};
	const sky = caustic(
		"simulate",
		"sky",
		join(pool, "sky"),
		"--seed",
		"5",
		"--epochs",
		"2",
		"--frequencies",
		"1400",
		"--size",
		"128",
		"--sources",
		"6",
	);
	expect(sky.stderr).toBe("");
	images = join(pool, "sky", "images");
	await (await openStore({ dataFolder: empty })).close();
}, 300_000);

const start = (args: string[]): { child: ChildProcess; text: () => string; over: Promise<number | null> } => {
	const child = spawn(process.execPath, [main, ...args], { stdio: ["ignore", "pipe", "pipe"] });
	let text = "";
	for (const stream of [child.stdout, child.stderr]) stream?.on("data", (piece) => (text += String(piece)));
	return { child, text: () => text, over: new Promise((resolve) => child.once("exit", resolve)) };
};

async function until(what: string, condition: () => boolean, child: ChildProcess, text: () => string): Promise<void> {
	const end = Date.now() + 120_000;
	while (!condition()) {
		if (Date.now() > end || child.exitCode !== null) throw new Error(`${what}: not seen in\n${text()}`);
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
}

async function withDatabase<T>(
	data: string,
	work: (store: Awaited<ReturnType<typeof openStore>>) => Promise<T>,
): Promise<T> {
	const store = await openStore({ dataFolder: data, mustExist: true });
	try {
		return await work(store);
	} finally {
		await store.close();
	}
}

describe("caustic watch", () => {
	const data = join(folder, "watched");
	const incoming = join(folder, "incoming");

	test("takes what arrives: whole, partial and rejected groups, late and double files, images; Ctrl-C says how to go on", async () => {
		cpSync(empty, data, { recursive: true });
		bring(groups.calibrated, incoming);
		bring(groups.other.slice(0, 13), join(incoming, "next-day"));
		bring(groups.bare.slice(0, 5), incoming);
		// A copy of a subband elsewhere, a file in the making, one that is damaged, one that is none.
		bring([groups.calibrated[3]], join(incoming, "copies"));
		copyFileSync(
			groups.bare[5],
			join(incoming, groups.bare[5].slice(dirname(groups.bare[5]).length + 1).replace(".hdf5", "_incomplete.hdf5")),
		);
		bring([groups.bare[6]], incoming);
		const damaged = join(incoming, groups.bare[6].slice(dirname(groups.bare[6]).length + 1));
		truncateSync(damaged, 3000);
		utimesSync(damaged, longAgo, longAgo);
		writeFileSync(join(incoming, "notes.txt"), "");
		const settings = ["--set", "arrival.timeout_s=4", "--set", "arrival.poll_s=0.5", "--set", "arrival.stable_s=1"];
		const { child, text, over } = start(["watch", incoming, "--data", data, ...settings]);
		await until("the rejected group", () => /rejected: 5 of 16 subbands/.test(text()), child, text);
		await until("the whole group", () => /a.*calibrated by 3C286/.test(text()), child, text);
		// Images come while it watches, in pieces.
		const late = join(incoming, "images");
		mkdirSync(late);
		for (const name of readdirSync(images)) {
			copyFileSync(join(images, name), join(late, name));
			await new Promise((resolve) => setTimeout(resolve, 100));
		}
		await until(
			"the partial group",
			() => /partial, without sb13 sb14 sb15[\s\S]*group 2022-03-16.*calibrated by/.test(text()),
			child,
			text,
		);
		await until("the images' run", () => /images arrived: run (\S+)[\s\S]*run \1: done/.test(text()), child, text);
		child.kill("SIGINT");
		expect(await over).toBe(130);
		expect(text()).toContain(`caustic: stopped. Go on with: caustic watch ${incoming} --data ${data}`);
		expect(text()).toMatch(/the same as .*, left alone/);
		expect(text()).toMatch(new RegExp(`${damaged}: it should have \\d+ bytes and has 3000`));
		expect(text()).not.toContain("notes.txt");
		expect(text()).not.toContain("incomplete");
	}, 300_000);

	test("status, dead letters and metrics say what arrived", async () => {
		const status = JSON.parse(caustic("status", "--data", data, "--json").stdout);
		expect(status.arrivals.groups).toEqual({ open: 0, complete: 1, partial: 1, rejected: 1, quarantined: 0 });
		expect(status.arrivals).toMatchObject({ files: 16 + 1 + 13 + 5, waiting: 0, in_work: 0, watcher_silent_s: null });
		expect(status.images).toBe(2);
		const letters = JSON.parse(caustic("dead-letters", "list", "--data", data, "--json").stdout) as {
			code: string;
			reason: string;
		}[];
		expect(letters.map((letter) => letter.code).sort()).toEqual(["file-truncated", "too-few-subbands"]);
		expect(letters.find((letter) => letter.code === "too-few-subbands")?.reason).toMatch(/missing: sb05 sb06 .* sb15/);
		const { child, text, over } = start(["serve", "--port", "0", "--no-worker", "--data", data]);
		await until("the address", () => /http:\/\/[\d.]+:\d+/.test(text()), child, text);
		const address = /http:\/\/[\d.]+:\d+/.exec(text())?.[0] as string;
		const metrics = await (await fetch(new URL("/metrics", address))).text();
		child.kill("SIGINT");
		await over;
		expect(metrics).toContain('caustic_arrival_groups{state="complete"} 1');
		expect(metrics).toContain('caustic_arrival_decisions_total{kind="accepted"} 2');
		expect(metrics).toContain('caustic_arrival_decisions_total{kind="duplicate"} 1');
		expect(metrics).toContain('caustic_arrival_decisions_total{kind="rejected"} 1');
		expect(metrics).toContain("caustic_arrival_backlog 0");
	}, 300_000);

	test("a group's run leaves its stages' spans in one trace", async () => {
		const runs = JSON.parse(caustic("runs", "list", "--data", data, "--json").stdout) as { id: string; kind: string }[];
		const run = runs.find(({ kind }) => kind === "visibilities");
		expect(run).toBeDefined();
		const shown = JSON.parse(
			caustic("runs", "show", run?.id ?? "", "--data", data, "--json", "--spans", "1000").stdout,
		);
		const names = shown.timeline.spans.map((span: { name: string }) => span.name);
		for (const { name } of GRAPHS.visibilities) expect(names).toContain(`stage ${name}`);
	});

	test("late subbands complete a group, mended files are taken; what is known is not taken again", async () => {
		bring(groups.other.slice(13), incoming);
		bring(groups.bare.slice(6), incoming);
		renameSync(
			join(
				incoming,
				`${groups.bare[5].slice(dirname(groups.bare[5]).length + 1).replace(".hdf5", "_incomplete.hdf5")}`,
			),
			join(incoming, groups.bare[5].slice(dirname(groups.bare[5]).length + 1)),
		);
		const again = caustic("watch", incoming, "--once", "--data", data, "--json");
		expect(again.stderr).toBe("");
		expect(again.status).toBe(0);
		const said = again.stdout
			.trim()
			.split("\n")
			.map((line) => JSON.parse(line));
		expect(
			said
				.filter((one) => one.kind === "accepted")
				.map((one) => [one.complete, one.group.slice(0, 10)])
				.sort(),
		).toEqual([
			[true, "2022-03-16"],
			[true, "2022-03-17"],
		]);
		expect(said.at(-1)).toMatchObject({ kind: "summary", runs: 2, rejected: 0, open: 0 });
		const once = caustic("watch", incoming, "--once", "--data", data);
		expect(once.stdout).toBe("0 runs, 0 rejected, 0 groups wait for subbands\n");
		expect(once.status).toBe(0);
		const letters = JSON.parse(caustic("dead-letters", "list", "--data", data, "--json").stdout);
		expect(letters).toEqual([]);
		const status = caustic("status", "--data", data).stdout;
		expect(status).toMatch(/groups +3 complete \(49 files\)/);
		const name = (group: string[]) => /(\d{4}-\d\d-\d\dT[\d:]+)_/.exec(group[0])?.[1].replaceAll(/[-:]/g, "") as string;
		const product = (group: string[]) => join(data, "visibilities", name(group));
		const bare = new CasaTable(join(product(groups.bare), `${name(groups.bare)}.ms`));
		expect(bare.has("CORRECTED_DATA")).toBe(false);
		expect(existsSync(join(product(groups.bare), "calibration"))).toBe(false);
		const whole = new CasaTable(join(product(groups.other), `${name(groups.other)}.ms`));
		expect(whole.has("CORRECTED_DATA")).toBe(true);
		expect(whole.subtable("SPECTRAL_WINDOW").column("NUM_CHAN").numbers()).toEqual(Float64Array.of(64));
		expect(readdirSync(join(product(groups.other), "calibration"))).toEqual(
			expect.arrayContaining(["3C286.K", "3C286.B", "3C286.G", "quality.json"]),
		);
		bare.close();
		whole.close();
	}, 300_000);

	test("a second watcher of the same survey, a folder that is none, no folder: one sentence each", async () => {
		const { child, text, over } = start(["watch", incoming, "--data", data]);
		await until("the watching", () => /Ctrl-C stops it/.test(text()), child, text);
		let second = caustic("watch", incoming, "--once", "--data", data);
		// The message comes before the claim.
		for (let i = 0; i < 20 && second.status === 0; i++) second = caustic("watch", incoming, "--once", "--data", data);
		child.kill("SIGINT");
		await over;
		expect(second.status).toBe(1);
		expect(second.stderr).toMatch(/another process watches for it .* Stop that one first/);
		const none = caustic("watch", join(incoming, "notes.txt"), "--data", data);
		expect([none.status, none.stderr]).toEqual([2, expect.stringMatching(/notes.txt: it is not a folder/)]);
		expect(caustic("watch").status).toBe(2);
	}, 300_000);
});

const RESULTS = [
	"SELECT id, state, first_stamp_s, start_mjd, revision, product - 'measurement_set' AS product FROM arrival_group ORDER BY id",
	"SELECT path, group_id, role, subband, start_mjd FROM subband_file ORDER BY path",
	"SELECT kind, n FROM arrival_count ORDER BY kind",
	"SELECT inputs, status FROM run WHERE kind = 'visibilities' ORDER BY inputs ->> 'group'",
	"SELECT path, kind FROM input_file ORDER BY path",
	"SELECT id, content_hash FROM image ORDER BY id",
	"SELECT source_id, image_id, flux_jy FROM measurement ORDER BY 1, 2",
	"SELECT type, count(*) FROM event WHERE type LIKE 'Arrival%' OR type LIKE 'Calibration%' OR type = 'VisibilitiesConverted' GROUP BY 1 ORDER BY 1",
	"SELECT stage, subject, status FROM dead_letter ORDER BY id",
	"SELECT count(*)::int AS left_over FROM arrival_decision",
];

/** What a watch leaves in the database, and the digests of its tables. */
async function resultsOf(data: string): Promise<unknown[]> {
	const all: unknown[] = await withDatabase(data, async ({ database }) => {
		const rows: unknown[] = [];
		for (const sql of RESULTS) rows.push(await database.query("results", sql));
		return rows;
	});
	for (const group of readdirSync(join(data, "visibilities")).sort()) {
		const place = join(data, "visibilities", group);
		const names = readdirSync(place).sort();
		all.push([group, names]);
		for (const name of [...names.filter((one) => one.endsWith(".ms")), "calibration/3C286.B", "calibration/3C286.G"]) {
			if (!existsSync(join(place, name, "table.dat"))) continue;
			const table = new CasaTable(join(place, name));
			const { rows, columns } = digestOf(table);
			all.push([name, rows, columns]);
			table.close();
		}
	}
	return all;
}

describe("a watch that is killed", () => {
	const incoming = join(folder, "kill", "incoming");
	const settings = ["--once", "--set", "arrival.stable_s=0"];

	test("goes on as if nothing had been, wherever it was killed: no file is lost, none is taken twice", async () => {
		bring(groups.calibrated, incoming);
		bring(groups.other, incoming);
		bring(groups.bare, join(incoming, "below"));
		bring([groups.calibrated[0]], join(incoming, "copies"));
		cpSync(images, join(incoming, "images"), { recursive: true });
		const whole = join(folder, "kill", "whole");
		cpSync(empty, whole, { recursive: true });
		const begun = Date.now();
		const undisturbed = caustic("watch", incoming, "--data", whole, ...settings);
		expect(undisturbed.stderr).toBe("");
		expect(undisturbed.status).toBe(0);
		const lengthMs = Date.now() - begun;
		const expected = await resultsOf(whole);
		expect(expected.length).toBeGreaterThan(RESULTS.length + 8);
		const random = new Random(9);
		const data = join(folder, "kill", "killed");
		cpSync(empty, data, { recursive: true });
		let kills = 0;
		for (let i = 0; i < 4; i++) {
			const { child, over } = start(["watch", incoming, "--data", data, ...settings]);
			// The first in the midst of it, the others wherever it has come to by then.
			const moment = random.uniform(0.2, 0.45) * lengthMs;
			await Promise.race([over, new Promise((resolve) => setTimeout(resolve, moment))]);
			if (child.exitCode === null) {
				kills++;
				child.kill("SIGKILL");
			}
			await over;
		}
		expect(kills).toBeGreaterThan(0);
		const last = caustic("watch", incoming, "--data", data, ...settings);
		expect([last.status, last.stderr]).toEqual([0, ""]);
		expect(await resultsOf(data)).toEqual(expected);
	}, 300_000);
});

test("a group that must not be solved becomes a set as it was recorded, with a dead letter that says why and can be retried", () => {
	const incoming = join(folder, "few");
	const data = join(folder, "few-data");
	cpSync(empty, data, { recursive: true });
	bring(simulateGroup("few", "--seed", "8", "--antennas", "4"), incoming);
	const run = caustic("watch", incoming, "--once", "--data", data);
	expect(run.status).toBe(3);
	expect(run.stdout).toMatch(/\.ms, not calibrated: 4 antennas have data; 5 are needed, 1 rejected/);
	const letters = () =>
		JSON.parse(caustic("dead-letters", "list", "--data", data, "--json").stdout) as { id: number; status: string }[];
	expect(letters()).toMatchObject([{ stage: "solve", code: "calibration-refused", status: "open" }]);
	const retried = caustic("dead-letters", "retry", String(letters()[0].id), "--data", data);
	expect(retried.status).toBe(3);
	expect(retried.stdout).toMatch(
		/group .* 16 files\n +set +\d+ rows of 64 channels, as recorded\n +rejected .*4 antennas/,
	);
	expect(letters().map(({ status }) => status)).toEqual(["retried", "open"]);
}, 300_000);

test("the embedded database is killed while it watches: it is started again, and what arrives is taken", async () => {
	const incoming = join(folder, "no-database");
	const data = join(folder, "no-database-data");
	mkdirSync(incoming);
	cpSync(empty, data, { recursive: true });
	const settings = ["--set", "arrival.poll_s=1", "--set", "arrival.calibrate=false"];
	const { child, text, over } = start(["watch", incoming, "--data", data, ...settings]);
	await until("the watching", () => /Ctrl-C stops it/.test(text()), child, text);
	await new Promise((resolve) => setTimeout(resolve, 2000));
	const postmaster = readFileSync(join(data, "postgres", "cluster", "postmaster.pid"), "utf8").split("\n")[0];
	process.kill(Number(postmaster), "SIGKILL");
	bring(groups.bare, incoming);
	await until("the group", () => /complete: run[\s\S]*not calibrated/.test(text()), child, text);
	child.kill("SIGINT");
	expect(await over).toBe(130);
	expect(text()).toContain("trying again");
}, 300_000);

test("files that are being written are left alone until they rest", async () => {
	const incoming = join(folder, "growing");
	const data = join(folder, "growing-data");
	cpSync(empty, data, { recursive: true });
	bring(groups.calibrated.slice(0, 15), incoming);
	const last = join(incoming, groups.calibrated[15].slice(dirname(groups.calibrated[15]).length + 1));
	const bytes = readFileSync(groups.calibrated[15]);
	const settings = ["--set", "arrival.stable_s=4", "--set", "arrival.poll_s=0.3", "--set", "arrival.calibrate=false"];
	const { child, text, over } = start(["watch", incoming, "--data", data, ...settings]);
	await until("the watching", () => /Ctrl-C stops it/.test(text()), child, text);
	// Written in pieces, of which only the last makes a file that can be read.
	const step = Math.ceil(bytes.length / 8);
	for (let at = 0; at < bytes.length; at += step) {
		appendFileSync(last, bytes.subarray(at, at + step));
		await new Promise((resolve) => setTimeout(resolve, 150));
	}
	await until("the group", () => /complete: run[\s\S]*not calibrated/.test(text()), child, text);
	child.kill("SIGINT");
	await over;
	expect(text()).not.toMatch(/it should have/);
}, 300_000);
