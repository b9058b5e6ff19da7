import { badInput } from "../error.ts";
import { emptyFound, indexSky, searchWithin, unitVectors } from "./sky-index.ts";

/** Positions with their one-sigma errors. One entry per source or component in each array. */
export interface Positions {
	raDeg: Float64Array;
	decDeg: Float64Array;
	/** Along the great circle towards east, that is including cos(Dec). */
	raErrArcsec: Float64Array;
	decErrArcsec: Float64Array;
}

export interface AssociationOptions {
	/** Largest de Ruiter radius of a pair. 5.68 loses one true pair in 10^7 (Swinbank et al. 2015). */
	deRuiterLimit?: number;
	/** Largest separation of a pair in degrees, about one beam. */
	maxRadiusDeg: number;
	/** Added in quadrature to each coordinate's error of the components, arcsec. */
	systematicArcsec?: number;
	/** Measure the components' common offset and remove it before matching. */
	removeOffset?: boolean;
	/** Fewest pairs from which a common offset is measured. */
	minOffsetMatches?: number;
}

/** Two or more things within reach of one: recorded, never resolved by copying a measurement. */
export interface Relation {
	/** `one-to-many`: one component, several sources (they blend here); `many-to-one`: several components, one source. */
	kind: "one-to-many" | "many-to-one";
	source: number;
	component: number;
	/** What `source` (many-to-one) or `component` (one-to-many) is matched with instead. */
	matchedWith: number;
	separationArcsec: number;
	deRuiter: number;
}

export interface Association {
	/** Component to source, -1 where there is none. */
	match: Int32Array;
	/** Source to component, -1 where there is none. */
	sourceMatch: Int32Array;
	/** Of the matched pair, after the common offset was removed; NaN without a match. */
	separationArcsec: Float64Array;
	deRuiter: Float64Array;
	relations: Relation[];
	/** Components minus sources, removed before matching; zero when fewer than `minOffsetMatches` pairs were found. */
	offset: { eastArcsec: number; northArcsec: number; n: number };
	/** The components' positions without the common offset: what the sources' positions are updated with. */
	raDeg: Float64Array;
	decDeg: Float64Array;
	/** Components whose position or error is not a number, or whose error is negative: never matched. */
	unusable: number[];
}

const ARCSEC = Math.PI / (180 * 3600);

/** East and north unit vectors at a unit vector; at a pole, those of the meridian of RA 0. */
function tangentFrame(v: Float64Array, i: number): [number, number, number, number, number, number] {
	const x = v[3 * i];
	const y = v[3 * i + 1];
	const z = v[3 * i + 2];
	const rho = Math.hypot(x, y);
	const cosRa = rho > 0 ? x / rho : 1;
	const sinRa = rho > 0 ? y / rho : 0;
	return [-sinRa, cosRa, 0, -z * cosRa, -z * sinRa, rho];
}

/**
 * Square of the de Ruiter radius, generalised to frames that differ: d^T (C1 + C2)^-1 d with the component's
 * covariance turned into the source's frame, since near a pole east and north turn over a short distance.
 */
function deRuiterSquared(
	sources: Float64Array,
	i: number,
	sourceEast: number,
	sourceNorth: number,
	components: Float64Array,
	j: number,
	componentEast: number,
	componentNorth: number,
): number {
	const x = sources[3 * i];
	const y = sources[3 * i + 1];
	const z = sources[3 * i + 2];
	const rho = Math.sqrt(x * x + y * y);
	const cosRa = rho > 0 ? x / rho : 1;
	const sinRa = rho > 0 ? y / rho : 0;
	const dx = components[3 * j] - x;
	const dy = components[3 * j + 1] - y;
	const dz = components[3 * j + 2] - z;
	const east = (cosRa * dy - sinRa * dx) / ARCSEC;
	const north = (rho * dz - z * (cosRa * dx + sinRa * dy)) / ARCSEC;
	// The component's own east in the source's frame: (cos, sin) of the turn between the two.
	const componentRho = Math.sqrt(components[3 * j] ** 2 + components[3 * j + 1] ** 2);
	const cosOther = componentRho > 0 ? components[3 * j] / componentRho : 1;
	const sinOther = componentRho > 0 ? components[3 * j + 1] / componentRho : 0;
	let cos = sinRa * sinOther + cosRa * cosOther;
	let sin = z * (cosRa * sinOther - sinRa * cosOther);
	const norm = Math.sqrt(cos * cos + sin * sin);
	if (norm > 0) {
		cos /= norm;
		sin /= norm;
	} else cos = 1;
	const e2 = componentEast * componentEast;
	const n2 = componentNorth * componentNorth;
	const a = sourceEast * sourceEast + cos * cos * e2 + sin * sin * n2;
	const b = cos * sin * (e2 - n2);
	const c = sourceNorth * sourceNorth + sin * sin * e2 + cos * cos * n2;
	const determinant = a * c - b * b;
	return (c * east * east - 2 * b * east * north + a * north * north) / determinant;
}

