import { OutputFile } from "./output-file.ts";

/**
 * The file of WEIGHT_SPECTRUM, which is needed only if weights vary along some row. That may show late: rows along which they
 * vary are written as they come, the others, whose weights WEIGHT tells, at the end and only if they are needed.
 */
export class WeightSpectrum {
	private readonly path: string;
	private readonly nChannels: number;
	private readonly nPol: number;
	/** [row][product] */
	private readonly weight: Float32Array;
	/** Per row: 1 if its weights vary, and have been written. */
	private readonly varied: Uint8Array;
	private file: OutputFile | undefined;

	constructor(path: string, nRows: number, nChannels: number, nPol: number) {
		this.path = path;
		this.nChannels = nChannels;
		this.nPol = nPol;
		this.weight = new Float32Array(nRows * nPol);
		this.varied = new Uint8Array(nRows);
	}

	private at(row: number): number {
		return row * this.nChannels * this.nPol * 4;
	}

	/** Writes weights of rows, [row][channel][product]. */
	write(row: number, count: number, weights: Float32Array): void {
		this.file ??= new OutputFile(this.path, "r+");
		const bytes = new Uint8Array(weights.buffer, weights.byteOffset, count * this.nChannels * this.nPol * 4);
		this.file.write(this.at(row), bytes);
	}

	/** Takes note of rows' WEIGHT, and whether their weights vary. */
	note(row: number, weight: Float32Array, varied: Uint8Array): void {
		this.weight.set(weight, row * this.nPol);
		this.varied.set(varied, row);
	}

	/** @returns false if no row's weights vary; else all rows are there now. */
	finish(): boolean {
		if (!this.varied.includes(1)) {
			this.close();
			return false;
		}
		this.file ??= new OutputFile(this.path, "r+");
		const { weight, nPol, nChannels } = this;
		const row = new Float32Array(nChannels * nPol);
		const bytes = new Uint8Array(row.buffer);
		for (let r = 0; r < this.varied.length; r++) {
			if (this.varied[r] === 1) continue;
			for (let i = 0; i < row.length; i++) row[i] = weight[r * nPol + (i % nPol)];
			this.file.write(this.at(r), bytes);
		}
		this.close();
		return true;
	}

	close(): void {
		this.file?.close();
		this.file = undefined;
	}
}
