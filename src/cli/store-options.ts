import { join, resolve } from "node:path";
import { type LoadedConfig, loadConfig } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { badInput } from "../error.ts";
import { openStore, type Store } from "../store/open.ts";
import { DATA_OPTIONS, type Invocation, numberOption, type OptionSpec, stringOption } from "./command.ts";

/** Options of every command that opens the store: where the data live and which settings hold. */
export const STORE_OPTIONS: Record<string, OptionSpec> = {
	...DATA_OPTIONS,
	set: {
		type: "string",
		multiple: true,
		value: "KEY=VALUE",
		help: "a setting for this command alone, for instance --set service.port=9000",
	},
};

/** Options of every command that works on the pipeline itself. */
export const WORK_OPTIONS: Record<string, OptionSpec> = {
	threads: { type: "string", value: "N", help: "threads for pixels", default: "all cores" },
	log: { type: "boolean", help: "write JSON logs to standard error" },
};

/** The number of threads that was asked for; undefined for all cores. */
export const threadsOption = (invocation: Invocation): number | undefined =>
	invocation.options.threads === undefined ? undefined : numberOption(invocation, "threads", 1, 1, 256);

export interface StorePlace {
	/** Absolute path of the data folder. */
	dataFolder: string;
	/** Undefined for the embedded server. */
	databaseUrl: string | undefined;
	/** The configuration file that is read, if it is there. */
	configFile: string;
}

/** Where the options and the environment point to; touches nothing. */
export function placeFromOptions(
	invocation: Invocation,
	environment: Record<string, string | undefined> = process.env,
): StorePlace {
	const given = (name: string, variable: string) => {
		const option = stringOption(invocation, name);
		if (option === "") throw badInput("bad-option", "is empty", { subject: `--${name}`, remedy: "Give it a value" });
		return option ?? (environment[variable] === "" ? undefined : environment[variable]);
	};
	const dataFolder = resolve(given("data", "CAUSTIC_DATA") ?? "caustic-data");
	const databaseUrl = given("database", "DATABASE_URL");
	if (databaseUrl !== undefined && !/^postgres(ql)?:\/\//.test(databaseUrl)) {
		// The value is not repeated: an address may carry a password.
		throw badInput("bad-option", "is no PostgreSQL address", {
			subject: stringOption(invocation, "database") === undefined ? "DATABASE_URL" : "--database",
			remedy: "Write postgresql://USER:PASSWORD@HOST:PORT/NAME",
		});
	}
	return { dataFolder, databaseUrl, configFile: given("config", "CAUSTIC_CONFIG") ?? join(dataFolder, "caustic.yaml") };
}

/** The settings that hold for a command: defaults, file, environment, `--set`, and further overrides of its own options. */
export function configFromOptions(invocation: Invocation, overrides: string[] = []): LoadedConfig {
	const { configFile } = placeFromOptions(invocation);
	const required = stringOption(invocation, "config") !== undefined || (process.env.CAUSTIC_CONFIG ?? "") !== "";
	const set = invocation.options.set;
	return loadConfig({
		files: [{ path: configFile, required }],
		environment: process.env,
		overrides: [...(Array.isArray(set) ? set : []), ...overrides],
	});
}

export interface OpenedStore {
	store: Store;
	config: Config;
	/** The same settings with their origins. */
	loaded: LoadedConfig;
	place: StorePlace;
}

/** Opens the store that the options name; close `store` when done. */
export async function openFromOptions(
	invocation: Invocation,
	how: { mustExist?: boolean; anySchema?: boolean; overrides?: string[]; poolSize?: number } = {},
): Promise<OpenedStore> {
	const place = placeFromOptions(invocation);
	const loaded = configFromOptions(invocation, how.overrides);
	const { config } = loaded;
	const store = await openStore({
		dataFolder: place.dataFolder,
		databaseUrl: place.databaseUrl,
		poolSize: how.poolSize ?? config.database.pool_size,
		statementTimeoutS: config.database.statement_timeout_seconds,
		mustExist: how.mustExist ?? false,
		anySchema: how.anySchema ?? false,
	});
	return { store, config, loaded, place };
}

/** Opens the store, does the work and closes it, whatever happens. */
export async function withStore<T>(
	invocation: Invocation,
	how: Parameters<typeof openFromOptions>[1],
	work: (opened: OpenedStore) => Promise<T>,
): Promise<T> {
	const opened = await openFromOptions(invocation, how);
	try {
		return await work(opened);
	} finally {
		await opened.store.close();
	}
}
