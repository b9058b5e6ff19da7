import { badInput } from "../error.ts";
import { normalTail } from "./normal-tail.ts";
import { medianOf } from "./quickselect.ts";
import { WindowTrials } from "./window-trials.ts";

/** Fluxes of one image set: row-major, one row per source and one column per subband, in order of frequency. */
export interface SubbandFluxes {
	sources: number;
	subbands: number;
	/** Jy/beam; NaN where a subband is missing or the source is not measured in it. */
	flux: Float64Array;
	/** Standard errors; anything but a positive finite number excludes the value. */
	error: Float64Array;
	/** Hz, ascending. */
	frequencyHz: Float64Array;
}

/** What decides a layout of bins. */
export interface AdaptiveOptions {
	/** Signal to noise that each bin should reach. */
	targetSnr: number;
	/**
	 * `expected`: from reference fluxes and errors, never from these fluxes: unbiased, and the same at every epoch.
	 * `measured`: the narrowest windows whose measured signal to noise reaches the target: biased high, marked so.
	 */
	layout: "expected" | "measured";
	/** Reference flux of each source at `referenceHz`, Jy/beam; NaN falls back to its mean over the band. */
	referenceFlux?: Float64Array;
	referenceHz?: number;
	/** S = S0 (nu/nu0)^alpha: one for all, or one for each source. */
	spectralIndex?: number | Float64Array;
}

/** A group of neighbouring subbands combined by inverse variance: a mean, never a sum. */
export interface FrequencyBin {
	source: number;
	/** Columns [from, to). */
	from: number;
	to: number;
	/** Values that entered. */
	count: number;
	flux: number;
	error: number;
	snr: number;
	/** Weighted mean frequency, Hz. */
	frequencyHz: number;
	/**
	 * Probability that noise alone gives this signal to noise somewhere among the windows that were looked at: all
	 * windows for a measured layout, the bins of the partition for an expected one.
	 */
	falseAlarmProbability: number;
	/** For a bin chosen by its own signal to noise: the flux with that selection taken out; NaN when only a limit is known. */
	correctedFlux: number;
	flags: BinFlag[];
}

export type BinFlag =
	/** The bin was chosen because of its measured value, which is therefore too high on average. */
	| "selection_biased"
	/** The whole band does not reach the target. */
	| "below_target"
	/** Some subbands of the bin are missing. */
	| "incomplete"
	/** No reference flux was given: the layout follows from the mean over the band. */
	| "layout_from_mean"
	/** Too close to the target for a corrected flux. */
	| "limit_only";

export interface AdaptiveResult {
	/** In order of source, then of frequency. */
	bins: FrequencyBin[];
	/** Inverse-variance mean over the band per source: unbiased whatever the layout; NaN without any value. */
	bandFlux: Float64Array;
	bandError: Float64Array;
}

const usable = (flux: number, error: number): boolean => Number.isFinite(flux) && error > 0 && error < Infinity;

/**
 * Combines subbands until a target signal to noise where no subband alone shows the source.
 * Every subband belongs to exactly one bin of an expected layout, so that nothing is selected by its value.
 * @throws CausticError `bad-subbands` when the shapes do not agree or frequencies do not ascend, `bad-target`.
 */
export function adaptiveBins(data: SubbandFluxes, options: AdaptiveOptions): AdaptiveResult {
	check(data, options);
	const { sources, subbands } = data;
	const bins: FrequencyBin[] = [];
	const trials = new WindowTrials(typicalErrors(data));
	const bandFlux = new Float64Array(sources).fill(Number.NaN);
	const bandError = new Float64Array(sources).fill(Number.NaN);
	for (let s = 0; s < sources; s++) {
		const band = combine(data, s, 0, subbands);
		if (band === undefined) continue;
		bandFlux[s] = band.flux;
		bandError[s] = band.error;
		if (options.layout === "measured") {
			bins.push(...measuredBins(data, s, options.targetSnr, trials));
			continue;
		}
		const reference = options.referenceFlux?.[s] ?? Number.NaN;
		const fromMean = !Number.isFinite(reference);
		const index = typeof options.spectralIndex === "object" ? options.spectralIndex[s] : (options.spectralIndex ?? 0);
		const level = fromMean ? band.flux : reference;
		const at = fromMean ? band.frequencyHz : (options.referenceHz ?? band.frequencyHz);
		const expected = data.frequencyHz.map((hz) => level * (hz / at) ** index);
		const layout = expectedLayout(expected, usableErrors(data, s), options.targetSnr);
		for (const { from, to, reached } of layout) {
			const bin = combine(data, s, from, to);
			if (bin === undefined) continue;
			if (!reached) bin.flags.push("below_target");
			if (fromMean) bin.flags.push("layout_from_mean");
			bin.falseAlarmProbability = -Math.expm1(layout.length * Math.log1p(-normalTail(bin.snr)));
			bins.push(bin);
		}
	}
	return { bins, bandFlux, bandError };
}

/** Median error of each subband over the sources: the pattern of errors decides how many windows are independent. */
function typicalErrors({ sources, subbands, error }: SubbandFluxes): Float64Array {
	const column = new Float64Array(sources);
	return Float64Array.from({ length: subbands }, (_, k) => {
		let n = 0;
		for (let s = 0; s < sources; s++) {
			const e = error[s * subbands + k];
			if (e > 0 && e < Infinity) column[n++] = e;
		}
		return medianOf(column, n);
	});
}

/** Errors of one source by subband, NaN where its value is not usable. */
function usableErrors({ subbands, flux, error }: SubbandFluxes, source: number): Float64Array {
	return Float64Array.from({ length: subbands }, (_, k) => {
		const p = source * subbands + k;
		return usable(flux[p], error[p]) ? error[p] : Number.NaN;
	});
}

