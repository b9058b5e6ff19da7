import { short } from "../format.ts";

/** One point of a cloud. */
export interface ScatterPoint {
	id: number;
	x: number;
	y: number;
	/** Radius in pixels. */
	radius: number;
	colour: string;
	label: string;
}

export interface ScatterAxis {
	label: string;
	low: number;
	high: number;
	isLog?: boolean;
	/** Larger values to the left, as right ascension has it. */
	isReversed?: boolean;
}

/** The part of the axes that is shown, in fractions of them. */
export interface View {
	x0: number;
	x1: number;
	y0: number;
	y1: number;
}

export interface ScatterFrame {
	left: number;
	top: number;
	plotWidth: number;
	plotHeight: number;
	toX(value: number): number;
	toY(value: number): number;
	xTicks: { at: number; text: string }[];
	yTicks: { at: number; text: string }[];
	xLabel: string;
	yLabel: string;
}

/** A value far from one, as astronomers write it: 10⁴, 3×10⁻⁵. */
function powerText(value: number): string {
	const text = short(value, 1);
	return text.startsWith("1×") ? text.slice(2) : text;
}

const MARGIN = { left: 58, right: 14, top: 10, bottom: 40 };

const fractionOf = (axis: ScatterAxis) => {
	const scale = axis.isLog === true ? Math.log10 : (value: number) => value;
	const low = scale(axis.low);
	const span = scale(axis.high) - low || 1;
	return (value: number) => {
		const fraction = (scale(value) - low) / span;
		return axis.isReversed === true ? 1 - fraction : fraction;
	};
};

/** Round values within a range, about `wanted` of them. */
export function roundTicks(low: number, high: number, wanted: number): number[] {
	const raw = (high - low) / Math.max(1, wanted);
	if (!(raw > 0) || !Number.isFinite(raw)) return [];
	const power = 10 ** Math.floor(Math.log10(raw));
	const step = ([1, 2, 5, 10].find((factor) => factor * power >= raw) ?? 10) * power;
	const first = Math.ceil(low / step);
	return Array.from({ length: Math.max(0, Math.floor(high / step) - first + 1) }, (_, k) =>
		Number(((first + k) * step).toPrecision(12)),
	);
}

/** Powers of ten in a range, with 2 and 5 between where there is room. */
export function logTicks(low: number, high: number): number[] {
	const decades = Math.log10(high / low);
	const factors = decades > 4 ? [1] : decades > 1.5 ? [1, 3] : [1, 2, 5];
	const ticks: number[] = [];
	for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
		for (const factor of factors) {
			const value = factor * 10 ** power;
			if (value >= low * 0.999 && value <= high * 1.001) ticks.push(Number(value.toPrecision(6)));
		}
	}
	return ticks;
}

const inverse = (axis: ScatterAxis, fraction: number): number => {
	const f = axis.isReversed === true ? 1 - fraction : fraction;
	if (axis.isLog !== true) return axis.low + f * (axis.high - axis.low);
	return 10 ** (Math.log10(axis.low) + f * Math.log10(axis.high / axis.low));
};

function ticksOf(axis: ScatterAxis, from: number, to: number, wanted: number): number[] {
	const [a, b] = [inverse(axis, from), inverse(axis, to)].sort((p, q) => p - q);
	return axis.isLog === true ? logTicks(a, b) : roundTicks(a, b, wanted);
}

