import { spawnSync } from "node:child_process";

const CANDIDATES = ["/usr/bin/python3", "python3"];

/**
 * A Python that has these modules, for checks by readers that are not ours; undefined if there is none. Nothing of
 * Caustic needs Python: tests that ask for it are skipped without.
 */
export function pythonWith(...modules: string[]): string | undefined {
	return CANDIDATES.find((python) => spawnSync(python, ["-c", `import ${modules.join(", ")}`]).status === 0);
}

/** Runs a Python program and returns what it printed as JSON. */
export function runPython(python: string, program: string, ...args: string[]): unknown {
	const run = spawnSync(python, ["-c", program, ...args], { encoding: "utf8", maxBuffer: 1 << 28 });
	if (run.status !== 0) throw new Error(`python failed: ${run.stderr}`);
	return JSON.parse(run.stdout);
}
