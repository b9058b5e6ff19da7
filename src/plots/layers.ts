import { type Axis, extent, type Values } from "./axis.ts";
import { cellOccupancy, columnExtremes, DECIMATE_ABOVE, isSeries } from "./decimation.ts";
import { colourOf, INK } from "./palette.ts";

interface Common {
	/** Any CSS colour; taken in turn from the palette when not given. */
	color?: string;
	/** Entry in the legend. */
	label?: string;
	/** 0 to 1. */
	opacity?: number;
}

/** Measurements: dots with optional error bars, in the axes' units. NaN is left out. */
export interface PointsLayer extends Common {
	kind: "points";
	x: Values;
	y: Values;
	/** One-sigma half lengths of the error bars. */
	yErr?: Values;
	xErr?: Values;
	/** Outlined instead of filled: upper limits, flagged epochs. */
	hollow?: boolean;
	shape?: "circle" | "square" | "triangle" | "down" | "cross";
	/** Diameter in pixels. Default 5. */
	size?: number;
	/** One text per point, shown when the pointer rests on it. Ignored above 2,000 points. */
	titles?: string[];
}

/** A polyline, broken at NaN; `step` holds each value until the next. */
export interface LineLayer extends Common {
	kind: "line";
	x: Values;
	y: Values;
	width?: number;
	dash?: boolean;
	step?: boolean;
}

/** The area between two curves, broken at NaN. */
export interface BandLayer extends Common {
	kind: "band";
	x: Values;
	low: Values;
	high: Values;
}

/** Bars over `edges` (one more than `counts`), from zero. */
export interface HistogramLayer extends Common {
	kind: "histogram";
	edges: Values;
	counts: Values;
	/** Outline only, for one histogram over another. */
	outline?: boolean;
}

/** Rectangles in the axes' units: epochs, flags, events. An infinite side reaches the edge. */
export interface RectsLayer extends Common {
	kind: "rects";
	x0: Values;
	x1: Values;
	y0: Values;
	y1: Values;
}

/** A picture of `columns` x `rows` values, row by row from the lowest y, over the given ranges; with a colour bar. */
export interface HeatLayer extends Common {
	kind: "heat";
	x: [number, number];
	y: [number, number];
	columns: number;
	rows: number;
	values: Values;
	/** Values of the colour map's ends. The data's extremes when not given. */
	low?: number;
	high?: number;
	map?: "sequential" | "diverging";
}

/** Straight lines across the whole picture at values of one axis. */
export interface RuleLayer extends Common {
	kind: "rule";
	axis: "x" | "y";
	at: number[];
	dash?: boolean;
	width?: number;
}

/** Words at places, in the axes' units. */
export interface TextLayer extends Common {
	kind: "text";
	x: Values;
	y: Values;
	text: string[];
	anchor?: "start" | "middle" | "end";
}

export type Layer =
	| PointsLayer
	| LineLayer
	| BandLayer
	| HistogramLayer
	| RectsLayer
	| HeatLayer
	| RuleLayer
	| TextLayer;

export const escapeXml = (text: string) =>
	text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

/** Pixels with one decimal: finer is invisible and doubles the file. */
const px = (value: number) => {
	const rounded = Math.round(value * 10) / 10;
	return String(Object.is(rounded, -0) ? 0 : rounded);
};

/** The range of the data that a layer brings to each axis. */
export function layerExtent(
	layer: Layer,
	x: [number, number],
	y: [number, number],
	logX: boolean,
	logY: boolean,
): void {
	switch (layer.kind) {
		case "points": {
			extent(layer.x, logX, x);
			extent(layer.y, logY, y);
			for (const sign of [-1, 1]) {
				const { xErr, yErr } = layer;
				if (yErr !== undefined)
					extent(
						Float64Array.from(layer.y, (v, i) => v + sign * yErr[i]),
						logY,
						y,
					);
				if (xErr !== undefined)
					extent(
						Float64Array.from(layer.x, (v, i) => v + sign * xErr[i]),
						logX,
						x,
					);
			}
			return;
		}
		case "line":
		case "text":
			extent(layer.x, logX, x);
			extent(layer.y, logY, y);
			return;
		case "band":
			extent(layer.x, logX, x);
			extent(layer.low, logY, y);
			extent(layer.high, logY, y);
			return;
		case "histogram":
			extent(layer.edges, logX, x);
			extent(layer.counts, logY, y);
			extent([logY ? 0.5 : 0], logY, y);
			return;
		case "rects":
			extent(layer.x0, logX, x);
			extent(layer.x1, logX, x);
			extent(layer.y0, logY, y);
			extent(layer.y1, logY, y);
			return;
		case "heat":
			extent(layer.x, logX, x);
			extent(layer.y, logY, y);
			return;
		case "rule":
			extent(layer.at, layer.axis === "x" ? logX : logY, layer.axis === "x" ? x : y);
	}
}

