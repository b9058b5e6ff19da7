import type { PixelKernel } from "../sky/beam.ts";
import { inverseFft2d, powerOfTwoFrom } from "../sky/fft.ts";
import type { Random } from "./random.ts";

/**
 * How the noise of neighbouring pixels is correlated: not at all, or by a Gaussian autocorrelation that is as wide as
 * the beam (natural weighting), narrower, or wider (white noise smoothed by the beam).
 */
export type NoiseCorrelation = "white" | "beam/sqrt2" | "beam" | "beam*sqrt2";
export const NOISE_CORRELATIONS: readonly NoiseCorrelation[] = ["white", "beam/sqrt2", "beam", "beam*sqrt2"];

/** Square of the width of the autocorrelation in beams. */
const SQUARED_RATIO: Record<NoiseCorrelation, number> = { white: 0, "beam/sqrt2": 0.5, beam: 1, "beam*sqrt2": 2 };
/** Modes whose amplitude is below this share of the largest are left out: together less than 1e-8 of the variance. */
const LEAST_AMPLITUDE = 1e-5;

/**
 * Gaussian noise of unit variance with a given autocorrelation, drawn in Fourier space: white noise times the root
 * of the power spectrum. The plane is a power of two in size and periodic; what is cut from it is not.
 */
export class CorrelatedNoise {
	private readonly width: number;
	private readonly height: number;
	private readonly gridWidth: number;
	private readonly gridHeight: number;
	private readonly correlation: NoiseCorrelation;
	/** Amplitude of every mode, scaled so that the noise has unit variance. */
	private readonly amplitude: Float64Array;
	private readonly re: Float64Array;
	private readonly im: Float64Array;

	/** @param kernel the beam in pixels; the autocorrelation is this kernel, its width scaled by the ratio chosen */
	constructor(width: number, height: number, kernel: PixelKernel, correlation: NoiseCorrelation) {
		this.width = width;
		this.height = height;
		this.correlation = correlation;
		this.gridWidth = powerOfTwoFrom(width);
		this.gridHeight = powerOfTwoFrom(height);
		const cells = correlation === "white" ? 0 : this.gridWidth * this.gridHeight;
		this.amplitude = new Float64Array(cells);
		this.re = new Float64Array(cells);
		this.im = new Float64Array(cells);
		if (cells > 0) this.setAmplitudes(kernel, SQUARED_RATIO[correlation]);
	}

	private setAmplitudes(kernel: PixelKernel, squaredRatio: number): void {
		const { gridWidth, gridHeight, amplitude } = this;
		// rho = exp(-x^T Q x) has the power spectrum exp(-pi^2 f^T Q^-1 f); folded, it is that of the sampled rho.
		const { a, b, c } = kernel;
		const scale = (Math.PI ** 2 * squaredRatio) / (a * c - (b * b) / 4);
		const [xx, xy, yy] = [c * scale, -b * scale, a * scale];
		let sum = 0;
		for (let ky = 0; ky < gridHeight; ky++) {
			const fy = (ky > gridHeight / 2 ? ky - gridHeight : ky) / gridHeight;
			for (let kx = 0; kx < gridWidth; kx++) {
				const fx = (kx > gridWidth / 2 ? kx - gridWidth : kx) / gridWidth;
				let power = 0;
				for (let m = -1; m <= 1; m++) {
					const v = fy + m;
					for (let n = -1; n <= 1; n++) {
						const u = fx + n;
						power += Math.exp(-(xx * u * u + xy * u * v + yy * v * v));
					}
				}
				amplitude[ky * gridWidth + kx] = Math.sqrt(power);
				sum += power;
			}
		}
		const largest = amplitude[0];
		const factor = (gridWidth * gridHeight) / Math.sqrt(sum);
		for (let i = 0; i < amplitude.length; i++) {
			amplitude[i] = amplitude[i] < LEAST_AMPLITUDE * largest ? 0 : amplitude[i] * factor;
		}
	}

	/** Two independent planes of noise at once, row-major, from one generator. */
	draw(random: Random, first: Float64Array, second: Float64Array): void {
		const { width, height, gridWidth, gridHeight, amplitude, re, im } = this;
		if (this.correlation === "white") {
			for (let i = 0; i < width * height; i++) first[i] = random.normal();
			for (let i = 0; i < width * height; i++) second[i] = random.normal();
			return;
		}
		for (let i = 0; i < amplitude.length; i++) {
			const a = amplitude[i];
			re[i] = a === 0 ? 0 : a * random.normal();
			im[i] = a === 0 ? 0 : a * random.normal();
		}
		inverseFft2d(re, im, gridWidth, gridHeight);
		for (let y = 0; y < height; y++) {
			first.set(re.subarray(y * gridWidth, y * gridWidth + width), y * width);
			second.set(im.subarray(y * gridWidth, y * gridWidth + width), y * width);
		}
	}
}
