import { createRoute, z } from "@hono/zod-openapi";
import { badInput, CausticError } from "../../error.ts";
import { cutOut } from "../../pipeline/pixels/cutout.ts";
import { shifted } from "../../pipeline/stages/measure.ts";
import { getImage as storedImage } from "../../store/images.ts";
import { listCorrections } from "../../store/read/corrections.ts";
import { listEpochs } from "../../store/read/epochs.ts";
import { getImage, listImages } from "../../store/read/images.ts";
import { jsonAnswers, oneAnswers } from "../answers.ts";
import type { Routes } from "../context.ts";
import { freeObject, idParameter, numberParameter, pageOf, paging, quantity, textParameter } from "../parameters.ts";

const image = z
	.object({
		id: z.number().int(),
		path: z.string(),
		noise_path: z.string().nullable(),
		background_path: z.string().nullable(),
		field_id: z.number().int(),
		field: z.string(),
		epoch_id: z.number().int(),
		band_id: z.number().int(),
		mjd: z.number().openapi({ description: "Mid-exposure, MJD UTC" }),
		duration_s: z.number().nullable(),
		time_source: z.string().openapi({ description: "Header cards from which the time was taken" }),
		frequency_mhz: z.number(),
		bandwidth_mhz: z.number().nullable(),
		stokes: z.string().nullable(),
		beam_major_arcsec: z.number(),
		beam_minor_arcsec: z.number(),
		beam_pa_deg: z.number(),
		width: z.number().int(),
		height: z.number().int(),
		ra_deg: z.number(),
		dec_deg: z.number(),
		radius_deg: z.number(),
		noise_median_jy: quantity("Median noise, Jy/beam"),
		quality: freeObject("Marks of quality"),
		correction: quantity("Raw flux over normalised flux: what the image's own scale is"),
		correction_err: z.number().nullable(),
		correction_status: z.string().nullable(),
		n_references: z.number().int().nullable(),
	})
	.openapi("Image");

const epoch = z
	.object({
		id: z.number().int(),
		field_id: z.number().int(),
		field: z.string(),
		mjd: z.number(),
		images: z.number().int(),
		measurements: z.number().int(),
		correction_low: z.number().nullable(),
		correction_high: z.number().nullable(),
		suspicious_images: z
			.number()
			.int()
			.openapi({ description: "Images whose correction was not applied as it stands" }),
	})
	.openapi("Epoch");

const correction = z
	.object({
		image_id: z.number().int(),
		path: z.string(),
		epoch_id: z.number().int(),
		field_id: z.number().int(),
		band_id: z.number().int(),
		frequency_mhz: z.number(),
		mjd: z.number(),
		correction: z.number().openapi({ description: "Raw flux over normalised flux: what the image's own scale is" }),
		correction_err: z.number().nullable(),
		scatter: quantity("Scatter of the references about the correction, relative"),
		n_references: z.number().int(),
		n_rejected: z.number().int(),
		source: z.string().openapi({ description: "The ensemble, or a step of the fallback chain" }),
		status: z.string(),
		reference_set_id: z.number().int().nullable(),
		noise_median_jy: quantity("Median noise of the image, Jy/beam"),
		details: freeObject("What the normalisation noted"),
	})
	.openapi("Correction");

const byField = { field: idParameter("Only of this field").optional() };
const byBand = { band: idParameter("Only of this subband").optional() };
const byEpoch = { epoch: idParameter("Only of this epoch").optional() };
const tags = ["Images"];
/** Half the side of a cutout, in beams: the source and what is near enough to be confused with it. */
const BEAMS = 4;

const cutout = z
	.object({
		image_id: z.number().int(),
		epoch_id: z.number().int(),
		band_id: z.number().int(),
		frequency_mhz: z.number(),
		mjd: z.number(),
		noise_jy: quantity("Median noise of the image, Jy/beam"),
		beam_major_arcsec: z.number(),
		beam_minor_arcsec: z.number(),
		beam_pa_deg: z.number(),
		width: z.number().int(),
		height: z.number().int(),
		x_pix: z.number().openapi({ description: "The position in the cutout, 0-based" }),
		y_pix: z.number().openapi({ description: "The position in the cutout, 0-based" }),
		pixel_arcsec: z.number(),
		north_deg: z.number().openapi({ description: "Direction of north, degrees from up towards the left" }),
		east_is_left: z.boolean(),
		pixels_jy: z
			.array(z.number().nullable())
			.openapi({ description: "Jy/beam, row by row from the bottom; null where the image has no value" }),
	})
	.openapi("Cutout");

/** Four digits are more than any display shows, and a third of the text. */
const shorten = (value: number): number | null => (Number.isFinite(value) ? Number(value.toPrecision(4)) : null);

