import { median, wrapPhase } from "./robust.ts";
import type { GainSolutions } from "./solve.ts";

/** Where the array stands and where the model has the source: what a check of the source's place needs. */
export interface SourceGeometry {
	/** [antenna][3] ITRF, m, by compact index. */
	readonly positionsM: Float64Array;
	/** Unit vector to the source at an epoch, ITRF. */
	readonly direction: (mjd: number) => readonly [number, number, number];
}

/** How far the source stands from its place in the model, by the drift of the gains' phases. */
export interface SourceOffset {
	eastArcmin: number;
	northArcmin: number;
	/** Standard error of each, arcmin. */
	errorArcmin: number;
	/** Share of the variance of the phase steps that the offset explains. */
	explained: number;
}

/** rad/s of sidereal time. */
const EARTH_TURN = 7.2921159e-5;
const SPEED_OF_LIGHT = 299792458;

/**
 * A source beside its place in the model leaves no trace in the residuals: its phases belong to antennas, and gains take
 * them up. But the earth turns: the phases of every antenna then drift in proportion to its place in the array, which no
 * instrument does. The step between intervals of antenna p is 2 pi nu/c (b_p - b_ref).(D(t2) - D(t1)), D the offset of the
 * direction, turning with the earth; two unknowns for all antennas, intervals and polarisations, by least squares with
 * outliers (phase jumps) clipped.
 *
 * @param frequencyHz middle of the band.
 * @returns undefined with fewer than three intervals or four antennas.
 */
export function sourceOffset(
	gains: GainSolutions,
	nAntennas: number,
	nPolarizations: number,
	geometry: SourceGeometry,
	frequencyHz: number,
): SourceOffset | undefined {
	const { timesMjd, flags } = gains;
	const nCells = timesMjd.length;
	if (nCells < 3) return undefined;
	const scale = (2 * Math.PI * frequencyHz) / SPEED_OF_LIGHT;
	// East and north of the direction, and how they change: d/dt = -omega z x D in the earth's frame.
	const [sx, sy, sz] = geometry.direction(timesMjd[nCells >> 1]);
	const cos = Math.hypot(sx, sy);
	const east = [-sy / cos, sx / cos, 0];
	const north = [(-sx * sz) / cos, (-sy * sz) / cos, cos];
	const turned = (v: readonly number[]) => [EARTH_TURN * v[1], -EARTH_TURN * v[0]];
	const eastRate = turned(east);
	const northRate = turned(north);
	const rows: { e: number; n: number; y: number }[] = [];
	const used = new Set<number>();
	for (let s = 0; s < nPolarizations; s++) {
		for (let cell = 1; cell < nCells; cell++) {
			const seconds = (timesMjd[cell] - timesMjd[cell - 1]) * 86400;
			const reference = gains.references[s * nCells + cell];
			if (reference < 0) continue;
			for (let p = 0; p < nAntennas; p++) {
				const i = (s * nCells + cell) * nAntennas + p;
				const j = i - nAntennas;
				if (p === reference || flags[i] !== 0 || flags[j] !== 0) continue;
				const phase = (k: number) => Math.atan2(gains.gains[2 * k + 1], gains.gains[2 * k]);
				const bx = geometry.positionsM[3 * p] - geometry.positionsM[3 * reference];
				const by = geometry.positionsM[3 * p + 1] - geometry.positionsM[3 * reference + 1];
				const factor = scale * seconds;
				rows.push({
					e: factor * (bx * eastRate[0] + by * eastRate[1]),
					n: factor * (bx * northRate[0] + by * northRate[1]),
					y: wrapPhase(phase(i) - phase(j)),
				});
				used.add(p);
			}
		}
	}
	if (used.size < 3 || rows.length < 8) return undefined;
	let kept = rows;
	let fit = solveTwo(kept);
	for (let iteration = 0; iteration < 3 && fit !== undefined; iteration++) {
		const [a, b] = [fit.a, fit.b];
		const size = (row: (typeof rows)[number]) => Math.abs(wrapPhase(row.y - a * row.e - b * row.n));
		const limit = 6 * Math.max(1e-4, 1.4826 * median(rows.map(size)));
		kept = rows.filter((row) => size(row) <= limit);
		fit = solveTwo(kept) ?? fit;
	}
	if (fit === undefined) return undefined;
	const { a, b, determinant, ee, nn } = fit;
	let before = 0;
	let after = 0;
	for (const row of kept) {
		before += row.y ** 2;
		after += wrapPhase(row.y - a * row.e - b * row.n) ** 2;
	}
	const variance = after / Math.max(1, kept.length - 2);
	const arcmin = (60 * 180) / Math.PI;
	return {
		eastArcmin: a * arcmin,
		northArcmin: b * arcmin,
		errorArcmin: Math.sqrt((variance * Math.max(ee, nn)) / determinant) * arcmin,
		explained: before > 0 ? 1 - after / before : 0,
	};
}

function solveTwo(rows: readonly { e: number; n: number; y: number }[]) {
	let [ee, en, nn, ey, ny] = [0, 0, 0, 0, 0];
	for (const { e, n, y } of rows) {
		ee += e * e;
		en += e * n;
		nn += n * n;
		ey += e * y;
		ny += n * y;
	}
	const determinant = ee * nn - en * en;
	// Of an array along one line, or towards the pole, only one direction shows.
	if (!(determinant > 1e-6 * ee * nn)) return undefined;
	return { a: (nn * ey - en * ny) / determinant, b: (ee * ny - en * ey) / determinant, determinant, ee, nn };
}
