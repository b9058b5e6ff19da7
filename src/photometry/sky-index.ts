import { badInput } from "../error.ts";

/**
 * Positions indexed by declination zones, sorted by right ascension within a zone: finds everything within an
 * angle of a position, with right ascension 0 and the poles no different from elsewhere
 * (Gray, Nieto-Santisteban & Szalay 2006, "The Zones Algorithm").
 */
export interface SkyIndex {
	/** Positions as unit vectors, three numbers each, in the order given. NaN where the position was not finite. */
	vectors: Float64Array;
	/** Position numbers, zone after zone, by right ascension within a zone. */
	order: Int32Array;
	/** Right ascension in degrees, in `order`. */
	sortedRaDeg: Float64Array;
	/** Zone z holds `order[zoneStart[z]]` up to, not including, `order[zoneStart[z + 1]]`. */
	zoneStart: Int32Array;
	zoneHeightDeg: number;
}

const RADIANS = Math.PI / 180;
/** More zones than this cost more than they save. */
const MAXIMUM_ZONES = 1 << 18;

/** Unit vectors (x to RA 0, y to RA 6h, z to the north pole), three numbers per position. */
export function unitVectors(raDeg: Float64Array, decDeg: Float64Array): Float64Array {
	if (raDeg.length !== decDeg.length) {
		throw badInput("length-mismatch", `${raDeg.length} right ascensions and ${decDeg.length} declinations`, {
			subject: "positions",
			remedy: "Give one declination for each right ascension",
		});
	}
	const vectors = new Float64Array(3 * raDeg.length);
	for (let i = 0; i < raDeg.length; i++) {
		const dec = decDeg[i] * RADIANS;
		const ra = raDeg[i] * RADIANS;
		if (!(Math.abs(decDeg[i]) <= 90) || !Number.isFinite(ra)) {
			vectors.fill(Number.NaN, 3 * i, 3 * i + 3);
			continue;
		}
		const cosDec = Math.cos(dec);
		vectors[3 * i] = cosDec * Math.cos(ra);
		vectors[3 * i + 1] = cosDec * Math.sin(ra);
		vectors[3 * i + 2] = Math.sin(dec);
	}
	return vectors;
}

const raOf = (vectors: Float64Array, i: number) => {
	const ra = Math.atan2(vectors[3 * i + 1], vectors[3 * i]) / RADIANS;
	return ra < 0 ? ra + 360 : ra;
};
const decOf = (vectors: Float64Array, i: number) =>
	Math.atan2(vectors[3 * i + 2], Math.hypot(vectors[3 * i], vectors[3 * i + 1])) / RADIANS;

/**
 * Index unit vectors for searches of about `radiusDeg`. Positions that are NaN are left out and never found.
 * Time O(n log n).
 */
export function indexSky(vectors: Float64Array, radiusDeg: number): SkyIndex {
	const n = vectors.length / 3;
	const zones = Math.max(1, Math.min(MAXIMUM_ZONES, Math.floor(180 / Math.max(radiusDeg, 1e-9))));
	const zoneHeightDeg = 180 / zones;
	const zoneOf = new Int32Array(n);
	const zoneStart = new Int32Array(zones + 1);
	const raDeg = new Float64Array(n);
	for (let i = 0; i < n; i++) {
		const dec = decOf(vectors, i);
		if (Number.isNaN(dec)) {
			zoneOf[i] = -1;
			continue;
		}
		raDeg[i] = raOf(vectors, i);
		const zone = Math.min(zones - 1, Math.max(0, Math.floor((dec + 90) / zoneHeightDeg)));
		zoneOf[i] = zone;
		zoneStart[zone + 1]++;
	}
	for (let z = 0; z < zones; z++) zoneStart[z + 1] += zoneStart[z];
	const next = zoneStart.slice(0, zones);
	const order = new Int32Array(zoneStart[zones]);
	for (let i = 0; i < n; i++) if (zoneOf[i] >= 0) order[next[zoneOf[i]]++] = i;
	for (let z = 0; z < zones; z++) {
		if (zoneStart[z + 1] - zoneStart[z] > 1) {
			order.subarray(zoneStart[z], zoneStart[z + 1]).sort((a, b) => raDeg[a] - raDeg[b] || a - b);
		}
	}
	const sortedRaDeg = new Float64Array(order.length);
	for (let k = 0; k < order.length; k++) sortedRaDeg[k] = raDeg[order[k]];
	return { vectors, order, sortedRaDeg, zoneStart, zoneHeightDeg };
}

