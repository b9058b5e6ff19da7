import { badInput } from "../../error.ts";
import type { FitsHeader } from "./header.ts";

const PREFIX: Record<string, number> = { "": 1, m: 1e-3, u: 1e-6, μ: 1e-6, µ: 1e-6, n: 1e-9, k: 1e3 };

/** The factor from a brightness unit to Jy/beam, or undefined when it is another kind of unit. */
export function jyPerBeamFactor(unit: string): number | undefined {
	const text = unit.replaceAll(/\s+/g, " ").trim();
	const match = /^(.?)jy ?(?:\/|\.)? ?beams?(?:\*\*|\^)?(?:\(?-1\)?)?$/i.exec(text);
	if (match === null) return undefined;
	// "MJY/BEAM" in capitals throughout is how some writers spell mJy/beam: ambiguous, so not accepted.
	if (match[1] === "M") return undefined;
	return PREFIX[match[1].toLowerCase()];
}

/** Which factor turns stored values into Jy/beam, and what was assumed. */
export interface Brightness {
	factor: number;
	/** `Jy/beam` after the factor, or an empty string when the header has no BUNIT. */
	unit: string;
	warnings: string[];
}

/**
 * Reads BUNIT. A missing unit is taken as Jy/beam with a warning.
 * @throws CausticError `bad-unit` for anything that is not a flux density per beam.
 */
export function brightness(header: FitsHeader): Brightness {
	const unit = header.text("BUNIT");
	if (unit === undefined) {
		return { factor: 1, unit: "", warnings: ["there is no BUNIT: pixels are taken as Jy/beam"] };
	}
	const factor = jyPerBeamFactor(unit);
	if (factor === undefined) {
		throw badInput("bad-unit", `BUNIT = ${JSON.stringify(unit)} is not a flux density per beam`, {
			subject: header.source,
			remedy: "Convert the image to Jy/beam (mJy/beam, uJy/beam are understood too)",
		});
	}
	return { factor, unit: "Jy/beam", warnings: [] };
}
