import { closeSync, openSync, writeSync } from "node:fs";

/** A UVFITS file to write, as AIPS would: random groups with AN and FQ tables. */
export interface UvfitsToWrite {
	nAntennas: number;
	nTimes: number;
	nChannels: number;
	/** Per IF: offset from 1.4 GHz and channel step, Hz. */
	ifs: readonly { offsetHz: number; stepHz: number }[];
	/** AIPS codes, one apart. */
	stokes: readonly number[];
	bitpix?: -32 | -64 | 16 | 32;
	/** Of the samples: value = zero + scale x stored. */
	scale?: number;
	zero?: number;
	blank?: number;
	/** BASELINE = 256 a + b, or 2048 a + b + 65536 as for more than 255 antennas, or parameters of their own. */
	pairs?: 256 | 2048 | "apart";
	/** The second parameter of the date. */
	secondDate?: "DATE" | "_DATE";
	/** Of row, IF, channel and product as stored: real, imaginary, weight. */
	sample: (row: number, window: number, channel: number, product: number) => readonly [number, number, number];
}

export const UVFITS_MJD = 60000.25;
export const UVFITS_STEP_S = 10;

/** Pairs of antenna numbers, counted from 1, in the order of rows. */
export function pairsOf(nAntennas: number): [number, number][] {
	const pairs: [number, number][] = [];
	for (let a = 1; a <= nAntennas; a++) for (let b = a; b <= nAntennas; b++) pairs.push([a, b]);
	return pairs;
}

const card = (key: string, value: string | number | boolean) => {
	const text =
		typeof value === "string"
			? `'${value.padEnd(8)}'`
			: (typeof value === "boolean" ? (value ? "T" : "F") : `${value}`).padStart(20);
	return `${key.padEnd(8)}= ${text}`.padEnd(80);
};

function block(bytes: Uint8Array, fill = 0): Buffer {
	const whole = Buffer.alloc(Math.ceil(bytes.length / 2880) * 2880, fill);
	whole.set(bytes);
	return whole;
}

const headerOf = (cards: [string, string | number | boolean][]) =>
	block(Buffer.from(`${cards.map(([key, value]) => card(key, value)).join("")}${"END".padEnd(80)}`), 0x20);

/** A binary table whose columns hold text, or numbers written by their code. */
function tableOf(
	name: string,
	columns: { name: string; code: "A" | "J" | "E" | "D"; rows: (string | readonly number[])[] }[],
	cards: [string, string | number | boolean][],
): Buffer {
	const width = { A: 1, J: 4, E: 4, D: 8 };
	const repeats = columns.map(({ rows }) => rows[0].length);
	const rowBytes = columns.reduce((sum, { code }, i) => sum + width[code] * repeats[i], 0);
	const nRows = columns[0].rows.length;
	const data = Buffer.alloc(rowBytes * nRows, 0);
	for (let r = 0, at = 0; r < nRows; r++) {
		for (const { code, rows } of columns) {
			for (const value of rows[r]) {
				if (code === "A") data.write(value as string, at, "latin1");
				else if (code === "J") data.writeInt32BE(value as number, at);
				else if (code === "E") data.writeFloatBE(value as number, at);
				else data.writeDoubleBE(value as number, at);
				at += width[code];
			}
		}
	}
	const header = headerOf([
		["XTENSION", "BINTABLE"],
		["BITPIX", 8],
		["NAXIS", 2],
		["NAXIS1", rowBytes],
		["NAXIS2", nRows],
		["PCOUNT", 0],
		["GCOUNT", 1],
		["TFIELDS", columns.length],
		...columns.flatMap(({ name: column, code }, i): [string, string][] => [
			[`TTYPE${i + 1}`, column],
			[`TFORM${i + 1}`, `${repeats[i]}${code}`],
		]),
		["EXTNAME", name],
		...cards,
	]);
	return Buffer.concat([header, block(data)]);
}

