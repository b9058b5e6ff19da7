import type { ModelOfIntegration } from "../calibration/component-model.ts";
import type { ArrayBaselines, WindowData } from "../calibration/window-data.ts";
import type { InstrumentTruth } from "./instrument.ts";
import type { Random } from "./random.ts";

/**
 * What an array records of a sky: V_pq = g_p conj(g_q) M_pq + interference + noise, MeasurementSet convention, one
 * integration of one window at a time: [baseline][channel][polarisation][re, im]. Pairs may include autocorrelations,
 * whose model is then the total power given.
 */
export function recordIntegration(
	truth: InstrumentTruth,
	array: ArrayBaselines,
	frequenciesHz: Float64Array,
	window: number,
	time: number,
	model: Float32Array,
	random: Random,
	out: Float32Array,
): void {
	const { nAntennas, nTimes, nPolarizations: nPol, delaysS, bandpass, timeGains, noise } = truth;
	const nChannels = frequenciesHz.length;
	const span = nChannels * nPol;
	const g = new Float64Array(2 * nAntennas * span);
	for (let p = 0; p < nAntennas; p++) {
		for (let s = 0; s < nPol; s++) {
			const i = 2 * ((s * nTimes + time) * nAntennas + p);
			for (let c = 0; c < nChannels; c++) {
				const angle = 2 * Math.PI * delaysS[s * nAntennas + p] * (frequenciesHz[c] - truth.referenceHz);
				const j = 2 * ((s * nChannels + c) * nAntennas + p);
				const bRe = bandpass[window][j] * Math.cos(angle) - bandpass[window][j + 1] * Math.sin(angle);
				const bIm = bandpass[window][j] * Math.sin(angle) + bandpass[window][j + 1] * Math.cos(angle);
				const o = 2 * (p * span + c * nPol + s);
				g[o] = bRe * timeGains[i] - bIm * timeGains[i + 1];
				g[o + 1] = bRe * timeGains[i + 1] + bIm * timeGains[i];
			}
		}
	}
	const rfi = truth.rfiJy[window].subarray(time * nChannels, (time + 1) * nChannels);
	for (let b = 0; b < array.antenna1.length; b++) {
		const p = array.antenna1[b];
		const q = array.antenna2[b];
		const turn = truth.rfiPhase[p] - truth.rfiPhase[q];
		const rfiRe = Math.cos(turn);
		const rfiIm = Math.sin(turn);
		for (let s = 0; s < nPol; s++) {
			const sigma = Math.sqrt(noise[s * nAntennas + p] * noise[s * nAntennas + q]);
			for (let c = 0; c < nChannels; c++) {
				const k = c * nPol + s;
				const gp = 2 * (p * span + k);
				const gq = 2 * (q * span + k);
				const gRe = g[gp] * g[gq] + g[gp + 1] * g[gq + 1];
				const gIm = g[gp + 1] * g[gq] - g[gp] * g[gq + 1];
				const i = 2 * (b * span + k);
				let re = gRe * model[i] - gIm * model[i + 1] + sigma * random.normal();
				let im = gRe * model[i + 1] + gIm * model[i];
				if (p !== q) im += sigma * random.normal();
				if (rfi[c] > 0) {
					re += rfi[c] * rfiRe;
					im += rfi[c] * rfiIm;
				}
				out[i] = re;
				out[i + 1] = p === q ? 0 : im;
			}
		}
	}
}

/** A whole window in memory, as the solver wants it. Random numbers depend on seed, window and time alone. */
export function recordWindow(
	truth: InstrumentTruth,
	array: ArrayBaselines,
	frequenciesHz: Float64Array,
	window: number,
	model: ModelOfIntegration,
	random: Random,
): WindowData {
	const { nTimes, nPolarizations } = truth;
	const nBaselines = array.antenna1.length;
	const nChannels = frequenciesHz.length;
	const size = nBaselines * nChannels * nPolarizations;
	const visibilities = new Float32Array(2 * nTimes * size);
	const flags = new Uint8Array(nTimes * size);
	const m = new Float32Array(2 * size);
	for (let t = 0; t < nTimes; t++) {
		model(t, m, 0, nBaselines);
		const out = visibilities.subarray(2 * t * size, 2 * (t + 1) * size);
		recordIntegration(truth, array, frequenciesHz, window, t, m, random.fork(`noise-${window}-${t}`), out);
		for (let b = 0; b < nBaselines; b++) {
			if (truth.flagged[array.antenna1[b]] === 0 && truth.flagged[array.antenna2[b]] === 0) continue;
			const at = t * size + b * nChannels * nPolarizations;
			flags.fill(1, at, at + nChannels * nPolarizations);
		}
	}
	return { nTimes, nBaselines, nChannels, nPolarizations, frequenciesHz, visibilities, flags, weights: undefined };
}