/**
 * The finest partition of the subbands into neighbours whose expected signal to noise, sum(f/e^2) / sqrt(sum(1/e^2)),
 * reaches the target on either side of zero: bins grow from the lowest frequency; what is left over at the top joins the
 * last one. One bin where the whole band falls short. Subbands without an error (NaN) add nothing.
 */
export function expectedLayout(
	expectedFlux: Float64Array,
	error: Float64Array,
	targetSnr: number,
): { from: number; to: number; reached: boolean }[] {
	const layout: { from: number; to: number; reached: boolean }[] = [];
	let from = 0;
	let weight = 0;
	let sum = 0;
	for (let k = 0; k < expectedFlux.length; k++) {
		if (!(error[k] > 0)) continue;
		const w = 1 / (error[k] * error[k]);
		weight += w;
		sum += w * expectedFlux[k];
		if (Math.abs(sum) < targetSnr * Math.sqrt(weight)) continue;
		layout.push({ from, to: k + 1, reached: true });
		from = k + 1;
		weight = 0;
		sum = 0;
	}
	if (layout.length === 0) return [{ from: 0, to: expectedFlux.length, reached: false }];
	layout[layout.length - 1].to = expectedFlux.length;
	return layout;
}

/** Narrow to wide: at each width the windows that reach the target, from low frequency up, not touching earlier ones. */
function measuredBins(data: SubbandFluxes, source: number, target: number, trials: WindowTrials): FrequencyBin[] {
	const { subbands } = data;
	const taken = new Uint8Array(subbands);
	const bins: FrequencyBin[] = [];
	for (let width = 1; width <= subbands; width++) {
		for (let from = 0; from + width <= subbands; from++) {
			if (taken.subarray(from, from + width).includes(1)) continue;
			const bin = combine(data, source, from, from + width);
			if (bin === undefined || !(bin.snr >= target)) continue;
			taken.fill(1, from, from + width);
			bin.flags.push("selection_biased");
			const z = unselected(bin.snr, target);
			bin.correctedFlux = z * bin.error;
			if (Number.isNaN(z)) bin.flags.push("limit_only");
			bin.falseAlarmProbability = trials.falseAlarm(bin.snr);
			bins.push(bin);
		}
	}
	if (bins.length === 0) {
		const band = combine(data, source, 0, subbands);
		if (band !== undefined) bins.push({ ...band, flags: [...band.flags, "below_target"] });
	}
	return bins.sort((p, q) => p.from - q.from);
}

/** Inverse-variance mean of the usable subbands [from, to) of a source; undefined when there is none. */
export function combine(data: SubbandFluxes, source: number, from: number, to: number): FrequencyBin | undefined {
	let weight = 0;
	let sum = 0;
	let frequency = 0;
	let count = 0;
	for (let k = from; k < to; k++) {
		const p = source * data.subbands + k;
		if (!usable(data.flux[p], data.error[p])) continue;
		const w = 1 / (data.error[p] * data.error[p]);
		weight += w;
		sum += w * data.flux[p];
		frequency += w * data.frequencyHz[k];
		count++;
	}
	if (count === 0) return undefined;
	const flux = sum / weight;
	const error = 1 / Math.sqrt(weight);
	return {
		source,
		from,
		to,
		count,
		flux,
		error,
		snr: flux / error,
		frequencyHz: frequency / weight,
		falseAlarmProbability: normalTail(flux / error),
		correctedFlux: flux,
		flags: count < to - from ? ["incomplete"] : [],
	};
}

/** Closer to the threshold than this, the corrected value runs away: only a limit can be given. */
const LEAST_MARGIN = 0.3;

/**
 * The mean mu of a unit normal which, cut below at the threshold t, has the observed mean z:
 * mu + phi(t - mu) / (1 - Phi(t - mu)) = z, by bisection. NaN within 0.3 of the threshold.
 */
export function unselected(z: number, threshold: number): number {
	if (!(z > threshold + LEAST_MARGIN)) return Number.NaN;
	const mean = (mu: number) => {
		const gap = threshold - mu;
		const tail = normalTail(gap);
		// Mills' ratio by its asymptote where the tail itself underflows.
		const hazard = tail > 1e-290 ? Math.exp(-0.5 * gap * gap) / Math.sqrt(2 * Math.PI) / tail : gap + 1 / gap;
		return mu + hazard;
	};
	let low = threshold - 60;
	let high = z;
	for (let round = 0; round < 80; round++) {
		const middle = (low + high) / 2;
		if (mean(middle) < z) low = middle;
		else high = middle;
	}
	return (low + high) / 2;
}

function check({ sources, subbands, flux, error, frequencyHz }: SubbandFluxes, options: AdaptiveOptions): void {
	if (flux.length !== sources * subbands || error.length !== flux.length || frequencyHz.length !== subbands) {
		throw badInput("bad-subbands", `${flux.length} fluxes and ${error.length} errors for ${sources} x ${subbands}`, {
			subject: "subbands",
			remedy: "Give one flux and one error per source and subband, and one frequency per subband",
		});
	}
	for (let k = 0; k < subbands; k++) {
		if (!(frequencyHz[k] > (k === 0 ? 0 : frequencyHz[k - 1]))) {
			throw badInput("bad-subbands", `subband ${k + 1} has frequency ${frequencyHz[k]} Hz`, {
				subject: "subbands",
				remedy: "Give the subbands in ascending order of frequency, each with its own",
			});
		}
	}
	if (!(options.targetSnr > 0 && options.targetSnr < 1000)) {
		throw badInput("bad-target", `${options.targetSnr} is no target for a signal to noise`, {
			subject: "adaptive binning",
			remedy: "Give a number between 0 and 1000, for instance 5",
		});
	}
}
