import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { badInput, failure } from "../error.ts";
import { Database, isPassing } from "./database.ts";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "./embedded-postgres.ts";
import { type SchemaStatus, schemaStatus, upgradeDatabase } from "./migrate.ts";

export interface Store {
	database: Database;
	/** Where products, reports and the embedded database live. */
	dataFolder: string;
	close(): Promise<void>;
}

export interface StoreOptions {
	dataFolder: string;
	databaseUrl?: string | undefined;
	poolSize?: number;
	statementTimeoutS?: number;
	/** Refuse to begin a new data folder: for commands that only look. */
	mustExist?: boolean;
	/** Leave an outdated schema alone: for `db upgrade` and `db check`. */
	anySchema?: boolean;
}

/** Opens the store of a data folder: the embedded server by default, a given one by its address. */
export async function openStore(options: StoreOptions): Promise<Store> {
	const dataFolder = resolve(options.dataFolder);
	if (options.mustExist === true && options.databaseUrl === undefined && !existsSync(join(dataFolder, "postgres"))) {
		throw badInput("no-data", "holds no survey yet", {
			subject: dataFolder,
			remedy: "Run caustic run PATH first, or give --data DIR",
		});
	}
	try {
		mkdirSync(dataFolder, { recursive: true });
	} catch (error) {
		throw badInput("data-folder", `the data folder cannot be made (${(error as NodeJS.ErrnoException).code})`, {
			subject: dataFolder,
			remedy: "Give another place with --data DIR",
		});
	}
	let server: EmbeddedPostgres | undefined;
	if (options.databaseUrl === undefined) server = await startEmbeddedPostgres(dataFolder);
	const database = new Database(
		server === undefined ? { url: options.databaseUrl } : { socketDir: server.socketDir },
		options,
	);
	const close = async () => {
		await database.close();
		await server?.release();
	};
	try {
		const status = await firstAnswer(database, server === undefined ? undefined : dataFolder);
		if (status.current < status.wanted && options.anySchema !== true) {
			// On one machine nobody else uses the database; a shared one is upgraded when its operator says so.
			if (server !== undefined || status.current === 0) await upgradeDatabase(database);
			else {
				throw failure(
					"database-outdated",
					`the database has schema version ${status.current}, this program needs ${status.wanted}`,
					{
						subject: "database",
						remedy: "Run caustic db upgrade",
					},
				);
			}
		}
	} catch (error) {
		await close();
		throw error;
	}
	return { database, dataFolder, close };
}

/** The embedded server may be dying just as we attach to it: then it is started, and asked again. */
async function firstAnswer(database: Database, dataFolder: string | undefined): Promise<SchemaStatus> {
	for (let attempt = 1; ; attempt++) {
		try {
			return await schemaStatus(database);
		} catch (error) {
			if (dataFolder === undefined || attempt === 4 || !isPassing(error)) throw error;
			await (await startEmbeddedPostgres(dataFolder)).release();
		}
	}
}
