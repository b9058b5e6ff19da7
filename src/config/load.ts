import { existsSync, readFileSync } from "node:fs";
import { parse as parseYaml } from "yaml";
import type { z } from "zod";
import { badInput } from "../error.ts";
import { type Config, configSchema } from "./schema.ts";

export type Origin = "default" | `file ${string}` | `environment ${string}` | `flag --set ${string}`;

export interface LoadedConfig {
	config: Config;
	/** Where each leaf's value came from, by dotted key. */
	origins: Map<string, Origin>;
}

export interface ConfigSources {
	/** Files in rising precedence; missing ones are passed over unless `required`. */
	files?: { path: string; required: boolean }[];
	/** `CAUSTIC_SECTION__KEY=value`. */
	environment?: Record<string, string | undefined>;
	/** `section.key=value`. */
	overrides?: string[];
}

type Tree = { [key: string]: unknown };

const isTree = (value: unknown): value is Tree => typeof value === "object" && value !== null && !Array.isArray(value);

const ENVIRONMENT_PREFIX = "CAUSTIC_";

/** A value given as text: YAML's scalars and flow lists, so that numbers, booleans and lists need no syntax of their own. */
function parseText(text: string, subject: string): unknown {
	try {
		return parseYaml(text) as unknown;
	} catch {
		throw badInput("bad-config-value", `${JSON.stringify(text)} cannot be read`, {
			subject,
			remedy: "Quote the value",
		});
	}
}

function assign(tree: Tree, key: string, value: unknown, subject: string): void {
	const parts = key.split(".");
	let node = tree;
	for (const part of parts.slice(0, -1)) {
		const next = node[part] ?? {};
		if (!isTree(next)) throw badInput("bad-config-key", `${key} is no section`, { subject });
		node[part] = next;
		node = next;
	}
	node[parts[parts.length - 1]] = value;
}

function leaves(tree: Tree, prefix = ""): [string, unknown][] {
	return Object.entries(tree).flatMap(([key, value]) =>
		isTree(value) ? leaves(value, `${prefix}${key}.`) : [[`${prefix}${key}`, value] as [string, unknown]],
	);
}

function readFile(path: string): Tree {
	let tree: unknown;
	try {
		tree = parseYaml(readFileSync(path, "utf8")) ?? {};
	} catch (error) {
		const text = error instanceof Error ? error.message.split("\n")[0] : String(error);
		throw badInput("bad-config-file", `not readable as YAML: ${text}`, {
			subject: path,
			remedy: "Mend the line it names",
		});
	}
	if (!isTree(tree))
		throw badInput("bad-config-file", "must hold sections of keys", {
			subject: path,
			remedy: "See caustic config show",
		});
	return tree;
}

/** Defaults, then files, environment and flags, the later ones winning; every error names its key and the accepted range. */
export function loadConfig(sources: ConfigSources = {}): LoadedConfig {
	const tree: Tree = {};
	const origins = new Map<string, Origin>();
	const put = (key: string, value: unknown, origin: Origin, subject: string) => {
		assign(tree, key, value, subject);
		origins.set(key, origin);
	};
	for (const { path, required } of sources.files ?? []) {
		if (!existsSync(path)) {
			if (required)
				throw badInput("no-config-file", "there is no such file", { subject: path, remedy: "Check --config" });
			continue;
		}
		for (const [key, value] of leaves(readFile(path))) put(key, value, `file ${path}`, path);
	}
	for (const [name, text] of Object.entries(sources.environment ?? {})) {
		// CAUSTIC_DATA and the like have no double underscore and are no settings.
		if (!name.startsWith(ENVIRONMENT_PREFIX) || !name.includes("__") || text === undefined) continue;
		const key = name.slice(ENVIRONMENT_PREFIX.length).toLowerCase().replaceAll("__", ".");
		put(key, parseText(text, name), `environment ${name}`, name);
	}
	for (const override of sources.overrides ?? []) {
		const [key, ...rest] = override.split("=");
		if (rest.length === 0) {
			throw badInput("bad-option", `${JSON.stringify(override)} has no value`, {
				subject: "--set",
				remedy: "Write --set section.key=value",
			});
		}
		put(key, parseText(rest.join("="), `--set ${key}`), `flag --set ${override}`, `--set ${key}`);
	}
	const result = configSchema.safeParse(tree);
	if (!result.success) throw configError(result.error, origins);
	return { config: result.data, origins };
}

