import { expect, test } from "vitest";
import { observerAt } from "./apparent-place.ts";
import { itrfDirection } from "./itrf.ts";
import { transitNear } from "./transit.ts";
import { antennaUvw, uvwAxes } from "./uvw.ts";

const site = { longitudeDeg: -118.2834, latitudeDeg: 37.2334, heightM: 1188 };
const positions = Float64Array.of(0, 0, 0, 1000, 200, -300, -2000, 500, 1200);

test("antenna uvw equal those of pyuvdata 3 with its position angle taken over a short arc", () => {
	// pyuvdata.utils.phasing.calc_uvw, offset_pos 1e-6, ICRS phase centres; metres.
	const recorded: [number, number, number, number[]][] = [
		[
			59653.41,
			202.7845338,
			30.5091553,
			[794.28652427, 64.15744095, -703.55720459, -2003.8711821, 793.34127845, 1022.30616815],
		],
		[59653.91, 12, -20, [654.16631484, -547.95483659, -633.88636962, -1872.53447686, 1421.3514119, 404.19648299]],
	];
	for (const [mjd, ra, dec, expected] of recorded) {
		const uvw = antennaUvw(uvwAxes(observerAt(mjd, site), ra, dec), positions);
		expected.forEach((value, i) => expect(Math.abs(uvw[3 + i] - value)).toBeLessThan(5e-5));
	}
});

test("the axes are right-handed and orthonormal, w towards the source", () => {
	const observer = observerAt(59000.7, site);
	for (const [ra, dec] of [
		[0, 90],
		[120, -89.9],
		[300, 5],
	]) {
		const m = uvwAxes(observer, ra, dec);
		const dot = (a: number, b: number) =>
			m[3 * a] * m[3 * b] + m[3 * a + 1] * m[3 * b + 1] + m[3 * a + 2] * m[3 * b + 2];
		for (let a = 0; a < 3; a++) for (let b = 0; b < 3; b++) expect(dot(a, b)).toBeCloseTo(a === b ? 1 : 0, 13);
		expect(m[0] * m[4] - m[1] * m[3]).toBeCloseTo(m[8], 12);
		itrfDirection(observer, ra, dec).forEach((value, i) => expect(m[6 + i]).toBeCloseTo(value, 13));
	}
});

test("on the meridian an eastward baseline is u, a northward one v, by hand", () => {
	const transit = transitNear(202.7845338, 30.5091553, site, 59653.4);
	const axes = uvwAxes(observerAt(transit.mjd, site), 202.7845338, 30.5091553);
	const lon = (site.longitudeDeg * Math.PI) / 180;
	const east = antennaUvw(axes, Float64Array.of(-Math.sin(lon), Math.cos(lon), 0));
	expect(east[0]).toBeCloseTo(1, 5);
	const polar = antennaUvw(axes, Float64Array.of(0, 0, 1));
	expect(polar[1]).toBeCloseTo(Math.cos((transit.apparentDecDeg * Math.PI) / 180), 5);
	expect(polar[2]).toBeCloseTo(Math.sin((transit.apparentDecDeg * Math.PI) / 180), 5);
});
