import { renameSync, rmSync } from "node:fs";
import type {
	Antenna,
	ArrayLocation,
	Field,
	Polarization,
	VisibilityBlock,
	VisibilitySet,
} from "../../calibration/visibility-set.ts";
import { badInput, failure } from "../../error.ts";
import { geodeticFromItrf, itrfFromGeodetic } from "../../sky/geodetic.ts";
import { Hdf5Writer, type RowWriter } from "../hdf5/writer.ts";
import { polarizationToAips } from "../polarization.ts";

/** Samples that are read and written at once. */
const BLOCK_BYTES = 4 << 20;

/** What a UVH5 file says beside its rows. */
export interface Uvh5Description {
	telescope: string;
	location: ArrayLocation;
	antennas: readonly Antenna[];
	/** Ascending, Hz. */
	frequenciesHz: Float64Array;
	channelWidthsHz: Float64Array;
	polarizations: readonly Polarization[];
	field: Field;
	/** Rows that will be appended: the space is set aside at once. */
	nRows: number;
	instrument?: string;
	history?: string;
	/** Further values for `extra_keywords`. */
	extra?: Readonly<Record<string, number | string>>;
}

export interface Uvh5WriteOptions {
	/** Store the highest frequency first, as DSA-110 does. */
	descending?: boolean;
	/** Chunk the arrays as DSA-110's writer does: (128, 1, 12, 1), (256, 1, 24, 1), (256, 1, 12, 1); else in one piece. */
	dsaChunks?: boolean;
	/** uvw as float32, as DSA-110 stores them. */
	singlePrecisionUvw?: boolean;
}

/**
 * Writes one UVH5 file of the shape before version 1.0 (arrays with an axis of length 1), row by row, in the UVH5 convention
 * (conj(V), -uvw) from blocks in ours. It is `<path without extension>_incomplete<extension>` until {@link close}.
 */
export class Uvh5Writer {
	readonly path: string;
	private readonly partial: string;
	private readonly hdf5: Hdf5Writer;
	private readonly what: Uvh5Description;
	private readonly options: Uvh5WriteOptions;
	private readonly data: RowWriter;
	private readonly flags: RowWriter;
	private readonly samples: RowWriter;
	private readonly times: Float64Array;
	private readonly integration: Float64Array;
	private readonly first: BigInt64Array;
	private readonly second: BigInt64Array;
	private readonly uvw: Float64Array;
	private nRows = 0;

	constructor(path: string, what: Uvh5Description, options: Uvh5WriteOptions = {}) {
		if (what.nRows < 1 || what.frequenciesHz.length === 0 || what.polarizations.length === 0) {
			throw badInput("uvh5-write", "a file without rows, channels or polarisations cannot be written", {
				subject: path,
			});
		}
		this.path = path;
		this.what = what;
		this.options = options;
		this.partial = path.replace(/(\.[^./]*)?$/, "_incomplete$1");
		this.hdf5 = new Hdf5Writer(this.partial);
		const shape = [what.nRows, 1, what.frequenciesHz.length, what.polarizations.length];
		const chunk = (rows: number, channels: number) =>
			options.dsaChunks === true ? [Math.min(rows, shape[0]), 1, Math.min(channels, shape[2]), 1] : undefined;
		this.data = this.hdf5.rows("/Data/visdata", "complex64", shape, chunk(128, 12));
		this.flags = this.hdf5.rows("/Data/flags", "boolean", shape, chunk(256, 24));
		this.samples = this.hdf5.rows("/Data/nsamples", "float32", shape, chunk(256, 12));
		this.times = new Float64Array(what.nRows);
		this.integration = new Float64Array(what.nRows);
		this.first = new BigInt64Array(what.nRows);
		this.second = new BigInt64Array(what.nRows);
		this.uvw = new Float64Array(3 * what.nRows);
	}

