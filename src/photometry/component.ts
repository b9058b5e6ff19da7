/** Why a component must be read with care. Names as users see them. */
export const COMPONENT_FLAG = {
	/** The beam's shape was kept: too few pixels, or a free shape did not converge. */
	fixed_shape: 1,
	/** The fit did not settle within its iterations. */
	not_converged: 2,
	/** Fitted together with others. */
	blended: 4,
	/** The island was too large to fit: moments are given. */
	too_large: 8,
	/** Pixels of the component are missing: the image's edge or blank pixels. */
	edge: 16,
	/** A negative source. */
	negative: 32,
	/** Seen only after brighter neighbours were subtracted. */
	residual: 64,
	/** The position was kept: given, or not told by the pixels. */
	fixed_position: 128,
	/** No fit was possible. */
	not_fitted: 256,
} as const;

export type ComponentFlag = keyof typeof COMPONENT_FLAG;

export const componentFlagNames = (mask: number): ComponentFlag[] =>
	(Object.keys(COMPONENT_FLAG) as ComponentFlag[]).filter((name) => (mask & COMPONENT_FLAG[name]) !== 0);

/** A Gaussian found in an image, in pixels; fluxes in Jy/beam and Jy, negative for negative sources. */
export interface FoundComponent {
	/** From 1, in raster order of the islands' first pixels; islands of negative sources follow the positive ones. */
	islandId: number;
	/** From 0 within the island, brightest first. */
	componentId: number;
	x: number;
	y: number;
	peak: number;
	peakError: number;
	integrated: number;
	integratedError: number;
	/** exp(-(a dx^2 + b dx dy + c dy^2)). */
	kernel: { a: number; b: number; c: number };
	/** Covariance of (x, y): xx, xy, yy in square pixels. */
	positionCovariance: readonly [number, number, number];
	/** Covariance of (a, b, c): aa, ab, ac, bb, bc, cc; NaN for a shape that was not fitted. */
	shapeCovariance: readonly [number, number, number, number, number, number];
	/** Local noise and background at the position, Jy/beam. */
	localRms: number;
	background: number;
	/** peak / localRms. */
	snr: number;
	/** Bits of COMPONENT_FLAG. */
	flags: number;
}
