import { linkSync, mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { hasSharedData, sharedData } from "../../../test/shared-data.ts";
import type { ArrivalDecision } from "./grouping.ts";
import { type ArrivalGroup } from "./grouping.ts";
import { type ArrivalStore, ArrivalWatcher, type PendingDecision } from "./watching.ts";

let folder: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "caustic-arrival-"));
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
	const { store, deliver, delivered } = receiver();
	const options = {
		folders: [folder],
		store,
		deliver,
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

/** Keeps the record as a database would; a decision that is taken over goes. */
function memoryStore(): ArrivalStore & { take(id: string): void } {
	const groups = new Map<string, ArrivalGroup>();
	const pending = new Map<string, PendingDecision>();
	let clock: number | undefined;
	return {
		async load() {
			if (clock === undefined) return undefined;
			const state = { version: 1 as const, groups: [...groups.values()], clockS: clock };
			return structuredClone({ state, pending: [...pending.values()] });
		},
		async save({ groups: changed, forgotten, decided, clockS }) {
			for (const id of forgotten) groups.delete(id);
			for (const group of changed) groups.set(group.id, group);
			for (const one of decided) pending.set(one.id, structuredClone(one));
			clock = clockS;
		},
		take: (id) => void pending.delete(id),
	};
}

/** A store, and a receiver that takes every decision. */
function receiver(onDecision: (decision: ArrivalDecision) => void = () => {}) {
	const store = memoryStore();
	const delivered: ArrivalDecision[] = [];
	const deliver = async ({ id, decision }: PendingDecision) => {
		onDecision(decision);
		delivered.push(decision);
		store.take(id);
		return true;
	};
	return { store, deliver, delivered };
}

test("files that are being written are left alone until they rest, or get their name", async () => {
	const { store, deliver, delivered } = receiver();
	let clock = Date.now() / 1000;
	const watcher = new ArrivalWatcher({
		folders: [folder],
		store,
		deliver,
		readStartMjd,
		clockS: () => clock,
	});
	await watcher.start();
	for (let subband = 0; subband < 14; subband++) put(nameOf(26, subband), "");
	put(nameOf(26, 14).replace(".hdf5", "_incomplete.hdf5"), "");
	put(nameOf(26, 15), "half", 0);
	await watcher.step();
	expect(watcher.backlog).toEqual({ open: 1, pending: 0, unsettled: 1 });
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

test("a decision whose delivery failed comes again after a restart; while the receiver is busy files are grouped all the same", async () => {
	for (let subband = 0; subband < 16; subband++) put(nameOf(26, subband), "");
	const attempts: string[] = [];
	const store = memoryStore();
	const options = { folders: [folder], store, readStartMjd };
	const failing = new ArrivalWatcher({
		...options,
		deliver: async ({ decision }) => {
			attempts.push(`failed ${decision.group} ${decision.revision}`);
			throw new Error("the queue is away");
		},
	});
	await failing.start();
	await expect(failing.step()).rejects.toThrow("the queue is away");
	expect(failing.backlog.pending).toBe(1);
	failing.stop();
	let isBusy = true;
	const next = new ArrivalWatcher({
		...options,
		deliver: async ({ id, decision }) => {
			attempts.push(`${isBusy ? "held" : "taken"} ${decision.group} ${decision.revision}`);
			if (isBusy) return false;
			store.take(id);
			return true;
		},
	});
	await next.start();
	await next.step();
	for (let subband = 0; subband < 16; subband++) put(nameOf(31, subband), "");
	await next.step();
	expect(next.backlog).toEqual({ open: 0, pending: 2, unsettled: 0 });
	isBusy = false;
	await next.step();
	await next.step();
	next.stop();
	const [first, second] = ["2026-01-25T22:26:05 1", "2026-01-25T22:31:05 1"];
	expect(attempts).toEqual([`failed ${first}`, `held ${first}`, `held ${first}`, `taken ${first}`, `taken ${second}`]);
});

test("a subband in quarantine is settled by taking the wrong file away", async () => {
	for (let subband = 0; subband < 15; subband++) put(nameOf(26, subband), `content ${subband}`);
	mkdirSync(join(folder, "again"));
	const rival = put(join("again", nameOf(26, 4, 7)), "not content 4");
	const { store, deliver, delivered } = receiver();
	const watcher = new ArrivalWatcher({ folders: [folder], store, deliver, readStartMjd });
	await watcher.start();
	await watcher.step();
	put(nameOf(26, 15), "content 15");
	await watcher.step();
	expect(delivered.map((decision) => decision.kind)).toEqual(["quarantined"]);
	rmSync(rival);
	await watcher.step();
	watcher.stop();
	expect(delivered.map((decision) => decision.kind)).toEqual(["quarantined", "accepted"]);
	expect(JSON.stringify(delivered[1])).not.toContain("again");
});

test("copies are told from other content; files of other kinds and damaged ones are named once", async () => {
	const warnings: string[] = [];
	const { store, deliver, delivered } = receiver();
	for (let subband = 0; subband < 16; subband++) put(nameOf(26, subband), `content ${subband}`);
	mkdirSync(join(folder, "again"));
	put(join("again", nameOf(26, 4, 7)), "content 4");
	put("notes.txt", "");
	put("2026-13-25T22:26:05_sb00.hdf5", "");
	put(nameOf(50, 0), "");
	const watcher = new ArrivalWatcher({
		folders: [folder],
		store,
		deliver,
		warn: (path, _, message) => void warnings.push(`${path.slice(folder.length + 1)}: ${message}`),
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
		const { store, deliver, delivered } = receiver();
		const bad = put(nameOf(10, 0), "not HDF5");
		const watcher = new ArrivalWatcher({
			folders: [folder, sharedData("visibilities", "dsa-sim-tiny"), sharedData("visibilities", "dsa-sim-small")],
			store,
			deliver,
			warn: (path, code, message, remedy) => void warnings.push(`${path}: ${code}: ${message}. ${remedy}.`),
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
			`${bad}: not-hdf5: it is not an HDF5 file. Give a UVH5 file; other formats have other names (MeasurementSet folder, .uvfits).`,
		]);
	},
);

test("notices by itself: a group is delivered soon after its last file has its name", async () => {
	const stop = new AbortController();
	const { store, deliver, delivered } = receiver(() => stop.abort());
	const watcher = new ArrivalWatcher({ folders: [folder], store, deliver, pollS: 30, stableS: 0.2, readStartMjd });
	await watcher.start();
	const loop = (async () => {
		while (!stop.signal.aborted) {
			await watcher.step(stop.signal);
			await watcher.pause(stop.signal);
		}
		watcher.stop();
	})();
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
	const watcher = new ArrivalWatcher({ folders: [join(folder, "missing")], ...receiver() });
	await expect(watcher.start()).rejects.toThrow(/no such file/);
});
