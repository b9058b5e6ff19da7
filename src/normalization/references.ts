import { badInput } from "../error.ts";
import { separationDeg } from "../sky/separation.ts";
import { type FieldGeometry, fieldCoordinates } from "./field-coordinates.ts";

/** What is known of each source when references are chosen. What is not given, or NaN, is not held against a source. */
export interface ReferenceCandidates {
	raDeg: Float64Array;
	decDeg: Float64Array;
	/** Level in the images, Jy. */
	fluxJy: Float64Array;
	/** Median signal to noise in the field's own images. */
	medianSnr: Float64Array;
	/** Epochs with a measurement good enough to be a reference. */
	nEpochs?: ArrayLike<number>;
	/** Flux of the brightest neighbour over the source's own, where more sources are known than the candidates. */
	neighbourRatio?: Float64Array;
	/** Integrated over peak flux density, and its error. */
	compactness?: Float64Array;
	compactnessErr?: Float64Array;
	/** Fitted major axis over the beam's. */
	majorOverBeam?: Float64Array;
	/** Fraction of the stamp that is not blank, reduced chi-squared of the fit, primary-beam response. */
	coverage?: Float64Array;
	reducedChi2?: Float64Array;
	primaryBeam?: Float64Array;
	/** Probability that a steady source scatters as much, after normalisation by the other references. */
	steadyP?: Float64Array;
	/** Fractional scatter beyond noise, correction and systematic floor. */
	scatter?: Float64Array;
	/** 1 for sources that are or were a candidate. */
	candidate?: Uint8Array;
	/** 1 for known pulsars, flat-spectrum and scintillating sources. */
	knownVariable?: Uint8Array;
	/** 1 for members of the list that is to be replaced: they leave and return with hysteresis. */
	member?: Uint8Array;
	/** 1 for sources that the steadiness test has put out before. */
	expelled?: Uint8Array;
}

export interface ReferenceOptions {
	/** Radius of the circle about the field's centre, degrees. */
	defaultFovRadiusDeg: number;
	/** Signal to noise in the field's own images, relaxed (from above 20 first to 20, then to 10) while references are few. */
	minSnr: number;
	/** Longest list. */
	maxSources: number;
	/** A list shorter than this is relaxed further. */
	enough: number;
	/** Beam's major axis, arcsec, for what counts as a neighbour. */
	beamMajorArcsec: number;
	/** A neighbour brighter than this fraction of the source confuses it. */
	neighbourFraction: number;
	/** A source whose steadiness is in doubt stays useful when it scatters by no more than this fraction. */
	maxScatter: number;
	/** Fewest epochs behind a steadiness test. */
	minEpochs: number;
}

export const DEFAULT_REFERENCES: ReferenceOptions = {
	defaultFovRadiusDeg: 1.5,
	minSnr: 20,
	maxSources: 200,
	enough: 10,
	beamMajorArcsec: 0,
	neighbourFraction: 0.05,
	maxScatter: 0.02,
	minEpochs: 5,
};

export const REFERENCE_CONDITIONS = [
	"circle",
	"snr",
	"unresolved",
	"isolated",
	"steady",
	"measured_well",
	"not_a_candidate",
	"not_known_variable",
] as const;
export type ReferenceCondition = (typeof REFERENCE_CONDITIONS)[number];

export interface ReferenceSelection {
	/** Best first. */
	primary: Int32Array;
	/** For the wider ensemble: up to twice the radius, signal to noise from 10, same other conditions. Best first. */
	wide: Int32Array;
	/** Signal to noise that the primary list was relaxed to. */
	snrLimit: number;
	/** The value that each condition looked at, per source: separation in degrees, signal to noise, integrated over peak,
	 * flux of the brightest neighbour over the source's, probability of steadiness, coverage, marks. */
	values: Record<ReferenceCondition, Float64Array>;
	/** Conditions that a source failed; empty for those on the list and for those beyond its length. */
	refusals: ReferenceCondition[][];
	/** Passed everything and is not on the list, which is full. */
	surplus: Int32Array;
	/** Sources refused by each condition. */
	counts: Record<ReferenceCondition, number>;
}

/** A source within this distance may confuse: an arcminute, or three beams where those are larger. */
export const neighbourRadiusArcsec = (beamMajorArcsec: number): number => Math.max(60, 3 * beamMajorArcsec);

