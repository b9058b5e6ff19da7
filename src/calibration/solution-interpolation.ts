import { wrapPhase } from "./robust.ts";
import { type SolutionTable, type SolutionWindow, solutionIndex } from "./solution-table.ts";

export interface InterpolationOptions {
	/** Between solution intervals: the nearest, or amplitude and unwrapped phase linear, each by itself. */
	time: "nearest" | "linear";
	/** Also bridge flagged solutions. Not by default: nothing is known there. */
	acrossFlagged: boolean;
	/** Beyond the first and last solution the nearest serves up to this age, s. */
	maximumAgeS: number;
}

export const INTERPOLATION_DEFAULTS: InterpolationOptions = {
	time: "linear",
	acrossFlagged: false,
	maximumAgeS: 86400,
};

/** Where two neighbours of an axis are and how far the point is from the first to the second. */
interface Bracket {
	low: number;
	high: number;
	fraction: number;
}

/**
 * Gains of one table at a time, on the channels of one window.
 *
 * @param window which of the table's windows serves.
 * @param gains out: [antenna][polarisation][channel][re, im].
 * @param flags out: [antenna][polarisation][channel], 1 = no solution.
 */
export function gainsAt(
	table: SolutionTable,
	window: number,
	mjd: number,
	frequenciesHz: Float64Array,
	options: InterpolationOptions,
	gains: Float64Array,
	flags: Uint8Array,
): void {
	const nPol = table.polarizations.length;
	const nChannels = frequenciesHz.length;
	const source = table.windows[window];
	const own = source.frequenciesHz.length;
	// Without its own channels a table holds one value for all.
	const brackets = own === 1 ? undefined : Array.from(frequenciesHz, (f) => channelBracket(source, f));
	const re = new Float64Array(own);
	const im = new Float64Array(own);
	const bad = new Uint8Array(own);
	for (let p = 0; p < table.nAntennas; p++) {
		for (let s = 0; s < nPol; s++) {
			for (let c = 0; c < own; c++) atTime(table, source, mjd, p, s, c, options, re, im, bad);
			const first = (p * nPol + s) * nChannels;
			for (let c = 0; c < nChannels; c++) {
				const o = first + c;
				flags[o] = 0;
				if (table.kind === "K") {
					const angle = 2 * Math.PI * re[0] * (frequenciesHz[c] - source.frequenciesHz[0]);
					gains[2 * o] = Math.cos(angle);
					gains[2 * o + 1] = Math.sin(angle);
					flags[o] = bad[0];
				} else if (brackets === undefined) {
					gains[2 * o] = re[0];
					gains[2 * o + 1] = im[0];
					flags[o] = bad[0];
				} else {
					let bracket: Bracket | undefined = brackets[c];
					if (options.acrossFlagged && bracket !== undefined) bracket = widen(bracket, bad, source, frequenciesHz[c]);
					flags[o] = betweenChannels(bracket, re, im, bad, gains, o);
				}
				if (flags[o] !== 0) {
					gains[2 * o] = 1;
					gains[2 * o + 1] = 0;
				}
			}
		}
	}
}

/** A channel within half a channel of the table's band has neighbours; beyond it, nothing serves. */
function channelBracket(source: SolutionWindow, frequencyHz: number): Bracket | undefined {
	const { frequenciesHz: f, channelWidthsHz } = source;
	const last = f.length - 1;
	const half = (c: number) =>
		0.5 * Math.max(channelWidthsHz[c], Math.abs(f[Math.min(last, c + 1)] - f[Math.max(0, c - 1)]) / 2);
	if (frequencyHz < f[0] - half(0) || frequencyHz > f[last] + half(last)) return undefined;
	let low = 0;
	while (low < last && f[low + 1] <= frequencyHz) low++;
	// On the channel itself no neighbour is asked.
	if (Math.abs(f[low] - frequencyHz) < 1e-3 * half(low) || frequencyHz <= f[0]) return { low, high: low, fraction: 0 };
	if (low === last) return { low, high: low, fraction: 0 };
	if (Math.abs(f[low + 1] - frequencyHz) < 1e-3 * half(low + 1)) return { low: low + 1, high: low + 1, fraction: 0 };
	return { low, high: low + 1, fraction: (frequencyHz - f[low]) / (f[low + 1] - f[low]) };
}

function widen(bracket: Bracket, bad: Uint8Array, source: SolutionWindow, frequencyHz: number): Bracket | undefined {
	let { low, high } = bracket;
	while (low >= 0 && bad[low] !== 0) low--;
	while (high < bad.length && bad[high] !== 0) high++;
	if (low < 0 && high >= bad.length) return undefined;
	if (low < 0) return { low: high, high, fraction: 0 };
	if (high >= bad.length || low === high) return { low, high: low, fraction: 0 };
	const f = source.frequenciesHz;
	return { low, high, fraction: (frequencyHz - f[low]) / (f[high] - f[low]) };
}

