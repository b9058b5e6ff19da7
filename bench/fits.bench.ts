/** Reading and writing FITS images: a 4096 x 4096 float32 image in the page cache, beside astropy when there is one. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readFitsHeaders } from "../src/formats/fits/file.ts";
import { readFitsImage } from "../src/formats/fits/image.ts";
import { writeFitsImage } from "../src/formats/fits/write.ts";
import { Random } from "../src/simulation/random.ts";
import { pythonWith } from "../test/oracle/python.ts";

const size = 4096;
const folder = mkdtempSync(join(tmpdir(), "caustic-bench-"));

async function best(work: () => Promise<unknown>, times = 7): Promise<number> {
	let least = Infinity;
	for (let i = 0; i < times; i++) {
		const begun = performance.now();
		await work();
		least = Math.min(least, performance.now() - begun);
	}
	return least;
}

const PEER = `
import sys, time
import numpy as np
from astropy.io import fits
def best(f, n=7):
    t = []
    for _ in range(n):
        s = time.perf_counter(); f(); t.append(time.perf_counter() - s)
    return min(t) * 1e3
def read(p):
    # memmap off and native byte order: pixels that arithmetic can use, as ours are.
    with fits.open(p, memmap=False) as h: return h[0].data.astype(np.float32)
def rows(p):
    with fits.open(p) as h: return h[0].data[2000:2019].astype(np.float32)
data = read(sys.argv[1])
print(best(lambda: read(sys.argv[1])), best(lambda: fits.getheader(sys.argv[1])), best(lambda: rows(sys.argv[1])),
      best(lambda: fits.PrimaryHDU(data).writeto(sys.argv[2], overwrite=True)), best(lambda: read(sys.argv[3]), 2))
`;

try {
	const random = new Random(1);
	const data = Float32Array.from({ length: size * size }, () => random.normal());
	const plain = join(folder, "plain.fits");
	const gzipped = join(folder, "image.fits.gz");
	const cards = [
		["BUNIT", "Jy/beam"],
		["CTYPE1", "RA---SIN"],
		["CTYPE2", "DEC--SIN"],
		["CRVAL1", 150],
		["CRVAL2", -30],
		["CRPIX1", 2048],
		["CRPIX2", 2048],
		["CDELT1", -1 / 2400],
		["CDELT2", 1 / 2400],
		["BMAJ", 0.0025],
		["BMIN", 0.002],
	] as const;
	const plane = { width: size, height: size, data };
	const write = await best(() => writeFitsImage(plain, plane, cards));
	await writeFitsImage(gzipped, plane, cards, { gzip: true });
	const ours = [
		await best(() => readFitsImage(plain)),
		await best(() => readFitsHeaders(plain)),
		await best(() => readFitsImage(plain, { rows: [2000, 2019] })),
		write,
		await best(() => readFitsImage(gzipped), 2),
	];
	const python = pythonWith("astropy", "numpy");
	const output =
		python && spawnSync(python, ["-c", PEER, plain, join(folder, "peer.fits"), gzipped], { encoding: "utf8" });
	const peers = output ? output.stdout.trim().split(/\s+/).map(Number) : [];
	const names = ["read 67 MB", "header only", "19 rows", "write 67 MB", "read 62 MB gzip"];
	console.log(`FITS, ${size} x ${size} float32, best of several, ms`);
	names.forEach((name, i) => {
		const peer = Number.isFinite(peers[i])
			? `astropy ${peers[i].toFixed(2)}, ratio ${(peers[i] / ours[i]).toFixed(1)}`
			: "astropy absent";
		console.log(`  ${name.padEnd(16)} ${ours[i].toFixed(2).padStart(8)}   ${peer}`);
	});
} finally {
	rmSync(folder, { recursive: true, force: true });
}
