import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import pino from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ZodType } from "zod";
import { type Command, parseInvocation } from "../src/cli/command.ts";
import { COMMANDS } from "../src/cli/commands.ts";
import { loadConfig } from "../src/config/load.ts";
import { configSchema } from "../src/config/schema.ts";
import { createService } from "../src/service/server.ts";
import { Database } from "../src/store/database.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const main = join(root, "src/cli/main.ts");

const pages = [
	"README.md",
	...readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
		.filter((name) => name.endsWith(".md"))
		.map((name) => join("docs", name)),
].map((name) => ({ name, text: readFileSync(join(root, name), "utf8") }));

interface Line {
	page: string;
	/** Without the prompt, the comment and what follows a pipe. */
	text: string;
	words: string[];
	/** A line to type, not a mention within a sentence. */
	isBlock: boolean;
}

const PROGRAM = /^(\$ )?(\.\/)?(caustic|npm)\b/;

function lineOf(page: string, raw: string, isBlock: boolean): Line {
	const text = raw
		.trim()
		.replace(/^\$ /, "")
		.replace(/\s+#.*$|\s{2,}.*$/, "")
		.replace(/\s+[|>].*$/, "");
	return { page, text, words: text.split(/\s+/), isBlock };
}

const lines: Line[] = pages.flatMap(({ name, text }) => {
	const found: Line[] = [];
	let isFenced = false;
	for (const line of text.split("\n")) {
		if (line.startsWith("```")) isFenced = !isFenced;
		if ((isFenced || line.startsWith("    ")) && PROGRAM.test(line.trim())) found.push(lineOf(name, line, true));
	}
	for (const [, code] of text.matchAll(/`([^`\n]+)`/g)) {
		// A name alone is a mention of the program, not a command.
		if (PROGRAM.test(code) && /\s/.test(code)) found.push(lineOf(name, code, false));
	}
	return found;
});
const shown = (line: Line) => `${line.page}: ${line.text}`;

/** The command that words name, and the words after its name. */
async function commandOf(words: string[]): Promise<{ command: Command; rest: string[] }> {
	const [name, ...rest] = words;
	const entry = COMMANDS.find((candidate) => candidate.name === name);
	if (entry === undefined) throw new Error(`there is no command ${name}`);
	const command = await entry.load();
	if (command.subcommands === undefined || rest[0] === undefined || rest[0].startsWith("-")) return { command, rest };
	const member = command.subcommands.find((candidate) => candidate.name === rest[0]);
	if (member === undefined) throw new Error(`${name} has no command ${rest[0]}`);
	return { command: await member.load(), rest: rest.slice(1) };
}

/** Placeholders of the documentation stand for a value; `A|B` for one of several. */
const concrete = (words: string[]) => words.map((word) => word.replace(/^\[|\]$/g, "").split("|")[0]);

describe("commands in the documentation", () => {
	test("there are some in every page that has any to show", () => {
		expect(lines.length).toBeGreaterThan(40);
		for (const page of ["README.md", "docs/operations.md"]) {
			expect(lines.filter((line) => line.page === page && line.isBlock).length, page).toBeGreaterThan(4);
		}
	});

	test("each names a command and options that there are", async () => {
		const faults: string[] = [];
		for (const line of lines) {
			const [program, ...rest] = line.words;
			if (program === "npm" || rest[0] === "COMMAND" || rest[0].startsWith("-")) continue;
			try {
				const { command, rest: args } = await commandOf(concrete(rest));
				parseInvocation(command, args, new AbortController().signal);
			} catch (error) {
				faults.push(`${shown(line)}: ${(error as Error).message}`);
			}
		}
		expect(faults).toEqual([]);
	});

	test("so do the examples of every command's help", async () => {
		const faults: string[] = [];
		for (const entry of COMMANDS) {
			const command = await entry.load();
			const members = await Promise.all((command.subcommands ?? []).map((member) => member.load()));
			for (const example of [command, ...members].flatMap((one) => one.examples)) {
				const line = lineOf(entry.name, example, true);
				try {
					const { command: named, rest } = await commandOf(concrete(line.words.slice(1)));
					parseInvocation(named, rest, new AbortController().signal);
				} catch (error) {
					faults.push(`${example}: ${(error as Error).message}`);
				}
			}
		}
		expect(faults).toEqual([]);
	});

	test("npm's tasks, benchmarks and folders are there", () => {
		const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
			scripts: Record<string, string>;
		};
		for (const line of lines.filter((one) => one.words[0] === "npm")) {
			const [, task, ...rest] = line.words;
			if (task === "ci" || task === "install") continue;
			const script = task === "run" ? rest[0] : task;
			expect(Object.keys(scripts), shown(line)).toContain(script);
			for (const word of rest.slice(rest.indexOf("--") + 1)) {
				if (rest.includes("--") && script === "bench")
					expect(existsSync(join(root, "bench", `${word}.bench.ts`)), shown(line)).toBe(true);
				if (rest.includes("--") && script === "test") expect(existsSync(join(root, word)), shown(line)).toBe(true);
			}
		}
	});

	test("settings that are named are settings", () => {
		const keysOf = (schema: unknown): string[] => {
			const { shape, unwrap } = schema as { shape?: object; unwrap?: () => unknown };
			return shape !== undefined ? Object.keys(shape) : unwrap === undefined ? [] : keysOf(unwrap.call(schema));
		};
		const sections = new Map(Object.entries(configSchema.shape).map(([name, schema]) => [name, keysOf(schema)]));
		expect(sections.get("ese_detection")).toContain("min_sigma");
		const faults: string[] = [];
		for (const { name, text } of pages) {
			for (const [, section, key] of text.matchAll(/\b([a-z_]+)\.([a-z_]+)\b(?=[`=\s,.;:)])/g)) {
				// `images.csv` is a file.
				if (/^(csv|json|ts|md|yaml|fits|html|vot|bench|test)$/.test(key)) continue;
				if (sections.get(section)?.includes(key) === false) faults.push(`${name}: ${section}.${key}`);
			}
		}
		expect(faults).toEqual([]);
	});
});

