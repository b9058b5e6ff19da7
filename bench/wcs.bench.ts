import { spawnSync } from "node:child_process";
import { Random } from "../src/simulation/random.ts";
import { CelestialWcs } from "../src/sky/wcs.ts";
import { pythonWith } from "../test/oracle/python.ts";

/** Catalogue to pixels: a million ICRS places into SIN images of three frames, beside astropy where it is installed. */
const count = 1_000_000;
const random = new Random(1);
const ra = Float64Array.from({ length: count }, () => 150 + random.uniform(-5, 5));
const dec = Float64Array.from({ length: count }, () => -30 + random.uniform(-5, 5));
const cards = { CTYPE1: "RA---SIN", CTYPE2: "DEC--SIN", CRVAL1: 150, CRVAL2: -30, CRPIX1: 1, CRPIX2: 1 };

const peer = `
import time, numpy as np, warnings
warnings.simplefilter("ignore")
from astropy.wcs import WCS
from astropy.coordinates import SkyCoord
w = WCS(naxis=2); w.wcs.ctype = ["RA---SIN", "DEC--SIN"]; w.wcs.crval = [150, -30]; w.wcs.cdelt = [-1e-3, 1e-3]; w.wcs.crpix = [1, 1]
ra = 150 + np.random.uniform(-5, 5, ${count}); dec = -30 + np.random.uniform(-5, 5, ${count})
for name in ("icrs", "fk5", "fk4"):
    best = 9e9
    for _ in range(3):
        t = time.perf_counter()
        c = SkyCoord(ra, dec, unit="deg")
        c = c if name == "icrs" else c.transform_to(name)
        w.wcs_world2pix(c.spherical.lon.deg, c.spherical.lat.deg, 0)
        best = min(best, time.perf_counter() - t)
    print(name, ${count} / best)
`;
const run = spawnSync(pythonWith("astropy.wcs") ?? "python3", ["-c", peer], { encoding: "utf8" });
const measured = run.status === 0;
const peers = new Map(
	(measured ? run.stdout.trim() : "icrs 4.04e6\nfk5 2.94e6\nfk4 1.43e6")
		.split("\n")
		.map((line) => line.split(" ") as [string, string]),
);

for (const [name, equinox] of [
	["icrs", undefined],
	["fk5", 2000],
	["fk4", 1950],
] as const) {
	const header = new Map<string, string | number>(Object.entries({ ...cards, CDELT1: -1e-3, CDELT2: 1e-3 }));
	if (equinox !== undefined) header.set("EQUINOX", equinox);
	const wcs = CelestialWcs.fromHeader(header, 2);
	let best = Infinity;
	for (let round = 0; round < 5; round++) {
		const begun = performance.now();
		wcs.icrsToPixels(ra, dec);
		best = Math.min(best, performance.now() - begun);
	}
	const ours = count / best / 1000;
	const theirs = Number(peers.get(name)) / 1e6;
	process.stdout.write(
		`icrsToPixels, SIN, ${name}: ${ours.toFixed(2)} million/s; astropy ${theirs.toFixed(2)} million/s ` +
			`(${measured ? "measured now" : "recorded"}), ratio ${(ours / theirs).toFixed(2)}\n`,
	);
}
