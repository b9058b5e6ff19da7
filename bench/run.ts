/**
 * Runs benchmarks: all of them, or those whose names contain one of the arguments.
 * Each prints its figure beside the named peer's or the physical limit.
 */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = dirname(fileURLToPath(import.meta.url));
const wanted = process.argv.slice(2);
const files = readdirSync(folder)
	.filter((name) => name.endsWith(".bench.ts"))
	.filter((name) => wanted.length === 0 || wanted.some((word) => name.includes(word)))
	.sort();

if (files.length === 0) {
	process.stderr.write(`no benchmark has ${wanted.join(" or ")} in its name\n`);
	process.exit(2);
}
let failed = 0;
for (const name of files) {
	process.stdout.write(`\n== ${name.replace(".bench.ts", "")}\n`);
	const result = spawnSync(process.execPath, ["--expose-gc", join(folder, name)], { stdio: "inherit" });
	if (result.status !== 0) failed += 1;
}
process.exitCode = failed === 0 ? 0 : 1;
