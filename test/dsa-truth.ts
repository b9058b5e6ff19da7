import { readFileSync } from "node:fs";
import type { NamedTable } from "../src/calibration/apply.ts";
import { standardFluxJy, standardSource } from "../src/calibration/flux-scale.ts";
import { airyBeam } from "../src/calibration/primary-beam.ts";
import { gainsAt, INTERPOLATION_DEFAULTS } from "../src/calibration/solution-interpolation.ts";
import { Hdf5File } from "../src/formats/hdf5/file.ts";
import { sharedData } from "./shared-data.ts";

/** What the simulated DSA-110 sets say of themselves. */
export interface DsaTruth {
	stations: string[];
	reference: number;
	/** Compact indices. */
	bad: {
		dead: number[];
		dead_polY: number[];
		noisy_x5: number[];
		phase_jump_60deg_t12: number[];
		large_delay: Record<string, number>;
		flagged_at_input: number[];
	};
	frequenciesHz: Float64Array;
	timesMjd: Float64Array;
	nu0Hz: number;
	/** [antenna][polarisation][channel][re, im]. */
	bandpass: Float32Array;
	/** [antenna][polarisation][time][re, im]. */
	gains: Float32Array;
	/** [antenna][polarisation] s. */
	delaysS: Float64Array;
	/** [time][channel]. */
	rfi: Uint8Array;
	peer: Record<"pol0" | "pol1", { amp_rms: number; phase_rms_deg: number; flagged_frac_good_ants: number }>;
}

/** Arrays of a truth.h5, as the shared sets and `caustic simulate visibilities` write it. */
function readArrays(path: string) {
	const hdf5 = Hdf5File.open(path);
	const bytes = (name: string) => {
		const dataset = hdf5.dataset(`/${name}`);
		const out = new Uint8Array(dataset.length * dataset.type.size);
		dataset.readBytes(
			dataset.shape.map(() => 0),
			[...dataset.shape],
			out,
		);
		return out;
	};
	try {
		return {
			stations: hdf5.has("/antenna_station")
				? Array.from(new BigInt64Array(bytes("antenna_station").buffer), (n) => String(n))
				: hdf5.dataset("/antenna_name").strings(),
			frequenciesHz: new Float64Array(bytes("freq_hz").buffer),
			timesMjd: new Float64Array(bytes("mjd_utc").buffer),
			nu0Hz: new Float64Array(bytes("nu0_hz").buffer)[0],
			bandpass: new Float32Array(bytes("B").buffer),
			gains: new Float32Array(bytes("G").buffer),
			delaysS: new Float64Array(bytes("tau_s").buffer),
			rfi: bytes("rfi_mask"),
		};
	} finally {
		hdf5.close();
	}
}

export function readDsaTruth(size: "tiny" | "small"): DsaTruth {
	const path = (name: string) => sharedData("visibilities", `dsa-sim-${size}`, name);
	const json = JSON.parse(readFileSync(path("truth.json"), "utf8"));
	return {
		...readArrays(path("truth.h5")),
		reference: json.refant_index,
		bad: json.bad,
		peer: JSON.parse(readFileSync(path("peer_numpy_truth.json"), "utf8")),
	};
}

/** Truth of a set of `caustic simulate visibilities`, and what its gains could be known to at best. */
export interface SimulatedTruth extends Omit<DsaTruth, "peer"> {
	/** Name of each antenna with a defect, and the state that a solve should find. */
	states: Map<string, string>;
	/**
	 * Per polarisation: rms of amplitude (fraction) and phase (degrees) that the noise alone leaves, and by what part of each the
	 * rms of one set scatters, for it is taken over few independent numbers.
	 */
	limit: { amplitude: number; phaseDeg: number; amplitudeScatter: number; phaseScatter: number }[];
}

/**
 * @param folder `truth/` of the set.
 * @param reference name of the antenna to which phases are referred.
 */
