import { linkSync, mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { hasSharedData, sharedData } from "../../../test/shared-data.ts";
import type { ArrivalDecision } from "./grouping.ts";
import { type ArrivalRecord, type ArrivalStore, ArrivalWatcher, arrivalFile, watchArrivals } from "./watching.ts";

let folder: string;
let state: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "caustic-arrival-"));
	state = join(mkdtempSync(join(tmpdir(), "caustic-arrival-state-")), "arrivals.json");
});
afterEach(() => rmSync(folder, { recursive: true }));

const nameOf = (minute: number, subband: number, second = 5) =>
	`2026-01-25T22:${String(minute).padStart(2, "0")}:${String(second).padStart(2, "0")}_sb${String(subband).padStart(2, "0")}.hdf5`;
/** A file that stands for a group's subband: it holds the group's first time. */
const put = (name: string, content: string, ageS = 3600) => {
	const path = join(folder, name);
	writeFileSync(path, content);
	const then = Date.now() / 1000 - ageS;
	utimesSync(path, then, then);
	return path;
};
const readStartMjd = (path: string) => 61065 + Number(/T22:(\d\d)/.exec(path)?.[1]) / 1440;

test("ten thousand files at the start are taken in at once, and again after a restart without doubling any", async () => {
	// One empty file under ten thousand names: making them is not what is tested.
	const original = put("original", "");
	for (let group = 0; group < 625; group++) {
		const day = String(1 + Math.floor(group / 25)).padStart(2, "0");
		mkdirSync(join(folder, day), { recursive: true });
		for (let subband = 0; subband < 16; subband++) {
			const name = nameOf(2 * (group % 25), subband, subband % 7).replace("01-25", `01-${day}`);
			linkSync(original, join(folder, day, name));
		}
	}
	const delivered: ArrivalDecision[] = [];
	const options = {
		folders: [folder],
		store: memoryStore(),
		deliver: async (decision: ArrivalDecision) => {
			delivered.push(decision);
		},
		readStartMjd: (path: string) => 61000 + Number(/01-(\d\d)T/.exec(path)?.[1]) + readStartMjd(path) / 1e5,
	};
	const first = new ArrivalWatcher(options);
	await first.start();
	const begun = performance.now();
	await first.step();
	first.stop();
	expect(performance.now() - begun).toBeLessThan(30_000);
	expect(delivered.length).toBe(625);
	expect(delivered.every((decision) => decision.kind === "accepted" && decision.complete)).toBe(true);
	const second = new ArrivalWatcher(options);
	await second.start();
	await second.step();
	second.stop();
	expect(delivered.length).toBe(625);
});

/** Keeps the record as a file would. */
function memoryStore(): ArrivalStore & { text?: string } {
	const store: ArrivalStore & { text?: string } = {
		load: async () => (store.text === undefined ? undefined : (JSON.parse(store.text) as ArrivalRecord)),
		save: async (record) => {
			store.text = JSON.stringify(record);
		},
	};
	return store;
}

test("files that are being written are left alone until they rest, or get their name", async () => {
	const delivered: ArrivalDecision[] = [];
	let clock = Date.now() / 1000;
	const watcher = new ArrivalWatcher({
		folders: [folder],
		store: arrivalFile(state),
		deliver: async (decision) => {
			delivered.push(decision);
		},
		readStartMjd,
		clockS: () => clock,
	});
	await watcher.start();
	for (let subband = 0; subband < 14; subband++) put(nameOf(26, subband), "");
	put(nameOf(26, 14).replace(".hdf5", "_incomplete.hdf5"), "");
	put(nameOf(26, 15), "half", 0);
	await watcher.step();
	expect(watcher.backlog).toEqual({ open: 1, pending: 0 });
	renameSync(join(folder, nameOf(26, 14).replace(".hdf5", "_incomplete.hdf5")), join(folder, nameOf(26, 14)));
	clock += 3;
	writeFileSync(join(folder, nameOf(26, 15)), "half and more");
	await watcher.step();
	clock += 3;
	await watcher.step();
	expect(delivered).toEqual([]);
	clock += 6;
	await watcher.step();
	watcher.stop();
	expect(delivered.map((decision) => decision.kind)).toEqual(["accepted"]);
	expect(delivered[0]).toMatchObject({ complete: true });
});

