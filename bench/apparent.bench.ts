import { spawnSync } from "node:child_process";
import { Random } from "../src/simulation/random.ts";
import { apparentPlace, observerAt } from "../src/sky/apparent-place.ts";
import { pythonWith } from "../test/oracle/python.ts";

/** Apparent topocentric places of 10,000 sources at 10,000 instants, beside astropy (one vectorized call). */
const count = 10_000;
const random = new Random(1);
const site = { longitudeDeg: -118.2834, latitudeDeg: 37.2334, heightM: 1188 };
const cases = Array.from({ length: count }, () => ({
	mjd: random.uniform(50_000, 59_900),
	ra: random.uniform(0, 360),
	dec: random.uniform(-90, 90),
}));
let best = Infinity;
for (let round = 0; round < 3; round++) {
	const begun = performance.now();
	for (const { mjd, ra, dec } of cases) apparentPlace(observerAt(mjd, site), ra, dec);
	best = Math.min(best, (performance.now() - begun) / 1000);
}

const script = `
import time, warnings, numpy as np, astropy.units as u
warnings.simplefilter("ignore")
from astropy.coordinates import TETE, EarthLocation, SkyCoord
from astropy.time import Time
from astropy.utils import iers
iers.conf.auto_download = False
place = EarthLocation.from_geodetic(-118.2834 * u.deg, 37.2334 * u.deg, 1188 * u.m)
t = Time(np.random.uniform(50000, 59900, ${count}), format="mjd")
c = SkyCoord(np.random.uniform(0, 360, ${count}), np.random.uniform(-90, 90, ${count}), unit="deg")
best = 9e9
for _ in range(3):
    b = time.perf_counter(); c.transform_to(TETE(obstime=t, location=place)); best = min(best, time.perf_counter() - b)
print(best)
`;
const python = pythonWith("astropy.coordinates");
const run = python === undefined ? undefined : spawnSync(python, ["-c", script], { encoding: "utf8" });
const measured = run?.status === 0;
const peer = measured ? Number(run.stdout) : count / 2091;
process.stdout.write(
	`apparent places: ${Math.round(count / best)} instants/s; astropy ${Math.round(count / peer)} instants/s ` +
		`(${measured ? "measured now" : "recorded"}), ratio ${(peer / best).toFixed(2)}\n`,
);
