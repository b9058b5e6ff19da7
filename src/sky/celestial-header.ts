import { cosDegrees, DEG_PER_RAD, sinDegrees } from "./angle.ts";
import { cylindricalEqualArea, plateCarree } from "./cylindrical.ts";
import type { SkyFrame } from "./frames.ts";
import { type HeaderCards, numberCard, refuseCard as refuse, requiredCard, textCard } from "./header-cards.ts";
import { type PixelMatrix, readPixelMatrix } from "./pixel-matrix.ts";
import type { Projection } from "./projection.ts";
import { hammerAitoff, mollweide, sansonFlamsteed } from "./pseudocylindrical.ts";
import { parseFitsDate } from "./time.ts";
import { arc, slantOrthographic, stereographic, tangent, zenithalEqualArea } from "./zenithal.ts";

/** What a header says about the two celestial axes of an image. */
export interface CelestialHeader {
	/** 0-based FITS axes. */
	longitudeAxis: number;
	latitudeAxis: number;
	frame: SkyFrame;
	projection: Projection;
	/** Longitude and latitude of the reference point, degrees. */
	reference: { lon: number; lat: number };
	/** 1-based reference pixel along the longitude axis and along the latitude axis. */
	referencePixel: { lon: number; lat: number };
	linear: PixelMatrix;
	/** Native longitude of the celestial pole and the choice between two poles, degrees; undefined when not given. */
	lonpole: number | undefined;
	latpole: number | undefined;
}

/** The most axes a header may have and still be searched; the standard's keywords for the matrix reach 99. */
const MAX_AXES = 9;

/**
 * Reads the celestial part of a header by the rules of Greisen & Calabretta 2002 (A&A 395, 1061) and Calabretta &
 * Greisen 2002 (A&A 395, 1077), with the older forms that radio images still carry: CROTA2, PC001001, NCP, EPOCH.
 * Throws `no-wcs`, `bad-wcs`, `bad-card` or `unsupported-wcs`, naming the card.
 */
export function readCelestialHeader(header: HeaderCards, naxis: number): CelestialHeader {
	const { longitudeAxis, latitudeAxis, axes, system, code } = findAxes(header, naxis);
	const lonNumber = longitudeAxis + 1;
	const latNumber = latitudeAxis + 1;
	const lonScale = degreesPerUnit(header, `CUNIT${lonNumber}`);
	const latScale = degreesPerUnit(header, `CUNIT${latNumber}`);
	const reference = {
		lon: requiredCard(header, `CRVAL${lonNumber}`) * lonScale,
		lat: requiredCard(header, `CRVAL${latNumber}`) * latScale,
	};
	if (!(Math.abs(reference.lat) <= 90 + 1e-9)) {
		throw refuse("bad-wcs", `CRVAL${latNumber}`, `the latitude ${reference.lat} is beyond a pole`, "Correct the card");
	}
	for (const number of [0, 1, 2]) {
		const keyword = `PV${lonNumber}_${number}`;
		const standard = number === 2 && isZenithal(code) ? 90 : 0;
		if ((numberCard(header, keyword) ?? standard) !== standard) {
			throw refuse(
				"unsupported-wcs",
				keyword,
				"a fiducial point other than the projection's own is not supported",
				"Reproject the image",
			);
		}
	}
	return {
		longitudeAxis,
		latitudeAxis,
		frame: readFrame(header, system),
		projection: readProjection(header, code, latNumber, reference.lat),
		reference,
		referencePixel: {
			lon: requiredCard(header, `CRPIX${lonNumber}`),
			lat: requiredCard(header, `CRPIX${latNumber}`),
		},
		linear: readPixelMatrix(header, { lon: lonNumber, lat: latNumber, axes, lonScale, latScale }),
		lonpole: numberCard(header, `PV${lonNumber}_3`) ?? numberCard(header, "LONPOLE"),
		latpole: numberCard(header, `PV${lonNumber}_4`) ?? numberCard(header, "LATPOLE"),
	};
}

type System = "equatorial" | "galactic";

