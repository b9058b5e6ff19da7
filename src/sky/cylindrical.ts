import type { Projection } from "./projection.ts";

/** How far beyond its border a map is still read, radians: rounding errors, no more. */
export const BORDER = 1e-13;

/** Writes the direction of native longitude and sine and cosine of the latitude. */
export function setDirection(phi: number, cosTheta: number, sinTheta: number, out: Float64Array): void {
	out[0] = cosTheta * Math.cos(phi);
	out[1] = cosTheta * Math.sin(phi);
	out[2] = sinTheta;
}

/** CAR, plate carree: x is longitude and y latitude. */
export const plateCarree: Projection = {
	code: "CAR",
	referenceLatitude: 0,
	toDirection(x, y, out) {
		if (!(Math.abs(x) <= Math.PI + BORDER && Math.abs(y) <= Math.PI / 2 + BORDER)) return false;
		setDirection(x, Math.cos(y), Math.sin(y), out);
		return true;
	},
	toPlane(nx, ny, nz, out) {
		out[0] = Math.atan2(ny, nx);
		out[1] = Math.atan2(nz, Math.hypot(nx, ny));
		return true;
	},
	derivatives(x, y, out) {
		if (!(Math.abs(x) <= Math.PI + BORDER && Math.abs(y) <= Math.PI / 2 + BORDER)) return false;
		const c = Math.cos(y);
		const s = Math.sin(y);
		out[0] = -c * Math.sin(x);
		out[1] = c * Math.cos(x);
		out[2] = 0;
		out[3] = -s * Math.cos(x);
		out[4] = -s * Math.sin(x);
		out[5] = c;
		return true;
	},
};

/** CEA, cylindrical equal-area, with lambda = PVi_1: x is longitude, y = sin(latitude)/lambda. */
export function cylindricalEqualArea(lambda: number): Projection {
	return {
		code: "CEA",
		referenceLatitude: 0,
		toDirection(x, y, out) {
			const s = lambda * y;
			if (!(Math.abs(x) <= Math.PI + BORDER && Math.abs(s) <= 1 + BORDER)) return false;
			const sine = Math.max(-1, Math.min(1, s));
			setDirection(x, Math.sqrt(1 - sine * sine), sine, out);
			return true;
		},
		toPlane(nx, ny, nz, out) {
			out[0] = Math.atan2(ny, nx);
			out[1] = nz / lambda;
			return true;
		},
		derivatives(x, y, out) {
			const s = lambda * y;
			if (!(Math.abs(x) <= Math.PI + BORDER && Math.abs(s) < 1)) return false;
			const c = Math.sqrt(1 - s * s);
			out[0] = -c * Math.sin(x);
			out[1] = c * Math.cos(x);
			out[2] = 0;
			out[3] = ((-lambda * s) / c) * Math.cos(x);
			out[4] = ((-lambda * s) / c) * Math.sin(x);
			out[5] = lambda;
			return true;
		},
	};
}
