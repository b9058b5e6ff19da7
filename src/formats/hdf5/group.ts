import { Cursor, damaged, type FileContext, UNDEFINED_ADDRESS, unsupported } from "./cursor.ts";
import { FractalHeap } from "./fractal-heap.ts";
import { type HeaderMessage, MESSAGE } from "./object-header.ts";
import { readTreeRecords } from "./record-tree.ts";

/** Where a name in a group leads: an object's header, another path, or something outside this file. */
export type Link = { address: number } | { path: string } | { outside: string };

/** More names than any real header group has. */
const MOST_LINKS = 1 << 20;

/** The names in a group with what they lead to, from whichever of the three storages the writer chose. */
export function readLinks(context: FileContext, header: HeaderMessage[]): Map<string, Link> {
	const links = new Map<string, Link>();
	for (const { type, cursor } of header) {
		if (type === MESSAGE.symbolTable) readSymbolTable(context, cursor, links);
		else if (type === MESSAGE.link) readLinkMessage(cursor, links);
		else if (type === MESSAGE.linkInfo) readDenseLinks(context, cursor, links);
	}
	return links;
}

function readLinkMessage(cursor: Cursor, links: Map<string, Link>): void {
	if (links.size >= MOST_LINKS) throw damaged(cursor.file, "a group has too many names");
	const version = cursor.u8();
	if (version !== 1) throw unsupported(cursor.file, `version ${version} of a link`);
	const flags = cursor.u8();
	const kind = flags & 8 ? cursor.u8() : 0;
	if (flags & 4) cursor.skip(8);
	if (flags & 16) cursor.skip(1);
	const name = new TextDecoder().decode(cursor.take(cursor.uint(1 << (flags & 3))));
	if (kind === 0) links.set(name, { address: cursor.address() });
	else if (kind === 1) links.set(name, { path: new TextDecoder().decode(cursor.take(cursor.u16())) });
	else links.set(name, { outside: name });
}

function readDenseLinks(context: FileContext, cursor: Cursor, links: Map<string, Link>): void {
	cursor.skip(1);
	const flags = cursor.u8();
	if (flags & 1) cursor.skip(8);
	const heapAddress = cursor.address();
	const treeAddress = cursor.address();
	if (heapAddress === UNDEFINED_ADDRESS || treeAddress === UNDEFINED_ADDRESS) return;
	const heap = new FractalHeap(context, heapAddress);
	readTreeRecords(context, treeAddress, (record) => {
		record.skip(4);
		readLinkMessage(new Cursor(context, heap.object(record.take(heap.idLength))), links);
	});
}

/** The oldest storage, and still the default of h5py: a B-tree of symbol table nodes, names in a local heap. */
function readSymbolTable(context: FileContext, cursor: Cursor, links: Map<string, Link>): void {
	const file = context.source.name;
	const treeAddress = cursor.address();
	const heap = Cursor.at(context, cursor.address(), 8 + 2 * context.lengthSize + context.offsetSize);
	heap.expect("HEAP", "heap of a group's names");
	heap.skip(4);
	const heapSize = heap.length();
	heap.skip(context.lengthSize);
	const names = Cursor.at(context, heap.address(), heapSize);
	const nameAt = (offset: number) => {
		if (offset >= names.bytes.length) throw damaged(file, "a name lies outside its group's heap");
		names.position = offset;
		return names.text();
	};
	const seen = new Set<number>();
	const walk = (address: number, deepest: number): void => {
		if (seen.has(address)) throw damaged(file, "the B-tree of a group is circular");
		seen.add(address);
		const head = Cursor.at(context, address, 8);
		const signature = head.ascii(4);
		if (signature === "SNOD") {
			head.skip(2);
			const count = head.u16();
			const entrySize = 2 * context.offsetSize + 24;
			const node = Cursor.at(context, address + 8, count * entrySize);
			for (let i = 0; i < count; i++) {
				node.position = i * entrySize;
				const name = nameAt(node.length());
				const target = node.address();
				const cacheType = node.u32();
				node.skip(4);
				if (links.size >= MOST_LINKS) throw damaged(file, "a group has too many names");
				links.set(name, cacheType === 2 ? { path: nameAt(node.u32()) } : { address: target });
			}
			return;
		}
		if (signature !== "TREE" || head.u8() !== 0) throw damaged(file, "the B-tree of a group is broken");
		const level = head.u8();
		if (level >= deepest) throw damaged(file, "the levels of a group's B-tree do not descend");
		const count = head.u16();
		const { offsetSize, lengthSize } = context;
		const node = Cursor.at(context, address + 8 + 2 * offsetSize, count * (lengthSize + offsetSize));
		for (let i = 0; i < count; i++) {
			node.skip(lengthSize);
			walk(node.address(), level);
		}
	};
	walk(treeAddress, 256);
}
