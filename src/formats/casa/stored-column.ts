import type { CasaArray, CasaData } from "./values.ts";

/** One column as its storage manager keeps it. Rows are of the table. */
export interface StoredColumn {
	/** Scalars of rows [first, first + count); of a column of scalars. */
	scalars(first: number, count: number): CasaData;
	/** Shape of a cell, fastest axis first; undefined if the cell was never given a value. */
	cellShape(row: number): number[] | undefined;
	/** One cell of a column of arrays; undefined if the cell was never given a value. */
	cell(row: number): CasaArray | undefined;
	/**
	 * Cells of rows [first, first + count), all of the same shape, one behind the other into `target`.
	 *
	 * @throws CausticError if a cell has another shape than the first, or none.
	 */
	cells(first: number, count: number, target: Exclude<CasaData, string[]>): void;
	/** Replaces cells in place, of the shapes they have. Undefined if the manager cannot. */
	replaceCells?(first: number, count: number, source: Exclude<CasaData, string[]>): void;
	/** Replaces scalars in place. Undefined if the manager cannot. */
	replaceScalars?(first: number, values: Exclude<CasaData, string[]>): void;
}

/** Says that a column does not hold what was asked for. */
export const misuse = (column: string, what: string) => new TypeError(`column ${column} holds ${what}`);
