import { cosDegrees, degreesToDirection, sinDegrees } from "./angle.ts";
import { apparentOf, type Observer } from "./apparent-place.ts";
import { equatorToItrf } from "./itrf.ts";
import { apply, type Matrix3 } from "./rotation.ts";

/** A tenth of an arc minute: small against the curvature of aberration, large against rounding. */
const STEP = 3e-5;

/**
 * The axes u, v and w (rows) in ITRF for an ICRS phase centre in degrees: w towards its apparent place, v towards the
 * ICRS north there, u towards the east. A baseline in metres (ITRF) times this matrix is its uvw in metres.
 *
 * In the MeasurementSet convention a baseline p-q has uvw = b_p - b_q and a source at (l, m, n) has the phase
 * +2 pi (u l + v m + w (n - 1)) nu/c.
 */
export function uvwAxes(observer: Observer, raDeg: number, decDeg: number): Matrix3 {
	const turn = equatorToItrf(observer);
	const centre = degreesToDirection(raDeg, decDeg);
	const north = [
		-sinDegrees(decDeg) * cosDegrees(raDeg),
		-sinDegrees(decDeg) * sinDegrees(raDeg),
		cosDegrees(decDeg),
	] as const;
	const at = (step: number) =>
		apply(
			turn,
			...apparentOf(observer, [centre[0] + step * north[0], centre[1] + step * north[1], centre[2] + step * north[2]]),
		);
	const w = at(0);
	const up = at(STEP);
	const down = at(-STEP);
	const slope = up.map((value, i) => value - down[i]);
	const along = slope[0] * w[0] + slope[1] * w[1] + slope[2] * w[2];
	const flat = slope.map((value, i) => value - along * w[i]);
	const length = Math.hypot(flat[0], flat[1], flat[2]);
	const v = flat.map((value) => value / length);
	return [v[1] * w[2] - v[2] * w[1], v[2] * w[0] - v[0] * w[2], v[0] * w[1] - v[1] * w[0], ...v, ...w];
}

/**
 * uvw in metres of antennas (ITRF positions x, y, z, x, y, z, ... in metres, against any common origin) along the axes
 * of {@link uvwAxes}; a baseline p-q is the difference p minus q of two of them.
 */
export function antennaUvw(axes: Matrix3, positions: Float64Array): Float64Array {
	const out = new Float64Array(positions.length);
	for (let i = 0; i + 2 < positions.length; i += 3) {
		const x = positions[i];
		const y = positions[i + 1];
		const z = positions[i + 2];
		for (let row = 0; row < 3; row++) out[i + row] = axes[3 * row] * x + axes[3 * row + 1] * y + axes[3 * row + 2] * z;
	}
	return out;
}
