/** Ink of the charts; the same as the style sheet's. */
export const INK = "#1b2530";
export const SOFT = "#5c6b7a";
export const GRID = "#e9edf1";
export const MARK = "#1f5fa8";
export const TIER_COLOURS = { high: "#b3261e", medium: "#a15c00", low: "#5c6b7a" } as const;

/** Low frequencies warm, high ones cool, as light would be. Each is dark enough to be seen on white. */
const BAND_STOPS = [
	[168, 32, 26],
	[199, 111, 0],
	[32, 128, 88],
	[31, 95, 168],
	[91, 58, 155],
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
	between(BAND_STOPS, n <= 1 ? 0.75 : n <= 4 ? [0, 0.25, 0.5, 0.75][n === 2 ? i * 3 : i] : i / (n - 1));

/** Colour of a fraction 0..1; grey for what is not known. */
export const sequentialColour = (fraction: number): string =>
	Number.isFinite(fraction) ? between(SEQUENTIAL_STOPS, fraction) : "#c3ccd4";
