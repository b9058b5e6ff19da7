import { badInput } from "../../error.ts";
import { convertNumbers } from "../hdf5/convert-numbers.ts";
import { Hdf5Dataset, type PortableDataset } from "../hdf5/dataset.ts";
import { complexParts, type Datatype, describe } from "../hdf5/datatype.ts";
import type { Hdf5File } from "../hdf5/file.ts";
import type { RandomAccess } from "../random-access.ts";
import { rawBytes } from "../raw-bytes.ts";
import { sampleMemoryOf } from "../sample-kernels.ts";
import type { Uvh5Header } from "./header.ts";

/** Rows and channels of a file, in its own order; channels come out in ascending frequency. */
export interface Uvh5Box {
	row: number;
	rows: number;
	channel: number;
	channels: number;
	descending: boolean;
}

/** Sample k of the box's row r goes to number `at + r * width + k`. */
export interface RowPlace {
	at: number;
	width: number;
}

interface DataArrays {
	visibilities: Hdf5Dataset;
	flags: Hdf5Dataset;
	samples: Hdf5Dataset | undefined;
}

/** The arrays of a file's `Data` group, as another thread needs them. Can be cloned. */
export interface PortableUvh5Data {
	visibilities: PortableDataset;
	flags: PortableDataset;
	samples: PortableDataset | undefined;
}

/** Two doubles, and as much again. */
const MOST_COMPLEX_BYTES = 32;

/**
 * Boxes of rows and channels of one file's `Data` group, in the file's sign and order of antennas, whichever shape and number
 * type its writer chose.
 */
export class Uvh5Data {
	/** Rows in a chunk of the largest chunking: reading multiples of it touches no chunk twice. */
	readonly rowsPerChunk: number;
	readonly nPolarizations: number;
	private readonly file: string;
	private readonly visibilities: Hdf5Dataset;
	private readonly flags: Hdf5Dataset;
	private readonly samples: Hdf5Dataset | undefined;
	/** Dimensions before the channel axis: [row] or [row, 1]. */
	private readonly leading: number;
	private readonly real: { offset: number; type: Datatype };
	private readonly imaginary: { offset: number; type: Datatype };
	private scratch = new Uint8Array(0);

	private constructor(file: string, { visibilities, flags, samples }: DataArrays) {
		this.file = file;
		this.visibilities = visibilities;
		this.flags = flags;
		this.samples = samples;
		const { shape, type } = visibilities;
		this.leading = shape.length === 4 ? 2 : 1;
		this.nPolarizations = shape[this.leading + 1];
		const parts = complexParts(type);
		// Two numbers and no more: what stands between them would be read for nothing.
		if (parts === undefined || type.size > MOST_COMPLEX_BYTES) {
			throw badInput("uvh5-type", `Data/visdata is ${describe(type)}, not complex numbers`, { subject: file });
		}
		this.real = parts.real;
		this.imaginary = parts.imaginary;
		this.rowsPerChunk = Math.max(...[visibilities, flags, samples].map((dataset) => dataset?.chunk?.[0] ?? 1));
	}

	/** @throws CausticError `uvh5-shape` or `uvh5-type` if the arrays are not what the header says. */
	static open(hdf5: Hdf5File, header: Uvh5Header): Uvh5Data {
		const file = hdf5.name;
		const visibilities = hdf5.dataset("/Data/visdata");
		const flags = hdf5.dataset("/Data/flags");
		const samples = hdf5.has("/Data/nsamples") ? hdf5.dataset("/Data/nsamples") : undefined;
		const { shape } = visibilities;
		const wanted = [header.nRows, header.frequenciesHz.length, header.polarizations.length];
		const squeezed = shape.length === 4 && shape[1] === 1 ? [shape[0], shape[2], shape[3]] : shape;
		if (squeezed.length !== 3 || squeezed.some((extent, d) => extent !== wanted[d])) {
			throw badInput("uvh5-shape", `Data/visdata has shape (${shape}) where the header says (${wanted})`, {
				subject: file,
				remedy: "The file is incomplete or damaged: wait for its writer or copy it again",
			});
		}
		for (const dataset of [flags, samples]) {
			if (dataset !== undefined && String(dataset.shape) !== String(shape)) {
				throw badInput("uvh5-shape", `${dataset.name} has shape (${dataset.shape}) where visdata has (${shape})`, {
					subject: file,
					remedy: "The file is damaged: copy it again",
				});
			}
		}
		const data = new Uvh5Data(file, { visibilities, flags, samples });
		const flagType = flags.type;
		if (flagType.size !== 1 || (flagType.kind !== "enum" && flagType.kind !== "integer")) {
			throw badInput("uvh5-type", `Data/flags is ${describe(flagType)}, not booleans`, { subject: file });
		}
		const sampleType = samples?.type;
		if (sampleType !== undefined && sampleType.kind !== "float" && sampleType.kind !== "integer") {
			throw badInput("uvh5-type", `Data/nsamples is ${describe(sampleType)}, not numbers`, { subject: file });
		}
		return data;
	}

	/** What another thread needs to read the same arrays. */
	portable(): PortableUvh5Data {
		const { visibilities, flags, samples } = this;
		return { visibilities: visibilities.portable(), flags: flags.portable(), samples: samples?.portable() };
	}

