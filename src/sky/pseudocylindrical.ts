import { BORDER, setDirection } from "./cylindrical.ts";
import type { Projection } from "./projection.ts";

/** Derivatives of a direction from those of longitude and of the latitude's sine and cosine. */
function chain(
	phi: number,
	c: number,
	[phiX, sinX, cosX]: readonly [number, number, number],
	[phiY, sinY, cosY]: readonly [number, number, number],
	out: Float64Array,
): boolean {
	const cp = Math.cos(phi);
	const sp = Math.sin(phi);
	out[0] = cosX * cp - c * sp * phiX;
	out[1] = cosX * sp + c * cp * phiX;
	out[2] = sinX;
	out[3] = cosY * cp - c * sp * phiY;
	out[4] = cosY * sp + c * cp * phiY;
	out[5] = sinY;
	return Number.isFinite(out[0] + out[1] + out[2] + out[3] + out[4] + out[5]);
}

/** SFL, Sanson-Flamsteed (sinusoidal): x = longitude times the cosine of the latitude, y = latitude. */
export const sansonFlamsteed: Projection = {
	code: "SFL",
	referenceLatitude: 0,
	toDirection(x, y, out) {
		if (!(Math.abs(y) <= Math.PI / 2 + BORDER)) return false;
		const c = Math.cos(y);
		const phi = Math.abs(c) < 1e-15 ? (Math.abs(x) <= BORDER ? 0 : Number.NaN) : x / c;
		if (!(Math.abs(phi) <= Math.PI + BORDER)) return false;
		setDirection(phi, c, Math.sin(y), out);
		return true;
	},
	toPlane(nx, ny, nz, out) {
		const c = Math.hypot(nx, ny);
		out[0] = c === 0 ? 0 : Math.atan2(ny, nx) * c;
		out[1] = Math.atan2(nz, c);
		return true;
	},
	derivatives(x, y, out) {
		const c = Math.cos(y);
		const s = Math.sin(y);
		const phi = x / c;
		if (!(Math.abs(y) <= Math.PI / 2 && Math.abs(phi) <= Math.PI + BORDER)) return false;
		return chain(phi, c, [1 / c, 0, 0], [(phi * s) / c, c, -s], out);
	},
};

/** MOL, Mollweide: equal-area in an ellipse. */
export const mollweide: Projection = {
	code: "MOL",
	referenceLatitude: 0,
	toDirection(x, y, out) {
		const sg = y / Math.SQRT2;
		if (!(Math.abs(sg) <= 1 + BORDER)) return false;
		const sine = Math.max(-1, Math.min(1, sg));
		const cg = Math.sqrt((1 - sine) * (1 + sine));
		const phi = cg < 1e-15 ? (Math.abs(x) <= BORDER ? 0 : Number.NaN) : (x * Math.PI) / (2 * Math.SQRT2 * cg);
		if (!(Math.abs(phi) <= Math.PI + BORDER)) return false;
		// 1 - |sin theta| = (v - sin v)/pi with v = pi - 2|gamma| keeps the digits that the sine itself loses at a pole.
		const missing = angleMinusSine(2 * Math.atan2(cg, Math.abs(sine))) / Math.PI;
		setDirection(phi, Math.sqrt(missing * (2 - missing)), Math.sign(sine) * (1 - missing), out);
		return true;
	},
	toPlane(nx, ny, nz, out) {
		const c = Math.hypot(nx, ny);
		const gamma = mollweideAngle(Math.atan2(nz, c));
		out[0] = ((2 * Math.SQRT2) / Math.PI) * (c === 0 ? 0 : Math.atan2(ny, nx)) * Math.cos(gamma);
		out[1] = Math.SQRT2 * Math.sin(gamma);
		return true;
	},
	derivatives(x, y, out) {
		const sg = y / Math.SQRT2;
		if (!(Math.abs(sg) < 1)) return false;
		const cg = Math.sqrt(1 - sg * sg);
		const phi = (x * Math.PI) / (2 * Math.SQRT2 * cg);
		if (!(Math.abs(phi) <= Math.PI + BORDER)) return false;
		const missing = angleMinusSine(2 * Math.atan2(cg, Math.abs(sg))) / Math.PI;
		const s = Math.sign(sg) * (1 - missing);
		const c = Math.sqrt(missing * (2 - missing));
		const phiX = Math.PI / (2 * Math.SQRT2 * cg);
		const phiY = (phi * sg) / (cg * cg * Math.SQRT2);
		const sinY = ((4 / Math.PI) * cg) / Math.SQRT2;
		return chain(phi, c, [phiX, 0, 0], [phiY, sinY, (-s * sinY) / c], out);
	},
};

