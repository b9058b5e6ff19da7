import type { ExplainedCandidate } from "../detection/explain.ts";
import type { Layer } from "./layers.ts";
import { page } from "./page.ts";
import { PALETTE } from "./palette.ts";
import { plot } from "./plot.ts";

/** One candidate on a page of its own: light curves with lens and rival, residuals, gains, neighbours, numbers. */
export function candidatePage(title: string, explained: ExplainedCandidate, from: number, to: number): string {
	const { bands, neighbours, text } = explained;
	const x = { label: "MJD" };
	const colour = (k: number) => PALETTE[k % PALETTE.length];
	const curves = (model: "lens" | "alternative"): Layer[] =>
		bands.flatMap((band, k): Layer[] => [
			{
				kind: "points",
				x: band.mjd,
				y: band.flux,
				yErr: band.err,
				color: colour(k),
				label: `${band.frequencyMhz} MHz`,
			},
			{ kind: "line", x: band.mjd, y: band[model], color: colour(k), width: 1.5 },
		]);
	const residuals = (name: "lensResidual" | "alternativeResidual"): Layer[] => [
		...bands.map((band, k): Layer => ({ kind: "points", x: band.mjd, y: band[name], color: colour(k) })),
		{ kind: "rule", axis: "y", at: [0] },
	];
	const event: Layer = { kind: "rule", axis: "x", at: [from, to], dash: true };
	const wide = { width: 640, height: 330 };
	return page(title, "Fluxes are relative to each band's level; dashed lines bound the event.", [
		{ heading: "What was found", text },
		{
			heading: "Light curves",
			figures: [
				plot({ ...wide, title: "Best lens", x, y: { label: "flux / level" }, layers: [...curves("lens"), event] }),
				plot({
					...wide,
					title: "Best alternative",
					x,
					y: { label: "flux / level" },
					layers: [...curves("alternative"), event],
				}),
			],
		},
		{
			heading: "Residuals",
			figures: [
				plot({
					...wide,
					title: "From the lens",
					x,
					y: { label: "(flux - model) / error" },
					layers: residuals("lensResidual"),
				}),
				plot({
					...wide,
					title: "From the alternative",
					x,
					y: { label: "(flux - model) / error" },
					layers: residuals("alternativeResidual"),
				}),
			],
		},
		{
			heading: "The field",
			figures: [
				plot({
					...wide,
					title: "Gain taken out at this source",
					x,
					y: { label: "gain" },
					layers: [
						...bands.map(
							(band, k): Layer => ({
								kind: "points",
								x: band.mjd,
								y: band.gain,
								color: colour(k),
								label: `${band.frequencyMhz} MHz`,
							}),
						),
						event,
					],
				}),
				plot({
					...wide,
					title: "Nearest sources",
					subtitle: neighbours.names.join(", "),
					x,
					y: { label: "median flux / level" },
					layers: [{ kind: "points", x: neighbours.mjd, y: neighbours.median }, event],
				}),
			],
		},
	]);
}
