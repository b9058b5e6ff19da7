import type { Plane } from "../sky/plane.ts";
import { type FitPixels, PARAMETERS } from "./gaussian-fit.ts";
import { gaussianRow } from "./gaussian-row.ts";
import type { MapSet } from "./islands.ts";

/** A component's model is carried on until it is this small a share of the local noise. */
const NEGLIGIBLE_SNR = 0.02;

/**
 * An image less its background and less the models of all components fitted so far, so that each group of components
 * is fitted as if its neighbours were not there. With `sign` -1 everything is turned over: sources are positive here.
 */
export class ResidualMap {
	readonly plane: Plane;
	readonly noise: Plane;
	private row = new Float64Array(256);

	/** With `inPlace` the image's own memory turns into the residuals. */
	constructor(maps: MapSet, sign: 1 | -1, inPlace = false) {
		const { width, height, data } = maps.image;
		const values = inPlace ? data : new Float32Array(width * height);
		const base = maps.background?.data;
		for (let p = 0; p < values.length; p++) values[p] = sign * (base === undefined ? data[p] : data[p] - base[p]);
		this.plane = { width, height, data: values };
		this.noise = maps.noise;
	}

	/** Adds `factor` times the models of components (PARAMETERS numbers each). */
	add(parameters: Float64Array, factor: number): void {
		for (let p = 0; p < parameters.length; p += PARAMETERS) {
			this.addOne(
				factor * parameters[p],
				parameters[p + 1],
				parameters[p + 2],
				parameters[p + 3],
				parameters[p + 4],
				parameters[p + 5],
			);
		}
	}

	private addOne(peak: number, x: number, y: number, a: number, b: number, c: number): void {
		const { width, height, data } = this.plane;
		const column = Math.max(0, Math.min(width - 1, Math.round(x)));
		const line = Math.max(0, Math.min(height - 1, Math.round(y)));
		const rms = this.noise.data[line * width + column];
		const snr = Math.abs(peak) / (rms > 0 && rms < Infinity ? rms : Math.abs(peak) / 10);
		if (!(snr > NEGLIGIBLE_SNR)) return;
		const exponent = Math.log(snr / NEGLIGIBLE_SNR);
		const det = 4 * a * c - b * b;
		const reach = Math.sqrt((4 * a * exponent) / det);
		const y0 = Math.max(0, Math.ceil(y - reach));
		const y1 = Math.min(height - 1, Math.floor(y + reach));
		for (let yy = y0; yy <= y1; yy++) {
			const dy = yy - y;
			const centre = x - (b * dy) / (2 * a);
			const half = Math.sqrt(Math.max(0, (exponent - (det / (4 * a)) * dy * dy) / a));
			const x0 = Math.max(0, Math.ceil(centre - half));
			const x1 = Math.min(width - 1, Math.floor(centre + half));
			const count = x1 - x0 + 1;
			if (count <= 0) continue;
			if (this.row.length < count) this.row = new Float64Array(2 * count);
			gaussianRow(this.row, 0, count, a, b, c, x0 - x, dy);
			const base = yy * width + x0;
			for (let i = 0; i < count; i++) data[base + i] += peak * this.row[i];
		}
	}

	/** Whether a pixel has a value and a positive noise. */
	isValid(x: number, y: number): boolean {
		const p = y * this.plane.width + x;
		const n = this.noise.data[p];
		const d = this.plane.data[p];
		return n > 0 && n < Infinity && d - d === 0;
	}

	/** Whether a pixel that has a value lies within a radius of a place. */
	isNearValid(x: number, y: number, radius: number): boolean {
		const { width, height } = this.plane;
		const column = Math.round(x);
		const line = Math.round(y);
		if (column >= 0 && line >= 0 && column < width && line < height && this.isValid(column, line)) return true;
		for (let yy = Math.max(0, Math.ceil(y - radius)); yy <= Math.min(height - 1, y + radius); yy++) {
			for (let xx = Math.max(0, Math.ceil(x - radius)); xx <= Math.min(width - 1, x + radius); xx++) {
				if ((xx - x) ** 2 + (yy - y) ** 2 <= radius * radius && this.isValid(xx, yy)) return true;
			}
		}
		return false;
	}

	/** Depth of the deepest hole within `reach` pixels of a place, in units of the noise there: 0 or more. */
	deepest(x: number, y: number, reach: number): number {
		const { width, height, data } = this.plane;
		let depth = 0;
		for (let yy = Math.max(0, Math.ceil(y - reach)); yy <= Math.min(height - 1, y + reach); yy++) {
			for (let xx = Math.max(0, Math.ceil(x - reach)); xx <= Math.min(width - 1, x + reach); xx++) {
				if (!this.isValid(xx, yy)) continue;
				const p = yy * width + xx;
				depth = Math.max(depth, -data[p] / this.noise.data[p]);
			}
		}
		return depth;
	}

	/** The residuals at the chosen pixels (indices into the plane, ascending), where valid. */
	read(pixels: ArrayLike<number>): FitPixels {
		const { width, data } = this.plane;
		const n = pixels.length;
		const out: FitPixels = {
			count: 0,
			x: new Float64Array(n),
			y: new Float64Array(n),
			data: new Float64Array(n),
			rms: new Float64Array(n),
		};
		for (let i = 0; i < n; i++) {
			const p = pixels[i];
			const rms = this.noise.data[p];
			if (!(rms > 0 && rms < Infinity && data[p] - data[p] === 0)) continue;
			const x = p % width;
			out.x[out.count] = x;
			out.y[out.count] = (p - x) / width;
			out.data[out.count] = data[p];
			out.rms[out.count] = rms;
			out.count++;
		}
		return out;
	}
}
