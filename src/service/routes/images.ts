import { createRoute, z } from "@hono/zod-openapi";
import { badInput } from "../../error.ts";
import { listCorrections } from "../../store/read/corrections.ts";
import { listEpochs } from "../../store/read/epochs.ts";
import { getImage, listImages } from "../../store/read/images.ts";
import { jsonAnswers, oneAnswers } from "../answers.ts";
import type { Routes } from "../context.ts";
import { freeObject, idParameter, pageOf, paging, quantity, textParameter } from "../parameters.ts";

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

export const imageRoutes: Routes = (app, { store }) => {
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
