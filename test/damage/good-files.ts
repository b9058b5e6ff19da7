import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { VisibilityBlock } from "../../src/calibration/visibility-set.ts";
import type { CalibrationTable } from "../../src/formats/casa/calibration-table.ts";
import { exportMeasurementSet } from "../../src/formats/casa/export-measurement-set.ts";
import { writeCalibrationTable } from "../../src/formats/casa/write-calibration-table.ts";
import { type CardToWrite, headerBlock } from "../../src/formats/fits/card-text.ts";
import { openUvh5 } from "../../src/formats/uvh5/read.ts";
import { Uvh5Writer } from "../../src/formats/uvh5/write.ts";
import { Random } from "../../src/simulation/random.ts";
import { itrfFromGeodetic } from "../../src/sky/geodetic.ts";

/** What a good file is, and so how it is read. */
export type FileKind = "hdf5" | "uvh5" | "uvfits" | "table" | "measurement-set" | "calibration-table";

/** A file, or the files of a table. */
export interface GoodFile {
	kind: FileKind;
	name: string;
	/** Contents by path below the table's folder; of a file alone under the empty path. */
	parts: Map<string, Buffer>;
}

const LOCATION = { longitudeDeg: -118.2834, latitudeDeg: 37.2334, heightM: 1188 };
const N_ANTENNAS = 4;
const N_TIMES = 3;
const N_CHANNELS = 6;

function smallUvh5(path: string, options: ConstructorParameters<typeof Uvh5Writer>[2]): void {
	const [x, y, z] = itrfFromGeodetic(LOCATION.longitudeDeg, LOCATION.latitudeDeg, LOCATION.heightM);
	const pairs: [number, number][] = [];
	for (let p = 0; p < N_ANTENNAS; p++) for (let q = p; q < N_ANTENNAS; q++) pairs.push([p, q]);
	const n = pairs.length;
	const width = 2 * N_CHANNELS;
	const random = new Random(7);
	const writer = new Uvh5Writer(
		path,
		{
			telescope: "OVRO_MMA",
			location: LOCATION,
			antennas: Array.from({ length: N_ANTENNAS }, (_, i) => ({
				name: `${i + 1}`,
				number: i,
				positionItrfM: [x + 40 * i, y - 25 * i, z + 3 * i * i] as [number, number, number],
				diameterM: 4.65,
			})),
			frequenciesHz: Float64Array.from({ length: N_CHANNELS }, (_, c) => 1.4e9 + 1e6 * c),
			channelWidthsHz: new Float64Array(N_CHANNELS).fill(1e6),
			polarizations: ["XX", "YY"],
			field: { name: "strip", phaseCentre: { kind: "meridian", hourAngleDeg: 0, declinationDeg: 30.5 } },
			nRows: n * N_TIMES,
			extra: { fs_table: "none" },
		},
		options,
	);
	const times = Float64Array.from({ length: N_TIMES }, (_, t) => 59653.4 + (t * 12.884902) / 86400);
	for (let t = 0; t < N_TIMES; t++) {
		const block: VisibilityBlock = {
			spectralWindow: 0,
			firstChannel: 0,
			nChannels: N_CHANNELS,
			nRows: n,
			timeIndex: new Int32Array(n).fill(t),
			antenna1: Int32Array.from(pairs, ([p]) => p),
			antenna2: Int32Array.from(pairs, ([, q]) => q),
			baseline: new Int32Array(n),
			field: new Int32Array(n),
			integrationS: new Float64Array(n).fill(12.884902),
			uvwM: Float64Array.from({ length: 3 * n }, (_, i) => t + i),
			visibilities: Float32Array.from({ length: 2 * n * width }, () => random.normal()),
			flags: Uint8Array.from({ length: n * width }, (_, i) => (i % 5 === 0 ? 1 : 0)),
			weights: new Float32Array(n * width).fill(1),
		};
		writer.append(block, times);
	}
	writer.close();
}

