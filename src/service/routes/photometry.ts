import { createRoute, z } from "@hono/zod-openapi";
import { badInput } from "../../error.ts";
import { normalizeOnRequest } from "../../pipeline/normalise/on-request.ts";
import { photometrySettings } from "../../pipeline/pixels/settings.ts";
import { configurationHash } from "../../pipeline/runner.ts";
import { shifted } from "../../pipeline/stages/measure.ts";
import { getImage } from "../../store/images.ts";
import { allowedPath } from "../allowed-path.ts";
import { oneAnswers } from "../answers.ts";
import type { Routes } from "../context.ts";
import { noQuery, quantity } from "../parameters.ts";
import { noQueue } from "./detection.ts";

const MOST_POSITIONS = 10_000;
const MOST_IMAGES = 100;

const id = z.number().int().min(1).max(Number.MAX_SAFE_INTEGER);
const path = z.string().min(1).max(4096);

const measureRequest = z
	.strictObject({
		image: id.optional().openapi({ description: "A stored image, with the maps that belong to it" }),
		path: path.optional().openapi({ description: "Or a FITS file" }),
		noise: path.optional().openapi({ description: "Noise map of `path`; made from the image unless given" }),
		background: path.optional().openapi({ description: "Background map of `path`" }),
		positions: z
			.array(
				z.strictObject({
					source_id: z.string().min(1).max(200).optional(),
					ra_deg: z.number().min(0).max(360),
					dec_deg: z.number().min(-90).max(90),
				}),
			)
			.min(1)
			.max(MOST_POSITIONS),
	})
	.superRefine((body, context) => {
		if ((body.image === undefined) === (body.path === undefined)) {
			context.addIssue({ code: "custom", path: ["image"], message: "give one of image, path" });
		}
		for (const name of ["noise", "background"] as const) {
			if (body[name] !== undefined && body.path === undefined) {
				context.addIssue({ code: "custom", path: [name], message: "belongs to path alone" });
			}
		}
	})
	.openapi("MeasureRequest");

const fluxes = z
	.object({
		noise_median_jy: quantity("Median noise of the image, Jy/beam"),
		items: z.array(
			z.object({
				source_id: z.string(),
				ra_deg: z.number(),
				dec_deg: z.number(),
				x_pix: quantity("0-based"),
				y_pix: quantity("0-based"),
				flux_jy: quantity("Peak, Jy/beam"),
				flux_err_jy: quantity("Standard error, correlated noise included"),
				local_rms_jy: z.number().nullable(),
				snr: z.number().nullable(),
				chi2: z.number().nullable(),
				dof: z.number().nullable(),
				n_blend: z.number().nullable(),
				upper_limit_jy: z.number().nullable(),
				flags: z.string(),
			}),
		),
	})
	.openapi("ForcedFluxes");

const normalizeRequest = z
	.strictObject({
		image: id.optional().openapi({ description: "One stored image" }),
		source: id.optional().openapi({ description: "Only this source of `image`: one measurement" }),
		images: z.array(id).min(1).max(MOST_IMAGES).optional().openapi({ description: "Several stored images" }),
		mode: z
			.enum(["plane", "ensemble", "single", "none"])
			.optional()
			.openapi({ description: "How the flux scale is found; as configured unless told" }),
	})
	.superRefine((body, context) => {
		if ((body.image === undefined) === (body.images === undefined)) {
			context.addIssue({ code: "custom", path: ["image"], message: "give one of image, images" });
		}
		if (body.source !== undefined && body.image === undefined) {
			context.addIssue({ code: "custom", path: ["source"], message: "needs an image" });
		}
	})
	.openapi("NormalizeRequest");

const normalized = z
	.object({
		items: z.array(
			z.object({
				image_id: z.number().int(),
				status: z.enum(["done", "no_image", "no_measurements", "no_baselines"]),
				solution: z
					.object({
						status: z.string(),
						source: z.string(),
						correction: z.number(),
						correction_err: z.number().nullable(),
						scatter: z.number().nullable(),
						n_references: z.number().int(),
						n_rejected: z.number().int(),
						baseline_version: z.string(),
						reasons: z.array(z.string()),
					})
					.nullable(),
				measurements: z.array(
					z.object({
						source_id: z.number().int(),
						flux_jy: z.number(),
						flux_err_jy: z.number(),
						flux_norm_jy: z.number().nullable(),
						flux_norm_err_jy: z.number().nullable(),
						correction: z.number().nullable(),
						correction_err: z.number().nullable(),
						correction_source: z.string(),
						n_references: z.number().int(),
						flags: z.string(),
					}),
				),
			}),
		),
	})
	.openapi("Normalized");

