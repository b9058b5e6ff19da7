import type { Polarization } from "../calibration/visibility-set.ts";
import { badInput } from "../error.ts";

/** AIPS Memo 117 (UVFITS, UVH5). */
const AIPS: Record<number, Polarization> = {
	1: "I",
	2: "Q",
	3: "U",
	4: "V",
	[-1]: "RR",
	[-2]: "LL",
	[-3]: "RL",
	[-4]: "LR",
	[-5]: "XX",
	[-6]: "YY",
	[-7]: "XY",
	[-8]: "YX",
};

/** casacore's `Stokes::StokesTypes` (MeasurementSet CORR_TYPE). */
const CASACORE: Record<number, Polarization> = {
	1: "I",
	2: "Q",
	3: "U",
	4: "V",
	5: "RR",
	6: "RL",
	7: "LR",
	8: "LL",
	9: "XX",
	10: "XY",
	11: "YX",
	12: "YY",
};

const inverse = (table: Record<number, Polarization>) =>
	new Map(Object.entries(table).map(([code, name]) => [name, Number(code)]));
const TO_AIPS = inverse(AIPS);
const TO_CASACORE = inverse(CASACORE);

function named(table: Record<number, Polarization>, code: number, file: string): Polarization {
	const name = table[code];
	if (name === undefined) {
		throw badInput("unknown-polarization", `the polarisation code ${code} is none of XX YY XY YX RR LL RL LR I Q U V`, {
			subject: file,
		});
	}
	return name;
}

export const polarizationFromAips = (code: number, file: string) => named(AIPS, code, file);
export const polarizationFromCasacore = (code: number, file: string) => named(CASACORE, code, file);
export const polarizationToAips = (name: Polarization): number => TO_AIPS.get(name) as number;
export const polarizationToCasacore = (name: Polarization): number => TO_CASACORE.get(name) as number;

/** The product of the same feeds with the antennas exchanged: XY becomes YX. */
export const exchanged = (name: Polarization): Polarization =>
	(({ XY: "YX", YX: "XY", RL: "LR", LR: "RL" })[name as string] as Polarization | undefined) ?? name;

/**
 * For rows whose antennas are exchanged, where each product must be taken from: `order[p]` is the stored product that becomes
 * product p. Undefined if nothing moves.
 *
 * @throws CausticError if a cross product has no partner.
 */
export function exchangeOrder(products: readonly Polarization[], file: string): Int32Array | undefined {
	const order = Int32Array.from(products, (product) => products.indexOf(exchanged(product)));
	const missing = order.indexOf(-1);
	if (missing >= 0) {
		throw badInput("unpaired-polarization", `${products[missing]} is there without ${exchanged(products[missing])}`, {
			subject: file,
			remedy: "Rows with exchanged antennas cannot be put in order; select both cross products or none",
		});
	}
	return order.every((from, to) => from === to) ? undefined : order;
}
