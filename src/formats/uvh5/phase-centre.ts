import type { Field } from "../../calibration/visibility-set.ts";
import { badInput } from "../../error.ts";
import type { HeaderGroup } from "./header.ts";

const DEG = 180 / Math.PI;

/** The phase centres a file names, and which one each row has. */
export interface Uvh5Phase {
	fields: Field[];
	/** Per row: index into `fields`. */
	fieldOfRow: Int32Array;
}

/** Reads the phase centre(s): the catalogue of version 1.0 and later, or `phase_type` before it. */
export function readPhaseCentres(header: HeaderGroup, nRows: number, warnings: string[]): Uvh5Phase {
	return header.hdf5.hasGroup("/Header/phase_center_catalog")
		? readCatalogue(header, nRows)
		: { fields: [readSingle(header, warnings)], fieldOfRow: new Int32Array(nRows) };
}

function frameOf(header: HeaderGroup, field: string, name: string): "ICRS" | "FK5" {
	const frame = name.toLowerCase();
	if (frame === "icrs") return "ICRS";
	if (frame === "fk5" || frame === "j2000") return "FK5";
	throw badInput("uvh5-header", `Header/${field} is ${name}; only icrs and fk5 are supported`, {
		subject: header.hdf5.name,
		remedy: "Rephase it, for instance with pyuvdata, to an ICRS position",
	});
}

function readCatalogue(header: HeaderGroup, nRows: number): Uvh5Phase {
	const ids = header.hdf5.children("/Header/phase_center_catalog");
	const fields = ids.map((id): Field => {
		const place = `phase_center_catalog/${id}`;
		const name = header.text(`${place}/cat_name`) ?? id;
		const type = header.text(`${place}/cat_type`) ?? "";
		if (type === "unprojected") return { name, phaseCentre: { kind: "unprojected" } };
		if (type !== "sidereal") {
			throw badInput("uvh5-header", `Header/${place} is of type ${JSON.stringify(type)}`, {
				subject: header.hdf5.name,
				remedy: "Rephase it, for instance with pyuvdata, to a sidereal position",
			});
		}
		return {
			name,
			phaseCentre: {
				kind: "sidereal",
				raDeg: wrap(header.number(`${place}/cat_lon`) * DEG),
				decDeg: header.number(`${place}/cat_lat`) * DEG,
				frame: frameOf(header, `${place}/cat_frame`, header.text(`${place}/cat_frame`) ?? "icrs"),
				epochYear: header.has(`${place}/cat_epoch`) ? header.number(`${place}/cat_epoch`) : 2000,
			},
		};
	});
	const indexOf = new Map(ids.map((id, index) => [Number(id), index]));
	const fieldOfRow = header.has("phase_center_id_array")
		? Int32Array.from(header.finite("phase_center_id_array", nRows), (id, row) => {
				const index = indexOf.get(id);
				if (index === undefined)
					throw header.refuse("phase_center_id_array", `names ${id} in row ${row}, which is not in the catalogue`);
				return index;
			})
		: new Int32Array(nRows);
	if (fields.length === 0) throw header.refuse("phase_center_catalog", "is empty");
	return { fields, fieldOfRow };
}

function readSingle(header: HeaderGroup, warnings: string[]): Field {
	const type = header.text("phase_type") ?? "unknown";
	const name = header.text("object_name") ?? "";
	const extra = (key: string) => (header.has(key) ? key : `extra_keywords/${key}`);
	if (type === "phased") {
		return {
			name,
			phaseCentre: {
				kind: "sidereal",
				raDeg: wrap(header.number("phase_center_ra") * DEG),
				decDeg: header.number("phase_center_dec") * DEG,
				frame: frameOf(header, "phase_center_frame", header.text("phase_center_frame") ?? "icrs"),
				epochYear: header.has("phase_center_epoch") ? header.number("phase_center_epoch") : 2000,
			},
		};
	}
	if (header.has(extra("phase_center_dec"))) {
		// DSA-110: fringe-stopped at the meridian at a fixed apparent declination.
		const declinationDeg = header.number(extra("phase_center_dec")) * DEG;
		const hourAngle = extra("ha_phase_center");
		const hourAngleDeg = header.has(hourAngle) ? header.number(hourAngle) * DEG : 0;
		if (Math.abs(declinationDeg) > 90) {
			throw header.refuse("phase_center_dec", `is ${declinationDeg} degrees; it must be an angle in radians`);
		}
		return { name, phaseCentre: { kind: "meridian", hourAngleDeg, declinationDeg } };
	}
	if (type !== "drift") warnings.push(`phase_type is ${JSON.stringify(type)}: taken as not projected to any direction`);
	return { name, phaseCentre: { kind: "unprojected" } };
}

const wrap = (deg: number) => ((deg % 360) + 360) % 360;
