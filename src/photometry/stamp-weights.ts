import { FORCED_FLAG } from "./flags.ts";
import type { ForcedPlan } from "./forced-plan.ts";
import { gaussianRow } from "./gaussian-row.ts";
import { rint, stampEnd, stampStart } from "./stamp.ts";

/** Why a position cannot be measured whatever the pixels of its stamp are; 0 when it can. */
export function centralFlag(plan: ForcedPlan, i: number): number {
	const { image, noise, background, x, y } = plan.input;
	const column = rint(x[i]);
	const row = rint(y[i]);
	if (!(column >= 0 && row >= 0 && column < image.width && row < image.height)) return FORCED_FLAG.off_image;
	const p = row * image.width + column;
	const n = noise.data[p];
	const d = image.data[p] - (background === undefined ? 0 : background.data[p]);
	if (!Number.isFinite(d)) return FORCED_FLAG.no_data;
	if (!(n > 0 && n < Infinity)) return FORCED_FLAG.bad_noise;
	return 0;
}

/** The share of a source's k^2 that falls on valid pixels of the image. */
export function coverageOf(plan: ForcedPlan, i: number): number {
	const { image, noise, background, x, y } = plan.input;
	const { a, b, c, half } = plan;
	const x0 = stampStart(x[i], half[i]);
	const count = stampEnd(x[i], half[i]) - x0;
	const row = new Float64Array(count);
	let all = 0;
	let valid = 0;
	for (let yy = stampStart(y[i], half[i]); yy < stampEnd(y[i], half[i]); yy++) {
		gaussianRow(row, 0, count, a[i], b[i], c[i], x0 - x[i], yy - y[i]);
		for (let k = 0; k < count; k++) {
			const square = row[k] * row[k];
			all += square;
			const xx = x0 + k;
			if (yy < 0 || yy >= image.height || xx < 0 || xx >= image.width) continue;
			const p = yy * image.width + xx;
			const n = noise.data[p];
			const d = image.data[p] - (background === undefined ? 0 : background.data[p]);
			if (n > 0 && n < Infinity && Number.isFinite(d)) valid += square;
		}
	}
	return all > 0 ? valid / all : 0;
}

/** Where a kernel is below this it adds less than 1e-4 to a variance. */
export const NEGLIGIBLE = 1e-3;

/** k/n of one source over a box, zero on invalid pixels and where k is negligible, and its sum of squares. */
export function weightMap(
	plan: ForcedPlan,
	i: number,
	x0: number,
	x1: number,
	y0: number,
	y1: number,
): { map: Float64Array; squares: number } {
	const { image, noise, background, x, y } = plan.input;
	const w = x1 - x0;
	const map = new Float64Array(w * (y1 - y0));
	let squares = 0;
	for (let yy = y0; yy < y1; yy++) {
		const row = (yy - y0) * w;
		gaussianRow(map, row, w, plan.a[i], plan.b[i], plan.c[i], x0 - x[i], yy - y[i]);
		for (let k = 0; k < w; k++) {
			const p = yy * image.width + x0 + k;
			const n = noise.data[p];
			const d = image.data[p] - (background === undefined ? 0 : background.data[p]);
			if (map[row + k] > NEGLIGIBLE && n > 0 && n < Infinity && Number.isFinite(d)) {
				map[row + k] /= n;
				squares += map[row + k] * map[row + k];
			} else {
				map[row + k] = 0;
			}
		}
	}
	return { map, squares };
}
