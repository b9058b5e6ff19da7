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
	readonly profiles: ProfileCache;
	readonly model = new NullModel(NULL_GRID);
	readonly searchModel = new NullModel(SEARCH_NULL);
	readonly filter = new MatchedFilter();
	/** For a second template beside that of {@link filter}: two are evaluated in the time of one. */
	readonly second = new MatchedFilter();
	scratch = new Float64Array(0);

	constructor(mjd: Float64Array, frequencyMhz: Float64Array, profiles = new ProfileCache()) {
		this.mjd = mjd;
		this.frequencyMhz = frequencyMhz;
		this.profiles = profiles;
		this.coarse = lensBank(mjd, frequencyMhz, profiles, [{ alpha: 8, betaS: 0.7 }], 2);
	}

	private ownLenses: TemplateBank | null = null;
	private classes: Int16Array | null = null;
	private rivals: TemplateBank | null = null;

	/** All lenses, made when a source first passes the coarse bank. */
	get lenses(): TemplateBank {
		this.ownLenses ??= lensBank(this.mjd, this.frequencyMhz, this.profiles);
		return this.ownLenses;
	}

	/** Class (shape and width) of each lens of the bank. */
	get lensClasses(): Int16Array {
		if (this.classes === null) {
			const { shape, width } = this.lenses;
			const widths = [...new Set(width)];
			this.classes = Int16Array.from(shape, (s, t) => 64 * s + widths.indexOf(width[t]));
		}
		return this.classes;
	}

	get alternatives(): TemplateBank {
		this.rivals ??= alternativeBank(this.mjd, this.frequencyMhz);
		return this.rivals;
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