/** Writes it, time by time. */
export function writeUvfits(path: string, plan: UvfitsToWrite): void {
	const { nAntennas, nTimes, nChannels, ifs, stokes, bitpix = -32, scale = 1, zero = 0, blank } = plan;
	const { pairs = 256, secondDate = "DATE", sample } = plan;
	const rows = pairsOf(nAntennas);
	const names = ["UU---SIN", "VV---SIN", "WW---SIN", "DATE", secondDate];
	names.push(...(pairs === "apart" ? ["ANTENNA1", "ANTENNA2", "SUBARRAY"] : ["BASELINE"]));
	const width = Math.abs(bitpix) / 8;
	// Integers count tenths of nanoseconds, and seconds of the day.
	const isInteger = bitpix > 0;
	const scales = names.map((name, i) => (!isInteger ? 1 : i < 3 ? 1e-10 : i === 4 ? 1 / 86400 : 1));
	const axes: [string, number, number, number][] = [
		["COMPLEX", 3, 1, 1],
		["STOKES", stokes.length, stokes[0], stokes.length > 1 ? stokes[1] - stokes[0] : -1],
		["FREQ", nChannels, 1.4e9, ifs[0].stepHz],
		["IF", ifs.length, 1, 1],
		["RA", 1, 120, 1],
		["DEC", 1, 30, 1],
	];
	const descriptor = openSync(path, "w");
	const write = (bytes: Uint8Array) => {
		for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done);
	};
	write(
		headerOf([
			["SIMPLE", true],
			["BITPIX", bitpix],
			["NAXIS", axes.length + 1],
			["NAXIS1", 0],
			...axes.map(([, length], i): [string, number] => [`NAXIS${i + 2}`, length]),
			["EXTEND", true],
			["GROUPS", true],
			["PCOUNT", names.length],
			["GCOUNT", rows.length * nTimes],
			["BSCALE", scale],
			["BZERO", zero],
			...(blank === undefined ? [] : [["BLANK", blank] as [string, number]]),
			["OBJECT", "FIELD"],
			["TELESCOP", "TEST"],
			["EPOCH", 2000],
			...names.flatMap((name, i): [string, string | number][] => [
				[`PTYPE${i + 1}`, name],
				[`PSCAL${i + 1}`, scales[i]],
				[`PZERO${i + 1}`, i === 3 ? Math.floor(UVFITS_MJD) + 2400000.5 : 0],
			]),
			...axes.flatMap(([name, , value, step], i): [string, string | number][] => [
				[`CTYPE${i + 2}`, name],
				[`CRPIX${i + 2}`, 1],
				[`CRVAL${i + 2}`, value],
				[`CDELT${i + 2}`, step],
			]),
		]),
	);
	const perGroup = names.length + 3 * stokes.length * nChannels * ifs.length;
	const time = Buffer.alloc(rows.length * perGroup * width);
	for (let t = 0; t < nTimes; t++) {
		let at = 0;
		const put = (value: number) => {
			if (bitpix === -32) time.writeFloatBE(value, at);
			else if (bitpix === -64) time.writeDoubleBE(value, at);
			else if (bitpix === 16) time.writeInt16BE(Math.round(value), at);
			else if (bitpix === 32) time.writeInt32BE(Math.round(value), at);
			at += width;
		};
		rows.forEach(([a, b], r) => {
			const uvw = [b - a, 2 * (b - a), 3 * (b - a)].map((steps) => steps * 1e-7);
			const seconds = Math.round((UVFITS_MJD % 1) * 86400) + UVFITS_STEP_S * t;
			for (let k = 0; k < 3; k++) put(uvw[k] / scales[k]);
			put(0);
			put(seconds / 86400 / scales[4]);
			if (pairs === "apart") for (const value of [a, b, 1]) put(value);
			else put(pairs === 256 ? 256 * a + b : 2048 * a + b + 65536);
			for (let w = 0; w < ifs.length; w++) {
				for (let c = 0; c < nChannels; c++) {
					for (let p = 0; p < stokes.length; p++) for (const v of sample(t * rows.length + r, w, c, p)) put(v);
				}
			}
		});
		write(time);
	}
	const bytes = rows.length * nTimes * perGroup * width;
	write(Buffer.alloc((2880 - (bytes % 2880)) % 2880));
	const numbers = Array.from({ length: nAntennas }, (_, i) => i + 1);
	write(
		tableOf(
			"AIPS AN",
			[
				{ name: "ANNAME", code: "A", rows: numbers.map((n) => `A${n}`.padEnd(8)) },
				{ name: "STABXYZ", code: "D", rows: numbers.map((n) => [30 * n, 30 * n * n, 10 * n]) },
				{ name: "NOSTA", code: "J", rows: numbers.map((n) => [n]) },
			],
			[
				["ARRAYX", -1601185.4],
				["ARRAYY", -5041977.5],
				["ARRAYZ", 3554875.9],
				["FRAME", "ITRF"],
				["ARRNAM", "TEST"],
				["TIMSYS", "UTC"],
			],
		),
	);
	write(
		tableOf(
			"AIPS FQ",
			[
				{ name: "FRQSEL", code: "J", rows: [[1]] },
				{ name: "IF FREQ", code: "D", rows: [ifs.map(({ offsetHz }) => offsetHz)] },
				{ name: "CH WIDTH", code: "E", rows: [ifs.map(({ stepHz }) => stepHz)] },
			],
			[["NO_IF", ifs.length]],
		),
	);
	closeSync(descriptor);
}
