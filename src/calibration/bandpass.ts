import { median, wrapPhase } from "./robust.ts";
import { UNSOLVED } from "./solve-cell.ts";

/** One bandpass of one polarisation over the whole band; arrays [channel][antenna]. */
export interface Bandpass {
	readonly nChannels: number;
	readonly nAntennas: number;
	/** [.. re, im]. */
	readonly gains: Float64Array;
	readonly errors: Float64Array;
	readonly snr: Float64Array;
	readonly flags: Uint8Array;
	readonly reasons: Uint8Array;
}

/** Neighbours of a gap that differ by more than this tell nothing of what lies between: amplitude ratio, phase (radians). */
const MOST_RATIO = 1.25;
const MOST_TURN = Math.PI / 3;

/**
 * Shape that all windows share (a filter that falls at its edges): per channel of a window the median over windows and
 * antennas of the amplitude over its window's median. 1 throughout where the windows are not alike or fewer than four.
 */
export function commonShape(bandpass: Bandpass, windowChannels: readonly number[]): Float64Array {
	const { nAntennas, gains, flags } = bandpass;
	const n = windowChannels[0];
	const shape = new Float64Array(n).fill(1);
	if (windowChannels.length < 4 || windowChannels.some((count) => count !== n)) return shape;
	const ratios: number[][] = Array.from({ length: n }, () => []);
	const amplitude = new Float64Array(n);
	for (let w = 0; w < windowChannels.length; w++) {
		for (let p = 0; p < nAntennas; p++) {
			for (let k = 0; k < n; k++) {
				const i = (w * n + k) * nAntennas + p;
				amplitude[k] = flags[i] !== 0 ? Number.NaN : Math.hypot(gains[2 * i], gains[2 * i + 1]);
			}
			const level = median(amplitude);
			for (let k = 0; k < n; k++) if (amplitude[k] > 0 && level > 0) ratios[k].push(amplitude[k] / level);
		}
	}
	return shape.map((_, k) => (ratios[k].length > 0 ? median(ratios[k]) : 1));
}

/**
 * Fills gaps of at most `maximumGap` channels inside a window, amplitude over the windows' common shape and (shortest-way)
 * phase linear between the channels at its edges. Filled channels are marked and keep a signal to noise of 0: they were not
 * measured. A gap whose edges differ much stays a gap.
 *
 * @returns how many were filled.
 */
export function fillGaps(bandpass: Bandpass, windowChannels: readonly number[], maximumGap: number): number {
	const { nAntennas, gains, errors, flags, reasons } = bandpass;
	const shape = commonShape(bandpass, windowChannels);
	const shapeAt = (k: number) => shape[k] ?? 1;
	let filled = 0;
	for (let p = 0; p < nAntennas; p++) {
		let first = 0;
		for (const n of windowChannels) {
			let previous = -1;
			for (let c = first; c < first + n; c++) {
				if (flags[c * nAntennas + p] !== 0) continue;
				const gap = c - previous - 1;
				if (previous >= 0 && gap > 0 && gap <= maximumGap) {
					const a = previous * nAntennas + p;
					const b = c * nAntennas + p;
					const amplitudeA = Math.hypot(gains[2 * a], gains[2 * a + 1]) / shapeAt(previous - first);
					const amplitudeB = Math.hypot(gains[2 * b], gains[2 * b + 1]) / shapeAt(c - first);
					const phaseA = Math.atan2(gains[2 * a + 1], gains[2 * a]);
					const turn = wrapPhase(Math.atan2(gains[2 * b + 1], gains[2 * b]) - phaseA);
					const ratio = amplitudeA / amplitudeB;
					const alike = ratio < MOST_RATIO && ratio > 1 / MOST_RATIO && Math.abs(turn) < MOST_TURN;
					for (let k = alike ? previous + 1 : c; k < c; k++) {
						const x = (k - previous) / (c - previous);
						const i = k * nAntennas + p;
						const amplitude = (amplitudeA + x * (amplitudeB - amplitudeA)) * shapeAt(k - first);
						gains[2 * i] = amplitude * Math.cos(phaseA + x * turn);
						gains[2 * i + 1] = amplitude * Math.sin(phaseA + x * turn);
						errors[i] = Math.max(errors[a], errors[b]);
						flags[i] = 0;
						reasons[i] = UNSOLVED.interpolated;
						filled++;
					}
				}
				previous = c;
			}
			first += n;
		}
	}
	return filled;
}

/**
 * Scales each antenna's bandpass to unit rms amplitude over the unflagged channels of the whole band, never of a single
 * window: a gain that combines the windows could not take up the steps between them.
 */
export function normaliseBandpass(bandpass: Bandpass): void {
	const { nChannels, nAntennas, gains, errors, flags } = bandpass;
	for (let p = 0; p < nAntennas; p++) {
		let power = 0;
		let count = 0;
		for (let c = 0; c < nChannels; c++) {
			const i = c * nAntennas + p;
			if (flags[i] !== 0) continue;
			power += gains[2 * i] ** 2 + gains[2 * i + 1] ** 2;
			count++;
		}
		if (count === 0) continue;
		const scale = 1 / Math.sqrt(power / count);
		for (let c = 0; c < nChannels; c++) {
			const i = c * nAntennas + p;
			if (flags[i] !== 0) continue;
			gains[2 * i] *= scale;
			gains[2 * i + 1] *= scale;
			errors[i] *= scale;
		}
	}
}

/**
 * Channel-to-channel roughness of each antenna's bandpass in units of its errors: rms of second differences over what
 * noise alone gives; 1 = as smooth as can be told. NaN with fewer than three neighbouring channels.
 */
export function roughness(bandpass: Bandpass, windowChannels: readonly number[]): Float64Array {
	const { nAntennas, gains, errors, flags, reasons } = bandpass;
	const out = new Float64Array(nAntennas).fill(Number.NaN);
	const measured = (i: number) => flags[i] === 0 && reasons[i] === UNSOLVED.solved;
	for (let p = 0; p < nAntennas; p++) {
		let sum = 0;
		let count = 0;
		let first = 0;
		for (const n of windowChannels) {
			for (let c = first + 1; c < first + n - 1; c++) {
				const [a, b, d] = [(c - 1) * nAntennas + p, c * nAntennas + p, (c + 1) * nAntennas + p];
				if (!measured(a) || !measured(b) || !measured(d)) continue;
				const expected = errors[a] ** 2 + 4 * errors[b] ** 2 + errors[d] ** 2;
				for (let k = 0; k < 2; k++) {
					const second = gains[2 * a + k] - 2 * gains[2 * b + k] + gains[2 * d + k];
					sum += (second * second) / expected;
					count++;
				}
			}
			first += n;
		}
		if (count > 0) out[p] = Math.sqrt(sum / count);
	}
	return out;
}
