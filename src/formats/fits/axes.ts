import { badInput } from "../../error.ts";
import type { FitsHeader } from "./header.ts";

/** Stokes parameters and correlations by their FITS codes (standard 4.0, table 29). */
const STOKES: Record<number, string> = {
	1: "I",
	2: "Q",
	3: "U",
	4: "V",
	[-1]: "RR",
	[-2]: "LL",
	[-3]: "RL",
	[-4]: "LR",
	[-5]: "XX",
	[-6]: "YY",
	[-7]: "XY",
	[-8]: "YX",
};

/** The name of a FITS Stokes code, or undefined. */
export const stokesName = (code: number): string | undefined => STOKES[Math.round(code)];

/** Cards for axes beyond NAXIS linger in cut-outs: look this far. */
const MOST_AXES = 9;
/** There are not more Stokes parameters and correlations than these. */
const MOST_STOKES = 16;

/** Axis numbers count from 1, as in the keywords. */
export interface ImageAxes {
	x: number;
	y: number;
	width: number;
	height: number;
	/** Every further axis within NAXIS, in order, with its length. */
	extra: { axis: number; length: number; type: string }[];
}

/** The type of an axis in capitals, its projection included: `RA---SIN`, `FREQ`, `STOKES`; empty when not given. */
export const axisType = (header: FitsHeader, axis: number): string => (header.text(`CTYPE${axis}`) ?? "").toUpperCase();

const isLongitude = (type: string) => /^(RA($|-)|[GEHS]LON|.LON-|..LN-)/.test(type);
const isLatitude = (type: string) => /^(DEC($|-)|[GEHS]LAT|.LAT-|..LT-)/.test(type);

/**
 * Which axes are the sky's, found by CTYPE whatever their order; where no axis says, the first two.
 * @throws CausticError when there are not two of them, or when another axis that is not degenerate varies faster.
 */
export function imageAxes(header: FitsHeader): ImageAxes {
	const { naxis, source } = header;
	const numbers = naxis.map((_, i) => i + 1);
	const longitude = numbers.find((axis) => isLongitude(axisType(header, axis)));
	const latitude = numbers.find((axis) => isLatitude(axisType(header, axis)));
	let sky = [longitude, latitude].filter((axis) => axis !== undefined).sort((a, b) => a - b);
	if (sky.length !== 2) sky = naxis.length >= 2 ? [1, 2] : [];
	const [x, y] = sky;
	if (x === undefined || naxis[x - 1] < 1 || naxis[y - 1] < 1) {
		throw badInput("not-an-image", `NAXIS = ${naxis.join(" x ") || 0} is not a plane of pixels`, {
			subject: source,
			remedy: "Give a FITS image of at least two axes",
		});
	}
	const extra = numbers
		.filter((axis) => axis !== x && axis !== y)
		.map((axis) => ({ axis, length: naxis[axis - 1], type: axisType(header, axis) || `axis ${axis}` }));
	for (const { axis, length, type } of extra) {
		if (length < 1) {
			throw badInput("not-an-image", `NAXIS${axis} = 0 leaves no pixels`, { subject: source });
		}
		if (axis < y && length > 1) {
			throw badInput("unsupported-axes", `axis ${axis} (${type}, ${length} long) comes before the sky's axes`, {
				subject: source,
				remedy: "Reorder the cube so that the two axes of the sky come first",
			});
		}
	}
	return { x, y, width: naxis[x - 1], height: naxis[y - 1], extra };
}

/** The value of a linear axis at a 0-based pixel; undefined when the header does not say. */
export function axisValue(header: FitsHeader, axis: number, pixel: number): number | undefined {
	const value = header.number(`CRVAL${axis}`);
	if (value === undefined || axis > header.naxis.length) return value;
	return value + (pixel + 1 - (header.number(`CRPIX${axis}`) ?? 0)) * (axisStep(header, axis) ?? 0);
}

/** CDELT of an axis, or the diagonal of its CD matrix; undefined when the header does not say. */
export const axisStep = (header: FitsHeader, axis: number): number | undefined =>
	header.number(`CD${axis}_${axis}`) ?? header.number(`CDELT${axis}`);

/** The number of the axis whose type begins like this, lingering cards beyond NAXIS included. */
export function findAxis(header: FitsHeader, pattern: RegExp): number | undefined {
	for (let axis = 1; axis <= Math.max(MOST_AXES, header.naxis.length); axis++) {
		if (pattern.test(axisType(header, axis))) return axis;
	}
	return undefined;
}

/** One plane of an image: which 0-based pixel of every extra axis, and its number in the order of the file. */
export interface ChosenPlane {
	index: number;
	/** 0-based pixel by axis number. */
	pixels: Map<number, number>;
	stokes: string | undefined;
}

/**
 * Chooses one plane. Axes of length one need no choice; a STOKES axis is chosen by name; what remains is numbered
 * from 0 by `plane`, first axis fastest.
 * @throws CausticError naming the axis when a choice is needed or does not exist.
 */
export function choosePlane(
	header: FitsHeader,
	axes: ImageAxes,
	options: { plane?: number; stokes?: string },
): ChosenPlane {
	const { source } = header;
	const pixels = new Map<number, number>();
	const stokesAxis = findAxis(header, /^STOKES/);
	const wanted = options.stokes?.toUpperCase();
	if (wanted !== undefined) {
		const length = stokesAxis === undefined ? 0 : Math.min(MOST_STOKES, header.naxis[stokesAxis - 1] ?? 1);
		const names = Array.from({ length }, (_, i) => stokesName(axisValue(header, stokesAxis as number, i) ?? 0));
		const index = names.indexOf(wanted);
		if (index < 0 && !(names.length === 0 && wanted === "I")) {
			throw badInput(
				"no-such-plane",
				`there is no Stokes ${wanted}: it holds ${names.join(", ") || "no Stokes axis"}`,
				{
					subject: source,
					remedy: "Choose one that it holds",
				},
			);
		}
		if (stokesAxis !== undefined && stokesAxis <= header.naxis.length) pixels.set(stokesAxis, index);
	}
	const open = axes.extra.filter(({ axis, length }) => length > 1 && !pixels.has(axis));
	const planes = open.reduce((product, { length }) => product * length, 1);
	if (options.plane === undefined && planes > 1) {
		const names = open.map(({ axis, type, length }) => `axis ${axis} (${type}) has ${length} planes`).join(", ");
		throw badInput("plane-not-chosen", `${names}, and one image is a single plane`, {
			subject: source,
			remedy: `Choose a plane from 0 to ${planes - 1}`,
		});
	}
	const plane = options.plane ?? 0;
	if (!Number.isInteger(plane) || plane < 0 || plane >= planes) {
		throw badInput("no-such-plane", `there is no plane ${plane}`, {
			subject: source,
			remedy: planes === 1 ? "It has one plane, number 0" : `Choose a plane from 0 to ${planes - 1}`,
		});
	}
	let rest = plane;
	for (const { axis, length } of axes.extra) {
		if (pixels.has(axis)) continue;
		pixels.set(axis, rest % length);
		rest = Math.floor(rest / length);
	}
	let index = 0;
	let stride = 1;
	for (const { axis, length } of axes.extra) {
		index += (pixels.get(axis) ?? 0) * stride;
		stride *= length;
	}
	const code = stokesAxis === undefined ? undefined : axisValue(header, stokesAxis, pixels.get(stokesAxis) ?? 0);
	return { index, pixels, stokes: code === undefined ? undefined : stokesName(code) };
}
