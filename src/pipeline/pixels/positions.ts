import { type ListedShape, shapeInImage } from "../../photometry/source-shape.ts";
import { type PixelKernel, pixelKernel } from "../../sky/beam.ts";
import type { OpenImage } from "./open-image.ts";
import type { ListedShapes, PhotometrySettings } from "./tasks.ts";

/** A catalogue's positions on an image and the shape to measure each with. */
export interface PositionsInImage {
	/** 0-based pixels; NaN where a position cannot be projected. */
	x: Float64Array;
	y: Float64Array;
	/** 1 for positions that the image does not cover. */
	outside: Uint8Array;
	kernels: PixelKernel | PixelKernel[];
	/** 1 for sources measured with a shape of their own. */
	resolved: Uint8Array;
}

/** Puts a catalogue's positions (ICRS) and fitted sizes onto an image. */
export function positionsInImage(
	{ image, kernel }: Pick<OpenImage, "image" | "kernel">,
	raDeg: Float64Array,
	decDeg: Float64Array,
	shapes: ListedShapes | undefined,
	geometry: PhotometrySettings["beamGeometry"],
): PositionsInImage {
	const { wcs, beam, plane } = image;
	const { x, y } = wcs.icrsToPixels(raDeg, decDeg);
	const outside = Uint8Array.from(raDeg, (_, i) =>
		x[i] >= -0.5 && x[i] < plane.width - 0.5 && y[i] >= -0.5 && y[i] < plane.height - 0.5 ? 0 : 1,
	);
	const jacobianOf = (i: number) => (geometry === "reference" ? wcs.referenceJacobian : wcs.jacobianAt(x[i], y[i]));
	const kernels: PixelKernel[] = [];
	const resolved = new Uint8Array(raDeg.length);
	for (let i = 0; i < raDeg.length; i++) {
		const listed = outside[i] === 1 ? undefined : listedShape(shapes, i);
		// Catalogues count from the north of ICRS, beams from the image's own.
		if (listed !== undefined) listed.paDeg += wcs.northOffsetDeg(x[i], y[i]);
		const shape = listed === undefined ? undefined : shapeInImage(listed, shapes?.beam ?? beam, beam);
		if (shape !== undefined) resolved[i] = 1;
		const plain = shape === undefined && (geometry === "reference" || outside[i] === 1);
		kernels.push(plain ? kernel : pixelKernel(shape ?? beam, jacobianOf(i)));
	}
	return { x, y, outside, resolved, kernels: kernels.every((one) => one === kernel) ? kernel : kernels };
}

function listedShape(shapes: ListedShapes | undefined, i: number): ListedShape | undefined {
	if (shapes === undefined || !(shapes.majorArcsec[i] > 0)) return undefined;
	return {
		majorDeg: shapes.majorArcsec[i] / 3600,
		minorDeg: (shapes.minorArcsec[i] || shapes.majorArcsec[i]) / 3600,
		paDeg: shapes.paDeg[i] || 0,
		majorErrDeg: shapes.majorErrArcsec[i] / 3600,
		minorErrDeg: shapes.minorErrArcsec[i] / 3600,
	};
}
