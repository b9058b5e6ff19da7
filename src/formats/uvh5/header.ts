import type { Antenna, ArrayLocation, Polarization } from "../../calibration/visibility-set.ts";
import { badInput } from "../../error.ts";
import { itrfFromGeodetic } from "../../sky/geodetic.ts";
import type { Hdf5File } from "../hdf5/file.ts";
import { polarizationFromAips } from "../polarization.ts";
import { readPhaseCentres, type Uvh5Phase } from "./phase-centre.ts";
import { SharedArrays } from "./shared-arrays.ts";

/** MJD = JD - this. JD itself resolves only 40 microseconds. */
const JD_OF_MJD_0 = 2400000.5;
/** More baseline-times than any file holds; a limit on what a damaged header may make us allocate. */
const MOST_ROWS = 1e9;

/** Everything in a UVH5 file but its data, in the file's own order and convention (see `docs/science/visibilities.md`). */
export interface Uvh5Header {
	/** True for files before version 1.0, whose arrays carry an axis of length 1. */
	oldShape: boolean;
	version: string;
	telescope: string;
	location: ArrayLocation;
	antennas: Antenna[];
	/** Per row (baseline-time). */
	nRows: number;
	timesMjd: Float64Array;
	integrationS: Float64Array;
	/** Indices into `antennas` of the file's first and second antenna. */
	first: Int32Array;
	second: Int32Array;
	/** [row][3] m, as stored. */
	uvwM: Float64Array;
	/** Per channel of the file, in the file's order. */
	frequenciesHz: Float64Array;
	channelWidthsHz: Float64Array;
	/** Spectral window number of each channel. */
	windows: Int32Array;
	polarizations: Polarization[];
	phase: Uvh5Phase;
	warnings: string[];
}

/** Reads single values and arrays of the `Header` group, naming what is missing or malformed. */
export class HeaderGroup {
	readonly hdf5: Hdf5File;
	private readonly shared: SharedArrays;
	constructor(hdf5: Hdf5File, shared: SharedArrays) {
		this.hdf5 = hdf5;
		this.shared = shared;
	}

	has(name: string): boolean {
		return this.hdf5.has(`/Header/${name}`);
	}

	refuse(name: string, message: string) {
		return badInput("uvh5-header", `Header/${name} ${message}`, {
			subject: this.hdf5.name,
			remedy: "Check that the file is a complete UVH5 file",
		});
	}

	/** All values as doubles; `length` is checked when given. */
	numbers(name: string, length?: number): Float64Array {
		if (!this.has(name)) throw this.refuse(name, "is missing");
		const values = this.shared.numbers(name, this.hdf5.dataset(`/Header/${name}`));
		if (length !== undefined && values.length !== length) {
			throw this.refuse(name, `has ${values.length} values where ${length} are expected`);
		}
		return values;
	}

	/** The same, refused if one of them is not finite. */
	finite(name: string, length?: number): Float64Array {
		const values = this.numbers(name, length);
		const odd = this.shared.notFinite(name, values);
		if (odd >= 0) throw this.refuse(name, `is not a number at index ${odd}`);
		return values;
	}

	number(name: string): number {
		return this.finite(name, 1)[0];
	}

	/** A count: whole, at least 1, at most `most`. */
	count(name: string, most: number): number {
		const value = this.number(name);
		if (!Number.isInteger(value) || value < 1 || value > most) throw this.refuse(name, `is ${value}, not a count`);
		return value;
	}

	text(name: string): string | undefined {
		return this.has(name) ? this.strings(name)[0] : undefined;
	}

	strings(name: string): string[] {
		return this.hdf5.dataset(`/Header/${name}`).strings();
	}
}

/**
 * Reads and checks a UVH5 header (pyuvdata memo 102; old and new shapes, DSA-110's own dialect).
 *
 * @param shared arrays of headers that were read before, of the same group.
 * @throws CausticError `uvh5-header` naming the field.
 */
