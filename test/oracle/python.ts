import { spawnSync } from "node:child_process";

const known = new Map<string, string | undefined>();

/**
 * A Python that has these modules, or undefined: independent readers and writers that tests compare with and that
 * no user needs. CAUSTIC_PYTHON names one; otherwise the usual places are tried.
 */
export function pythonWith(...modules: string[]): string | undefined {
	const key = modules.join(",");
	if (!known.has(key)) {
		const candidates = [process.env.CAUSTIC_PYTHON, "python3", "/usr/bin/python3"].filter((path) => path !== undefined);
		const found = candidates.find(
			(path) => spawnSync(path, ["-c", `import ${key}`], { stdio: "ignore", timeout: 60_000 }).status === 0,
		);
		if (found === undefined)
			process.stderr.write(`caustic tests: no Python with ${key}; tests that need it are skipped\n`);
		known.set(key, found);
	}
	return known.get(key);
}

/** Runs a script with JSON on standard input and gives back the JSON it prints. */
export function askPython<T>(python: string, script: string, input: unknown): T {
	const result = spawnSync(python, [script], {
		input: JSON.stringify(input),
		encoding: "utf8",
		maxBuffer: 1 << 28,
		timeout: 120_000,
	});
	if (result.status !== 0) throw new Error(`${script} failed: ${result.stderr || result.error}`);
	return JSON.parse(result.stdout) as T;
}

/** Runs a program given as text, with arguments, and gives back the JSON it prints. */
export function runPython(python: string, program: string, ...args: string[]): unknown {
	const run = spawnSync(python, ["-c", program, ...args], { encoding: "utf8", maxBuffer: 1 << 28, timeout: 600_000 });
	if (run.status !== 0) throw new Error(`python failed: ${run.stderr || run.error}`);
	return JSON.parse(run.stdout);
}
