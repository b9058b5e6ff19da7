import { CausticError } from "../../error.ts";
import type { Beam } from "../../sky/beam.ts";
import { binaryFields, isNumeric, readNumbers } from "./binary-table.ts";
import type { FitsFile } from "./file.ts";
import { plausibleBeam } from "./restoring-beam.ts";

const DEGREES: Record<string, number> = { deg: 1, degree: 1, degrees: 1, arcmin: 1 / 60, arcsec: 1 / 3600 };
/** CASA and WSClean write the smallest float for a plane without a beam. */
const LEAST_WIDTH = 1e-30;

/** Beams by plane of a cube (CASA's and WSClean's BEAMS extension, announced by CASAMBM = T). */
export interface BeamsTable {
	/** The beam of 0-based channel and polarization; undefined where the plane has none, or an impossible one. */
	at(channel: number, polarization: number): Beam | undefined;
	warnings: string[];
}

/** Reads the BEAMS extension; undefined when the file has none. Widths are arc seconds unless TUNIT says otherwise. */
export async function readBeamsTable(file: FitsFile, pixelDeg: number | undefined): Promise<BeamsTable | undefined> {
	const hdu = (await file.hdus()).find(({ header }) => header.text("EXTNAME")?.toUpperCase() === "BEAMS");
	if (hdu === undefined || hdu.header.text("XTENSION") !== "BINTABLE") return undefined;
	const fields = binaryFields(hdu).filter((field) => isNumeric(field) && field.repeat === 1);
	const columns = await readNumbers(file, hdu, fields);
	const find = (name: string) => fields.findIndex((field) => field.name.toUpperCase() === name);
	const [major, minor, angle, channel, polarization] = ["BMAJ", "BMIN", "BPA", "CHAN", "POL"].map(find);
	const warnings: string[] = [];
	if (major < 0 || minor < 0 || angle < 0) {
		return { at: () => undefined, warnings: ["the BEAMS table lacks BMAJ, BMIN or BPA and is not used"] };
	}
	const scale = (index: number) => DEGREES[(fields[index].unit ?? "arcsec").toLowerCase()] ?? 1 / 3600;
	const beams = new Map<string, Beam>();
	for (let row = 0; row < columns[major].length; row++) {
		const beam = {
			majorDeg: columns[major][row] * scale(major),
			minorDeg: columns[minor][row] * scale(minor),
			paDeg: columns[angle][row],
		};
		if (!(beam.majorDeg > LEAST_WIDTH) || !(beam.minorDeg > LEAST_WIDTH) || !Number.isFinite(beam.paDeg)) continue;
		const chan = channel < 0 ? row : columns[channel][row];
		const pol = polarization < 0 ? 0 : columns[polarization][row];
		try {
			beams.set(`${chan} ${pol}`, plausibleBeam(beam, pixelDeg, hdu.header.source, warnings));
		} catch (error) {
			if (!(error instanceof CausticError)) throw error;
			// One failed fit of the imager spoils one channel, not the cube.
			warnings.push(`channel ${chan} has no usable beam: ${error.message}`);
		}
	}
	return { at: (chan, pol) => beams.get(`${chan} ${pol}`), warnings };
}
