import { FWHM_PER_SIGMA, kernelAxes, type PixelKernel } from "../sky/beam.ts";
import { COMPONENT_FLAG } from "./component.ts";
import { footprint } from "./footprint.ts";
import { type FitPixels, type FitResult, type Freedom, fitGaussians, PARAMETERS } from "./gaussian-fit.ts";
import type { ResidualMap } from "./residual-map.ts";

/** Components that are fitted together. */
export interface FitGroup {
	/** Island of each component. */
	island: number[];
	/** PARAMETERS numbers per component. */
	parameters: Float64Array;
	freedom: Freedom[];
	flags: number[];
	/** From where positions and shapes are limited (priorised fits): nothing is then taken out of the group. */
	anchor?: Float64Array;
	/** Pixels to fit beside the components' own footprints, on the first fit: the bright part of a resolved island. */
	extra: number[];
	/** The pixels of the last fit (indices into the plane), kept for the covariance. */
	pixels: Int32Array | undefined;
}

export interface FitSettings {
	beam: PixelKernel;
	level: number;
	maxIterations: number;
	/** How far a position may move, pixels; half the diagonal of the beam when not given. */
	positionLimit?: number;
	/** By what factor an axis may change. */
	shapeRatio?: number;
	/** No fit looks at more pixels than this. */
	maxPixels: number;
}

/** Flags that each fit sets anew. */
const REJUDGED =
	COMPONENT_FLAG.fixed_shape | COMPONENT_FLAG.fixed_position | COMPONENT_FLAG.not_converged | COMPONENT_FLAG.edge;
/** Fewer pixels than this, or a footprint this narrow, cannot tell a shape. */
const LEAST_PIXELS_FOR_SHAPE = 7;
const LEAST_WIDTH_FOR_SHAPE = 3;
const LEAST_SIGMA = 0.3;
const GREATEST_SIGMA = 20;

/** Fits a group against the residual map, which is left with the group's new model subtracted. */
export function fitGroup(group: FitGroup, residual: ResidualMap, settings: FitSettings, first: boolean): void {
	const { beam, level, maxIterations, maxPixels } = settings;
	const { width, height } = residual.plane;
	const components = group.freedom.length;
	if (!first) residual.add(group.parameters, 1);
	const list = footprint(group.parameters, level, width, height, maxPixels);
	const all = first && group.extra.length > 0 ? [...new Set([...list, ...group.extra])].sort((p, q) => p - q) : list;
	const pixels = residual.read(all.slice(0, maxPixels));
	const lost = pixels.count < all.length;
	const enough = hasShape(pixels, components);
	const { majorPx, minorPx } = kernelAxes(beam);
	const attempt = (freedom: Freedom[], start: Float64Array) =>
		fitGaussians({
			pixels,
			start,
			freedom,
			anchor: group.anchor,
			positionLimit: settings.positionLimit ?? 0.5 * Math.hypot(majorPx, minorPx),
			shapeRatio: settings.shapeRatio,
			leastSigma: (LEAST_SIGMA * minorPx) / FWHM_PER_SIGMA,
			greatestSigma: (GREATEST_SIGMA * majorPx) / FWHM_PER_SIGMA,
			maxIterations,
			isInside: (x, y) => residual.isNearValid(x, y, 0.5 * minorPx),
		});
	// Where pixels are missing or neighbours crowd, a free shape may not settle, nor may a free position.
	const trials: Freedom[][] = [];
	for (const most of [6, 3, 1] as const) {
		if (most === 6 && !enough) continue;
		if (most < 6 && trials.length > 0 && !group.freedom.some((free) => free > most)) continue;
		trials.push(group.freedom.map((free) => (free > most ? most : free)));
	}
	let best: { fit: FitResult; freedom: Freedom[] } | undefined;
	for (const freedom of trials) {
		const fit = attempt(freedom, startOf(group, freedom, beam));
		const sound = plausible(fit, freedom, pixels, majorPx);
		if (best === undefined || sound || !plausible(best.fit, best.freedom, pixels, majorPx)) best = { fit, freedom };
		if (fit.converged && sound) break;
	}
	const { fit, freedom } = best as { fit: FitResult; freedom: Freedom[] };
	for (let c = 0; c < components; c++) {
		let flags = group.flags[c] & ~REJUDGED;
		if (freedom[c] < 6) flags |= COMPONENT_FLAG.fixed_shape;
		if (freedom[c] < 3) flags |= COMPONENT_FLAG.fixed_position;
		if (!fit.converged) flags |= COMPONENT_FLAG.not_converged;
		if (lost || touchesEdge(fit.parameters, c, width, height)) flags |= COMPONENT_FLAG.edge;
		if (components > 1) flags |= COMPONENT_FLAG.blended;
		group.flags[c] = flags;
	}
	group.parameters = fit.parameters;
	group.freedom = freedom;
	group.pixels = Int32Array.from(all.slice(0, maxPixels));
	residual.add(group.parameters, -1);
	if (group.anchor === undefined && prune(group, residual, majorPx)) fitGroup(group, residual, settings, false);
}