/** A random-groups file of three antennas, one IF and an AN and an FQ table. */
function smallUvfits(): Buffer {
	const groups = 6;
	const parameters = ["UU---SIN", "VV---SIN", "WW---SIN", "DATE", "DATE", "BASELINE", "INTTIM"];
	const width = parameters.length + 3 * 2 * 4;
	const primary: CardToWrite[] = [
		["SIMPLE", true],
		["BITPIX", -32],
		["NAXIS", 7],
		...[0, 3, 2, 4, 1, 1, 1].map((length, i): CardToWrite => [`NAXIS${i + 1}`, length]),
		["EXTEND", true],
		["GROUPS", true],
		["PCOUNT", parameters.length],
		["GCOUNT", groups],
		...["COMPLEX", "STOKES", "FREQ", "IF", "RA", "DEC"].map((name, i): CardToWrite => [`CTYPE${i + 2}`, name]),
		...[1, -1, 1.4e9, 1, 150, 20].map((value, i): CardToWrite => [`CRVAL${i + 2}`, value]),
		...[1, -1, 1e6, 1, 1, 1].map((value, i): CardToWrite => [`CDELT${i + 2}`, value]),
		...parameters.map((name, i): CardToWrite => [`PTYPE${i + 1}`, name]),
		["PZERO4", 2459653.5],
		["TELESCOP", "VLA"],
		["OBJECT", "3C286"],
		["EQUINOX", 2000],
	];
	const data = Buffer.alloc(2880 * Math.ceil((4 * groups * width) / 2880));
	const pairs = [
		[1, 2],
		[1, 3],
		[2, 3],
	];
	for (let g = 0; g < groups; g++) {
		const [p, q] = pairs[g % 3];
		const values = [1e-6 * g, 2e-6, 3e-7, 0.1, g < 3 ? 0 : 1e-4, 256 * p + q, 10];
		for (let i = 0; i < 24; i++) values.push(i % 3 === 2 ? 1 : Math.sin(g + i));
		values.forEach((value, i) => data.writeFloatBE(value, 4 * (g * width + i)));
	}
	const antennas = Buffer.alloc(2880);
	const rowBytes = 8 + 24 + 4;
	for (let a = 0; a < 3; a++) {
		antennas.write(`EA${a + 1}`, a * rowBytes, "latin1");
		[100 * a, 50 * a, -20 * a].forEach((value, k) => antennas.writeDoubleBE(value, a * rowBytes + 8 + 8 * k));
		antennas.writeInt32BE(a + 1, a * rowBytes + 32);
	}
	const table = (name: string, rows: number, bytes: number, columns: [string, string][], more: CardToWrite[] = []) =>
		headerBlock(
			[
				["XTENSION", "BINTABLE"],
				["BITPIX", 8],
				["NAXIS", 2],
				["NAXIS1", bytes],
				["NAXIS2", rows],
				["PCOUNT", 0],
				["GCOUNT", 1],
				["TFIELDS", columns.length],
				...columns.flatMap(([title, form], i): CardToWrite[] => [
					[`TTYPE${i + 1}`, title],
					[`TFORM${i + 1}`, form],
				]),
				["EXTNAME", name],
				...more,
			],
			"small",
		);
	const frequencies = Buffer.alloc(2880);
	frequencies.writeInt32BE(1, 0);
	return Buffer.concat([
		headerBlock(primary, "small"),
		data,
		table(
			"AIPS AN",
			3,
			rowBytes,
			[
				["ANNAME", "8A"],
				["STABXYZ", "3D"],
				["NOSTA", "1J"],
			],
			[
				["ARRAYX", -1601185.4],
				["ARRAYY", -5041977.5],
				["ARRAYZ", 3554875.9],
				["FRAME", "ITRF"],
				["TIMSYS", "UTC"],
			],
		),
		antennas,
		table("AIPS FQ", 1, 12, [
			["FRQSEL", "1J"],
			["IF FREQ", "1D"],
		]),
		frequencies,
	]);
}

