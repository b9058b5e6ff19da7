import type { NormalSums } from "./normal-sums.ts";
import type { ArrayBaselines } from "./window-data.ts";

export interface ClosurePhases {
	/** Rms of the closure phases, degrees. NaN without a triangle. */
	rmsDeg: number;
	/** What the noise alone gives, degrees. */
	expectedDeg: number;
	triangles: number;
}

/**
 * Closure phases of data over model: arg of D_pq D_qr conj(D_pr), summed over time. Antenna gains cancel in them, so what
 * exceeds the noise is sky that the model lacks or an instrument that is not antenna-based.
 *
 * @param weights [polarisation][baseline] 1/sigma^2.
 * @param alive [polarisation][antenna] 1 = take part.
 * @param most no more triangles than this: through evenly spread first antennas.
 */
export function closurePhases(
	sums: NormalSums,
	array: ArrayBaselines,
	nPolarizations: number,
	weights: Float64Array,
	alive: Uint8Array,
	most = 3000,
): ClosurePhases {
	const { nAntennas, antenna1, antenna2 } = array;
	const nBaselines = antenna1.length;
	const pair = new Int32Array(nAntennas * nAntennas).fill(-1);
	for (let b = 0; b < nBaselines; b++) pair[antenna1[b] * nAntennas + antenna2[b]] = b;
	const all = (nAntennas * (nAntennas - 1) * (nAntennas - 2)) / 6;
	const stride = Math.max(1, Math.ceil((all * nPolarizations) / most));
	let seen = 0;
	let triangles = 0;
	let squares = 0;
	let expected = 0;
	const nTimes = sums.nCells / nPolarizations;
	for (let s = 0; s < nPolarizations; s++) {
		for (let p = 0; p < nAntennas; p++) {
			for (let q = p + 1; q < nAntennas; q++) {
				for (let r = q + 1; r < nAntennas; r++) {
					if (seen++ % stride !== 0) continue;
					if ([p, q, r].some((a) => alive[s * nAntennas + a] === 0)) continue;
					const [pq, qr, pr] = [pair[p * nAntennas + q], pair[q * nAntennas + r], pair[p * nAntennas + r]];
					if (pq < 0 || qr < 0 || pr < 0) continue;
					let re = 0;
					let im = 0;
					let variance = 0;
					let cells = 0;
					for (let t = 0; t < nTimes; t++) {
						const at = (b: number) => (t * nPolarizations + s) * nBaselines + b;
						const [i, j, k] = [at(pq), at(qr), at(pr)];
						if (sums.n[i] <= 0 || sums.n[j] <= 0 || sums.n[k] <= 0) continue;
						const aRe = sums.d[2 * i] * sums.d[2 * j] - sums.d[2 * i + 1] * sums.d[2 * j + 1];
						const aIm = sums.d[2 * i] * sums.d[2 * j + 1] + sums.d[2 * i + 1] * sums.d[2 * j];
						re += aRe * sums.d[2 * k] + aIm * sums.d[2 * k + 1];
						im += aIm * sums.d[2 * k] - aRe * sums.d[2 * k + 1];
						for (const [b, cell] of [
							[pq, i],
							[qr, j],
							[pr, k],
						]) {
							// Phase variance of D: 1/(w |D|^2/N).
							const power = sums.d[2 * cell] ** 2 + sums.d[2 * cell + 1] ** 2;
							variance += sums.n[cell] / Math.max(1e-300, weights[s * nBaselines + b] * power);
						}
						cells++;
					}
					if (cells === 0 || (re === 0 && im === 0) || !Number.isFinite(variance)) continue;
					squares += Math.atan2(im, re) ** 2;
					expected += variance / (cells * cells);
					triangles++;
				}
			}
		}
	}
	const deg = 180 / Math.PI;
	return {
		rmsDeg: triangles === 0 ? Number.NaN : deg * Math.sqrt(squares / triangles),
		expectedDeg: triangles === 0 ? Number.NaN : deg * Math.sqrt(expected / triangles),
		triangles,
	};
}
