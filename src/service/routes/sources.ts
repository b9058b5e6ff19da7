import { createRoute, z } from "@hono/zod-openapi";
import { badInput } from "../../error.ts";
import { binnedFluxes } from "../../store/binned.ts";
import { lightCurves } from "../../store/read/light-curves.ts";
import { getSource, listSources, SOURCE_ORDERS } from "../../store/read/sources.ts";
import { statisticsColumns } from "../../store/read/statistics.ts";
import { jsonAnswers, oneAnswers } from "../answers.ts";
import type { Routes } from "../context.ts";
import {
	idParameter,
	integerParameter,
	numberParameter,
	pageOf,
	paging,
	quantity,
	textParameter,
} from "../parameters.ts";

const shape = {
	id: z.number().int(),
	name: z.string(),
	origin: z.enum(["catalogue", "found"]),
	ra_deg: z.number(),
	dec_deg: z.number(),
	ra_err_arcsec: z.number().nullable(),
	dec_err_arcsec: z.number().nullable(),
	catalogue_flux_jy: z.number().nullable(),
	field_id: z.number().int().nullable(),
	mean_flux_jy: quantity("Mean over the subbands of the weighted mean flux, Jy/beam"),
	eta: quantity("Reduced chi-square about the weighted mean, greatest of the subbands"),
	v: quantity("Standard deviation over mean, greatest of the subbands"),
	n_measurements: z.number().int(),
	last_mjd: quantity("Newest measurement, MJD UTC"),
	significance: quantity("Gaussian sigmas equivalent to the false-alarm probability"),
	false_alarm_probability: z.number().nullable(),
	candidate_id: z.number().int().nullable(),
	candidate_tier: z.string().nullable(),
	separation_arcsec: quantity("Distance from the centre of the cone"),
};
const source = z.object(shape).openapi("Source");

const bandStatistics = z.object({
	band_id: z.number().int(),
	frequency_mhz: z.number(),
	n: z.number().int(),
	mean_jy: z.number().nullable(),
	weighted_mean_jy: z.number().nullable(),
	v: z.number().nullable(),
	eta: z.number().nullable(),
	log10_p: quantity("Logarithm of the probability of an eta this large from noise alone"),
	modulation_index: z.number().nullable(),
	last_mjd: z.number().nullable(),
	flags: z.string(),
});

const sourceDetail = z
	.object({
		...shape,
		major_arcsec: z.number().nullable(),
		minor_arcsec: z.number().nullable(),
		pa_deg: z.number().nullable(),
		field: z.string().nullable(),
		first_image_id: z.number().int().nullable(),
		new_source_significance: quantity("Signal to noise at which the deepest earlier image would have shown it"),
		new_source_verdict: z
			.string()
			.nullable()
			.openapi({ description: "new, could_not_have_been_seen, no_earlier_image; null for catalogue sources" }),
		relations: z
			.array(
				z.object({
					image_id: z.number().int(),
					kind: z.string(),
					separation_arcsec: z.number(),
					de_ruiter: z.number(),
				}),
			)
			.openapi({ description: "Components near the source that are matched otherwise" }),
		statistics: z.array(bandStatistics),
		candidates: z.array(
			z.object({
				id: z.number().int(),
				status: z.string(),
				tier: z.string(),
				significance: z.number(),
				start_mjd: z.number(),
				end_mjd: z.number(),
			}),
		),
	})
	.openapi("SourceDetail");

const numbers = z.array(z.number().nullable());
const curves = z
	.object({
		source_id: z.number().int(),
		configuration: z.string().nullable(),
		configurations: z.array(z.string()),
		curves: z.array(
			z.object({
				band_id: z.number().int(),
				frequency_mhz: z.number(),
				method: z.string(),
				mjd: z.array(z.number()),
				image_id: z.array(z.number()),
				epoch_id: z.array(z.number()),
				flux_jy: numbers,
				flux_err_jy: numbers,
				flux_norm_jy: numbers,
				flux_norm_err_jy: numbers,
				local_rms_jy: numbers,
				upper_limit_jy: numbers,
				correction: numbers,
				flags: z.array(z.string()),
				norm_flags: z.array(z.string()),
				fitted_flux_jy: numbers,
				fitted_flux_err_jy: numbers,
				consensus_flux_jy: numbers,
				consensus_flux_err_jy: numbers,
				consensus_method: z.array(z.string().nullable()),
				history_sigmas: numbers,
				check_flags: z.array(z.string()),
			}),
		),
	})
	.openapi("LightCurves", { description: "Per subband and method, columns of equal length in order of time" });

const binned = z
	.object({
		source_id: z.number().int(),
		items: z.array(
			z.object({
				epoch_id: z.number().int(),
				bin: z.number().int(),
				mjd: z.number(),
				frequency_mhz: z.number(),
				from_mhz: z.number(),
				to_mhz: z.number(),
				n_subbands: z.number().int(),
				flux_jy: z.number(),
				flux_err_jy: z.number(),
				snr: z.number(),
				false_alarm_probability: z.number(),
				flags: z.string(),
			}),
		),
	})
	.openapi("BinnedFluxes", {
		description: "Subbands combined until the target signal to noise, by time and frequency",
	});

