import { Random } from "../../src/simulation/random.ts";

/** A header with pixels to convert and ICRS places near it, as the oracle script reads them. */
export interface WcsCase {
	cards: Record<string, string | number>;
	naxis: number;
	x: number[];
	y: number[];
	ra: number[];
	dec: number[];
}

const PROJECTIONS = ["SIN", "SIN", "SIN", "NCP", "TAN", "ARC", "STG", "ZEA", "CAR", "CEA", "MOL", "SFL", "AIT"];
const FRAMES = [
	"icrs",
	"none",
	"fk5",
	"fk5-1975",
	"equinox",
	"fk4",
	"fk4-epoch",
	"fk4-no-e",
	"equinox-1950",
	"galactic",
];

/** Seeded headers over every projection, matrix form and frame, with poles, the RA wrap and far reference pixels. */
export function randomHeaders(seed: number, count: number, points: number): WcsCase[] {
	const random = new Random(seed);
	return Array.from({ length: count }, (_, i) => {
		// The three lists have coprime lengths, so that all combinations come round.
		const code = PROJECTIONS[i % PROJECTIONS.length];
		const frame = FRAMES[i % FRAMES.length];
		return randomHeader(random, code, frame, i % 7, points);
	});
}

function randomHeader(random: Random, code: string, frame: string, form: number, points: number): WcsCase {
	const cards: WcsCase["cards"] = {};
	const pick = <T>(...list: T[]): T => list[random.integer(list.length)];
	const naxis = pick(2, 2, 3, 4, 4);
	const order = Array.from({ length: naxis }, (_, i) => i + 1);
	if (random.uniform() < 0.4) order.sort(() => random.uniform() - 0.5);
	const [lon, lat] = order;
	order.slice(2).forEach((axis, i) => {
		cards[`CTYPE${axis}`] = i === 0 ? "FREQ" : "STOKES";
		cards[`CRVAL${axis}`] = i === 0 ? 1.4e9 : 1;
		cards[`CDELT${axis}`] = i === 0 ? 1e6 : 1;
		cards[`CRPIX${axis}`] = 1;
	});
	cards[`CTYPE${lon}`] = (frame === "galactic" ? "GLON-" : "RA---") + code;
	cards[`CTYPE${lat}`] = (frame === "galactic" ? "GLAT-" : "DEC--") + code;
	setFrame(cards, frame, random);
	const crval1 = pick(0, 359.9999, 180, random.uniform(0, 360), random.uniform(-180, 0), random.uniform(0, 360));
	let crval2 = pick(90, -90, 0, 89.9, random.uniform(-90, 90), random.uniform(-90, 90), random.uniform(-90, 90));
	const zenithal = ["SIN", "NCP", "TAN", "ARC", "STG", "ZEA"].includes(code);
	if (code === "NCP" && Math.abs(crval2) < 10) crval2 = 35;
	if (!zenithal && random.uniform() < 0.5) crval2 = 0;
	cards[`CRVAL${lon}`] = crval1;
	cards[`CRVAL${lat}`] = crval2;
	if (random.uniform() < 0.4) cards.LONPOLE = pick(180, 0, 90, random.uniform(-180, 180));
	if (random.uniform() < 0.4) cards.LATPOLE = pick(90, -90, crval2, random.uniform(-90, 90));
	let slant: [number, number] = [0, 0];
	if (code === "SIN" && random.uniform() < 0.5) {
		slant = [random.uniform(-0.6, 0.6), random.uniform(-0.6, 0.6)];
		cards[`PV${lat}_1`] = slant[0];
		cards[`PV${lat}_2`] = slant[1];
	}
	if (code === "CEA" && random.uniform() < 0.5) cards[`PV${lat}_1`] = random.uniform(0.1, 1);
	// Small pixels for an interferometer, large ones for the whole sky.
	const wide = random.uniform() < 0.4;
	const pixel = wide ? random.uniform(0.2, 1) : 10 ** random.uniform(-4, -2);
	const sx = -pixel * random.uniform(0.7, 1.4);
	const sy = pixel * pick(1, 1, -1) * random.uniform(0.7, 1.4);
	const linear = setMatrix(cards, form, lon, lat, sx, sy, random);
	// wcslib asks for the whole CD matrix.
	if (form === 0) for (const axis of order.slice(2)) cards[`CD${axis}_${axis}`] = Number(cards[`CDELT${axis}`]);
	const crpix = () => pick(1, 513, random.uniform(-50, 5000), random.uniform(-1e5, 1e5));
	cards[`CRPIX${lon}`] = crpix();
	cards[`CRPIX${lat}`] = crpix();
	const reach =
		code === "NCP" ? 5 : slant[0] !== 0 || slant[1] !== 0 ? 25 : code === "SIN" ? 50 : code === "TAN" ? 70 : 120;
	const radius = wide ? reach : Math.min(reach, pixel * 4000);
	const x: number[] = [];
	const y: number[] = [];
	const ra: number[] = [];
	const dec: number[] = [];
	const determinant = linear[0] * linear[3] - linear[1] * linear[2];
	for (let i = 0; i < points; i++) {
		const r = i === 0 ? 0 : radius * Math.sqrt(random.uniform());
		const angle = random.uniform(0, 2 * Math.PI);
		const u = r * Math.cos(angle);
		const v = r * Math.sin(angle) * (zenithal ? 1 : 0.7);
		const pLon = (linear[3] * u - linear[1] * v) / determinant + Number(cards[`CRPIX${lon}`]) - 1;
		const pLat = (-linear[2] * u + linear[0] * v) / determinant + Number(cards[`CRPIX${lat}`]) - 1;
		x.push(lon < lat ? pLon : pLat);
		y.push(lon < lat ? pLat : pLon);
		ra.push(random.uniform(0, 360));
		dec.push((Math.asin(random.uniform(-1, 1)) * 180) / Math.PI);
	}
	return { cards, naxis, x, y, ra, dec };
}

