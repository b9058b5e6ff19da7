import {
	type ArrivalGroupRow,
	addDecisions,
	forgetGroups,
	loadDecisions,
	loadGroups,
	loadSubbandFiles,
	type SubbandFileRow,
	setWatchClock,
	storeGroups,
	watchClock,
} from "../../store/arrivals.ts";
import type { Database, Row } from "../../store/database.ts";
import { resolveDeadLetters } from "../../store/dead-letters.ts";
import type { ArrivalDecision, ArrivalGroup, ArrivedFile } from "./grouping.ts";
import type { ArrivalStore } from "./watching.ts";

/** Groups and decisions in the database: only what has changed is written. */
export function storedArrivals(database: Database): ArrivalStore {
	return {
		async load() {
			const [groups, files, decisions, clockS] = [
				await loadGroups(database),
				await loadSubbandFiles(database),
				await loadDecisions(database),
				await watchClock(database),
			];
			const filesOf = Map.groupBy(files, (file) => file.group_id);
			return {
				state: {
					version: 1,
					groups: groups.map((row) => groupOf(row, filesOf.get(row.id) ?? [])),
					...(clockS === undefined ? {} : { clockS }),
				},
				pending: decisions.map(({ id, decision }) => ({ id, decision: decision as unknown as ArrivalDecision })),
			};
		},
		save({ groups, forgotten, decided, clockS }) {
			return database.transaction("store arrivals", async (tx) => {
				if (forgotten.length > 0) await forgetGroups(tx, forgotten);
				const files = groups.flatMap(filesOfGroup);
				await storeGroups(tx, groups.map(rowOf), files);
				if (decided.length > 0) {
					await addDecisions(
						tx,
						decided.map(({ id, decision }) => ({ id, decision: decision as unknown as Row })),
					);
				}
				// A file that could not be read and now is in a group has been mended.
				await resolveDeadLetters(
					tx,
					"arrival",
					files.map(({ path }) => path),
					"read without error since",
				);
				await setWatchClock(tx, clockS);
			});
		},
	};
}

const rowOf = (group: ArrivalGroup): ArrivalGroupRow => ({
	id: group.id,
	state: group.state,
	first_stamp_s: group.firstStampS,
	last_stamp_s: group.lastStampS,
	start_mjd: group.startMjd ?? null,
	waited_s: group.waitedS,
	revision: group.revision,
	gone_since_s: group.goneSinceS ?? null,
});

function filesOfGroup(group: ArrivalGroup): SubbandFileRow[] {
	const row = (role: SubbandFileRow["role"]) => (file: ArrivedFile, place: number) => ({
		path: file.path,
		group_id: group.id,
		role,
		place,
		subband: file.subband,
		stamp_s: file.stampS,
		size_bytes: file.sizeBytes,
		start_mjd: file.startMjd ?? null,
		content_hash: file.hash ?? null,
	});
	const nothing = { subband: null, stamp_s: null, size_bytes: null, start_mjd: null, content_hash: null };
	return [
		...group.files.map(row("member")),
		...group.rivals.map(row("rival")),
		...group.copies.map((path, place) => ({ path, group_id: group.id, role: "copy" as const, place, ...nothing })),
	];
}

function groupOf(row: ArrivalGroupRow, files: SubbandFileRow[]): ArrivalGroup {
	const ofRole = (role: SubbandFileRow["role"]): ArrivedFile[] =>
		files
			.filter((file) => file.role === role)
			.map((file) => ({
				path: file.path,
				stampS: file.stamp_s ?? row.first_stamp_s,
				subband: file.subband ?? 0,
				sizeBytes: file.size_bytes ?? 0,
				...(file.start_mjd === null ? {} : { startMjd: file.start_mjd }),
				...(file.content_hash === null ? {} : { hash: file.content_hash }),
			}));
	return {
		id: row.id,
		state: row.state,
		firstStampS: row.first_stamp_s,
		lastStampS: row.last_stamp_s,
		...(row.start_mjd === null ? {} : { startMjd: row.start_mjd }),
		waitedS: row.waited_s,
		revision: row.revision,
		files: ofRole("member"),
		rivals: ofRole("rival"),
		copies: files.filter((file) => file.role === "copy").map((file) => file.path),
		...(row.gone_since_s === null ? {} : { goneSinceS: row.gone_since_s }),
	};
}