/** Flux of the brightest other source within `radiusArcsec`, over the source's own; 0 without one. */
export function neighbourRatio(raDeg: Float64Array, decDeg: Float64Array, fluxJy: Float64Array, radiusArcsec: number) {
	const radius = radiusArcsec / 3600;
	const order = Array.from(raDeg.keys())
		.filter((i) => Number.isFinite(raDeg[i] + decDeg[i]))
		.sort((a, b) => decDeg[a] - decDeg[b]);
	const ratio = new Float64Array(raDeg.length);
	for (let p = 0; p < order.length; p++) {
		for (let q = p + 1; q < order.length && decDeg[order[q]] - decDeg[order[p]] <= radius; q++) {
			const a = order[p];
			const b = order[q];
			if (separationDeg(raDeg[a], decDeg[a], raDeg[b], decDeg[b]) > radius) continue;
			if (fluxJy[b] > 0 && fluxJy[b] / fluxJy[a] > ratio[a]) ratio[a] = fluxJy[b] / fluxJy[a];
			if (fluxJy[a] > 0 && fluxJy[a] / fluxJy[b] > ratio[b]) ratio[b] = fluxJy[a] / fluxJy[b];
		}
	}
	return ratio;
}

/** Places of the field in which the list may hold only its share of references: a 4 x 4 grid over the unit square. */
const CELLS_ACROSS = 4;

function cellsOf(candidates: ReferenceCandidates, field: FieldGeometry): Int32Array {
	const { x, y } = fieldCoordinates(candidates.raDeg, candidates.decDeg, field);
	const at = (value: number) => Math.min(CELLS_ACROSS - 1, Math.max(0, Math.floor(((value + 1) / 2) * CELLS_ACROSS)));
	return Int32Array.from(x, (value, i) => (Number.isNaN(value) ? -1 : at(value) + CELLS_ACROSS * at(y[i])));
}

/** The first `limit` of a ranked list, a cell of the field holding no more than its share while others have any left. */
function spread(ranked: number[], cells: Int32Array, limit: number): number[] {
	if (ranked.length <= limit) return ranked;
	const perCell = Math.ceil((2 * limit) / (CELLS_ACROSS * CELLS_ACROSS));
	const held = new Map<number, number>();
	const first: number[] = [];
	const rest: number[] = [];
	for (const i of ranked) {
		const n = held.get(cells[i]) ?? 0;
		if (n < perCell && first.length < limit) {
			held.set(cells[i], n + 1);
			first.push(i);
		} else rest.push(i);
	}
	const chosen = new Set([...first, ...rest.slice(0, Math.max(0, limit - first.length))]);
	return ranked.filter((i) => chosen.has(i));
}

/**
 * Choose the references of a field. In this order: the circle on the sky (great circle, so that RA 0 and the poles are
 * like any other place), the conditions, the rank, and the limit on their number last, spread over the field so that a
 * gradient can be fitted. The value behind each condition is kept, so that a report can say why a source was refused.
 *
 * The rank is the expected weight in the correction, 1 / (1/SNR^2 + scatter^2), times the steadiness. A member of the list
 * leaves when its steadiness falls below 1e-3; one that was put out returns above 0.05; anything else enters above 0.01.
 */
