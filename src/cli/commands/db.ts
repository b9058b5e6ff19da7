import { schemaStatus, upgradeDatabase } from "../../store/migrate.ts";
import { type Command, EXIT, JSON_OPTION } from "../command.ts";
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
	"corrections of images without measurements":
		"SELECT count(*) FROM flux_correction f WHERE NOT EXISTS (SELECT FROM measurement m WHERE m.image_id = f.image_id)",
};

export const command: Command = {
	name: "db",
	summary: "the database: upgrade its schema, check that it agrees with itself",
	usage: "db upgrade|check [--data DIR] [--database URL]",
	description:
		"upgrade brings the schema to this program's version, forward only, and is safe to repeat. check compares statistics,\ncandidates and corrections with the measurements that they claim to describe, and exits with 1 when they differ.",
	examples: ["caustic db check --data survey", "caustic db upgrade --database postgresql://caustic@db.example/caustic"],
	options: { ...STORE_OPTIONS, ...JSON_OPTION },

	async run(invocation) {
		const { name } = subcommandOf(invocation, "db", ["upgrade", "check"] as const);
		return withStore(invocation, { mustExist: true, anySchema: true }, async ({ store: { database } }) => {
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
