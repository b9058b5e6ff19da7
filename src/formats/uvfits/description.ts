import type { Antenna, ArrayLocation, Field, Polarization } from "../../calibration/visibility-set.ts";
import { geodeticFromItrf } from "../../sky/geodetic.ts";
import type { FitsHdu } from "../fits/file.ts";
import type { FitsHeader } from "../fits/header.ts";
import { polarizationFromAips } from "../polarization.ts";
import type { RandomAccess } from "../random-access.ts";
import { refuseUvfits, SmallTable } from "./hdus.ts";

/** One axis of the array in every group. */
export interface GroupAxis {
	length: number;
	/** Values from one element to the next. */
	stride: number;
	/** Value at element `reference`, counted from 1, and how much it grows by per element. */
	start: number;
	reference: number;
	step: number;
	value(index: number): number;
}

/** A random parameter: stored x scale + zero; parameters of one name are added. */
export interface GroupParameter {
	index: number;
	scale: number;
	zero: number;
}

export interface UvfitsDescription {
	nGroups: number;
	nParameters: number;
	/** Values in a group behind its parameters. */
	nValues: number;
	dataStart: number;
	bitpix: -32 | -64 | 16 | 32;
	/** Values behind the parameters are stored x scale + zero; integers that are `blank` are no numbers. */
	scale: number;
	zero: number;
	blank: number | undefined;
	complex: GroupAxis;
	stokes: GroupAxis;
	frequency: GroupAxis;
	windows: GroupAxis;
	/** By name without `-SIN` and the like: UU, VV, WW, DATE, BASELINE ... */
	parameters: Map<string, GroupParameter[]>;
	polarizations: Polarization[];
	antennas: Antenna[];
	location: ArrayLocation | undefined;
	telescope: string;
	/** Frequencies of each IF's channels in the file's order, Hz. */
	windowsHz: Float64Array[];
	/** Widths of their channels, Hz. */
	widthsHz: Float64Array;
	fields: Field[];
	/** Values of SOURCE by field; empty if there is one field. */
	sourceIds: number[];
	/** DATE is atomic time, not UTC. */
	isAtomicTime: boolean;
	warnings: string[];
}

/** Reads and checks everything in a UVFITS file but its groups (AIPS Memo 117). */
export function describeUvfits(source: RandomAccess, hdus: readonly FitsHdu[]): UvfitsDescription {
	const [primary] = hdus;
	const { header } = primary;
	const file = source.name;
	if (!header.isRandomGroups) {
		throw refuseUvfits(
			file,
			"it is FITS, but holds no random groups",
			"Give a UVFITS file; images are read by caustic run and measure",
		);
	}
	const { bitpix } = header;
	if (bitpix !== -32 && bitpix !== -64 && bitpix !== 16 && bitpix !== 32)
		throw refuseUvfits(file, `BITPIX ${bitpix} is not supported`, "Write it as 32-bit floating point");
	const axes = groupAxes(header, file);
	const axis = (name: string) => {
		const found = axes.get(name);
		if (found === undefined) throw refuseUvfits(file, `it has no axis ${name}`);
		return found;
	};
	const lone: GroupAxis = { length: 1, stride: 0, start: 0, reference: 1, step: 0, value: () => 0 };
	const complex = axis("COMPLEX");
	if (complex.length !== 2 && complex.length !== 3)
		throw refuseUvfits(file, `its COMPLEX axis has ${complex.length} values, not 2 or 3`);
	const stokes = axis("STOKES");
	const frequency = axis("FREQ");
	const windows = axes.get("IF") ?? lone;
	const warnings: string[] = [];
	const find = (name: string) => hdus.find((hdu) => hdu.header.text("EXTNAME") === name);
	const an = hdus.filter((hdu) => hdu.header.text("EXTNAME") === "AIPS AN");
	if (an.length === 0) throw refuseUvfits(file, "it has no antenna table (AIPS AN)");
	if (an.length > 1) warnings.push(`it has ${an.length} antenna tables; antennas are those of the first`);
	const arrays = new SmallTable(source, an[0]);
	const [antennas, location] = readAntennas(arrays, warnings);
	const su = find("AIPS SU");
	const sources = su === undefined ? undefined : new SmallTable(source, su);
	const system = arrays.header.text("TIMSYS") ?? arrays.header.text("TIMESYS") ?? "UTC";
	return {
		nGroups: header.whole("GCOUNT", 0, Number.MAX_SAFE_INTEGER, 0),
		nParameters: header.whole("PCOUNT", 0, 1000, 0),
		nValues: header.naxis.slice(1).reduce((a, b) => a * b, 1),
		dataStart: primary.dataStart,
		bitpix,
		scale: header.number("BSCALE") ?? 1,
		zero: header.number("BZERO") ?? 0,
		blank: bitpix > 0 ? header.number("BLANK") : undefined,
		complex,
		stokes,
		frequency,
		windows,
		parameters: groupParameters(header),
		polarizations: Array.from({ length: stokes.length }, (_, i) =>
			polarizationFromAips(Math.round(stokes.value(i)), file),
		),
		antennas,
		location,
		telescope: header.text("TELESCOP") ?? arrays.header.text("ARRNAM") ?? "",
		...windowFrequencies(source, find("AIPS FQ"), windows.length, frequency, file),
		fields: sources === undefined ? [singleField(header, axes)] : sourceFields(sources, header),
		sourceIds: sources === undefined ? [] : Array.from(sources.numbers("ID. NO.").values),
		isAtomicTime: /^(IAT|TAI)/i.test(system),
		warnings,
	};
}

