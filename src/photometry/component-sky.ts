import { FWHM_PER_SIGMA, type PixelJacobian } from "../sky/beam.ts";
import { componentFlagNames, type FoundComponent } from "./component.ts";

/** What is asked of an image's coordinates. */
export interface PixelsOnSky {
	pixelToIcrs(x: number, y: number): ArrayLike<number>;
	/** d(east, north)/d(x, y), degrees per pixel. */
	jacobianAt(x: number, y: number): PixelJacobian;
}

/** Found components by column, in the units of tables. Position angles are in the image's frame. */
export interface SkyComponents {
	islandId: Int32Array;
	componentId: Int32Array;
	raDeg: Float64Array;
	raErrArcsec: Float64Array;
	decDeg: Float64Array;
	decErrArcsec: Float64Array;
	peakJy: Float64Array;
	peakErrJy: Float64Array;
	intJy: Float64Array;
	intErrJy: Float64Array;
	majorArcsec: Float64Array;
	majorErrArcsec: Float64Array;
	minorArcsec: Float64Array;
	minorErrArcsec: Float64Array;
	paDeg: Float64Array;
	paErrDeg: Float64Array;
	localRmsJy: Float64Array;
	backgroundJy: Float64Array;
	snr: Float64Array;
	flags: string[];
}

/** FWHM axes in arcsec and position angle in degrees, (-90, 90], of a kernel in pixels. */
function axesOnSky(a: number, b: number, c: number, j: PixelJacobian): [major: number, minor: number, pa: number] {
	// Q_pix = J^T Q_sky J, so that Q_sky = K^T Q_pix K with K the inverse of J.
	const det = j.eastPerX * j.northPerY - j.eastPerY * j.northPerX;
	const xe = j.northPerY / det;
	const xn = -j.eastPerY / det;
	const ye = -j.northPerX / det;
	const yn = j.eastPerX / det;
	const ee = a * xe * xe + b * xe * ye + c * ye * ye;
	const en = a * xe * xn + (b * (xe * yn + xn * ye)) / 2 + c * ye * yn;
	const nn = a * xn * xn + b * xn * yn + c * yn * yn;
	const mean = (ee + nn) / 2;
	const half = Math.hypot((ee - nn) / 2, en);
	const width = (q: number) => FWHM_PER_SIGMA * Math.sqrt(1 / (2 * q)) * 3600;
	// The major axis is the direction of the smaller eigenvalue: (sin PA, cos PA) in (east, north).
	const pa = (0.5 * Math.atan2(-2 * en, ee - nn) * 180) / Math.PI;
	return [width(mean - half), width(mean + half), pa <= -90 ? pa + 180 : pa > 90 ? pa - 180 : pa];
}

/** Brings components from pixels to the sky, errors propagated through the coordinates at each place. */
export function componentsOnSky(components: readonly FoundComponent[], wcs: PixelsOnSky): SkyComponents {
	const n = components.length;
	const column = () => new Float64Array(n).fill(Number.NaN);
	const out: SkyComponents = {
		islandId: Int32Array.from(components, (component) => component.islandId),
		componentId: Int32Array.from(components, (component) => component.componentId),
		raDeg: column(),
		raErrArcsec: column(),
		decDeg: column(),
		decErrArcsec: column(),
		peakJy: Float64Array.from(components, (component) => component.peak),
		peakErrJy: Float64Array.from(components, (component) => component.peakError),
		intJy: Float64Array.from(components, (component) => component.integrated),
		intErrJy: Float64Array.from(components, (component) => component.integratedError),
		majorArcsec: column(),
		majorErrArcsec: column(),
		minorArcsec: column(),
		minorErrArcsec: column(),
		paDeg: column(),
		paErrDeg: column(),
		localRmsJy: Float64Array.from(components, (component) => component.localRms),
		backgroundJy: Float64Array.from(components, (component) => component.background),
		snr: Float64Array.from(components, (component) => component.snr),
		flags: components.map((component) => componentFlagNames(component.flags).join("|")),
	};
	components.forEach(({ x, y, kernel, positionCovariance, shapeCovariance }, i) => {
		const sky = wcs.pixelToIcrs(x, y);
		out.raDeg[i] = sky[0];
		out.decDeg[i] = sky[1];
		const j = wcs.jacobianAt(x, y);
		const [xx, xy, yy] = positionCovariance;
		out.raErrArcsec[i] =
			3600 * Math.sqrt(j.eastPerX ** 2 * xx + 2 * j.eastPerX * j.eastPerY * xy + j.eastPerY ** 2 * yy);
		out.decErrArcsec[i] =
			3600 * Math.sqrt(j.northPerX ** 2 * xx + 2 * j.northPerX * j.northPerY * xy + j.northPerY ** 2 * yy);
		const { a, b, c } = kernel;
		const axes = axesOnSky(a, b, c, j);
		[out.majorArcsec[i], out.minorArcsec[i], out.paDeg[i]] = axes;
		const [aa, ab, ac, bb, bc, cc] = shapeCovariance;
		const covariance = [aa, ab, ac, ab, bb, bc, ac, bc, cc];
		const scale = 1e-4 * (a + c);
		const gradient = [0, 1, 2].map((k) => {
			const up = [a, b, c];
			const down = [a, b, c];
			up[k] += scale;
			down[k] -= scale;
			const high = axesOnSky(up[0], up[1], up[2], j);
			const low = axesOnSky(down[0], down[1], down[2], j);
			// Across the branch cut of the position angle the difference wraps.
			const turn = ((high[2] - low[2] + 270) % 180) - 90;
			return [(high[0] - low[0]) / (2 * scale), (high[1] - low[1]) / (2 * scale), turn / (2 * scale)];
		});
		const errors = [0, 1, 2].map((axis) => {
			let variance = 0;
			for (let p = 0; p < 3; p++)
				for (let q = 0; q < 3; q++) variance += gradient[p][axis] * gradient[q][axis] * covariance[3 * p + q];
			return Math.sqrt(Math.max(0, variance));
		});
		[out.majorErrArcsec[i], out.minorErrArcsec[i]] = errors;
		out.paErrDeg[i] = Math.min(90, errors[2]);
	});
	return out;
}
