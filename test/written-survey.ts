import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { FitsHeader } from "../src/formats/fits/header.ts";
import { writeFitsImage } from "../src/formats/fits/write.ts";
import type { Random } from "../src/simulation/random.ts";
import { pixelKernel } from "../src/sky/beam.ts";
import type { Plane } from "../src/sky/plane.ts";
import { CelestialWcs } from "../src/sky/wcs.ts";
import { addSource, correlatedNoise } from "./simulated-field.ts";

const PIXEL_DEG = 2 / 3600;
const BEAM = { majorDeg: 12 / 3600, minorDeg: 9 / 3600, paDeg: 30 };
/** FWHM 6 x 4.5 pixels. */
export const KERNEL = pixelKernel(BEAM, { eastPerX: -PIXEL_DEG, eastPerY: 0, northPerX: 0, northPerY: PIXEL_DEG });
/** Noise of every image, Jy/beam. */
export const RMS = 1e-3;

type Card = [keyword: string, value: string | number];
const celestial = (width: number, height = width): Card[] => [
	["BUNIT", "Jy/beam"],
	["BMAJ", BEAM.majorDeg],
	["BMIN", BEAM.minorDeg],
	["BPA", BEAM.paDeg],
	["RADESYS", "ICRS"],
	["CTYPE1", "RA---SIN"],
	["CRVAL1", 187.3],
	["CDELT1", -PIXEL_DEG],
	["CRPIX1", width / 2 + 1],
	["CTYPE2", "DEC--SIN"],
	["CRVAL2", 37.5],
	["CDELT2", PIXEL_DEG],
	["CRPIX2", height / 2 + 1],
];

/** A source of a written image: 0-based pixels, Jy/beam. */
export interface WrittenSource {
	x: number;
	y: number;
	flux: number;
}

/** Noise of the beam's correlation with sources on it. */
export function skyPlane(random: Random, side: number, sources: readonly WrittenSource[], rms = RMS): Plane {
	const data = correlatedNoise(random, side, KERNEL).map((value) => rms * value);
	const plane = { width: side, height: side, data };
	for (const { x, y, flux } of sources) addSource(plane, KERNEL, x, y, flux, 24);
	return plane;
}

/** Writes a plane as an observation of ten minutes from `startDay` days after 2024-01-01. */
export async function writeObservation(
	path: string,
	plane: Plane,
	{ startDay = 0, frequencyMhz = 1400 }: { startDay?: number; frequencyMhz?: number } = {},
): Promise<void> {
	mkdirSync(dirname(path), { recursive: true });
	const start = new Date(Date.UTC(2024, 0, 1) + startDay * 86_400_000).toISOString().slice(0, 19);
	await writeFitsImage(path, plane, [
		...celestial(plane.width, plane.height),
		["CTYPE3", "FREQ"],
		["CRVAL3", frequencyMhz * 1e6],
		["CDELT3", 64e6],
		["CRPIX3", 1],
		["DATE-OBS", start],
		["EXPTIME", 600],
	]);
}

/** Writes a catalogue of the sources' places on such images. */
export function writeCatalogue(
	path: string,
	width: number,
	sources: readonly { x: number; y: number }[],
	height = width,
): void {
	const cards: Card[] = [
		["SIMPLE", "T"],
		["NAXIS", 2],
		["NAXIS1", width],
		["NAXIS2", height],
		...celestial(width, height),
	];
	const text = cards.map(
		([k, v]) => `${k.padEnd(8)}= ${k === "SIMPLE" ? "T" : typeof v === "string" ? `'${v.padEnd(8)}'` : v}`,
	);
	const header = FitsHeader.parse(text.map((card) => card.padEnd(80)).join(""), path);
	const wcs = CelestialWcs.fromHeader(header, 2);
	const rows = sources.map(({ x, y }, i) => {
		const [ra, dec] = wcs.pixelToIcrs(x, y);
		return `s${i},${ra},${dec}`;
	});
	writeFileSync(path, `source_id,ra_deg,dec_deg\n${rows.join("\n")}\n`);
}
