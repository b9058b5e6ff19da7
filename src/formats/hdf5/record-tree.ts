import { Cursor, damaged, type FileContext, UNDEFINED_ADDRESS } from "./cursor.ts";

/**
 * Visits all records of a version 2 B-tree in order (HDF5 File Format Specification III.A.2): the index of dense links
 * and of chunks of datasets with two unlimited dimensions.
 */
export function readTreeRecords(context: FileContext, address: number, visit: (record: Cursor) => void): void {
	const file = context.source.name;
	const { offsetSize, lengthSize } = context;
	const head = Cursor.at(context, address, 22 + offsetSize + lengthSize);
	head.expect("BTHD", "B-tree");
	head.skip(2);
	const nodeSize = head.u32();
	const recordSize = head.u16();
	const depth = head.u16();
	head.skip(2);
	const rootAddress = head.address();
	const rootCount = head.u16();
	if (rootAddress === UNDEFINED_ADDRESS || rootCount === 0) return;
	if (recordSize === 0 || nodeSize > context.source.size || depth > 32)
		throw damaged(file, "a B-tree has an impossible shape");

	const bytesFor = (value: number) => Math.max(1, Math.ceil(Math.log2(value + 1) / 8));
	// The sizes of the counters in a node depend on how many records a node of each level can hold.
	const most = [Math.floor((nodeSize - 10) / recordSize)];
	const total = [most[0]];
	const totalBytes = [0];
	for (let level = 1; level <= depth; level++) {
		const pointer = offsetSize + bytesFor(most[0]) + (level > 1 ? totalBytes[level - 1] : 0);
		most[level] = Math.floor((nodeSize - 10 - pointer) / (recordSize + pointer));
		total[level] = (most[level] + 1) * total[level - 1] + most[level];
		totalBytes[level] = bytesFor(total[level]);
		if (!(most[level] > 0) || total[level] > Number.MAX_SAFE_INTEGER) throw damaged(file, "a B-tree node is too small");
	}
	const countBytes = bytesFor(most[0]);
	const seen = new Set<number>();
	const walk = (nodeAddress: number, count: number, level: number): void => {
		if (seen.has(nodeAddress)) throw damaged(file, "a B-tree is circular");
		seen.add(nodeAddress);
		if (count > most[level]) throw damaged(file, "a B-tree node holds more records than fit");
		const node = Cursor.at(context, nodeAddress, nodeSize);
		node.expect(level > 0 ? "BTIN" : "BTLF", "B-tree node");
		node.skip(2);
		const records: Cursor[] = [];
		for (let i = 0; i < count; i++) records.push(new Cursor(context, node.take(recordSize)));
		for (let i = 0; i <= count; i++) {
			if (level > 0) {
				const child = node.address();
				const childCount = node.uint(countBytes);
				if (level > 1) node.skip(totalBytes[level - 1]);
				walk(child, childCount, level - 1);
			}
			if (i < count) visit(records[i]);
		}
	};
	walk(rootAddress, rootCount, depth);
}
