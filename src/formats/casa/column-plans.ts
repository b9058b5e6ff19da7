import type { CasaRecord } from "./record.ts";
import type { ColumnPlan } from "./table-writer.ts";
import type { CasaType } from "./values.ts";

export const scalarColumn = (name: string, type: CasaType, comment: string, keywords?: CasaRecord): ColumnPlan => ({
	name,
	type,
	comment,
	keywords,
});
export const arrayColumn = (
	name: string,
	type: CasaType,
	cells: readonly number[] | "varying",
	ndim: number,
	comment: string,
	keywords?: CasaRecord,
): ColumnPlan => ({ name, type, cells, ndim, comment, keywords });

export const same = <T>(count: number, value: T): T[] => new Array<T>(count).fill(value);
export const bools = (count: number) => new Uint8Array(count);
export const ints = (count: number, value = 0) => new Int32Array(count).fill(value);
export const doubles = (count: number, value = 0) => new Float64Array(count).fill(value);
