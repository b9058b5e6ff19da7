import { describe, expect, test } from "vitest";
import { Random } from "../simulation/random.ts";
import { cellOccupancy, columnExtremes } from "./decimation.ts";
import { binCounts, histogramWithNormal } from "./histogram.ts";
import { page } from "./page.ts";
import { type Layer, plot } from "./plot.ts";

const axes = { x: { label: "MJD" }, y: { label: "S (mJy)" } };
const count = (text: string, part: string) => text.split(part).length - 1;

describe("plot", () => {
	test("draws a point where its values say, with its error bar", () => {
		const svg = plot({
			width: 400,
			height: 300,
			x: { label: "x", min: 0, max: 10 },
			y: { label: "y", min: 0, max: 10 },
			layers: [{ kind: "points", x: [5], y: [5], yErr: [2.5] }],
		});
		const [, width, height] = svg.match(/<svg width="(\d+)" height="(\d+)" overflow/) ?? [];
		expect(svg).toContain(`d="M${Number(width) / 2} ${Number(height) / 2}h0"`);
		expect(svg).toContain(`d="M${Number(width) / 2} ${(Number(height) / 4).toFixed(1).replace(".0", "")}V`);
	});

	test("leaves out NaN, breaks lines there, and marks what lies outside fixed limits", () => {
		const layers: Layer[] = [
			{ kind: "line", x: [0, 1, 2, 3, 4], y: [1, 2, Number.NaN, 2, 1] },
			{ kind: "points", x: [1, Number.NaN, 3], y: [2, 2, 2697], color: "#123456" },
		];
		const svg = plot({ x: { label: "x" }, y: { label: "y", min: 0, max: 4 }, layers });
		expect(svg).not.toContain("NaN");
		const line = svg.match(/<path d="(M[^"]*L[^"]*)"/)?.[1] ?? "";
		expect(count(line, "M")).toBe(2);
		expect(svg).toMatch(/<path d="M[\d.]+ 7l3 -6l3 6z" fill="#123456"/);
	});

	test("is well-formed whatever the layers and the words are", () => {
		const layers: Layer[] = [
			{
				kind: "points",
				x: [1, 2],
				y: [1, 2],
				xErr: [0.1, 0.1],
				hollow: true,
				label: "<a & b>",
				titles: ['"1"', "<2>"],
			},
			{ kind: "points", x: [1], y: [1], shape: "cross", label: "cross" },
			{ kind: "band", x: [1, 2], low: [0, 0], high: [1, 1], label: "band" },
			{ kind: "histogram", edges: [0, 1, 2], counts: [3, 4], outline: true, label: "outline" },
			{ kind: "rects", x0: [-Infinity], x1: [1], y0: [-Infinity], y1: [Infinity], label: "epoch" },
			{ kind: "heat", x: [0, 1], y: [0, 1], columns: 2, rows: 2, values: [0, 1, Number.NaN, 2], label: "ln c" },
			{ kind: "rule", axis: "y", at: [1, Number.NaN], label: "limit" },
			{ kind: "text", x: [1], y: [1], text: ["<here>"] },
		];
		const svg = plot({ title: "a < b & c", subtitle: "x", ...axes, layers });
		const open = [...svg.matchAll(/<([a-z]+)[^>]*?(\/?)>/g)].filter((m) => m[2] === "").length;
		expect(open).toBe(count(svg, "</"));
		expect(svg).not.toMatch(/NaN|Infinity|undefined/);
		expect(svg).toContain("a &lt; b &amp; c");
		expect(plot({ title: "a < b & c", subtitle: "x", ...axes, layers })).toBe(svg);
		expect(plot({ ...axes, layers: [] })).toContain("MJD");
	});

	test("a million points become a small picture that keeps the extremes", () => {
		const n = 1_000_000;
		const random = new Random(1);
		const x = Float64Array.from({ length: n }, (_, i) => i);
		const y = Float64Array.from({ length: n }, () => random.normal());
		y[123_456] = 40;
		const svg = plot({ ...axes, layers: [{ kind: "points", x, y, yErr: new Float64Array(n).fill(0.5) }] });
		expect(svg.length).toBeLessThan(150_000);
		const kept = columnExtremes(
			x.map((value) => value / 2000),
			y,
			y,
		);
		expect(kept).toContain(123_456);
		expect(kept.length).toBeLessThanOrEqual(4 * 500);
		expect(kept).toEqual([...kept].sort((a, b) => a - b));
		const cloud = cellOccupancy(
			y.map((value) => 300 + 50 * value),
			y.map((_, i) => (i * 0.37) % 400),
		);
		expect(cloud.length).toBeLessThanOrEqual(20_000);
	});
});

describe("histogram", () => {
	test("counts everything once", () => {
		const counted = binCounts([0, 0.5, 1, 2, -1, Number.NaN, 9], 2, 0, 2);
		expect(Array.from(counted.counts)).toEqual([2, 2]);
		expect([counted.below, counted.above, counted.missing]).toEqual([1, 1, 1]);
	});

	test("the normal curve has the area of the bars", () => {
		const random = new Random(2);
		const [bars, curve] = histogramWithNormal(Array.from({ length: 20_000 }, () => random.normal()));
		let area = 0;
		for (let i = 0; i < curve.y.length; i++) area += curve.y[i] * 0.05;
		const total = Array.from(bars.counts).reduce((sum, value) => sum + value * 0.2, 0);
		expect(Math.abs(area / total - 1)).toBeLessThan(0.01);
	});
});

test("a report page is one file that points nowhere else", () => {
	const html = page("Report <1>", "lead", [
		{ heading: "A", text: "one\n\ntwo", figures: [plot({ ...axes, layers: [] })] },
		{ heading: "B", table: { columns: ["n"], rows: [[1], [Number.NaN]], marked: new Map([[1, "odd"]]) }, folded: true },
	]);
	expect(html).toContain("Report &lt;1&gt;");
	expect(count(html, "<p>")).toBe(2);
	expect(html).toContain('<tr class="marked" title="odd"><td class="n">–</td>');
	expect(html.replaceAll("http://www.w3.org/2000/svg", "")).not.toMatch(/https?:|<script|<link/);
});