export function readHeader(hdf5: Hdf5File, shared = new SharedArrays()): Uvh5Header {
	const header = new HeaderGroup(hdf5, shared);
	if (!hdf5.has("/Header") || !hdf5.has("/Data")) {
		throw badInput("not-uvh5", "it is HDF5, but has no groups Header and Data", {
			subject: hdf5.name,
			remedy: "Give a UVH5 file",
		});
	}
	const warnings: string[] = [];
	const version = header.text("version") ?? "0";
	const nRows = header.count("Nblts", MOST_ROWS);
	const nFrequencies = header.count("Nfreqs", 1e7);
	const nPolarizations = header.count("Npols", 16);

	const latitudeDeg = header.number("latitude");
	const longitudeDeg = header.number("longitude");
	const heightM = header.number("altitude");
	if (Math.abs(latitudeDeg) > 90 || Math.abs(longitudeDeg) > 360 || Math.abs(heightM) > 1e5) {
		throw header.refuse(
			"latitude, longitude, altitude",
			`(${latitudeDeg}, ${longitudeDeg}, ${heightM}) is no place on Earth`,
		);
	}
	const frame = header.text("telescope_frame") ?? "itrs";
	if (frame.toLowerCase() !== "itrs") throw header.refuse("telescope_frame", `is ${frame}; only itrs is supported`);

	const antennas = readAntennas(header, itrfFromGeodetic(longitudeDeg, latitudeDeg, heightM));
	const indexOf = new Map(antennas.map((antenna, index) => [antenna.number, index]));
	const indices = (name: string) => {
		const numbers = header.finite(name, nRows);
		return shared.derive(name, [numbers, header.finite("antenna_numbers")], () => indicesOf(name, numbers));
	};
	const indicesOf = (name: string, numbers: Float64Array) => {
		const found = new Int32Array(nRows);
		let before = Number.NaN;
		let index: number | undefined;
		for (let row = 0; row < nRows; row++) {
			const number = numbers[row];
			// Rows of one antenna mostly follow one another.
			if (number !== before) index = indexOf.get(number);
			if (index === undefined)
				throw header.refuse(name, `names antenna ${number} in row ${row}, which is not in antenna_numbers`);
			before = number;
			found[row] = index;
		}
		return found;
	};

	const julian = header.finite("time_array", nRows);
	const timesMjd = shared.derive("times", [julian], () => {
		const mjd = julian.map((jd) => jd - JD_OF_MJD_0);
		const early = mjd.findIndex((day) => day < 15000 || day > 120000);
		if (early >= 0)
			throw header.refuse(
				"time_array",
				`is JD ${mjd[early] + JD_OF_MJD_0} in row ${early}, which is no date of an observation`,
			);
		return mjd;
	});

	const frequenciesHz = header.finite("freq_array", nFrequencies);
	if (frequenciesHz.some((hz) => hz <= 0)) throw header.refuse("freq_array", "has a frequency that is not positive");
	const widths = header.finite("channel_width");
	if (widths.length !== 1 && widths.length !== nFrequencies)
		throw header.refuse("channel_width", `has ${widths.length} values`);
	const channelWidthsHz = Float64Array.from(frequenciesHz, (_, i) => Math.abs(widths[widths.length === 1 ? 0 : i]));
	const integration = header.finite("integration_time");
	if (integration.length !== 1 && integration.length !== nRows) {
		throw header.refuse("integration_time", `has ${integration.length} values`);
	}
	const windows = header.has("flex_spw_id_array")
		? Int32Array.from(header.finite("flex_spw_id_array", nFrequencies))
		: new Int32Array(nFrequencies);

	return {
		oldShape: !/^[1-9]/.test(version),
		version,
		telescope: header.text("telescope_name") ?? "",
		location: { longitudeDeg, latitudeDeg, heightM },
		antennas,
		nRows,
		timesMjd,
		integrationS:
			integration.length === 1
				? shared.derive("integration", [integration, nRows], () => new Float64Array(nRows).fill(integration[0]))
				: integration,
		first: indices("ant_1_array"),
		second: indices("ant_2_array"),
		uvwM: header.numbers("uvw_array", 3 * nRows),
		frequenciesHz,
		channelWidthsHz,
		windows,
		polarizations: Array.from(header.finite("polarization_array", nPolarizations), (code) =>
			polarizationFromAips(code, hdf5.name),
		),
		phase: readPhaseCentres(header, nRows, warnings),
		warnings,
	};
}

function readAntennas(header: HeaderGroup, centre: readonly number[]): Antenna[] {
	const numbers = header.finite("antenna_numbers");
	const count = numbers.length;
	const positions = header.finite("antenna_positions", 3 * count);
	const names = header.has("antenna_names") ? header.strings("antenna_names") : Array.from(numbers, String);
	if (names.length !== count)
		throw header.refuse("antenna_names", `has ${names.length} values where ${count} are expected`);
	const diameters = header.has("antenna_diameters")
		? header.numbers("antenna_diameters")
		: new Float64Array([Number.NaN]);
	const antennas = Array.from(
		numbers,
		(number, i): Antenna => ({
			name: names[i],
			number,
			positionItrfM: [centre[0] + positions[3 * i], centre[1] + positions[3 * i + 1], centre[2] + positions[3 * i + 2]],
			diameterM: diameters[diameters.length === count ? i : 0] || Number.NaN,
		}),
	);
	if (new Set(numbers).size !== count) throw header.refuse("antenna_numbers", "names an antenna twice");
	return antennas;
}
