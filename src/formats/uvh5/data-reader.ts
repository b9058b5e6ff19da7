import { badInput } from "../../error.ts";
import { convertNumbers, type Hdf5Dataset } from "../hdf5/dataset.ts";
import { complexParts, type Datatype, describe } from "../hdf5/datatype.ts";
import type { Hdf5File } from "../hdf5/file.ts";
import { type GatherTarget, gatherFlags, gatherVisibilities, uniformNumber } from "./gather.ts";
import type { Uvh5Header } from "./header.ts";

/**
 * Boxes of rows and channels of one file's `Data` group, in the file's order and convention, whichever shape and number
 * type its writer chose.
 */
export class Uvh5Data {
	/** Rows in a chunk of the largest chunking: reading multiples of it touches no chunk twice. */
	readonly rowsPerChunk: number;
	private readonly file: string;
	private readonly visibilities: Hdf5Dataset;
	private readonly flags: Hdf5Dataset;
	private readonly samples: Hdf5Dataset | undefined;
	/** Dimensions before the channel axis: [row] or [row, 1]. */
	private readonly leading: number;
	private readonly real: { offset: number; type: Datatype };
	private readonly imaginary: { offset: number; type: Datatype };
	private scratch = new Uint8Array(0);

	constructor(hdf5: Hdf5File, header: Uvh5Header) {
		this.file = hdf5.name;
		this.visibilities = hdf5.dataset("/Data/visdata");
		this.flags = hdf5.dataset("/Data/flags");
		this.samples = hdf5.has("/Data/nsamples") ? hdf5.dataset("/Data/nsamples") : undefined;
		const { shape, type } = this.visibilities;
		const wanted = [header.nRows, header.frequenciesHz.length, header.polarizations.length];
		const squeezed = shape.length === 4 && shape[1] === 1 ? [shape[0], shape[2], shape[3]] : shape;
		this.leading = shape.length === 4 ? 2 : 1;
		if (squeezed.length !== 3 || squeezed.some((extent, d) => extent !== wanted[d])) {
			throw badInput("uvh5-shape", `Data/visdata has shape (${shape}) where the header says (${wanted})`, {
				subject: this.file,
				remedy: "The file is incomplete or damaged: wait for its writer or copy it again",
			});
		}
		for (const dataset of [this.flags, this.samples]) {
			if (dataset !== undefined && String(dataset.shape) !== String(shape)) {
				throw badInput("uvh5-shape", `${dataset.name} has shape (${dataset.shape}) where visdata has (${shape})`, {
					subject: this.file,
					remedy: "The file is damaged: copy it again",
				});
			}
		}
		const parts = complexParts(type);
		if (parts === undefined) {
			throw badInput("uvh5-type", `Data/visdata is ${describe(type)}, not complex numbers`, { subject: this.file });
		}
		this.real = parts.real;
		this.imaginary = parts.imaginary;
		const flagType = this.flags.type;
		if (flagType.size !== 1 || (flagType.kind !== "enum" && flagType.kind !== "integer")) {
			throw badInput("uvh5-type", `Data/flags is ${describe(flagType)}, not booleans`, { subject: this.file });
		}
		const sampleType = this.samples?.type;
		if (sampleType !== undefined && sampleType.kind !== "float" && sampleType.kind !== "integer") {
			throw badInput("uvh5-type", `Data/nsamples is ${describe(sampleType)}, not numbers`, { subject: this.file });
		}
		this.rowsPerChunk = Math.max(
			...[this.visibilities, this.flags, this.samples].map((dataset) => dataset?.chunk?.[0] ?? 1),
		);
	}

	/** Whether single precision loses something of what is stored. */
	get isNarrowed(): boolean {
		return this.real.type.size > 4 || this.real.type.kind === "integer";
	}

	get hasSamples(): boolean {
		return this.samples !== undefined;
	}

	private extent(dataset: Hdf5Dataset, row: number, rows: number, channel: number, channels: number) {
		const start = dataset.shape.map(() => 0);
		const count = [...dataset.shape];
		start[0] = row;
		count[0] = rows;
		start[this.leading] = channel;
		count[this.leading] = channels;
		return [start, count] as const;
	}