	/**
	 * Adds the rows of a block that spans all channels of this file.
	 *
	 * @param timesMjd what the block's `timeIndex` refers to.
	 */
	append(block: VisibilityBlock, timesMjd: Float64Array): void {
		const { what, options } = this;
		const channels = what.frequenciesHz.length;
		const nPol = what.polarizations.length;
		if (block.nChannels !== channels) {
			throw failure("uvh5-write", `a block has ${block.nChannels} channels where the file has ${channels}`, {
				subject: this.path,
			});
		}
		if (this.nRows + block.nRows > what.nRows) {
			throw failure("uvh5-write", `there are more than the ${what.nRows} rows announced`, { subject: this.path });
		}
		const size = block.nRows * channels * nPol;
		const data = new Float32Array(2 * size);
		const flags = new Uint8Array(size);
		const samples = new Float32Array(size);
		for (let r = 0; r < block.nRows; r++) {
			for (let c = 0; c < channels; c++) {
				let from = (r * channels + c) * nPol;
				let to = (r * channels + (options.descending === true ? channels - 1 - c : c)) * nPol;
				for (let p = 0; p < nPol; p++, from++, to++) {
					data[2 * to] = block.visibilities[2 * from];
					data[2 * to + 1] = -block.visibilities[2 * from + 1];
					flags[to] = block.flags[from];
					samples[to] = block.weights === undefined ? 1 : block.weights[from];
				}
			}
			const row = this.nRows + r;
			this.times[row] = timesMjd[block.timeIndex[r]] + 2400000.5;
			this.integration[row] = block.integrationS[r];
			this.first[row] = BigInt(what.antennas[block.antenna1[r]].number);
			this.second[row] = BigInt(what.antennas[block.antenna2[r]].number);
			for (let k = 0; k < 3; k++) this.uvw[3 * row + k] = -block.uvwM[3 * r + k];
		}
		this.data.append(new Uint8Array(data.buffer));
		this.flags.append(flags);
		this.samples.append(new Uint8Array(samples.buffer));
		this.nRows += block.nRows;
	}

	/** Writes the header and gives the file its name. Throws if rows are missing. */
	close(): void {
		try {
			this.data.finish();
			this.flags.finish();
			this.samples.finish();
			this.writeHeader();
			this.hdf5.close();
			renameSync(this.partial, this.path);
		} catch (error) {
			this.abandon();
			throw error;
		}
	}

	/** Removes what was written. */
	abandon(): void {
		this.hdf5.abandon();
		rmSync(this.partial, { force: true });
	}

	private writeHeader(): void {
		const { hdf5, what, options } = this;
		const put = (name: string) => `/Header/${name}`;
		const { antennas, location } = what;
		const count = antennas.length;
		const unique = (values: Iterable<unknown>) => new Set(values).size;
		const pairs = Array.from(this.first, (a, i) => `${a} ${this.second[i]}`);
		hdf5.text(put("version"), "0.1");
		hdf5.integer(put("Nants_data"), unique([...this.first, ...this.second]));
		hdf5.integer(put("Nants_telescope"), count);
		hdf5.integer(put("Nbls"), unique(pairs));
		hdf5.integer(put("Nblts"), what.nRows);
		hdf5.integer(put("Nfreqs"), what.frequenciesHz.length);
		hdf5.integer(put("Npols"), what.polarizations.length);
		hdf5.integer(put("Nspws"), 1);
		hdf5.integer(put("Ntimes"), unique(this.times));
		hdf5.number(put("latitude"), location.latitudeDeg);
		hdf5.number(put("longitude"), location.longitudeDeg);
		hdf5.number(put("altitude"), location.heightM);
		hdf5.text(put("telescope_name"), what.telescope);
		hdf5.text(put("instrument"), what.instrument ?? what.telescope);
		hdf5.text(put("history"), what.history ?? "written by Caustic");
		hdf5.text(put("vis_units"), "uncalib");
		hdf5.dataset(put("ant_1_array"), "int64", [what.nRows], this.first);
		hdf5.dataset(put("ant_2_array"), "int64", [what.nRows], this.second);
		hdf5.dataset(
			put("antenna_numbers"),
			"int64",
			[count],
			BigInt64Array.from(antennas, (a) => BigInt(a.number)),
		);
		hdf5.texts(
			put("antenna_names"),
			antennas.map((antenna) => antenna.name),
		);
		const centre = itrfFromGeodetic(location.longitudeDeg, location.latitudeDeg, location.heightM);
		const positions = Float64Array.from(
			{ length: 3 * count },
			(_, i) => antennas[Math.floor(i / 3)].positionItrfM[i % 3] - centre[i % 3],
		);
		hdf5.dataset(put("antenna_positions"), "float64", [count, 3], positions);
		if (antennas.every((antenna) => Number.isFinite(antenna.diameterM))) {
			hdf5.dataset(
				put("antenna_diameters"),
				"float64",
				[count],
				Float64Array.from(antennas, (a) => a.diameterM),
			);
		}
		const order = options.descending === true ? what.frequenciesHz.slice().reverse() : what.frequenciesHz;
		hdf5.dataset(put("freq_array"), "float64", [1, order.length], order);
		hdf5.number(put("channel_width"), commonWidth(what.channelWidthsHz, this.path));
		hdf5.dataset(put("spw_array"), "int64", [1], new BigInt64Array([1n]));
		hdf5.dataset(put("time_array"), "float64", [what.nRows], this.times);
		hdf5.dataset(put("integration_time"), "float64", [what.nRows], this.integration);
		if (options.singlePrecisionUvw === true) {
			hdf5.dataset(put("uvw_array"), "float32", [what.nRows, 3], Float32Array.from(this.uvw));
		} else hdf5.dataset(put("uvw_array"), "float64", [what.nRows, 3], this.uvw);
		const codes = BigInt64Array.from(what.polarizations, (name) => BigInt(polarizationToAips(name)));
		hdf5.dataset(put("polarization_array"), "int64", [codes.length], codes);
		this.writePhase();
		for (const [name, value] of Object.entries(what.extra ?? {})) {
			if (typeof value === "number") hdf5.number(put(`extra_keywords/${name}`), value);
			else hdf5.text(put(`extra_keywords/${name}`), value);
		}
	}