export function readSimulatedTruth(folder: string, reference: string): SimulatedTruth {
	const json = JSON.parse(readFileSync(`${folder}/truth.json`, "utf8"));
	const arrays = readArrays(`${folder}/truth.h5`);
	const at = (names: string[]) => names.map((name) => arrays.stations.indexOf(name));
	const { defects } = json;
	const bad: DsaTruth["bad"] = {
		dead: at(defects.dead),
		dead_polY: at(defects.dead_second_polarization),
		noisy_x5: at(defects.noisy_x5),
		phase_jump_60deg_t12: at(defects.phase_jump_60deg),
		large_delay: defects.large_delay_s,
		flagged_at_input: at(defects.flagged_at_input),
	};
	const states = new Map<string, string>();
	const put = (names: string[], state: string) => names.forEach((name) => states.set(name, state));
	put(Object.keys(defects.large_delay_s), "wild-delay");
	put(defects.phase_jump_60deg, "phase-jump");
	put(defects.noisy_x5, "noisy");
	put(defects.dead_second_polarization, "dead-polarization");
	put(defects.dead, "dead");
	put(defects.flagged_at_input, "flagged-at-input");
	const truth = { ...arrays, reference: arrays.stations.indexOf(reference), bad };
	const transitMjd = Date.parse(json.transit_utc) / 86400000 + 40587;
	const limit = [0, 1].map((s) =>
		thermalLimit(truth, s, json.sigma_jy, json.calibrator, transitMjd, json.pointing_dec_deg),
	);
	return { ...truth, states, limit };
}

/**
 * What noise leaves of G B K: the information of an antenna's relative gain is |g_p|^2 sum_q S^2 |g_q|^2/sigma_pq^2 per sample,
 * summed over time for the bandpass and over channels for the gains; phases carry the reference's error as well.
 */
function thermalLimit(
	truth: Omit<DsaTruth, "peer">,
	s: number,
	sigmaJy: number,
	calibrator: string,
	transitMjd: number,
	decDeg: number,
) {
	const { stations, frequenciesHz, timesMjd, bad, rfi } = truth;
	const n = stations.length;
	const source = standardSource(calibrator);
	if (source === undefined) throw new Error(`${calibrator} is no source of the flux scale`);
	const nT = timesMjd.length;
	const nC = frequenciesHz.length;
	const lost = (p: number) =>
		bad.dead.includes(p) || bad.flagged_at_input.includes(p) || (s === 1 && bad.dead_polY.includes(p));
	const noise = (p: number) => (bad.noisy_x5.includes(p) ? 25 : 1);
	const beam = airyBeam(4.65);
	const power = (p: number, t: number, c: number) => {
		const b = 2 * ((p * 2 + s) * nC + c);
		const g = 2 * ((p * 2 + s) * nT + t);
		return (truth.bandpass[b] ** 2 + truth.bandpass[b + 1] ** 2) * (truth.gains[g] ** 2 + truth.gains[g + 1] ** 2);
	};
	const perTime = new Float64Array(n * nT);
	const perChannel = new Float64Array(n * nC);
	for (let t = 0; t < nT; t++) {
		const angle = (timesMjd[t] - transitMjd) * 1.00274 * 2 * Math.PI * Math.cos((decDeg * Math.PI) / 180);
		for (let c = 0; c < nC; c++) {
			if (rfi[t * nC + c] !== 0) continue;
			const flux = standardFluxJy(source, frequenciesHz[c]) * beam(Math.abs(angle), frequenciesHz[c]);
			const own = stations.map((_, p) => (lost(p) ? 0 : power(p, t, c) / noise(p)));
			const all = own.reduce((sum, value) => sum + value, 0);
			for (let p = 0; p < n; p++) {
				const information = (flux / sigmaJy) ** 2 * own[p] * (all - own[p]);
				perTime[p * nT + t] += information;
				perChannel[p * nC + c] += information;
			}
		}
	}
	const variance = (p: number, t: number, c: number) => 1 / perTime[p * nT + t] + 1 / perChannel[p * nC + c];
	// Variance of an antenna's sum of (b_c + g_t)^2 over channels and times, for independent normal errors b and g.
	const scatterOf = (p: number) => {
		const known = (values: Float64Array) => Array.from(values, (value) => 1 / value).filter(Number.isFinite);
		const b = known(perChannel.subarray(p * nC, (p + 1) * nC));
		const g = known(perTime.subarray(p * nT, (p + 1) * nT));
		const [sumB, sumG] = [b, g].map((part) => part.reduce((sum, v) => sum + v, 0));
		const squares = (values: number[], times: number) => values.reduce((sum, v) => sum + 2 * (times * v) ** 2, 0);
		return squares(b, g.length) + squares(g, b.length) + 4 * sumB * sumG;
	};
	let [amplitude, phase, count, countPhase, scatter, antennas] = [0, 0, 0, 0, 0, 0];
	for (let p = 0; p < n; p++) {
		if (lost(p) || bad.noisy_x5.includes(p)) continue;
		scatter += scatterOf(p);
		antennas++;
		for (let t = 0; t < nT; t++) {
			for (let c = 0; c < nC; c++) {
				const own = variance(p, t, c);
				const reference = variance(truth.reference, t, c);
				if (!Number.isFinite(own + reference)) continue;
				amplitude += own;
				count++;
				if (p === truth.reference) continue;
				phase += own + reference;
				countPhase++;
			}
		}
	}
	return {
		amplitude: Math.sqrt(amplitude / count),
		phaseDeg: (180 / Math.PI) * Math.sqrt(phase / countPhase),
		amplitudeScatter: Math.sqrt(scatter) / (2 * amplitude),
		// The reference's own errors are in the phases of all antennas.
		phaseScatter: Math.sqrt(scatter + antennas ** 2 * scatterOf(truth.reference)) / (2 * phase),
	};
}