/** First place in `values[low..high)` that is not below `value`. */
function lowerBound(values: Float64Array, value: number, low: number, high: number): number {
	while (low < high) {
		const middle = (low + high) >>> 1;
		if (values[middle] < value) low = middle + 1;
		else high = middle;
	}
	return low;
}

/** What a search found: places in the index and their angles, valid up to `count` until the next search. */
export interface Found {
	count: number;
	index: Int32Array;
	angleDeg: Float64Array;
}

export const emptyFound = (): Found => ({ count: 0, index: new Int32Array(64), angleDeg: new Float64Array(64) });

function scan(
	sky: SkyIndex,
	start: number,
	end: number,
	low: number,
	high: number,
	v: Float64Array,
	j: number,
	limit: number,
	found: Found,
) {
	const { vectors, order, sortedRaDeg } = sky;
	const x = v[3 * j];
	const y = v[3 * j + 1];
	const z = v[3 * j + 2];
	for (let k = lowerBound(sortedRaDeg, low, start, end); k < end && sortedRaDeg[k] <= high; k++) {
		const i = order[k];
		const dx = vectors[3 * i] - x;
		const dy = vectors[3 * i + 1] - y;
		const dz = vectors[3 * i + 2] - z;
		// The chord keeps its digits at small angles, where the scalar product has none left.
		const chord2 = dx * dx + dy * dy + dz * dz;
		if (chord2 > limit) continue;
		if (found.count === found.index.length) {
			const index = new Int32Array(2 * found.count);
			const angleDeg = new Float64Array(2 * found.count);
			index.set(found.index);
			angleDeg.set(found.angleDeg);
			found.index = index;
			found.angleDeg = angleDeg;
		}
		found.index[found.count] = i;
		found.angleDeg[found.count] = (2 * Math.asin(Math.min(1, 0.5 * Math.sqrt(chord2)))) / RADIANS;
		found.count++;
	}
}

/**
 * Finds every indexed position within `radiusDeg` (up to 90) of position `j` of `vectors`, in no particular order. A NaN
 * position finds nothing.
 */
export function searchWithin(sky: SkyIndex, vectors: Float64Array, j: number, radiusDeg: number, found: Found): void {
	found.count = 0;
	const dec = decOf(vectors, j);
	if (Number.isNaN(dec)) return;
	const ra = raOf(vectors, j);
	const { zoneStart, zoneHeightDeg } = sky;
	const zones = zoneStart.length - 1;
	const limit = (2 * Math.sin((radiusDeg * RADIANS) / 2)) ** 2;
	// A hair wider than asked: rounding must not lose a position on the edge, which the chord decides.
	const reach = radiusDeg * (1 + 1e-9) + 1e-12;
	const firstZone = Math.max(0, Math.floor((dec - reach + 90) / zoneHeightDeg));
	const lastZone = Math.min(zones - 1, Math.floor((dec + reach + 90) / zoneHeightDeg));
	const allAround = Math.abs(dec) + reach >= 90;
	const width = allAround
		? 360
		: Math.asin(Math.min(1, Math.sin(Math.min(90, reach) * RADIANS) / Math.cos(dec * RADIANS))) / RADIANS + 1e-12;
	for (let zone = firstZone; zone <= lastZone; zone++) {
		const start = zoneStart[zone];
		const end = zoneStart[zone + 1];
		if (start === end) continue;
		if (width >= 180) {
			scan(sky, start, end, 0, 360, vectors, j, limit, found);
			continue;
		}
		scan(sky, start, end, Math.max(0, ra - width), Math.min(360, ra + width), vectors, j, limit, found);
		if (ra - width < 0) scan(sky, start, end, ra - width + 360, 360, vectors, j, limit, found);
		if (ra + width > 360) scan(sky, start, end, 0, ra + width - 360, vectors, j, limit, found);
	}
}
