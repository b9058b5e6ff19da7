import type { Column } from "./table.ts";

/** What columnar formats hand over: anything else than these is not a scalar. */
type Scalar = number | bigint | boolean | string | Date | null | undefined;

/**
 * A column from the values of a columnar format (Parquet, Arrow), piece by piece. Whole numbers beyond 2^53 make the
 * column text, so that identifiers keep every digit; dates are ISO 8601 text.
 */
export class ValuesBuilder {
	private readonly column: Omit<Column, "values">;
	private readonly numbers: Float64Array[] = [];
	private texts: (string | null)[] | undefined;
	private length = 0;
	/** Set when a value was met that a column of scalars cannot hold. */
	problem: string | undefined;

	constructor(column: Omit<Column, "values">) {
		this.column = column;
		if (column.kind === "text") this.texts = [];
	}

	add(values: ArrayLike<unknown>): void {
		if (this.texts === undefined) {
			const numbers = new Float64Array(values.length);
			if (values instanceof Float64Array || values instanceof Float32Array || values instanceof Int32Array) {
				numbers.set(values);
			} else if (!this.convert(values, numbers)) this.becomeText();
			if (this.texts === undefined) {
				this.numbers.push(numbers);
				this.length += values.length;
				return;
			}
		}
		for (let i = 0; i < values.length; i++) this.texts.push(this.text(values[i] as Scalar));
		this.length += values.length;
	}

	/** False when a whole number is beyond what doubles hold exactly, or a value is text. */
	private convert(values: ArrayLike<unknown>, into: Float64Array): boolean {
		for (let i = 0; i < values.length; i++) {
			const value = values[i] as Scalar;
			if (typeof value === "number") into[i] = value;
			else if (value === null || value === undefined) into[i] = Number.NaN;
			else if (typeof value === "boolean") into[i] = value ? 1 : 0;
			else if (typeof value === "bigint" && Number.isSafeInteger(Number(value))) into[i] = Number(value);
			else return false;
		}
		return true;
	}

	private text(value: Scalar): string | null {
		if (value === null || value === undefined) return null;
		if (typeof value === "string") return value;
		if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
		if (typeof value === "object") {
			this.problem ??= "values that are not scalars";
			return null;
		}
		return Number.isNaN(value) ? null : String(value);
	}

	private becomeText(): void {
		this.texts = this.numbers.flatMap((piece) => Array.from(piece, (value) => this.text(value)));
		this.column.kind = "text";
	}

	finish(): Column {
		if (this.texts !== undefined) return { ...this.column, values: this.texts };
		const values = new Float64Array(this.length);
		let at = 0;
		for (const piece of this.numbers) {
			values.set(piece, at);
			at += piece.length;
		}
		return { ...this.column, values };
	}
}