export function selectReferences(
	candidates: ReferenceCandidates,
	field: FieldGeometry,
	options: Partial<ReferenceOptions> = {},
): ReferenceSelection {
	const o = { ...DEFAULT_REFERENCES, ...options };
	for (const name of ["defaultFovRadiusDeg", "maxSources", "minSnr"] as const) {
		if (!(o[name] > 0)) {
			throw badInput("bad-option", `${o[name]} is not above 0`, { subject: name, remedy: "Give a number above 0" });
		}
	}
	const n = candidates.raDeg.length;
	const { medianSnr } = candidates;
	const values = Object.fromEntries(
		REFERENCE_CONDITIONS.map((name) => [name, new Float64Array(n).fill(Number.NaN)]),
	) as Record<ReferenceCondition, Float64Array>;
	const neighbours =
		candidates.neighbourRatio ??
		neighbourRatio(candidates.raDeg, candidates.decDeg, candidates.fluxJy, neighbourRadiusArcsec(o.beamMajorArcsec));
	const scatterOf = (i: number) => {
		const scatter = candidates.scatter?.[i] ?? Number.NaN;
		return Number.isNaN(scatter) ? 0.02 : scatter;
	};
	/** Conditions other than the circle and the signal to noise. */
	const others: ReferenceCondition[][] = [];
	const rank = new Float64Array(n);
	for (let i = 0; i < n; i++) {
		const failed: ReferenceCondition[] = [];
		values.circle[i] = separationDeg(candidates.raDeg[i], candidates.decDeg[i], field.centreRaDeg, field.centreDecDeg);
		values.snr[i] = medianSnr[i];

		const compact = candidates.compactness?.[i] ?? Number.NaN;
		const compactErr = candidates.compactnessErr?.[i] ?? Number.NaN;
		const major = candidates.majorOverBeam?.[i] ?? Number.NaN;
		values.unresolved[i] = compact;
		const inconsistent = Number.isFinite(compactErr) && compact > 1 + 3 * compactErr;
		if (compact >= 1.2 || inconsistent || major >= 1.1) failed.push("unresolved");

		values.isolated[i] = neighbours[i];
		if (neighbours[i] > o.neighbourFraction) failed.push("isolated");

		const p = candidates.steadyP?.[i] ?? Number.NaN;
		const epochs = candidates.nEpochs?.[i] ?? Number.NaN;
		values.steady[i] = p;
		const tested = !Number.isNaN(p) && !(epochs < o.minEpochs);
		const limit = candidates.member?.[i] === 1 ? 1e-3 : candidates.expelled?.[i] === 1 ? 0.05 : 0.01;
		const quiet = (candidates.scatter?.[i] ?? Number.NaN) <= o.maxScatter;
		if (tested && p < limit && !quiet) failed.push("steady");

		const coverage = candidates.coverage?.[i] ?? Number.NaN;
		const chi2 = candidates.reducedChi2?.[i] ?? Number.NaN;
		const beam = candidates.primaryBeam?.[i] ?? Number.NaN;
		values.measured_well[i] = coverage;
		if (coverage < 0.9 || chi2 > 3 || beam < 0.3) failed.push("measured_well");

		values.not_a_candidate[i] = candidates.candidate?.[i] ?? Number.NaN;
		if (candidates.candidate?.[i] === 1) failed.push("not_a_candidate");
		values.not_known_variable[i] = candidates.knownVariable?.[i] ?? Number.NaN;
		if (candidates.knownVariable?.[i] === 1) failed.push("not_known_variable");

		others.push(failed);
		const steadiness = tested ? Math.min(1, Math.max(0.2, p / 0.05)) : 0.5;
		const membership = candidates.member?.[i] === 1 ? 1.3 : 1;
		rank[i] = (membership * steadiness) / (1 / medianSnr[i] ** 2 + scatterOf(i) ** 2);
	}

	const ranked = (radiusDeg: number, snr: number) =>
		Array.from(medianSnr.keys())
			.filter((i) => values.circle[i] <= radiusDeg && medianSnr[i] >= snr && others[i].length === 0)
			.sort((a, b) => rank[b] - rank[a] || candidates.decDeg[a] - candidates.decDeg[b]);
	const tiers = [...new Set([o.minSnr, Math.min(20, o.minSnr), Math.min(10, o.minSnr)])];
	let snrLimit = tiers[0];
	let passing = ranked(o.defaultFovRadiusDeg, snrLimit);
	for (const tier of tiers.slice(1)) {
		// Twenty and more is the rule of surveys; below it only where the correction would otherwise rest on too few.
		if (tier >= 20 ? passing.length >= o.maxSources : passing.length >= o.enough) break;
		snrLimit = tier;
		passing = ranked(o.defaultFovRadiusDeg, snrLimit);
	}
	const cells = cellsOf(candidates, { ...field, radiusDeg: Math.min(90, o.defaultFovRadiusDeg) });
	const primary = spread(passing, cells, o.maxSources);
	const wide = ranked(2 * o.defaultFovRadiusDeg, Math.min(10, o.minSnr)).slice(0, 2 * o.maxSources);

	const counts = Object.fromEntries(REFERENCE_CONDITIONS.map((name) => [name, 0])) as Record<
		ReferenceCondition,
		number
	>;
	const chosen = new Set(primary);
	const refusals = others.map((failed, i) => {
		const all = [...failed];
		if (!(medianSnr[i] >= snrLimit)) all.unshift("snr");
		if (!(values.circle[i] <= o.defaultFovRadiusDeg)) all.unshift("circle");
		for (const name of all) counts[name]++;
		return all;
	});
	return {
		primary: Int32Array.from(primary),
		wide: Int32Array.from(wide),
		snrLimit,
		values,
		refusals,
		surplus: Int32Array.from(passing.filter((i) => !chosen.has(i))),
		counts,
	};
}
