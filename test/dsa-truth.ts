import { readFileSync } from "node:fs";
import type { NamedTable } from "../src/calibration/apply.ts";
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

export function readDsaTruth(size: "tiny" | "small"): DsaTruth {
	const path = (name: string) => sharedData("visibilities", `dsa-sim-${size}`, name);
	const json = JSON.parse(readFileSync(path("truth.json"), "utf8"));
	const hdf5 = Hdf5File.open(path("truth.h5"));
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
			stations: Array.from(new BigInt64Array(bytes("antenna_station").buffer), (n) => String(n)),
			reference: json.refant_index,
			bad: json.bad,
			frequenciesHz: new Float64Array(bytes("freq_hz").buffer),
			timesMjd: new Float64Array(bytes("mjd_utc").buffer),
			nu0Hz: new Float64Array(bytes("nu0_hz").buffer)[0],
			bandpass: new Float32Array(bytes("B").buffer),
			gains: new Float32Array(bytes("G").buffer),
			delaysS: new Float64Array(bytes("tau_s").buffer),
			rfi: bytes("rfi_mask"),
			peer: JSON.parse(readFileSync(path("peer_numpy_truth.json"), "utf8")),
		};
	} finally {
		hdf5.close();
	}
}

/** Errors of the tables' product over good antennas, phases referred to the truth's reference antenna. */
export function errorsAgainstTruth(truth: DsaTruth, tables: readonly NamedTable[], polarization: number) {
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
