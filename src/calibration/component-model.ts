import type { ModelOfIntegration } from "./normal-sums.ts";

/** m/s, exact. */
export const SPEED_OF_LIGHT = 299792458;

/** Point sources as one window of an array sees them. */
export interface ApparentSources {
	readonly nSources: number;
	readonly nTimes: number;
	readonly nBaselines: number;
	/** [source][time][baseline] m: phase in cycles is path x frequency / c, (b_p - b_q).(s - s0). */
	readonly pathsM: Float64Array;
	/** [source][time][channel] flux density times primary beam, Jy. */
	readonly apparentJy: Float32Array;
}

/**
 * Visibilities of point sources, one integration at a time, equal in both parallel hands (unpolarised; a source of
 * 1 Jy reads 1 Jy in each). Phases are carried from channel to channel by rotation where channels are evenly spaced.
 */
export function componentModel(
	sources: ApparentSources,
	frequenciesHz: Float64Array,
	nPolarizations: number,
): ModelOfIntegration {
	const { nSources, nTimes, nBaselines, pathsM, apparentJy } = sources;
	const nChannels = frequenciesHz.length;
	const span = nChannels * nPolarizations;
	const step = nChannels > 1 ? (frequenciesHz[nChannels - 1] - frequenciesHz[0]) / (nChannels - 1) : 0;
	const even = frequenciesHz.every((f, c) => Math.abs(f - frequenciesHz[0] - c * step) < 1e-4 * Math.abs(step) + 1e-3);
	const cyclesPerMetre = frequenciesHz[0] / SPEED_OF_LIGHT;
	const stepPerMetre = step / SPEED_OF_LIGHT;
	const line = new Float64Array(2 * nChannels);
	return (time, out, first, beyond) => {
		for (let b = first; b < beyond; b++) {
			line.fill(0);
			for (let s = 0; s < nSources; s++) {
				const path = pathsM[(s * nTimes + time) * nBaselines + b];
				const flux = (s * nTimes + time) * nChannels;
				let angle = 2 * Math.PI * ((path * cyclesPerMetre) % 1);
				let re = Math.cos(angle);
				let im = Math.sin(angle);
				if (even) {
					angle = 2 * Math.PI * ((path * stepPerMetre) % 1);
					const turnRe = Math.cos(angle);
					const turnIm = Math.sin(angle);
					for (let c = 0; c < nChannels; c++) {
						const f = apparentJy[flux + c];
						line[2 * c] += f * re;
						line[2 * c + 1] += f * im;
						const next = re * turnRe - im * turnIm;
						im = re * turnIm + im * turnRe;
						re = next;
					}
				} else {
					for (let c = 0; c < nChannels; c++) {
						angle = 2 * Math.PI * (((path * frequenciesHz[c]) / SPEED_OF_LIGHT) % 1);
						re = Math.cos(angle);
						im = Math.sin(angle);
						line[2 * c] += apparentJy[flux + c] * re;
						line[2 * c + 1] += apparentJy[flux + c] * im;
					}
				}
			}
			let i = 2 * (b - first) * span;
			for (let c = 0; c < nChannels; c++) {
				for (let p = 0; p < nPolarizations; p++) {
					out[i++] = line[2 * c];
					out[i++] = line[2 * c + 1];
				}
			}
		}
	};
}

/** A model already predicted: [time][baseline][channel][polarisation][re, im], as in a MODEL_DATA column. */
export const columnModel =
	(column: Float32Array, nTimes: number, nBaselines: number): ModelOfIntegration =>
	(time, out, first, beyond) => {
		const size = column.length / (nTimes * nBaselines);
		out.set(column.subarray((time * nBaselines + first) * size, (time * nBaselines + beyond) * size));
	};
