import { icrsOnMeridian, isUniform, meridianDirection, turnPhases } from "../../calibration/rephase.ts";
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
export type TurnedRows = Pick<
	MeasurementRows,
	"count" | "timesMjd" | "field" | "antenna1" | "antenna2" | "uvwM" | "data"
>;

export interface Turning {
	fields: FieldRow[];
	rephased: boolean;
	/**
	 * Turns phases and replaces uvw, where a field's phase centre is not the one written.
	 *
	 * @returns the rows it turned and found to hold finite numbers only: 1 each, all others 0; undefined if it turned none.
	 */
	turn(rows: TurnedRows, frequenciesHz: Float64Array): Uint8Array | undefined;
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
	/** w of a row for the phase centre that its data were stored with. Of tracked data the file knows best. */
	const storedW = (field: number, mjd: number): ((p: number, q: number, fileW: number) => number) => {
		const { phaseCentre } = set.fields[field];
		if (phaseCentre.kind === "unprojected") return () => 0;
		if (phaseCentre.kind === "sidereal") return (_p, _q, fileW) => fileW;
		const { longitudeDeg } = location as NonNullable<typeof location>;
		const { hourAngleDeg, declinationDeg } = phaseCentre;
		const [x, y, z] = meridianDirection(observerAt(mjd, location), hourAngleDeg, declinationDeg, longitudeDeg);
		return (p, q) =>
			x * (positions[3 * p] - positions[3 * q]) +
			y * (positions[3 * p + 1] - positions[3 * q + 1]) +
			z * (positions[3 * p + 2] - positions[3 * q + 2]);
	};
	const nPol = set.polarizations.length;
	let finite = new Uint8Array(0);
	return {
		fields,
		rephased: needs.includes(true),
		turn(rows, frequenciesHz) {
			if (!needs.includes(true)) return undefined;
			if (finite.length < rows.count) finite = new Uint8Array(rows.count);
			finite.fill(0, 0, rows.count);
			const perRow = 2 * frequenciesHz.length * nPol;
			const uniform = isUniform(frequenciesHz);
			const columns = Object.values(rows.data).filter((data) => data !== undefined);
			let mjd = Number.NaN;
			let field = -1;
			let uvw = new Float64Array(0);
			let old: (p: number, q: number, fileW: number) => number = () => 0;
			for (let r = 0; r < rows.count; r++) {
				if (!needs[rows.field[r]]) continue;
				if (rows.timesMjd[r] !== mjd || rows.field[r] !== field) {
					mjd = rows.timesMjd[r];
					field = rows.field[r];
					uvw = uvwOf(`new ${field}`, mjd, fields[field].raDeg, fields[field].decDeg) as Float64Array<ArrayBuffer>;
					old = storedW(field, mjd);
				}
				const p = rows.antenna1[r];
				const q = rows.antenna2[r];
				const delta = uvw[3 * p + 2] - uvw[3 * q + 2] - old(p, q, rows.uvwM[3 * r + 2]);
				for (let k = 0; k < 3; k++) rows.uvwM[3 * r + k] = uvw[3 * p + k] - uvw[3 * q + k];
				if (delta === 0) continue;
				let most = 0;
				for (const data of columns) {
					most = Math.max(most, Math.abs(turnPhases(data, r * perRow, frequenciesHz, nPol, delta, uniform)));
				}
				// Beyond single precision numbers are stored as infinite.
				if (most < 1e30) finite[r] = 1;
			}
			return finite;
		},
	};
}
