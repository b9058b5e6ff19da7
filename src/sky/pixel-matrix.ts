import { cosDegrees, sinDegrees } from "./angle.ts";
import { type HeaderCards, numberCard, refuseCard as refuse, requiredCard } from "./header-cards.ts";

/** Degrees per pixel: intermediate longitude and latitude (rows) by pixels along the longitude and latitude axes. */
export interface PixelMatrix {
	lonLon: number;
	lonLat: number;
	latLon: number;
	latLat: number;
}

/** Where the sky is among the axes of a header, 1-based, and the degrees in its units of angle. */
export interface CelestialAxes {
	lon: number;
	lat: number;
	axes: number;
	lonScale: number;
	latScale: number;
}

/**
 * The matrix of a header: CD, or PC (also as PC001001 and PC01_01) with CDELT, or CDELT with the older CROTA. Throws
 * `bad-wcs` and `unsupported-wcs` naming the card: a singular matrix, CD beside PC, the sky mixed with another axis.
 */
export function readPixelMatrix(header: HeaderCards, place: CelestialAxes): PixelMatrix {
	const { lon, lat, axes, lonScale, latScale } = place;
	const element = (stem: "CD" | "PC", row: number, column: number) =>
		numberCard(header, `${stem}${row}_${column}`) ??
		numberCard(header, `${stem}${pad(row, 3)}${pad(column, 3)}`) ??
		numberCard(header, `${stem}${pad(row, 2)}_${pad(column, 2)}`);
	const present = (stem: "CD" | "PC") => {
		for (let row = 1; row <= axes; row++)
			for (let column = 1; column <= axes; column++) if (element(stem, row, column) !== undefined) return true;
		return false;
	};
	const stem = present("CD") ? "CD" : "PC";
	if (stem === "CD" && present("PC")) {
		for (let row = 1; row <= axes; row++) {
			for (let column = 1; column <= axes; column++) {
				const unit = row === column ? 1 : 0;
				if ((element("PC", row, column) ?? unit) !== unit) {
					throw refuse("bad-wcs", `PC${row}_${column}`, "the header has both a CD and a PC matrix", "Keep one of them");
				}
			}
		}
	}
	const diagonal = stem === "PC" ? 1 : 0;
	for (let axis = 1; axis <= axes; axis++) {
		if (axis === lon || axis === lat) continue;
		for (const [row, column] of [
			[lon, axis],
			[lat, axis],
			[axis, lon],
			[axis, lat],
		]) {
			if ((element(stem, row, column) ?? 0) !== 0) {
				throw refuse(
					"unsupported-wcs",
					`${stem}${row}_${column}`,
					"a matrix that mixes the sky with another axis is not supported",
					"Reproject the image",
				);
			}
		}
	}
	const entry = (row: number, column: number) => element(stem, row, column) ?? (row === column ? diagonal : 0);
	const matrix = { lonLon: entry(lon, lon), lonLat: entry(lon, lat), latLon: entry(lat, lon), latLat: entry(lat, lat) };
	if (stem === "PC") {
		const cdeltLon = stepCard(header, lon, present("PC"));
		const cdeltLat = stepCard(header, lat, present("PC"));
		const crota = present("PC") ? 0 : rotation(header, lon, lat);
		if (crota !== 0) {
			const cos = cosDegrees(crota);
			const sin = sinDegrees(crota);
			matrix.lonLon = cdeltLon * cos;
			matrix.lonLat = -cdeltLat * sin;
			matrix.latLon = cdeltLon * sin;
			matrix.latLat = cdeltLat * cos;
		} else {
			matrix.lonLon *= cdeltLon;
			matrix.lonLat *= cdeltLon;
			matrix.latLon *= cdeltLat;
			matrix.latLat *= cdeltLat;
		}
	}
	matrix.lonLon *= lonScale;
	matrix.lonLat *= lonScale;
	matrix.latLon *= latScale;
	matrix.latLat *= latScale;
	const determinant = matrix.lonLon * matrix.latLat - matrix.lonLat * matrix.latLon;
	const size = Math.hypot(matrix.lonLon, matrix.latLon) * Math.hypot(matrix.lonLat, matrix.latLat);
	if (!(Math.abs(determinant) > 1e-12 * size)) {
		throw refuse(
			"bad-wcs",
			stem === "CD" ? `CD${lon}_${lon}` : `CDELT${lon}`,
			"the pixel matrix is singular",
			"Correct the cards of the pixel scale",
		);
	}
	return matrix;
}

/** CDELT, which only a PC matrix in degrees may go without. */
function stepCard(header: HeaderCards, axis: number, optional: boolean): number {
	const step = optional ? (numberCard(header, `CDELT${axis}`) ?? 1) : requiredCard(header, `CDELT${axis}`);
	if (step === 0) {
		throw refuse("bad-wcs", `CDELT${axis}`, "a pixel of no size", "Give the pixel's size in degrees");
	}
	return step;
}

/** CROTA of the latitude axis; a rotation on the longitude axis alone has no agreed meaning. */
function rotation(header: HeaderCards, lon: number, lat: number): number {
	const own = numberCard(header, `CROTA${lat}`);
	const other = numberCard(header, `CROTA${lon}`) ?? 0;
	if (other !== 0 && other !== own) {
		throw refuse(
			"bad-wcs",
			`CROTA${lon}`,
			"a rotation belongs to the latitude axis",
			`Move it to CROTA${lat} or use a CD matrix`,
		);
	}
	return own ?? 0;
}

const pad = (n: number, width: number) => String(n).padStart(width, "0");
