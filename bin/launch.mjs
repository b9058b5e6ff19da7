// Prepares a checkout, then hands over to it. Plain JavaScript for Node 20, because this runs before the
// Node that the project needs is there. Everything it installs comes from npm by the committed lockfiles.
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const say = (text) => process.stderr.write(`caustic: ${text}\n`);

const digest = (...files) => {
	const hash = createHash("sha256");
	for (const file of files) hash.update(readFileSync(join(root, file)));
	return hash.digest("hex");
};

/** The newest change below a folder: decides whether the dashboard must be built again. */
const digestTree = (folder) => {
	const hash = createHash("sha256");
	const walk = (path) => {
		for (const entry of readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
			const child = join(path, entry.name);
			if (entry.isDirectory()) walk(child);
			else hash.update(child.slice(root.length)).update(readFileSync(child));
		}
	};
	walk(join(root, folder));
	return hash.digest("hex");
};

const stampOf = (name) => join(root, ".caustic", `${name}.stamp`);
const isFresh = (name, value) => {
	try {
		return readFileSync(stampOf(name), "utf8") === value;
	} catch {
		return false;
	}
};
const stamp = (name, value) => {
	mkdirSync(join(root, ".caustic"), { recursive: true });
	writeFileSync(stampOf(name), value);
};

const pause = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

const processLives = (pid) => {
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		return error.code === "EPERM";
	}
};

/** Two commands started at once must not install into the same folder; a lock left by a killed process is taken over. */
const exclusively = (name, work) => {
	const lock = join(root, ".caustic", `${name}.lock`);
	mkdirSync(join(root, ".caustic"), { recursive: true });
	for (;;) {
		try {
			writeFileSync(lock, String(process.pid), { flag: "wx" });
			break;
		} catch (error) {
			if (error.code !== "EEXIST") throw error;
			let holder = 0;
			try {
				holder = Number(readFileSync(lock, "utf8"));
			} catch {}
			if (
				holder > 0
					? !processLives(holder)
					: Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? 0) > 5000
			)
				rmSync(lock, { force: true });
			else pause(200);
		}
	}
	try {
		return work();
	} finally {
		rmSync(lock, { force: true });
	}
};

const npm = (args, folder, env) => {
	try {
		execFileSync("npm", args, {
			cwd: folder,
			env,
			stdio: ["ignore", "pipe", "pipe"],
			shell: process.platform === "win32",
		});
	} catch (error) {
		const detail = `${error.stdout ?? ""}${error.stderr ?? ""}`.trim().split("\n").slice(-12).join("\n");
		say(
			`npm ${args.join(" ")} failed:\n${detail}\nCheck that npm is on the PATH and can reach its registry, then run the same command again.`,
		);
		process.exit(1);
	}
};

/** The Node to run on: this one if it is a 24, else the one npm has for this platform. */
const findNode = () => {
	if (process.versions.node.startsWith("24.")) return process.execPath;
	const wanted = digest("runtime/package-lock.json");
	const binary = join(root, "runtime/node_modules", `node-${process.platform}-${process.arch}`, "bin/node");
	if (!isFresh("runtime", wanted) || !existsSync(binary)) {
		exclusively("runtime", () => {
			if (isFresh("runtime", wanted) && existsSync(binary)) return;
			say("installing Node 24 (once)");
			npm(["ci", "--no-audit", "--no-fund"], join(root, "runtime"), process.env);
			stamp("runtime", wanted);
		});
	}
	if (existsSync(binary)) return binary;
	say(`npm has no Node 24 for ${process.platform} ${process.arch}. Install Node 24 and put it first on PATH.`);
	process.exit(1);
};

const installPackages = (env) => {
	const wanted = digest("package.json", "package-lock.json");
	if (isFresh("packages", wanted) && existsSync(join(root, "node_modules"))) return;
	exclusively("packages", () => {
		if (isFresh("packages", wanted) && existsSync(join(root, "node_modules"))) return;
		say("installing packages (once)");
		// Not `npm ci`: it refuses a lockfile in which another platform's optional binary could not be recorded.
		npm(["install", "--no-save", "--no-audit", "--no-fund"], root, env);
		stamp("packages", wanted);
	});
};

const buildDashboard = (node, env) => {
	if (!existsSync(join(root, "src/web/index.html"))) return;
	const wanted = digestTree("src/web") + digest("package-lock.json");
	if (isFresh("web", wanted) && existsSync(join(root, "dist/web/index.html"))) return;
	exclusively("web", () => {
		if (isFresh("web", wanted) && existsSync(join(root, "dist/web/index.html"))) return;
		say("building the dashboard (once)");
		execFileSync(
			node,
			[
				join(root, "node_modules/vite/bin/vite.js"),
				"build",
				"--config",
				"src/web/vite.config.ts",
				"--logLevel",
				"warn",
			],
			{
				cwd: root,
				env,
				stdio: ["ignore", "ignore", "inherit"],
			},
		);
		stamp("web", wanted);
	});
};

const bin = (name) => join(root, "node_modules", ".bin", name);

const run = (command, args, env) =>
	new Promise((resolve) => {
		const child = spawn(command, args, { stdio: "inherit", env });
		for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
		child.on("error", (error) => {
			say(error.message);
			resolve(1);
		});
		child.on("exit", (code, signal) => resolve(code ?? (signal === "SIGINT" ? 130 : 1)));
	});

const main = async ([task, ...args]) => {
	if (Number(process.versions.node.split(".")[0]) < 20) {
		say(`Node ${process.versions.node} is too old to begin with; Node 20 or newer is needed.`);
		return 1;
	}
	const node = findNode();
	const env = {
		...process.env,
		PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ""}`,
		NODE_NO_WARNINGS: "1",
	};
	installPackages(env);
	const cli = [join(root, "src/cli/main.ts")];
	switch (task) {
		case "cli":
			if (args[0] === "serve" || args[0] === "example") buildDashboard(node, env);
			return run(node, [...cli, ...args], env);
		case "start":
			buildDashboard(node, env);
			return run(node, [...cli, "example", ...args], env);
		case "web":
			rmSync(stampOf("web"), { force: true });
			buildDashboard(node, env);
			return 0;
		case "check":
		case "test": {
			const checks = [
				[node, [bin("tsc"), "--noEmit"]],
				[node, [bin("oxlint"), "--deny-warnings", "src", "test", "bench"]],
				[node, [bin("biome"), "check", "--diagnostic-level=warn", "."]],
			];
			for (const [command, commandArgs] of args.length > 0 && task === "test" ? [] : checks) {
				const code = await run(command, commandArgs, env);
				if (code !== 0) return code;
			}
			if (task === "check") return 0;
			buildDashboard(node, env);
			return run(node, [join(root, "node_modules/vitest/vitest.mjs"), "run", ...args], env);
		}
		case "bench":
			return run(node, [join(root, "bench/run.ts"), ...args], env);
		default:
			say(`unknown task ${task}; one of cli, start, test, check, bench, web`);
			return 2;
	}
};

process.exitCode = await main(process.argv.slice(2));