const r = (size: number) => px(size / 2);

/** One marker as a path; dots are zero-length strokes with round ends, the shortest form there is. */
function marker(shape: NonNullable<PointsLayer["shape"]>, x: number, y: number, size: number, filledDot: boolean) {
	const h = size / 2;
	if (shape === "circle" && filledDot) return `M${px(x)} ${px(y)}h0`;
	if (shape === "circle")
		return `M${px(x - h)} ${px(y)}a${r(size)} ${r(size)} 0 1 0 ${px(size)} 0a${r(size)} ${r(size)} 0 1 0 ${px(-size)} 0`;
	if (shape === "square") return `M${px(x - h)} ${px(y - h)}h${px(size)}v${px(size)}h${px(-size)}z`;
	if (shape === "triangle") return `M${px(x)} ${px(y - h)}l${px(h)} ${px(size)}h${px(-size)}z`;
	if (shape === "down") return `M${px(x)} ${px(y + h)}l${px(h)} ${px(-size)}h${px(-size)}z`;
	return `M${px(x - h)} ${px(y - h)}l${px(size)} ${px(size)}m0 ${px(-size)}l${px(-size)} ${px(size)}`;
}

/** Attributes that draw markers of a layer: filled dots are strokes, other shapes are fills or outlines. */
export function markerStyle(layer: PointsLayer, color: string): { attributes: string; dot: boolean } {
	const shape = layer.shape ?? "circle";
	const size = layer.size ?? 5;
	if (layer.hollow) return { attributes: `fill="#fff" stroke="${color}" stroke-width="1.3"`, dot: false };
	if (shape === "cross") return { attributes: `fill="none" stroke="${color}" stroke-width="1.5"`, dot: false };
	if (shape === "circle") {
		return { attributes: `fill="none" stroke="${color}" stroke-width="${px(size)}" stroke-linecap="round"`, dot: true };
	}
	return { attributes: `fill="${color}"`, dot: false };
}

/** A marker for the legend. */
export const legendMarker = (layer: PointsLayer, x: number, y: number, color: string) => {
	if ((layer.size ?? 5) < 1) return `<path d="M${x} ${y - 6}v12" stroke="${color}" opacity="0.55"/>`;
	const { attributes, dot } = markerStyle(layer, color);
	return `<path d="${marker(layer.shape ?? "circle", x, y, Math.min(7, layer.size ?? 5), dot)}" ${attributes}/>`;
};

function drawPoints(
	layer: PointsLayer,
	xAxis: Axis,
	yAxis: Axis,
	width: number,
	height: number,
	color: string,
): string {
	const n = Math.min(layer.x.length, layer.y.length);
	const xPixel = new Float64Array(n);
	const yPixel = new Float64Array(n);
	const low = new Float64Array(n);
	const high = new Float64Array(n);
	for (let i = 0; i < n; i++) {
		xPixel[i] = xAxis.toPixel(layer.x[i]);
		yPixel[i] = yAxis.toPixel(layer.y[i]);
		if (Number.isNaN(yPixel[i])) xPixel[i] = Number.NaN;
		const err = layer.yErr?.[i] ?? 0;
		const a = yAxis.toPixel(layer.y[i] - err);
		const b = yAxis.toPixel(layer.y[i] + err);
		low[i] = Math.min(Number.isNaN(a) ? height : a, b);
		high[i] = Math.max(Number.isNaN(a) ? height : a, b);
	}
	let drawn: number[];
	if (n > DECIMATE_ABOVE) drawn = isSeries(layer.x) ? columnExtremes(xPixel, low, high) : cellOccupancy(xPixel, yPixel);
	else drawn = Array.from({ length: n }, (_, i) => i).filter((i) => !Number.isNaN(xPixel[i]));
	const shape = layer.shape ?? "circle";
	const size = layer.size ?? 5;
	const { attributes, dot } = markerStyle(layer, color);
	const bars: string[] = [];
	const marks: string[] = [];
	const arrows: string[] = [];
	for (const i of drawn) {
		const x = xPixel[i];
		const y = yPixel[i];
		if (x < 0 || x > width || y < 0 || y > height) {
			const ax = Math.min(width - 4, Math.max(4, x));
			const ay = Math.min(height - 4, Math.max(4, y));
			arrows.push(
				y < 0
					? `M${px(ax - 3)} 7l3 -6l3 6z`
					: y > height
						? `M${px(ax - 3)} ${px(height - 7)}l3 6l3 -6z`
						: x < 0
							? `M7 ${px(ay - 3)}l-6 3l6 3z`
							: `M${px(width - 7)} ${px(ay - 3)}l6 3l-6 3z`,
			);
			continue;
		}
		if (layer.yErr !== undefined && layer.yErr[i] > 0) bars.push(`M${px(x)} ${px(low[i])}V${px(high[i])}`);
		if (layer.xErr !== undefined && layer.xErr[i] > 0) {
			const a = xAxis.toPixel(layer.x[i] - layer.xErr[i]);
			bars.push(`M${px(Number.isNaN(a) ? 0 : a)} ${px(y)}H${px(xAxis.toPixel(layer.x[i] + layer.xErr[i]))}`);
		}
		marks.push(marker(shape, x, y, size, dot));
	}
	let out = "";
	if (bars.length > 0)
		out += `<path d="${bars.join("")}" fill="none" stroke="${color}" stroke-width="1" opacity="0.55"/>`;
	if (layer.titles !== undefined && drawn.length <= 2000) {
		const inside = drawn.filter((i) => xPixel[i] >= 0 && xPixel[i] <= width && yPixel[i] >= 0 && yPixel[i] <= height);
		out += inside
			.map((i, k) => `<path d="${marks[k]}" ${attributes}><title>${escapeXml(layer.titles?.[i] ?? "")}</title></path>`)
			.join("");
	} else if (marks.length > 0) out += `<path d="${marks.join("")}" ${attributes}/>`;
	if (arrows.length > 0) out += `<path d="${arrows.join("")}" fill="${color}"/>`;
	return out;
}