	static restore(source: RandomAccess, { visibilities, flags, samples }: PortableUvh5Data): Uvh5Data {
		return new Uvh5Data(source.name, {
			visibilities: Hdf5Dataset.restore(source, visibilities),
			flags: Hdf5Dataset.restore(source, flags),
			samples: samples === undefined ? undefined : Hdf5Dataset.restore(source, samples),
		});
	}

	/** Whether single precision loses something of what is stored. */
	get isNarrowed(): boolean {
		return this.real.type.size > 4 || this.real.type.kind === "integer";
	}

	get hasSamples(): boolean {
		return this.samples !== undefined;
	}

	/** Reads a box to its place; see `Hdf5Dataset.readInto` for `lazy`, `flip` and what is returned. */
	private box(dataset: Hdf5Dataset, box: Uvh5Box, bytes: Uint8Array, place: RowPlace, lazy: boolean, flip = false) {
		const { leading } = this;
		const nPol = dataset.shape[leading + 1];
		const start = dataset.shape.map(() => 0);
		const count = [...dataset.shape];
		start[0] = box.row;
		count[0] = box.rows;
		start[leading] = box.channel;
		count[leading] = box.channels;
		const strides = dataset.shape.map(() => 1);
		strides[0] = place.width;
		strides[leading] = box.descending ? -nPol : nPol;
		const at = place.at + (box.descending ? (box.channels - 1) * nPol : 0);
		return dataset.readInto(start, count, { bytes, at, strides, flip }, lazy);
	}

	/** The raw elements of a box without gaps, for numbers that must be converted. */
	private dense(dataset: Hdf5Dataset, box: Uvh5Box): { bytes: Uint8Array; elements: number; perRow: number } {
		const perRow = box.channels * dataset.shape[this.leading + 1];
		const elements = box.rows * perRow;
		const bytes = this.borrow(elements * dataset.type.size);
		this.box(dataset, box, bytes, { at: 0, width: perRow }, false);
		return { bytes, elements, perRow };
	}

	private borrow(bytes: number): Uint8Array {
		if (this.scratch.length < bytes) this.scratch = new Uint8Array(bytes);
		return this.scratch.subarray(0, bytes);
	}

	/**
	 * Complex numbers as interleaved (real, imaginary) float32, [row][channel][polarisation].
	 *
	 * @param conjugate whether the imaginary parts' signs may be changed on the way.
	 * @returns whether they have been.
	 */
	readVisibilities(box: Uvh5Box, target: Float32Array, place: RowPlace, conjugate: boolean): boolean {
		const { type, name } = this.visibilities;
		const { real, imaginary } = this;
		const direct =
			type.size === 8 &&
			real.offset === 0 &&
			imaginary.offset === 4 &&
			[real.type, imaginary.type].every((part) => part.kind === "float" && !part.bigEndian);
		if (direct) {
			const flip = conjugate && this.visibilities.canFlip(target.buffer);
			this.box(this.visibilities, box, rawBytes(target), place, false, flip);
			return flip;
		}
		const { bytes, perRow } = this.dense(this.visibilities, box);
		for (let r = 0; r < box.rows; r++) {
			const to = 2 * (place.at + r * place.width);
			const from = r * perRow * type.size;
			convertNumbers(this.file, name, real.type, bytes, from + real.offset, type.size, target, to, 2, perRow);
			convertNumbers(
				this.file,
				name,
				imaginary.type,
				bytes,
				from + imaginary.offset,
				type.size,
				target,
				to + 1,
				2,
				perRow,
			);
		}
		return false;
	}

	/** One byte per sample, 1 = flagged. If none is, false is returned and nothing written. */
	readFlags(box: Uvh5Box, target: Uint8Array, place: RowPlace): boolean {
		const word = this.box(this.flags, box, target, place, true);
		if (word === 0) return false;
		const perRow = box.channels * this.nPolarizations;
		const memory = word === undefined ? sampleMemoryOf(target.buffer) : undefined;
		if (memory !== undefined) {
			memory.loops.makeTruths(target.byteOffset + place.at, box.rows, place.width, perRow);
			return true;
		}
		for (let r = 0; r < box.rows; r++) {
			const from = place.at + r * place.width;
			if (word !== undefined) target.fill(1, from, from + perRow);
			else for (let i = from; i < from + perRow; i++) if (target[i] !== 0) target[i] = 1;
		}
		return true;
	}

	/** How much of each sample was recorded. If it is the same everywhere, that is returned and nothing written. */
	readSamples(box: Uvh5Box, target: Float32Array, place: RowPlace): number | undefined {
		const { samples } = this;
		if (samples === undefined) return 1;
		const { type } = samples;
		if (type.kind === "float" && type.size === 4 && !type.bigEndian) {
			const word = this.box(samples, box, rawBytes(target), place, true);
			return word === undefined ? undefined : new Float32Array(new Int32Array([word]).buffer)[0];
		}
		const { bytes, perRow } = this.dense(samples, box);
		for (let r = 0; r < box.rows; r++) {
			const to = place.at + r * place.width;
			convertNumbers(this.file, samples.name, type, bytes, r * perRow * type.size, type.size, target, to, 1, perRow);
		}
		return undefined;
	}
}