function groupAxes(header: FitsHeader, file: string): Map<string, GroupAxis> {
	const axes = new Map<string, GroupAxis>();
	let stride = 1;
	for (let n = 2; n <= header.naxis.length; n++) {
		const name = (header.text(`CTYPE${n}`) ?? "").toUpperCase();
		const length = header.naxis[n - 1];
		if (length === 0) throw refuseUvfits(file, `its axis ${name || n} has no values`);
		const reference = header.number(`CRPIX${n}`) ?? 1;
		const start = header.number(`CRVAL${n}`) ?? 0;
		const step = header.number(`CDELT${n}`) ?? 1;
		const key = name.replace(/-.*$/, "");
		const value = (index: number) => start + (index + 1 - reference) * step;
		axes.set(key, { length, stride, start, reference, step, value });
		if (!["COMPLEX", "STOKES", "FREQ", "IF", "RA", "DEC"].includes(key) && length > 1) {
			throw refuseUvfits(file, `its axis ${name || n} of ${length} values is not supported`);
		}
		stride *= length;
	}
	return axes;
}

function groupParameters(header: FitsHeader): Map<string, GroupParameter[]> {
	const parameters = new Map<string, GroupParameter[]>();
	for (let n = 1; n <= header.whole("PCOUNT", 0, 1000, 0); n++) {
		// DATE is often there twice, some write the second as _DATE. UU, UU--, UU---SIN: seconds of light. UU-L, UU-L-SIN: wavelengths, made seconds by PSCAL.
		const name = (header.text(`PTYPE${n}`) ?? "").toUpperCase().replace(/^_|-.*$/g, "");
		const list = parameters.get(name) ?? [];
		list.push({ index: n - 1, scale: header.number(`PSCAL${n}`) ?? 1, zero: header.number(`PZERO${n}`) ?? 0 });
		parameters.set(name, list);
	}
	return parameters;
}

function readAntennas(table: SmallTable, warnings: string[]): [Antenna[], ArrayLocation | undefined] {
	const { header } = table;
	const file = header.source;
	const names = table.strings("ANNAME");
	const numbers = table.numbers("NOSTA").values;
	const { values, repeat } = table.numbers("STABXYZ");
	if (repeat !== 3) throw refuseUvfits(file, `STABXYZ has ${repeat} values, not 3`);
	const diameters = table.has("DIAMETER") ? table.numbers("DIAMETER").values : undefined;
	const centre = ["ARRAYX", "ARRAYY", "ARRAYZ"].map((key) => header.number(key) ?? 0);
	const isRelative = Math.hypot(...centre) > 0;
	const frame = header.text("FRAME") ?? "";
	if (isRelative && !frame.toUpperCase().startsWith("ITRF")) {
		warnings.push(
			"the frame of the antenna positions is not stated; they are taken as ITRF, not turned to the array's longitude",
		);
	}
	const hand = /^LEFT/i.test(header.text("XYZHAND") ?? "RIGHT") ? -1 : 1;
	const antennas = names.map((name, i): Antenna => {
		const [x, y, z] = [values[3 * i], hand * values[3 * i + 1], values[3 * i + 2]];
		return {
			name: name || `${numbers[i]}`,
			number: numbers[i],
			positionItrfM: [centre[0] + x, centre[1] + y, centre[2] + z],
			diameterM: diameters?.[i] || Number.NaN,
		};
	});
	if (antennas.some(({ positionItrfM }) => positionItrfM.some((value) => !Number.isFinite(value)))) {
		throw refuseUvfits(file, "an antenna's position is no number");
	}
	const place = isRelative
		? centre
		: [0, 1, 2].map((k) => antennas.reduce((sum, a) => sum + a.positionItrfM[k], 0) / antennas.length);
	// The middle of an array as wide as the Earth is inside it: no place.
	const onEarth = Math.abs(Math.hypot(...place) - 6.37e6) < 5e4;
	return [antennas, onEarth ? geodeticFromItrf(place[0], place[1], place[2]) : undefined];
}