/** Runs of finite pixels as path data. */
function polyline(x: Values, y: Values, xAxis: Axis, yAxis: Axis, step: boolean): string {
	const n = Math.min(x.length, y.length);
	const xs = Float64Array.from({ length: n }, (_, i) => xAxis.toPixel(x[i]));
	const ys = Float64Array.from({ length: n }, (_, i) => yAxis.toPixel(y[i]));
	const kept = n > DECIMATE_ABOVE && isSeries(x) ? new Set(columnExtremes(xs, ys, ys)) : undefined;
	let path = "";
	let open = false;
	for (let i = 0; i < n; i++) {
		if (Number.isNaN(xs[i]) || Number.isNaN(ys[i])) {
			open = false;
			continue;
		}
		if (kept !== undefined && !kept.has(i)) continue;
		if (!open) path += `M${px(xs[i])} ${px(ys[i])}`;
		else path += step ? `H${px(xs[i])}V${px(ys[i])}` : `L${px(xs[i])} ${px(ys[i])}`;
		open = true;
	}
	return path;
}

function band(layer: BandLayer, xAxis: Axis, yAxis: Axis): string {
	let path = "";
	let run: number[] = [];
	const close = () => {
		if (run.length > 1) {
			const top = run.map((i) => `${px(xAxis.toPixel(layer.x[i]))} ${px(yAxis.toPixel(layer.high[i]))}`);
			const bottom = run.toReversed().map((i) => `${px(xAxis.toPixel(layer.x[i]))} ${px(yAxis.toPixel(layer.low[i]))}`);
			path += `M${[...top, ...bottom].join("L")}z`;
		}
		run = [];
	};
	for (let i = 0; i < layer.x.length; i++) {
		const shown = [xAxis.toPixel(layer.x[i]), yAxis.toPixel(layer.low[i]), yAxis.toPixel(layer.high[i])];
		if (shown.some(Number.isNaN)) close();
		else run.push(i);
	}
	close();
	return path;
}

/** Range of a heat map's colours. */
export function heatRange(layer: HeatLayer): [number, number] {
	const [low, high] = extent(layer.values, false);
	const from = layer.low ?? (low <= high ? low : 0);
	const to = layer.high ?? (low <= high ? high : 1);
	return to > from ? [from, to] : [from, from + 1];
}

