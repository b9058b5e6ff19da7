import { type Axis, type AxisSpec, formatTick, makeAxis, niceStep } from "./axis.ts";
import { drawLayer, escapeXml, type HeatLayer, heatRange, type Layer, layerExtent, legendMarker } from "./layers.ts";
import { colourOf, GRID, INK, MUTED, PALETTE } from "./palette.ts";

export type { AxisSpec, Values } from "./axis.ts";
export type { Layer } from "./layers.ts";

export interface PlotSpec {
	/** Pixels. Default 640 x 400. */
	width?: number;
	height?: number;
	title?: string;
	/** A second, smaller line under the title. */
	subtitle?: string;
	x: AxisSpec;
	y: AxisSpec;
	/** Drawn in this order, later ones above. */
	layers: Layer[];
	/** Show the legend when any layer has a label. Default true. */
	legend?: boolean;
}

const FONT = "font-family=\"'Helvetica Neue',Arial,'Liberation Sans',system-ui,sans-serif\"";
/** Width of a text in pixels, near enough to lay out a legend without a browser. */
const textWidth = (text: string, size: number) => [...text].length * size * 0.55;

const isHeat = (layer: Layer): layer is HeatLayer => layer.kind === "heat";

/** A layer that frames the others takes no colour of the palette and no place in the ranges. */
const colourFor = (layers: Layer[]): string[] => {
	let next = 0;
	return layers.map((layer) => {
		if (layer.color !== undefined) return layer.color;
		if (layer.kind === "rule" || layer.kind === "text") return MUTED;
		if (layer.kind === "heat") return INK;
		return PALETTE[next++ % PALETTE.length];
	});
};

function legendEntries(layers: Layer[], colours: string[], left: number, right: number) {
	const size = 12;
	let x = left;
	let row = 0;
	let out = "";
	for (const [k, layer] of layers.entries()) {
		if (layer.label === undefined || isHeat(layer)) continue;
		const width = 22 + textWidth(layer.label, size) + 16;
		if (x > left && x + width > right) {
			x = left;
			row++;
		}
		const y = row * 18;
		const colour = colours[k];
		const sample =
			layer.kind === "points"
				? legendMarker(layer, x + 8, y - 4, colour)
				: layer.kind === "line" || layer.kind === "rule" || (layer.kind === "histogram" && layer.outline)
					? `<path d="M${x} ${y - 4}h16" stroke="${colour}" stroke-width="2" fill="none"${"dash" in layer && layer.dash ? ' stroke-dasharray="5 3"' : ""}/>`
					: `<rect x="${x + 1}" y="${y - 10}" width="14" height="11" fill="${colour}" opacity="${layer.opacity ?? 0.6}"/>`;
		out += `${sample}<text x="${x + 22}" y="${y}" font-size="${size}" fill="${INK}">${escapeXml(layer.label)}</text>`;
		x += width;
	}
	return { svg: out, rows: out === "" ? 0 : row + 1 };
}

function axisTicks(axis: Axis, horizontal: boolean, width: number, height: number, grid: boolean): string {
	let lines = "";
	let marks = "";
	let labels = "";
	for (const { at, label, minor } of axis.ticks) {
		const p = Math.round(axis.toPixel(at) * 10) / 10;
		if (Number.isNaN(p) || p < -0.5 || p > (horizontal ? width : height) + 0.5) continue;
		const length = minor ? 3 : 5;
		if (horizontal) {
			marks += `M${p} ${height}v${length}`;
			if (grid && !minor) lines += `M${p} 0V${height}`;
			if (label) labels += `<text x="${p}" y="${height + 19}" text-anchor="middle">${escapeXml(label)}</text>`;
		} else {
			marks += `M0 ${p}h${-length}`;
			if (grid && !minor) lines += `M0 ${p}H${width}`;
			if (label) labels += `<text x="-9" y="${p + 4}" text-anchor="end">${escapeXml(label)}</text>`;
		}
	}
	return (
		(lines ? `<path d="${lines}" stroke="${GRID}" fill="none"/>` : "") +
		`<path d="${marks}" stroke="${MUTED}" fill="none"/><g font-size="12" fill="${INK}">${labels}</g>`
	);
}

function colourBar(layer: HeatLayer, x: number, height: number): string {
	const [low, high] = heatRange(layer);
	const steps = 64;
	let cells = "";
	for (let k = 0; k < steps; k++) {
		const top = height * (1 - (k + 1) / steps);
		cells += `<rect x="${x}" y="${top.toFixed(1)}" width="12" height="${(height / steps + 0.4).toFixed(1)}" fill="${colourOf(k / (steps - 1), layer.map)}"/>`;
	}
	const step = niceStep(high - low, Math.max(2, Math.floor(height / 50)));
	let labels = "";
	for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) {
		const y = height * (1 - (k * step - low) / (high - low));
		labels += `<path d="M${x + 12} ${y.toFixed(1)}h4" stroke="${MUTED}"/><text x="${x + 19}" y="${(y + 4).toFixed(1)}">${escapeXml(formatTick(k * step, step))}</text>`;
	}
	const middle = height / 2;
	const name = layer.label
		? `<text transform="translate(${x + 66} ${middle}) rotate(-90)" text-anchor="middle" font-size="13">${escapeXml(layer.label)}</text>`
		: "";
	return `<g fill="${INK}" font-size="12">${cells}${labels}${name}</g>`;
}

