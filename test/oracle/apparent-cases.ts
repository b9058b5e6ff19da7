import { Random } from "../../src/simulation/random.ts";
import { apparentPlace, observerAt } from "../../src/sky/apparent-place.ts";
import { earthOrientation } from "../../src/sky/earth-orientation.ts";
import { itrfDirection } from "../../src/sky/itrf.ts";
import { separationDeg } from "../../src/sky/separation.ts";
import { gast, gmst, localSiderealTime } from "../../src/sky/sidereal.ts";
import { uvwAxes } from "../../src/sky/uvw.ts";

/** Instants, sites and sources, a list for each number, as the oracle script reads them. */
export interface ApparentCases {
	mjd: number[];
	lon: number[];
	lat: number[];
	height: number[];
	ra: number[];
	dec: number[];
}

export interface ApparentAnswers {
	ut1: number[];
	xp: number[];
	yp: number[];
	gmst: number[];
	gast: number[];
	lst: number[];
	ra: number[];
	dec: number[];
	w: [number, number, number][];
	v: [number, number, number][];
}

/** Seeded places everywhere on the Earth and the sky between two instants (MJD UTC). */
export function randomApparentCases(seed: number, count: number, fromMjd: number, toMjd: number): ApparentCases {
	const random = new Random(seed);
	const list = (draw: () => number, decimals: number) =>
		Array.from({ length: count }, () => Number(draw().toFixed(decimals)));
	const latitude = () => (Math.asin(random.uniform(-1, 1)) * 180) / Math.PI;
	return {
		mjd: list(() => random.uniform(fromMjd, toMjd), 6),
		lon: list(() => random.uniform(-180, 180), 5),
		lat: list(latitude, 5),
		height: list(() => random.uniform(0, 5000), 1),
		ra: list(() => random.uniform(0, 360), 7),
		dec: list(latitude, 7),
	};
}

/** The largest differences between us and the oracle. */
export function compareApparent(cases: ApparentCases, answers: ApparentAnswers) {
	const worst = { ut1S: 0, poleArcsec: 0, gmstS: 0, gastS: 0, lstS: 0, placeArcsec: 0, itrfArcsec: 0, northArcsec: 0 };
	const note = (name: keyof typeof worst, value: number) => {
		// A NaN must not pass for agreement.
		worst[name] = Number.isNaN(value) ? Infinity : Math.max(worst[name], value);
	};
	const seconds = (a: number, b: number) => Math.abs(((a - b + 540) % 360) - 180) * 240;
	const arcsec = (a: readonly number[], b: readonly number[]) =>
		Math.hypot(...a.map((value, i) => value - b[i])) * (648000 / Math.PI);
	cases.mjd.forEach((mjd, i) => {
		const site = { longitudeDeg: cases.lon[i], latitudeDeg: cases.lat[i], heightM: cases.height[i] };
		const [ra, dec] = [cases.ra[i], cases.dec[i]];
		const observer = observerAt(mjd, site);
		const orientation = earthOrientation(mjd);
		note("ut1S", Math.abs(orientation.ut1MinusUtc - answers.ut1[i]));
		note("poleArcsec", Math.hypot(orientation.xp - answers.xp[i], orientation.yp - answers.yp[i]));
		note("gmstS", seconds(gmst(mjd), answers.gmst[i]));
		note("gastS", seconds(gast(mjd), answers.gast[i]));
		note("lstS", seconds(localSiderealTime(mjd, site.longitudeDeg), answers.lst[i]));
		const place = apparentPlace(observer, ra, dec);
		note("placeArcsec", separationDeg(place[0], place[1], answers.ra[i], answers.dec[i]) * 3600);
		note("itrfArcsec", arcsec(itrfDirection(observer, ra, dec), answers.w[i]));
		// A rotation about the source: how far it moves the edge of a field of one radian.
		if (answers.v.length === 0) return;
		const axes = uvwAxes(observer, ra, dec);
		note("northArcsec", arcsec(axes.slice(3, 6), answers.v[i]) * Math.cos((dec * Math.PI) / 180));
	});
	return worst;
}