/** v - sin v without cancellation, for 0 <= v <= pi. */
function angleMinusSine(v: number): number {
	if (v > 0.5) return v - Math.sin(v);
	const v2 = v * v;
	return ((v * v2) / 6) * (1 - (v2 / 20) * (1 - (v2 / 42) * (1 - (v2 / 72) * (1 - (v2 / 110) * (1 - v2 / 156)))));
}

/**
 * Solves 2 gamma + sin 2 gamma = pi sin(theta) for gamma, as v - sin v = pi (1 - sin|theta|) with v = pi - 2|gamma|, by
 * Newton's method inside a bracket.
 */
function mollweideAngle(theta: number): number {
	const target = 2 * Math.PI * Math.sin(Math.PI / 4 - Math.abs(theta) / 2) ** 2;
	let low = 0;
	let high = Math.PI;
	let v = Math.min(Math.PI, Math.cbrt(6 * target));
	for (let round = 0; round < 100 && v > 0; round++) {
		const excess = angleMinusSine(v) - target;
		if (excess > 0) high = v;
		else low = v;
		let next = v - excess / (2 * Math.sin(v / 2) ** 2);
		if (!(next >= low && next <= high)) next = (low + high) / 2;
		const moved = Math.abs(next - v);
		v = next;
		if (moved <= 2e-16 * v) break;
	}
	return Math.sign(theta) * (Math.PI / 2 - v / 2);
}

/** AIT, Hammer-Aitoff: equal-area in an ellipse. */
export const hammerAitoff: Projection = {
	code: "AIT",
	referenceLatitude: 0,
	toDirection(x, y, out) {
		const z2 = 1 - (x * x) / 16 - (y * y) / 4;
		if (!(z2 >= 0.5 - BORDER)) return false;
		const z = Math.sqrt(z2);
		const q = 2 * z2 - 1;
		const p = (z * x) / 2;
		setDirection(p === 0 && q <= 0 ? 0 : 2 * Math.atan2(p, Math.max(0, q)), Math.hypot(p, q), y * z, out);
		return true;
	},
	toPlane(nx, ny, nz, out) {
		const c = Math.hypot(nx, ny);
		const half = c === 0 ? 0 : Math.atan2(ny, nx) / 2;
		const gamma = Math.sqrt(2 / (1 + c * Math.cos(half)));
		out[0] = 2 * gamma * c * Math.sin(half);
		out[1] = gamma * nz;
		return true;
	},
	derivatives(x, y, out) {
		const z2 = 1 - (x * x) / 16 - (y * y) / 4;
		if (!(z2 > 0.5)) return false;
		const z = Math.sqrt(z2);
		const q = 2 * z2 - 1;
		const p = (z * x) / 2;
		const c = Math.hypot(p, q);
		const zx = -x / (16 * z);
		const zy = -y / (4 * z);
		const s = y * z;
		const px = (z + x * zx) / 2;
		const py = (x * zy) / 2;
		const qx = 4 * z * zx;
		const qy = 4 * z * zy;
		const sinX = y * zx;
		const sinY = z + y * zy;
		const along = (pd: number, qd: number) => (2 * (q * pd - p * qd)) / (c * c);
		return chain(
			2 * Math.atan2(p, q),
			c,
			[along(px, qx), sinX, (-s * sinX) / c],
			[along(py, qy), sinY, (-s * sinY) / c],
			out,
		);
	},
};
