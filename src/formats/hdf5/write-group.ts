import { badInput } from "../../error.ts";
import { Bytes } from "./encode.ts";

/** Defaults of the library: symbols per node and children per B-tree node are twice these. */
export const GROUP_LEAF_K = 4;
export const GROUP_INTERNAL_K = 16;

/**
 * A group in the oldest storage, which every HDF5 library reads: local heap with the names, symbol table nodes, a B-tree
 * of one level, and the group's header. Names must be ASCII.
 *
 * @param children address of each child's object header by name.
 * @param allot reserves space in the file and returns its address.
 * @param put writes bytes at an address.
 * @returns addresses of the object header, the B-tree and the heap.
 */
export function writeGroup(
	children: ReadonlyMap<string, number>,
	allot: (bytes: number) => number,
	put: (address: number, bytes: Uint8Array) => void,
): { header: number; tree: number; heap: number } {
	const names = [...children.keys()].sort();
	const perNode = 2 * GROUP_LEAF_K;
	if (names.length > perNode * 2 * GROUP_INTERNAL_K) {
		throw badInput("hdf5-write", `a group of ${names.length} names is too large`, { remedy: "Use fewer names" });
	}
	// The empty name stands at offset 0 of the heap.
	const text = new Bytes().zeros(8);
	const offsets = names.map((name) => {
		const at = text.length;
		text.text(name).u8(0).pad(8);
		return at;
	});
	const segment = text.done();
	const segmentAddress = allot(segment.length);
	put(segmentAddress, segment);
	const heap = allot(32);
	put(heap, new Bytes().text("HEAP").u8(0, 0, 0, 0).u64(segment.length).u64(1).u64(segmentAddress).done());

	const tree = new Bytes().text("TREE").u8(0, 0);
	const nodes = Math.max(1, Math.ceil(names.length / perNode));
	tree.u16(nodes).u64(undefined).u64(undefined).u64(0);
	for (let n = 0; n < nodes; n++) {
		const begin = n * perNode;
		const end = Math.min(names.length, begin + perNode);
		const node = new Bytes()
			.text("SNOD")
			.u8(1, 0)
			.u16(end - begin);
		for (let i = begin; i < end; i++) node.u64(offsets[i]).u64(children.get(names[i])).u32(0).zeros(20);
		node.zeros(8 + perNode * 40 - node.length);
		const address = allot(node.length);
		put(address, node.done());
		tree.u64(address).u64(end > 0 ? offsets[end - 1] : 0);
	}
	tree.zeros(24 + (4 * GROUP_INTERNAL_K + 1) * 8 - tree.length);
	const treeAddress = allot(tree.length);
	put(treeAddress, tree.done());

	const header = objectHeader([[0x11, new Bytes().u64(treeAddress).u64(heap).done()]]);
	const address = allot(header.length);
	put(address, header);
	return { header: address, tree: treeAddress, heap };
}

/** A version 1 object header with these messages. */
export function objectHeader(messages: readonly (readonly [type: number, body: Uint8Array])[]): Uint8Array {
	const body = new Bytes();
	for (const [type, bytes] of messages) {
		const padded = Math.ceil(bytes.length / 8) * 8;
		body
			.u16(type)
			.u16(padded)
			.u8(0, 0, 0, 0)
			.raw(bytes)
			.zeros(padded - bytes.length);
	}
	return new Bytes().u8(1, 0).u16(messages.length).u32(1).u32(body.length).u32(0).raw(body.done()).done();
}