/** Errors of the tables' product over good antennas, phases referred to the truth's reference antenna. */
export function errorsAgainstTruth(truth: Omit<DsaTruth, "peer">, tables: readonly NamedTable[], polarization: number) {
	const { frequenciesHz, timesMjd, stations, bad, reference } = truth;
	const nChannels = frequenciesHz.length;
	const slot = stations.map((name) => tables[0].antennas.findIndex((antenna) => antenna.name === name));
	const good = stations.map((_, p) => {
		const lost = [...bad.dead, ...bad.flagged_at_input, ...bad.noisy_x5, ...(polarization === 1 ? bad.dead_polY : [])];
		return !lost.includes(p);
	});
	let [amplitude, bias, phase, n, nPhase, flagged, total] = [0, 0, 0, 0, 0, 0, 0];
	const multiply = (a: number[], b: number[]) => [a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]];
	const arg = (z: number[]) => Math.atan2(z[1], z[0]);
	for (const [t, mjd] of timesMjd.entries()) {
		// [antenna][channel] of the tables' product; undefined where flagged.
		const product: (number[] | undefined)[][] = stations.map(() => Array.from({ length: nChannels }, () => [1, 0]));
		for (const { table } of tables) {
			const nPol = table.polarizations.length;
			const evaluate = (w: number, low: number, frequencies: Float64Array) => {
				const size = table.nAntennas * nPol * frequencies.length;
				const gains = new Float64Array(2 * size);
				const flags = new Uint8Array(size);
				gainsAt(table, w, mjd, frequencies, INTERPOLATION_DEFAULTS, gains, flags);
				stations.forEach((_, p) => {
					for (let c = 0; c < frequencies.length; c++) {
						const i = (slot[p] * nPol + polarization) * frequencies.length + c;
						const before = product[p][low + c];
						product[p][low + c] =
							before === undefined || flags[i] !== 0 ? undefined : multiply(before, [gains[2 * i], gains[2 * i + 1]]);
					}
				});
			};
			if (table.kind === "B") {
				let low = 0;
				table.windows.forEach((window, w) => {
					evaluate(w, low, window.frequenciesHz);
					low += window.frequenciesHz.length;
				});
			} else evaluate(0, 0, frequenciesHz);
		}
		for (let c = 0; c < nChannels; c++) {
			const real = (p: number) => {
				const b = 2 * ((p * 2 + polarization) * nChannels + c);
				const g = 2 * ((p * 2 + polarization) * timesMjd.length + t);
				const angle = 2 * Math.PI * truth.delaysS[p * 2 + polarization] * (frequenciesHz[c] - truth.nu0Hz);
				const k = [Math.cos(angle), Math.sin(angle)];
				const amplitudes = multiply([truth.bandpass[b], truth.bandpass[b + 1]], [truth.gains[g], truth.gains[g + 1]]);
				return multiply(amplitudes, k);
			};
			const at = product[reference][c];
			for (let p = 0; p < stations.length; p++) {
				if (!good[p]) continue;
				total++;
				const found = product[p][c];
				if (found === undefined || at === undefined) {
					flagged++;
					continue;
				}
				const want = real(p);
				const ratio = Math.hypot(found[0], found[1]) / Math.hypot(want[0], want[1]) - 1;
				amplitude += ratio * ratio;
				bias += ratio;
				n++;
				if (p === reference) continue;
				const turn = arg(found) - arg(at) - arg(want) + arg(real(reference));
				phase += Math.atan2(Math.sin(turn), Math.cos(turn)) ** 2;
				nPhase++;
			}
		}
	}
	return {
		amplitude: Math.sqrt(amplitude / n),
		bias: bias / n,
		phaseDeg: (180 / Math.PI) * Math.sqrt(phase / nPhase),
		flagged: flagged / total,
	};
}
