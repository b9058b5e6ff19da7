import { icrsOnMeridian, meridianDirection } from "../../calibration/rephase.ts";
import type { VisibilitySet } from "../../calibration/visibility-set.ts";
import { badInput } from "../../error.ts";
import { observerAt } from "../../sky/apparent-place.ts";
import { antennaUvw, uvwAxes } from "../../sky/uvw.ts";
import type { FieldRow } from "./subtables.ts";
import type { MeasurementRows } from "./write-measurement-set.ts";

/** An ICRS place to which phases are turned. */
export interface PhaseTarget {
	name: string;
	raDeg: number;
	decDeg: number;
}

/** Rows as `MeasurementRows` has them. */
export type TurnedRows = Pick<MeasurementRows, "count" | "timesMjd" | "field" | "antenna1" | "antenna2" | "uvwM">;

export interface Turning {
	fields: FieldRow[];
	rephased: boolean;
	/**
	 * Replaces the uvw of rows whose field's phase centre is not the one written.
	 *
	 * @param deltas per row: how much larger w is for the centre written, m; 0 where phases stay.
	 */
	replaceUvw(rows: TurnedRows, deltas: Float64Array): void;
}

/**
 * What must be done to each field's phases to get them to `centre`, or if none is given to the field's own place on the sky.
 *
 * @throws CausticError `no-location` if geometry is needed and the array's place is not known.
 */
export function turningOf(set: VisibilitySet, centre: PhaseTarget | undefined): Turning {
	const middle = (set.timesMjd[0] + set.timesMjd[set.timesMjd.length - 1]) / 2;
	const needs = set.fields.map(({ phaseCentre }) => centre !== undefined || phaseCentre.kind !== "sidereal");
	const { location } = set;
	if (needs.includes(true) && location === undefined) {
		throw badInput("no-location", "its phases cannot be turned: the place of the array is not known", {
			subject: set.source[0],
			remedy: "Give data that say where the array stands",
		});
	}
	const fields = set.fields.map(({ name, phaseCentre }): FieldRow => {
		if (centre !== undefined) return { ...centre, timeMjd: set.timesMjd[0] };
		if (phaseCentre.kind === "sidereal") {
			return { name, raDeg: phaseCentre.raDeg, decDeg: phaseCentre.decDeg, timeMjd: set.timesMjd[0] };
		}
		const site = location as NonNullable<typeof location>;
		const [hourAngle, dec] =
			phaseCentre.kind === "meridian" ? [phaseCentre.hourAngleDeg, phaseCentre.declinationDeg] : [0, site.latitudeDeg];
		const place = icrsOnMeridian(observerAt(middle, site), hourAngle, dec, site.longitudeDeg);
		return { name: name || "drift", ...place, timeMjd: set.timesMjd[0] };
	});
	const positions = Float64Array.from(set.antennas.flatMap((antenna) => antenna.positionItrfM));
	// From a common point near the antennas: differences of geocentric positions lose digits.
	const origin = [0, 1, 2].map((k) => positions[k] ?? 0);
	for (let i = 0; i < positions.length; i++) positions[i] -= origin[i % 3];

	/** uvw of all antennas for a direction at a time; the last one is kept, rows come in order of time. */
	const kept = new Map<string, { mjd: number; uvw: Float64Array }>();
	const uvwOf = (key: string, mjd: number, raDeg: number, decDeg: number): Float64Array => {
		const known = kept.get(key);
		if (known?.mjd === mjd) return known.uvw;
		const uvw = antennaUvw(uvwAxes(observerAt(mjd, location), raDeg, decDeg), positions);
		kept.set(key, { mjd, uvw });
		return uvw;
	};
	/** w of all antennas for the phase centre that data were stored with; undefined of tracked data: the file knows best. */
	const storedW = (field: number, mjd: number): Float64Array | undefined => {
		const { phaseCentre } = set.fields[field];
		const w = new Float64Array(set.antennas.length);
		if (phaseCentre.kind === "unprojected") return w;
		if (phaseCentre.kind === "sidereal") return undefined;
		const { longitudeDeg } = location as NonNullable<typeof location>;
		const { hourAngleDeg, declinationDeg } = phaseCentre;
		const [x, y, z] = meridianDirection(observerAt(mjd, location), hourAngleDeg, declinationDeg, longitudeDeg);
		return w.map((_, p) => x * positions[3 * p] + y * positions[3 * p + 1] + z * positions[3 * p + 2]);
	};
	return {
		fields,
		rephased: needs.includes(true),
		replaceUvw(rows, deltas) {
			const { count, timesMjd, field } = rows;
			for (let first = 0, beyond = 0; first < count; first = beyond) {
				while (beyond < count && timesMjd[beyond] === timesMjd[first] && field[beyond] === field[first]) beyond++;
				if (!needs[field[first]]) {
					deltas.fill(0, first, beyond);
					continue;
				}
				const { raDeg, decDeg } = fields[field[first]];
				const uvw = uvwOf(`new ${field[first]}`, timesMjd[first], raDeg, decDeg);
				replaceRows(rows, first, beyond, uvw, storedW(field[first], timesMjd[first]), deltas);
			}
		},
	};
}

/** Rows of one time and field. */
function replaceRows(
	{ antenna1, antenna2, uvwM }: TurnedRows,
	first: number,
	beyond: number,
	uvw: Float64Array,
	storedW: Float64Array | undefined,
	deltas: Float64Array,
): void {
	for (let r = first; r < beyond; r++) {
		const p = antenna1[r];
		const q = antenna2[r];
		const stored = storedW === undefined ? uvwM[3 * r + 2] : storedW[p] - storedW[q];
		deltas[r] = uvw[3 * p + 2] - uvw[3 * q + 2] - stored;
		for (let k = 0; k < 3; k++) uvwM[3 * r + k] = uvw[3 * p + k] - uvw[3 * q + k];
	}
}
