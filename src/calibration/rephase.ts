/** Speed of light in vacuum, m/s. */
export const SPEED_OF_LIGHT = 299792458;

/** A direction and the sky around it, seen from the rotating Earth at one time: components in ITRF. */
export interface PhaseFrame {
	/** Unit vector to the phase centre. */
	centre: readonly [number, number, number];
	/** How that direction changes with the direction cosines l (east) and m (north) at the centre. */
	east: readonly [number, number, number];
	north: readonly [number, number, number];
}

/**
 * The frame of a phase centre at one time, from where its neighbourhood appears on the sky. Taking derivatives of the
 * apparent place, not merely a rotation, makes (u, v) belong to the catalogue's (l, m): precession turns them by up to some
 * arcminutes and differential aberration stretches them by up to 1e-4, half an arcsecond at 1.5 degrees.
 *
 * @param apparent direction in ITRF in which (ra, dec) in degrees is seen.
 */
export function phaseFrame(
	raDeg: number,
	decDeg: number,
	apparent: (raDeg: number, decDeg: number) => readonly [number, number, number],
): PhaseFrame {
	// 3.4 arcminutes: the curvature cancels between the two sides, rounding does not show.
	const step = 1e-3;
	const rad = Math.PI / 180;
	const [sinRa, cosRa] = [Math.sin(raDeg * rad), Math.cos(raDeg * rad)];
	const [sinDec, cosDec] = [Math.sin(decDeg * rad), Math.cos(decDeg * rad)];
	const east = [-sinRa, cosRa, 0];
	const north = [-sinDec * cosRa, -sinDec * sinRa, cosDec];
	const centre = [cosDec * cosRa, cosDec * sinRa, sinDec];
	const seen = (axis: readonly number[], sign: number) => {
		const [c, s] = [Math.cos(step), sign * Math.sin(step)];
		const [x, y, z] = centre.map((value, k) => c * value + s * axis[k]);
		return apparent(Math.atan2(y, x) / rad, Math.atan2(z, Math.hypot(x, y)) / rad);
	};
	const derivative = (axis: readonly number[]): [number, number, number] => {
		const [a, b] = [seen(axis, 1), seen(axis, -1)];
		const scale = 1 / (2 * Math.sin(step));
		return [(a[0] - b[0]) * scale, (a[1] - b[1]) * scale, (a[2] - b[2]) * scale];
	};
	const [x, y, z] = apparent(raDeg, decDeg);
	return { centre: [x, y, z], east: derivative(east), north: derivative(north) };
}

/** Direction in ITRF of an hour angle and declination of date, degrees, seen from a longitude, degrees east. */
export function meridianDirection(
	hourAngleDeg: number,
	declinationDeg: number,
	longitudeDeg: number,
): [number, number, number] {
	const angle = ((longitudeDeg - hourAngleDeg) * Math.PI) / 180;
	const dec = (declinationDeg * Math.PI) / 180;
	return [Math.cos(dec) * Math.cos(angle), Math.cos(dec) * Math.sin(angle), Math.sin(dec)];
}

/** The component of a baseline, m, along a direction, m. */
export const along = (baseline: readonly number[], direction: readonly number[]): number =>
	baseline[0] * direction[0] + baseline[1] * direction[1] + baseline[2] * direction[2];

/**
 * Turns the phases of one row to another phase centre: V *= exp(-2 pi i (nu / c) deltaW), deltaW = w_new - w_old in metres,
 * w = (b_p - b_q).s (MeasurementSet convention).
 *
 * @param visibilities [channel][polarisation][re, im] from `at` on.
 * @param uniform whether the channels are equally spaced, so that the phase advances by the same angle from one to the next.
 */
export function turnPhases(
	visibilities: Float32Array,
	at: number,
	frequenciesHz: Float64Array,
	nPolarizations: number,
	deltaW: number,
	uniform: boolean,
): void {
	const n = frequenciesHz.length;
	const factor = (-2 * Math.PI * deltaW) / SPEED_OF_LIGHT;
	const step = n > 1 ? factor * (frequenciesHz[1] - frequenciesHz[0]) : 0;
	const stepRe = Math.cos(step);
	const stepIm = Math.sin(step);
	let re = 0;
	let im = 0;
	let i = at;
	for (let c = 0; c < n; c++) {
		// Begun afresh now and then: rounding does not add up.
		if (!uniform || (c & 63) === 0) {
			const phase = factor * frequenciesHz[c];
			re = Math.cos(phase);
			im = Math.sin(phase);
		}
		for (let p = 0; p < nPolarizations; p++, i += 2) {
			const a = visibilities[i];
			const b = visibilities[i + 1];
			visibilities[i] = a * re - b * im;
			visibilities[i + 1] = a * im + b * re;
		}
		const next = re * stepRe - im * stepIm;
		im = re * stepIm + im * stepRe;
		re = next;
	}
}

/** Whether channels are equally spaced to a thousandth of a turn over the longest delay that is turned, 10 microseconds. */
export function isUniform(frequenciesHz: Float64Array): boolean {
	const n = frequenciesHz.length;
	if (n < 3) return true;
	const step = (frequenciesHz[n - 1] - frequenciesHz[0]) / (n - 1);
	return frequenciesHz.every((hz, c) => Math.abs(hz - frequenciesHz[0] - c * step) < 100);
}