function findAxes(header: HeaderCards, naxis: number) {
	if (!Number.isInteger(naxis) || naxis < 0 || naxis > 999) {
		throw refuse("bad-wcs", "NAXIS", `${naxis} is not a number of axes`, "Correct the card");
	}
	const declared = numberCard(header, "WCSAXES") ?? naxis;
	const axes = Math.min(MAX_AXES, Math.max(naxis, Math.min(declared, MAX_AXES)));
	let longitudeAxis = -1;
	let latitudeAxis = -1;
	let system: System = "equatorial";
	const codes: string[] = [];
	for (let number = 1; number <= axes; number++) {
		const keyword = `CTYPE${number}`;
		const value = header.get(keyword);
		if (typeof value !== "string") continue;
		const text = value.trimEnd().toUpperCase();
		const match = /^(RA|DEC|GLON|GLAT|ELON|ELAT|HLON|HLAT|SLON|SLAT)(?:-+([A-Z]{3})(-.*)?)?$/.exec(text);
		if (match === null) continue;
		const [, name, code, more] = match;
		if (!/^(RA|DEC|GLON|GLAT)$/.test(name)) {
			throw refuse(
				"unsupported-wcs",
				keyword,
				`the coordinate system of ${text} is not supported`,
				"Reproject the image to equatorial or galactic coordinates",
			);
		}
		if (code === undefined) {
			throw refuse(
				"unsupported-wcs",
				keyword,
				`${text} names no projection`,
				"Add the projection, for instance RA---SIN",
			);
		}
		if (more !== undefined) {
			throw refuse(
				"unsupported-wcs",
				keyword,
				`the distortion ${more} of ${text} is not supported`,
				"Reproject the image without it",
			);
		}
		const isLongitude = name === "RA" || name === "GLON";
		if (isLongitude ? longitudeAxis >= 0 : latitudeAxis >= 0) {
			throw refuse("bad-wcs", keyword, `${text} repeats a celestial axis`, "Keep one longitude and one latitude axis");
		}
		if (isLongitude) longitudeAxis = number - 1;
		else latitudeAxis = number - 1;
		const own: System = name.startsWith("G") ? "galactic" : "equatorial";
		if (codes.length > 0 && (own !== system || code !== codes[0])) {
			throw refuse(
				"bad-wcs",
				keyword,
				`${text} does not fit the other celestial axis`,
				"Correct the pair of CTYPE cards",
			);
		}
		system = own;
		codes.push(code);
	}
	if (longitudeAxis < 0 || latitudeAxis < 0) {
		throw refuse(
			"no-wcs",
			longitudeAxis < 0 ? "CTYPE1" : "CTYPE2",
			"the header has no pair of celestial axes",
			"Give the image a celestial coordinate system, for instance CTYPE1 = 'RA---SIN' and CTYPE2 = 'DEC--SIN'",
		);
	}
	return { longitudeAxis, latitudeAxis, axes, system, code: codes[0] };
}

const isZenithal = (code: string) => ["SIN", "NCP", "TAN", "ARC", "STG", "ZEA"].includes(code);

const UNITS: Record<string, number> = {
	deg: 1,
	degree: 1,
	degrees: 1,
	rad: DEG_PER_RAD,
	radian: DEG_PER_RAD,
	radians: DEG_PER_RAD,
	arcmin: 1 / 60,
	arcsec: 1 / 3600,
	mas: 1 / 3600000,
};

function degreesPerUnit(header: HeaderCards, keyword: string): number {
	const unit = textCard(header, keyword) ?? "deg";
	const scale = UNITS[unit.toLowerCase()];
	if (scale === undefined) {
		throw refuse("bad-wcs", keyword, `${JSON.stringify(unit)} is not a unit of angle`, "Use deg");
	}
	return scale;
}