export const imageRoutes: Routes = (app, { store, pipeline }) => {
	app.openapi(
		createRoute({
			method: "get",
			path: "/api/v1/images",
			tags,
			summary: "Images, newest first",
			request: {
				query: z.strictObject({
					...byField,
					...byEpoch,
					...byBand,
					run: textParameter("Only of this run").optional(),
					...paging(),
				}),
			},
			responses: jsonAnswers(pageOf(image), "A page of images"),
		}),
		async (c) => {
			const { field, epoch, band, run, limit, cursor } = c.req.valid("query");
			const filter = { fieldId: field, epochId: epoch, bandId: band, runId: run, limit, cursor };
			return c.json(await listImages(store.database, filter), 200);
		},
	);
	app.openapi(
		createRoute({
			method: "get",
			path: "/api/v1/images/{id}",
			tags,
			summary: "One image",
			request: { params: z.object({ id: idParameter("Image") }), query: z.strictObject({}) },
			responses: oneAnswers(image, "The image"),
		}),
		async (c) => {
			const { id } = c.req.valid("param");
			const found = await getImage(store.database, id);
			if (found === undefined) throw badInput("no-image", "there is no such image", { subject: `image ${id}` });
			return c.json(found, 200);
		},
	);
	app.openapi(
		createRoute({
			method: "get",
			path: "/api/v1/images/{id}/cutout",
			tags,
			summary: "The pixels of an image about a position",
			description: "The position is moved by the image's offset from the survey's, as the pipeline does.",
			request: {
				params: z.object({ id: idParameter("Image") }),
				query: z.strictObject({
					ra: numberParameter(0, 360, "Right ascension ICRS, degrees"),
					dec: numberParameter(-90, 90, "Declination ICRS, degrees"),
					radius_arcsec: numberParameter(0.001, 36_000, "Half the side, arcsec; four beams unless told").optional(),
				}),
			},
			responses: oneAnswers(cutout, "The cutout"),
		}),
		async (c) => {
			const { id } = c.req.valid("param");
			const { ra, dec, radius_arcsec } = c.req.valid("query");
			const [found, stored] = await Promise.all([getImage(store.database, id), storedImage(store.database, id)]);
			if (found === undefined || stored === undefined)
				throw badInput("no-image", "there is no such image", { subject: `image ${id}`, remedy: "See /api/v1/images" });
			const offset = [stored.offset_east_arcsec / 3600, stored.offset_north_arcsec / 3600];
			const { raDeg, decDeg } = shifted([{ ra_deg: ra, dec_deg: dec }], offset[0], offset[1]);
			const task = {
				path: found.path,
				raDeg: raDeg[0],
				decDeg: decDeg[0],
				radiusArcsec: radius_arcsec ?? BEAMS * found.beam_major_arcsec,
			};
			const cut = await (pipeline === undefined ? cutOut(task) : pipeline.pixels.cutout(task)).catch(
				(error: unknown) => {
					if (!(error instanceof CausticError) || error.code !== "missing-file") throw error;
					throw badInput("no-image-file", "its file is no longer where it was", {
						subject: found.path,
						remedy: "Put it back; the measurements stay without it",
					});
				},
			);
			return c.json(
				{
					image_id: found.id,
					epoch_id: found.epoch_id,
					band_id: found.band_id,
					frequency_mhz: found.frequency_mhz,
					mjd: found.mjd,
					noise_jy: found.noise_median_jy,
					beam_major_arcsec: found.beam_major_arcsec,
					beam_minor_arcsec: found.beam_minor_arcsec,
					beam_pa_deg: found.beam_pa_deg,
					width: cut.width,
					height: cut.height,
					x_pix: cut.x,
					y_pix: cut.y,
					pixel_arcsec: cut.pixelArcsec,
					north_deg: cut.northDeg,
					east_is_left: cut.isEastLeft,
					pixels_jy: Array.from(cut.pixels, shorten),
				},
				200,
			);
		},
	);
	app.openapi(
		createRoute({
			method: "get",
			path: "/api/v1/epochs",
			tags,
			summary: "Epochs, newest first",
			request: { query: z.strictObject({ ...byField, ...paging() }) },
			responses: jsonAnswers(pageOf(epoch), "A page of epochs"),
		}),
		async (c) => {
			const { field, limit, cursor } = c.req.valid("query");
			return c.json(await listEpochs(store.database, { fieldId: field, limit, cursor }), 200);
		},
	);
	app.openapi(
		createRoute({
			method: "get",
			path: "/api/v1/corrections",
			tags,
			summary: "Flux corrections per epoch and subband, oldest first",
			request: {
				query: z.strictObject({
					...byField,
					...byEpoch,
					...byBand,
					status: textParameter("Only with this status").optional(),
					...paging(500, 5000),
				}),
			},
			responses: jsonAnswers(pageOf(correction), "A page of corrections"),
		}),
		async (c) => {
			const { field, epoch, band, status, limit, cursor } = c.req.valid("query");
			const filter = { fieldId: field, epochId: epoch, bandId: band, status, limit, cursor };
			return c.json(await listCorrections(store.database, filter), 200);
		},
	);
};
