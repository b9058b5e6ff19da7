import { badInput } from "../error.ts";

/**
 * Weighted mean position of a source, kept as sums of tangent-plane offsets from an origin that never moves, so that
 * RA 0, the poles and the order of arrival make no difference. One entry per source in each array.
 */
export interface SourcePositions {
	originRaDeg: Float64Array;
	originDecDeg: Float64Array;
	/** Sums of weights, arcsec^-2, and of weight times offset, arcsec^-1, towards east and north. */
	weightEast: Float64Array;
	weightNorth: Float64Array;
	sumEast: Float64Array;
	sumNorth: Float64Array;
	/** Positions added. */
	n: Int32Array;
}

const RADIANS = Math.PI / 180;
const ARCSEC = RADIANS / 3600;

/** Sources at their first positions; nothing is added yet. */
export function sourcePositions(originRaDeg: Float64Array, originDecDeg: Float64Array): SourcePositions {
	const n = originRaDeg.length;
	return {
		originRaDeg: originRaDeg.slice(),
		originDecDeg: originDecDeg.slice(),
		weightEast: new Float64Array(n),
		weightNorth: new Float64Array(n),
		sumEast: new Float64Array(n),
		sumNorth: new Float64Array(n),
		n: new Int32Array(n),
	};
}

/** Gnomonic offsets in arcsec towards east and north of a position from an origin; NaN beyond 90 degrees. */
export function tangentOffset(raDeg: number, decDeg: number, originRaDeg: number, originDecDeg: number) {
	const dra = (raDeg - originRaDeg) * RADIANS;
	const dec = decDeg * RADIANS;
	const dec0 = originDecDeg * RADIANS;
	const along = Math.sin(dec) * Math.sin(dec0) + Math.cos(dec) * Math.cos(dec0) * Math.cos(dra);
	if (!(along > 0)) return { eastArcsec: Number.NaN, northArcsec: Number.NaN };
	// sin(dec - dec0) keeps the digits that the difference of the two products would lose.
	const halfSine = Math.sin(dra / 2);
	return {
		eastArcsec: (Math.cos(dec) * Math.sin(dra)) / along / ARCSEC,
		northArcsec: (Math.sin(dec - dec0) + 2 * Math.sin(dec0) * Math.cos(dec) * halfSine * halfSine) / along / ARCSEC,
	};
}

/** The position at a gnomonic offset from an origin. */
export function positionAt(originRaDeg: number, originDecDeg: number, eastArcsec: number, northArcsec: number) {
	const xi = eastArcsec * ARCSEC;
	const eta = northArcsec * ARCSEC;
	const dec0 = originDecDeg * RADIANS;
	const down = Math.cos(dec0) - eta * Math.sin(dec0);
	const dra = Math.atan2(xi, down);
	const dec = Math.atan2(Math.sin(dec0) + eta * Math.cos(dec0), Math.hypot(xi, down));
	const ra = (((originRaDeg + dra / RADIANS) % 360) + 360) % 360;
	return { raDeg: ra, decDeg: dec / RADIANS };
}

/**
 * Add one position to one source, in O(1). Errors are one sigma in arcsec, towards east including cos(Dec).
 * Subtracting (`sign` -1) takes an earlier addition back.
 */
export function addPosition(
	positions: SourcePositions,
	source: number,
	raDeg: number,
	decDeg: number,
	raErrArcsec: number,
	decErrArcsec: number,
	sign: 1 | -1 = 1,
): void {
	const offset = tangentOffset(raDeg, decDeg, positions.originRaDeg[source], positions.originDecDeg[source]);
	if (!(raErrArcsec > 0) || !(decErrArcsec > 0) || !Number.isFinite(offset.eastArcsec + offset.northArcsec)) {
		throw badInput("bad-position", `(${raDeg}, ${decDeg}) with errors (${raErrArcsec}, ${decErrArcsec}) arcsec`, {
			subject: `source ${source}`,
			remedy: "Give a finite position near the source and errors above 0",
		});
	}
	const east = sign / (raErrArcsec * raErrArcsec);
	const north = sign / (decErrArcsec * decErrArcsec);
	positions.weightEast[source] += east;
	positions.weightNorth[source] += north;
	positions.sumEast[source] += east * offset.eastArcsec;
	positions.sumNorth[source] += north * offset.northArcsec;
	positions.n[source] += sign;
}

/** Weighted mean position of one source and its one-sigma errors; the origin with NaN errors when nothing was added. */
export function meanPosition(positions: SourcePositions, source: number) {
	const { originRaDeg, originDecDeg, weightEast, weightNorth, sumEast, sumNorth, n } = positions;
	if (n[source] <= 0) {
		return {
			raDeg: originRaDeg[source],
			decDeg: originDecDeg[source],
			raErrArcsec: Number.NaN,
			decErrArcsec: Number.NaN,
		};
	}
	const position = positionAt(
		originRaDeg[source],
		originDecDeg[source],
		sumEast[source] / weightEast[source],
		sumNorth[source] / weightNorth[source],
	);
	return {
		...position,
		raErrArcsec: 1 / Math.sqrt(weightEast[source]),
		decErrArcsec: 1 / Math.sqrt(weightNorth[source]),
	};
}
