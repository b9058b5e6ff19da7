import { badInput, CausticError } from "../../error.ts";
import type { Beam } from "../../sky/beam.ts";
import { midExposureMjd, type ObservationTime } from "../../sky/observation-time.ts";
import type { Plane } from "../../sky/plane.ts";
import { CelestialWcs } from "../../sky/wcs.ts";
import { type ChosenPlane, choosePlane, findAxis, type ImageAxes, imageAxes } from "./axes.ts";
import { readBeamsTable } from "./beams-table.ts";
import { type Brightness, brightness, jyPerBeamFactor } from "./brightness.ts";
import { FitsFile, type FitsHdu } from "./file.ts";
import { spectralPosition } from "./frequency.ts";
import type { FitsHeader } from "./header.ts";
import { type Pixels, type Precision, readPixels, scalingOf } from "./pixels.ts";
import { pixelSizeDeg, restoringBeam } from "./restoring-beam.ts";
import { compressedImage, isCompressed, readCompressedPixels } from "./tile-compression.ts";

/** One two-dimensional plane of the sky, ready to be measured. */
export interface FitsImage {
	path: string;
	header: FitsHeader;
	/** Of the whole image: with `rows` the plane's row 0 is row `firstRow` of it. */
	wcs: CelestialWcs;
	/** Jy/beam; float32 over shared memory unless float64 was asked for. */
	plane: Plane;
	firstRow: number;
	/** Rows of the whole image. */
	imageHeight: number;
	beam: Beam | undefined;
	/** `header`, `BEAMS table`, `AIPS history` or `none`. */
	beamSource: string;
	frequencyHz: number | undefined;
	bandwidthHz: number | undefined;
	/** `Jy/beam` (other multiples are converted), or empty when the header has no BUNIT. */
	unit: string;
	stokes: string | undefined;
	time: ObservationTime | undefined;
	/** Why there is no time. */
	timeProblem?: string;
	object?: string;
	telescope?: string;
	/** What is doubtful and was read all the same. */
	warnings: string[];
}

export interface ReadImageOptions {
	/** 0-based plane over the axes that are neither the sky's nor degenerate, first axis fastest. */
	plane?: number;
	/** Chooses along the STOKES axis by name, for instance `I`. */
	stokes?: string;
	/** Refuse an image without a restoring beam. */
	requireBeam?: boolean;
	/** Only these rows, from inclusive to exclusive. */
	rows?: readonly [from: number, to: number];
	precision?: Precision;
	/** Where the pixels are to be put, if it has room for just as many of the precision asked for. */
	into?: Pixels | undefined;
}

/** The first HDU that holds a plane of pixels. */
export async function imageHdu(file: FitsFile): Promise<FitsHdu> {
	for (let index = 0; ; index++) {
		const hdu = await file.hdu(index);
		if (hdu === undefined) break;
		const { header } = hdu;
		if (header.isRandomGroups) {
			throw badInput("not-an-image", "this is UVFITS: visibilities, not an image", {
				subject: file.path,
				remedy: "Convert it with caustic convert, and image it",
			});
		}
		if (header.text("XTENSION") === "BINTABLE" && header.get("ZIMAGE") === true) {
			const image = compressedImage(hdu);
			if (image.header.naxis.length >= 2 && image.header.naxis.every((length) => length > 0)) return image;
		}
		const isImage = index === 0 || header.text("XTENSION") === "IMAGE";
		if (isImage && header.naxis.length >= 2 && header.naxis.every((length) => length > 0)) return hdu;
	}
	throw badInput("not-an-image", "no part of the file holds a plane of pixels", {
		subject: file.path,
		remedy: "Give a FITS image of at least two axes",
	});
}

function rowRange(rows: ReadImageOptions["rows"], height: number, path: string): [number, number] {
	if (rows === undefined) return [0, height];
	const [from, to] = rows;
	if (Number.isInteger(from) && Number.isInteger(to) && 0 <= from && from < to && to <= height) return [from, to];
	throw badInput("bad-rows", `rows ${from} to ${to} are not among its ${height}`, {
		subject: path,
		remedy: `Ask for rows within 0 to ${height}`,
	});
}

/** What one plane of an open file is, and its pixels. */
export interface OpenPlane {
	hdu: FitsHdu;
	axes: ImageAxes;
	chosen: ChosenPlane;
}

export async function openPlane(file: FitsFile, options: ReadImageOptions): Promise<OpenPlane> {
	const hdu = await imageHdu(file);
	const axes = imageAxes(hdu.header);
	return { hdu, axes, chosen: choosePlane(hdu.header, axes, options) };
}

export function planePixels(
	file: FitsFile,
	hdu: FitsHdu,
	first: number,
	count: number,
	precision: Precision,
	factor: number,
	into?: Pixels,
) {
	const scaling = scalingOf(hdu, factor);
	return isCompressed(hdu)
		? readCompressedPixels(file, hdu, first, count, precision, scaling, into)
		: readPixels(file, hdu, first, count, precision, scaling, into);
}

