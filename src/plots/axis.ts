/** Where a value falls on an axis, which values get a tick, and how they are written. */

export type Values = ArrayLike<number>;

export interface AxisSpec {
	/** With its unit, for instance `flux density (mJy)`. */
	label: string;
	scale?: "linear" | "log";
	/** Fixed limits; what is not given follows the data. Points outside a fixed limit are drawn as arrows on the edge. */
	min?: number;
	max?: number;
	/** Largest value at the left or the bottom: right ascension. */
	reverse?: boolean;
	/** Ticks of one's own, for instance names of antennas. */
	ticks?: { at: number; label: string }[];
	/** Draw faint lines at the ticks. Default true. */
	grid?: boolean;
}

export interface Tick {
	at: number;
	label: string;
	/** A short tick without a label. */
	minor: boolean;
}

export interface Axis {
	min: number;
	max: number;
	log: boolean;
	/** Pixel of a value; NaN for a value that the axis cannot show (not finite, or not positive on a log axis). */
	toPixel(value: number): number;
	ticks: Tick[];
}

const SUPERSCRIPT = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const power = (exponent: number) =>
	`10${exponent < 0 ? "⁻" : ""}${[...String(Math.abs(exponent))].map((digit) => SUPERSCRIPT[Number(digit)]).join("")}`;

/** Round step of 1, 2, 2.5 or 5 times a power of ten that gives about `count` steps over `span`. */
export function niceStep(span: number, count: number): number {
	const raw = span / Math.max(1, count);
	const magnitude = 10 ** Math.floor(Math.log10(raw));
	const fraction = raw / magnitude;
	const nice = fraction <= 1 ? 1 : fraction <= 2 ? 2 : fraction <= 2.5 ? 2.5 : fraction <= 5 ? 5 : 10;
	return nice * magnitude;
}

const minus = (text: string) => text.replace("-", "−");

/** A number as a label, with the decimals that a step needs. */
export function formatTick(value: number, step: number): string {
	const size = Math.abs(value);
	const clean = size < step * 1e-9 ? 0 : value;
	const magnitude = Math.max(size, step);
	if (clean !== 0 && (magnitude >= 1e6 || (step < 1e-4 && magnitude < 1e-2))) {
		const exponent = Math.floor(Math.log10(size) + 1e-12);
		const mantissa = Number((clean / 10 ** exponent).toPrecision(4));
		return mantissa === 1 ? power(exponent) : minus(`${mantissa}×${power(exponent)}`);
	}
	const decimals = Math.max(0, Math.min(12, Math.ceil(-Math.log10(step) - 1e-9)));
	const text = clean.toFixed(decimals);
	// A step of 2.5 needs one decimal more than its power of ten tells.
	return minus(Math.abs(Number(text) - clean) > step * 0.01 ? clean.toFixed(decimals + 1) : text);
}

function linearTicks(min: number, max: number, count: number): Tick[] {
	let step = niceStep(max - min, count);
	// On a short axis a round step may leave a single tick, from which no scale can be read.
	for (let more = 1; more < 4 && Math.floor(max / step + 1e-9) - Math.ceil(min / step - 1e-9) < 2; more++) {
		step = niceStep(max - min, count + more);
	}
	const ticks: Tick[] = [];
	const first = Math.ceil(min / step - 1e-9);
	for (let k = first; k * step <= max + step * 1e-9 && ticks.length < 200; k++) {
		ticks.push({ at: k * step, label: formatTick(k * step, step), minor: false });
	}
	return ticks;
}

function logTicks(min: number, max: number, count: number): Tick[] {
	const decades = Math.log10(max / min);
	if (decades < 0.7) return linearTicks(min, max, count);
	const low = Math.floor(Math.log10(min) + 1e-9);
	const high = Math.ceil(Math.log10(max) - 1e-9);
	const every = Math.max(1, Math.ceil(decades / Math.max(2, count)));
	const ticks: Tick[] = [];
	for (let exponent = low; exponent <= high; exponent++) {
		for (let digit = 1; digit < 10; digit++) {
			const at = Number(`${digit}e${exponent}`);
			if (at < min * (1 - 1e-9) || at > max * (1 + 1e-9)) continue;
			const labelled = digit === 1 ? (exponent - low) % every === 0 : decades < 2.2 && (digit === 2 || digit === 5);
			if (!labelled && (every > 1 || decades > 8)) continue;
			const plain = exponent >= -3 && exponent <= 4;
			const label = plain
				? formatTick(at, 10 ** Math.min(0, exponent))
				: digit === 1
					? power(exponent)
					: `${digit}×${power(exponent)}`;
			ticks.push({ at, label: labelled ? label : "", minor: !labelled });
		}
	}
	return ticks;
}

/** Smallest and largest of the values that an axis of this scale can show. */
export function extent(values: Values, log: boolean, range: [number, number] = [Infinity, -Infinity]) {
	for (let i = 0; i < values.length; i++) {
		const value = values[i];
		if (!Number.isFinite(value) || (log && value <= 0)) continue;
		if (value < range[0]) range[0] = value;
		if (value > range[1]) range[1] = value;
	}
	return range;
}

/** An axis over `[from, to]` pixels that shows the data's range, a little widened, or the limits asked for. */
export function makeAxis(spec: AxisSpec, data: [number, number], from: number, to: number, tickSpacing: number): Axis {
	const log = spec.scale === "log";
	let [min, max] = data;
	if (!(min <= max)) [min, max] = log ? [0.1, 10] : [0, 1];
	if (min === max) {
		const pad = log ? 2 : min === 0 ? 1 : Math.abs(min) * 0.1;
		[min, max] = log ? [min / pad, max * pad] : [min - pad, max + pad];
	} else if (log) {
		const pad = (max / min) ** 0.04;
		[min, max] = [min / pad, max * pad];
	} else {
		const pad = 0.04 * (max - min);
		[min, max] = [min - pad, max + pad];
	}
	if (spec.min !== undefined && Number.isFinite(spec.min) && !(log && spec.min <= 0)) min = spec.min;
	if (spec.max !== undefined && Number.isFinite(spec.max) && !(log && spec.max <= 0)) max = spec.max;
	if (!(max > min)) max = log ? min * 10 : min + 1;
	const place = log ? Math.log10 : (value: number) => value;
	const low = place(min);
	const perUnit = (to - from) / (place(max) - low);
	const toPixel = (value: number) => {
		const at = (log && value <= 0) || !Number.isFinite(value) ? Number.NaN : (place(value) - low) * perUnit;
		return spec.reverse ? to - at : from + at;
	};
	const count = Math.max(2, Math.floor(Math.abs(to - from) / tickSpacing));
	const ticks =
		spec.ticks !== undefined
			? spec.ticks.filter(({ at }) => at >= min && at <= max).map((tick) => ({ ...tick, minor: false }))
			: log
				? logTicks(min, max, count)
				: linearTicks(min, max, count);
	return { min, max, log, toPixel, ticks };
}
