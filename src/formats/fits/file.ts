import { badInput } from "../../error.ts";
import { type ByteSource, openBytes } from "../byte-source.ts";
import { BLOCK_BYTES, CARD_BYTES, FitsHeader, MAX_HEADER_BYTES } from "./header.ts";

/** A header and where its data lie in the (unpacked) file. */
export interface FitsHdu {
	/** 0 for the primary, then the extensions. */
	index: number;
	header: FitsHeader;
	dataStart: number;
	dataBytes: number;
}

const MAX_HDUS = 10_000;
const padded = (bytes: number) => Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;

/** Where END stands among the first `length` bytes, or -1. */
function findEnd(bytes: Uint8Array, from: number, length: number): number {
	for (let at = from; at + CARD_BYTES <= length; at += CARD_BYTES) {
		// "END" and a blank
		if (bytes[at] === 69 && bytes[at + 1] === 78 && bytes[at + 2] === 68 && bytes[at + 3] === 32) return at;
	}
	return -1;
}

/** An open FITS file, compressed by gzip or not. Headers are read as they are asked for; data only on demand. */
export class FitsFile {
	readonly path: string;
	private readonly bytes: ByteSource;
	private readonly known: FitsHdu[] = [];
	private complete = false;

	private constructor(path: string, bytes: ByteSource) {
		this.path = path;
		this.bytes = bytes;
	}

	/** @throws CausticError when the file cannot be read or does not begin as FITS does. */
	static async open(path: string): Promise<FitsFile> {
		const file = new FitsFile(path, await openBytes(path));
		try {
			await file.hdu(0);
			return file;
		} catch (error) {
			await file.close();
			throw error;
		}
	}

	async close(): Promise<void> {
		await this.bytes.close();
	}

	/** Whether the file (gzipped) can only be read forwards, one reading at a time. */
	get isSequential(): boolean {
		return this.bytes.gzipped;
	}

	/** The HDU of that number, or undefined when the file has fewer. */
	async hdu(index: number): Promise<FitsHdu | undefined> {
		while (!this.complete && this.known.length <= index) {
			const next = await this.nextHdu();
			if (next === undefined) this.complete = true;
			else this.known.push(next);
		}
		return this.known[index];
	}

	/** Every HDU: headers only. */
	async hdus(): Promise<FitsHdu[]> {
		await this.hdu(MAX_HDUS);
		return this.known;
	}

	private subject(index: number): string {
		return index === 0 ? this.path : `${this.path} (extension ${index})`;
	}

	private async nextHdu(): Promise<FitsHdu | undefined> {
		const index = this.known.length;
		if (index >= MAX_HDUS) {
			throw badInput("bad-fits-file", `there are more than ${MAX_HDUS} extensions`, { subject: this.path });
		}
		const previous = this.known.at(-1);
		const start = previous === undefined ? 0 : previous.dataStart + padded(previous.dataBytes);
		// Beyond the end there is nothing, and for gzip nothing worth unpacking.
		if (start > 0 && start + CARD_BYTES > this.bytes.maxSize) return undefined;
		let buffer = Buffer.alloc(Math.min(4 * BLOCK_BYTES, padded(this.bytes.maxSize)));
		let length = 0;
		for (;;) {
			const from = length;
			length += await this.bytes.read(buffer.subarray(length), start + length);
			if (from === 0 && !this.begins(buffer.toString("latin1", 0, Math.min(length, CARD_BYTES)), index))
				return undefined;
			const end = findEnd(buffer, from - (from % CARD_BYTES), length);
			if (end >= 0) {
				const header = FitsHeader.parse(buffer.toString("latin1", 0, end), this.subject(index));
				return { index, header, dataStart: start + padded(end + CARD_BYTES), dataBytes: header.dataBytes() };
			}
			if (length < buffer.length || length >= MAX_HEADER_BYTES) {
				const why =
					length < buffer.length
						? "the file ends inside the header: there is no END card"
						: `the header has no END card within ${MAX_HEADER_BYTES / 1024 / 1024} MiB`;
				throw badInput("bad-fits-header", why, {
					subject: this.subject(index),
					remedy: "The file is cut off or damaged: copy it again",
				});
			}
			const larger = Buffer.alloc(Math.min(2 * buffer.length, MAX_HEADER_BYTES));
			buffer.copy(larger);
			buffer = larger;
		}
	}

	private begins(card: string, index: number): boolean {
		// What follows the last extension and is none ("special records", zeros) is nobody's data.
		if (index > 0) return card.startsWith("XTENSION=");
		if (/^SIMPLE {2}= *T\b/.test(card)) return true;
		const why = card === "" ? "the file is empty" : "this is not a FITS file";
		throw badInput("not-fits", `${why}: it does not begin with SIMPLE = T`, {
			subject: this.path,
			remedy: "Give a FITS file, gzipped or not",
		});
	}

	/** @throws CausticError `truncated-fits` when the file ends before this HDU's data do. */
	requireData(hdu: FitsHdu, bytes = hdu.dataBytes): void {
		const needed = hdu.dataStart + bytes;
		if (needed <= this.bytes.maxSize) return;
		throw badInput(
			"truncated-fits",
			`the header promises ${hdu.dataBytes} bytes of data, but the file ends after ${Math.max(0, (this.bytes.size ?? this.bytes.maxSize) - hdu.dataStart)}`,
			{ subject: hdu.header.source, remedy: "The file is cut off: copy it again" },
		);
	}

	/** Whether the last block is shorter than 2880 bytes: common, against the standard, harmless. */
	isPaddingMissing(hdu: FitsHdu): boolean {
		return this.bytes.size !== undefined && this.bytes.size < hdu.dataStart + padded(hdu.dataBytes);
	}

	/** Reads data of an HDU from a byte offset in them, all of the target or an error. */
	async readData(hdu: FitsHdu, target: Uint8Array, offset = 0): Promise<void> {
		const got = await this.bytes.read(target, hdu.dataStart + offset);
		if (got === target.length) return;
		throw badInput(
			"truncated-fits",
			`the header promises ${hdu.dataBytes} bytes of data, but the file ends after ${offset + got}`,
			{ subject: hdu.header.source, remedy: "The file is cut off: copy it again" },
		);
	}

	/** For gzipped files: whether the checksum at the end is right. */
	async verify(): Promise<void> {
		await this.bytes.verify();
	}
}

/** The headers of a FITS file without its data: a few milliseconds whatever the size of the image. */
export async function readFitsHeaders(path: string): Promise<FitsHeader[]> {
	const file = await FitsFile.open(path);
	try {
		return (await file.hdus()).map((hdu) => hdu.header);
	} finally {
		await file.close();
	}
}
