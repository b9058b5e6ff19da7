/**
 * Source finding on 4096 x 4096 pixels with 10,000 sources and truth maps: time, memory, completeness, false sources,
 * and whether errors are true. Peers: Aegean and sep, run here where Python has them; else the figures recorded on two
 * shared AMD EPYC cores.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeFitsImage } from "../src/formats/fits/write.ts";
import type { FoundComponent } from "../src/photometry/component.ts";
import { findSources } from "../src/photometry/find.ts";
import { pythonWith } from "../test/oracle/python.ts";
import {
	CARDS,
	deviation,
	KERNEL,
	mean,
	publishedField,
	type SyntheticField,
	syntheticField,
} from "./synthetic-field.ts";

const print = (line: string) => process.stdout.write(`${line}\n`);
const MATCH_PX = 6;

/** The component of each true source (-1: none), nearest first and one to one; and how many belong to none at all. */
function match(field: SyntheticField, found: readonly FoundComponent[]): { of: Int32Array; false: number } {
	const cells = new Map<string, number[]>();
	found.forEach(({ x, y }, k) => {
		const key = `${Math.floor(x / MATCH_PX)},${Math.floor(y / MATCH_PX)}`;
		cells.set(key, [...(cells.get(key) ?? []), k]);
	});
	const near = new Uint8Array(found.length);
	const candidates: [cost: number, source: number, component: number][] = [];
	for (let i = 0; i < field.x.length; i++) {
		const cx = Math.floor(field.x[i] / MATCH_PX);
		const cy = Math.floor(field.y[i] / MATCH_PX);
		for (let dy = -1; dy <= 1; dy++) {
			for (let dx = -1; dx <= 1; dx++) {
				for (const k of cells.get(`${cx + dx},${cy + dy}`) ?? []) {
					const distance = Math.hypot(found[k].x - field.x[i], found[k].y - field.y[i]);
					if (distance >= MATCH_PX) continue;
					near[k] = 1;
					candidates.push([distance + 0.5 * Math.abs(Math.log(found[k].peak / field.flux[i])), i, k]);
				}
			}
		}
	}
	candidates.sort((p, q) => p[0] - q[0]);
	const of = new Int32Array(field.x.length).fill(-1);
	const taken = new Uint8Array(found.length);
	for (const [, i, k] of candidates) {
		if (of[i] >= 0 || taken[k] === 1) continue;
		of[i] = k;
		taken[k] = 1;
	}
	return { of, false: near.reduce((sum, one) => sum + (one === 0 ? 1 : 0), 0) };
}

function report(field: SyntheticField, found: readonly FoundComponent[]): void {
	const { of, false: wrong } = match(field, found);
	const sources = Array.from(field.x.keys()).filter((i) => field.blank[i] === 0);
	const share = (isPair: boolean, low: number, high: number) => {
		const bin = sources.filter((i) => (field.pair[i] !== 0) === isPair && field.snr[i] >= low && field.snr[i] < high);
		return `${((100 * bin.filter((i) => of[i] >= 0).length) / bin.length).toFixed(1)} %`;
	};
	const islands = new Set(found.map((c) => c.islandId)).size;
	print(`  ${found.length} components in ${islands} islands, ${wrong} false`);
	print(
		`  complete, isolated, by true SNR: 5-6 ${share(false, 5, 6)}, 6-7 ${share(false, 6, 7)}, 7-15 ${share(false, 7, 15)}, above 15 ${share(false, 15, Infinity)}`,
	);
	print(
		`  complete, pairs: 5-6 ${share(true, 5, 6)}, 8-30 ${share(true, 8, 30)}, 30-100 ${share(true, 30, 100)}, above 100 ${share(true, 100, Infinity)}`,
	);
	const clear = sources.filter((i) => field.pair[i] === 0 && field.snr[i] > 7 && of[i] >= 0);
	const pulls = (pull: (c: FoundComponent, i: number) => number) => {
		const values = clear.map((i) => pull(found[of[i]], i)).filter(Number.isFinite);
		return `${mean(values).toFixed(2)} +- ${deviation(values).toFixed(3)}`;
	};
	print(
		`  pulls above 7 sigma, isolated: peak ${pulls((c, i) => (c.peak - field.flux[i]) / c.peakError)}, ` +
			`integrated ${pulls((c, i) => (c.integrated - field.flux[i]) / c.integratedError)}, ` +
			`x ${pulls((c, i) => (c.x - field.x[i]) / Math.sqrt(c.positionCovariance[0]))}, ` +
			`shape ${pulls((c) => (c.kernel.a - KERNEL.a) / Math.sqrt(c.shapeCovariance[0]))}`,
	);
}

