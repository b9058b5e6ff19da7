import { DEG_PER_RAD, RAD_PER_DEG, wrapDegrees } from "./angle.ts";
import type { PixelJacobian } from "./beam.ts";
import { type CelestialHeader, readCelestialHeader } from "./celestial-header.ts";
import { directionFromIcrs, directionToIcrs, type FrameTransform, frameTransform, type SkyFrame } from "./frames.ts";
import type { HeaderCards } from "./header-cards.ts";
import { nativeToCelestial } from "./native-pole.ts";
import type { Projection } from "./projection.ts";
import type { Matrix3 } from "./rotation.ts";

export type { HeaderCards } from "./header-cards.ts";

/**
 * The celestial coordinate system of an image: pixels to sky and back, by the FITS standard (Greisen & Calabretta
 * 2002; Calabretta & Greisen 2002). Agrees with wcslib to 1e-9 degrees.
 *
 * Pixels are 0-based with the centre of the first pixel at (0, 0). x runs along the first celestial axis of the header
 * and y along the second, so that a plane cut from the file is indexed `data[y * width + x]` whatever the order of its
 * axes. Angles are degrees.
 */
export class CelestialWcs {
	readonly frame: SkyFrame;
	/** The three letters of the projection, for instance `SIN`. */
	readonly projection: string;
	/** 0-based FITS axes. */
	readonly longitudeAxis: number;
	readonly latitudeAxis: number;
	/** How the sky moves under the pixels at the reference point (CRVAL): for an image in its native projection. */
	readonly referenceJacobian: PixelJacobian;
	private readonly map: Projection;
	private readonly toCelestial: Matrix3;
	private readonly transform: FrameTransform;
	/** Pixel (x, y) of the reference point, and radians on the plane per pixel: (lon, lat) rows by (x, y) columns. */
	private readonly x0: number;
	private readonly y0: number;
	private readonly linear: readonly [number, number, number, number];
	private readonly inverse: readonly [number, number, number, number];
	private readonly v = new Float64Array(3);
	private readonly d = new Float64Array(6);

	private constructor(header: CelestialHeader) {
		this.frame = header.frame;
		this.projection = header.projection.code;
		this.longitudeAxis = header.longitudeAxis;
		this.latitudeAxis = header.latitudeAxis;
		this.map = header.projection;
		this.transform = frameTransform(header.frame);
		this.toCelestial = nativeToCelestial({
			reference: header.reference,
			referenceLatitude: header.projection.referenceLatitude,
			lonpole: header.lonpole,
			latpole: header.latpole,
		});
		const { lonLon, lonLat, latLon, latLat } = header.linear;
		const lonFirst = header.longitudeAxis < header.latitudeAxis;
		this.x0 = (lonFirst ? header.referencePixel.lon : header.referencePixel.lat) - 1;
		this.y0 = (lonFirst ? header.referencePixel.lat : header.referencePixel.lon) - 1;
		const [a, b, c, d] = lonFirst ? [lonLon, lonLat, latLon, latLat] : [lonLat, lonLon, latLat, latLon];
		this.linear = [a * RAD_PER_DEG, b * RAD_PER_DEG, c * RAD_PER_DEG, d * RAD_PER_DEG];
		const scale = DEG_PER_RAD / (a * d - b * c);
		this.inverse = [d * scale, -b * scale, -c * scale, a * scale];
		const { lon, lat } = header.reference;
		this.referenceJacobian = this.jacobian(this.x0, this.y0, lon * RAD_PER_DEG, lat * RAD_PER_DEG);
	}

	/**
	 * Reads the coordinate system of a header with `naxis` axes; the celestial pair is found by CTYPE among up to nine.
	 * Throws `no-wcs`, `bad-wcs`, `bad-card` or `unsupported-wcs`, naming the card.
	 */
	static fromHeader(header: HeaderCards, naxis: number): CelestialWcs {
		return new CelestialWcs(readCelestialHeader(header, naxis));
	}

	/** [longitude in 0..360, latitude] in the image's own frame, NaN where the pixel is outside the projection. */
	pixelToSky(x: number, y: number, out: Float64Array = new Float64Array(2)): Float64Array {
		return this.write(this.pixelToDirection(x, y), out);
	}

	/** [RA in 0..360, Dec] in ICRS, NaN where the pixel is outside the projection. */
	pixelToIcrs(x: number, y: number, out: Float64Array = new Float64Array(2)): Float64Array {
		const inside = this.pixelToDirection(x, y);
		if (inside) directionToIcrs(this.transform, this.v);
		return this.write(inside, out);
	}

	/** [x, y] of a place in the image's own frame, NaN where it has no image. */
	skyToPixel(lonDeg: number, latDeg: number, out: Float64Array = new Float64Array(2)): Float64Array {
		this.setDirection(lonDeg, latDeg);
		return this.directionToPixel(out);
	}

	/** [x, y] of an ICRS place, NaN where it has no image. */
	icrsToPixel(raDeg: number, decDeg: number, out: Float64Array = new Float64Array(2)): Float64Array {
		this.setDirection(raDeg, decDeg);
		directionFromIcrs(this.transform, this.v);
		return this.directionToPixel(out);
	}

	/** Many ICRS places (degrees) to pixels at once; NaN where a place has no image. */
	icrsToPixels(ra: Float64Array, dec: Float64Array): { x: Float64Array; y: Float64Array } {
		const x = new Float64Array(ra.length);
		const y = new Float64Array(ra.length);
		const pixel = new Float64Array(2);
		for (let i = 0; i < ra.length; i++) {
			this.icrsToPixel(ra[i], dec[i], pixel);
			x[i] = pixel[0];
			y[i] = pixel[1];
		}
		return { x, y };
	}