function readProjection(header: HeaderCards, code: string, latNumber: number, referenceLat: number): Projection {
	const pv = (number: number) => numberCard(header, `PV${latNumber}_${number}`);
	switch (code) {
		case "SIN":
			return slantOrthographic(pv(1) ?? 0, pv(2) ?? 0);
		case "NCP": {
			// The east-west array's plane is the SIN projection slanted along the pole, eta = cot(dec).
			const sin = sinDegrees(referenceLat);
			if (Math.abs(sin) < 1e-6) {
				throw refuse(
					"bad-wcs",
					`CRVAL${latNumber}`,
					"an NCP image cannot have its reference on the equator",
					"Correct the card",
				);
			}
			return slantOrthographic(0, cosDegrees(referenceLat) / sin);
		}
		case "TAN":
			return tangent;
		case "ARC":
			return arc;
		case "STG":
			return stereographic;
		case "ZEA":
			return zenithalEqualArea;
		case "CAR":
			return plateCarree;
		case "CEA": {
			const lambda = pv(1) ?? 1;
			if (!(lambda > 0 && lambda <= 1)) {
				throw refuse("bad-wcs", `PV${latNumber}_1`, `${lambda} is not in (0, 1] as CEA asks`, "Correct the card");
			}
			return cylindricalEqualArea(lambda);
		}
		case "AIT":
			return hammerAitoff;
		case "MOL":
			return mollweide;
		case "SFL":
			return sansonFlamsteed;
		default:
			throw refuse(
				"unsupported-wcs",
				`CTYPE${latNumber}`,
				`the projection ${code} is not supported`,
				"Reproject to SIN, NCP, TAN, ARC, STG, ZEA, CAR, CEA, AIT, MOL or SFL",
			);
	}
}

/** RADESYS, else FK4 before 1984 and FK5 after by EQUINOX, else ICRS. */
function readFrame(header: HeaderCards, system: System): SkyFrame {
	if (system === "galactic") return { name: "galactic", equinox: 2000 };
	const keyword = header.get("RADESYS") === undefined && header.get("RADECSYS") !== undefined ? "RADECSYS" : "RADESYS";
	const equinox = readEquinox(header);
	const name =
		textCard(header, keyword)?.toUpperCase() ?? (equinox === undefined ? "ICRS" : equinox < 1984 ? "FK4" : "FK5");
	switch (name) {
		case "ICRS":
			return { name: "icrs", equinox: 2000 };
		case "FK5":
			return { name: "fk5", equinox: equinox ?? 2000 };
		case "FK4":
		case "FK4-NO-E": {
			const frame: SkyFrame = { name: "fk4", equinox: equinox ?? 1950 };
			const epochMjd = epochOf(header);
			if (epochMjd !== undefined) frame.epochMjd = epochMjd;
			if (name === "FK4-NO-E") frame.withoutETerms = true;
			return frame;
		}
		default:
			throw refuse("unsupported-wcs", keyword, `the reference frame ${name} is not supported`, "Use ICRS, FK5 or FK4");
	}
}

/** EQUINOX, or EPOCH of older headers; `B1950` and `J2000.0` are read too. */
function readEquinox(header: HeaderCards): number | undefined {
	for (const keyword of ["EQUINOX", "EPOCH"]) {
		const value = header.get(keyword);
		if (value === undefined || value === "") continue;
		const year = typeof value === "string" ? Number(value.trim().replace(/^[BJ]/i, "")) : Number(value);
		// An EPOCH of 0 is how old writers said "unknown".
		if (keyword === "EPOCH" && year === 0) continue;
		if (!(year >= 1500 && year <= 2500)) {
			throw refuse("bad-card", keyword, `${JSON.stringify(value)} is not a year`, "Give a year such as 2000.0");
		}
		return year;
	}
	return undefined;
}

/** When an FK4 image was observed; only to a year or so matters. */
function epochOf(header: HeaderCards): number | undefined {
	for (const keyword of ["MJD-AVG", "MJD-OBS", "MJD-BEG"]) {
		const mjd = header.get(keyword);
		if (typeof mjd === "number" && mjd > 0 && mjd < 200000) return mjd;
	}
	for (const keyword of ["DATE-AVG", "DATE-OBS", "DATE-BEG"]) {
		const text = header.get(keyword);
		const date = typeof text === "string" ? parseFitsDate(text) : undefined;
		if (date !== undefined && date.mjd > 0) return date.mjd;
	}
	return undefined;
}
