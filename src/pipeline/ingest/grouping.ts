import { separationDeg } from "../../sky/separation.ts";
import type { BandRow, EpochRow, FieldRow } from "../../store/survey-rows.ts";

export interface Placed {
	raDeg: number;
	decDeg: number;
	/** From the centre to a corner. */
	radiusDeg: number;
	frequencyHz: number;
	bandwidthHz: number | undefined;
	mjd: number;
}

/** The field that an image shows: the nearest one whose centre lies within the given part of the image's radius. */
export function fieldOf(fields: FieldRow[], image: Placed, separationFraction: number): FieldRow | undefined {
	let best: FieldRow | undefined;
	let bestSeparation = Infinity;
	for (const field of fields) {
		const separation = separationDeg(field.raDeg, field.decDeg, image.raDeg, image.decDeg);
		// Radius is half the diagonal; the criterion speaks of the whole size.
		if (
			separation <= separationFraction * 2 * Math.min(image.radiusDeg, field.radiusDeg) &&
			separation < bestSeparation
		) {
			best = field;
			bestSeparation = separation;
		}
	}
	return best;
}

/** The subband whose frequency agrees within a fraction; the nearest of several. */
export function bandOf(bands: BandRow[], frequencyHz: number, tolerance: number): BandRow | undefined {
	let best: BandRow | undefined;
	for (const band of bands) {
		const distance = Math.abs(band.frequencyHz - frequencyHz);
		if (
			distance <= tolerance * frequencyHz &&
			(best === undefined || distance < Math.abs(best.frequencyHz - frequencyHz))
		)
			best = band;
	}
	return best;
}

/** The epoch of a field that an image belongs to: the nearest within the window. */
export function epochOf(epochs: EpochRow[], fieldId: number, mjd: number, windowS: number): EpochRow | undefined {
	let best: EpochRow | undefined;
	for (const epoch of epochs) {
		if (epoch.fieldId !== fieldId) continue;
		const distance = Math.abs(epoch.mjd - mjd);
		if (distance * 86400 <= windowS && (best === undefined || distance < Math.abs(best.mjd - mjd))) best = epoch;
	}
	return best;
}

/** A designation by position, like J1234-5612; fields are named once and keep their name. */
export function designation(raDeg: number, decDeg: number): string {
	const minutes = Math.floor((((raDeg % 360) + 360) % 360) * 4);
	const dec = Math.abs(decDeg);
	const arcminutes = Math.floor(dec * 60);
	const two = (value: number) => String(value).padStart(2, "0");
	return `J${two(Math.floor(minutes / 60))}${two(minutes % 60)}${decDeg < 0 ? "-" : "+"}${two(Math.floor(arcminutes / 60))}${two(arcminutes % 60)}`;
}

/** A name for a source from its position to a tenth of a second and an arcsecond, as catalogues do; given once, never changed. */
export function sourceName(raDeg: number, decDeg: number): string {
	const tenths = Math.floor((((raDeg % 360) + 360) % 360) * 2400);
	const seconds = Math.floor(Math.abs(decDeg) * 3600);
	const two = (value: number) => String(value).padStart(2, "0");
	const ra = `${two(Math.floor(tenths / 36000))}${two(Math.floor(tenths / 600) % 60)}${two(Math.floor(tenths / 10) % 60)}.${tenths % 10}`;
	return `J${ra}${decDeg < 0 ? "-" : "+"}${two(Math.floor(seconds / 3600))}${two(Math.floor(seconds / 60) % 60)}${two(seconds % 60)}`;
}