	/**
	 * d(east, north)/d(x, y) at a pixel in degrees per pixel, as true angles on the sky and with the north of the image's
	 * own frame (the one that BPA refers to). NaN outside the projection.
	 */
	jacobianAt(x: number, y: number): PixelJacobian {
		const inside = this.pixelToDirection(x, y);
		const { v } = this;
		return inside
			? this.jacobian(x, y, Math.atan2(v[1], v[0]), Math.atan2(v[2], Math.hypot(v[0], v[1])))
			: { eastPerX: Number.NaN, eastPerY: Number.NaN, northPerX: Number.NaN, northPerY: Number.NaN };
	}

	/**
	 * Position angle, in the image's own frame, of the ICRS north at a pixel: degrees east of the image's north. Add it to
	 * an ICRS position angle to get the image's; 0 for an ICRS image.
	 */
	northOffsetDeg(x: number, y: number): number {
		if (this.frame.name === "icrs") return 0;
		if (!this.pixelToDirection(x, y)) return Number.NaN;
		const [px, py, pz] = this.v;
		const m = this.transform.toIcrsMatrix;
		// The ICRS pole seen in this frame is the last row of the matrix; the E-terms move it by nothing that matters.
		const ra = Math.atan2(py, px);
		const east = -Math.sin(ra) * m[6] + Math.cos(ra) * m[7];
		const rho = Math.hypot(px, py);
		const north = rho * m[8] - pz * (Math.cos(ra) * m[6] + Math.sin(ra) * m[7]);
		return Math.atan2(east, north) * DEG_PER_RAD;
	}

	private setDirection(lonDeg: number, latDeg: number): void {
		const lon = lonDeg * RAD_PER_DEG;
		const lat = latDeg * RAD_PER_DEG;
		const cos = Math.cos(lat);
		this.v[0] = cos * Math.cos(lon);
		this.v[1] = cos * Math.sin(lon);
		// Beyond a pole is nowhere.
		this.v[2] = Math.abs(latDeg) <= 90 ? Math.sin(lat) : Number.NaN;
	}

	/** Celestial direction of a pixel in `v`. */
	private pixelToDirection(x: number, y: number): boolean {
		const { v, linear, toCelestial: m } = this;
		const dx = x - this.x0;
		const dy = y - this.y0;
		if (!this.map.toDirection(linear[0] * dx + linear[1] * dy, linear[2] * dx + linear[3] * dy, v)) return false;
		const [a, b, c] = v;
		v[0] = m[0] * a + m[1] * b + m[2] * c;
		v[1] = m[3] * a + m[4] * b + m[5] * c;
		v[2] = m[6] * a + m[7] * b + m[8] * c;
		return true;
	}

	private directionToPixel(out: Float64Array): Float64Array {
		const { v, inverse, toCelestial: m } = this;
		const a = v[0];
		const b = v[1];
		const c = v[2];
		const inside = this.map.toPlane(
			m[0] * a + m[3] * b + m[6] * c,
			m[1] * a + m[4] * b + m[7] * c,
			m[2] * a + m[5] * b + m[8] * c,
			out,
		);
		const lon = inside ? out[0] : Number.NaN;
		const lat = inside ? out[1] : Number.NaN;
		out[0] = this.x0 + inverse[0] * lon + inverse[1] * lat;
		out[1] = this.y0 + inverse[2] * lon + inverse[3] * lat;
		return out;
	}

	private write(inside: boolean, out: Float64Array): Float64Array {
		const { v } = this;
		out[0] = inside ? wrapDegrees(Math.atan2(v[1], v[0]) * DEG_PER_RAD) : Number.NaN;
		out[1] = inside ? Math.atan2(v[2], Math.hypot(v[0], v[1])) * DEG_PER_RAD : Number.NaN;
		return out;
	}

	/** East and north at longitude and latitude (radians) against the derivatives of the direction at the pixel. */
	private jacobian(x: number, y: number, lon: number, lat: number): PixelJacobian {
		const { d, linear, toCelestial: m } = this;
		const dx = x - this.x0;
		const dy = y - this.y0;
		if (!this.map.derivatives(linear[0] * dx + linear[1] * dy, linear[2] * dx + linear[3] * dy, d)) d.fill(Number.NaN);
		const east = [-Math.sin(lon), Math.cos(lon), 0];
		const north = [-Math.sin(lat) * Math.cos(lon), -Math.sin(lat) * Math.sin(lon), Math.cos(lat)];
		const along = (axis: number[], at: number) => {
			let sum = 0;
			for (let row = 0; row < 3; row++) {
				sum += axis[row] * (m[3 * row] * d[at] + m[3 * row + 1] * d[at + 1] + m[3 * row + 2] * d[at + 2]);
			}
			return sum;
		};
		const [ea, eb, na, nb] = [along(east, 0), along(east, 3), along(north, 0), along(north, 3)];
		return {
			eastPerX: (ea * linear[0] + eb * linear[2]) * DEG_PER_RAD,
			eastPerY: (ea * linear[1] + eb * linear[3]) * DEG_PER_RAD,
			northPerX: (na * linear[0] + nb * linear[2]) * DEG_PER_RAD,
			northPerY: (na * linear[1] + nb * linear[3]) * DEG_PER_RAD,
		};
	}
}
