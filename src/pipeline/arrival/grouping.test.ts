import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ArrivalDecision, ArrivalGrouping, type ArrivedFile, DEFAULT_ARRIVAL_POLICY } from "./grouping.ts";
import { isIncomplete, parseSubbandName } from "./subband-name.ts";

const T0 = Date.UTC(2026, 0, 25, 22, 26, 5) / 1000;
const file = (subband: number, stampS = T0, more: Partial<ArrivedFile> = {}): ArrivedFile => ({
	path: `/in/${stampS}_sb${String(subband).padStart(2, "0")}.hdf5`,
	stampS,
	subband,
	sizeBytes: 1,
	...more,
});
const all = (count: number, stamp: (subband: number) => number = () => T0) =>
	Array.from({ length: count }, (_, subband) => file(subband, stamp(subband)));
const kinds = (decisions: ArrivalDecision[]) => decisions.map((decision) => decision.kind);
/** Lets time pass in steps of 5 s. */
const wait = (grouping: ArrivalGrouping, fromS: number, seconds: number): ArrivalDecision[] => {
	const decisions: ArrivalDecision[] = [];
	for (let t = 0; t <= seconds; t += 5) decisions.push(...grouping.tick(fromS + t));
	return decisions;
};

describe("names of subband files", () => {
	test("give time and subband", () => {
		expect(parseSubbandName("2026-01-25T22:26:05_sb03.hdf5")).toEqual({ stampS: T0, subband: 3 });
		expect(parseSubbandName("2026-01-25T22:26:05.250_sb15.hdf5")).toEqual({ stampS: T0 + 0.25, subband: 15 });
	});
	test.each([
		"2026-02-31T00:00:00_sb00.hdf5",
		"2026-01-25T24:00:00_sb00.hdf5",
		"2026-01-25_sb00.hdf5",
		"a_sb00.hdf5",
		"2026-01-25T22:26:05_sb0.hdf5",
	])("%s is none", (name) => expect(parseSubbandName(name)).toBeUndefined());
	test("a file in the making shows", () => {
		expect(isIncomplete("2026-01-25T22:26:05_sb03_incomplete.hdf5")).toBe(true);
		expect(isIncomplete("2026-01-25T22:26:05_sb03.hdf5")).toBe(false);
	});
});

