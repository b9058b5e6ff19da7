/** A place on the sky that is observed again and again. */
export interface FieldRow {
	id: number;
	name: string;
	raDeg: number;
	decDeg: number;
	radiusDeg: number;
}

/** A frequency at which light curves are kept. */
export interface BandRow {
	id: number;
	frequencyHz: number;
	bandwidthHz: number | null;
}

/** One pass over a field. */
export interface EpochRow {
	id: number;
	fieldId: number;
	mjd: number;
}
