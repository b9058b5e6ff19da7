/**
 * Background and noise maps of 4096 x 4096 pixels with 10,000 sources, against the truth maps. Peers: BANE, run here
 * where Python has AegeanTools, and sep where Python has it; else the figures recorded on two shared AMD EPYC cores.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeFitsImage } from "../src/formats/fits/write.ts";
import { backgroundAndNoise } from "../src/photometry/background.ts";
import { pythonWith } from "../test/oracle/python.ts";
import { CARDS, deviation, KERNEL, mean, publishedField, quantile, syntheticField, timed } from "./synthetic-field.ts";

const print = (line: string) => process.stdout.write(`${line}\n`);
const field = publishedField() ?? syntheticField("beam");
const { image, noise, background } = field;

const cpu = process.cpuUsage();
const times = timed(() => backgroundAndNoise(image, KERNEL), 5);
const spent = process.cpuUsage(cpu);
const maps = backgroundAndNoise(image, KERNEL);
const ratio: number[] = [];
const offset: number[] = [];
for (let p = 0; p < image.data.length; p += 11) {
	if (Number.isNaN(image.data[p])) continue;
	ratio.push(maps.noise.data[p] / noise.data[p]);
	offset.push((maps.background.data[p] - background.data[p]) / noise.data[p]);
}
print(
	`${field.origin}, one core: best ${times[0].toFixed(0)} ms, median ${times[2].toFixed(0)} ms, CPU ${((spent.user + spent.system) / 5000).toFixed(0)} ms; aim 1,500 ms on two cores`,
);
print(
	`  rms / truth: median ${quantile(ratio, 0.5).toFixed(4)}, 1st to 99th percentile ${quantile(ratio, 0.01).toFixed(3)} to ${quantile(ratio, 0.99).toFixed(3)}, ` +
		`background less truth ${mean(offset).toFixed(3)} +- ${deviation(offset).toFixed(3)} sigma`,
);
print(
	"  BANE (recorded): 28,500 ms on one core, 22,000 ms on two; rms / truth 1.015 (0.959 to 1.073); background +0.055 +- 0.044 sigma",
);
print("  sep, photutils 2-D background (recorded): 340 ms, 1,600 ms");

const PEERS: [string, string, string][] = [
	["BANE", "AegeanTools.BANE", "from AegeanTools import BANE\nBANE.filter_image(sys.argv[1], sys.argv[2], cores=2)"],
	[
		"sep",
		"sep,astropy",
		"import sep\nfrom astropy.io import fits\nimport numpy as np\nd = fits.getdata(sys.argv[1]).astype(np.float32)\nm = ~np.isfinite(d)\nd[m] = 0\nt = time.time()\nsep.Background(d, mask=m).rms()",
	],
];
const folder = mkdtempSync(join(tmpdir(), "caustic-bench-"));
try {
	const path = join(folder, "image.fits");
	await writeFitsImage(path, image, CARDS);
	for (const [name, modules, script] of PEERS) {
		const python = pythonWith(...modules.split(","));
		if (python === undefined) continue;
		const code = `import sys, time\nt = time.time()\n${script}\nprint((time.time() - t) * 1e3)`;
		const run = spawnSync(python, ["-c", code, path, join(folder, "peer")], { encoding: "utf8" });
		if (run.status === 0) print(`  ${name} in this run: ${Number(run.stdout.trim().split("\n").at(-1)).toFixed(0)} ms`);
	}
} finally {
	rmSync(folder, { recursive: true, force: true });
}