describe("groups of subband files", () => {
	test("sixteen make a group at once, whatever their names differ by", () => {
		const grouping = new ArrivalGrouping();
		const files = all(16, (subband) => T0 + ((subband * 37) % 83));
		const decisions = files.flatMap((each, i) => grouping.see(each, 1000 + i));
		expect(kinds(decisions)).toEqual(["accepted"]);
		expect(decisions[0]).toMatchObject({ complete: true, missing: [], group: "2026-01-25T22:26:05", revision: 1 });
		expect((decisions[0] as { files: ArrivedFile[] }).files.map((each) => each.subband)).toEqual([...Array(16).keys()]);
	});

	test("twelve to fifteen are a partial group when the time is up, fewer are rejected with reasons", () => {
		for (const [count, kind] of [
			[15, "accepted"],
			[12, "accepted"],
			[11, "rejected"],
			[1, "rejected"],
		] as const) {
			const grouping = new ArrivalGrouping();
			for (const each of all(count)) expect(grouping.see(each, 1000)).toEqual([]);
			expect(wait(grouping, 1000, 595)).toEqual([]);
			const decisions = wait(grouping, 1600, 10);
			expect(kinds(decisions)).toEqual([kind]);
			if (kind === "accepted") expect(decisions[0]).toMatchObject({ complete: false });
			else
				expect(JSON.stringify(decisions[0])).toMatch(
					new RegExp(`${count} of 16 subbands after 600 s, at least 12 are needed`),
				);
			expect(wait(grouping, 1610, 2000)).toEqual([]);
		}
	});

	test("a late file opens a partial or rejected group again, and the sixteenth completes it", () => {
		const grouping = new ArrivalGrouping();
		for (const each of all(14)) grouping.see(each, 0);
		expect(kinds(wait(grouping, 0, 605))).toEqual(["accepted"]);
		expect(kinds(grouping.see(file(14), 700))).toEqual(["reopened"]);
		expect(kinds(wait(grouping, 700, 605))).toEqual(["accepted"]);
		const last = grouping.see(file(15), 2000);
		expect(kinds(last)).toEqual(["reopened", "accepted"]);
		expect(last[1]).toMatchObject({ complete: true, revision: 5 });
		expect(grouping.open).toEqual([]);
	});

	test("groups of two dates, or 234 s apart, grow side by side", () => {
		const grouping = new ArrivalGrouping();
		const decisions: ArrivalDecision[] = [];
		for (let subband = 0; subband < 16; subband++) {
			for (const start of [T0, T0 + 295, T0 - 86400])
				decisions.push(...grouping.see(file(subband, start + subband * 4), 5));
		}
		expect(kinds(decisions)).toEqual(["accepted", "accepted", "accepted"]);
		expect(new Set(decisions.map((decision) => decision.group)).size).toBe(3);
	});

	test("the first integration's time parts what names would put together", () => {
		const grouping = new ArrivalGrouping();
		const decisions: ArrivalDecision[] = [];
		for (let subband = 0; subband < 16; subband++) {
			decisions.push(...grouping.see(file(subband, T0, { startMjd: 61065.9 }), 5));
			decisions.push(...grouping.see(file(subband, T0 + 60, { startMjd: 61065.9005 }), 5));
		}
		expect(kinds(decisions)).toEqual(["accepted", "accepted"]);
	});

	test("a path seen again is nothing new; a copy is left alone; different content is put before someone", () => {
		const grouping = new ArrivalGrouping();
		for (const each of all(16)) grouping.see({ ...each, hash: `h${each.subband}` }, 0);
		expect(grouping.see(file(3), 1)).toEqual([]);
		const copy = file(3, T0 + 1, { hash: "h3" });
		expect(grouping.rivalOf(copy)?.subband).toBe(3);
		expect(kinds(grouping.see(copy, 2))).toEqual(["duplicate"]);
		expect(grouping.group("2026-01-25T22:26:05")?.state).toBe("complete");
		const restarted = new ArrivalGrouping(DEFAULT_ARRIVAL_POLICY, JSON.parse(JSON.stringify(grouping.state())));
		expect(restarted.see(copy, 3)).toEqual([]);
		const other = file(3, T0 + 2, { hash: "different" });
		const decisions = grouping.see(other, 3);
		expect(kinds(decisions)).toEqual(["quarantined"]);
		expect(JSON.stringify(decisions[0])).toMatch(/both subband 3, with different content/);
		expect(() => grouping.choose("2026-01-25T22:26:05", "/in/no.hdf5")).toThrow(/no file/);
		const settled = grouping.choose("2026-01-25T22:26:05", other.path);
		expect(kinds(settled)).toEqual(["accepted"]);
		expect((settled[0] as { files: ArrivedFile[] }).files[3].path).toBe(other.path);
	});

	test("a subband that does not exist is refused", () => {
		const grouping = new ArrivalGrouping();
		expect(kinds(grouping.see(file(16), 0))).toEqual(["refused"]);
		expect(grouping.state().groups).toEqual([]);
	});

	test("a decided group is forgotten some time after its files are gone, and not while one is there", () => {
		const grouping = new ArrivalGrouping();
		for (const each of [...all(16), ...all(3, () => T0 + 309)]) grouping.see(each, 0);
		const gone = new Set(all(15).map((each) => each.path));
		const isGone = (path: string) => gone.has(path);
		expect(grouping.forget(isGone, 100, 0)).toBe(0);
		for (const each of [file(15), ...all(3, () => T0 + 309)]) gone.add(each.path);
		expect(grouping.forget(isGone, 200, 50)).toBe(0);
		expect(grouping.forget(isGone, 249, 50)).toBe(0);
		expect(grouping.forget(isGone, 250, 50)).toBe(1);
		expect(grouping.knows(file(0).path)).toBe(false);
		expect(grouping.open.length).toBe(1);
	});

	test("jumps of the clock end no group before its time, and none waits for ever", () => {
		const grouping = new ArrivalGrouping();
		for (const each of all(13)) grouping.see(each, 1000);
		expect(grouping.tick(1000 + 86400)).toEqual([]);
		expect(grouping.tick(500)).toEqual([]);
		expect(grouping.tick(-1e9)).toEqual([]);
		// A day forward counted for a minute, back for nothing: 540 s are left.
		expect(wait(grouping, -1e9, 535)).toEqual([]);
		expect(kinds(wait(grouping, -1e9 + 535, 10))).toEqual(["accepted"]);
	});

	test("goes on after a restart as if nothing had been", () => {
		const files = [...all(16), ...all(13, () => T0 + 309), ...all(4, () => T0 + 620)];
		const straight = new ArrivalGrouping();
		const restarted = { grouping: new ArrivalGrouping() };
		const a: ArrivalDecision[] = [];
		const b: ArrivalDecision[] = [];
		const step = (act: (grouping: ArrivalGrouping) => ArrivalDecision[]) => {
			a.push(...act(straight));
			restarted.grouping = new ArrivalGrouping(
				DEFAULT_ARRIVAL_POLICY,
				JSON.parse(JSON.stringify(restarted.grouping.state())),
			);
			// Everything on disk is seen again.
			for (const each of files.slice(0, seen)) b.push(...restarted.grouping.see(each, clock));
			b.push(...act(restarted.grouping));
		};
		let seen = 0;
		let clock = 100;
		for (const each of files) {
			step((grouping) => grouping.see(each, clock));
			seen++;
			clock += 3;
		}
		for (; clock < 2000; clock += 30) step((grouping) => grouping.tick(clock));
		expect(b).toEqual(a);
		expect(kinds(a)).toEqual(["accepted", "accepted", "rejected"]);
	});

	test("no file is lost or doubled, whatever the order", () => {
		fc.assert(
			fc.property(
				fc.array(
					fc.record({
						group: fc.integer({ min: 0, max: 6 }),
						subband: fc.integer({ min: 0, max: 15 }),
						late: fc.integer({ min: 0, max: 82 }),
					}),
					{
						maxLength: 120,
					},
				),
				(arrivals) => {
					const grouping = new ArrivalGrouping();
					const files = arrivals.map(({ group, subband, late }) => file(subband, T0 + group * 309 + late));
					const decisions: ArrivalDecision[] = [];
					files.forEach((each, i) => decisions.push(...grouping.see(each, i * 7)));
					decisions.push(...wait(grouping, files.length * 7, 1300));
					const state = grouping.state();
					const held = state.groups.flatMap((group) => [...group.files, ...group.rivals].map((each) => each.path));
					expect(held.length).toBe(new Set(held).size);
					expect(new Set(held)).toEqual(new Set(files.map((each) => each.path)));
					expect(grouping.open).toEqual([]);
					for (const decision of decisions) {
						if (decision.kind === "accepted") expect(decision.files.length).toBeGreaterThanOrEqual(12);
					}
				},
			),
			{ numRuns: 200, seed: 11 },
		);
	});
});
