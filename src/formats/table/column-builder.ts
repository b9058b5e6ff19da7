import { isNullWord, parseDecimal } from "./decimal.ts";
import type { Column } from "./table.ts";

/** A column of known kind that grows row by row; a row that is left out has no value. */
export class ColumnBuilder {
	private readonly column: Omit<Column, "values">;
	private numbers: Float64Array;
	private texts: (string | null)[] | undefined;

	constructor(column: Omit<Column, "values">) {
		this.column = column;
		this.numbers = new Float64Array(column.kind === "text" ? 0 : 64);
		this.texts = column.kind === "text" ? [] : undefined;
	}

	get kind(): Column["kind"] {
		return this.column.kind;
	}

	setNumber(row: number, value: number): void {
		if (row >= this.numbers.length) {
			const larger = new Float64Array(Math.max(row + 1, this.numbers.length * 2)).fill(Number.NaN, this.numbers.length);
			larger.set(this.numbers);
			this.numbers = larger;
		}
		this.numbers[row] = value;
	}

	setText(row: number, value: string | null): void {
		const texts = this.texts as (string | null)[];
		while (texts.length < row) texts.push(null);
		texts[row] = value;
	}

	/**
	 * A decimal number from bytes; blank is no value.
	 * @returns false when the bytes are neither a number nor a word for "no value".
	 */
	setDecimal(row: number, bytes: Buffer, from: number, to: number): boolean {
		while (from < to && bytes[from] <= 32) from += 1;
		while (to > from && bytes[to - 1] <= 32) to -= 1;
		const value = parseDecimal(bytes, from, to);
		this.setNumber(row, value);
		return value === value || isNullWord(bytes, from, to);
	}

	/** Turns a column of whole numbers into text, so that identifiers beyond 2^53 keep every digit. */
	becomeText(rows: number): void {
		const values = this.numbers;
		this.texts = Array.from({ length: rows }, (_, row) => (Number.isNaN(values[row]) ? null : String(values[row])));
		this.column.kind = "text";
	}

	finish(rows: number): Column {
		if (this.texts !== undefined) {
			while (this.texts.length < rows) this.texts.push(null);
			return { ...this.column, values: this.texts };
		}
		if (this.numbers.length < rows) this.setNumber(rows - 1, Number.NaN);
		return { ...this.column, values: this.numbers.slice(0, rows) };
	}
}
