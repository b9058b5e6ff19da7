/**
 * Expands one LZ4 block (Collet's block format): token, literals, distance, match.
 *
 * @returns bytes written to `output` from `to` on, or -1 if the input is damaged or does not fit.
 */
export function expandLz4(input: Uint8Array, output: Uint8Array, begin = 0, end = output.length): number {
	const last = input.length;
	let from = 0;
	let to = begin;
	while (from < last) {
		const token = input[from++];
		let literals = token >> 4;
		if (literals === 15) {
			let more = 255;
			while (more === 255) {
				if (from >= last) return -1;
				more = input[from++];
				literals += more;
			}
		}
		if (from + literals > last || to + literals > end) return -1;
		for (let i = 0; i < literals; i++) output[to++] = input[from++];
		if (from === last) return to - begin;
		if (from + 2 > last) return -1;
		const distance = input[from] | (input[from + 1] << 8);
		from += 2;
		let count = token & 15;
		if (count === 15) {
			let more = 255;
			while (more === 255) {
				if (from >= last) return -1;
				more = input[from++];
				count += more;
			}
		}
		count += 4;
		let back = to - distance;
		if (distance === 0 || back < begin || to + count > end) return -1;
		for (let i = 0; i < count; i++) output[to++] = output[back++];
	}
	return to - begin;
}