	private box(dataset: Hdf5Dataset, row: number, rows: number, channel: number, channels: number, target: Uint8Array) {
		const [start, count] = this.extent(dataset, row, rows, channel, channels);
		dataset.readBytes(start, count, target);
	}

	/** Whether visibilities are stored as they are held: pairs of little-endian single precision. */
	private get isPlain(): boolean {
		const { real, imaginary } = this;
		return (
			this.visibilities.type.size === 8 &&
			real.offset === 0 &&
			imaginary.offset === 4 &&
			[real.type, imaginary.type].every((part) => part.kind === "float" && !part.bigEndian)
		);
	}

	/**
	 * Visibilities of a box straight from the file's chunks to where they belong.
	 *
	 * @returns false, and nothing done, where the file is not stored that way.
	 */
	gatherVisibilities(rows: number, to: GatherTarget, target: Float32Array): boolean {
		if (!this.isPlain) return false;
		const [start, count] = this.extent(this.visibilities, to.row, rows, to.channel, to.channels);
		return this.visibilities.eachChunk(start, count, (part) => gatherVisibilities(part, to, target));
	}

	/** The same of flags; the target is clear before. */
	gatherFlags(rows: number, to: GatherTarget, target: Uint8Array): boolean {
		const [start, count] = this.extent(this.flags, to.row, rows, to.channel, to.channels);
		return this.flags.eachChunk(start, count, (part) => gatherFlags(part, to, target));
	}

	/** The one number that all samples of a box are (1 where the file has none), if all are; chunks are looked at whole. */
	uniformSamples(row: number, rows: number, channel: number, channels: number): number | undefined {
		const { samples } = this;
		if (samples === undefined) return 1;
		const { type } = samples;
		if (type.kind !== "float" || type.size !== 4 || type.bigEndian) return undefined;
		const [start, count] = this.extent(samples, row, rows, channel, channels);
		let common: number | undefined;
		let same = true;
		const seen = samples.eachChunk(start, count, (part) => {
			if (!same) return;
			const value = uniformNumber(part);
			same = value !== undefined && (common === undefined || value === common);
			common = value;
		});
		return seen && same ? common : undefined;
	}

	private borrow(bytes: number): Uint8Array {
		if (this.scratch.length < bytes) this.scratch = new Uint8Array(bytes);
		return this.scratch.subarray(0, bytes);
	}

	/** Complex numbers as interleaved (real, imaginary) float32, [row][channel][polarisation]. */
	readVisibilities(row: number, rows: number, channel: number, channels: number, target: Float32Array): void {
		const { type } = this.visibilities;
		const { real, imaginary } = this;
		if (this.isPlain) {
			const bytes = new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
			this.box(this.visibilities, row, rows, channel, channels, bytes);
			return;
		}
		const elements = target.length / 2;
		const bytes = this.borrow(elements * type.size);
		this.box(this.visibilities, row, rows, channel, channels, bytes);
		const { name } = this.visibilities;
		convertNumbers(this.file, name, real.type, bytes, real.offset, type.size, target, 0, 2, elements);
		convertNumbers(this.file, name, imaginary.type, bytes, imaginary.offset, type.size, target, 1, 2, elements);
	}

	/** One byte per sample, not zero = flagged. */
	readFlags(row: number, rows: number, channel: number, channels: number, target: Uint8Array): void {
		this.box(this.flags, row, rows, channel, channels, target);
	}

	/** How much of each sample was recorded. */
	readSamples(row: number, rows: number, channel: number, channels: number, target: Float32Array): void {
		const { samples } = this;
		if (samples === undefined) return;
		const { type } = samples;
		if (type.kind === "float" && type.size === 4 && !type.bigEndian) {
			this.box(
				samples,
				row,
				rows,
				channel,
				channels,
				new Uint8Array(target.buffer, target.byteOffset, target.byteLength),
			);
			return;
		}
		const bytes = this.borrow(target.length * type.size);
		this.box(samples, row, rows, channel, channels, bytes);
		convertNumbers(this.file, samples.name, type, bytes, 0, type.size, target);
	}
}
