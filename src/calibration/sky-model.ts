import { badInput } from "../error.ts";
import type { ApparentSources } from "./component-model.ts";
import type { Selection } from "./selection.ts";
import type { VisibilitySet } from "./visibility-set.ts";

/** A point source of the model. */
export interface ModelSource {
	name: string;
	/** ICRS, degrees. */
	raDeg: number;
	decDeg: number;
	/** Jy at a frequency in Hz. */
	fluxJy: (frequencyHz: number) => number;
}

/** Unit vector in the Earth-fixed frame (ITRF) towards an ICRS position as seen from the array at a time. */
export type ApparentDirection = (raDeg: number, decDeg: number, mjdUtc: number) => readonly [number, number, number];

/** Power response of an antenna at an angle from its axis, 1 on it. */
export type BeamResponse = (angleRad: number, frequencyHz: number) => number;

/** The geometry of a model: what depends on the array and the time but not on the frequency. */
export interface ModelGeometry {
	readonly nSources: number;
	readonly nTimes: number;
	readonly nBaselines: number;
	/** [source][time][baseline] m. */
	readonly pathsM: Float64Array;
	/** [source][time] radians from the axis of the antennas. */
	readonly anglesRad: Float64Array;
}

const RAD = Math.PI / 180;

/**
 * Paths and beam angles of sources for a set fringe-stopped at a fixed hour angle and apparent declination, as a transit
 * array records: path = (b_p - b_q).(s(t) - s0) with s(t) the apparent direction and s0 the fixed one, both Earth-fixed.
 * The antennas point at s0. Hour angle and declination of s0 count from the true pole, as an apparent place does: the
 * wandering of the pole turns both alike.
 *
 * @param axisAt s0 at a time (MJD UTC).
 */
export function meridianGeometry(
	set: VisibilitySet,
	selection: Selection,
	axisAt: (mjdUtc: number) => readonly [number, number, number],
	sources: readonly ModelSource[],
	direction: ApparentDirection,
): ModelGeometry {
	const nTimes = selection.times.length;
	const nBaselines = selection.array.antenna1.length;
	const pathsM = new Float64Array(sources.length * nTimes * nBaselines);
	const anglesRad = new Float64Array(sources.length * nTimes);
	const positions = Array.from(selection.antennaOf, (antenna) => set.antennas[antenna].positionItrfM);
	const perAntenna = new Float64Array(positions.length);
	sources.forEach((source, s) => {
		for (let t = 0; t < nTimes; t++) {
			const [x, y, z] = direction(source.raDeg, source.decDeg, set.timesMjd[selection.times[t]]);
			const axis = axisAt(set.timesMjd[selection.times[t]]);
			const d = [x - axis[0], y - axis[1], z - axis[2]];
			anglesRad[s * nTimes + t] = 2 * Math.asin(Math.min(1, 0.5 * Math.hypot(d[0], d[1], d[2])));
			positions.forEach((p, i) => (perAntenna[i] = p[0] * d[0] + p[1] * d[1] + p[2] * d[2]));
			const first = (s * nTimes + t) * nBaselines;
			for (let b = 0; b < nBaselines; b++) {
				pathsM[first + b] = perAntenna[selection.array.antenna1[b]] - perAntenna[selection.array.antenna2[b]];
			}
		}
	});
	return { nSources: sources.length, nTimes, nBaselines, pathsM, anglesRad };
}

/**
 * The same for a tracked phase centre: path = u l + v m + w (n - 1) with the set's own uvw. The antennas point at the
 * phase centre.
 *
 * @param uvwM [time][baseline][3] m, NaN where there is no row.
 * @param fieldOf [time][baseline] field of each row, -1 where there is none.
 */
