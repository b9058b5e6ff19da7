import { separationDeg } from "../../src/sky/separation.ts";
import { CelestialWcs } from "../../src/sky/wcs.ts";
import type { WcsCase } from "./random-headers.ts";

type Numbers = (number | null)[];

/** What the oracle script answers for one header. */
export interface WcsAnswer {
	refused?: string;
	lon: Numbers;
	lat: Numbers;
	ra: Numbers;
	dec: Numbers;
	px: Numbers;
	py: Numbers;
}

export interface WcsComparison {
	/** Conversions compared. */
	points: number;
	/** Pixels outside the map and places without image, on both sides alike. */
	outside: number;
	refused: number;
	/** Largest differences in degrees on the sky: pixel to frame, pixel to ICRS, frame to pixel, ICRS to pixel. */
	worst: { sky: number; icrs: number; back: number; pixel: number };
	/** Everything that differs in kind: NaN on one side, refusal on one side. */
	disagreements: string[];
}

/** Compares our conversions with the oracle's answers, header by header and point by point. */
export function compareWcs(cases: WcsCase[], answers: WcsAnswer[]): WcsComparison {
	const result: WcsComparison = {
		points: 0,
		outside: 0,
		refused: 0,
		worst: { sky: 0, icrs: 0, back: 0, pixel: 0 },
		disagreements: [],
	};
	cases.forEach((item, i) => {
		const answer = answers[i];
		const wcs = read(item);
		if ((wcs === undefined) !== (answer.refused !== undefined)) {
			result.disagreements.push(`header ${i} refused by one side only: ${answer.refused ?? "ours"}`);
		}
		if (wcs === undefined || answer.refused !== undefined) {
			result.refused += 1;
			return;
		}
		item.x.forEach((_, k) => comparePoint(wcs, item, answer, k, `header ${i} point ${k}`, result));
	});
	return result;
}

function read(item: WcsCase): CelestialWcs | undefined {
	try {
		return CelestialWcs.fromHeader(new Map(Object.entries(item.cards)), item.naxis);
	} catch {
		return undefined;
	}
}

function comparePoint(
	wcs: CelestialWcs,
	item: WcsCase,
	answer: WcsAnswer,
	k: number,
	name: string,
	result: WcsComparison,
): void {
	const { worst } = result;
	const same = (ours: number, theirs: number | null) => {
		result.points += 1;
		if (Number.isNaN(ours) !== (theirs === null)) result.disagreements.push(`${name}: ${ours} and ${theirs}`);
		else if (theirs === null) result.outside += 1;
		return theirs !== null && !Number.isNaN(ours);
	};
	const { eastPerX, eastPerY, northPerX, northPerY } = wcs.referenceJacobian;
	const pixelDeg = Math.hypot(eastPerX, eastPerY, northPerX, northPerY);
	const sky = wcs.pixelToSky(item.x[k], item.y[k]);
	if (same(sky[0], answer.lon[k])) {
		worst.sky = Math.max(worst.sky, separationDeg(sky[0], sky[1], Number(answer.lon[k]), Number(answer.lat[k])));
		const icrs = wcs.pixelToIcrs(item.x[k], item.y[k]);
		worst.icrs = Math.max(worst.icrs, separationDeg(icrs[0], icrs[1], Number(answer.ra[k]), Number(answer.dec[k])));
		const back = wcs.skyToPixel(Number(answer.lon[k]), Number(answer.lat[k]));
		worst.back = Math.max(worst.back, Math.hypot(back[0] - item.x[k], back[1] - item.y[k]) * pixelDeg);
	}
	const pixel = wcs.icrsToPixel(item.ra[k], item.dec[k]);
	if (same(pixel[0], answer.px[k])) {
		// Towards the horizon of TAN and the antipode of STG a pixel is ever less sky: the difference counts on the sky.
		const local = wcs.jacobianAt(pixel[0], pixel[1]);
		const size = Math.hypot(local.eastPerX, local.eastPerY, local.northPerX, local.northPerY);
		const difference = Math.hypot(pixel[0] - Number(answer.px[k]), pixel[1] - Number(answer.py[k]));
		worst.pixel = Math.max(worst.pixel, difference * (size < pixelDeg ? size : pixelDeg));
	}
}