function smallGains(): CalibrationTable {
	const n = 4;
	return {
		kind: "G",
		isComplex: true,
		telescope: "DSA_110",
		msName: "small.ms",
		polarizationBasis: "linear",
		software: "caustic",
		antennas: Array.from({ length: n }, (_, i) => ({
			name: `${i + 1}`,
			number: i,
			positionItrfM: [-2409000 + i, -4478000, 3838000] as [number, number, number],
			diameterM: 4.65,
		})),
		fields: [{ name: "3C286", raDeg: 202.78453, decDeg: 30.50916, timeMjd: 59653.4 }],
		windows: [{ name: "all", frequenciesHz: Float64Array.of(1.4e9), channelWidthsHz: Float64Array.of(1e6) }],
		nRows: n,
		timesMjd: new Float64Array(n).fill(59653.41),
		intervalsS: new Float64Array(n),
		field: new Int32Array(n),
		window: new Int32Array(n),
		antenna: Int32Array.from({ length: n }, (_, i) => i),
		reference: new Int32Array(n),
		scan: new Int32Array(n).fill(1),
		offset: Int32Array.from({ length: n + 1 }, (_, i) => 2 * i),
		nPolarizations: new Int32Array(n).fill(2),
		params: new Float32Array(4 * n).fill(1),
		paramErr: new Float32Array(2 * n),
		flags: new Uint8Array(2 * n),
		snr: new Float32Array(2 * n).fill(10),
		history: ["good"],
	};
}

function partsOf(folder: string, below = ""): [string, Buffer][] {
	return readdirSync(join(folder, below)).flatMap((name): [string, Buffer][] => {
		const path = join(below, name);
		return statSync(join(folder, path)).isDirectory()
			? partsOf(folder, path)
			: [[path, readFileSync(join(folder, path))]];
	});
}

/** One good file of every kind, made or unpacked in `scratch`. */
export async function goodFiles(scratch: string): Promise<GoodFile[]> {
	const files: GoodFile[] = [];
	const alone = (kind: FileKind, name: string, bytes: Buffer) =>
		files.push({ kind, name, parts: new Map([["", bytes]]) });
	const folderOf = (kind: FileKind, name: string, path: string) =>
		files.push({ kind, name, parts: new Map(partsOf(path)) });

	const fixtures = fileURLToPath(new URL("../fixtures/", import.meta.url));
	for (const name of readdirSync(join(fixtures, "hdf5")))
		alone("hdf5", name, readFileSync(join(fixtures, "hdf5", name)));
	const uvh5: string[] = [];
	for (const [name, options] of [
		["plain.uvh5", {}],
		["dsa.uvh5", { descending: true, dsaChunks: true, singlePrecisionUvw: true }],
	] as const) {
		const path = join(scratch, name);
		smallUvh5(path, options);
		uvh5.push(path);
		alone("uvh5", name, readFileSync(path));
	}
	alone("uvfits", "small.uvfits", smallUvfits());

	const tables = join(scratch, "tables");
	mkdirSync(tables);
	execFileSync("tar", ["-xzf", join(fixtures, "casa-tables.tar.gz"), "-C", tables]);
	for (const name of readdirSync(tables)) folderOf("table", name, join(tables, name));
	const set = openUvh5([uvh5[0]]);
	await exportMeasurementSet(set, join(scratch, "small.ms"));
	set.close();
	folderOf("measurement-set", "small.ms", join(scratch, "small.ms"));
	const gains = join(scratch, "small.G");
	writeCalibrationTable(gains, smallGains());
	folderOf("calibration-table", "small.G", gains);
	return files;
}

/** Writes a good file's parts below `root`; the path to open. */
export function lay(file: GoodFile, root: string): string {
	const path = join(root, file.name);
	for (const [part, bytes] of file.parts) {
		const target = part === "" ? path : join(path, part);
		mkdirSync(join(target, ".."), { recursive: true });
		writeFileSync(target, bytes);
	}
	return path;
}
