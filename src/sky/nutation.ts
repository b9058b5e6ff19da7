import { RAD_PER_ARCSEC } from "./angle.ts";
import { NUTATION_2000B } from "./data/nutation-2000b.ts";
import { fukushimaWilliamsMatrix, precessionAngles } from "./precession.ts";
import type { Matrix3 } from "./rotation.ts";

export interface Nutation {
	/** In longitude and in obliquity, radians. */
	dpsi: number;
	deps: number;
	/** Mean longitude of the Moon's ascending node, radians. */
	node: number;
}

/** l, l', F, D, Omega: seconds of arc at J2000.0 and per Julian century, Simon et al. 1994. */
const ARGUMENTS = [
	[485868.249036, 1717915923.2178],
	[1287104.79305, 129596581.0481],
	[335779.526232, 1739527262.8478],
	[1072260.70369, 1602961601.209],
	[450160.398036, -6962890.5431],
] as const;

/**
 * Nutation IAU 2000B (McCarthy & Luzum 2003): within 1 mas of the full model from 1995 to 2050.
 *
 * @param centuries Julian centuries of TT since J2000.0
 */
export function nutation(centuries: number): Nutation {
	const [l, lp, f, d, om] = ARGUMENTS.map(([at, rate]) => ((at + rate * centuries) % 1296000) * RAD_PER_ARCSEC);
	let psi = 0;
	let eps = 0;
	for (const [a, b, c, e, g, ps, pst, pc, ec, ect, es] of NUTATION_2000B) {
		const argument = a * l + b * lp + c * f + e * d + g * om;
		const sin = Math.sin(argument);
		const cos = Math.cos(argument);
		psi += (ps + pst * centuries) * sin + pc * cos;
		eps += (ec + ect * centuries) * cos + es * sin;
	}
	// Fixed offsets stand for the planetary terms.
	return {
		dpsi: (psi * 1e-7 - 0.000135) * RAD_PER_ARCSEC,
		deps: (eps * 1e-7 + 0.000388) * RAD_PER_ARCSEC,
		node: om,
	};
}

/** From ICRS to the true equator and equinox of date: frame bias, precession IAU 2006 and nutation. */
export function trueEquatorMatrix(centuries: number, { dpsi, deps } = nutation(centuries)): Matrix3 {
	const { gamma, phi, psi, obliquity } = precessionAngles(centuries);
	return fukushimaWilliamsMatrix({ gamma, phi, psi: psi + dpsi, obliquity: obliquity + deps });
}
