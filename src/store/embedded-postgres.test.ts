import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { openStore } from "./open.ts";

const folder = mkdtempSync(join(tmpdir(), "caustic-pg-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const here = dirname(fileURLToPath(import.meta.url));

/** A program that opens the store, says so, and then does as it is told. */
const program = (data: string, then: string) => `
	import { openStore } from ${JSON.stringify(join(here, "open.ts"))};
	const store = await openStore({ dataFolder: ${JSON.stringify(data)} });
	const [{ pid }] = await store.database.query("pid", "SELECT pg_backend_pid() AS pid");
	console.log("open");
	${then}
`;

function runProgram(source: string): { said: Promise<string>; ended: Promise<number | null>; kill(): void } {
	const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", source], {
		stdio: ["ignore", "pipe", "inherit"],
	});
	return {
		said: new Promise((resolve) => child.stdout.once("data", (chunk) => resolve(String(chunk).trim()))),
		ended: new Promise((resolve) => child.once("exit", resolve)),
		kill: () => child.kill("SIGKILL"),
	};
}

const postmaster = (data: string) =>
	Number(readFileSync(join(data, "postgres/cluster/postmaster.pid"), "utf8").split("\n")[0]);

const lives = (pid: number) => {
	try {
		process.kill(pid, 0);
		const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
		return stat[stat.lastIndexOf(")") + 2] !== "Z";
	} catch {
		return false;
	}
};

describe("embedded PostgreSQL", () => {
	test("two users share one server; the last one out stops it; the data stay", async () => {
		const data = join(folder, "shared");
		const first = await openStore({ dataFolder: data });
		const second = await openStore({ dataFolder: data });
		const pid = postmaster(data);
		await first.database.execute("write", "INSERT INTO counter (name, next) VALUES ('a', 7)");
		await first.close();
		expect(await second.database.query("read", "SELECT next FROM counter WHERE name = 'a'")).toEqual([{ next: 7 }]);
		await second.close();
		expect(lives(pid)).toBe(false);
		const third = await openStore({ dataFolder: data, mustExist: true });
		expect(await third.database.query("read", "SELECT next FROM counter WHERE name = 'a'")).toEqual([{ next: 7 }]);
		await third.close();
	});

	test("a kill -9 of the user leaves the server whole, and the next one attaches to it", async () => {
		const data = join(folder, "killed user");
		const user = runProgram(program(data, "await new Promise((resolve) => setTimeout(resolve, 60_000));"));
		expect(await user.said).toBe("open");
		const pid = postmaster(data);
		user.kill();
		await user.ended;
		const next = await openStore({ dataFolder: data });
		expect(postmaster(data)).toBe(pid);
		await next.close();
		expect(lives(pid)).toBe(false);
	});

	test("a killed postmaster is replaced once its backends are gone", async () => {
		const data = join(folder, "killed server");
		const user = runProgram(
			program(data, 'await store.database.query("sleep", "SELECT pg_sleep(60)").catch(() => {}); process.exit(0);'),
		);
		expect(await user.said).toBe("open");
		process.kill(postmaster(data), "SIGKILL");
		const next = await openStore({ dataFolder: data });
		expect(await next.database.query("one", "SELECT 1 AS one")).toEqual([{ one: 1 }]);
		await next.close();
		user.kill();
		await user.ended;
	});

	test("works below a closed folder and behind a path that is too long for a socket", async () => {
		const closed = join(folder, "closed");
		mkdirSync(closed, { mode: 0o700 });
		const data = join(closed, "x".repeat(60), "y".repeat(60));
		const store = await openStore({ dataFolder: data });
		expect(await store.database.query("one", "SELECT 1 AS one")).toEqual([{ one: 1 }]);
		await store.close();
	});

	test("a folder without a survey is refused when one is needed", async () => {
		await expect(openStore({ dataFolder: join(folder, "nothing"), mustExist: true })).rejects.toMatchObject({
			code: "no-data",
		});
	});
});
