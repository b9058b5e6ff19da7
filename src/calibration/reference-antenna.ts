/** What to do where the reference antenna has no solution: hand over to the next, or flag. */
export type ReferenceMode = "flex" | "strict";

/**
 * Refers phases to one antenna along an ordered axis (times of a gain, channels of a bandpass), for one polarisation:
 * g <- g exp(-i arg g_ref).
 *
 * Where the reference has no solution, `flex` hands over to the next antenna of the list that has one, which keeps the
 * phase it was last referred to: the others see no jump. The hand-over lasts until that antenna fails in turn.
 * `strict` flags the position instead.
 *
 * @param n positions along the axis.
 * @param at index of the gain of (position, antenna) into `gains` (times two) and `flags`.
 * @param gains [.. re, im], changed in place.
 * @param flags 1 = no solution; set where `strict` leaves none.
 * @param order antennas by preference.
 * @returns the antenna really used at each position, -1 where none.
 */
export function referPhases(
	n: number,
	at: (position: number, antenna: number) => number,
	nAntennas: number,
	gains: Float64Array,
	flags: Uint8Array,
	order: ArrayLike<number>,
	mode: ReferenceMode,
): Int32Array {
	const used = new Int32Array(n).fill(-1);
	// Phase of each antenna at the last position where it was referred.
	const lastPhase = new Float64Array(nAntennas);
	const known = new Uint8Array(nAntennas);
	let reference = order.length > 0 ? order[0] : -1;
	for (let i = 0; i < n; i++) {
		let any = false;
		for (let p = 0; p < nAntennas && !any; p++) any = flags[at(i, p)] === 0;
		if (!any) continue;
		if (reference < 0 || flags[at(i, reference)] !== 0) {
			if (mode === "strict") {
				for (let p = 0; p < nAntennas; p++) {
					const k = at(i, p);
					flags[k] = 1;
					gains[2 * k] = 1;
					gains[2 * k + 1] = 0;
				}
				continue;
			}
			reference = nextReference(i, at, flags, order, known, used);
			if (reference < 0) {
				for (let p = 0; p < nAntennas && reference < 0; p++) if (flags[at(i, p)] === 0) reference = p;
			}
		}
		const r = at(i, reference);
		const turn = lastPhase[reference] - Math.atan2(gains[2 * r + 1], gains[2 * r]);
		const re = Math.cos(turn);
		const im = Math.sin(turn);
		for (let p = 0; p < nAntennas; p++) {
			const k = at(i, p);
			if (flags[k] !== 0) continue;
			const gRe = gains[2 * k];
			const gIm = gains[2 * k + 1];
			gains[2 * k] = gRe * re - gIm * im;
			gains[2 * k + 1] = gRe * im + gIm * re;
			lastPhase[p] = Math.atan2(gains[2 * k + 1], gains[2 * k]);
			known[p] = 1;
		}
		used[i] = reference;
	}
	return used;
}

/** The next of the list with a solution here; one whose phase is already known if there is a choice. */
function nextReference(
	position: number,
	at: (position: number, antenna: number) => number,
	flags: Uint8Array,
	order: ArrayLike<number>,
	known: Uint8Array,
	used: Int32Array,
): number {
	const begun = used.some((antenna) => antenna >= 0);
	let fallback = -1;
	for (let i = 0; i < order.length; i++) {
		const candidate = order[i];
		if (flags[at(position, candidate)] !== 0) continue;
		if (!begun || known[candidate] !== 0) return candidate;
		if (fallback < 0) fallback = candidate;
	}
	return fallback;
}

/** What the choice of a reference antenna rests on, per antenna, for one polarisation. */
export interface ReferenceCandidate {
	antenna: number;
	/** Fraction of its samples that are usable. */
	usable: number;
	/** Median signal to noise of its baselines. */
	snr: number;
	/** Noise relative to the array's median. */
	noise: number;
}

/**
 * Antennas in order of preference: those asked for first, as far as they are healthy; then by usable fraction, signal
 * to noise and noise. An antenna that is noisy injects its noise into all others, so anything above 1.5 times the
 * median noise, or with less than half of its data usable, comes after every healthy one.
 */
export function referenceOrder(candidates: readonly ReferenceCandidate[], preferred: readonly number[]): number[] {
	const healthy = (c: ReferenceCandidate) => c.usable >= 0.5 && c.noise <= 1.5 && c.snr > 0;
	const merit = (c: ReferenceCandidate) => (c.usable * c.snr) / Math.max(c.noise, 1e-3);
	const byMerit = [...candidates].sort(
		(a, b) => Number(healthy(b)) - Number(healthy(a)) || merit(b) - merit(a) || a.antenna - b.antenna,
	);
	const asked = preferred.filter((antenna) => candidates.some((c) => c.antenna === antenna && healthy(c)));
	return [...asked, ...byMerit.map((c) => c.antenna).filter((antenna) => !asked.includes(antenna))];
}
