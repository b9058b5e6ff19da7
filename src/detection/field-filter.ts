import { MatchedFilter } from "./matched-filter.ts";
import { NULL_GRID, NullModel, type NullPoint } from "./null-model.ts";
import { alternativeBank, lensBank, ProfileCache, type TemplateBank } from "./templates.ts";

/**
 * A null without memory, for finding where to start: red noise of high signal-to-noise looks only at changes from epoch
 * to epoch, and a template whose edges are an epoch off looks as wrong to it as one that is not there at all.
 */
const SEARCH_NULL: NullPoint[] = [{ sigma: 0.1, tau: 0.05, kappa: 0.3 }];
/** Banks and work space for the sources of one field. Made once per field (or per source without a field). */
export class FieldFilter {
	readonly mjd: Float64Array;
	readonly frequencyMhz: Float64Array;
	readonly coarse: TemplateBank;
	readonly lenses: TemplateBank;
	readonly alternatives: TemplateBank;
	readonly profiles: ProfileCache;
	readonly model = new NullModel(NULL_GRID);
	readonly searchModel = new NullModel(SEARCH_NULL);
	readonly filter = new MatchedFilter();
	/** Class (shape and width) of each lens of the bank. */
	readonly lensClasses: Int16Array;
	scratch = new Float64Array(0);

	constructor(mjd: Float64Array, frequencyMhz: Float64Array, profiles = new ProfileCache()) {
		this.mjd = mjd;
		this.frequencyMhz = frequencyMhz;
		this.profiles = profiles;
		this.lenses = lensBank(mjd, frequencyMhz, profiles);
		this.coarse = lensBank(mjd, frequencyMhz, profiles, [{ alpha: 8, betaS: 0.7 }], 2);
		const widths = [...new Set(this.lenses.width)];
		this.lensClasses = Int16Array.from(this.lenses.shape, (s, t) => 64 * s + widths.indexOf(this.lenses.width[t]));
		this.alternatives = alternativeBank(mjd, frequencyMhz);
	}
}

/** Lenses computed before, and the banks of the field looked at last: give the same to calls that follow each other. */
export class FilterCache {
	readonly profiles = new ProfileCache();
	private last: FieldFilter | null = null;

	/** Banks on these epochs and bands, anew only if they differ from the last. */
	of(mjd: Float64Array, frequencyMhz: Float64Array): FieldFilter {
		const { last } = this;
		if (last !== null && equal(last.mjd, mjd) && equal(last.frequencyMhz, frequencyMhz)) return last;
		this.last = new FieldFilter(mjd, frequencyMhz, this.profiles);
		return this.last;
	}
}

const equal = (a: Float64Array, b: Float64Array) => a.length === b.length && a.every((value, i) => value === b[i]);
