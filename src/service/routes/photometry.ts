import { createRoute, z } from "@hono/zod-openapi";
import { badInput } from "../../error.ts";
import { normalizeOnRequest } from "../../pipeline/normalise/on-request.ts";
import { photometrySettings } from "../../pipeline/pixels/settings.ts";
import { configurationHash } from "../../pipeline/runner.ts";
import { shifted } from "../../pipeline/stages/measure.ts";
import type { NormalizedImageResult } from "../../pipeline/stages/normalise-requested.ts";
import { existingImages, fieldsOfImages, getImage } from "../../store/images.ts";
import { allowedPath } from "../allowed-path.ts";
import { oneAnswers, orderAnswers, requestAnswers } from "../answers.ts";
import type { Routes } from "../context.ts";
import { acceptedJob, jobShape, jobState, noQueue } from "../jobs.ts";
import { noQuery, quantity, textParameter } from "../parameters.ts";

const MOST_POSITIONS = 10_000;
const MOST_IMAGES = 10_000;
const SCOPES = ["image", "images", "all"] as const;

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
	.openapi("MeasureRequest", {
		example: { image: 1, positions: [{ source_id: "J1229+37", ra_deg: 187.265, dec_deg: 37.413 }] },
	});

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
		image: id.optional().openapi({ description: "One stored image: the answer comes at once and nothing is stored" }),
		source: id.optional().openapi({ description: "Only this source of `image`: one measurement" }),
		images: z
			.array(id)
			.min(1)
			.max(MOST_IMAGES)
			.optional()
			.openapi({ description: "Several stored images: a job that stores, with an outcome for each" }),
		all: z.literal(true).optional().openapi({ description: "Every measured image: a job that stores" }),
		mode: z
			.enum(["plane", "ensemble", "single", "none"])
			.optional()
			.openapi({ description: "How the flux scale is found; as configured unless told" }),
	})
	.superRefine((body, context) => {
		const given = SCOPES.filter((name) => body[name] !== undefined);
		if (given.length !== 1) {
			context.addIssue({ code: "custom", path: [given[1] ?? "image"], message: `give one of ${SCOPES.join(", ")}` });
		}
		if (body.source !== undefined && body.image === undefined) {
			context.addIssue({ code: "custom", path: ["source"], message: "needs an image" });
		}
	})
	.openapi("NormalizeRequest", { example: { images: [1, 2], mode: "plane" } });

const normalized = z
	.object({
		image_id: z.number().int(),
		status: z
			.enum(["done", "no_measurements", "no_baselines"])
			.openapi({ description: "Whether there is anything under the present settings to put on a scale" }),
		solution: z
			.object({
				status: z.string().openapi({ description: "applied, suspicious (outside the gate) or not_normalised" }),
				source: z.string().openapi({ description: "The ensemble, or a step of the fallback chain" }),
				correction: z.number().openapi({ description: "Raw flux over normalised flux" }),
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
	})
	.openapi("Normalized");

const normalizationJob = z
	.object({
		...jobShape,
		images: z.number().int(),
		normalized: z.number().int(),
		not_normalized: z.number().int(),
		results: z
			.array(
				z.object({
					image_id: z.number().int(),
					status: z.enum(["done", "no_image", "no_measurements", "no_baselines", "failed"]),
					solution: z.string().nullable(),
					correction: z.number().nullable(),
					correction_err: z.number().nullable(),
					n_references: z.number().int(),
				}),
			)
			.openapi({ description: "Of the images whose field has ended, in the order asked, when they were named" }),
	})
	.openapi("NormalizationJob");

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
			responses: requestAnswers(fluxes, "The fluxes"),
		}),
		async (c) => {
			const body = c.req.valid("json");
			let offset = [0, 0];
			let pixels: number | undefined;
			let paths: { image: string; noise: string | null; background: string | null };
			if (body.image !== undefined) {
				const image = await getImage(store.database, body.image);
				if (image === undefined) {
					throw badInput("no-image", "there is no such image", { subject: `image ${body.image}` });
				}
				paths = { image: image.path, noise: image.noise_path, background: image.background_path };
				pixels = image.width * image.height;
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
				...(pixels === undefined ? {} : { pixels, keep: true }),
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
			summary: "Put stored measurements on the common flux scale anew",
			description:
				"One `image` (with `source`, one measurement) is solved at once against the present baselines and nothing is stored: to " +
				"compare modes, or what would change. `images` and `all` make a job (202) that stores, brings the statistics up to date " +
				"and judges the sources again: poll `status_url`, or follow /api/v1/events. Raw fluxes are never changed.",
			request: {
				query: noQuery,
				body: { required: true, content: { "application/json": { schema: normalizeRequest } } },
			},
			responses: {
				...requestAnswers(normalized, "The image on the common scale"),
				...orderAnswers(acceptedJob, "A job was begun"),
			},
		}),
		async (c) => {
			const { image, images, source, mode } = c.req.valid("json");
			if (image === undefined) {
				if (pipeline === undefined) throw noQueue();
				const named = images === undefined ? undefined : [...new Set(images)];
				const { run } = await pipeline.begin(
					{
						paths: [],
						images: named ?? "all",
						...(named === undefined ? {} : { fields: await fieldsOfImages(store.database, named) }),
						...(mode === undefined ? {} : { mode }),
						trigger: "manual",
					},
					{ kind: "normalization" },
				);
				const statusUrl = `/api/v1/normalize/${run.id}`;
				c.header("Location", statusUrl);
				return c.json({ job: run.id, status_url: statusUrl }, 202);
			}
			const answer = await normalizeOnRequest(store.database, config, configurationHash(config), image, mode);
			if (answer.status === "no_image") {
				throw badInput("no-image", "there is no such image", {
					subject: `image ${image}`,
					remedy: "See /api/v1/images",
				});
			}
			if (source !== undefined) {
				answer.measurements = answer.measurements.filter((row) => row.source_id === source);
				if (answer.measurements.length === 0) {
					throw badInput("no-source", `has no measurement in image ${image}`, { subject: `source ${source}` });
				}
			}
			return c.json({ ...answer, status: answer.status }, 200);
		},
	);
	app.openapi(
		createRoute({
			method: "get",
			path: "/api/v1/normalize/{job}",
			tags,
			summary: "How far a normalization job is, with what it did so far",
			request: { params: z.object({ job: textParameter("Job") }), query: noQuery },
			responses: oneAnswers(normalizationJob, "The job"),
		}),
		async (c) => {
			const { job: jobId } = c.req.valid("param");
			const { run, units, sum, shape } = await jobState(store.database, jobId, "normalization", "normalise-requested");
			const named = Array.isArray(run.inputs.images) ? run.inputs.images : [];
			const found = new Map(
				units
					.flatMap((unit) => (unit.output.results as NormalizedImageResult[] | undefined) ?? [])
					.map((result) => [result.image_id, result]),
			);
			const isOver = units.every((unit) => unit.status === "done" || unit.status === "failed");
			const stored = new Set(isOver ? await existingImages(store.database, named) : []);
			const results = named.flatMap((imageId) => {
				const result = found.get(imageId);
				if (result !== undefined) return [result];
				// Until every field has ended, an image without a result may still get one.
				if (!isOver) return [];
				const status = stored.has(imageId) ? ("failed" as const) : ("no_image" as const);
				return [{ image_id: imageId, status, solution: null, correction: null, correction_err: null, n_references: 0 }];
			});
			return c.json(
				{
					...shape,
					images: sum("images"),
					normalized: sum("normalized"),
					not_normalized: sum("not_normalized"),
					results,
				},
				200,
			);
		},
	);
};
