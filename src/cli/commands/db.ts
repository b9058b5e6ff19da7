import { createReadStream, existsSync } from "node:fs";
import { createGunzip } from "node:zlib";
import type { Config } from "../../config/schema.ts";
import { badInput } from "../../error.ts";
import { writeAtomically } from "../../formats/atomic-file.ts";
import { checkStatistics } from "../../pipeline/checks/consistency.ts";
import { surveyConfiguration } from "../../pipeline/runner.ts";
import { backUp, type OnTable, type RowCounts, restore } from "../../store/backup.ts";
import type { Database } from "../../store/database.ts";
import { schemaStatus, upgradeDatabase } from "../../store/migrate.ts";
import { type Command, EXIT, type Invocation, JSON_OPTION } from "../command.ts";
import { progressOn } from "../progress.ts";
import { STORE_OPTIONS, withStore } from "../store-options.ts";
import { subcommandOf } from "../subcommands.ts";

/** Rows that speak of things which are not there: none is allowed in a healthy database. */
const ORPHANS: Record<string, string> = {
	"statistics without a measurement":
		"SELECT count(*) FROM light_curve_state l WHERE NOT EXISTS (SELECT FROM measurement m WHERE m.source_id = l.source_id AND m.band_id = l.band_id)",
	"statistics that count other than the measurements": `SELECT count(*) FROM light_curve_state l WHERE n <> (SELECT count(*) FROM measurement m
		WHERE m.source_id = l.source_id AND m.band_id = l.band_id AND m.configuration = l.configuration AND m.method = 'forced' AND m.flux_jy IS NOT NULL)`,
	"candidates without a history":
		"SELECT count(*) FROM candidate c WHERE NOT EXISTS (SELECT FROM candidate_event e WHERE e.candidate_id = c.id)",
	"candidates whose history is longer than they know":
		"SELECT count(*) FROM candidate c WHERE last_seq <> (SELECT max(seq) FROM candidate_event e WHERE e.candidate_id = c.id)",
	"measurements of a source or an image that is not there": `SELECT count(*) FROM measurement m WHERE NOT EXISTS (SELECT FROM source s WHERE s.id = m.source_id)
		OR NOT EXISTS (SELECT FROM image i WHERE i.id = m.image_id)`,
	"corrections of images without measurements":
		"SELECT count(*) FROM flux_correction f WHERE NOT EXISTS (SELECT FROM measurement m WHERE m.image_id = f.image_id)",
};

export const command: Command = {
	name: "db",
	summary: "the database: upgrade its schema, check that it agrees with itself, back it up",
	usage: "db upgrade|check [--statistics [--repair]]|backup FILE|restore FILE [--data DIR] [--database URL]",
	description:
		"upgrade brings the schema to this program's version, forward only, and is safe to repeat. check compares statistics,\ncandidates and corrections with the measurements that they claim to describe, and exits with 1 when they differ; with\n--statistics it recomputes every number, and --repair writes what the measurements give in place of what is wrong. backup\nwrites all that is stored, as of one moment and while work goes on, into one gzipped file; restore puts it into a data\nfolder or database that holds nothing yet. Images, reports and products stay where they are: keep their folders too.",
	examples: [
		"caustic db check --data survey",
		"caustic db check --statistics --repair --data survey",
		"caustic db backup survey.backup.gz --data survey",
		"caustic db restore survey.backup.gz --data survey2",
		"caustic db upgrade --database postgresql://caustic@db.example/caustic",
	],
	options: {
		statistics: { type: "boolean", help: "check: recompute the statistics of every light curve and compare" },
		repair: { type: "boolean", help: "with --statistics: write what the measurements give" },
		...STORE_OPTIONS,
		...JSON_OPTION,
	},

	async run(invocation) {
		const { name, rest } = subcommandOf(invocation, "db", ["upgrade", "check", "backup", "restore"] as const);
		if (name === "backup" || name === "restore") return copySurvey(invocation, name, rest);
		return withStore(invocation, { mustExist: true, anySchema: true }, async ({ store: { database }, config }) => {
			const asJson = invocation.options.json === true;
			if (name === "upgrade") {
				const applied = await upgradeDatabase(database);
				const { current } = await schemaStatus(database);
				process.stdout.write(
					asJson
						? `${JSON.stringify({ applied, version: current })}\n`
						: `schema version ${current}; ${applied} migrations applied\n`,
				);
				return EXIT.done;
			}
			const status = await schemaStatus(database);
			const wantsStatistics = invocation.options.statistics === true;
			const repair = invocation.options.repair === true;
			if (repair && !wantsStatistics)
				throw badInput("bad-usage", "belongs to --statistics", { subject: "--repair", remedy: "Give both" });
			if (wantsStatistics) return checkAll(invocation, database, config, repair);
			const found: Record<string, number> = {};
			for (const [what, sql] of Object.entries(ORPHANS)) {
				const [row] = await database.query<{ count: number }>(`check ${what}`, sql);
				found[what] = row.count;
			}
			const wrong = Object.values(found).some((count) => count > 0) || status.current !== status.wanted;
			if (asJson) process.stdout.write(`${JSON.stringify({ schema: status, found, ok: !wrong }, null, 2)}\n`);
			else
				process.stdout.write(
					`schema version ${status.current} (this program: ${status.wanted})\n${Object.entries(found)
						.map(([what, count]) => `${count === 0 ? "ok   " : "WRONG"}  ${count} ${what}`)
						.join("\n")}\n`,
				);
			return wrong ? EXIT.failed : EXIT.done;
		});
	},
};

