import { badInput } from "../error.ts";

/** A source of the absolute flux density scale. */
export interface StandardSource {
	name: string;
	/** Names under which lists and headers carry it. */
	aliases: readonly string[];
	/** ICRS, degrees. */
	raDeg: number;
	decDeg: number;
	/** log10 S(Jy) = sum of a_i (log10 nu(GHz))^i. */
	coefficients: readonly number[];
	/** Where the polynomial was fitted, GHz. */
	fromGHz: number;
	toGHz: number;
	/** Largest extent; an array that resolves it sees less. */
	sizeArcsec: number;
	/** Changes by percents over years; the polynomial is for 2016. */
	variable: boolean;
}

/**
 * Perley & Butler 2017, ApJS 230, 7: the compact sources of their scale. Good to 3 percent, 5 percent at the ends of the
 * band; the variable ones as far as they have not changed since 2016.
 */
export const STANDARD_SOURCES: readonly StandardSource[] = [
	{
		name: "3C48",
		aliases: ["0137+331", "J0137+3309", "0134+329"],
		raDeg: 24.4220808,
		decDeg: 33.1597592,
		coefficients: [1.3253, -0.7553, -0.1914, 0.0498],
		fromGHz: 0.05,
		toGHz: 50,
		sizeArcsec: 1.2,
		variable: true,
	},
	{
		name: "3C123",
		aliases: ["0437+296", "J0437+2940", "0433+295"],
		raDeg: 69.2682292,
		decDeg: 29.6705056,
		coefficients: [1.8017, -0.7884, -0.1035, -0.0248, 0.009],
		fromGHz: 0.05,
		toGHz: 50,
		sizeArcsec: 44,
		variable: false,
	},
	{
		name: "3C138",
		aliases: ["0521+166", "J0521+1638", "0518+165"],
		raDeg: 80.2911917,
		decDeg: 16.6394589,
		coefficients: [1.0088, -0.4981, -0.1552, -0.0102, 0.0223],
		fromGHz: 0.2,
		toGHz: 50,
		sizeArcsec: 0.7,
		variable: true,
	},
	{
		name: "3C147",
		aliases: ["0542+498", "J0542+4951", "0538+498"],
		raDeg: 85.6505746,
		decDeg: 49.8520094,
		coefficients: [1.4516, -0.6961, -0.2007, 0.064, -0.0464, 0.0289],
		fromGHz: 0.05,
		toGHz: 50,
		sizeArcsec: 0.9,
		variable: true,
	},
	{
		name: "3C196",
		aliases: ["0813+482", "J0813+4813", "0809+483"],
		raDeg: 123.4002158,
		decDeg: 48.217295,
		coefficients: [1.2872, -0.853, -0.1534, -0.02, 0.0201],
		fromGHz: 0.05,
		toGHz: 50,
		sizeArcsec: 7,
		variable: false,
	},
	{
		name: "3C286",
		aliases: ["1331+305", "J1331+3030", "1328+307"],
		raDeg: 202.7845329,
		decDeg: 30.5091552,
		coefficients: [1.2481, -0.4507, -0.1798, 0.0357],
		fromGHz: 0.05,
		toGHz: 50,
		sizeArcsec: 3,
		variable: false,
	},
	{
		name: "3C295",
		aliases: ["1411+522", "J1411+5212", "1409+524"],
		raDeg: 212.8360321,
		decDeg: 52.2025392,
		coefficients: [1.4701, -0.7658, -0.278, -0.0347, 0.0399],
		fromGHz: 0.05,
		toGHz: 50,
		sizeArcsec: 5,
		variable: false,
	},
];

const plain = (name: string) => name.toUpperCase().replaceAll(/[\s_]/g, "");

/** The standard source of that name (3C286, J1331+3030, 1331+305), undefined when there is none. */
export function standardSource(name: string): StandardSource | undefined {
	const wanted = plain(name);
	return STANDARD_SOURCES.find((source) => [source.name, ...source.aliases].some((each) => plain(each) === wanted));
}

/**
 * Flux density in Jy of a standard source at a frequency in Hz.
 * Throws `outside-flux-scale` where the polynomial was not fitted.
 */
export function standardFluxJy(source: StandardSource, frequencyHz: number): number {
	const ghz = frequencyHz / 1e9;
	if (!(ghz >= source.fromGHz && ghz <= source.toGHz)) {
		throw badInput(
			"outside-flux-scale",
			`its flux density is known from ${source.fromGHz} to ${source.toGHz} GHz, not at ${ghz} GHz`,
			{
				subject: source.name,
				remedy: "Choose a frequency within the scale",
			},
		);
	}
	const x = Math.log10(ghz);
	return 10 ** source.coefficients.reduceRight((sum, coefficient) => sum * x + coefficient, 0);
}
