import type { TableQuality } from "../../calibration/table-quality.ts";
import { findTrends, type Trend } from "../../calibration/trends.ts";
import type { CalibratedSet } from "./calibrate-set.ts";

/** `quality.json`: what a solve says of itself. Names are fixed; scripts read them. */
export interface QualityDocument {
	score: number;
	accepted: boolean;
	reasons: string[];
	warnings: string[];
	score_parts: { solved: number; converged: number; snr: number; chi2: number } | null;
	calibrator: Record<string, string | number | null> | null;
	/** Index in the set's antenna table, of the first polarisation; null without a solution. */
	reference_antenna: number | null;
	reference_antennas: Record<string, string | null>;
	tables: Partial<Record<"K" | "B" | "G", TableDocument>>;
	antennas: AntennaDocument[];
	/** Slots of the array without data. */
	not_installed: string[];
	rfi: { fraction: number; persistent_mhz: number[] } | null;
	closure: { rms_deg: number | null; expected_deg: number | null; triangles: number } | null;
	/** How far the source stands from the model's place, arcmin, by the drift of the phases; null where it cannot be told. */
	source_offset: { east_arcmin: number; north_arcmin: number; error_arcmin: number } | null;
	/** Shares of all samples by class. */
	samples: Record<string, number>;
	channel_chi2: (number | null)[];
	worst_baselines: { antenna1: string; antenna2: string; chi2: number }[];
	trends: Trend[];
	data: {
		source: string[];
		telescope: string;
		begin_mjd: number | null;
		end_mjd: number | null;
		band_mhz: [number, number];
	};
	software: string;
}

export interface TableDocument {
	snr_median: number | null;
	snr_low: number | null;
	flagged_fraction_active: number;
	flagged_dead: number;
	flagged_calibration: number;
	residual_chi2: number | null;
	converged_fraction: number;
	n_solutions: number;
}

export interface AntennaDocument {
	name: string;
	state: string;
	chi2: number | null;
	snr: number | null;
	reasons: string[];
	noise_ratio: number | null;
	phase_rms_deg: number | null;
	bandpass_roughness: number | null;
	/** Per polarisation. */
	delay_ns: Record<string, number | null>;
	amplitude: Record<string, number | null>;
}

const known = (value: number, digits = 6): number | null =>
	Number.isFinite(value) ? Number(value.toPrecision(digits)) : null;

const tableDocument = (table: TableQuality): TableDocument => ({
	snr_median: table.snrMedian === null ? null : known(table.snrMedian),
	snr_low: table.snrLow === null ? null : known(table.snrLow),
	flagged_fraction_active: known(table.flaggedFractionActive) ?? 1,
	flagged_dead: known(table.flaggedByCause.dead) ?? 0,
	flagged_calibration: known(table.flaggedByCause.calibration) ?? 0,
	residual_chi2: table.residualChi2 === null ? null : known(table.residualChi2),
	converged_fraction: known(table.convergedFraction) ?? 0,
	n_solutions: table.nSolutions,
});

/** The account of a solve. */
export function qualityDocument(
	solved: CalibratedSet,
	software: string,
	history: readonly QualityDocument[],
): QualityDocument {
	const { calibration, set, selection, input, calibrator, model, best } = solved;
	const { quality, prep, gains } = calibration;
	const name = (compact: number) => set.antennas[selection.antennaOf[compact]].name;
	const middleHz = input.referenceHz;
	const references = prep.order.map((order) => order[0]);
	const withData = new Set([...set.baselines.antenna1, ...set.baselines.antenna2, ...set.autocorrelations]);
	const nAntennas = input.array.nAntennas;
	const amplitudes = (p: number, s: number): number => {
		if (gains === undefined) return Number.NaN;
		const values: number[] = [];
		for (let cell = 0; cell < gains.timesMjd.length; cell++) {
			const i = (s * gains.timesMjd.length + cell) * nAntennas + p;
			if (gains.flags[i] === 0) values.push(Math.hypot(gains.gains[2 * i], gains.gains[2 * i + 1]));
		}
		values.sort((a, b) => a - b);
		return values.length === 0 ? Number.NaN : values[values.length >> 1];
	};
	const perPol = (of: (s: number) => number) =>
		Object.fromEntries(input.polarizations.map((hand, s) => [hand, known(of(s))]));
	const channels = set.frequenciesHz;
	const times = input.timesMjd;
	const document: QualityDocument = {
		score: known(quality.score) ?? 0,
		accepted: quality.accepted,
		reasons: [...quality.reasons],
		warnings: [...quality.warnings, ...set.warnings],
		score_parts: quality.parts,
		calibrator:
			calibrator === undefined
				? null
				: {
						name: calibrator.source.name,
						ra_deg: calibrator.source.raDeg,
						dec_deg: calibrator.source.decDeg,
						flux_jy: known(calibrator.source.fluxJy(middleHz)),
						frequency_mhz: middleHz / 1e6,
						flux_scale: calibrator.fluxScale,
						flux_error_fraction: known(calibrator.fluxErrorFraction),
						beam_response: best === undefined ? null : known(best.beam),
						best_mjd: best === undefined ? null : best.mjd,
						model_sources: model.length,
					},
		reference_antenna: references[0] === undefined ? null : selection.antennaOf[references[0]],
		reference_antennas: Object.fromEntries(
			input.polarizations.map((hand, s) => [hand, references[s] === undefined ? null : name(references[s])]),
		),
		tables: Object.fromEntries(
			(["K", "B", "G"] as const).flatMap((kind) => {
				const table = quality.tables[kind];
				return table === null || calibration.tables[kind] === undefined ? [] : [[kind, tableDocument(table)]];
			}),
		),
		antennas: quality.antennas.map((antenna) => ({
			name: name(antenna.antenna),
			state: antenna.state,
			chi2: known(antenna.chi2),
			snr: known(antenna.snr),
			reasons: antenna.reasons,
			noise_ratio: known(antenna.noiseRatio),
			phase_rms_deg: known(antenna.phaseRmsDeg),
			bandpass_roughness: known(antenna.roughness),
			delay_ns: perPol((s) => antenna.delaysNs[s]),
			amplitude: perPol((s) => amplitudes(antenna.antenna, s)),
		})),
		not_installed: set.antennas.flatMap((antenna, i) => (withData.has(i) ? [] : [antenna.name])),
		rfi: {
			fraction: known(quality.rfi.fraction) ?? 0,
			persistent_mhz: quality.rfi.persistentChannels.map((c) => Number((channels[c] / 1e6).toFixed(3))),
		},
		closure: {
			rms_deg: known(quality.closure.rmsDeg),
			expected_deg: known(quality.closure.expectedDeg),
			triangles: quality.closure.triangles,
		},
		source_offset:
			quality.sourceOffset === undefined
				? null
				: {
						east_arcmin: known(quality.sourceOffset.eastArcmin) ?? 0,
						north_arcmin: known(quality.sourceOffset.northArcmin) ?? 0,
						error_arcmin: known(quality.sourceOffset.errorArcmin) ?? 0,
					},
		samples: Object.fromEntries(Object.entries(quality.samples).map(([kind, share]) => [kind, known(share) ?? 0])),
		channel_chi2: Array.from(quality.channelChi2, (value) => known(value, 4)),
		worst_baselines: quality.worstBaselines.map((one) => ({
			antenna1: name(one.antenna1),
			antenna2: name(one.antenna2),
			chi2: known(one.chi2) ?? 0,
		})),
		trends: [],
		data: {
			source: [...set.source],
			telescope: set.telescope,
			begin_mjd: times.length > 0 ? times[0] : null,
			end_mjd: times.length > 0 ? times[times.length - 1] : null,
			band_mhz: [channels[0] / 1e6, channels[channels.length - 1] / 1e6],
		},
		software,
	};
	document.trends = trendsOf([...history, document]);
	for (const trend of document.trends) {
		document.warnings.push(
			`${trend.name} ${trend.kind === "jump" ? "jumped" : "drifted"} by ${trend.change.toPrecision(3)} (${trend.significance.toFixed(1)} sigma)`,
		);
	}
	return document;
}

