import { Cursor, damaged, type FileContext, unsupported } from "./cursor.ts";

/** Kinds of header messages that a reader of arrays needs (HDF5 File Format Specification IV.A.2). */
export const MESSAGE = {
	dataspace: 0x01,
	linkInfo: 0x02,
	datatype: 0x03,
	oldFillValue: 0x04,
	fillValue: 0x05,
	link: 0x06,
	externalFiles: 0x07,
	layout: 0x08,
	filters: 0x0b,
	continuation: 0x10,
	symbolTable: 0x11,
} as const;

export interface HeaderMessage {
	type: number;
	cursor: Cursor;
}

/** A header of a sane file has tens of messages in a few blocks; more is a loop or damage. */
const MOST_BLOCKS = 4096;
const MOST_MESSAGES = 65536;

/**
 * All messages of the object whose header lies at `address`, continuation blocks followed and shared messages resolved.
 *
 * @throws CausticError `hdf5-damaged` or `hdf5-unsupported`.
 */
export function readObjectHeader(context: FileContext, address: number, depth = 0): HeaderMessage[] {
	const file = context.source.name;
	if (depth > 4) throw damaged(file, "shared header messages refer to each other");
	const available = context.source.size - context.baseAddress - address;
	const prefix = Cursor.at(context, address, Math.max(0, Math.min(64, available)));
	const messages: HeaderMessage[] = [];
	const blocks: { address: number; length: number }[] = [];
	const isNew = prefix.bytes.length >= 4 && prefix.bytes[0] === 0x4f;
	let creationOrder = false;
	if (isNew) {
		prefix.expect("OHDR", "object header");
		const version = prefix.u8();
		if (version !== 2) throw unsupported(file, `version ${version} of an object header`);
		const flags = prefix.u8();
		if (flags & 0x20) prefix.skip(16);
		if (flags & 0x10) prefix.skip(4);
		creationOrder = (flags & 4) !== 0;
		const length = prefix.uint(1 << (flags & 3));
		blocks.push({ address: address + prefix.position, length });
	} else {
		const version = prefix.u8();
		if (version !== 1) throw damaged(file, `there is no object header at byte ${context.baseAddress + address}`);
		prefix.skip(7);
		blocks.push({ address: address + 16, length: prefix.u32() });
	}
	for (let b = 0; b < blocks.length; b++) {
		if (b > MOST_BLOCKS) throw damaged(file, "an object header continues for ever");
		const block = Cursor.at(context, blocks[b].address, blocks[b].length);
		if (isNew && b > 0) block.expect("OCHK", "continuation of an object header");
		const end = block.bytes.length - (isNew && b > 0 ? 4 : 0);
		const prefixSize = isNew ? (creationOrder ? 6 : 4) : 8;
		while (end - block.position >= prefixSize) {
			const type = isNew ? block.u8() : block.u16();
			const size = block.u16();
			const flags = block.u8();
			block.skip(isNew ? (creationOrder ? 2 : 0) : 3);
			if (size > end - block.position) throw damaged(file, "a header message is longer than its header");
			const body = new Cursor(context, block.take(size));
			if (type === MESSAGE.continuation) {
				blocks.push({ address: body.address(), length: body.length() });
				continue;
			}
			if (messages.length >= MOST_MESSAGES) throw damaged(file, "an object header has too many messages");
			messages.push({ type, cursor: flags & 2 ? readShared(context, type, body, depth) : body });
		}
	}
	return messages;
}

/** A message kept in another object's header, for instance a committed datatype. */
function readShared(context: FileContext, type: number, body: Cursor, depth: number): Cursor {
	const version = body.u8();
	const kind = body.u8();
	if (version === 1) body.skip(6);
	if (version === 3 && kind === 1) throw unsupported(context.source.name, "a table of shared header messages");
	const found = readObjectHeader(context, body.address(), depth + 1).find((message) => message.type === type);
	if (found === undefined) throw damaged(context.source.name, "a shared header message is missing");
	return found.cursor;
}
