import { FWHM_PER_SIGMA, kernelAxes, type PixelKernel } from "../sky/beam.ts";
import { blendGroups } from "./blend-groups.ts";
import { COMPONENT_FLAG, type FoundComponent } from "./component.ts";
import { groupComponents } from "./component-values.ts";
import { type FitGroup, type FitSettings, fitGroup } from "./fit-group.ts";
import { FORCED_FLAG, NOT_MEASURED } from "./flags.ts";
import { bestFootprintLevel } from "./footprint.ts";
import { measureForced } from "./forced.ts";
import type { ForcedFluxes } from "./forced-fluxes.ts";
import type { ForcedInput } from "./forced-plan.ts";
import type { Freedom } from "./gaussian-fit.ts";
import { integratedFlux } from "./integrated-flux.ts";
import { LARGEST_GROUP, TOGETHER_BEAMS } from "./island-groups.ts";
import { ResidualMap } from "./residual-map.ts";

/** What is fitted at known places: 1 fluxes, 2 fluxes and positions, 3 shapes as well. */
export type PriorisedStage = 1 | 2 | 3;

/** Shapes may change by this factor in stage 3. */
const SHAPE_RATIO = 1.25;
const MAX_ITERATIONS = 40;
const MAX_FIT_PIXELS = 4000;

/**
 * Fits at known places. Stage 1 is forced photometry itself. In stages 2 and 3 positions move within half of the beam's
 * sigma and, in stage 3, axes by a factor of 1.25, the forced fluxes being the start and every neighbour subtracted.
 * One component per position, in input order; `flags` of the forced measurement say why one has no value (NaN).
 */
export function fitPriorised(
	input: ForcedInput & { beam: PixelKernel },
	stage: PriorisedStage,
): { components: FoundComponent[]; forced: ForcedFluxes } {
	const forced = measureForced(input);
	const { labels } = clusters(input);
	const components = Array.from(forced.flux, (_, i) => forcedComponent(input, forced, labels[i], i));
	if (stage === 1) return { components, forced };

	const { image, noise, background, beam, x, y, noiseCorrelation } = input;
	const maps = { image, noise, background };
	const settings: FitSettings = {
		beam,
		level: bestFootprintLevel(beam, noiseCorrelation),
		maxIterations: MAX_ITERATIONS,
		maxPixels: MAX_FIT_PIXELS,
		positionLimit: (0.5 * kernelAxes(beam).minorPx) / FWHM_PER_SIGMA,
		shapeRatio: SHAPE_RATIO,
	};
	const residual = new ResidualMap(maps, 1);
	const members = new Map<number, number[]>();
	for (let i = 0; i < x.length; i++) {
		// Members of one place share a value that cannot be divided: they stay as measured.
		const told = (forced.flags[i] & (NOT_MEASURED | FORCED_FLAG.degenerate | FORCED_FLAG.duplicate)) === 0;
		if (!told) continue;
		const list = members.get(labels[i]);
		if (list === undefined) members.set(labels[i], [i]);
		else list.push(i);
	}
	const groups: { rows: number[]; group: FitGroup }[] = [];
	for (const all of members.values()) {
		for (let from = 0; from < all.length; from += LARGEST_GROUP) {
			const rows = all.slice(from, from + LARGEST_GROUP);
			const parameters = Float64Array.from(
				rows.flatMap((i) => {
					const { a, b, c } = kernelOf(input, i);
					return [forced.flux[i], x[i], y[i], a, b, c];
				}),
			);
			const group: FitGroup = {
				island: rows.map((i) => labels[i] + 1),
				parameters,
				freedom: rows.map((): Freedom => (stage === 2 ? 3 : 6)),
				flags: rows.map(() => 0),
				anchor: parameters.slice(),
				extra: [],
				pixels: undefined,
			};
			groups.push({ rows, group });
			residual.add(parameters, -1);
		}
	}
	groups.sort((p, q) => q.group.parameters[0] - p.group.parameters[0] || p.rows[0] - q.rows[0]);
	for (let sweep = 0; sweep < 2; sweep++) for (const { group } of groups) fitGroup(group, residual, settings, false);
	for (const { rows, group } of groups) {
		groupComponents(group, residual, maps, beam, noiseCorrelation, 1).forEach((component, k) => {
			components[rows[k]] = component;
		});
	}
	return { components, forced };
}

/** Clusters that are fitted together; -1 for a position that is none. */
function clusters({ x, y, beam }: { x: ArrayLike<number>; y: ArrayLike<number>; beam: PixelKernel }) {
	return { labels: blendGroups(x, y, TOGETHER_BEAMS * kernelAxes(beam).majorPx).groupOf };
}

const kernelOf = ({ kernels }: ForcedInput, i: number): PixelKernel =>
	Array.isArray(kernels) ? (kernels as readonly PixelKernel[])[i] : (kernels as PixelKernel);

/** A forced flux as a component whose position and shape were given. */
function forcedComponent(
	input: ForcedInput & { beam: PixelKernel },
	forced: ForcedFluxes,
	label: number,
	i: number,
): FoundComponent {
	const { background, image, beam, x, y } = input;
	const kernel = kernelOf(input, i);
	const column = Math.round(x[i]);
	const row = Math.round(y[i]);
	const inside = column >= 0 && row >= 0 && column < image.width && row < image.height;
	const base = background === undefined ? 0 : inside ? background.data[row * image.width + column] : Number.NaN;
	const area = integratedFlux(1, kernel, beam);
	const not = Number.NaN;
	return {
		islandId: label + 1,
		componentId: 0,
		x: x[i],
		y: y[i],
		peak: forced.flux[i],
		peakError: forced.fluxErr[i],
		integrated: forced.flux[i] * area,
		integratedError: forced.fluxErr[i] * area,
		kernel,
		positionCovariance: [not, not, not],
		shapeCovariance: [not, not, not, not, not, not],
		localRms: forced.localRms[i],
		background: base,
		snr: forced.snr[i],
		flags: COMPONENT_FLAG.fixed_position | COMPONENT_FLAG.fixed_shape,
	};
}
