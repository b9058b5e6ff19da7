import { badInput } from "../../error.ts";
import type { Beam } from "../../sky/beam.ts";
import { axisStep } from "./axes.ts";
import type { FitsHeader } from "./header.ts";

/** A restoring beam and where it was found; undefined when the file has none. */
export interface FoundBeam {
	beam: Beam | undefined;
	/** `header`, `BEAMS table`, `AIPS history` or `none`. */
	source: string;
	warnings: string[];
}

const NUMBER = "([-+]?[0-9.]+(?:[EeDd][-+]?[0-9]+)?)";
const AIPS = new RegExp(`BMAJ\\s*=\\s*${NUMBER}\\s+BMIN\\s*=\\s*${NUMBER}\\s+BPA\\s*=\\s*${NUMBER}`);
/** A restoring beam is between a fraction of a pixel and a hundred pixels wide: otherwise its unit is wrong. */
const LEAST_PIXELS = 0.5;
const MOST_PIXELS = 150;

/** The mean pixel size in degrees, or undefined when the header has no pixel scale. */
export function pixelSizeDeg(header: FitsHeader, x: number, y: number): number | undefined {
	const along = (axis: number, other: number) => {
		const a = header.number(`CD${axis}_${axis}`);
		const b = header.number(`CD${axis}_${other}`);
		if (a !== undefined || b !== undefined) return Math.hypot(a ?? 0, b ?? 0);
		return Math.abs(axisStep(header, axis) ?? 0);
	};
	const size = Math.sqrt(along(x, y) * along(y, x));
	return size > 0 ? size : undefined;
}

/**
 * Accepts a beam in degrees.
 * @throws CausticError `bad-beam` for widths that are not positive or that no pixel scale goes with: some writers
 * put arc seconds into BMAJ, and a guess would scale every flux.
 */
export function plausibleBeam(beam: Beam, pixelDeg: number | undefined, subject: string, warnings: string[]): Beam {
	const refuse = (why: string): never => {
		throw badInput("bad-beam", `beam ${beam.majorDeg} x ${beam.minorDeg} deg, PA ${beam.paDeg}: ${why}`, {
			subject,
			remedy: "Write BMAJ, BMIN and BPA in degrees",
		});
	};
	const { majorDeg, minorDeg, paDeg } = beam;
	if (!(majorDeg > 0 && minorDeg > 0) || !Number.isFinite(majorDeg + minorDeg + paDeg))
		refuse("not two positive widths");
	if (majorDeg > 90) refuse("wider than the sky");
	if (pixelDeg !== undefined) {
		const widest = Math.max(majorDeg, minorDeg) / pixelDeg;
		if (widest > MOST_PIXELS) refuse(`${Math.round(widest)} pixels wide, as if BMAJ were not in degrees`);
		if (Math.min(majorDeg, minorDeg) / pixelDeg < LEAST_PIXELS) {
			refuse(`narrower than ${LEAST_PIXELS} pixels of ${pixelDeg * 3600} arcsec, as if BMIN were not in degrees`);
		}
	}
	if (minorDeg > majorDeg) {
		warnings.push("BMIN exceeds BMAJ: the axes are exchanged and BPA turned by 90 degrees");
		return { majorDeg: minorDeg, minorDeg: majorDeg, paDeg: paDeg > 0 ? paDeg - 90 : paDeg + 90 };
	}
	return beam;
}

/** The beam of an image with one beam: BMAJ, BMIN, BPA in degrees, else what AIPS wrote into HISTORY last. */
export function restoringBeam(header: FitsHeader, x: number, y: number): FoundBeam {
	const warnings: string[] = [];
	const pixelDeg = pixelSizeDeg(header, x, y);
	const majorDeg = header.number("BMAJ");
	if (majorDeg !== undefined) {
		const beam = { majorDeg, minorDeg: header.number("BMIN") ?? majorDeg, paDeg: header.number("BPA") ?? 0 };
		return { beam: plausibleBeam(beam, pixelDeg, header.source, warnings), source: "header", warnings };
	}
	for (let i = header.history.length - 1; i >= 0; i--) {
		const match = AIPS.exec(header.history[i]);
		if (match === null) continue;
		const [major, minor, pa] = match.slice(1).map((text) => Number(text.replace(/[Dd]/, "E")));
		// AIPS writes a line of zeros where a map was not restored.
		if (major === 0) continue;
		const beam = { majorDeg: major, minorDeg: minor, paDeg: pa };
		return { beam: plausibleBeam(beam, pixelDeg, header.source, warnings), source: "AIPS history", warnings };
	}
	return { beam: undefined, source: "none", warnings };
}