test("a decision whose delivery failed comes again after a restart; nothing is lost while the receiver is slow", async () => {
	for (let subband = 0; subband < 16; subband++) put(nameOf(26, subband), "");
	const attempts: string[] = [];
	const options = { folders: [folder], store: arrivalFile(state), readStartMjd };
	const failing = new ArrivalWatcher({
		...options,
		deliver: async (decision) => {
			attempts.push(`failed ${decision.group} ${decision.revision}`);
			throw new Error("the queue is away");
		},
	});
	await failing.start();
	await expect(failing.step()).rejects.toThrow("the queue is away");
	expect(failing.backlog.pending).toBe(1);
	failing.stop();
	const next = new ArrivalWatcher({
		...options,
		deliver: async (decision) => {
			attempts.push(`taken ${decision.group} ${decision.revision}`);
		},
	});
	await next.start();
	await next.step();
	await next.step();
	next.stop();
	expect(attempts).toEqual(["failed 2026-01-25T22:26:05 1", "taken 2026-01-25T22:26:05 1"]);
});

test("copies are told from other content; files of other kinds and damaged ones are named once", async () => {
	const warnings: string[] = [];
	const delivered: ArrivalDecision[] = [];
	for (let subband = 0; subband < 16; subband++) put(nameOf(26, subband), `content ${subband}`);
	mkdirSync(join(folder, "again"));
	put(join("again", nameOf(26, 4, 7)), "content 4");
	put("notes.txt", "");
	put("2026-13-25T22:26:05_sb00.hdf5", "");
	put(nameOf(50, 0), "");
	const watcher = new ArrivalWatcher({
		folders: [folder],
		store: arrivalFile(state),
		deliver: async (decision) => {
			delivered.push(decision);
		},
		warn: (path, message) => warnings.push(`${path.slice(folder.length + 1)}: ${message}`),
		readStartMjd,
	});
	await watcher.start();
	await watcher.step();
	put(join("again", nameOf(26, 5, 8)), "not content 5");
	await watcher.step();
	await watcher.step();
	watcher.stop();
	expect(delivered.map((decision) => decision.kind)).toEqual(["accepted", "duplicate", "quarantined"]);
	expect(warnings).toEqual([expect.stringMatching(/^2026-13-25.*is not that of a subband file/)]);
});

test.skipIf(!hasSharedData)(
	"what is no UVH5 file is named, and real files are grouped by their first time",
	async () => {
		const warnings: string[] = [];
		const delivered: ArrivalDecision[] = [];
		const bad = put(nameOf(10, 0), "not HDF5");
		const watcher = new ArrivalWatcher({
			folders: [folder, sharedData("visibilities", "dsa-sim-tiny"), sharedData("visibilities", "dsa-sim-small")],
			store: arrivalFile(state),
			deliver: async (decision) => {
				delivered.push(decision);
			},
			warn: (path, message) => warnings.push(`${path}: ${message}`),
		});
		await watcher.start();
		await watcher.step();
		await watcher.step();
		watcher.stop();
		expect(delivered).toMatchObject([
			{ kind: "accepted", complete: true, group: "2022-03-15T09:52:37" },
			{ kind: "accepted", complete: true, group: "2022-03-15T09:50:54" },
		]);
		expect(warnings).toEqual([
			`${bad}: ${bad}: it is not an HDF5 file. Give a UVH5 file; other formats have other names (MeasurementSet folder, .uvfits).`,
		]);
	},
);

test("watches by itself: a group is delivered soon after its last file has its name, and the loop ends when told", async () => {
	const stop = new AbortController();
	const delivered: ArrivalDecision[] = [];
	const loop = watchArrivals(
		{
			folders: [folder],
			store: arrivalFile(state),
			deliver: async (decision) => {
				delivered.push(decision);
				stop.abort();
			},
			pollS: 30,
			stableS: 0.2,
			readStartMjd,
		},
		stop.signal,
	);
	await new Promise((resolve) => setTimeout(resolve, 300));
	for (let subband = 0; subband < 16; subband++) {
		const part = nameOf(26, subband).replace(".hdf5", "_incomplete.hdf5");
		writeFileSync(join(folder, part), "x");
		renameSync(join(folder, part), join(folder, nameOf(26, subband)));
	}
	await loop;
	expect(delivered.map((decision) => decision.kind)).toEqual(["accepted"]);
});

test("a folder that is not there is refused at the start", async () => {
	const options = { folders: [join(folder, "missing")], store: memoryStore(), deliver: async () => {} };
	await expect(watchArrivals(options, new AbortController().signal)).rejects.toThrow(/no such file/);
});
