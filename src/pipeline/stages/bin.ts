import { badInput } from "../../error.ts";
import * as metrics from "../../observability/metrics.ts";
import { adaptiveBins } from "../../photometry/adaptive-binning.ts";
import { type BinnedRow, storeBinned } from "../../store/binned.ts";
import type { Database } from "../../store/database.ts";
import { publish } from "../../store/events.ts";
import { SCALED_VALUE } from "../../store/measurements.ts";
import { subbandFluxes } from "../adaptive/subband-fluxes.ts";
import type { MeasuredSubband } from "../pixels/tasks.ts";
import type { Stage, StageContext, StageResult } from "../stage.ts";

interface EpochImage {
	id: number;
	band_id: number;
	path: string;
	mjd: number;
	frequency_hz: number;
}

interface EpochFlux {
	source_id: number;
	image_id: number;
	flux: number | null;
	err: number | null;
	flags: string;
}

/**
 * Adaptive binning: the forced fluxes of an epoch's subbands, each measured in its own image once, are averaged over
 * neighbouring subbands until the target signal to noise. The layout follows from what was known of a source before this
 * run, so that no bin is chosen by its own value. An epoch that cannot be combined keeps its forced fluxes.
 */
export const bin: Stage = {
	name: "bin",
	after: ["normalise"],
	enabled: (config) => config.photometry_pipeline.adaptive_binning,
	async units(db, run) {
		const rows = await db.query<{ epoch_id: number }>(
			"epochs of run",
			`SELECT DISTINCT i.epoch_id FROM image i JOIN run_image r ON r.image_id = i.id WHERE r.run_id = $1
			 AND EXISTS (SELECT FROM measurement m WHERE m.image_id = i.id AND m.configuration = $2) ORDER BY 1`,
			[run.id, run.configuration_hash],
		);
		return rows.map((row) => String(row.epoch_id));
	},
	onFailure: "reject",
	subjectOf: async (_, unit) => `epoch ${unit}`,

	async execute({ database, config, configurationHash }: StageContext, run, unit): Promise<StageResult> {
		const epochId = Number(unit);
		const images = await database.query<EpochImage>(
			"images of epoch",
			`SELECT i.id, i.band_id, i.path, i.mjd, i.frequency_hz FROM image i WHERE i.epoch_id = $1
			 AND EXISTS (SELECT FROM measurement m WHERE m.image_id = i.id AND m.configuration = $2) ORDER BY i.frequency_hz, i.id`,
			[epochId, configurationHash],
		);
		if (new Set(images.map((image) => image.band_id)).size < images.length) {
			throw badInput("several-images", "has more than one image in a subband", {
				subject: `epoch ${unit}`,
				remedy: "Narrow images.epoch_window_s so that each pass is an epoch of its own; the forced fluxes are there",
			});
		}
		const { sources, measured } = await fluxesOf(database, images, configurationHash);
		const data = subbandFluxes(measured, sources.length);
		const { bins } = adaptiveBins(data, {
			targetSnr: config.photometry_pipeline.adaptive_target_snr,
			layout: "expected",
			referenceFlux: await referenceFluxes(database, sources, configurationHash),
		});
		let last = -1;
		let number = 0;
		const rows = bins.map((one): BinnedRow => {
			number = one.source === last ? number + 1 : 1;
			last = one.source;
			return {
				sourceId: sources[one.source],
				bin: number,
				frequencyHz: one.frequencyHz,
				fromHz: data.frequencyHz[one.from],
				toHz: data.frequencyHz[one.to - 1],
				subbands: one.count,
				fluxJy: one.flux,
				fluxErrJy: one.error,
				snr: one.snr,
				falseAlarmProbability: one.falseAlarmProbability,
				// One subband is no combination: the value is the forced one.
				flags: [...one.flags, ...(images.length === 1 ? ["forced"] : [])].join("|"),
			};
		});
		const mjd = images.reduce((sum, image) => sum + image.mjd, 0) / images.length;
		return {
			output: {
				bins: rows.length,
				sources: sources.length,
				subbands: images.length,
				forced_only: images.length === 1 ? 1 : 0,
			},
			async store(tx) {
				await storeBinned(tx, { epochId, mjd, configuration: configurationHash, runId: run.id }, rows);
				await publish(tx, "AdaptivePhotometryCompleted", {
					source: "stage/bin",
					subject: unit,
					data: { run: run.id, bins: rows.length, subbands: images.length },
				});
				metrics.measurements.inc({ method: "adaptive", status: "measured" }, rows.length);
			},
		};
	},
};

/** The forced fluxes of an epoch by subband, for every source that any of its images holds. */
async function fluxesOf(
	database: Database,
	images: readonly EpochImage[],
	configuration: string,
): Promise<{ sources: number[]; measured: MeasuredSubband[] }> {
	const rows = await database.query<EpochFlux>(
		"fluxes of epoch",
		`SELECT source_id, image_id, ${SCALED_VALUE}, flags
		 FROM measurement WHERE image_id = ANY($1) AND method = 'forced' AND configuration = $2 ORDER BY source_id`,
		[images.map((image) => image.id), configuration],
	);
	const sources = [...new Set(rows.map((row) => row.source_id))];
	const place = new Map(sources.map((id, i) => [id, i]));
	const byImage = Map.groupBy(rows, (row) => row.image_id);
	const measured = images.map((image): MeasuredSubband => {
		const subband: MeasuredSubband = {
			path: image.path,
			channel: 0,
			frequencyHz: image.frequency_hz,
			fluxJy: new Float64Array(sources.length).fill(Number.NaN),
			fluxErrJy: new Float64Array(sources.length).fill(Number.NaN),
			flags: new Array<string>(sources.length).fill(""),
			problem: null,
		};
		for (const row of byImage.get(image.id) ?? []) {
			const i = place.get(row.source_id) as number;
			subband.fluxJy[i] = row.flux ?? Number.NaN;
			subband.fluxErrJy[i] = row.err ?? Number.NaN;
			subband.flags[i] = row.flags;
		}
		return subband;
	});
	return { sources, measured };
}

/** What was known of the sources before: the catalogue's flux, else the mean of earlier epochs over the subbands. */
async function referenceFluxes(database: Database, sources: number[], configuration: string): Promise<Float64Array> {
	const rows = await database.query<{ id: number; flux: number | null }>(
		"reference fluxes",
		`SELECT id, coalesce(catalogue_flux_jy, (SELECT avg(weighted_mean_jy) FROM light_curve_state WHERE source_id = source.id AND configuration = $2)) AS flux
		 FROM source WHERE id = ANY($1)`,
		[sources, configuration],
	);
	const flux = new Map(rows.map((row) => [row.id, row.flux]));
	return Float64Array.from(sources, (id) => flux.get(id) ?? Number.NaN);
}
