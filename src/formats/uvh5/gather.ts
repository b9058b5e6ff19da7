import { type ChunkPart, isZero, uniformWord } from "../hdf5/dataset.ts";

/** Where rows of a file go in an array of other rows: see `SamplePlace`. */
export interface GatherTarget {
	/** Per row of the box: row of the target, -1 for none. */
	rowOf: Int32Array;
	/** Per row of the box: sign of the imaginary part. */
	signs: Int8Array;
	/** First row of the box, its first channel, and how many channels. */
	row: number;
	channel: number;
	channels: number;
	nPol: number;
	descending: boolean;
	/** Samples to the row of the target, and the first that is ours. */
	width: number;
	at: number;
}

/** Strides and ranges of a part of [row][...][channel][polarisation]. */
function layOut(part: ChunkPart, { row, channel, channels, nPol, descending, at }: GatherTarget) {
	const c = part.strides.length - 2;
	const low = part.low[c] - channel;
	return {
		rows: part.count[0],
		firstRow: part.low[0] - row,
		rowStride: part.strides[0],
		nChannels: part.count[c],
		channelStride: part.strides[c],
		pols: part.count[c + 1],
		// Sample of the target's row that the part's first channel and polarisation is, and the step to the next channel.
		first: at + (descending ? channels - 1 - low : low) * nPol + part.low[c + 1],
		step: descending ? -nPol : nPol,
	};
}

/**
 * Puts the part's complex numbers (little-endian, single precision) where they belong: channels ascending, imaginary parts
 * times their row's sign. Words are moved, not numbers: what is recorded arrives bit for bit.
 */
export function gatherVisibilities(part: ChunkPart, to: GatherTarget, target: Float32Array): void {
	const { rows, firstRow, rowStride, nChannels, channelStride, pols, first, step } = layOut(part, to);
	const aligned = (part.data.byteOffset + part.at) % 4 === 0;
	const bytes = aligned ? part.data : part.data.slice(part.at, part.at + part.bytes);
	const words = new Int32Array(bytes.buffer, bytes.byteOffset + (aligned ? part.at : 0), part.bytes >> 2);
	const out = new Int32Array(target.buffer, target.byteOffset, target.length);
	const { rowOf, signs, width } = to;
	for (let r = 0; r < rows; r++) {
		const row = rowOf[firstRow + r];
		if (row < 0) continue;
		const flip = signs[firstRow + r] < 0 ? -0x80000000 : 0;
		for (let p = 0; p < pols; p++) {
			let f = 2 * (part.first + r * rowStride + p);
			let t = 2 * (row * width + first + p);
			for (let c = 0; c < nChannels; c++) {
				out[t] = words[f];
				out[t + 1] = words[f + 1] ^ flip;
				f += 2 * channelStride;
				t += 2 * step;
			}
		}
	}
}

/** Puts the part's flags where they belong, 1 where there is one; the target is clear before. */
export function gatherFlags(part: ChunkPart, to: GatherTarget, target: Uint8Array): void {
	if (isZero(part.data, part.at, part.bytes)) return;
	const { rows, firstRow, rowStride, nChannels, channelStride, pols, first, step } = layOut(part, to);
	for (let r = 0; r < rows; r++) {
		const row = to.rowOf[firstRow + r];
		if (row < 0) continue;
		for (let p = 0; p < pols; p++) {
			let f = part.at + part.first + r * rowStride + p;
			let t = row * to.width + first + p;
			for (let c = 0; c < nChannels; c++) {
				if (part.data[f] !== 0) target[t] = 1;
				f += channelStride;
				t += step;
			}
		}
	}
}

/** The one single-precision number that a part consists of, if it does. */
export function uniformNumber(part: ChunkPart): number | undefined {
	const word = uniformWord(part.data, part.at, part.bytes);
	if (word === undefined) return undefined;
	WORD[0] = word;
	return NUMBER[0];
}

const WORD = new Int32Array(1);
const NUMBER = new Float32Array(WORD.buffer);
