import { failure } from "../../error.ts";
import * as metrics from "../../observability/metrics.ts";
import { SNR_CLASSES, type SnrClass, snrClass } from "../../photometry/validation.ts";
import { destination } from "../../sky/separation.ts";
import { storeQuality } from "../../store/checks.ts";
import { publish } from "../../store/events.ts";
import { getImage, imagesOfRun } from "../../store/images.ts";
import { sourcesMeasuredIn, storeMeasurements } from "../../store/measurements.ts";
import { failedUnits } from "../../store/runs.ts";
import { type SourceRow, sourcesWithin } from "../../store/sources.ts";
import { compareWithFitted, fittedFluxes } from "../checks/fitted.ts";
import { photometrySettings } from "../pixels/settings.ts";
import type { MeasureTask } from "../pixels/tasks.ts";
import { imagePathOf, type Stage, type StageResult } from "../stage.ts";

/**
 * Forced photometry of every known source in every image of the run, and of sources that the run has added in the
 * images that were there before: a light curve has a point wherever its source was in view, detected or not.
 */
export const measure: Stage = {
	name: "measure",
	after: ["associate"],
	enabled: () => true,
	async units(db, run) {
		const dropped = new Set((await failedUnits(db, run.id, "find")).map(Number));
		const own = (await imagesOfRun(db, run.id)).map((image) => image.id).filter((id) => !dropped.has(id));
		if (own.length === 0) return [];
		// Earlier images that hold a source of which they have no measurement with these settings.
		const earlier = await db.query<{ id: number }>(
			"images to fill",
			`SELECT DISTINCT i.id FROM image i JOIN source s ON s.field_id = i.field_id
			 WHERE i.id <> ALL($2) AND s.first_image_id = ANY($2)
			 AND EXISTS (SELECT FROM measurement m WHERE m.image_id = i.id AND m.configuration = $1) ORDER BY i.id`,
			[run.configuration_hash, own],
		);
		return [...own, ...earlier.map((row) => row.id)].map(String);
	},
	onFailure: "reject",
	subjectOf: imagePathOf,

	async execute({ database, config, configurationHash, pixels }, run, unit): Promise<StageResult> {
		const image = await getImage(database, Number(unit));
		if (image === undefined) throw failure("no-such-image", "is not in the database", { subject: `image ${unit}` });
		const all = await sourcesWithin(database, image.ra_deg, image.dec_deg, image.radius_deg);
		const begun = performance.now();
		const measured = await pixels.measure({
			paths: { image: image.path, noise: image.noise_path, background: image.background_path },
			settings: photometrySettings(config),
			pixels: image.width * image.height,
			...shapesOf(all, config.photometry_pipeline.catalog_beam),
			...shifted(all, image.offset_east_arcsec / 3600, image.offset_north_arcsec / 3600),
		});
		// A value that is there stays: an image of an earlier run gains the new sources and keeps the rest as published.
		const present = await sourcesMeasuredIn(database, image.id, configurationHash);
		const inside = all.flatMap((source, i) => (measured.outside[i] === 1 || present.has(source.id) ? [] : [i]));
		const pick = (values: Float64Array) => Float64Array.from(inside, (i) => values[i]);
		const flux = pick(measured.fluxJy);
		const fluxErr = pick(measured.fluxErrJy);
		const flags = inside.map((i) => measured.flags[i]);
		const sourceId = Float64Array.from(inside, (i) => all[i].id);
		const fitted = compareWithFitted(sourceId, flux, fluxErr, flags, await fittedFluxes(database, image.id));
		const { compared, discrepant, median_ratio } = fitted.summary;
		const classes = countClasses(flux, fluxErr);
		const valid = flux.reduce((n, value) => n + (Number.isNaN(value) ? 0 : 1), 0);
		const seconds = (performance.now() - begun) / 1000;
		return {
			output: {
				measurements: inside.length,
				measured: valid,
				flagged: inside.length - valid,
				compared_with_fitted: compared,
				fitted_differs: discrepant,
			},
			async store(tx) {
				await storeMeasurements(tx, {
					imageId: image.id,
					bandId: image.band_id,
					mjd: image.mjd,
					method: "forced",
					configuration: configurationHash,
					runId: run.id,
					sourceId,
					fluxJy: flux,
					fluxErrJy: fluxErr,
					localRmsJy: pick(measured.localRmsJy),
					snr: pick(measured.snr),
					chi2: pick(measured.chi2),
					dof: Int32Array.from(inside, (i) => measured.dof[i]),
					nBlend: Int32Array.from(inside, (i) => measured.nBlend[i]),
					upperLimitJy: pick(measured.upperLimitJy),
					flags,
					fitted,
				});
				// An image that only gained new sources keeps what was said of all of them.
				if (present.size === 0) {
					await storeQuality(tx, [
						{ imageId: image.id, quality: { cross_check: fitted.summary, snr_classes: classes } },
					]);
				}
				await tx.execute("image noise", "UPDATE image SET noise_median_jy = $2 WHERE id = $1", [
					image.id,
					measured.noiseMedianJy,
				]);
				await publish(tx, "PhotometryMeasurementCompleted", {
					source: "stage/measure",
					subject: String(image.id),
					data: { run: run.id, measurements: inside.length },
				});
				metrics.measurements.inc({ method: "forced", status: "measured" }, valid);
				metrics.measurements.inc({ method: "forced", status: "flagged" }, inside.length - valid);
				fitted.fittedFluxJy.forEach((other, i) => {
					const relative = Math.abs(other / flux[i] - 1);
					if (!Number.isFinite(relative)) return;
					const tier = snrClass(flux[i], fluxErr[i]) ?? SNR_CLASSES[0];
					metrics.measurementAccuracy.observe({ method: "forced", snr_tier: tier }, relative);
				});
				for (const name of SNR_CLASSES) metrics.snrClasses.inc({ snr_class: name }, classes[name]);
				metrics.checks.inc({ check: "fitted", outcome: "agrees" }, compared - discrepant);
				metrics.checks.inc({ check: "fitted", outcome: "differs" }, discrepant);
				if (median_ratio !== null) metrics.accuracy.set(Math.abs(median_ratio - 1));
				if (seconds > 0) metrics.throughput.set((inside.length / seconds) * 3600);
			},
		};
	},
};

