import { crossCheck, empiricalCorrelation, type MethodFlux } from "../../photometry/cross-check.ts";
import { medianOf } from "../../photometry/quickselect.ts";
import type { Queryable } from "../../store/database.ts";

/** What the comparison of forced and fitted fluxes says of each measurement of an image, in their order. */
export interface FittedColumns {
	/** Jy/beam; NaN where the finder has no component for the source. */
	fittedFluxJy: Float64Array;
	fittedFluxErrJy: Float64Array;
	/** The value that both methods support; NaN where they disagree or neither has one. */
	consensusFluxJy: Float64Array;
	consensusFluxErrJy: Float64Array;
	consensusMethod: ("forced" | "fitted" | "none")[];
	checkFlags: string[];
	/** For the image as a whole. */
	summary: CrossSummary;
}

export interface CrossSummary {
	compared: number;
	discrepant: number;
	/** Median of fitted over forced, of sources above ten sigma; null with fewer than three. */
	median_ratio: number | null;
	/** Correlation of the two errors as the sources show it; null with fewer than ten. */
	error_correlation: number | null;
}

/** Components that are no measurement of one source: moments of a giant island, cut by an edge, not fitted at all. */
const NO_FLUX = new Set(["too_large", "edge", "not_fitted"]);
/** Forced values that stand for more or less than the source. */
const NO_COMPARISON = new Set(["degenerate", "duplicate", "partial"]);

const ACCURACY_SNR = 10;
const LEAST_SOURCES = 3;

/** Fitted peaks of an image by the source that they belong to. */
export async function fittedFluxes(db: Queryable, imageId: number): Promise<Map<number, MethodFlux>> {
	const rows = await db.query<{ source_id: number; flux: number; error: number; flags: string }>(
		"fitted fluxes",
		"SELECT source_id, peak_flux_jy AS flux, peak_flux_err_jy AS error, flags FROM component WHERE image_id = $1 AND source_id IS NOT NULL ORDER BY number",
		[imageId],
	);
	const usable = rows.filter(({ flags }) => !flags.split("|").some((flag) => NO_FLUX.has(flag)));
	return new Map(usable.map(({ source_id, flux, error }) => [source_id, { flux, error }]));
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

/** Compares forced with fitted fluxes, source by source. Values are never replaced: the consensus stands beside them. */
export function compareWithFitted(
	sourceId: Float64Array,
	forcedFlux: Float64Array,
	forcedError: Float64Array,
	flags: readonly string[],
	fitted: ReadonlyMap<number, MethodFlux>,
): FittedColumns {
	const n = sourceId.length;
	const column = () => new Float64Array(n).fill(Number.NaN);
	const out: Omit<FittedColumns, "summary"> = {
		fittedFluxJy: column(),
		fittedFluxErrJy: column(),
		consensusFluxJy: column(),
		consensusFluxErrJy: column(),
		consensusMethod: new Array(n).fill("none"),
		checkFlags: new Array(n).fill(""),
	};
	const ratios: number[] = [];
	const pairs: [MethodFlux[], MethodFlux[]] = [[], []];
	let compared = 0;
	let discrepant = 0;
	for (let i = 0; i < n; i++) {
		const own: MethodFlux = { flux: forcedFlux[i], error: forcedError[i] };
		const other = fitted.get(sourceId[i]);
		const check = crossCheck(own, other ?? { flux: Number.NaN, error: Number.NaN });
		if (other !== undefined) {
			out.fittedFluxJy[i] = other.flux;
			out.fittedFluxErrJy[i] = other.error;
		}
		const comparable = other !== undefined && Number.isFinite(check.sigmas);
		if (comparable && !flags[i].split("|").some((flag) => NO_COMPARISON.has(flag))) {
			compared++;
			pairs[0].push(own);
			pairs[1].push(other);
			if (own.flux > ACCURACY_SNR * own.error) ratios.push(other.flux / own.flux);
			if (check.isDiscrepant) {
				discrepant++;
				out.checkFlags[i] = "fitted_differs";
			}
		}
		out.consensusMethod[i] = check.method;
		out.consensusFluxJy[i] = check.consensus.flux;
		out.consensusFluxErrJy[i] = check.consensus.error;
	}
	return {
		...out,
		summary: {
			compared,
			discrepant,
			median_ratio: ratios.length < LEAST_SOURCES ? null : finite(medianOf(Float64Array.from(ratios), ratios.length)),
			error_correlation: finite(empiricalCorrelation(pairs[0], pairs[1])),
		},
	};
}