function betweenChannels(
	bracket: Bracket | undefined,
	re: Float64Array,
	im: Float64Array,
	bad: Uint8Array,
	gains: Float64Array,
	o: number,
): number {
	if (bracket === undefined || bad[bracket.low] !== 0 || bad[bracket.high] !== 0) return 1;
	const { low, high, fraction } = bracket;
	if (low === high) {
		gains[2 * o] = re[low];
		gains[2 * o + 1] = im[low];
		return 0;
	}
	blend(re[low], im[low], re[high], im[high], fraction, gains, o);
	return 0;
}

/** Amplitude and shortest-way phase, each linear. */
function blend(aRe: number, aIm: number, bRe: number, bIm: number, x: number, out: Float64Array, o: number): void {
	const amplitudeA = Math.hypot(aRe, aIm);
	const amplitude = amplitudeA + x * (Math.hypot(bRe, bIm) - amplitudeA);
	const phaseA = Math.atan2(aIm, aRe);
	const phase = phaseA + x * wrapPhase(Math.atan2(bIm, bRe) - phaseA);
	out[2 * o] = amplitude * Math.cos(phase);
	out[2 * o + 1] = amplitude * Math.sin(phase);
}

const pair = new Float64Array(2);

function atTime(
	table: SolutionTable,
	source: SolutionWindow,
	mjd: number,
	antenna: number,
	polarization: number,
	channel: number,
	options: InterpolationOptions,
	re: Float64Array,
	im: Float64Array,
	bad: Uint8Array,
): void {
	const { timesMjd, intervalsS } = table;
	const n = timesMjd.length;
	const at = (t: number) => solutionIndex(table, source, t, antenna, polarization, channel);
	const usable = (t: number) => source.flags[at(t)] === 0;
	const take = (t: number) => {
		re[channel] = source.values[2 * at(t)];
		im[channel] = source.values[2 * at(t) + 1];
		bad[channel] = 0;
	};
	bad[channel] = 1;
	re[channel] = 1;
	im[channel] = 0;
	if (n === 0) return;
	let low = 0;
	while (low + 1 < n && timesMjd[low + 1] <= mjd) low++;
	let high = Math.min(n - 1, low + 1);
	const distance = (t: number) => Math.abs(timesMjd[t] - mjd) * 86400;
	const inside = (t: number) => distance(t) <= 0.5 * intervalsS[t] + 1e-3;
	if (mjd < timesMjd[0]) high = low = 0;
	if (options.acrossFlagged) {
		while (low > 0 && !usable(low)) low--;
		while (high < n - 1 && !usable(high)) high++;
	}
	const nearest = distance(high) < distance(low) ? high : low;
	if (
		low !== high &&
		options.time === "linear" &&
		usable(low) &&
		usable(high) &&
		mjd > timesMjd[low] &&
		mjd < timesMjd[high]
	) {
		const x = (mjd - timesMjd[low]) / (timesMjd[high] - timesMjd[low]);
		if (table.kind === "K") {
			re[channel] = source.values[2 * at(low)] * (1 - x) + source.values[2 * at(high)] * x;
		} else {
			const [i, j] = [2 * at(low), 2 * at(high)];
			const { values } = source;
			blend(values[i], values[i + 1], values[j], values[j + 1], x, pair, 0);
			re[channel] = pair[0];
			im[channel] = pair[1];
		}
		bad[channel] = 0;
		return;
	}
	if (usable(nearest)) {
		// Between two solutions the nearest serves; beyond them, or beside a flagged one, only so far.
		const between = low !== high && usable(low) && usable(high);
		if (between || inside(nearest) || (distance(nearest) <= options.maximumAgeS && beyond(mjd, timesMjd, nearest))) {
			take(nearest);
			return;
		}
	}
	if (options.acrossFlagged) {
		for (const t of [low, high]) {
			if (usable(t) && distance(t) <= options.maximumAgeS) {
				take(t);
				return;
			}
		}
	}
}

/** The time lies before the first or after the last solution, and that one is the nearest. */
const beyond = (mjd: number, times: Float64Array, nearest: number): boolean =>
	(nearest === 0 && mjd <= times[0]) || (nearest === times.length - 1 && mjd >= times[times.length - 1]);

/**
 * Which window of a table serves each window of the data: the given map, the only one there is, or the one that covers
 * the window's middle; -1 where none does.
 */
export function windowMap(
	table: SolutionTable,
	windows: readonly Float64Array[],
	given: readonly number[] | undefined,
): Int32Array {
	return Int32Array.from(windows, (frequencies, w) => {
		if (given !== undefined) return given[w] ?? -1;
		if (table.windows.length === 1 && table.windows[0].frequenciesHz.length === 1) return 0;
		const middle = 0.5 * (frequencies[0] + frequencies[frequencies.length - 1]);
		return table.windows.findIndex(({ frequenciesHz: f, channelWidthsHz }) => {
			const last = f.length - 1;
			return middle >= f[0] - 0.5 * channelWidthsHz[0] && middle <= f[last] + 0.5 * channelWidthsHz[last];
		});
	});
}
