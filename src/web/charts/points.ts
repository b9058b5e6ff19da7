import type uPlot from "uplot";
import { SHEET } from "./colours.ts";
import { columnExtremes, DECIMATE_ABOVE } from "./decimation.ts";

/** A series of points with error bars, in order of x. Values that are not known are NaN. */
export interface PointSeries {
	label: string;
	colour: string;
	x: ArrayLike<number>;
	y: ArrayLike<number>;
	/** Standard errors; left out when there are none. */
	error?: ArrayLike<number> | undefined;
	/** Points that carry a flag are drawn hollow. */
	isFlagged?: ((i: number) => boolean) | undefined;
	/** Join neighbours by a thin line. */
	line?: boolean | undefined;
}

export interface Span {
	from: number;
	to: number;
	/** Marked by a dashed line. */
	at?: number | undefined;
	colour: string;
	label?: string | undefined;
}

/** A drawn curve, in order of x. */
export interface Curve {
	colour: string;
	x: ArrayLike<number>;
	y: ArrayLike<number>;
	isDashed?: boolean;
}

/** Thin lines under the points: what was fitted to them. */
export function drawCurves(u: uPlot, curves: Curve[]): void {
	const { ctx, bbox } = u;
	ctx.save();
	ctx.beginPath();
	ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
	ctx.clip();
	ctx.lineWidth = 1.2 * devicePixelRatio;
	for (const { colour, x, y, isDashed } of curves) {
		ctx.strokeStyle = colour;
		ctx.globalAlpha = isDashed === true ? 0.55 : 0.8;
		ctx.setLineDash(isDashed === true ? [3 * devicePixelRatio, 4 * devicePixelRatio] : []);
		ctx.beginPath();
		for (let i = 0; i < x.length; i++) ctx.lineTo(u.valToPos(x[i], "x", true), u.valToPos(y[i], "y", true));
		ctx.stroke();
	}
	ctx.restore();
}

export const shownRange = (all: PointSeries[]): [number, number] => {
	let low = Infinity;
	let high = -Infinity;
	for (const { y, error } of all) {
		for (let i = 0; i < y.length; i++) {
			if (Number.isNaN(y[i])) continue;
			const e = error === undefined || Number.isNaN(error[i]) ? 0 : error[i];
			low = Math.min(low, y[i] - e);
			high = Math.max(high, y[i] + e);
		}
	}
	if (low > high) return [0, 1];
	const margin = 0.06 * (high - low) || 0.05 * Math.abs(high) || 1;
	return [low - margin, high + margin];
};

/** Shaded intervals behind the points. */
export function drawSpans(u: uPlot, spans: Span[]): void {
	const { ctx, bbox } = u;
	ctx.save();
	ctx.beginPath();
	ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
	ctx.clip();
	for (const { from, to, at, colour } of spans) {
		const left = u.valToPos(from, "x", true);
		const right = u.valToPos(to, "x", true);
		ctx.globalAlpha = 0.1;
		ctx.fillStyle = colour;
		ctx.fillRect(left, bbox.top, Math.max(1, right - left), bbox.height);
		ctx.globalAlpha = 0.7;
		ctx.strokeStyle = colour;
		ctx.lineWidth = devicePixelRatio;
		if (at === undefined) continue;
		ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
		ctx.beginPath();
		const x = Math.round(u.valToPos(at, "x", true));
		ctx.moveTo(x, bbox.top);
		ctx.lineTo(x, bbox.top + bbox.height);
		ctx.stroke();
		ctx.setLineDash([]);
	}
	ctx.restore();
}

/** Points, error bars and lines; thinned to the extremes of each pixel column where there are very many. */
export function drawPoints(u: uPlot, series: PointSeries[]): void {
	const { ctx, bbox } = u;
	const ratio = devicePixelRatio;
	const xLow = u.scales.x.min ?? 0;
	const xHigh = u.scales.x.max ?? 1;
	ctx.save();
	ctx.beginPath();
	ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
	ctx.clip();
	for (const one of series) {
		const { x, y, error, colour } = one;
		const shown = visible(one, xLow, xHigh, (value) => u.valToPos(value, "x", true));
		ctx.strokeStyle = colour;
		ctx.fillStyle = colour;
		ctx.lineWidth = ratio;
		if (one.line === true) strokeLine(u, one, shown);
		ctx.beginPath();
		for (const i of shown) {
			if (error === undefined || Number.isNaN(error[i])) continue;
			const at = Math.round(u.valToPos(x[i], "x", true)) + 0.5;
			ctx.moveTo(at, u.valToPos(y[i] - error[i], "y", true));
			ctx.lineTo(at, u.valToPos(y[i] + error[i], "y", true));
		}
		ctx.globalAlpha = 0.55;
		ctx.stroke();
		ctx.globalAlpha = 1;
		const radius = (shown.length > 2000 ? 1.2 : shown.length > 300 ? 1.8 : 2.6) * ratio;
		const dots = new Path2D();
		const rings = new Path2D();
		for (const i of shown) {
			const path = one.isFlagged?.(i) === true ? rings : dots;
			const at = u.valToPos(x[i], "x", true);
			const height = u.valToPos(y[i], "y", true);
			path.moveTo(at + radius, height);
			path.arc(at, height, radius, 0, 2 * Math.PI);
		}
		// oxlint-disable-next-line unicorn/no-array-fill-with-reference-type -- a canvas, not an array
		ctx.fill(dots);
		ctx.save();
		ctx.fillStyle = SHEET;
		ctx.lineWidth = 1.3 * ratio;
		// oxlint-disable-next-line unicorn/no-array-fill-with-reference-type -- a canvas, not an array
		ctx.fill(rings);
		ctx.stroke(rings);
		ctx.restore();
	}
	ctx.restore();
}

function strokeLine(u: uPlot, { x, y }: PointSeries, shown: number[]): void {
	const { ctx } = u;
	ctx.beginPath();
	let isOpen = false;
	for (const i of shown) {
		const at = u.valToPos(x[i], "x", true);
		const height = u.valToPos(y[i], "y", true);
		if (isOpen) ctx.lineTo(at, height);
		else ctx.moveTo(at, height);
		isOpen = true;
	}
	ctx.globalAlpha = 0.45;
	ctx.stroke();
	ctx.globalAlpha = 1;
}

function visible({ x, y, error }: PointSeries, xLow: number, xHigh: number, columnOf: (x: number) => number): number[] {
	const inside: number[] = [];
	for (let i = 0; i < x.length; i++) if (x[i] >= xLow && x[i] <= xHigh && !Number.isNaN(y[i])) inside.push(i);
	if (inside.length <= DECIMATE_ABOVE) return inside;
	const reach = (sign: number) =>
		inside.map((i) => y[i] + sign * (error === undefined || Number.isNaN(error[i]) ? 0 : error[i]));
	return columnExtremes(
		inside.map((i) => x[i]),
		reach(-1),
		reach(1),
		columnOf,
	).map((k) => inside[k]);
}