const published = publishedField();
const field = published ?? syntheticField("beam");
let found: FoundComponent[] = [];
const times: number[] = [];
const cpus: number[] = [];
for (let run = 0; run < 3; run++) {
	const cpu = process.cpuUsage();
	const begun = performance.now();
	found = findSources({ image: field.image, noise: field.noise, background: field.background, kernel: KERNEL });
	times.push(performance.now() - begun);
	const spent = process.cpuUsage(cpu);
	cpus.push((spent.user + spent.system) / 1000);
}
const memory = process.resourceUsage().maxRSS / 1024;
print(
	`${field.origin}, one core: best ${Math.min(...times).toFixed(0)} ms (CPU ${Math.min(...cpus).toFixed(0)} ms), peak memory ${memory.toFixed(0)} MB; aim 3,000 ms, 600 MB`,
);
report(field, found);
print("  Aegean (recorded): 61,000 ms, 670 MB; 7,598 components in 7,338 islands, 9 false");
print(
	"  Aegean (recorded): isolated 70.6 %, 97.0 %, 100 %, 99.9 %; pairs 40 %, 82 %, 89 %, 97 %; pulls peak 1.05, integrated 1.45",
);

if (process.env.CAUSTIC_BENCH_NOISE !== undefined) {
	for (const correlation of ["white", "beam/sqrt2", "beam", "beam*sqrt2"] as const) {
		const other = syntheticField(correlation);
		print(`noise ${correlation}`);
		report(
			other,
			findSources({ image: other.image, noise: other.noise, background: other.background, kernel: KERNEL }),
		);
	}
}

const PEERS: [string, string, string][] = [
	[
		"Aegean",
		"AegeanTools.source_finder",
		"from AegeanTools.source_finder import SourceFinder\nt = time.time()\nn = len(SourceFinder().find_sources_in_image(sys.argv[1], rmsin=sys.argv[2], bkgin=sys.argv[3], cores=1, docov=True))",
	],
	[
		"sep (detection and moments, no fit)",
		"sep,astropy",
		"import sep\nimport numpy as np\nfrom astropy.io import fits\nd, r, b = (fits.getdata(p).astype(np.float32) for p in sys.argv[1:4])\nm = ~np.isfinite(d)\nd[m] = 0\nt = time.time()\nn = len(sep.extract(d - b, 5, err=r, mask=m))",
	],
];
const folder = mkdtempSync(join(tmpdir(), "caustic-bench-"));
try {
	const paths = ["image", "rms", "bkg"].map((name) => join(folder, `${name}.fits`));
	await writeFitsImage(paths[0], field.image, CARDS);
	await writeFitsImage(paths[1], field.noise, CARDS);
	await writeFitsImage(paths[2], field.background, CARDS);
	for (const [name, modules, script] of PEERS) {
		const python = pythonWith(...modules.split(","));
		if (python === undefined) continue;
		const code = `import sys, time\n${script}\nprint(n, (time.time() - t) * 1e3)`;
		const run = spawnSync(python, ["-c", code, ...paths], { encoding: "utf8" });
		if (run.status !== 0) continue;
		const [n, ms] = run.stdout.trim().split("\n").at(-1)?.split(" ") ?? [];
		print(`  ${name} in this run: ${Number(ms).toFixed(0)} ms, ${n} components`);
	}
} finally {
	rmSync(folder, { recursive: true, force: true });
}
