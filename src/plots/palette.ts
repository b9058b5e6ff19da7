/** Colours that differ for every common kind of colour vision (Okabe & Ito 2008), dark enough for white paper. */
export const PALETTE = ["#0072b2", "#d55e00", "#009e73", "#aa4499", "#b8860b", "#3399cc", "#555555"] as const;

export const INK = "#1f2933";
export const MUTED = "#667380";
export const GRID = "#e7ebef";

/** Control points of a perceptually even map from dark blue over green to yellow, and of one that diverges about grey. */
const SEQUENTIAL = [
	[68, 20, 92],
	[60, 78, 138],
	[38, 130, 142],
	[53, 183, 121],
	[180, 222, 44],
	[253, 231, 70],
];
const DIVERGING = [
	[0, 92, 153],
	[110, 170, 212],
	[242, 242, 242],
	[236, 160, 110],
	[178, 68, 0],
];

/** Colour of a fraction from 0 to 1; fractions outside are clipped, NaN is light grey. */
export function colourOf(fraction: number, map: "sequential" | "diverging" = "sequential"): string {
	if (Number.isNaN(fraction)) return "#d9dee3";
	const points = map === "sequential" ? SEQUENTIAL : DIVERGING;
	const at = Math.min(1, Math.max(0, fraction)) * (points.length - 1);
	const k = Math.min(points.length - 2, Math.floor(at));
	const mix = points[k].map((value, c) => Math.round(value + (at - k) * (points[k + 1][c] - value)));
	return `#${mix.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}
