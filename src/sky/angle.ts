export const RAD_PER_DEG = Math.PI / 180;
export const DEG_PER_RAD = 180 / Math.PI;
/** Radians per second of arc. */
export const RAD_PER_ARCSEC = Math.PI / 648000;

/** The same angle in [0, 360) degrees. */
export function wrapDegrees(deg: number): number {
	const turn = deg % 360;
	const positive = turn < 0 ? turn + 360 : turn;
	// A tiny negative angle rounds up to a whole turn.
	return positive >= 360 ? 0 : positive;
}

/** The same angle in [-180, 180) degrees. */
export function wrapSignedDegrees(deg: number): number {
	const turn = wrapDegrees(deg);
	return turn >= 180 ? turn - 360 : turn;
}

/** Sine of degrees, exact at multiples of 90, where a pole or an equator must not be missed by a rounding error. */
export function sinDegrees(deg: number): number {
	const turn = wrapDegrees(deg);
	if (turn % 90 === 0) return turn === 90 ? 1 : turn === 270 ? -1 : 0;
	return Math.sin(deg * RAD_PER_DEG);
}

/** Cosine of degrees, exact at multiples of 90. */
export function cosDegrees(deg: number): number {
	const turn = wrapDegrees(deg);
	if (turn % 90 === 0) return turn === 0 ? 1 : turn === 180 ? -1 : 0;
	return Math.cos(deg * RAD_PER_DEG);
}

/** Longitude in [0, 360) and latitude of a direction, in degrees; the length does not matter. Accurate at the poles. */
export function directionToDegrees(x: number, y: number, z: number): [number, number] {
	return [wrapDegrees(Math.atan2(y, x) * DEG_PER_RAD), Math.atan2(z, Math.hypot(x, y)) * DEG_PER_RAD];
}

/** Unit vector towards a longitude and a latitude in degrees. */
export function degreesToDirection(lonDeg: number, latDeg: number): [number, number, number] {
	const cosLat = cosDegrees(latDeg);
	return [cosLat * cosDegrees(lonDeg), cosLat * sinDegrees(lonDeg), sinDegrees(latDeg)];
}
