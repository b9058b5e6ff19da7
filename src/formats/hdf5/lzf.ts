/**
 * Expands LZF (Lehmann's liblzf, the format h5py calls `lzf`): a control byte below 32 announces that many plus one
 * literal bytes; above, its top three bits (7: plus the next byte) are a length less two, and the rest with the next
 * byte the distance back less one.
 *
 * @returns bytes written to `output`, or -1 if the input is damaged or does not fit.
 */
export function expandLzf(input: Uint8Array, output: Uint8Array): number {
	const end = input.length;
	const room = output.length;
	let from = 0;
	let to = 0;
	while (from < end) {
		const control = input[from++];
		if (control < 32) {
			const count = control + 1;
			if (from + count > end || to + count > room) return -1;
			for (let i = 0; i < count; i++) output[to++] = input[from++];
			continue;
		}
		let count = control >> 5;
		if (count === 7) {
			if (from >= end) return -1;
			count += input[from++];
		}
		count += 2;
		if (from >= end) return -1;
		let back = to - ((control & 31) << 8) - input[from++] - 1;
		if (back < 0 || to + count > room) return -1;
		if (back === to - 1) {
			// A run of one byte, most of what flags and sample counts consist of.
			output.fill(output[back], to, to + count);
			to += count;
		} else {
			for (let i = 0; i < count; i++) output[to++] = output[back++];
		}
	}
	return to;
}