/** The k-th smallest of the first n values, which are put in partial order (Hoare's selection). */
function select(values: Float64Array, n: number, k: number): number {
	let low = 0;
	let high = n - 1;
	while (low < high) {
		const a = values[low];
		const b = values[(low + high) >>> 1];
		const c = values[high];
		const pivot = Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
		let i = low - 1;
		let j = high + 1;
		for (;;) {
			do i++;
			while (values[i] < pivot);
			do j--;
			while (values[j] > pivot);
			if (i >= j) break;
			const swap = values[i];
			values[i] = values[j];
			values[j] = swap;
		}
		if (k <= j) high = j;
		else low = j + 1;
	}
	return values[k];
}

/** Median of the first n values; `scratch` is overwritten. */
function median(values: Float64Array, n: number, scratch: Float64Array): number {
	scratch.set(values.subarray(0, n));
	const upper = select(scratch, n, n >> 1);
	if (n % 2 === 1) return upper;
	let lower = -Infinity;
	for (let i = 0; i < n >> 1; i++) if (scratch[i] > lower) lower = scratch[i];
	return 0.5 * (lower + upper);
}

/** Robust common offset of mutual nearest pairs, in the tangent frame of the field's centre. */
function commonOffset(
	sources: Float64Array,
	components: Float64Array,
	nearestSource: Int32Array,
	nearestComponent: Int32Array,
	centre: Float64Array,
	minMatches: number,
): { east: number; north: number; n: number } {
	const [ex, ey, ez, nx, ny, nz] = tangentFrame(centre, 0);
	const east = new Float64Array(nearestSource.length);
	const north = new Float64Array(nearestSource.length);
	let n = 0;
	for (let j = 0; j < nearestSource.length; j++) {
		const i = nearestSource[j];
		if (i < 0 || nearestComponent[i] !== j) continue;
		const dx = components[3 * j] - sources[3 * i];
		const dy = components[3 * j + 1] - sources[3 * i + 1];
		const dz = components[3 * j + 2] - sources[3 * i + 2];
		east[n] = ex * dx + ey * dy + ez * dz;
		north[n] = nx * dx + ny * dy + nz * dz;
		n++;
	}
	const scratch = new Float64Array(n);
	const distance = new Float64Array(n);
	let result = { east: 0, north: 0, n: 0 };
	// Chance pairs spread over the whole search circle pull the median towards zero: cut them off and look again.
	for (let round = 0; round < 4 && n >= minMatches; round++) {
		const e0 = median(east, n, scratch);
		const n0 = median(north, n, scratch);
		result = { east: e0, north: n0, n };
		for (let k = 0; k < n; k++) distance[k] = Math.sqrt((east[k] - e0) ** 2 + (north[k] - n0) ** 2);
		const cut = 3.5 * median(distance, n, scratch);
		let kept = 0;
		for (let k = 0; k < n; k++) {
			if (distance[k] > cut) continue;
			east[kept] = east[k];
			north[kept] = north[k];
			kept++;
		}
		if (kept === n) break;
		n = kept;
	}
	return result;
}

function checkLengths(name: string, positions: Positions): void {
	const n = positions.raDeg.length;
	for (const key of ["decDeg", "raErrArcsec", "decErrArcsec"] as const) {
		if (positions[key].length !== n) {
			throw badInput("length-mismatch", `${positions[key].length} values for ${n} right ascensions`, {
				subject: `${name}.${key}`,
				remedy: "Give arrays of one length",
			});
		}
	}
}

/**
 * Associate the components found in one image with known sources.
 *
 * A pair must lie within `maxRadiusDeg` and have a de Ruiter radius (separation in units of the combined errors,
 * de Ruiter, Willis & Arp 1977; Swinbank et al. 2015) within `deRuiterLimit`. Pairs are made nearest first by that radius,
 * each source and component once; what stays within reach of something already paired is recorded as a relation.
 * The components' common offset (an astrometric error of the image) is measured robustly and removed first.
 * The result does not depend on the order of rows. Works at RA 0 and at the poles. Time O(n log n).
 *
 * @throws bad-option when a limit is not a positive number or the errors are all zero; too-dense when so many
 *         pairs lie within the radius that it cannot be meant.
 */
