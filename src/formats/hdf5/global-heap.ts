import { Cursor, damaged, type FileContext } from "./cursor.ts";

/** The bytes of one object in a global heap collection, where texts of varying length live. */
export function globalHeapObject(context: FileContext, address: number, object: number, length: number): Uint8Array {
	const file = context.source.name;
	const headSize = 8 + context.lengthSize;
	const head = Cursor.at(context, address, headSize);
	head.expect("GCOL", "global heap");
	head.skip(4);
	const size = head.length();
	if (size < headSize) throw damaged(file, "a global heap is too small");
	const heap = Cursor.at(context, address + headSize, size - headSize);
	while (heap.left >= 8 + context.lengthSize) {
		const index = heap.u16();
		heap.skip(6);
		const bytes = heap.length();
		if (index === 0) break;
		if (index === object) {
			if (length > bytes) throw damaged(file, "a text is longer than its place in the global heap");
			return heap.take(length);
		}
		heap.skip(Math.min(heap.left, Math.ceil(bytes / 8) * 8));
	}
	throw damaged(file, "a text is missing in the global heap");
}
