import { badInput } from "../error.ts";
import { separationDeg } from "../sky/separation.ts";

/** The circle on the sky within which a field's flux scale is described. */
export interface FieldGeometry {
	centreRaDeg: number;
	centreDecDeg: number;
	/** Radius that becomes 1 in field coordinates. */
	radiusDeg: number;
}

const RADIANS = Math.PI / 180;

/**
 * Direction cosines (l towards east, m towards north) about the field's centre, in units of the sine of its radius: the
 * unit disc is the field. Exact at RA 0 and at the poles. Positions more than 90 degrees away are NaN.
 */
export function fieldCoordinates(
	raDeg: Float64Array,
	decDeg: Float64Array,
	field: FieldGeometry,
): { x: Float64Array; y: Float64Array } {
	if (!(field.radiusDeg > 0 && field.radiusDeg <= 90)) {
		throw badInput("bad-option", `${field.radiusDeg} degrees is no radius of a field`, {
			subject: "radiusDeg",
			remedy: "Give a radius above 0 and up to 90 degrees",
		});
	}
	const scale = 1 / Math.sin(field.radiusDeg * RADIANS);
	const sin0 = Math.sin(field.centreDecDeg * RADIANS);
	const cos0 = Math.cos(field.centreDecDeg * RADIANS);
	const x = new Float64Array(raDeg.length);
	const y = new Float64Array(raDeg.length);
	for (let i = 0; i < raDeg.length; i++) {
		const dra = (raDeg[i] - field.centreRaDeg) * RADIANS;
		const sin = Math.sin(decDeg[i] * RADIANS);
		const cos = Math.cos(decDeg[i] * RADIANS);
		const along = sin * sin0 + cos * cos0 * Math.cos(dra);
		x[i] = along > 0 ? scale * cos * Math.sin(dra) : Number.NaN;
		y[i] = along > 0 ? scale * (sin * cos0 - cos * sin0 * Math.cos(dra)) : Number.NaN;
	}
	return { x, y };
}

/** Centre (mean direction) and radius of the smallest centred circle that holds all finite positions. */
export function fieldOf(raDeg: Float64Array, decDeg: Float64Array): FieldGeometry {
	let sx = 0;
	let sy = 0;
	let sz = 0;
	for (let i = 0; i < raDeg.length; i++) {
		const cos = Math.cos(decDeg[i] * RADIANS);
		const x = cos * Math.cos(raDeg[i] * RADIANS);
		if (Number.isNaN(x)) continue;
		sx += x;
		sy += cos * Math.sin(raDeg[i] * RADIANS);
		sz += Math.sin(decDeg[i] * RADIANS);
	}
	const centreRaDeg = (Math.atan2(sy, sx) / RADIANS + 360) % 360;
	const centreDecDeg = Math.atan2(sz, Math.hypot(sx, sy)) / RADIANS;
	let radiusDeg = 0;
	for (let i = 0; i < raDeg.length; i++) {
		const separation = separationDeg(raDeg[i], decDeg[i], centreRaDeg, centreDecDeg);
		if (separation > radiusDeg) radiusDeg = separation;
	}
	return { centreRaDeg, centreDecDeg, radiusDeg: Math.min(90, Math.max(radiusDeg, 1e-6)) };
}

/** Corners of the convex hull, counter-clockwise (Andrew's monotone chain). */
export function convexHull(x: ArrayLike<number>, y: ArrayLike<number>): { x: number; y: number }[] {
	const points = Array.from({ length: x.length }, (_, i) => ({ x: x[i], y: y[i] }))
		.filter((point) => Number.isFinite(point.x + point.y))
		.sort((a, b) => a.x - b.x || a.y - b.y);
	if (points.length < 3) return points;
	const cross = (o: { x: number; y: number }, a: { x: number; y: number }, b: { x: number; y: number }) =>
		(a.x - o.x) * (b.y - o.y) - (a.y - o.y) * (b.x - o.x);
	const half = (sequence: typeof points) => {
		const chain: typeof points = [];
		for (const point of sequence) {
			while (chain.length >= 2 && cross(chain[chain.length - 2], chain[chain.length - 1], point) <= 0) chain.pop();
			chain.push(point);
		}
		chain.pop();
		return chain;
	};
	return [...half(points), ...half(points.toReversed())];
}

/** The place itself when it lies within the hull, else the nearest place on its edge, and how far away that is. */
export function nearestInHull(hull: { x: number; y: number }[], x: number, y: number) {
	if (hull.length === 0) return { x, y, distance: Infinity };
	let inside = hull.length >= 3;
	let best = { x: hull[0].x, y: hull[0].y, distance: Math.hypot(x - hull[0].x, y - hull[0].y) };
	for (let k = 0; k < hull.length; k++) {
		const a = hull[k];
		const b = hull[(k + 1) % hull.length];
		const dx = b.x - a.x;
		const dy = b.y - a.y;
		if (dx * (y - a.y) - dy * (x - a.x) < 0) inside = false;
		const length2 = dx * dx + dy * dy;
		const t = length2 > 0 ? Math.min(1, Math.max(0, ((x - a.x) * dx + (y - a.y) * dy) / length2)) : 0;
		const px = a.x + t * dx;
		const py = a.y + t * dy;
		const distance = Math.hypot(x - px, y - py);
		if (distance < best.distance) best = { x: px, y: py, distance };
	}
	return inside ? { x, y, distance: 0 } : best;
}