/** The account of a set that was refused before it was solved. */
export function refusalDocument(
	reasons: readonly string[],
	source: readonly string[],
	software: string,
): QualityDocument {
	return {
		score: 0,
		accepted: false,
		reasons: [...reasons],
		warnings: [],
		score_parts: null,
		calibrator: null,
		reference_antenna: null,
		reference_antennas: {},
		tables: {},
		antennas: [],
		not_installed: [],
		rfi: null,
		closure: null,
		source_offset: null,
		samples: {},
		channel_chi2: [],
		worst_baselines: [],
		trends: [],
		data: { source: [...source], telescope: "", begin_mjd: null, end_mjd: null, band_mhz: [0, 0] },
		software,
	};
}

function awayFromArray(document: QualityDocument, hand: string, delayNs: number | null | undefined): number | null {
	if (delayNs === null || delayNs === undefined) return null;
	const all = document.antennas.flatMap(({ delay_ns }) => delay_ns[hand] ?? []).sort((a, b) => a - b);
	return delayNs - all[all.length >> 1];
}

/**
 * Jumps and drifts over successive solves: amplitude (10 %) and delay (1 ns) of every antenna and polarisation, chi-squared
 * and signal to noise of every table (a factor).
 */
export function trendsOf(documents: readonly QualityDocument[]): Trend[] {
	const ordered = documents.filter((one) => one.data.begin_mjd !== null);
	ordered.sort((a, b) => (a.data.begin_mjd ?? 0) - (b.data.begin_mjd ?? 0));
	if (ordered.length < 5) return [];
	const times = ordered.map((one) => one.data.begin_mjd ?? 0);
	const out: Trend[] = [];
	const look = (
		name: string,
		of: (document: QualityDocument) => number | null | undefined,
		tolerance: (typical: number) => number,
	) => {
		const values = ordered.map((one) => of(one) ?? Number.NaN);
		const first = values.find((value) => Number.isFinite(value));
		if (first === undefined) return;
		out.push(...findTrends({ name, timesMjd: times, values, tolerance: tolerance(Math.abs(first)) }));
	};
	for (const { name, delay_ns } of ordered[ordered.length - 1].antennas) {
		for (const hand of Object.keys(delay_ns)) {
			const antenna = (one: QualityDocument) => one.antennas.find((each) => each.name === name);
			look(
				`antenna ${name} ${hand} amplitude`,
				(one) => antenna(one)?.amplitude[hand],
				(typical) => 0.1 * typical,
			);
			look(
				`antenna ${name} ${hand} delay in ns`,
				// Against the array's median: another reference antenna is no jump of all the others.
				(one) => awayFromArray(one, hand, antenna(one)?.delay_ns[hand]),
				() => 1,
			);
		}
	}
	for (const kind of ["B", "G"] as const) {
		look(
			`${kind} chi-squared`,
			(one) => one.tables[kind]?.residual_chi2,
			(typical) => 0.5 * typical,
		);
		look(
			`${kind} signal to noise`,
			(one) => one.tables[kind]?.snr_median,
			(typical) => 0.3 * typical,
		);
	}
	return out;
}
