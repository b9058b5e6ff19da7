import type { ForcedPlan } from "./forced-plan.ts";

/** Rows that begin below exp(-500) of the peak have no recurrence: it would start from almost nothing. */
const LARGEST_EXPONENT = 500;

/**
 * The kernel exp(-(a dx^2 + b dx dy + c dy^2)) of one source at the first pixel of successive rows, and the recurrence
 * that carries it along the row: k(x + 1) = k(x) g(x), g(x + 1) = g(x) curve.
 *
 * A row that follows the one before at the same first pixel costs three products; any other costs five exponentials.
 */
export class GaussianRows {
	/** Value at the row's first pixel, the ratio to the next pixel's, and the ratio of ratios. */
	k = 0;
	g = 0;
	curve = 0;
	private step = 0;
	private rowCurve = 0;
	private gStep = 0;
	private source = -1;
	private plan: ForcedPlan | undefined;
	private x0 = 0;
	private row = 0;

	/** Goes to the row of pixels that begins at x0; false where the kernel is too small there to be followed. */
	begin(plan: ForcedPlan, source: number, x0: number, row: number): boolean {
		if (source === this.source && x0 === this.x0 && row === this.row + 1 && plan === this.plan) {
			this.k *= this.step;
			this.step *= this.rowCurve;
			this.g *= this.gStep;
			this.row = row;
			return true;
		}
		const a = plan.a[source];
		const b = plan.b[source];
		const c = plan.c[source];
		const dx = x0 - plan.input.x[source];
		const dy = row - plan.input.y[source];
		const exponent = a * dx * dx + b * dx * dy + c * dy * dy;
		this.source = -1;
		if (exponent > LARGEST_EXPONENT) return false;
		this.k = Math.exp(-exponent);
		this.step = Math.exp(-(b * dx + c * (2 * dy + 1)));
		this.rowCurve = Math.exp(-2 * c);
		this.g = Math.exp(-(a * (2 * dx + 1) + b * dy));
		this.gStep = Math.exp(-b);
		this.curve = Math.exp(-2 * a);
		this.source = source;
		this.plan = plan;
		this.x0 = x0;
		this.row = row;
		return true;
	}
}