async function pixelsOf(
	file: FitsFile,
	{ hdu, axes, chosen }: OpenPlane,
	[from, to]: readonly [number, number],
	factor: number,
	{ precision = "float32", into }: ReadImageOptions,
): Promise<Plane> {
	const { width, height } = axes;
	const first = (chosen.index * height + from) * width;
	const data = await planePixels(file, hdu, first, (to - from) * width, precision, factor, into);
	await file.verify();
	return { width, height: to - from, data };
}

export function paddingWarnings(file: FitsFile, hdu: FitsHdu): string[] {
	return file.isPaddingMissing(hdu) ? ["the last block is shorter than 2880 bytes; no pixel is missing"] : [];
}

/** The coordinate system; errors name the file beside the card. */
export function coordinates(header: FitsHeader): CelestialWcs {
	try {
		return CelestialWcs.fromHeader(header, header.naxis.length);
	} catch (error) {
		if (!(error instanceof CausticError)) throw error;
		throw badInput(error.code, error.message, {
			subject: `${header.source}${error.subject === undefined ? "" : `, ${error.subject}`}`,
			remedy: error.remedy,
			cause: error,
		});
	}
}

export function observationTime(header: FitsHeader): { time: ObservationTime | undefined; timeProblem?: string } {
	try {
		return { time: midExposureMjd(header) };
	} catch (error) {
		if (!(error instanceof CausticError)) throw error;
		return {
			time: undefined,
			timeProblem: `${error.subject === undefined ? "" : `${error.subject}: `}${error.message}`,
		};
	}
}

/**
 * Reads one celestial plane with all that photometry needs to know about it.
 *
 * Integers are scaled by BSCALE and BZERO (each optional), BLANK becomes NaN, and multiples of Jy/beam become
 * Jy/beam. gzip is recognised by content.
 * @throws CausticError for anything that is not such an image: not FITS, cut off, no sky coordinates, a further
 * axis of which no plane was chosen, an implausible beam, another unit.
 */
export async function readFitsImage(path: string, options: ReadImageOptions = {}): Promise<FitsImage> {
	const file = await FitsFile.open(path);
	try {
		const open = await openPlane(file, options);
		const { hdu, axes, chosen } = open;
		const { header } = hdu;
		const unit: Brightness = brightness(header);
		const wcs = coordinates(header);
		const rows = rowRange(options.rows, axes.height, path);
		const spectral = spectralPosition(header, chosen.pixels);
		let found = restoringBeam(header, axes.x, axes.y);
		let table: string[] = [];
		if (found.beam === undefined) {
			const beams = await readBeamsTable(file, pixelSizeDeg(header, axes.x, axes.y));
			const channel = findAxis(header, /^(FREQ|VRAD|VOPT|VELO|FELO|WAVE)/);
			const pol = findAxis(header, /^STOKES/);
			const beam = beams?.at(chosen.pixels.get(channel ?? 0) ?? 0, chosen.pixels.get(pol ?? 0) ?? 0);
			if (beam !== undefined) found = { ...found, beam, source: "BEAMS table" };
			table = beams?.warnings ?? [];
		}
		if (options.requireBeam && found.beam === undefined) {
			throw badInput("no-beam", "there is no restoring beam: BMAJ is absent", {
				subject: header.source,
				remedy: "Write BMAJ, BMIN and BPA (degrees) into the header",
			});
		}
		const plane = await pixelsOf(file, open, rows, unit.factor, options);
		return {
			path,
			header,
			wcs,
			plane,
			firstRow: rows[0],
			imageHeight: axes.height,
			beam: found.beam,
			beamSource: found.source,
			frequencyHz: spectral.frequencyHz,
			bandwidthHz: spectral.bandwidthHz,
			unit: unit.unit,
			stokes: chosen.stokes,
			...observationTime(header),
			object: header.text("OBJECT"),
			telescope: header.text("TELESCOP"),
			warnings: [...paddingWarnings(file, hdu), ...unit.warnings, ...found.warnings, ...table, ...spectral.warnings],
		};
	} finally {
		await file.close();
	}
}

/**
 * Reads a plane that need not have coordinates, beam or time: a noise or background map. Multiples of Jy/beam
 * become Jy/beam; a map without a unit is taken as it is.
 */
export async function readFitsPlane(
	path: string,
	options: Omit<ReadImageOptions, "requireBeam"> = {},
): Promise<{ plane: Plane; header: FitsHeader; warnings: string[] }> {
	const file = await FitsFile.open(path);
	try {
		const open = await openPlane(file, options);
		const { header } = open.hdu;
		const rows = rowRange(options.rows, open.axes.height, path);
		const factor = jyPerBeamFactor(header.text("BUNIT") ?? "Jy/beam") ?? brightness(header).factor;
		const plane = await pixelsOf(file, open, rows, factor, options);
		return { plane, header, warnings: paddingWarnings(file, open.hdu) };
	} finally {
		await file.close();
	}
}