function configError(error: z.ZodError, origins: Map<string, Origin>) {
	const issue = error.issues[0];
	const unknown = issue.code === "unrecognized_keys" ? issue.keys[0] : undefined;
	const key = [...issue.path, ...(unknown === undefined ? [] : [unknown])].join(".");
	const origin = [...origins].find(([name]) => name === key || name.startsWith(`${key}.`))?.[1];
	const siblings = unknown === undefined ? [] : knownKeys(issue.path.map(String));
	const remedy =
		unknown === undefined
			? `Accepted: ${describeAccepted(key)}. See caustic config show`
			: `Known here: ${siblings.join(", ")}`;
	const message = unknown === undefined ? issue.message.replace(/^Invalid input: /, "") : "there is no such setting";
	return badInput("bad-config", message, { subject: origin === undefined ? key : `${key} (${origin})`, remedy });
}

interface SchemaNode {
	type?: string;
	description?: string;
	default?: unknown;
	minimum?: number;
	maximum?: number;
	exclusiveMinimum?: number;
	enum?: unknown[];
	properties?: Record<string, SchemaNode>;
	items?: SchemaNode;
	format?: string;
}

let schemaTree: SchemaNode | undefined;
const asTree = (): SchemaNode => {
	schemaTree ??= configSchema.toJSONSchema({ io: "input" }) as SchemaNode;
	return schemaTree;
};

const nodeAt = (path: string[]) =>
	path.reduce<SchemaNode | undefined>((node, part) => node?.properties?.[part], asTree());

const knownKeys = (path: string[]): string[] => Object.keys(nodeAt(path)?.properties ?? {});

/** The accepted values of a key in words, for instance `number from 0 to 20`. */
export function describeAccepted(key: string): string {
	const node = nodeAt(key.split("."));
	if (node === undefined) return "nothing";
	if (node.enum !== undefined) return `one of ${node.enum.join(", ")}`;
	if (node.properties !== undefined) return `a section with ${Object.keys(node.properties).join(", ")}`;
	if (node.type === "array") return `a list of ${node.items?.type ?? "value"}s`;
	const kind = node.type === "integer" ? "whole number" : (node.type ?? "value");
	const low = node.exclusiveMinimum === undefined ? node.minimum : undefined;
	const high = node.maximum !== undefined && node.maximum < Number.MAX_SAFE_INTEGER ? node.maximum : undefined;
	const from =
		node.exclusiveMinimum === undefined
			? low === undefined || low <= Number.MIN_SAFE_INTEGER
				? ""
				: ` from ${low}`
			: ` above ${node.exclusiveMinimum}`;
	return `${kind}${from}${high === undefined ? "" : ` to ${high}`}`;
}

export interface ConfigRow {
	key: string;
	value: unknown;
	origin: Origin;
	accepted: string;
	help: string;
}

/** Every setting with its value, origin, accepted range and meaning: what `caustic config show` prints. */
export function describeConfig({ config, origins }: LoadedConfig): ConfigRow[] {
	const rows: ConfigRow[] = [];
	for (const [name, section] of Object.entries(asTree().properties ?? {})) {
		for (const [key, node] of Object.entries(section.properties ?? {})) {
			const full = `${name}.${key}`;
			const value = (config as unknown as Record<string, Record<string, unknown>>)[name][key];
			rows.push({
				key: full,
				value,
				origin: origins.get(full) ?? "default",
				accepted: describeAccepted(full),
				help: node.description ?? "",
			});
		}
	}
	return rows;
}