const tags = ["Photometry"];
const numbers = (values: ArrayLike<number>, i: number): number | null =>
	Number.isFinite(values[i]) ? values[i] : null;

export const photometryRoutes: Routes = (app, { store, loaded, pipeline }) => {
	const { config } = loaded;
	app.openapi(
		createRoute({
			method: "post",
			path: "/api/v1/measure",
			tags,
			summary: "Forced photometry at given positions; nothing is stored",
			description:
				"One row per position and in their order, as `caustic measure` writes them. In a stored image positions are moved by its " +
				"offset from the survey's, as the pipeline does; a `path` is taken as it is.",
			request: {
				query: noQuery,
				body: { required: true, content: { "application/json": { schema: measureRequest } } },
			},
			responses: oneAnswers(fluxes, "The fluxes"),
		}),
		async (c) => {
			const body = c.req.valid("json");
			let offset = [0, 0];
			let paths: { image: string; noise: string | null; background: string | null };
			if (body.image !== undefined) {
				const image = await getImage(store.database, body.image);
				if (image === undefined) {
					throw badInput("no-image", "there is no such image", { subject: `image ${body.image}` });
				}
				paths = { image: image.path, noise: image.noise_path, background: image.background_path };
				offset = [image.offset_east_arcsec / 3600, image.offset_north_arcsec / 3600];
			} else {
				const given = (name: "path" | "noise" | "background") =>
					body[name] === undefined ? null : allowedPath(body[name], name, config.service);
				paths = { image: given("path") ?? "", noise: given("noise"), background: given("background") };
			}
			if (pipeline === undefined) throw noQueue();
			const measured = await pipeline.pixels.measure({
				paths,
				settings: photometrySettings(config),
				...shifted(body.positions, offset[0], offset[1]),
			});
			const items = body.positions.map((position, i) => {
				const isMeasured = Number.isFinite(measured.fluxJy[i]);
				return {
					source_id: position.source_id ?? String(i + 1),
					ra_deg: position.ra_deg,
					dec_deg: position.dec_deg,
					x_pix: numbers(measured.x, i),
					y_pix: numbers(measured.y, i),
					flux_jy: numbers(measured.fluxJy, i),
					flux_err_jy: numbers(measured.fluxErrJy, i),
					local_rms_jy: numbers(measured.localRmsJy, i),
					snr: numbers(measured.snr, i),
					chi2: numbers(measured.chi2, i),
					dof: isMeasured ? measured.dof[i] : null,
					n_blend: isMeasured ? measured.nBlend[i] : null,
					upper_limit_jy: numbers(measured.upperLimitJy, i),
					flags: measured.flags[i],
				};
			});
			return c.json({ noise_median_jy: numbers([measured.noiseMedianJy], 0), items }, 200);
		},
	);
	app.openapi(
		createRoute({
			method: "post",
			path: "/api/v1/normalize",
			tags,
			summary: "Put stored measurements on the common flux scale anew; nothing is stored",
			description:
				"One measurement (`image` and `source`), one image, or several, against the present baselines: to compare modes, or " +
				"what would change. What the pipeline stored stays as it is; it is in the light curves.",
			request: {
				query: noQuery,
				body: { required: true, content: { "application/json": { schema: normalizeRequest } } },
			},
			responses: oneAnswers(normalized, "Each image with its own outcome"),
		}),
		async (c) => {
			const { image, images, source, mode } = c.req.valid("json");
			const hash = configurationHash(config);
			const items = [];
			for (const imageId of images ?? [image as number]) {
				items.push(await normalizeOnRequest(store.database, config, hash, imageId, mode));
			}
			if (image !== undefined && items[0].status === "no_image") {
				throw badInput("no-image", "there is no such image", { subject: `image ${image}` });
			}
			if (source !== undefined) {
				items[0].measurements = items[0].measurements.filter((row) => row.source_id === source);
				if (items[0].measurements.length === 0) {
					throw badInput("no-source", `has no measurement in image ${image}`, { subject: `source ${source}` });
				}
			}
			return c.json({ items }, 200);
		},
	);
};
