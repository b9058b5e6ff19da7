import { kernelAxes, type PixelKernel } from "../sky/beam.ts";
import type { Plane } from "../sky/plane.ts";

/** Sources whose positions (0-based pixels) and peaks (Jy/beam; NaN where unknown) are known. */
export interface KnownSources {
	x: ArrayLike<number>;
	y: ArrayLike<number>;
	flux: ArrayLike<number>;
}

/** The kernel's level at the edge of the mask about a bright pixel or a known source: one major axis away. */
const MASK_EDGE = 1 / 16;
/** Known sources are subtracted out to where their kernel is this low. */
const MODEL_EDGE = 1e-5;
/** With less than this share left free, only known sources above three times the noise are masked. */
const LEAST_FREE = 0.3;

/**
 * Reads tiles of an image in units of its noise, with what is known of the sources subtracted and their cores masked,
 * so that what is left is noise.
 */
export class SourceFreeTile {
	private readonly image: Plane;
	private readonly noise: Plane;
	private readonly background: Plane | undefined;
	private readonly beam: PixelKernel;
	private readonly clip: number;
	private readonly sources: KnownSources | undefined;
	private readonly maskOffsets: Int32Array;
	private readonly modelOffsets: Int32Array;
	private readonly reach: number;
	private values = new Float64Array(0);
	private free = new Uint8Array(0);

	constructor(
		image: Plane,
		noise: Plane,
		background: Plane | undefined,
		beam: PixelKernel,
		clip: number,
		sources: KnownSources | undefined,
	) {
		this.image = image;
		this.noise = noise;
		this.background = background;
		this.beam = beam;
		this.clip = clip;
		this.sources = sources;
		this.maskOffsets = offsetsAbove(beam, MASK_EDGE);
		this.modelOffsets = offsetsAbove(beam, MODEL_EDGE);
		this.reach = Math.ceil(kernelAxes(beam).majorPx) + 1;
	}

	/** The pixel in units of the noise; NaN where it is invalid. */
	private at(x: number, y: number): number {
		const p = y * this.image.width + x;
		const n = this.noise.data[p];
		const d = this.background === undefined ? this.image.data[p] : this.image.data[p] - this.background.data[p];
		return n > 0 && n < Infinity && Number.isFinite(d) ? d / n : Number.NaN;
	}

	/** Values and mask (1: valid and free of sources) of a box, row-major; both are reused by the next call. */
	read(x0: number, y0: number, width: number, height: number): { values: Float64Array; free: Uint8Array } {
		if (this.values.length !== width * height) {
			this.values = new Float64Array(width * height);
			this.free = new Uint8Array(width * height);
		}
		const { values, free, image, reach } = this;
		let valid = 0;
		for (let y = 0; y < height; y++) {
			for (let x = 0; x < width; x++) {
				const z = this.at(x0 + x, y0 + y);
				values[y * width + x] = z;
				free[y * width + x] = Number.isNaN(z) ? 0 : 1;
				valid += free[y * width + x];
			}
		}
		const blank = (cx: number, cy: number) => {
			for (let o = 0; o < this.maskOffsets.length; o += 2) {
				const x = cx + this.maskOffsets[o];
				const y = cy + this.maskOffsets[o + 1];
				if (x >= 0 && y >= 0 && x < width && y < height) free[y * width + x] = 0;
			}
		};
		// Bright pixels just outside the box reach into it.
		for (let y = Math.max(0, y0 - reach); y < Math.min(image.height, y0 + height + reach); y++) {
			for (let x = Math.max(0, x0 - reach); x < Math.min(image.width, x0 + width + reach); x++) {
				if (Math.abs(this.at(x, y)) > this.clip) blank(x - x0, y - y0);
			}
		}
		if (this.sources !== undefined) this.removeKnown(this.sources, x0, y0, width, height, valid, blank);
		return { values, free };
	}

	private removeKnown(
		sources: KnownSources,
		x0: number,
		y0: number,
		width: number,
		height: number,
		valid: number,
		blank: (x: number, y: number) => void,
	): void {
		const { values, free, image, beam } = this;
		const margin = 2 * this.reach;
		const near: number[] = [];
		for (let s = 0; s < sources.x.length; s++) {
			const x = sources.x[s] - x0;
			const y = sources.y[s] - y0;
			if (x > -margin && y > -margin && x < width + margin && y < height + margin) near.push(s);
		}
		for (const s of near) {
			const flux = sources.flux[s];
			if (!Number.isFinite(flux)) continue;
			const cx = Math.round(sources.x[s]);
			const cy = Math.round(sources.y[s]);
			for (let o = 0; o < this.modelOffsets.length; o += 2) {
				const x = cx + this.modelOffsets[o] - x0;
				const y = cy + this.modelOffsets[o + 1] - y0;
				if (x < 0 || y < 0 || x >= width || y >= height) continue;
				const dx = x + x0 - sources.x[s];
				const dy = y + y0 - sources.y[s];
				const k = Math.exp(-(beam.a * dx * dx + beam.b * dx * dy + beam.c * dy * dy));
				values[y * width + x] -= (flux * k) / this.noise.data[(y0 + y) * image.width + x0 + x];
			}
		}
		const bright = free.slice();
		const mask = (wanted: (s: number) => boolean) => {
			for (const s of near) if (wanted(s)) blank(Math.round(sources.x[s]) - x0, Math.round(sources.y[s]) - y0);
		};
		mask(() => true);
		let left = 0;
		for (const one of free) left += one;
		if (left >= LEAST_FREE * valid) return;
		// So dense a catalogue would leave only its emptiest patches.
		free.set(bright);
		mask((s) => {
			const x = Math.round(sources.x[s]);
			const y = Math.round(sources.y[s]);
			const inside = x >= 0 && y >= 0 && x < image.width && y < image.height;
			return inside && Math.abs(sources.flux[s]) > 3 * this.noise.data[y * image.width + x];
		});
	}
}

/** Pixel offsets (x, y in turn) at which a kernel exceeds a level. */
function offsetsAbove({ a, b, c }: PixelKernel, level: number): Int32Array {
	const exponent = -Math.log(level);
	const det = 4 * a * c - b * b;
	const reachX = Math.floor(Math.sqrt((4 * c * exponent) / det));
	const reachY = Math.floor(Math.sqrt((4 * a * exponent) / det));
	const offsets: number[] = [];
	for (let dy = -reachY; dy <= reachY; dy++) {
		for (let dx = -reachX; dx <= reachX; dx++) {
			if (a * dx * dx + b * dx * dy + c * dy * dy <= exponent) offsets.push(dx, dy);
		}
	}
	return Int32Array.from(offsets);
}
