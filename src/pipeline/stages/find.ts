import { failure } from "../../error.ts";
import { publish } from "../../store/events.ts";
import { getImage, imagesOfRun } from "../../store/images.ts";
import { photometrySettings } from "../pixels/settings.ts";
import { imagePathOf, type Stage, type StageResult } from "../stage.ts";

/** Finds the sources of each image by themselves: islands above the noise, fitted by Gaussians. */
export const find: Stage = {
	name: "find",
	after: ["ingest"],
	enabled: (config) => config.photometry_pipeline.new_sources,
	units: async (db, run) => (await imagesOfRun(db, run.id)).map((image) => String(image.id)),
	onFailure: "reject",
	subjectOf: imagePathOf,

	async execute({ database, config, pixels }, run, unit): Promise<StageResult> {
		const image = await getImage(database, Number(unit));
		if (image === undefined) throw failure("no-such-image", "is not in the database", { subject: `image ${unit}` });
		const found = await pixels.find({
			paths: { image: image.path, noise: image.noise_path, background: image.background_path },
			settings: photometrySettings(config),
			pixels: image.width * image.height,
		});
		return {
			output: { components: found.n, median_noise_jy: found.noiseMedianJy },
			async store(tx) {
				await tx.execute("clear components", "DELETE FROM component WHERE image_id = $1", [image.id]);
				await tx.copy(
					"component",
					[
						{ name: "image_id", value: () => image.id },
						{ name: "number", value: (i) => i + 1 },
						{ name: "ra_deg", value: (i) => found.raDeg[i] },
						{ name: "dec_deg", value: (i) => found.decDeg[i] },
						{ name: "ra_err_arcsec", value: (i) => found.raErrArcsec[i] },
						{ name: "dec_err_arcsec", value: (i) => found.decErrArcsec[i] },
						{ name: "peak_flux_jy", value: (i) => found.peakJy[i] },
						{ name: "peak_flux_err_jy", value: (i) => found.peakErrJy[i] },
						{ name: "int_flux_jy", value: (i) => found.intJy[i] },
						{ name: "int_flux_err_jy", value: (i) => found.intErrJy[i] },
						{ name: "major_arcsec", value: (i) => found.majorArcsec[i] },
						{ name: "minor_arcsec", value: (i) => found.minorArcsec[i] },
						{ name: "pa_deg", value: (i) => found.paDeg[i] },
						{ name: "local_rms_jy", value: (i) => found.localRmsJy[i] },
						{ name: "flags", value: (i) => found.flags[i] },
					],
					found.n,
				);
				await tx.execute("image noise", "UPDATE image SET noise_median_jy = $2 WHERE id = $1", [
					image.id,
					found.noiseMedianJy,
				]);
				await publish(tx, "SourcesFound", {
					source: "stage/find",
					subject: String(image.id),
					data: { run: run.id, components: found.n },
				});
			},
		};
	},
};
