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

/** Phases per metre of path of evenly spaced channels; undefined where they are not even. */
export function evenPhases(frequenciesHz: Float64Array): { cyclesPerMetre: number; stepPerMetre: number } | undefined {
	const nChannels = frequenciesHz.length;
	const step = nChannels > 1 ? (frequenciesHz[nChannels - 1] - frequenciesHz[0]) / (nChannels - 1) : 0;
	const even = frequenciesHz.every((f, c) => Math.abs(f - frequenciesHz[0] - c * step) < 1e-4 * Math.abs(step) + 1e-3);
	return even ? { cyclesPerMetre: frequenciesHz[0] / SPEED_OF_LIGHT, stepPerMetre: step / SPEED_OF_LIGHT } : undefined;
}

/**
 * One baseline's visibilities of point sources in one integration, [channel][re, im], Jy. Phases are carried from channel
 * to channel by rotation where channels are evenly spaced.
 */
export function predictLine(
	sources: ApparentSources,
	frequenciesHz: Float64Array,
): (time: number, baseline: number, line: Float64Array) => void {
	const { nSources, nTimes, nBaselines, pathsM, apparentJy } = sources;
	const nChannels = frequenciesHz.length;
	const even = evenPhases(frequenciesHz);
	return (time, baseline, line) => {
		line.fill(0);
		for (let s = 0; s < nSources; s++) {
			const path = pathsM[(s * nTimes + time) * nBaselines + baseline];
			const flux = (s * nTimes + time) * nChannels;
			if (even === undefined) {
				for (let c = 0; c < nChannels; c++) {
					const cycles = (path * frequenciesHz[c]) / SPEED_OF_LIGHT;
					const angle = 2 * Math.PI * (cycles - Math.floor(cycles));
					line[2 * c] += apparentJy[flux + c] * Math.cos(angle);
					line[2 * c + 1] += apparentJy[flux + c] * Math.sin(angle);
				}
				continue;
			}
			const first = path * even.cyclesPerMetre;
			const step = path * even.stepPerMetre;
			let angle = 2 * Math.PI * (first - Math.floor(first));
			let re = Math.cos(angle);
			let im = Math.sin(angle);
			angle = 2 * Math.PI * (step - Math.floor(step));
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
		}
	};
}

/**
 * Visibilities of one integration for the baselines [first, beyond): [baseline - first][channel][polarisation][re, im], Jy.
 */
export type ModelOfIntegration = (time: number, out: Float32Array, first: number, beyond: number) => void;

/**
 * Visibilities of point sources, one integration at a time, equal in both parallel hands (unpolarised; a source of
 * 1 Jy reads 1 Jy in each).
 */
export function componentModel(
	sources: ApparentSources,
	frequenciesHz: Float64Array,
	nPolarizations: number,
): ModelOfIntegration {
	const nChannels = frequenciesHz.length;
	const line = new Float64Array(2 * nChannels);
	const predict = predictLine(sources, frequenciesHz);
	return (time, out, first, beyond) => {
		let i = 0;
		for (let b = first; b < beyond; b++) {
			predict(time, b, line);
			for (let c = 0; c < nChannels; c++) {
				for (let p = 0; p < nPolarizations; p++) {
					out[i++] = line[2 * c];
					out[i++] = line[2 * c + 1];
				}
			}
		}
	};
}