/** Fitted peaks below this many times the noise are no source. */
const LEAST_SNR = 2;
/** Components this close (in major axes) describe one source. */
const LEAST_SEPARATION = 0.2;

/** Takes out the worst component of a blend that has lost its meaning; true if there was one. */
function prune(group: FitGroup, residual: ResidualMap, majorPx: number): boolean {
	const n = group.freedom.length;
	if (n < 2) return false;
	const { parameters } = group;
	let worst = -1;
	let lowest = Infinity;
	for (let c = 0; c < n; c++) {
		const [peak, x, y] = parameters.subarray(c * PARAMETERS, c * PARAMETERS + 3);
		const rms = residual.noise.data[Math.round(y) * residual.plane.width + Math.round(x)];
		let lost = !(peak > LEAST_SNR * rms);
		for (let o = 0; o < n && !lost; o++) {
			const near =
				Math.hypot(x - parameters[o * PARAMETERS + 1], y - parameters[o * PARAMETERS + 2]) < LEAST_SEPARATION * majorPx;
			if (o !== c && near && parameters[o * PARAMETERS] >= peak) lost = true;
		}
		if (lost && peak < lowest) {
			lowest = peak;
			worst = c;
		}
	}
	if (worst < 0) return false;
	residual.add(parameters, 1);
	const others = Array.from({ length: n }, (_, c) => c).filter((c) => c !== worst);
	group.parameters = Float64Array.from(
		others.flatMap((c) => [...parameters.subarray(c * PARAMETERS, (c + 1) * PARAMETERS)]),
	);
	group.freedom = others.map((c) => group.freedom[c]);
	group.flags = others.map((c) => group.flags[c] & ~COMPONENT_FLAG.blended);
	group.island = others.map((c) => group.island[c]);
	residual.add(group.parameters, -1);
	return true;
}

/** The start of a fit: what is free no longer is put back to where it was given, or to the beam's shape. */
function startOf(group: FitGroup, after: readonly Freedom[], beam: PixelKernel): Float64Array {
	const { parameters, freedom, anchor } = group;
	const start = parameters.slice();
	for (let c = 0; c < after.length; c++) {
		const p = c * PARAMETERS;
		if (freedom[c] === 6 && after[c] < 6) start.set(anchor?.subarray(p + 3, p + 6) ?? [beam.a, beam.b, beam.c], p + 3);
		if (after[c] < 3 && anchor !== undefined) start.set(anchor.subarray(p + 1, p + 3), p + 1);
	}
	return start;
}

/** Whether the pixels can tell six parameters for each component. */
function hasShape(pixels: FitPixels, components: number): boolean {
	if (pixels.count < LEAST_PIXELS_FOR_SHAPE * components) return false;
	let [x0, x1, y0, y1] = [Infinity, -Infinity, Infinity, -Infinity];
	for (let i = 0; i < pixels.count; i++) {
		x0 = Math.min(x0, pixels.x[i]);
		x1 = Math.max(x1, pixels.x[i]);
		y0 = Math.min(y0, pixels.y[i]);
		y1 = Math.max(y1, pixels.y[i]);
	}
	return x1 - x0 + 1 >= LEAST_WIDTH_FOR_SHAPE && y1 - y0 + 1 >= LEAST_WIDTH_FOR_SHAPE;
}

/** Peaks that are positive and not far above anything seen, and positions that the pixels do tell. */
function plausible(fit: FitResult, freedom: readonly Freedom[], pixels: FitPixels, majorPx: number): boolean {
	let highest = 0;
	for (let i = 0; i < pixels.count; i++) highest = Math.max(highest, pixels.data[i]);
	let offset = 0;
	for (let c = 0; c < freedom.length; c++) {
		const peak = fit.parameters[c * PARAMETERS];
		if (!(peak > 0 && peak < 3 * highest)) return false;
		if (freedom[c] >= 3) {
			const [, x, y] = fit.formalErrors.subarray(offset, offset + 3);
			if (!(x < 0.5 * majorPx && y < 0.5 * majorPx)) return false;
		}
		offset += freedom[c];
	}
	return true;
}

function touchesEdge(parameters: Float64Array, component: number, width: number, height: number): boolean {
	const [, x, y, a, b, c] = parameters.subarray(component * PARAMETERS, (component + 1) * PARAMETERS);
	const det = 4 * a * c - b * b;
	const reachX = Math.sqrt((4 * c * Math.LN2) / det);
	const reachY = Math.sqrt((4 * a * Math.LN2) / det);
	return x - reachX < 0 || y - reachY < 0 || x + reachX > width - 1 || y + reachY > height - 1;
}
