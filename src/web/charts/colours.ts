/** Ink of the charts, the same as the style sheet's; a picture takes it when it is drawn. */
export let INK = "#1b2530";
export let SOFT = "#5c6b7a";
export let GRID = "#e9edf1";
export let FRAME = "#b7c2cc";
export let SHEET = "#ffffff";
export let MARK = "#1f5fa8";
/** A source without a candidate. */
export let PLAIN = "#45698c";
/** What a person has put aside. */
export let ASIDE = "#8795a1";
export let WARM = "#f5ead6";
export let TIER_COLOURS = { high: "#b3261e", medium: "#a15c00", low: "#5c6b7a" };
let isDark = false;

/** Takes the colours of a theme for all that is drawn from now on. */
export function takeInk(theme: "light" | "dark"): void {
	isDark = theme === "dark";
	[INK, SOFT, GRID, FRAME, SHEET] = isDark
		? ["#dfe6ec", "#93a2b0", "#26323d", "#44535f", "#172029"]
		: ["#1b2530", "#5c6b7a", "#e9edf1", "#b7c2cc", "#ffffff"];
	[MARK, PLAIN, ASIDE, WARM] = isDark
		? ["#74aeee", "#8fb4da", "#6f7f8d", "#3a2f18"]
		: ["#1f5fa8", "#45698c", "#8795a1", "#f5ead6"];
	TIER_COLOURS = isDark
		? { high: "#f0857d", medium: "#e3a04a", low: "#93a2b0" }
		: { high: "#b3261e", medium: "#a15c00", low: "#5c6b7a" };
}

/** Low frequencies warm, high ones cool, as light would be. Each is dark enough to be seen on white ... */
const BAND_STOPS = [
	[168, 32, 26],
	[199, 111, 0],
	[32, 128, 88],
	[31, 95, 168],
	[91, 58, 155],
];
/** ... and each of these light enough on black. */
const BAND_STOPS_DARK = [
	[240, 120, 108],
	[240, 178, 82],
	[98, 205, 150],
	[116, 174, 238],
	[184, 154, 240],
];
/** Dark blue over green to yellow: the brightness rises evenly. */
const SEQUENTIAL_STOPS = [
	[68, 20, 92],
	[60, 78, 138],
	[38, 130, 142],
	[53, 183, 121],
	[180, 222, 44],
	[253, 231, 70],
];

function between(stops: number[][], fraction: number): string {
	const at = Math.min(1, Math.max(0, fraction)) * (stops.length - 1);
	const k = Math.min(stops.length - 2, Math.floor(at));
	const [r, g, b] = stops[k].map((low, c) => Math.round(low + (at - k) * (stops[k + 1][c] - low)));
	return `rgb(${r},${g},${b})`;
}

/** Colour of the i-th of n subbands in ascending frequency. */
export const bandColour = (i: number, n: number): string =>
	between(
		isDark ? BAND_STOPS_DARK : BAND_STOPS,
		n <= 1 ? 0.75 : n <= 4 ? [0, 0.25, 0.5, 0.75][n === 2 ? i * 3 : i] : i / (n - 1),
	);

/** Colour of a fraction 0..1; grey for what is not known. */
export const sequentialColour = (fraction: number): string =>
	Number.isFinite(fraction) ? between(SEQUENTIAL_STOPS, fraction) : "#c3ccd4";
