/** Semi-major axis, m, and flattening of the WGS84 ellipsoid. */
const WGS84_A = 6378137;
const WGS84_F = 1 / 298.257223563;
const E2 = WGS84_F * (2 - WGS84_F);

/** Geocentric ITRF position, m, of a geodetic (WGS84) place: degrees, east positive, and height above the ellipsoid in m. */
export function itrfFromGeodetic(longitudeDeg: number, latitudeDeg: number, heightM: number): [number, number, number] {
	const lon = (longitudeDeg * Math.PI) / 180;
	const lat = (latitudeDeg * Math.PI) / 180;
	const n = WGS84_A / Math.sqrt(1 - E2 * Math.sin(lat) ** 2);
	return [
		(n + heightM) * Math.cos(lat) * Math.cos(lon),
		(n + heightM) * Math.cos(lat) * Math.sin(lon),
		(n * (1 - E2) + heightM) * Math.sin(lat),
	];
}

/** Geodetic (WGS84) place of a geocentric ITRF position in m, to 1e-12 degrees and 1e-6 m (Bowring 1985, iterated). */
export function geodeticFromItrf(
	x: number,
	y: number,
	z: number,
): { longitudeDeg: number; latitudeDeg: number; heightM: number } {
	const p = Math.hypot(x, y);
	const b = WGS84_A * (1 - WGS84_F);
	const ep2 = E2 / (1 - E2);
	let beta = Math.atan2(WGS84_A * z, b * p);
	let lat = 0;
	for (let i = 0; i < 4; i++) {
		lat = Math.atan2(z + ep2 * b * Math.sin(beta) ** 3, p - E2 * WGS84_A * Math.cos(beta) ** 3);
		beta = Math.atan2((1 - WGS84_F) * Math.sin(lat), Math.cos(lat));
	}
	const sin = Math.sin(lat);
	const heightM = p * Math.cos(lat) + z * sin - WGS84_A * Math.sqrt(1 - E2 * sin * sin);
	return { longitudeDeg: (Math.atan2(y, x) * 180) / Math.PI, latitudeDeg: (lat * 180) / Math.PI, heightM };
}