export function associate(sources: Positions, components: Positions, options: AssociationOptions): Association {
	const { maxRadiusDeg } = options;
	const deRuiterLimit = options.deRuiterLimit ?? 5.68;
	const systematic = options.systematicArcsec ?? 0;
	checkLengths("sources", sources);
	checkLengths("components", components);
	for (const [name, value] of Object.entries({ maxRadiusDeg, deRuiterLimit })) {
		if (!(value > 0) || !Number.isFinite(value)) {
			throw badInput("bad-option", `${value} is not a positive number`, {
				subject: name,
				remedy: "Give a limit above 0",
			});
		}
	}
	if (!(systematic >= 0)) {
		throw badInput("bad-option", `${systematic} is negative or not a number`, {
			subject: "systematicArcsec",
			remedy: "Give 0 or more",
		});
	}
	const n = sources.raDeg.length;
	const m = components.raDeg.length;
	const sourceVectors = unitVectors(sources.raDeg, sources.decDeg);
	let vectors = unitVectors(components.raDeg, components.decDeg);
	const unusable: number[] = [];
	const componentEast = new Float64Array(m);
	const componentNorth = new Float64Array(m);
	for (let j = 0; j < m; j++) {
		const e = components.raErrArcsec[j];
		const d = components.decErrArcsec[j];
		componentEast[j] = Math.hypot(e, systematic);
		componentNorth[j] = Math.hypot(d, systematic);
		if (!(e >= 0) || !(d >= 0) || !Number.isFinite(e + d) || Number.isNaN(vectors[3 * j])) {
			vectors.fill(Number.NaN, 3 * j, 3 * j + 3);
			unusable.push(j);
		}
	}
	for (let i = 0; i < n; i++) {
		const e = sources.raErrArcsec[i];
		const d = sources.decErrArcsec[i];
		if (!(e >= 0) || !(d >= 0) || !Number.isFinite(e + d)) sourceVectors.fill(Number.NaN, 3 * i, 3 * i + 3);
	}
	const index = indexSky(sourceVectors, maxRadiusDeg);
	const found = emptyFound();
	const pairLimit = 64 * (n + m) + 1_000_000;

	let offset = { east: 0, north: 0, n: 0 };
	const centre = new Float64Array(3);
	for (let j = 0; j < m; j++) {
		if (Number.isNaN(vectors[3 * j])) continue;
		for (let k = 0; k < 3; k++) centre[k] += vectors[3 * j + k];
	}
	const length = Math.hypot(centre[0], centre[1], centre[2]);
	// A common offset is a property of one image: of positions all over the sky it has no meaning.
	const oneField = length > 0.97 * (m - unusable.length) && m > unusable.length;
	if ((options.removeOffset ?? true) && oneField) {
		for (let k = 0; k < 3; k++) centre[k] /= length;
		const nearestSource = new Int32Array(m).fill(-1);
		const nearestComponent = new Int32Array(n).fill(-1);
		const sourceBest = new Float64Array(n).fill(Infinity);
		for (let j = 0; j < m; j++) {
			let best = Infinity;
			searchWithin(index, vectors, j, maxRadiusDeg, found);
			for (let k = 0; k < found.count; k++) {
				const i = found.index[k];
				const angle = found.angleDeg[k];
				if (angle < best) {
					best = angle;
					nearestSource[j] = i;
				}
				if (angle < sourceBest[i]) {
					sourceBest[i] = angle;
					nearestComponent[i] = j;
				}
			}
		}
		const minMatches = options.minOffsetMatches ?? 10;
		offset = commonOffset(sourceVectors, vectors, nearestSource, nearestComponent, centre, minMatches);
		if (offset.n > 0) {
			const [ex, ey, ez, nx, ny, nz] = tangentFrame(centre, 0);
			const shift = [
				offset.east * ex + offset.north * nx,
				offset.east * ey + offset.north * ny,
				offset.east * ez + offset.north * nz,
			];
			vectors = vectors.slice();
			for (let j = 0; j < m; j++) {
				const x = vectors[3 * j] - shift[0];
				const y = vectors[3 * j + 1] - shift[1];
				const z = vectors[3 * j + 2] - shift[2];
				const norm = Math.hypot(x, y, z);
				vectors[3 * j] = x / norm;
				vectors[3 * j + 1] = y / norm;
				vectors[3 * j + 2] = z / norm;
			}
		}
	}

	const pairSource: number[] = [];
	const pairComponent: number[] = [];
	const pairAngle: number[] = [];
	const pairRadius: number[] = [];
	const ofSource = new Int32Array(n);
	const ofComponent = new Int32Array(m);
	const limitSquared = deRuiterLimit * deRuiterLimit;
	for (let j = 0; j < m; j++) {
		searchWithin(index, vectors, j, maxRadiusDeg, found);
		for (let k = 0; k < found.count; k++) {
			const i = found.index[k];
			const squared = deRuiterSquared(
				sourceVectors,
				i,
				sources.raErrArcsec[i],
				sources.decErrArcsec[i],
				vectors,
				j,
				componentEast[j],
				componentNorth[j],
			);
			if (Number.isNaN(squared) || squared === Infinity) {
				throw badInput("bad-option", `source ${i} and component ${j} both have a position error of 0`, {
					subject: "systematicArcsec",
					remedy: "Give position errors or a systematic error above 0",
				});
			}
			if (squared > limitSquared) continue;
			if (pairSource.length >= pairLimit) {
				throw badInput("too-dense", `more than ${pairLimit} pairs lie within ${maxRadiusDeg} degrees`, {
					subject: "maxRadiusDeg",
					remedy: "Give a smaller radius, about one beam",
				});
			}
			ofSource[i]++;
			ofComponent[j]++;
			pairSource.push(i);
			pairComponent.push(j);
			pairAngle.push(found.angleDeg[k]);
			pairRadius.push(Math.sqrt(squared));
		}
	}
	const match = new Int32Array(m).fill(-1);
	const sourceMatch = new Int32Array(n).fill(-1);
	const separationArcsec = new Float64Array(m).fill(Number.NaN);
	const deRuiter = new Float64Array(m).fill(Number.NaN);
	const accept = (p: number) => {
		const i = pairSource[p];
		const j = pairComponent[p];
		if (match[j] >= 0 || sourceMatch[i] >= 0) return;
		match[j] = i;
		sourceMatch[i] = j;
		separationArcsec[j] = pairAngle[p] * 3600;
		deRuiter[j] = pairRadius[p];
	};
	// Only pairs that compete have to be put in order: most are each other's only choice.
	const contested: number[] = [];
	for (let p = 0; p < pairSource.length; p++) {
		if (ofSource[pairSource[p]] === 1 && ofComponent[pairComponent[p]] === 1) accept(p);
		else contested.push(p);
	}
	// Ties are broken by what the rows say, not by where they stand.
	const order = contested.sort(
		(p, q) =>
			pairRadius[p] - pairRadius[q] ||
			pairAngle[p] - pairAngle[q] ||
			sources.decDeg[pairSource[p]] - sources.decDeg[pairSource[q]] ||
			sources.raDeg[pairSource[p]] - sources.raDeg[pairSource[q]] ||
			components.decDeg[pairComponent[p]] - components.decDeg[pairComponent[q]] ||
			components.raDeg[pairComponent[p]] - components.raDeg[pairComponent[q]] ||
			components.raErrArcsec[pairComponent[p]] - components.raErrArcsec[pairComponent[q]],
	);
	for (const p of order) accept(p);
	const relations: Relation[] = [];
	for (const p of order) {
		const source = pairSource[p];
		const component = pairComponent[p];
		if (match[component] === source) continue;
		const detail = { source, component, separationArcsec: pairAngle[p] * 3600, deRuiter: pairRadius[p] };
		if (sourceMatch[source] < 0) relations.push({ kind: "one-to-many", matchedWith: match[component], ...detail });
		else if (match[component] < 0) {
			relations.push({ kind: "many-to-one", matchedWith: sourceMatch[source], ...detail });
		}
	}
	const raDeg = new Float64Array(m);
	const decDeg = new Float64Array(m);
	for (let j = 0; j < m; j++) {
		if (offset.n === 0 || Number.isNaN(vectors[3 * j])) {
			raDeg[j] = components.raDeg[j];
			decDeg[j] = components.decDeg[j];
			continue;
		}
		const ra = Math.atan2(vectors[3 * j + 1], vectors[3 * j]) / (ARCSEC * 3600);
		raDeg[j] = ra < 0 ? ra + 360 : ra;
		decDeg[j] = Math.atan2(vectors[3 * j + 2], Math.hypot(vectors[3 * j], vectors[3 * j + 1])) / (ARCSEC * 3600);
	}
	return {
		match,
		sourceMatch,
		separationArcsec,
		deRuiter,
		relations,
		offset: { eastArcsec: offset.east / ARCSEC, northArcsec: offset.north / ARCSEC, n: offset.n },
		raDeg,
		decDeg,
		unusable,
	};
}