/** Pixels of the plot area that a layer covers, as SVG elements in plot-area coordinates. */
export function drawLayer(
	layer: Layer,
	xAxis: Axis,
	yAxis: Axis,
	width: number,
	height: number,
	color: string,
): string {
	const fade = layer.opacity === undefined ? "" : ` opacity="${layer.opacity}"`;
	const clampX = (value: number) =>
		value === -Infinity ? 0 : value === Infinity ? width : Math.min(2 * width, Math.max(-width, xAxis.toPixel(value)));
	const clampY = (value: number) =>
		value === -Infinity
			? height
			: value === Infinity
				? 0
				: Math.min(2 * height, Math.max(-height, yAxis.toPixel(value)));
	switch (layer.kind) {
		case "points":
			return `<g${fade}>${drawPoints(layer, xAxis, yAxis, width, height, color)}</g>`;
		case "line": {
			const path = polyline(layer.x, layer.y, xAxis, yAxis, layer.step ?? false);
			const dash = layer.dash ? ' stroke-dasharray="6 4"' : "";
			return `<path d="${path}" fill="none" stroke="${color}" stroke-width="${layer.width ?? 1.6}" stroke-linejoin="round"${dash}${fade}/>`;
		}
		case "band":
			return `<path d="${band(layer, xAxis, yAxis)}" fill="${color}" opacity="${layer.opacity ?? 0.18}"/>`;
		case "histogram": {
			let path = "";
			const floor = yAxis.log ? height : clampY(0);
			for (let i = 0; i < layer.counts.length; i++) {
				const x0 = xAxis.toPixel(layer.edges[i]);
				const x1 = xAxis.toPixel(layer.edges[i + 1]);
				const top = yAxis.toPixel(layer.counts[i]);
				const y = Number.isNaN(top) ? floor : top;
				if (Number.isNaN(x0) || Number.isNaN(x1)) continue;
				if (layer.outline) path += `${path === "" ? `M${px(x0)} ${px(floor)}` : ""}V${px(y)}H${px(x1)}`;
				else if (y !== floor) path += `M${px(x0)} ${px(floor)}V${px(y)}H${px(x1)}V${px(floor)}z`;
			}
			if (layer.outline) {
				return `<path d="${path}V${px(floor)}" fill="none" stroke="${color}" stroke-width="1.6"${fade}/>`;
			}
			return `<path d="${path}" fill="${color}" stroke="#fff" stroke-width="0.5" opacity="${layer.opacity ?? 0.75}"/>`;
		}
		case "rects": {
			let path = "";
			for (let i = 0; i < layer.x0.length; i++) {
				const [a, b, c, d] = [clampX(layer.x0[i]), clampX(layer.x1[i]), clampY(layer.y0[i]), clampY(layer.y1[i])];
				if ([a, b, c, d].some(Number.isNaN)) continue;
				path += `M${px(a)} ${px(c)}H${px(b)}V${px(d)}H${px(a)}z`;
			}
			return `<path d="${path}" fill="${color}" opacity="${layer.opacity ?? 0.18}"/>`;
		}
		case "heat": {
			const [low, high] = heatRange(layer);
			const x0 = xAxis.toPixel(layer.x[0]);
			const y0 = yAxis.toPixel(layer.y[0]);
			const dx = (xAxis.toPixel(layer.x[1]) - x0) / layer.columns;
			const dy = (yAxis.toPixel(layer.y[1]) - y0) / layer.rows;
			// Cells of one colour share a path: a picture of 10,000 cells stays small. They overlap by a hair, against seams.
			const byColour = new Map<string, string[]>();
			for (let row = 0; row < layer.rows; row++) {
				for (let column = 0; column < layer.columns; column++) {
					const value = layer.values[row * layer.columns + column];
					const fraction = Math.round((63 * (value - low)) / (high - low)) / 63;
					const fill = colourOf(fraction, layer.map);
					const left = Math.min(x0 + column * dx, x0 + (column + 1) * dx);
					const top = Math.min(y0 + row * dy, y0 + (row + 1) * dy);
					const cell = `M${px(left)} ${px(top)}h${px(Math.abs(dx) + 0.3)}v${px(Math.abs(dy) + 0.3)}h${px(-Math.abs(dx) - 0.3)}z`;
					const cells = byColour.get(fill);
					if (cells === undefined) byColour.set(fill, [cell]);
					else cells.push(cell);
				}
			}
			const paths = [...byColour].map(([fill, cells]) => `<path fill="${fill}" d="${cells.join("")}"/>`);
			return `<g${fade} shape-rendering="crispEdges">${paths.join("")}</g>`;
		}
		case "rule": {
			const path = layer.at
				.map((value) => (layer.axis === "x" ? xAxis.toPixel(value) : yAxis.toPixel(value)))
				.filter((value) => !Number.isNaN(value))
				.map((value) => (layer.axis === "x" ? `M${px(value)} 0V${height}` : `M0 ${px(value)}H${width}`))
				.join("");
			const dash = (layer.dash ?? true) ? ' stroke-dasharray="5 4"' : "";
			return `<path d="${path}" fill="none" stroke="${color}" stroke-width="${layer.width ?? 1.2}"${dash}${fade}/>`;
		}
		case "text": {
			const anchor = layer.anchor ?? "start";
			let out = "";
			for (let i = 0; i < layer.text.length; i++) {
				const x = xAxis.toPixel(layer.x[i]);
				const y = yAxis.toPixel(layer.y[i]);
				if (Number.isNaN(x) || Number.isNaN(y)) continue;
				out += `<text x="${px(x)}" y="${px(y)}" text-anchor="${anchor}">${escapeXml(layer.text[i])}</text>`;
			}
			return `<g fill="${layer.color ?? INK}" font-size="11"${fade}>${out}</g>`;
		}
	}
}
