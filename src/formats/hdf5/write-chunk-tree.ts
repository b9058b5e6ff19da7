import { Bytes } from "./encode.ts";

/** Children of a node are at most twice this (the library's default for superblocks of version 0). */
const CHUNK_K = 32;

/**
 * The version 1 B-tree over a grid of unfiltered chunks that lie one behind the other in C order from `data` on.
 *
 * @returns the address of its root.
 */
export function writeChunkTree(
	data: number,
	counts: readonly number[],
	chunk: readonly number[],
	chunkBytes: number,
	allot: (bytes: number) => number,
	put: (address: number, bytes: Uint8Array) => void,
): number {
	const rank = chunk.length;
	const total = counts.reduce((a, b) => a * b, 1);
	const keySize = 8 + 8 * (rank + 1);
	const most = 2 * CHUNK_K;
	const nodeSize = 24 + (most + 1) * keySize + most * 8;
	/** The key of chunk n; of the one beyond the last, the end of the slowest dimension. */
	const key = (out: Bytes, n: number) => {
		out.u32(n < total ? chunkBytes : 0).u32(0);
		const offsets = new Array<number>(rank).fill(0);
		if (n >= total) offsets[0] = counts[0] * chunk[0];
		else
			for (let d = rank - 1, rest = n; d >= 0; rest = Math.floor(rest / counts[d]), d--)
				offsets[d] = (rest % counts[d]) * chunk[d];
		for (const offset of offsets) out.u64(offset);
		out.u64(0);
	};
	let children = Array.from({ length: total }, (_, n) => ({ first: n, address: data + n * chunkBytes }));
	for (let level = 0; ; level++) {
		const nodes = Math.ceil(children.length / most);
		const addresses = Array.from({ length: nodes }, () => allot(nodeSize));
		const parents: typeof children = [];
		for (let i = 0; i < nodes; i++) {
			const own = children.slice(i * most, (i + 1) * most);
			const node = new Bytes().text("TREE").u8(1, level).u16(own.length);
			node.u64(i > 0 ? addresses[i - 1] : undefined).u64(i + 1 < nodes ? addresses[i + 1] : undefined);
			for (const child of own) {
				key(node, child.first);
				node.u64(child.address);
			}
			key(node, children[(i + 1) * most]?.first ?? total);
			node.zeros(nodeSize - node.length);
			put(addresses[i], node.done());
			parents.push({ first: own[0].first, address: addresses[i] });
		}
		if (nodes === 1) return addresses[0];
		children = parents;
	}
}
