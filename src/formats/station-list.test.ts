import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { hasSharedData, sharedData } from "../../test/shared-data.ts";
import { arrayCentre, parseStationList } from "./station-list.ts";

describe("lists of stations", () => {
	test("whatever comes before the heading is passed over; a missing height is the median of the others", () => {
		const text =
			",,,\n,Coordinates,,\n,Station Number,Latitude,Longitude,Elevation (meters)\n,A1,37.1,-118.2,1180\n,A2,37.2,-118.3,1200\n,A3,37.3,-118.4,\n";
		const stations = parseStationList(text, "s.csv");
		expect(stations.map((each) => each.name)).toEqual(["A1", "A2", "A3"]);
		expect(stations[2]).toMatchObject({ heightM: 1200, heightAssumed: true, latitudeDeg: 37.3, longitudeDeg: -118.4 });
		const centre = arrayCentre(stations);
		expect(centre.latitudeDeg).toBeCloseTo(37.2, 3);
		expect(centre.longitudeDeg).toBeCloseTo(-118.3, 3);
	});

	test.each([
		["a,b\n1,2", /no heading/],
		["name,lat,lon\n", /no stations/],
		["name,lat,lon\nx,91,2\n", /not a number of degrees/],
		["name,lat,lon\nx,abc,2\n", /not a number of degrees/],
	])("%j is refused", (text, message) => {
		expect(() => parseStationList(text, "s.csv")).toThrow(expect.objectContaining({ code: "bad-station-list" }));
		expect(() => parseStationList(text, "s.csv")).toThrow(
			expect.objectContaining({ message: expect.stringMatching(message) }) as never,
		);
	});

	test.skipIf(!hasSharedData)("the array's own", () => {
		const path = sharedData("dsa110", "station_coordinates.csv");
		const stations = parseStationList(readFileSync(path, "utf8"), path);
		expect(stations).toHaveLength(117);
		expect(stations.filter((each) => each.heightAssumed).map((each) => each.name)).toEqual(["DSA-117"]);
		expect(arrayCentre(stations).latitudeDeg).toBeCloseTo(37.234, 2);
	});
});
