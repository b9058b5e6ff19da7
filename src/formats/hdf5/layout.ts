import type { ChunkIndexKind } from "./chunk-index.ts";
import { type Cursor, damaged, unsupported } from "./cursor.ts";

/** How a dataset's bytes are stored. */
export type Layout =
	| { kind: "compact"; data: Uint8Array }
	| { kind: "contiguous"; address: number }
	| { kind: "chunked"; chunk: number[]; index: ChunkIndexKind };

/** Reads a data layout message (HDF5 File Format Specification IV.A.2.i) of any version. */
export function readLayout(cursor: Cursor): Layout {
	const version = cursor.u8();
	if (version === 1 || version === 2) return readOldLayout(cursor, version);
	if (version < 1 || version > 5) throw unsupported(cursor.file, `version ${version} of a data layout`);
	const kind = cursor.u8();
	switch (kind) {
		case 0:
			return { kind: "compact", data: cursor.take(cursor.u16()) };
		case 1:
			return { kind: "contiguous", address: cursor.address() };
		case 2:
			return version === 3 ? readChunked(cursor) : readNewChunked(cursor);
		case 3:
			throw unsupported(cursor.file, "a virtual dataset, which is spread over other files,");
		default:
			throw damaged(cursor.file, "a dataset has an unknown layout");
	}
}

function readOldLayout(cursor: Cursor, version: number): Layout {
	const rank = cursor.u8();
	const kind = cursor.u8();
	cursor.skip(5);
	const address = kind === 0 ? 0 : cursor.address();
	const dimensions = Array.from({ length: rank }, () => cursor.u32());
	if (kind === 0) return { kind: "compact", data: cursor.take(cursor.u32()) };
	if (kind === 1) return { kind: "contiguous", address };
	if (kind !== 2) throw damaged(cursor.file, `a data layout of version ${version} has an unknown kind`);
	return chunked(cursor, dimensions.slice(0, -1), { kind: "b-tree-1", address });
}

function readChunked(cursor: Cursor): Layout {
	const rank = cursor.u8();
	const address = cursor.address();
	const chunk = Array.from({ length: rank }, () => cursor.u32());
	return chunked(cursor, chunk.slice(0, -1), { kind: "b-tree-1", address });
}

function readNewChunked(cursor: Cursor): Layout {
	const flags = cursor.u8();
	const rank = cursor.u8();
	const width = cursor.u8();
	if (width < 1 || width > 8) throw damaged(cursor.file, "chunk sizes have an impossible width");
	const chunk = Array.from({ length: rank }, () => cursor.uint(width)).slice(0, -1);
	if (flags & 1) throw unsupported(cursor.file, "a dataset whose edge chunks are not compressed");
	const kind = cursor.u8();
	switch (kind) {
		case 1: {
			const filtered = (flags & 2) !== 0;
			const size = filtered ? cursor.length() : undefined;
			const mask = filtered ? cursor.u32() : 0;
			return chunked(cursor, chunk, { kind: "single", address: cursor.address(), size, mask });
		}
		case 2:
			return chunked(cursor, chunk, { kind: "implicit", address: cursor.address() });
		case 3:
			cursor.skip(1);
			return chunked(cursor, chunk, { kind: "fixed-array", address: cursor.address() });
		case 4:
			cursor.skip(5);
			return chunked(cursor, chunk, { kind: "extensible-array", address: cursor.address() });
		case 5:
			cursor.skip(6);
			return chunked(cursor, chunk, { kind: "b-tree-2", address: cursor.address() });
		default:
			throw unsupported(cursor.file, `chunk index number ${kind}`);
	}
}

function chunked(cursor: Cursor, chunk: number[], index: ChunkIndexKind): Layout {
	if (chunk.length === 0 || chunk.length > 32 || chunk.some((size) => size === 0)) {
		throw damaged(cursor.file, "a dataset has chunks without extent");
	}
	return { kind: "chunked", chunk, index };
}
