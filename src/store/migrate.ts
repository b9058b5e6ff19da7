import { createHash } from "node:crypto";
import { PgBoss } from "pg-boss";
import { failure } from "../error.ts";
import { connectionOptions, type Database } from "./database.ts";
import { survey } from "./migrations/0001-survey.ts";
import { eventOrder } from "./migrations/0002-event-order.ts";
import { checks } from "./migrations/0003-checks.ts";
import { writeCost } from "./migrations/0004-write-cost.ts";
import { binned } from "./migrations/0005-binned.ts";
import { arrivals } from "./migrations/0006-arrivals.ts";
import { correctionHistory } from "./migrations/0007-correction-history.ts";
import { detection } from "./migrations/0008-detection.ts";
import { epochLocality } from "./migrations/0009-epoch-locality.ts";

interface Migration {
	version: number;
	name: string;
	sql: string;
}

/** Forward only: a migration that has been released is never edited, a new one is added. */
export const MIGRATIONS: Migration[] = [
	{ version: 1, name: "survey", sql: survey },
	{ version: 2, name: "event order", sql: eventOrder },
	{ version: 3, name: "checks", sql: checks },
	{ version: 4, name: "write cost", sql: writeCost },
	{ version: 5, name: "binned", sql: binned },
	{ version: 6, name: "arrivals", sql: arrivals },
	{ version: 7, name: "correction history", sql: correctionHistory },
	{ version: 8, name: "detection", sql: detection },
	{ version: 9, name: "epoch locality", sql: epochLocality },
];

/** Any number that nobody else locks on: two processes that upgrade at once must take turns. */
const ADVISORY_LOCK = 727_271;

const checksum = (sql: string) => createHash("sha256").update(sql).digest("hex");

export interface SchemaStatus {
	current: number;
	wanted: number;
}

/** Which version the database has, and whether its record agrees with this program's. Throws when it is newer or altered. */
export async function schemaStatus(database: Database): Promise<SchemaStatus> {
	const wanted = MIGRATIONS[MIGRATIONS.length - 1].version;
	const [{ present }] = await database.query<{ present: boolean }>(
		"schema present",
		"SELECT to_regclass('schema_migration') IS NOT NULL AS present",
	);
	if (!present) return { current: 0, wanted };
	const rows = await database.query<{ version: number; checksum: string }>(
		"schema version",
		"SELECT version, checksum FROM schema_migration ORDER BY version",
	);
	for (const row of rows) {
		const known = MIGRATIONS.find((migration) => migration.version === row.version);
		if (known === undefined) {
			throw failure(
				"database-newer",
				`the database has schema version ${row.version}, this program knows up to ${wanted}`,
				{
					subject: "database",
					remedy: "Use the newer program",
				},
			);
		}
		if (known.sql !== "" && row.checksum !== checksum(known.sql)) {
			throw failure("database-altered", `schema version ${row.version} differs from the one this program would make`, {
				subject: "database",
				remedy: "Restore the database from a backup, or begin a new data folder",
			});
		}
	}
	return { current: rows.length === 0 ? 0 : rows[rows.length - 1].version, wanted };
}

/** Brings the schema to this program's version, or to an earlier one of a new database; a second call finds nothing to do. */
export async function upgradeDatabase(database: Database, upTo = Number.POSITIVE_INFINITY): Promise<number> {
	const applied = await database.transaction("upgrade", async (tx) => {
		await tx.query("upgrade lock", "SELECT pg_advisory_xact_lock($1)", [ADVISORY_LOCK]);
		await tx.execute(
			"schema table",
			"CREATE TABLE IF NOT EXISTS schema_migration (version integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())",
		);
		const rows = await tx.query<{ version: number }>("schema version", "SELECT version FROM schema_migration");
		const have = new Set(rows.map((row) => row.version));
		const missing = MIGRATIONS.filter(({ version }) => version <= upTo && !have.has(version));
		for (const migration of missing) {
			await tx.execute(`migration ${migration.name}`, migration.sql);
			await tx.execute("schema record", "INSERT INTO schema_migration (version, name, checksum) VALUES ($1, $2, $3)", [
				migration.version,
				migration.name,
				checksum(migration.sql),
			]);
		}
		return missing.length;
	});
	// The queue library keeps its own schema; it is migrated here, on purpose, and nowhere else.
	const { max: _, ...connection } = connectionOptions(database.target);
	const boss = new PgBoss({ ...(connection as object), migrate: true, supervise: false, schedule: false });
	boss.on("error", () => {});
	await boss.start();
	await boss.stop({ graceful: false });
	return applied;
}
