import { page, type Section } from "../../plots/page.ts";
import { mjdToIso } from "../../sky/time.ts";
import type { CalibratedSet } from "./calibrate-set.ts";
import type { QualityDocument } from "./quality-document.ts";
import type { SolutionFigure } from "./solution-plots.ts";

const percent = (fraction: number) => `${(100 * fraction).toFixed(fraction < 0.1 ? 2 : 1)} %`;
const shown = (value: number | null, digits = 2) => (value === null ? Number.NaN : Number(value.toFixed(digits)));

function placeOf({ source_offset }: QualityDocument): string {
	if (source_offset === null) return "";
	const { east_arcmin, north_arcmin, error_arcmin } = source_offset;
	return ` Place of the source by the drift of the phases: ${east_arcmin.toFixed(2)}' east and ${north_arcmin.toFixed(2)}' north of the model's, ${error_arcmin.toFixed(2)}' uncertain.`;
}

/** The report of one solve as one HTML file. */
export function solveReport(
	name: string,
	solved: CalibratedSet,
	quality: QualityDocument,
	figures: readonly SolutionFigure[],
): string {
	const { input } = solved;
	const { calibrator, data } = quality;
	const parts = quality.score_parts;
	const when =
		data.begin_mjd === null
			? ""
			: `${mjdToIso(data.begin_mjd, 0)} UTC, ${input.timesMjd.length} integrations of ${input.integrationS.toFixed(1)} s`;
	const lead = `${quality.accepted ? "Accepted" : "Refused"}, score ${quality.score.toFixed(3)}. ${data.telescope}, ${when}, ${data.band_mhz[0].toFixed(1)} to ${data.band_mhz[1].toFixed(1)} MHz.`;
	const odd = quality.antennas.flatMap((antenna, i) => (antenna.state === "good" ? [] : [[i, antenna.state] as const]));
	const group = (wanted: RegExp) => figures.filter((figure) => wanted.test(figure.name)).map((figure) => figure.svg);
	const sections: Section[] = [
		{
			heading: "Verdict",
			text: [
				quality.accepted
					? "The solutions may be used."
					: `The solutions are not to be used: ${quality.reasons.join("; ")}.`,
				...(quality.warnings.length > 0 ? [`To know: ${quality.warnings.join("; ")}.`] : []),
				calibrator === null
					? "The model is the set's own model column."
					: `Calibrator ${calibrator.name}, ${calibrator.flux_jy} Jy at ${Number(calibrator.frequency_mhz).toFixed(1)} MHz (${calibrator.flux_scale}), ${calibrator.model_sources} sources in the model, response of the beam ${Number(calibrator.beam_response).toFixed(3)}.`,
			].join("\n\n"),
			...(parts === null
				? {}
				: {
						table: {
							columns: ["part of the score", "value", "what it is"],
							rows: [
								["solved", shown(parts.solved, 3), "active antenna-polarisations with solutions"],
								["converged", shown(parts.converged, 3), "cells whose iteration converged"],
								["signal to noise", shown(parts.snr, 3), "median against what is expected, at most 1"],
								["chi-squared", shown(parts.chi2, 3), "reference against the residuals, at most 1"],
							],
						},
					}),
		},
		{
			heading: "Tables",
			table: {
				columns: [
					"table",
					"solutions",
					"SNR median",
					"SNR 5 %",
					"flagged (active)",
					"of these dead",
					"residual chi-squared",
					"converged",
				],
				rows: Object.entries(quality.tables).map(([kind, table]) => [
					kind,
					table.n_solutions,
					shown(table.snr_median, 1),
					shown(table.snr_low, 1),
					percent(table.flagged_fraction_active),
					percent(table.flagged_dead),
					shown(table.residual_chi2, 3),
					percent(table.converged_fraction),
				]),
			},
			...(quality.closure === null || quality.closure.rms_deg === null
				? {}
				: {
						text: `Closure phases: rms ${shown(quality.closure.rms_deg, 3)} degrees over ${quality.closure.triangles} triangles, ${shown(quality.closure.expected_deg, 3)} expected from the noise. Interference: ${percent(quality.rfi?.fraction ?? 0)} of (time, channel).${placeOf(quality)}`,
					}),
		},
		{ heading: "Gains", figures: group(/^gain-/) },
		{ heading: "Bandpass", figures: group(/^bandpass-/) },
		{ heading: "Delays, residuals, interference", figures: group(/^(delays|antenna-chi2|channel-chi2|interference)$/) },
		{
			heading: "Antennas",
			table: {
				columns: [
					"antenna",
					"state",
					"chi-squared",
					"SNR",
					"noise",
					"phase rms (deg)",
					...input.polarizations.map((hand) => `delay ${hand} (ns)`),
					"reasons",
				],
				rows: quality.antennas.map((antenna) => [
					antenna.name,
					antenna.state,
					shown(antenna.chi2),
					shown(antenna.snr, 1),
					shown(antenna.noise_ratio),
					shown(antenna.phase_rms_deg),
					...input.polarizations.map((hand) => shown(antenna.delay_ns[hand], 3)),
					antenna.reasons.join("; "),
				]),
				marked: new Map(odd),
			},
			...(quality.not_installed.length > 0 ? { text: `Without data: ${quality.not_installed.join(", ")}.` } : {}),
		},
		{
			heading: "Baselines with the largest residuals",
			table: {
				columns: ["antenna 1", "antenna 2", "chi-squared"],
				rows: quality.worst_baselines.map((one) => [one.antenna1, one.antenna2, shown(one.chi2)]),
			},
			folded: true,
		},
		{
			heading: "Data",
			table: {
				columns: ["samples", "share"],
				rows: Object.entries(quality.samples).map(([kind, share]) => [kind, percent(share)]),
			},
			text: `${quality.software}. ${data.source.join(", ")}`,
			folded: true,
		},
	];
	return page(`Calibration ${name}`, lead, sections);
}
