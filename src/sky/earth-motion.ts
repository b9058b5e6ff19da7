import { RAD_PER_DEG } from "./angle.ts";

/** Where the Earth is and how it moves, equatorial axes of ICRS. */
export interface EarthMotion {
	/** From the Sun to the Earth, astronomical units. */
	heliocentric: [number, number, number];
	/** Against the barycentre of the solar system, in units of the speed of light. */
	velocity: [number, number, number];
}

/** Mean elements at J2000.0 and per Julian century: a (au), e, inclination, L, perihelion, node (degrees). */
interface MeanElements {
	massOfSun: number;
	a: [number, number];
	e: [number, number];
	inclination: [number, number];
	meanLongitude: [number, number];
	perihelion: [number, number];
	node: [number, number];
}

/**
 * Keplerian elements for 1800 to 2050, ecliptic and equinox of J2000: Standish & Williams, in Explanatory Supplement
 * (2013), table 8.10.2. Good to 20 arcseconds in place, which is 2 mas in aberration.
 */
const EARTH_MOON: MeanElements = {
	massOfSun: 1 / 328900.56,
	a: [1.00000261, 0.00000562],
	e: [0.01671123, -0.00004392],
	inclination: [-0.00001531, -0.01294668],
	meanLongitude: [100.46457166, 35999.37244981],
	perihelion: [102.93768193, 0.32327364],
	node: [0, 0],
};
/** The planets that move the Sun by more than a tenth of a metre per second. */
const GIANTS: MeanElements[] = [
	{
		massOfSun: 1 / 1047.3486,
		a: [5.202887, -0.00011607],
		e: [0.04838624, -0.00013253],
		inclination: [1.30439695, -0.00183714],
		meanLongitude: [34.39644051, 3034.74612775],
		perihelion: [14.72847983, 0.21252668],
		node: [100.47390909, 0.20469106],
	},
	{
		massOfSun: 1 / 3497.898,
		a: [9.53667594, -0.0012506],
		e: [0.05386179, -0.00050991],
		inclination: [2.48599187, 0.00193609],
		meanLongitude: [49.95424423, 1222.49362201],
		perihelion: [92.59887831, -0.41897216],
		node: [113.66242448, -0.28867794],
	},
	{
		massOfSun: 1 / 22902.98,
		a: [19.18916464, -0.00196176],
		e: [0.04725744, -0.00004397],
		inclination: [0.77263783, -0.00242939],
		meanLongitude: [313.23810451, 428.48202785],
		perihelion: [170.9542763, 0.40805281],
		node: [74.01692503, 0.04240589],
	},
	{
		massOfSun: 1 / 19412.24,
		a: [30.06992276, 0.00026291],
		e: [0.00859048, 0.00005105],
		inclination: [1.77004347, 0.00035372],
		meanLongitude: [-55.12002969, 218.45945325],
		perihelion: [44.96476227, -0.32241464],
		node: [131.78422574, -0.00508664],
	},
];

/** Gaussian gravitational constant: radians a day at one astronomical unit. */
const GAUSS = 0.01720209895;
/** Speed of light, astronomical units a day. */
const LIGHT_AU_PER_DAY = 173.1446326846693;
const EARTH_OVER_MOON = 81.30057;
const AU_KM = 149597870.7;
/** Obliquity of the ecliptic at J2000.0 that the elements refer to. */
const OBLIQUITY = 23.43928 * RAD_PER_DEG;

/**
 * Place and velocity of the Earth, TT centuries since J2000.0, 1900 to 2050: Kepler's ellipses of the Earth-Moon
 * barycentre and of the giant planets, and the Moon's main terms. Aberration from it is good to 3 mas, the deflection of
 * light to 0.1 mas.
 */
export function earthMotion(centuries: number): EarthMotion {
	const earth = kepler(EARTH_MOON, centuries);
	const moon = moonMotion(centuries);
	const share = 1 / (1 + EARTH_OVER_MOON);
	const position = earth.position.map((value, i) => value - share * moon.position[i]);
	const velocity = earth.velocity.map((value, i) => value - share * moon.velocity[i]);
	for (const giant of GIANTS) {
		// The Sun moves against each planet as its mass to the whole.
		const motion = kepler(giant, centuries).velocity;
		const weight = giant.massOfSun / (1 + giant.massOfSun);
		for (let i = 0; i < 3; i++) velocity[i] -= weight * motion[i];
	}
	return {
		heliocentric: toEquator(position),
		velocity: toEquator(velocity.map((value) => value / LIGHT_AU_PER_DAY)),
	};
}

