import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { Invocation, OptionValue } from "./command.ts";
import { configFromOptions, placeFromOptions } from "./store-options.ts";

const folder = mkdtempSync(join(tmpdir(), "caustic-options-"));
afterAll(() => rmSync(folder, { recursive: true }));

const call = (options: Record<string, OptionValue>): Invocation => ({
	args: [],
	options,
	signal: new AbortController().signal,
});

describe("where the data live", () => {
	test("an option wins over the environment, the environment over the default", () => {
		const environment = { CAUSTIC_DATA: "/survey/b", DATABASE_URL: "postgresql://db/b" };
		expect(placeFromOptions(call({}), {}).dataFolder).toBe(resolve("caustic-data"));
		expect(placeFromOptions(call({}), environment)).toMatchObject({
			dataFolder: "/survey/b",
			databaseUrl: "postgresql://db/b",
			configFile: "/survey/b/caustic.yaml",
		});
		expect(
			placeFromOptions(call({ data: "/survey/a", database: "postgres://db/a", config: "/c.yaml" }), environment),
		).toEqual({ dataFolder: "/survey/a", databaseUrl: "postgres://db/a", configFile: "/c.yaml" });
	});

	test("an address that is none is refused without being repeated", () => {
		const refused = () => placeFromOptions(call({ database: "mysql://user:hidden@db" }), {});
		expect(refused).toThrow(/no PostgreSQL address/);
		expect(refused).not.toThrow(/hidden/);
		expect(() => placeFromOptions(call({ data: "" }), {})).toThrow(/is empty/);
	});

	test("the folder's own file and --set are read; a named file must exist", () => {
		writeFileSync(join(folder, "caustic.yaml"), "service:\n  port: 9001\n  health_timeout_ms: 500\n");
		const { config } = configFromOptions(call({ data: folder, set: ["service.port=9002"] }));
		expect(config.service).toMatchObject({ port: 9002, health_timeout_ms: 500 });
		expect(() => configFromOptions(call({ config: join(folder, "absent.yaml") }))).toThrow(/no such file/);
	});
});
