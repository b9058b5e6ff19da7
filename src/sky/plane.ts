/**
 * A map on a pixel grid. Row-major with x fastest: pixel (x, y) is `data[y * width + x]`. Coordinates are
 * 0-based and the centre of the first pixel is (0, 0), which is FITS minus one. NaN means "no data".
 */
export interface Plane {
	width: number;
	height: number;
	data: Float32Array | Float64Array;
}