/** Each IF may have a channel step of its own, of either sign. */
function windowFrequencies(
	source: RandomAccess,
	hdu: FitsHdu | undefined,
	count: number,
	axis: GroupAxis,
	file: string,
): { windowsHz: Float64Array[]; widthsHz: Float64Array } {
	let offsets = new Float64Array(1);
	let steps: Float64Array | undefined;
	if (hdu !== undefined) {
		const table = new SmallTable(source, hdu);
		if (table.nRows === 0) throw refuseUvfits(file, "its frequency table is empty");
		if (table.nRows > 1) {
			const remedy = "Split it by frequency set-up (FREQID) first";
			throw refuseUvfits(file, `it has ${table.nRows} frequency set-ups`, remedy);
		}
		const { values, repeat } = table.numbers("IF FREQ");
		if (repeat < count) throw refuseUvfits(file, `its frequency table has ${repeat} of ${count} IFs`);
		offsets = values.slice(0, count) as Float64Array<ArrayBuffer>;
		if (table.has("CH WIDTH")) steps = table.numbers("CH WIDTH").values.slice(0, count);
	} else if (count > 1) throw refuseUvfits(file, `it has ${count} IFs, but no frequency table (AIPS FQ)`);
	const widthsHz = new Float64Array(count);
	const windowsHz = Array.from({ length: count }, (_, w) => {
		let step = steps?.[w] ?? axis.step;
		// Some leave it empty; and single precision is all that the table has.
		if (!Number.isFinite(step) || step === 0) step = axis.step;
		else if (Math.abs(Math.abs(step) - Math.abs(axis.step)) < 1e-6 * Math.abs(step)) {
			step = Math.sign(step) * Math.abs(axis.step);
		}
		widthsHz[w] = Math.abs(step);
		const { start, reference, length } = axis;
		return Float64Array.from({ length }, (_, c) => start + offsets[w] + (c + 1 - reference) * step);
	});
	return { windowsHz, widthsHz };
}

/** J2000, whatever epoch old writers left; but 1950 is meant where it stands, and turns the whole (u, v) plane. */
function centreOf(file: string, raDeg: number, decDeg: number, epoch: number | undefined): Field["phaseCentre"] {
	if (epoch === 1950) {
		throw refuseUvfits(
			file,
			"its coordinates are of 1950",
			"Rewrite it with J2000 coordinates, for instance with AIPS UVFIX",
		);
	}
	return { kind: "sidereal", raDeg: ((raDeg % 360) + 360) % 360, decDeg, frame: "FK5", epochYear: 2000 };
}

function singleField(header: FitsHeader, axes: Map<string, GroupAxis>): Field {
	const ra = axes.get("RA")?.value(0) ?? header.number("OBSRA");
	const dec = axes.get("DEC")?.value(0) ?? header.number("OBSDEC");
	if (ra === undefined || dec === undefined || !(Math.abs(dec) <= 90)) {
		throw refuseUvfits(header.source, "it does not say where it points (axes RA and DEC)");
	}
	return {
		name: header.text("OBJECT") ?? "",
		phaseCentre: centreOf(header.source, ra, dec, header.number("EQUINOX") ?? header.number("EPOCH")),
	};
}

function sourceFields(table: SmallTable, header: FitsHeader): Field[] {
	const ra = table.numbers("RAEPO").values;
	const dec = table.numbers("DECEPO").values;
	const epochs = table.has("EPOCH") ? table.numbers("EPOCH").values : undefined;
	return table.strings("SOURCE").map((name, i) => {
		if (!(Math.abs(dec[i]) <= 90)) throw refuseUvfits(header.source, `source ${name} stands at declination ${dec[i]}`);
		return { name, phaseCentre: centreOf(header.source, ra[i], dec[i], epochs?.[i]) };
	});
}