/**
 * One figure as a self-contained SVG element: no script, no style sheet, no outside font. The same input gives the
 * same text. Values that an axis cannot show (NaN, or not positive on a log axis) are left out; layers of more than
 * 20,000 points are thinned to what the picture can show (the extremes of each pixel column of a series, one point
 * per cell of a cloud).
 */
export function plot(spec: PlotSpec): string {
	const width = spec.width ?? 640;
	const height = spec.height ?? 400;
	const colours = colourFor(spec.layers);
	const heat = spec.layers.find(isHeat);
	const logX = spec.x.scale === "log";
	const logY = spec.y.scale === "log";
	const xRange: [number, number] = [Infinity, -Infinity];
	const yRange: [number, number] = [Infinity, -Infinity];
	for (const layer of spec.layers) layerExtent(layer, xRange, yRange, logX, logY);
	const bare = spec.layers.every((layer) => layer.kind === "heat" || layer.kind === "rule" || layer.kind === "text");
	// A picture fills its frame, and the bars of a histogram stand on the axis.
	const xSpec = bare && heat !== undefined ? { min: xRange[0], max: xRange[1], grid: false, ...spec.x } : spec.x;
	let ySpec = bare && heat !== undefined ? { min: yRange[0], max: yRange[1], grid: false, ...spec.y } : spec.y;
	if (!logY && yRange[0] === 0 && spec.layers.some((layer) => layer.kind === "histogram")) ySpec = { min: 0, ...ySpec };

	const right = heat === undefined ? 20 : 20 + 78;
	const titleHeight = (spec.title ? 24 : 6) + (spec.subtitle ? 18 : 0);
	const bottom = 50;
	// The left margin follows the longest label, which follows the ticks, which hardly follow the margin.
	const draft = makeAxis(ySpec, yRange, 0, height - titleHeight - bottom, 42);
	const longest = Math.max(20, ...draft.ticks.map(({ label }) => textWidth(label, 12)));
	const left = Math.ceil(longest + 42);
	const inner = Math.max(40, width - left - right);
	const legend =
		(spec.legend ?? true) ? legendEntries(spec.layers, colours, left, width - right) : { svg: "", rows: 0 };
	const top = titleHeight + 8 + legend.rows * 18;
	const tall = Math.max(40, height - top - bottom);
	const xAxis = makeAxis(xSpec, xRange, 0, inner, 78);
	const upward = makeAxis(ySpec, yRange, 0, tall, 42);
	// SVG counts pixels downwards.
	const yAxis: Axis = { ...upward, toPixel: (value) => tall - upward.toPixel(value) };

	const name = spec.title ?? `${spec.y.label} against ${spec.x.label}`;
	const out = [
		`<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ${FONT}>`,
		`<title>${escapeXml(name)}</title><rect width="${width}" height="${height}" fill="#fff"/>`,
	];
	if (spec.title) {
		out.push(`<text x="${left}" y="20" font-size="15" font-weight="600" fill="${INK}">${escapeXml(spec.title)}</text>`);
	}
	if (spec.subtitle) {
		out.push(
			`<text x="${left}" y="${spec.title ? 38 : 18}" font-size="12" fill="${MUTED}">${escapeXml(spec.subtitle)}</text>`,
		);
	}
	if (legend.rows > 0) out.push(`<g transform="translate(0 ${titleHeight + 12})">${legend.svg}</g>`);
	out.push(
		`<g transform="translate(${left} ${top})">`,
		axisTicks(xAxis, true, inner, tall, xSpec.grid ?? true),
		axisTicks(yAxis, false, inner, tall, ySpec.grid ?? true),
		`<svg width="${inner}" height="${tall}" overflow="hidden">`,
		...spec.layers.map((layer, k) => drawLayer(layer, xAxis, yAxis, inner, tall, colours[k])),
		"</svg>",
		`<rect width="${inner}" height="${tall}" fill="none" stroke="${MUTED}"/>`,
		heat === undefined ? "" : colourBar(heat, inner + 14, tall),
		`<text x="${inner / 2}" y="${tall + 42}" text-anchor="middle" font-size="13" fill="${INK}">${escapeXml(spec.x.label)}</text>`,
		`<text transform="translate(${-left + 16} ${tall / 2}) rotate(-90)" text-anchor="middle" font-size="13" fill="${INK}">${escapeXml(spec.y.label)}</text>`,
		"</g></svg>",
	);
	return out.join("");
}
