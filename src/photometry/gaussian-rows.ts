/** Rows that begin below exp(-500) of the peak have no recurrence: it would start from almost nothing. */
const LARGEST_EXPONENT = 500;

/**
 * The kernel exp(-(a dx^2 + b dx dy + c dy^2)) at the first pixel of successive rows, and the recurrence that carries it
 * along a row: k(x + 1) = k(x) g(x), g(x + 1) = g(x) curve. Three exponentials to start, three more for
 * another shape, three products for each row.
 */
export class GaussianRows {
	/** Value at the row's first pixel, the ratio to the next pixel's, and the ratio of ratios. */
	k = 0;
	g = 0;
	curve = 0;
	/** What takes the value to the next row, that ratio to the next one's, and g to the next row's. */
	step = 0;
	rowCurve = 0;
	gStep = 0;
	/** The shape that the constants were made for: most sources of an image share one. */
	private a = Number.NaN;
	private b = Number.NaN;
	private c = Number.NaN;

	/**
	 * Begins at the offset (dx, dy) from the kernel's centre, for so many rows; false where the kernel is too small at the
	 * first pixel of one of them to be followed. Down a column the exponent is largest at an end.
	 */
	start(a: number, b: number, c: number, dx: number, dy: number, rows: number): boolean {
		const exponent = a * dx * dx + b * dx * dy + c * dy * dy;
		const last = dy + rows - 1;
		if (Math.max(exponent, a * dx * dx + b * dx * last + c * last * last) > LARGEST_EXPONENT) return false;
		this.k = Math.exp(-exponent);
		this.g = Math.exp(-(a * (2 * dx + 1) + b * dy));
		this.step = Math.exp(-(b * dx + c * (2 * dy + 1)));
		if (a !== this.a || b !== this.b || c !== this.c) {
			this.a = a;
			this.b = b;
			this.c = c;
			this.curve = Math.exp(-2 * a);
			this.rowCurve = Math.exp(-2 * c);
			this.gStep = Math.exp(-b);
		}
		return true;
	}

	/** The row below, at the same first column. */
	next(): void {
		this.k *= this.step;
		this.step *= this.rowCurve;
		this.g *= this.gStep;
	}
}