function setFrame(cards: WcsCase["cards"], frame: string, random: Random): void {
	if (frame === "icrs") cards.RADESYS = "ICRS";
	if (frame.startsWith("fk5")) cards.RADESYS = "FK5";
	if (frame === "fk5-1975") cards.EQUINOX = random.uniform(1900, 2050);
	if (frame === "equinox") cards.EQUINOX = 2000;
	if (frame === "equinox-1950") cards.EQUINOX = 1950;
	if (frame.startsWith("fk4")) cards.RADESYS = frame === "fk4-no-e" ? "FK4-NO-E" : "FK4";
	if (frame === "fk4-epoch") {
		cards.EQUINOX = random.uniform(1900, 1980);
		cards["MJD-OBS"] = random.uniform(36000, 60000);
	}
}

/** Writes one of the forms of the pixel matrix and returns it: (lon, lat) rows by (lon, lat) pixel columns. */
function setMatrix(
	cards: WcsCase["cards"],
	form: number,
	lon: number,
	lat: number,
	sx: number,
	sy: number,
	random: Random,
): [number, number, number, number] {
	const rho = random.uniform(-Math.PI, Math.PI);
	const [c, s] = [Math.cos(rho), Math.sin(rho)];
	const three = (n: number) => String(n).padStart(3, "0");
	if (form === 0) {
		const skew = random.uniform(-0.2, 0.2);
		const m: [number, number, number, number] = [sx * c, -sy * s + skew * sx, sx * s, sy * c];
		cards[`CD${lon}_${lon}`] = m[0];
		cards[`CD${lon}_${lat}`] = m[1];
		cards[`CD${lat}_${lon}`] = m[2];
		cards[`CD${lat}_${lat}`] = m[3];
		return m;
	}
	cards[`CDELT${lon}`] = sx;
	cards[`CDELT${lat}`] = sy;
	if (form === 1 || form === 2) return [sx, 0, 0, sy];
	if (form === 3) {
		const degrees = (rho * 180) / Math.PI;
		cards[`CROTA${lat}`] = degrees;
		return [sx * c, -sy * s, sx * s, sy * c];
	}
	const key = (row: number, column: number) => (form === 4 ? `PC${three(row)}${three(column)}` : `PC${row}_${column}`);
	cards[key(lon, lon)] = c;
	cards[key(lon, lat)] = -s;
	cards[key(lat, lon)] = s;
	cards[key(lat, lat)] = c;
	return [sx * c, -sx * s, sy * s, sy * c];
}
