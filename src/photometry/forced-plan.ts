import { badInput } from "../error.ts";
import { kernelAxes, type PixelKernel } from "../sky/beam.ts";
import type { Plane } from "../sky/plane.ts";
import { type BlendGroups, blendGroups } from "./blend-groups.ts";
import { type NoiseCorrelation, varianceFactor } from "./noise-correlation.ts";
import { StampLoops } from "./stamp-loops.ts";

export interface ForcedOptions {
	/** Stamp width in major axes of the kernel. */
	stampBeams?: number;
	/** Sources closer than this many major axes of the beam are solved together. */
	blendBeams?: number;
	/** Members of a blend closer than this many major axes cannot be told apart: their sum is reported. */
	degenerateBeams?: number;
	/** Least share of the kernel's weight on valid pixels for a value. */
	minCoverage?: number;
	/** Below this share the value is flagged `partial`. */
	partialCoverage?: number;
	/** Fluxes below this many errors get an upper limit of max(flux, 0) + limitSigma * error. */
	limitSigma?: number;
	/** `least-squares`: 1/n^2. `optimal`: generalised least squares under the noise correlation, where that is more precise. */
	weights?: "least-squares" | "optimal";
}

export interface ForcedInput {
	/** Jy/beam. NaN is "no data". */
	image: Plane;
	/** Local rms, Jy/beam, same grid. Zero or NaN is "not measured". */
	noise: Plane;
	/** Subtracted from the image, Jy/beam, same grid. */
	background?: Plane;
	/** Positions in 0-based pixels. */
	x: ArrayLike<number>;
	y: ArrayLike<number>;
	/** The shape to measure with: one for all, or one for each position (beam geometry or resolved shapes). */
	kernels: PixelKernel | readonly PixelKernel[];
	/** The beam that sets which sources are blended; the longest kernel when not given. */
	beam?: PixelKernel;
	/** Rows measured with a shape other than the beam, for the flag `resolved`. */
	resolved?: ArrayLike<number>;
	noiseCorrelation: NoiseCorrelation;
	options?: ForcedOptions;
}

/** A beam this long in pixels is a header in wrong units. */
const LONGEST_AXIS_PX = 512;
/** Beams narrower than this are undersampled: sums over pixels then differ from integrals. */
const SAMPLED_AXIS_PX = 2;

export const FORCED_DEFAULTS: Required<ForcedOptions> = {
	stampBeams: 3,
	blendBeams: 2.5,
	degenerateBeams: 0.25,
	minCoverage: 0.5,
	partialCoverage: 0.9,
	limitSigma: 3,
	weights: "least-squares",
};

/** What every source of one image shares while it is measured. */
export interface ForcedPlan {
	input: ForcedInput;
	options: Required<ForcedOptions>;
	/** Kernel coefficients and stamp half-widths per source. */
	a: Float64Array;
	b: Float64Array;
	c: Float64Array;
	half: Float64Array;
	/** Variance factor per source; NaN where it must be summed over the pixels. */
	factor: Float64Array;
	groups: BlendGroups;
	/** Compiled sums, where the planes lie in one memory. */
	loops: StampLoops | undefined;
	/** Distance in pixels below which members of a blend cannot be told apart. */
	degeneratePx: number;
}

/**
 * Decides what is measured with what: kernels, stamps, variance factors and blend groups.
 * @throws CausticError `grid-mismatch`, `length-mismatch`, `bad-beam`.
 */
export function planForced(input: ForcedInput): ForcedPlan {
	const { image, noise, background, x, y, kernels, noiseCorrelation } = input;
	const options = { ...FORCED_DEFAULTS, ...input.options };
	sameGrid(image, noise, "noise map");
	if (background !== undefined) sameGrid(image, background, "background map");
	const n = x.length;
	const list = Array.isArray(kernels) ? (kernels as readonly PixelKernel[]) : undefined;
	if (y.length !== n || (list !== undefined && list.length !== n)) {
		throw badInput("length-mismatch", `${n} x, ${y.length} y and ${list?.length ?? n} kernels`, {
			subject: "forced photometry",
			remedy: "Give one x, one y and one kernel per source",
		});
	}
	const single = list === undefined ? (kernels as PixelKernel) : undefined;
	const a = new Float64Array(n);
	const b = new Float64Array(n);
	const c = new Float64Array(n);
	const half = new Float64Array(n);
	const factor = new Float64Array(n);
	let longest = 0;
	let last: PixelKernel | undefined;
	let lastHalf = 0;
	let lastFactor = 0;
	for (let i = 0; i < n; i++) {
		const kernel = single ?? (list as readonly PixelKernel[])[i];
		if (kernel !== last) {
			const { majorPx, minorPx } = kernelAxes(kernel);
			if (Number.isFinite(majorPx) && minorPx > 0) {
				if (majorPx > LONGEST_AXIS_PX) throw tooLong(majorPx);
				longest = Math.max(longest, majorPx);
				lastHalf = (options.stampBeams / 2) * majorPx;
				// Shapes that differ by less than a part in a thousand share one factor: it changes far less than they do.
				if (last === undefined || !similar(kernel, last) || Number.isNaN(lastFactor)) {
					lastFactor = minorPx < SAMPLED_AXIS_PX ? Number.NaN : varianceFactor(noiseCorrelation, kernel);
					last = kernel;
				}
			} else {
				lastHalf = Number.NaN;
				lastFactor = Number.NaN;
				last = undefined;
			}
		}
		a[i] = kernel.a;
		b[i] = kernel.b;
		c[i] = kernel.c;
		half[i] = lastHalf;
		factor[i] = lastFactor;
	}
	const beamAxis = input.beam === undefined ? longest : kernelAxes(input.beam).majorPx;
	if (n > 0 && !(beamAxis > 0)) {
		throw badInput("bad-beam", "the beam has no finite positive axes on this pixel grid", {
			subject: "beam",
			remedy: "Check BMAJ and BMIN, or give the beam by hand",
		});
	}
	if (beamAxis > LONGEST_AXIS_PX) throw tooLong(beamAxis);
	return {
		input,
		options,
		a,
		b,
		c,
		half,
		factor,
		groups: blendGroups(x, y, options.blendBeams * beamAxis),
		loops: StampLoops.of(image, noise, background),
		degeneratePx: options.degenerateBeams * beamAxis,
	};
}

const tooLong = (majorPx: number) =>
	badInput("bad-beam", `the kernel's major axis is ${majorPx.toPrecision(4)} pixels`, {
		subject: "beam",
		remedy: `Check the units of BMAJ (degrees in a FITS header) and CDELT; at most ${LONGEST_AXIS_PX} pixels make sense`,
	});

const similar = (p: PixelKernel, q: PixelKernel): boolean =>
	Math.abs(p.a - q.a) + Math.abs(p.b - q.b) + Math.abs(p.c - q.c) < 1e-3 * (q.a + q.c);

function sameGrid(image: Plane, other: Plane, what: string): void {
	if (other.width !== image.width || other.height !== image.height) {
		throw badInput(
			"grid-mismatch",
			`${other.width} x ${other.height} pixels, but the image has ${image.width} x ${image.height}`,
			{ subject: what, remedy: "Give a map on the image's own pixel grid" },
		);
	}
}
