import type { Hdf5Dataset } from "../hdf5/dataset.ts";
import { describe } from "../hdf5/datatype.ts";

interface Known {
	type: string;
	bytes: Uint8Array;
	values: Float64Array;
	isFinite: boolean;
}

/**
 * Header arrays of the files of one group: sixteen subbands say the same of each row, to the bit. What stands in a file as it
 * stood in the one before is not converted, checked and kept again.
 */
export class SharedArrays {
	private readonly known = new Map<string, Known>();
	private readonly derived = new Map<string, { from: readonly unknown[]; value: unknown }>();

	/** All values of a dataset as doubles: the same array as before if the bytes are the same. Not to be changed. */
	numbers(name: string, dataset: Hdf5Dataset): Float64Array {
		const type = `${describe(dataset.type)} ${dataset.shape}`;
		const bytes = dataset.wholeBytes();
		const before = this.known.get(name);
		if (before !== undefined && before.type === type && Buffer.compare(before.bytes, bytes) === 0) return before.values;
		const values = dataset.numbers(bytes);
		this.known.set(name, { type, bytes, values, isFinite: false });
		return values;
	}

	/** Index of the first value that is not finite, -1 if all are. */
	notFinite(name: string, values: Float64Array): number {
		const known = this.known.get(name);
		if (known?.values === values && known.isFinite) return -1;
		for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return i;
		if (known?.values === values) known.isFinite = true;
		return -1;
	}

	/** What follows from arrays and values that are the same as at the last call with this name, or is worked out now. */
	derive<T>(name: string, from: readonly unknown[], work: () => T): T {
		const before = this.derived.get(name);
		if (before !== undefined && before.from.every((value, i) => value === from[i])) return before.value as T;
		const value = work();
		this.derived.set(name, { from, value });
		return value;
	}
}