const statistics = z
	.object({
		source_id: z.array(z.number()),
		name: z.array(z.string()),
		ra_deg: z.array(z.number()),
		dec_deg: z.array(z.number()),
		mean_flux_jy: numbers,
		eta: numbers,
		v: numbers,
		n_measurements: z.array(z.number()),
		significance: numbers,
		candidate_tier: z.array(z.string().nullable()),
		total: z.number().int().openapi({ description: "Sources that match, given or not" }),
	})
	.openapi("Statistics", { description: "Every source as one row of columns" });

const cone = {
	ra: numberParameter(0, 360, "Centre of a cone, right ascension ICRS, degrees").optional(),
	dec: numberParameter(-90, 90, "Centre of a cone, declination ICRS, degrees").optional(),
	radius: numberParameter(0, 180, "Radius of a cone, degrees").optional(),
};

const query = z.strictObject({
	...cone,
	field: idParameter("Only of this field").optional(),
	origin: z.enum(["catalogue", "found"]).optional().openapi({ description: "Where the source came from" }),
	name: textParameter("Part of the name").optional(),
	min_eta: numberParameter(0, 1e9, "Only with at least this eta").optional(),
	sort: z.enum(SOURCE_ORDERS).optional().openapi({
		description: "Order: separation with a cone, else significance unless told; numbers fall, names and ra rise",
	}),
	...paging(),
});

const params = z.object({ id: idParameter("Source") });
const tags = ["Sources"];
const missing = (id: number) =>
	badInput("no-source", "there is no such source", { subject: `source ${id}`, remedy: "See /api/v1/sources" });

export const sourceRoutes: Routes = (app, { store }) => {
	app.openapi(
		createRoute({
			method: "get",
			path: "/api/v1/sources",
			tags,
			summary: "Sources by variability, or in a cone",
			request: { query },
			responses: jsonAnswers(pageOf(source), "A page of sources"),
		}),
		async (c) => {
			const { ra, dec, radius, field, origin, name, min_eta, sort, limit, cursor } = c.req.valid("query");
			const given = { ra, dec, radius };
			const absent = Object.entries(given).filter(([, value]) => value === undefined);
			if (absent.length === 1 || absent.length === 2) {
				throw badInput("bad-cone", "a cone needs ra, dec and radius", {
					subject: absent[0][0],
					remedy: "Give all three",
				});
			}
			const where =
				ra === undefined || dec === undefined || radius === undefined
					? undefined
					: { raDeg: ra, decDeg: dec, radiusDeg: radius };
			const page = await listSources(store.database, {
				cone: where,
				fieldId: field,
				origin,
				name,
				minEta: min_eta,
				sort: sort ?? (where === undefined ? "significance" : "separation"),
				limit,
				cursor,
			});
			return c.json(page, 200);
		},
	);
	app.openapi(
		createRoute({
			method: "get",
			path: "/api/v1/sources/{id}",
			tags,
			summary: "One source, its statistics per subband and its candidates",
			request: { params, query: z.strictObject({}) },
			responses: oneAnswers(sourceDetail, "The source"),
		}),
		async (c) => {
			const { id } = c.req.valid("param");
			const found = await getSource(store.database, id);
			if (found === undefined) throw missing(id);
			return c.json(found, 200);
		},
	);
	app.openapi(
		createRoute({
			method: "get",
			path: "/api/v1/sources/{id}/light-curves",
			tags,
			summary: "Light curve per subband: raw and normalised, errors, flags",
			request: {
				params,
				query: z.strictObject({
					configuration: textParameter("Hash of the settings of the measurements; the newest unless told").optional(),
					band: idParameter("Only of this subband").optional(),
				}),
			},
			responses: oneAnswers(curves, "The light curves"),
		}),
		async (c) => {
			const { id } = c.req.valid("param");
			const { configuration, band } = c.req.valid("query");
			const found = await lightCurves(store.database, id, { configuration, bandId: band });
			if (found.configurations.length === 0 && (await getSource(store.database, id)) === undefined) throw missing(id);
			return c.json(found, 200);
		},
	);
	app.openapi(
		createRoute({
			method: "get",
			path: "/api/v1/sources/{id}/binned",
			tags,
			summary: "Fluxes of neighbouring subbands combined (adaptive binning)",
			request: { params, query: z.strictObject({}) },
			responses: oneAnswers(binned, "The combined fluxes; none where adaptive binning is off"),
		}),
		async (c) => {
			const { id } = c.req.valid("param");
			const items = await binnedFluxes(store.database, id);
			if (items.length === 0 && (await getSource(store.database, id)) === undefined) throw missing(id);
			return c.json({ source_id: id, items }, 200);
		},
	);
	app.openapi(
		createRoute({
			method: "get",
			path: "/api/v1/statistics",
			tags,
			summary: "Variability of every source in columns: the eta-V plane, the sky",
			request: {
				query: z.strictObject({
					band: idParameter("Statistics of this subband; the greatest of all unless told").optional(),
					field: idParameter("Only of this field").optional(),
					limit: integerParameter(
						1,
						100_000,
						"Most sources given, the most variable first (20000 unless told)",
					).optional(),
				}),
			},
			responses: jsonAnswers(statistics, "Columns of equal length"),
		}),
		async (c) => {
			const { band, field, limit } = c.req.valid("query");
			const columns = await statisticsColumns(store.database, { bandId: band, fieldId: field, limit: limit ?? 20_000 });
			return c.json(columns, 200);
		},
	);
};