	private writePhase(): void {
		const { hdf5 } = this;
		const { name, phaseCentre } = this.what.field;
		const rad = Math.PI / 180;
		hdf5.text("/Header/object_name", name || "unknown");
		if (phaseCentre.kind === "sidereal") {
			hdf5.text("/Header/phase_type", "phased");
			hdf5.number("/Header/phase_center_ra", phaseCentre.raDeg * rad);
			hdf5.number("/Header/phase_center_dec", phaseCentre.decDeg * rad);
			hdf5.number("/Header/phase_center_epoch", phaseCentre.epochYear);
			hdf5.text("/Header/phase_center_frame", phaseCentre.frame.toLowerCase());
			return;
		}
		hdf5.text("/Header/phase_type", "drift");
		if (phaseCentre.kind === "meridian") {
			hdf5.number("/Header/extra_keywords/phase_center_dec", phaseCentre.declinationDeg * rad);
			hdf5.number("/Header/extra_keywords/ha_phase_center", phaseCentre.hourAngleDeg * rad);
			hdf5.number("/Header/extra_keywords/phase_center_epoch", 2000);
		}
	}
}

function commonWidth(widths: Float64Array, path: string): number {
	const odd = widths.find((width) => Math.abs(width - widths[0]) > 1e-6 * widths[0]);
	if (odd !== undefined) {
		throw badInput("uvh5-write", `channels of ${widths[0]} and ${odd} Hz cannot share a file of this version`, {
			subject: path,
			remedy: "Write each spectral window to a file of its own",
		});
	}
	return widths[0];
}

/**
 * Writes one spectral window of a set as a UVH5 file, streaming.
 *
 * @throws CausticError if the set has several fields (a file of this version has one phase centre).
 */
export async function writeUvh5(
	path: string,
	set: VisibilitySet,
	window: number,
	options: Uvh5WriteOptions &
		Pick<Uvh5Description, "history" | "extra"> & { column?: "data" | "corrected" | "model" } = {},
): Promise<void> {
	const { firstChannel, nChannels, nRows } = set.spectralWindows[window];
	if (set.fields.length !== 1) {
		throw badInput("uvh5-write", `it has ${set.fields.length} fields; a UVH5 file of this version has one`, {
			subject: set.source[0],
			remedy: "Split it by field first",
		});
	}
	const channels = [firstChannel, firstChannel + nChannels] as const;
	const read = { channels, autocorrelations: true, column: options.column, blockBytes: BLOCK_BYTES };
	const writer = new Uvh5Writer(
		path,
		{
			telescope: set.telescope,
			location: set.location ?? meanPlace(set.antennas),
			antennas: set.antennas,
			frequenciesHz: set.frequenciesHz.slice(...channels),
			channelWidthsHz: set.channelWidthsHz.slice(...channels),
			polarizations: set.polarizations,
			field: set.fields[0],
			nRows,
			history: options.history,
			extra: options.extra,
		},
		options,
	);
	try {
		for await (const block of set.blocks(read)) writer.append(block, set.timesMjd);
	} catch (error) {
		writer.abandon();
		throw error;
	}
	writer.close();
}

function meanPlace(antennas: readonly Antenna[]): ArrayLocation {
	const mean = [0, 1, 2].map((k) => antennas.reduce((sum, a) => sum + a.positionItrfM[k], 0) / antennas.length);
	return geodeticFromItrf(mean[0], mean[1], mean[2]);
}