export function trackedGeometry(
	set: VisibilitySet,
	selection: Selection,
	uvwM: Float64Array,
	fieldOf: Int32Array,
	sources: readonly ModelSource[],
): ModelGeometry {
	const nTimes = selection.times.length;
	const nBaselines = selection.array.antenna1.length;
	const pathsM = new Float64Array(sources.length * nTimes * nBaselines);
	const anglesRad = new Float64Array(sources.length * nTimes).fill(Number.NaN);
	const cosines = sources.map((source) =>
		set.fields.map(({ phaseCentre }) =>
			phaseCentre.kind === "sidereal" ? directionCosines(phaseCentre.raDeg, phaseCentre.decDeg, source) : undefined,
		),
	);
	for (let s = 0; s < sources.length; s++) {
		for (let t = 0; t < nTimes; t++) {
			for (let b = 0; b < nBaselines; b++) {
				const k = t * nBaselines + b;
				const lmn = fieldOf[k] < 0 ? undefined : cosines[s][fieldOf[k]];
				if (lmn === undefined) continue;
				const [l, m, n] = lmn;
				pathsM[(s * nTimes + t) * nBaselines + b] = uvwM[3 * k] * l + uvwM[3 * k + 1] * m + uvwM[3 * k + 2] * (n - 1);
				anglesRad[s * nTimes + t] = Math.acos(Math.min(1, Math.max(-1, n)));
			}
		}
	}
	return { nSources: sources.length, nTimes, nBaselines, pathsM, anglesRad };
}

/** l, m, n of a source about a phase centre (SIN projection). */
export function directionCosines(ra0Deg: number, dec0Deg: number, source: { raDeg: number; decDeg: number }) {
	const [ra, dec, dec0] = [(source.raDeg - ra0Deg) * RAD, source.decDeg * RAD, dec0Deg * RAD];
	return [
		Math.cos(dec) * Math.sin(ra),
		Math.sin(dec) * Math.cos(dec0) - Math.cos(dec) * Math.sin(dec0) * Math.cos(ra),
		Math.sin(dec) * Math.sin(dec0) + Math.cos(dec) * Math.cos(dec0) * Math.cos(ra),
	] as const;
}

/**
 * Apparent sources of one window: fluxes of every integration and channel through the beam.
 *
 * @param beam undefined: the response is 1 everywhere (unknown dishes, a source on the axis).
 */
export function apparentSources(
	geometry: ModelGeometry,
	sources: readonly ModelSource[],
	frequenciesHz: Float64Array,
	beam: BeamResponse | undefined,
): ApparentSources {
	const { nSources, nTimes, nBaselines, pathsM, anglesRad } = geometry;
	const nChannels = frequenciesHz.length;
	const apparentJy = new Float32Array(nSources * nTimes * nChannels);
	for (let s = 0; s < nSources; s++) {
		const spectrum = Array.from(frequenciesHz, sources[s].fluxJy);
		const bad = spectrum.findIndex((flux) => !Number.isFinite(flux));
		if (bad >= 0) {
			throw badInput("bad-model", `its flux density at ${(frequenciesHz[bad] / 1e6).toFixed(2)} MHz is not a number`, {
				subject: sources[s].name,
			});
		}
		for (let t = 0; t < nTimes; t++) {
			const angle = anglesRad[s * nTimes + t];
			for (let c = 0; c < nChannels; c++) {
				const response = Number.isNaN(angle) ? 0 : beam === undefined ? 1 : beam(angle, frequenciesHz[c]);
				apparentJy[(s * nTimes + t) * nChannels + c] = spectrum[c] * response;
			}
		}
	}
	return { nSources, nTimes, nBaselines, pathsM, apparentJy };
}

/**
 * Sources bright enough through the beam to matter: apparent flux above `fraction` of the brightest, at the band's middle
 * and their best integration. The first source (the calibrator) always stays.
 */
export function brightEnough(
	geometry: ModelGeometry,
	sources: readonly ModelSource[],
	frequencyHz: number,
	beam: BeamResponse | undefined,
	fraction: number,
): number[] {
	const peak = sources.map((source, s) => {
		let best = 0;
		for (let t = 0; t < geometry.nTimes; t++) {
			const angle = geometry.anglesRad[s * geometry.nTimes + t];
			if (!Number.isNaN(angle)) best = Math.max(best, beam === undefined ? 1 : beam(angle, frequencyHz));
		}
		return best * Math.abs(source.fluxJy(frequencyHz));
	});
	const limit = fraction * Math.max(...peak);
	return peak.flatMap((value, s) => (s === 0 || value >= limit ? [s] : []));
}
