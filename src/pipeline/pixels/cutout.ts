import { badInput } from "../../error.ts";
import { readFitsImage } from "../../formats/fits/image.ts";
import { DEG_PER_RAD } from "../../sky/angle.ts";
import { destination } from "../../sky/separation.ts";

/** A square of the sky to look at. */
export interface CutoutTask {
	path: string;
	raDeg: number;
	decDeg: number;
	/** Half the side of the square, arcsec. */
	radiusArcsec: number;
}

/** The pixels about a position, row by row from the bottom as the image has them. */
export interface Cutout {
	width: number;
	height: number;
	/** Jy/beam; NaN beyond the image and where it is blank. */
	pixels: Float32Array;
	/** The position, in 0-based pixels of the cutout. */
	x: number;
	y: number;
	/** Side of a pixel at the position, arcsec. */
	pixelArcsec: number;
	/** Direction of north, degrees from up towards the left. */
	northDeg: number;
	/** Whether east is 90 degrees from north towards the left, as on the sky. */
	isEastLeft: boolean;
}

/** A cutout of more pixels than this on a side says more than a screen can show. */
const MOST_PIXELS = 512;

/**
 * Cuts the pixels about a position out of an image; only the rows that it needs are read.
 * @throws CausticError `off-image`, `too-large-cutout`, and what the image itself is refused for
 */
export async function cutOut({ path, raDeg, decDeg, radiusArcsec }: CutoutTask): Promise<Cutout> {
	const { wcs, imageHeight, plane } = await readFitsImage(path, { rows: [0, 1] });
	const place = (ra: number, dec: number) => {
		const { x, y } = wcs.icrsToPixels(Float64Array.of(ra), Float64Array.of(dec));
		return { x: x[0], y: y[0] };
	};
	const { x, y } = place(raDeg, decDeg);
	const inside = x >= -0.5 && x < plane.width - 0.5 && y >= -0.5 && y < imageHeight - 0.5;
	if (!inside) {
		throw badInput("off-image", "the position is outside the image", {
			subject: "ra, dec",
			remedy: "Ask for a position in its footprint",
		});
	}
	const step = 1 / 3600;
	const toNorth = place(...destination(raDeg, decDeg, 0, step));
	const toEast = place(...destination(raDeg, decDeg, 90, step));
	const [nx, ny, ex, ey] = [toNorth.x - x, toNorth.y - y, toEast.x - x, toEast.y - y];
	const pixelArcsec = 1 / Math.sqrt(Math.abs(nx * ey - ny * ex));
	const half = Math.ceil(radiusArcsec / pixelArcsec);
	if (!(2 * half + 1 <= MOST_PIXELS)) {
		throw badInput(
			"too-large-cutout",
			`would have ${2 * half + 1} pixels on a side, at most ${MOST_PIXELS} are given`,
			{
				subject: "radius_arcsec",
				remedy: `Ask for at most ${Math.floor(((MOST_PIXELS - 1) / 2) * pixelArcsec)}`,
			},
		);
	}
	const [left, bottom, side] = [Math.round(x) - half, Math.round(y) - half, 2 * half + 1];
	const from = Math.max(0, bottom);
	const to = Math.min(imageHeight, bottom + side);
	const strip = (await readFitsImage(path, { rows: [from, to] })).plane;
	const pixels = new Float32Array(side * side).fill(Number.NaN);
	for (let row = from; row < to; row++) {
		for (let column = Math.max(0, left); column < Math.min(plane.width, left + side); column++) {
			pixels[(row - bottom) * side + column - left] = strip.data[(row - from) * plane.width + column];
		}
	}
	return {
		width: side,
		height: side,
		pixels,
		x: x - left,
		y: y - bottom,
		pixelArcsec,
		northDeg: Math.atan2(-nx, ny) * DEG_PER_RAD,
		isEastLeft: nx * ey - ny * ex > 0,
	};
}