describe("addresses in the documentation", () => {
	const service = createService({
		store: {
			database: new Database({ url: "postgresql://x@127.0.0.1:9/x" }),
			dataFolder: "/tmp",
			close: async () => {},
		},
		loaded: loadConfig(),
		log: pino({ level: "silent" }),
		version: "0.0.0",
	});
	const routes = service.app.openAPIRegistry.definitions.flatMap((definition) =>
		definition.type === "route" ? [definition.route] : [],
	);
	const routeOf = (path: string, method?: string) =>
		routes.find(
			(route) =>
				(method === undefined || route.method === method) &&
				(route.path === path || new RegExp(`^${route.path.replace(/\{[^}]+\}/g, "[^/]+")}$`).test(path)),
		);

	test("each is a route, and bodies of examples fit it", () => {
		const faults: string[] = [];
		for (const { name, text } of pages) {
			for (const [, path] of text.matchAll(/(\/(?:api\/v1|health)\/[\w{}/.-]+)/g)) {
				const plain = path.replace(/[.)]+$/, "");
				if (!plain.endsWith("openapi.json") && routeOf(plain) === undefined) faults.push(`${name}: ${plain}`);
			}
			for (const [, path, body] of text.matchAll(/curl -X POST http:\/\/localhost:8765(\S+)[\s\S]*?-d '([^']*)'/g)) {
				const content = routeOf(path, "post")?.request?.body?.content as
					| Record<string, { schema: ZodType }>
					| undefined;
				const result = content?.["application/json"].schema.safeParse(JSON.parse(body));
				if (result?.success !== true) faults.push(`${name}: ${path} ${body}: ${String(result?.error)}`);
			}
		}
		expect(faults).toEqual([]);
	});
});

/** What runs until it is stopped, needs another server, or data that take long to make: parsed above, run in tests of its own. */
const NOT_RUN =
	/^\S+ (serve|watch|worker|calibrate|apply|convert|iers refresh|db restore)\b|--database URL|\bCOMMAND\b/;

describe("command lines of the documentation, run as they stand", () => {
	const folder = mkdtempSync(join(tmpdir(), "caustic-docs-"));
	const caustic = (args: string[]) =>
		spawnSync(process.execPath, [main, ...args], {
			cwd: folder,
			encoding: "utf8",
			env: { ...process.env, USER: "ada" },
		});

	beforeAll(() => {
		// What a reader has: a night of images, a table of positions, light curves.
		const sky = "simulate sky . --seed 6 --epochs 8 --frequencies 1000,1400 --size 160 --sources 8".split(" ");
		expect(caustic(sky).stderr).toBe("");
		const [image, other] = readdirSync(join(folder, "images"))
			.filter((name) => name.endsWith(".fits"))
			.sort();
		copyFileSync(join(folder, "images", image), join(folder, "image.fits"));
		// Both subbands of one epoch.
		copyFileSync(join(folder, "images", image), join(folder, "low.fits"));
		copyFileSync(join(folder, "images", other), join(folder, "high.fits"));
		copyFileSync(join(folder, "catalogue.csv"), join(folder, "positions.csv"));
		expect(caustic(["run", "images/", "--catalog", "catalogue.csv", "--data", "survey"]).status).toBe(0);
		expect(caustic(["export", "light-curves", "--data", "survey", "--out", "light_curves.csv"]).status).toBe(0);
	}, 120_000);
	afterAll(() => rmSync(folder, { recursive: true, force: true }));

	// Pages of science show what was done on data that a reader need not have; the others are to be typed.
	const blocks = lines.filter(
		(line) =>
			line.isBlock && line.words[0] !== "npm" && !line.page.startsWith("docs/science") && !NOT_RUN.test(line.text),
	);
	const unique = [...new Map(blocks.map((line) => [line.text.replace(/^\.\//, ""), line])).values()];

	test("there are enough of them to be worth it", () => {
		expect(unique.length).toBeGreaterThan(5);
	});

	test.each(unique.map((line) => [line.text, line] as const))(
		"%s",
		(_, line) => {
			const args = line.words.slice(1).map((word) => (word === "NIGHT/" ? "images/" : word));
			const result = caustic(args);
			expect([result.status, result.stderr.replace(/^\d+ rows written to .*\n/, "")], result.stderr).toEqual([
				0,
				expect.not.stringMatching(/^caustic: /),
			]);
		},
		60_000,
	);

	test.each(["doctor", "status", "runs list", "candidates list", "dead-letters list", "db check"])(
		"%s, of the table of questions",
		(text) => {
			expect(lines.map((line) => line.text)).toContain(`caustic ${text}`);
			const result = caustic([...text.split(" "), "--data", "survey"]);
			expect([result.status, result.stderr]).toEqual([0, ""]);
		},
		60_000,
	);
});