export function scatterFrame(given: {
	width: number;
	height: number;
	x: ScatterAxis;
	y: ScatterAxis;
	view: View;
	isMap: boolean;
}): ScatterFrame {
	const { x, y, view } = given;
	let plotWidth = Math.max(10, given.width - MARGIN.left - MARGIN.right);
	let plotHeight = Math.max(10, given.height - MARGIN.top - MARGIN.bottom);
	let left = MARGIN.left;
	if (given.isMap) {
		const perDegree = Math.min(plotWidth / (x.high - x.low), plotHeight / (y.high - y.low));
		const wide = perDegree * (x.high - x.low);
		left += (plotWidth - wide) / 2;
		plotWidth = wide;
		plotHeight = perDegree * (y.high - y.low);
	}
	const xFraction = fractionOf(x);
	const yFraction = fractionOf(y);
	const toX = (value: number) => left + ((xFraction(value) - view.x0) / (view.x1 - view.x0)) * plotWidth;
	const toY = (value: number) => MARGIN.top + (1 - (yFraction(value) - view.y0) / (view.y1 - view.y0)) * plotHeight;
	const label = (value: number) =>
		Math.abs(value) >= 1e4 || (value !== 0 && Math.abs(value) < 1e-3) ? powerText(value) : String(value);
	return {
		left,
		top: MARGIN.top,
		plotWidth,
		plotHeight,
		toX,
		toY,
		xTicks: ticksOf(x, view.x0, view.x1, plotWidth / 90).map((value) => ({ at: toX(value), text: label(value) })),
		yTicks: ticksOf(y, view.y0, view.y1, plotHeight / 60).map((value) => ({ at: toY(value), text: label(value) })),
		xLabel: x.label,
		yLabel: y.label,
	};
}

export function drawScatter(
	context: CanvasRenderingContext2D,
	frame: ScatterFrame,
	what: {
		points: ScatterPoint[];
		under:
			| ((context: CanvasRenderingContext2D, toX: (v: number) => number, toY: (v: number) => number) => void)
			| undefined;
		hover: ScatterPoint | undefined;
		marked: ReadonlySet<number> | undefined;
		ink: string;
		soft: string;
		grid: string;
		frame: string;
	},
): void {
	const { left, top, plotWidth, plotHeight } = frame;
	context.clearRect(0, 0, context.canvas.width, context.canvas.height);
	context.font = "11px system-ui, sans-serif";
	context.lineWidth = 1;
	context.strokeStyle = what.grid;
	context.fillStyle = what.soft;
	context.textAlign = "center";
	context.textBaseline = "top";
	for (const { at, text } of frame.xTicks) {
		context.beginPath();
		context.moveTo(Math.round(at) + 0.5, top);
		context.lineTo(Math.round(at) + 0.5, top + plotHeight);
		context.stroke();
		context.fillText(text, at, top + plotHeight + 5);
	}
	context.textAlign = "right";
	context.textBaseline = "middle";
	for (const { at, text } of frame.yTicks) {
		context.beginPath();
		context.moveTo(left, Math.round(at) + 0.5);
		context.lineTo(left + plotWidth, Math.round(at) + 0.5);
		context.stroke();
		context.fillText(text, left - 6, at);
	}
	context.textAlign = "center";
	context.textBaseline = "bottom";
	context.fillText(frame.xLabel, left + plotWidth / 2, top + plotHeight + 36);
	context.save();
	context.translate(left - 46, top + plotHeight / 2);
	context.rotate(-Math.PI / 2);
	context.textBaseline = "top";
	context.fillText(frame.yLabel, 0, 0);
	context.restore();

	context.save();
	context.beginPath();
	context.rect(left, top, plotWidth, plotHeight);
	context.clip();
	what.under?.(context, frame.toX, frame.toY);
	context.globalAlpha = what.points.length > 5000 ? 0.6 : 0.85;
	for (const point of what.points) {
		const px = frame.toX(point.x);
		const py = frame.toY(point.y);
		if (px < left - 20 || px > left + plotWidth + 20 || py < top - 20 || py > top + plotHeight + 20) continue;
		context.fillStyle = point.colour;
		context.beginPath();
		context.arc(px, py, point.radius, 0, 2 * Math.PI);
		context.fill();
	}
	context.globalAlpha = 1;
	context.strokeStyle = what.ink;
	context.lineWidth = 1.4;
	for (const point of what.points) {
		if (what.marked?.has(point.id) !== true && point !== what.hover) continue;
		context.beginPath();
		context.arc(frame.toX(point.x), frame.toY(point.y), point.radius + 3.5, 0, 2 * Math.PI);
		context.stroke();
	}
	context.restore();
	context.strokeStyle = what.frame;
	context.lineWidth = 1;
	context.strokeRect(left + 0.5, top + 0.5, plotWidth, plotHeight);
}
