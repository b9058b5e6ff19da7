import { badInput } from "../error.ts";
import { itrfFromGeodetic } from "../sky/geodetic.ts";
import { type Site, siteFromItrf } from "../sky/site.ts";

export interface Station extends Site {
	name: string;
	/** True when the list gives no height for it and the median of the others stands in. */
	heightAssumed: boolean;
}

/**
 * Reads a list of stations as CSV: a heading with latitude, longitude and elevation (metres), after whatever lines come
 * before it; the field before the latitude is the name. Latitude and longitude in degrees, east positive.
 *
 * Throws `bad-station-list` naming the row.
 */
export function parseStationList(text: string, subject: string): Station[] {
	const lines = text.split(/\r?\n/).map((line) => line.split(",").map((field) => field.trim()));
	const at = lines.findIndex((fields) => fields.some((f) => /^lat/i.test(f)) && fields.some((f) => /^lon/i.test(f)));
	const problem = (where: string, message: string) =>
		badInput("bad-station-list", message, {
			subject: where,
			remedy: "Give CSV with the columns name, latitude, longitude and elevation (degrees, metres)",
		});
	if (at < 0) throw problem(subject, "it has no heading with latitude and longitude");
	const [lat, lon, height] = [/^lat/i, /^lon/i, /^(elev|height|alt)/i].map((name) =>
		lines[at].findIndex((field) => name.test(field)),
	);
	const stations: Station[] = [];
	lines.slice(at + 1).forEach((fields, i) => {
		if (fields.every((field) => field === "")) return;
		const value = (column: number) => (column < 0 || !fields[column] ? Number.NaN : Number(fields[column]));
		const [latitudeDeg, longitudeDeg, heightM] = [value(lat), value(lon), value(height)];
		if (!(Math.abs(latitudeDeg) <= 90 && Math.abs(longitudeDeg) <= 360)) {
			throw problem(`${subject} row ${at + i + 2}`, "its latitude or longitude is not a number of degrees");
		}
		const name = fields.slice(0, Math.min(lat, lon)).find((field) => field !== "") ?? String(stations.length + 1);
		stations.push({ name, latitudeDeg, longitudeDeg, heightM, heightAssumed: !Number.isFinite(heightM) });
	});
	if (stations.length === 0) throw problem(subject, "it has no stations");
	const heights = stations.filter((each) => !each.heightAssumed).map((each) => each.heightM);
	const median = heights.sort((a, b) => a - b)[heights.length >> 1] ?? 0;
	for (const station of stations) if (station.heightAssumed) station.heightM = median;
	return stations;
}

/** The middle of an array: the mean of its stations' geocentric positions. */
export function arrayCentre(stations: readonly Site[]): Site {
	const sum = [0, 0, 0];
	for (const { longitudeDeg, latitudeDeg, heightM } of stations) {
		itrfFromGeodetic(longitudeDeg, latitudeDeg, heightM).forEach((value, i) => (sum[i] += value));
	}
	return siteFromItrf(sum[0] / stations.length, sum[1] / stations.length, sum[2] / stations.length);
}
