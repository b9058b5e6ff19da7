/**
 * A map projection of Calabretta & Greisen 2002 (A&A 395, 1077), on the unit sphere: the plane is in radians, a
 * direction is a unit vector (cos theta cos phi, cos theta sin phi, sin theta) of native longitude phi and latitude
 * theta. Vectors instead of angles keep every digit at the poles.
 */
export interface Projection {
	/** The three letters of CTYPE. */
	readonly code: string;
	/** Native latitude of the reference point, degrees: 90 for zenithal projections, 0 for cylindrical ones. */
	readonly referenceLatitude: 0 | 90;
	/** Plane (x, y) to a direction in `out[0..2]`; false when the point is outside the map. */
	toDirection(x: number, y: number, out: Float64Array): boolean;
	/** Direction to the plane, in `out[0..1]`; false when it has no image. */
	toPlane(nx: number, ny: number, nz: number, out: Float64Array): boolean;
	/** Derivatives of the direction: d/dx in `out[0..2]`, d/dy in `out[3..5]`; false where they do not exist. */
	derivatives(x: number, y: number, out: Float64Array): boolean;
}