/** Fitted sizes of a catalogue whose beam is known: resolved sources are measured with their shape. */
function shapesOf(sources: readonly SourceRow[], beam: readonly number[] | undefined): Pick<MeasureTask, "shapes"> {
	if (beam === undefined) return {};
	const column = (value: (source: SourceRow) => number | null) =>
		Float64Array.from(sources, (source) => value(source) ?? Number.NaN);
	const unknown = () => new Float64Array(sources.length).fill(Number.NaN);
	return {
		shapes: {
			majorArcsec: column((source) => source.major_arcsec),
			minorArcsec: column((source) => source.minor_arcsec),
			paDeg: column((source) => source.pa_deg),
			majorErrArcsec: unknown(),
			minorErrArcsec: unknown(),
			beam: { majorDeg: beam[0] / 3600, minorDeg: beam[1] / 3600, paDeg: beam[2] },
		},
	};
}

function countClasses(flux: Float64Array, error: Float64Array): Record<SnrClass, number> {
	const counts = Object.fromEntries(SNR_CLASSES.map((name) => [name, 0])) as Record<SnrClass, number>;
	for (let i = 0; i < flux.length; i++) {
		const name = snrClass(flux[i], error[i]);
		if (name !== undefined) counts[name]++;
	}
	return counts;
}

/** Where the sources stand in an image whose positions are off by a common amount. */
export function shifted(
	sources: { ra_deg: number; dec_deg: number }[],
	eastDeg: number,
	northDeg: number,
): { raDeg: Float64Array; decDeg: Float64Array } {
	const distance = Math.hypot(eastDeg, northDeg);
	const angle = (Math.atan2(eastDeg, northDeg) * 180) / Math.PI;
	const places = sources.map((source): [number, number] =>
		distance === 0 ? [source.ra_deg, source.dec_deg] : destination(source.ra_deg, source.dec_deg, angle, distance),
	);
	return { raDeg: Float64Array.from(places, ([ra]) => ra), decDeg: Float64Array.from(places, ([, dec]) => dec) };
}
