import type { Column, Table } from "../../formats/table/table.ts";
import { fluxScale, type Survey } from "../../simulation/survey.ts";
import type { SurveyPainter } from "../../simulation/survey-image.ts";

const numbers = (name: string, values: ArrayLike<number>): Column => ({
	name,
	kind: "number",
	values: Float64Array.from(values),
});

type Source = Survey["sources"][number];

/** One column per quantity, one row per source. */
const perSource = (survey: Survey, name: string, value: (source: Source) => number): Column =>
	numbers(name, survey.sources.map(value));
const perSourceText = (survey: Survey, name: string, value: (source: Source) => string): Column => ({
	name,
	kind: "text",
	values: survey.sources.map(value),
});

/** One row per source: what it is. */
export function truthTable(survey: Survey, painter: SurveyPainter): Table {
	const { sources, lens } = survey;
	const columns: Column[] = [
		perSourceText(survey, "source_id", (source) => source.id),
		perSourceText(survey, "label", (source) => source.label),
		perSource(survey, "ra_deg", (source) => source.raDeg),
		perSource(survey, "dec_deg", (source) => source.decDeg),
		perSource(survey, "x_pix", (source) => source.x),
		perSource(survey, "y_pix", (source) => source.y),
		perSource(survey, "flux_1400_jy", (source) => source.fluxJy),
		perSource(survey, "spectral_index", (source) => source.spectralIndex),
		{ ...perSource(survey, "pair_id", (source) => source.pair), kind: "integer" },
		{ ...perSource(survey, "is_blank", ({ x, y }) => Number(painter.isBlank(x, y))), kind: "boolean" },
	];
	if (lens !== undefined) {
		const lensed = (value: number) => (source: Source) => (source.id === lens.sourceId ? value : Number.NaN);
		columns.push(
			perSource(survey, "alpha_1400", lensed(lens.alpha1400)),
			perSource(survey, "beta_s", lensed(lens.betaS)),
			perSource(survey, "fwhm_days", lensed(lens.fwhmDays)),
			perSource(survey, "centre_mjd", lensed(lens.centreMjd)),
			perSource(survey, "lensed_fraction", lensed(lens.amplitude)),
		);
	}
	return { columns, rows: sources.length };
}

/** True and expected flux of every source in every image. */
export function fluxTable(survey: Survey): Table {
	const { sources, epochs, subbands, fluxJy } = survey;
	const id: string[] = [];
	const number: number[] = [];
	const mjd: number[] = [];
	const frequency: number[] = [];
	const truth: number[] = [];
	const expected: number[] = [];
	sources.forEach((source, s) => {
		epochs.forEach((epoch, e) => {
			subbands.forEach(({ frequencyMhz }, band) => {
				if (epoch.subbands[band].isMissing) return;
				const flux = fluxJy[s][e * subbands.length + band];
				id.push(source.id);
				number.push(epoch.number);
				mjd.push(epoch.mjd);
				frequency.push(frequencyMhz);
				truth.push(flux);
				expected.push(flux * fluxScale(survey, e, band, source.x, source.y));
			});
		});
	});
	return {
		columns: [
			{ name: "source_id", kind: "text", values: id },
			{ ...numbers("epoch", number), kind: "integer" },
			numbers("mjd", mjd),
			numbers("frequency_mhz", frequency),
			numbers("flux_jy", truth),
			numbers("scaled_flux_jy", expected),
		],
		rows: id.length,
	};
}

/** Positions and fluxes, as a catalogue to measure at. */
export const catalogueTable = (survey: Survey): Table => ({
	columns: [
		perSourceText(survey, "source_id", (source) => source.id),
		perSource(survey, "ra_deg", (source) => source.raDeg),
		perSource(survey, "dec_deg", (source) => source.decDeg),
		perSource(survey, "flux_jy", (source) => source.fluxJy),
	],
	rows: survey.sources.length,
});
