import type { PixelKernel } from "../sky/beam.ts";

/** The sum over pixels of a unit-peak kernel squared, by its integral: pi / sqrt(4ac - b^2) = pi sM sm, in pixels. */
export const kernelSquareSum = ({ a, b, c }: PixelKernel): number => Math.PI / Math.sqrt(4 * a * c - b * b);

/** The sum over pixels of a unit-peak kernel, by its integral: 2 pi sM sm, in pixels: the beam's area. */
export const kernelSum = ({ a, b, c }: PixelKernel): number => (2 * Math.PI) / Math.sqrt(4 * a * c - b * b);

/**
 * The overlap of two kernels as a function of their offset D: integral of k1(x) k2(x - D) =
 * norm exp(-(a Dx^2 + b Dx Dy + c Dy^2)), from the product of Gaussians Q = Q1 (Q1 + Q2)^-1 Q2.
 */
export function kernelOverlap(first: PixelKernel, second: PixelKernel): { norm: number; kernel: PixelKernel } {
	const sa = first.a + second.a;
	const sb = (first.b + second.b) / 2;
	const sc = first.c + second.c;
	const det = sa * sc - sb * sb;
	// (Q1 + Q2)^-1
	const ia = sc / det;
	const ib = -sb / det;
	const ic = sa / det;
	const h1 = first.b / 2;
	const h2 = second.b / 2;
	// T = (Q1 + Q2)^-1 Q2
	const t00 = ia * second.a + ib * h2;
	const t01 = ia * h2 + ib * second.c;
	const t10 = ib * second.a + ic * h2;
	const t11 = ib * h2 + ic * second.c;
	const a = first.a * t00 + h1 * t10;
	const offDiagonal = first.a * t01 + h1 * t11;
	const c = h1 * t01 + first.c * t11;
	return { norm: Math.PI / Math.sqrt(det), kernel: { a, b: 2 * offDiagonal, c } };
}
