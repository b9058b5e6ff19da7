import { createRoute, z } from "@hono/zod-openapi";
import { eventEffects, type FittedEvent } from "../../detection/event-effects.ts";
import { badInput } from "../../error.ts";
import { getCandidateRow } from "../../store/read/candidates.ts";
import { type LightCurve, lightCurves } from "../../store/read/light-curves.ts";
import { oneAnswers } from "../answers.ts";
import type { Routes } from "../context.ts";
import { idParameter, noQuery } from "../parameters.ts";

/** Points of a drawn curve: one for each pixel or two of a screen. */
const POINTS = 400;

/** What every candidate of a detector that fits lenses carries; of others nothing can be drawn. */
const fittedEvent = z.object({
	alpha_1400mhz: z.number().positive(),
	beta_s: z.number().positive(),
	lensed_fraction: z.number(),
	fwhm_days: z.number().positive(),
	centre_mjd: z.number(),
	reference_frequency_mhz: z.number().positive(),
	best_alternative: z.string(),
	alternative_parameters: z.record(z.string(), z.number()),
	alternative_amplitude: z.number(),
});

const model = z
	.object({
		candidate_id: z.number().int(),
		best_alternative: z.string().openapi({ description: "flare, step, box or none" }),
		mjd: z.array(z.number()),
		bands: z.array(
			z.object({
				band_id: z.number().int(),
				frequency_mhz: z.number(),
				level_jy: z.number().openapi({ description: "Without an event, Jy/beam" }),
				lens_jy: z.array(z.number()).openapi({ description: "The fitted plasma lens at each mjd" }),
				alternative_jy: z.array(z.number()).openapi({ description: "The best alternative at each mjd" }),
			}),
		),
	})
	.openapi("CandidateModel");

function median(values: number[]): number {
	const sorted = values.toSorted((a, b) => a - b);
	return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

/** The level of a subband under an effect: the median of the fluxes with the effect taken out. */
function levelUnder(curve: LightCurve, effect: Float64Array): number {
	const levels = curve.mjd.flatMap((_, i) => {
		const flux = curve.flux_norm_jy[i] ?? curve.flux_jy[i];
		return flux === null ? [] : [flux / Math.max(0.02, 1 + effect[i])];
	});
	return median(levels);
}

export const candidateModelRoutes: Routes = (app, { store }) => {
	app.openapi(
		createRoute({
			method: "get",
			path: "/api/v1/candidates/{id}/model",
			tags: ["Candidates"],
			summary: "The fitted lens and its best alternative as light curves, to be drawn over the measured one",
			request: { params: z.object({ id: idParameter("Candidate") }), query: noQuery },
			responses: oneAnswers(model, "Columns of equal length for each subband"),
		}),
		async (c) => {
			const { id } = c.req.valid("param");
			const candidate = await getCandidateRow(store.database, id);
			if (candidate === undefined) {
				throw badInput("no-candidate", "there is no such candidate", { subject: `candidate ${id}` });
			}
			const fitted = fittedEvent.safeParse(candidate.explanation);
			if (!fitted.success) {
				throw badInput("no-model", "was found by a detector that left no fit", {
					subject: `candidate ${id}`,
					remedy: "Judge its source again: POST /api/v1/detect",
				});
			}
			const event = fitted.data as FittedEvent;
			const { curves } = await lightCurves(store.database, candidate.source_id);
			const measured = curves.filter(
				(curve) => curve.method === "forced" && curve.flux_jy.some((flux) => flux !== null),
			);
			const times = measured.flatMap((curve) => [curve.mjd[0], curve.mjd[curve.mjd.length - 1]]);
			const [from, to] = [Math.min(...times), Math.max(...times)];
			const mjd = Array.from({ length: POINTS }, (_, i) => from + ((to - from) * i) / (POINTS - 1));
			const bands = measured.map((curve) => {
				const at = eventEffects(event, curve.mjd, [curve.frequency_mhz]);
				const drawn = eventEffects(event, mjd, [curve.frequency_mhz]);
				const level = levelUnder(curve, at.lens);
				const rivalLevel = levelUnder(curve, at.alternative);
				return {
					band_id: curve.band_id,
					frequency_mhz: curve.frequency_mhz,
					level_jy: level,
					lens_jy: Array.from(drawn.lens, (effect) => level * (1 + effect)),
					alternative_jy: Array.from(drawn.alternative, (effect) => rivalLevel * (1 + effect)),
				};
			});
			return c.json(
				{ candidate_id: id, best_alternative: event.best_alternative, mjd: bands.length === 0 ? [] : mjd, bands },
				200,
			);
		},
	);
};