/** Backup and restore: one file on this side, the database on the other. */
async function copySurvey(invocation: Invocation, name: "backup" | "restore", rest: string[]): Promise<number> {
	const [file] = rest;
	if (file === undefined || rest.length > 1) {
		throw badInput("bad-usage", "one file is needed", {
			subject: `caustic db ${name}`,
			remedy: `For instance caustic db ${name} survey.backup.gz`,
		});
	}
	if (name === "restore" && !existsSync(file)) {
		throw badInput("no-such-file", "there is no such file", { subject: file, remedy: "Check the path" });
	}
	const rows = await withStore(invocation, { mustExist: name === "backup", anySchema: true }, async ({ store }) => {
		const progress = progressOn(name);
		const onTable: OnTable = (table, done, of) => progress.update(done, of, table);
		try {
			if (name === "restore") return await restore(store.database, gunzipped(file), file, onTable);
			let counts: RowCounts = {};
			await writeAtomically(
				file,
				async (sink) => {
					counts = await backUp(store.database, (bytes) => sink.write(bytes), onTable);
				},
				{ gzip: true },
			);
			return counts;
		} finally {
			progress.end();
		}
	});
	const total = Object.values(rows).reduce((sum, n) => sum + n, 0);
	process.stdout.write(
		invocation.options.json === true
			? `${JSON.stringify({ file, rows })}\n`
			: `${total.toLocaleString("en")} rows of ${Object.keys(rows).length} tables ${name === "backup" ? "written to" : "restored from"} ${file}\n`,
	);
	return EXIT.done;
}

function gunzipped(file: string): AsyncIterable<Buffer> {
	const gunzip = createGunzip();
	createReadStream(file)
		.on("error", (error) => gunzip.destroy(error))
		.pipe(gunzip);
	return gunzip;
}

async function checkAll(invocation: Invocation, database: Database, config: Config, repair: boolean): Promise<number> {
	const progress = progressOn("caustic db check");
	const result = await checkStatistics(database, await surveyConfiguration(database, config), {
		repair,
		trigger: "command",
		signal: invocation.signal,
		onProgress: (done, total) => progress.update(done, total, "sources"),
	}).finally(() => progress.end());
	if (invocation.options.json === true) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
	else {
		for (const { source, band_mhz: mhz, problems } of result.problems)
			process.stdout.write(`${source} at ${mhz} MHz: ${problems.join("; ")}\n`);
		process.stdout.write(
			`${result.light_curves} light curves checked, ${result.wrong} wrong, ${result.repaired} repaired\n`,
		);
	}
	return result.wrong > result.repaired ? EXIT.failed : EXIT.done;
}
