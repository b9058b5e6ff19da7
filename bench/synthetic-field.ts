/**
 * The field that photometry is judged on: 4096 x 4096 pixels of 1.5 arcsec, beam 6 x 4.5 pixels at 30 degrees, noise
 * doubling towards the corners, a wavy background, 8,000 isolated sources and 1,000 close pairs of 1 to 1,000 sigma, a
 * blank border and blank holes. Made from a seed; where the published set of the same design is at hand, that is used.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { FitsHeader } from "../src/formats/fits/header.ts";
import { CorrelatedNoise, type NoiseCorrelation } from "../src/simulation/correlated-noise.ts";
import { Random } from "../src/simulation/random.ts";
import { pixelKernel } from "../src/sky/beam.ts";
import type { Plane } from "../src/sky/plane.ts";
import { planeMemory } from "../src/sky/plane-memory.ts";
import { CelestialWcs } from "../src/sky/wcs.ts";
import { hasSharedData, sharedData } from "../test/shared-data.ts";

export const SIDE = 4096;
export const PIXEL_DEG = 1.5 / 3600;
export const BEAM = { majorDeg: 0.0025, minorDeg: 0.001875, paDeg: 30 };
export const KERNEL = pixelKernel(BEAM, { eastPerX: -PIXEL_DEG, eastPerY: 0, northPerX: 0, northPerY: PIXEL_DEG });
/** Header cards of an image on this grid. */
export const CARDS: [string, string | number][] = [
	["BUNIT", "Jy/beam"],
	["BMAJ", BEAM.majorDeg],
	["BMIN", BEAM.minorDeg],
	["BPA", BEAM.paDeg],
	["CTYPE1", "RA---SIN"],
	["CTYPE2", "DEC--SIN"],
	["CRVAL1", 150],
	["CRVAL2", -30],
	["CRPIX1", SIDE / 2 + 1],
	["CRPIX2", SIDE / 2 + 1],
	["CDELT1", -PIXEL_DEG],
	["CDELT2", PIXEL_DEG],
	["RADESYS", "ICRS"],
];

export interface SyntheticField {
	origin: string;
	image: Plane;
	noise: Plane;
	background: Plane;
	x: Float64Array;
	y: Float64Array;
	flux: Float64Array;
	snr: Float64Array;
	/** 0 for isolated sources. */
	pair: Float64Array;
	/** Centred on a blank pixel. */
	blank: Float64Array;
}

const BORDER = 96;
const CELL = 41;
const RMS = 1e-4;

/** Room for image, noise and background in one memory, as reading gives it. */
const threePlanes = () => planeMemory(SIDE * SIDE, 3) as Float32Array[];

export function syntheticField(correlation: NoiseCorrelation, seed = 4096): SyntheticField {
	const random = new Random(seed).fork(correlation);
	const [image, noise, background] = threePlanes().map((data): Plane => ({ width: SIDE, height: SIDE, data }));
	const unit = new Float64Array(SIDE * SIDE);
	new CorrelatedNoise(SIDE, SIDE, KERNEL, correlation).draw(random, unit, new Float64Array(SIDE * SIDE));
	const middle = SIDE / 2;
	for (let y = 0; y < SIDE; y++) {
		for (let x = 0; x < SIDE; x++) {
			const p = y * SIDE + x;
			noise.data[p] = RMS * (1 + 0.5 * (((x - middle) / middle) ** 2 + ((y - middle) / middle) ** 2));
			background.data[p] = 0.5 * RMS * Math.sin((2 * Math.PI * x) / SIDE) * Math.cos((2 * Math.PI * y) / SIDE);
			image.data[p] = background.data[p] + noise.data[p] * unit[p];
		}
	}
	const list: [x: number, y: number, pair: number][] = [];
	const cells = Math.floor((SIDE - 2 * BORDER) / CELL);
	for (let k = 0; k < cells * cells && list.length < 10_000; k++) {
		const cx = BORDER + ((k % cells) + 0.5) * CELL;
		const cy = BORDER + (Math.floor(k / cells) + 0.5) * CELL;
		// Every ninth object is a pair.
		if (k % 9 !== 4) {
			list.push([cx + random.uniform(-11, 11), cy + random.uniform(-11, 11), 0]);
			continue;
		}
		const half = random.uniform(0.25, 1.25) * 6;
		const angle = random.uniform(0, 2 * Math.PI);
		for (const side of [-1, 1])
			list.push([cx + side * half * Math.cos(angle), cy + side * half * Math.sin(angle), k + 1]);
	}
	const n = list.length;
	const field: SyntheticField = {
		origin: "simulated",
		image,
		noise,
		background,
		x: Float64Array.from(list, (s) => s[0]),
		y: Float64Array.from(list, (s) => s[1]),
		flux: new Float64Array(n),
		snr: Float64Array.from(list, () => 10 ** random.uniform(0, 3)),
		pair: Float64Array.from(list, (s) => s[2]),
		blank: new Float64Array(n),
	};
	const { a, b, c } = KERNEL;
	for (let i = 0; i < n; i++) {
		const [x0, y0] = [field.x[i], field.y[i]];
		field.flux[i] = field.snr[i] * noise.data[Math.round(y0) * SIDE + Math.round(x0)];
		for (let y = Math.round(y0) - 28; y <= y0 + 28; y++) {
			for (let x = Math.round(x0) - 28; x <= x0 + 28; x++) {
				const [dx, dy] = [x - x0, y - y0];
				image.data[y * SIDE + x] += field.flux[i] * Math.exp(-(a * dx * dx + b * dx * dy + c * dy * dy));
			}
		}
	}
	const holes = Array.from({ length: 10 }, () => [random.integer(SIDE), random.integer(SIDE), 10 + random.integer(50)]);
	for (let y = 0; y < SIDE; y++) {
		for (let x = 0; x < SIDE; x++) {
			const edge = Math.min(x, y, SIDE - 1 - x, SIDE - 1 - y) < BORDER;
			if (edge || holes.some(([hx, hy, r]) => (x - hx) ** 2 + (y - hy) ** 2 < r * r))
				image.data[y * SIDE + x] = Number.NaN;
		}
	}
	for (let i = 0; i < n; i++) {
		if (Number.isNaN(image.data[Math.round(field.y[i]) * SIDE + Math.round(field.x[i])])) field.blank[i] = 1;
	}
	return field;
}

