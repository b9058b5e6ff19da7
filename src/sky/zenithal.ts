import type { Projection } from "./projection.ts";

/**
 * Zenithal projections, symmetric about the reference point. With q = x^2 + y^2 the direction is (-y g(q), x g(q), f(q)),
 * where f is the cosine of the distance from the reference point and g its sine over the radius in the plane.
 */
interface RadialLaw {
	code: string;
	/** Greatest radius squared on the plane. */
	limit: number;
	/** [f, g, df/dq, dg/dq] in `out`. */
	law(q: number, out: Float64Array): void;
	/** Radius in the plane over the sine of the distance, NaN where there is none; `s2` is that sine squared. */
	scale(nz: number, s2: number): number;
}

function zenithal({ code, limit, law, scale }: RadialLaw): Projection {
	const terms = new Float64Array(4);
	return {
		code,
		referenceLatitude: 90,
		toDirection(x, y, out) {
			const q = x * x + y * y;
			if (!(q <= limit)) return false;
			law(q, terms);
			out[0] = -y * terms[1];
			out[1] = x * terms[1];
			out[2] = terms[0];
			return true;
		},
		toPlane(nx, ny, nz, out) {
			const factor = scale(nz, nx * nx + ny * ny);
			out[0] = factor * ny;
			out[1] = -factor * nx;
			return Number.isFinite(factor);
		},
		derivatives(x, y, out) {
			const q = x * x + y * y;
			if (!(q < limit)) return false;
			law(q, terms);
			const g = terms[1];
			const df = 2 * terms[2];
			const dg = 2 * terms[3];
			out[0] = -y * x * dg;
			out[1] = g + x * x * dg;
			out[2] = x * df;
			out[3] = -g - y * y * dg;
			out[4] = x * y * dg;
			out[5] = y * df;
			return true;
		},
	};
}

/** TAN, gnomonic: what a camera or a small interferometer image shows; one hemisphere. */
export const tangent = zenithal({
	code: "TAN",
	limit: Infinity,
	law(q, out) {
		const f = 1 / Math.sqrt(1 + q);
		out[0] = f;
		out[1] = f;
		out[2] = -0.5 * f * f * f;
		out[3] = out[2];
	},
	scale: (nz) => (nz > 0 ? 1 / nz : Number.NaN),
});

/** ARC, zenithal equidistant: radius equals distance. */
export const arc = zenithal({
	code: "ARC",
	limit: Math.PI * Math.PI,
	law(q, out) {
		const r = Math.sqrt(q);
		const f = Math.cos(r);
		const g = r === 0 ? 1 : Math.sin(r) / r;
		out[0] = f;
		out[1] = g;
		out[2] = -0.5 * g;
		// Near the centre the quotient cancels; the series is exact to 1e-16 there.
		out[3] = q < 1e-3 ? -1 / 6 + q / 60 - (q * q) / 1680 + (q * q * q) / 90720 : (f - g) / (2 * q);
	},
	scale(nz, s2) {
		const s = Math.sqrt(s2);
		return s === 0 ? (nz > 0 ? 1 : Number.NaN) : Math.atan2(s, nz) / s;
	},
});

/** STG, stereographic: conformal. */
export const stereographic = zenithal({
	code: "STG",
	limit: Infinity,
	law(q, out) {
		const g = 1 / (1 + q / 4);
		out[0] = (1 - q / 4) * g;
		out[1] = g;
		out[2] = -0.5 * g * g;
		out[3] = -0.25 * g * g;
	},
	scale: (nz, s2) => 2 / onePlusCosine(nz, s2),
});

/** ZEA, zenithal equal-area (Lambert). */
export const zenithalEqualArea = zenithal({
	code: "ZEA",
	limit: 4,
	law(q, out) {
		const g = Math.sqrt(1 - q / 4);
		out[0] = 1 - q / 2;
		out[1] = g;
		out[2] = -0.5;
		out[3] = -0.125 / g;
	},
	scale: (nz, s2) => Math.sqrt(2 / onePlusCosine(nz, s2)),
});

/** 1 + nz without cancellation near the antipode; 0 at the antipode itself, which has no single image. */
const onePlusCosine = (nz: number, s2: number) => (nz > -0.5 ? 1 + nz : s2 / (1 - nz));

/**
 * SIN with the slant of PVi_1 = xi and PVi_2 = eta (both 0: orthographic, the natural projection of an
 * interferometer). A point is visible when the rays of projection reach it from outside the sphere.
 */
export function slantOrthographic(xi: number, eta: number): Projection {
	const norm = 1 + xi * xi + eta * eta;
	const straight = xi === 0 && eta === 0;
	const scratch = new Float64Array(3);
	const toDirection = (x: number, y: number, out: Float64Array) => {
		let w: number;
		if (straight) {
			w = 1 - x * x - y * y;
			// The limb itself, which rounding may put outside.
			if (!(w > -1e-13)) return false;
			w = Math.sqrt(Math.max(0, w));
			out[0] = -y;
			out[1] = x;
			out[2] = w;
			return true;
		}
		// u = 1 - sin theta is the smaller root of norm u^2 - 2 (1 + xi x + eta y) u + x^2 + y^2 = 0, in the form that
		// does not cancel near the reference point.
		const half = 1 + xi * x + eta * y;
		const r2 = x * x + y * y;
		const square = half * half - norm * r2;
		if (!(square > -1e-13) || half <= 0) return false;
		const u = r2 / (half + Math.sqrt(Math.max(0, square)));
		out[0] = -y + eta * u;
		out[1] = x - xi * u;
		out[2] = 1 - u;
		return true;
	};
	return {
		code: "SIN",
		referenceLatitude: 90,
		toDirection,
		toPlane(nx, ny, nz, out) {
			const u = nz > 0 ? (nx * nx + ny * ny) / (1 + nz) : 1 - nz;
			out[0] = ny + xi * u;
			out[1] = -nx + eta * u;
			return nz + xi * ny - eta * nx >= 0;
		},
		derivatives(x, y, out) {
			if (!toDirection(x, y, scratch)) return false;
			const facing = scratch[2] + xi * scratch[1] - eta * scratch[0];
			if (!(facing > 0)) return false;
			const wx = -scratch[1] / facing;
			const wy = scratch[0] / facing;
			out[0] = -eta * wx;
			out[1] = 1 + xi * wx;
			out[2] = wx;
			out[3] = -1 - eta * wy;
			out[4] = xi * wy;
			out[5] = wy;
			return true;
		},
	};
}
