/** A page of such a memory, and the most that one has: 4 GiB. */
const PAGE_BYTES = 1 << 16;
const MOST_PAGES = 1 << 16;
/** The first plane begins here: loops may take the lowest addresses for none. */
const BEGIN = 1024;
/** Planes of fewer pixels are not worth a memory of their own. */
const LEAST_PIXELS = 1 << 14;

interface Known {
	memory: WebAssembly.Memory;
	/**
	 * As large as the memory, and never touched, so that it takes none: the collector counts it, while it does not count a
	 * WebAssembly.Memory and would let gigabytes of them wait.
	 */
	counted?: ArrayBuffer;
}

const known = new WeakMap<ArrayBufferLike, Known>();

/**
 * Room for several planes of so many pixels, one behind the other in one memory, where compiled loops reach all of them and other
 * threads share them; undefined for planes that are too small or too large. What is not written takes no memory.
 */
export function planeMemory(pixels: number, planes: number): Float32Array[] | undefined {
	const pages = Math.ceil((BEGIN + 4 * pixels * planes) / PAGE_BYTES);
	if (pixels < LEAST_PIXELS || pages > MOST_PAGES) return undefined;
	const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
	known.set(memory.buffer, { memory, counted: new ArrayBuffer(memory.buffer.byteLength) });
	return Array.from(
		{ length: planes },
		(_, plane) => new Float32Array(memory.buffer, BEGIN + 4 * pixels * plane, pixels),
	);
}

/** The memory in which a plane's pixels lie, if it is one of {@link planeMemory}. */
export const memoryOf = (data: ArrayBufferView<ArrayBufferLike>): WebAssembly.Memory | undefined =>
	known.get(data.buffer)?.memory;

/** Makes a memory known by buffers of it: they come to another thread as other objects than its own. */
export function adoptPlanes(memory: WebAssembly.Memory, ...buffers: ArrayBufferLike[]): void {
	for (const buffer of buffers) known.set(buffer, { memory });
}

/** The plane behind this one, where its memory has room for one more of the same size. */
export function nextPlane(data: Float32Array | Float64Array): Float32Array | undefined {
	const memory = memoryOf(data);
	const begin = data.byteOffset + data.byteLength;
	if (memory === undefined || !(data instanceof Float32Array) || begin + data.byteLength > data.buffer.byteLength)
		return undefined;
	return new Float32Array(data.buffer, begin, data.length);
}