/** The published set (noise correlation equal to the beam), or undefined where it or xz is missing. */
export function publishedField(): (SyntheticField & { peerFlux: Float64Array; peerError: Float64Array }) | undefined {
	if (!hasSharedData) return undefined;
	const folder = sharedData("images", "synthetic-4096");
	const packed = spawnSync("xz", ["-dc", `${folder}/image.fits.xz`], { maxBuffer: 1 << 28 });
	if (packed.status !== 0) return undefined;
	const planes = threePlanes();
	const pixels = (fits: Buffer): Plane => {
		// One header block: the set is written so.
		const data = fits.subarray(2880);
		const into = planes.shift() as Float32Array;
		const own = Buffer.from(into.buffer, into.byteOffset, into.byteLength);
		own.set(data.subarray(0, own.length));
		own.swap32();
		return { width: SIDE, height: SIDE, data: into };
	};
	const columns = (text: string) => {
		const [head, ...rows] = text
			.trim()
			.split("\n")
			.map((line) => line.split(","));
		return new Map(head.map((name, k) => [name, Float64Array.from(rows, (row) => Number(row[k]))]));
	};
	const truth = columns(readFileSync(`${folder}/truth.csv`, "utf8"));
	const peer = columns(gunzipSync(readFileSync(`${folder}/expected/forced_phot_numba.csv.gz`)).toString());
	const of = (table: Map<string, Float64Array>, name: string) => table.get(name) as Float64Array;
	// The peer was given directions; the pixels in the table are rounded too far to compare fluxes to 1e-5 of an error.
	const wcs = CelestialWcs.fromHeader(FitsHeader.parse(packed.stdout.subarray(0, 2880).toString("latin1"), folder), 2);

	const places = wcs.icrsToPixels(of(truth, "ra_deg"), of(truth, "dec_deg"));
	return {
		origin: "published set",
		image: pixels(packed.stdout),
		noise: pixels(gunzipSync(readFileSync(`${folder}/rms.fits.gz`))),
		background: pixels(gunzipSync(readFileSync(`${folder}/bkg.fits.gz`))),
		...places,
		flux: of(truth, "flux_jy"),
		snr: of(truth, "snr"),
		pair: of(truth, "pair_id"),
		blank: of(truth, "centre_is_nan"),
		peerFlux: of(peer, "flux_jy"),
		peerError: of(peer, "flux_err_jy"),
	};
}

export const mean = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;
export const deviation = (values: readonly number[]): number => {
	const centre = mean(values);
	return Math.sqrt(mean(values.map((v) => (v - centre) ** 2)));
};
export const quantile = (values: readonly number[], share: number): number =>
	values.toSorted((p, q) => p - q)[Math.floor(share * (values.length - 1))];

/** Times of several runs, milliseconds, in ascending order. */
export function timed(work: () => unknown, runs: number): number[] {
	const times: number[] = [];
	for (let run = 0; run < runs; run++) {
		const begun = performance.now();
		work();
		times.push(performance.now() - begun);
	}
	return times.sort((p, q) => p - q);
}