function toEquator([x, y, z]: number[]): [number, number, number] {
	const c = Math.cos(OBLIQUITY);
	const s = Math.sin(OBLIQUITY);
	return [x, c * y - s * z, s * y + c * z];
}

/** Heliocentric ecliptic place (au) and velocity (au/day) on an ellipse. */
function kepler(elements: MeanElements, t: number): { position: number[]; velocity: number[] } {
	const at = ([value, rate]: [number, number]) => value + rate * t;
	const a = at(elements.a);
	const e = at(elements.e);
	const inclination = at(elements.inclination) * RAD_PER_DEG;
	const node = at(elements.node) * RAD_PER_DEG;
	const argument = at(elements.perihelion) * RAD_PER_DEG - node;
	const anomaly = (at(elements.meanLongitude) - at(elements.perihelion)) * RAD_PER_DEG;
	let eccentric = anomaly + e * Math.sin(anomaly);
	for (let round = 0; round < 6; round++) {
		eccentric -= (eccentric - e * Math.sin(eccentric) - anomaly) / (1 - e * Math.cos(eccentric));
	}
	const cos = Math.cos(eccentric);
	const sin = Math.sin(eccentric);
	const minor = Math.sqrt(1 - e * e);
	const speed = (GAUSS * Math.sqrt(1 + elements.massOfSun)) / Math.sqrt(a) / (1 - e * cos);
	const inPlane = [
		[a * (cos - e), a * minor * sin],
		[-speed * sin, speed * minor * cos],
	];
	const [position, velocity] = inPlane.map(([x, y]) => {
		const u = Math.cos(argument) * x - Math.sin(argument) * y;
		const v = Math.sin(argument) * x + Math.cos(argument) * y;
		const w = Math.cos(inclination) * v;
		return [
			Math.cos(node) * u - Math.sin(node) * w,
			Math.sin(node) * u + Math.cos(node) * w,
			Math.sin(inclination) * v,
		];
	});
	return { position, velocity };
}

/**
 * The Moon about the Earth, ecliptic (of date: the difference is nothing here), au and au/day: the main terms of the
 * lunar theory, good to 1 percent of the 12 m/s it gives the Earth, that is 0.1 mas.
 */
function moonMotion(t: number): { position: number[]; velocity: number[] } {
	const place = (centuries: number): number[] => {
		const r = (at: number, rate: number) => (at + rate * centuries) * RAD_PER_DEG;
		// Precession of the equinox taken off the longitude of date.
		const mean = r(218.3165, 481267.8813 - 1.397);
		const anomaly = r(134.9634, 477198.8676);
		const elongation = r(297.8502, 445267.1115);
		const latitude = r(93.2721, 483202.0175);
		const sun = r(357.5291, 35999.0503);
		const longitude =
			mean +
			(6.2888 * Math.sin(anomaly) +
				1.274 * Math.sin(2 * elongation - anomaly) +
				0.6583 * Math.sin(2 * elongation) +
				0.2136 * Math.sin(2 * anomaly) -
				0.1851 * Math.sin(sun) -
				0.1143 * Math.sin(2 * latitude)) *
				RAD_PER_DEG;
		const beta =
			(5.1281 * Math.sin(latitude) +
				0.2806 * Math.sin(anomaly + latitude) +
				0.2777 * Math.sin(anomaly - latitude) +
				0.1732 * Math.sin(2 * elongation - latitude)) *
			RAD_PER_DEG;
		const distance =
			(385000.6 -
				20905.4 * Math.cos(anomaly) -
				3699.1 * Math.cos(2 * elongation - anomaly) -
				2956 * Math.cos(2 * elongation) -
				569.9 * Math.cos(2 * anomaly)) /
			AU_KM;
		return [
			distance * Math.cos(beta) * Math.cos(longitude),
			distance * Math.cos(beta) * Math.sin(longitude),
			distance * Math.sin(beta),
		];
	};
	const stepDays = 0.05;
	const before = place(t - stepDays / 36525);
	const after = place(t + stepDays / 36525);
	return { position: place(t), velocity: after.map((value, i) => (value - before[i]) / (2 * stepDays)) };
}
