import type { VisibilityBlock } from "../../calibration/visibility-set.ts";
import { badInput, failure } from "../../error.ts";
import { turnRows } from "../turn-rows.ts";
import { addColumnLike } from "./add-column.ts";
import { DATA_COLUMNS, type MeasurementSet, openMeasurementSet } from "./measurement-set.ts";
import { CasaTable } from "./table.ts";
import { lockTable } from "./table-lock.ts";
import type { DataColumn } from "./write-measurement-set.ts";

/** New values for the samples of a block, in the block's own layout. */
export interface BlockUpdate {
	corrected?: Float32Array;
	model?: Float32Array;
	/** Replaces FLAG; FLAG_ROW follows. */
	flags?: Uint8Array;
}

/**
 * Changes FLAG, MODEL_DATA and CORRECTED_DATA of a MeasurementSet where it stands; columns that are missing are added. Holds the
 * set's lock from {@link openForUpdate} to {@link close}.
 *
 * Blocks must span all channels of their window, as `blocks()` without `channels` delivers them.
 */
export class MeasurementSetUpdate {
	readonly set: MeasurementSet;
	private readonly unlock: () => void;
	private open = true;

	constructor(set: MeasurementSet, unlock: () => void) {
		this.set = set;
		this.unlock = unlock;
	}

	put(block: VisibilityBlock, update: BlockUpdate): void {
		const { set } = this;
		if (!this.open) throw failure("file-closed", "it was changed after it had been closed", { subject: set.source[0] });
		const { row } = block;
		const window = set.windows[block.spectralWindow];
		if (row === undefined || window === undefined || block.nChannels !== window.nChannels) {
			throw badInput("measurement-set", "only whole rows of the set itself can be changed", { subject: set.source[0] });
		}
		if (update.corrected !== undefined) this.putData(block, row, DATA_COLUMNS.corrected, update.corrected);
		if (update.model !== undefined) this.putData(block, row, DATA_COLUMNS.model, update.model);
		if (update.flags !== undefined) this.putFlags(block, row, update.flags);
	}

	/** Into the file's order of channels, products and antennas; turning a row twice gives it back. */
	private turned(block: VisibilityBlock, data: Float32Array, flags: Uint8Array) {
		const { set } = this;
		const window = set.windows[block.spectralWindow];
		const nPol = set.polarizations.length;
		const out = {
			visibilities: new Float32Array(data.length),
			flags: new Uint8Array(flags.length),
			weights: undefined,
		};
		const exchanged = Uint8Array.from(block.row as Int32Array, (row) => set.rows.exchanged[row]);
		turnRows(
			{ visibilities: data, flags, weights: undefined },
			Int32Array.from(exchanged, (_, r) => r),
			Int8Array.from(exchanged, (swap) => (swap === 1 ? -1 : 1)),
			set.exchange,
			exchanged,
			block.nChannels * nPol,
			0,
			out,
			0,
			block.nChannels,
			nPol,
			window.descending,
		);
		return out;
	}

	private putData(block: VisibilityBlock, row: Int32Array, column: DataColumn, data: Float32Array): void {
		const { visibilities } = this.turned(block, data, new Uint8Array(data.length / 2));
		this.runs(block, row, visibilities.length, (first, count, from, to) => {
			this.set.table.column(column).replaceCells(first, count, visibilities.subarray(from, to));
		});
	}

	private putFlags(block: VisibilityBlock, row: Int32Array, flags: Uint8Array): void {
		const turned = this.turned(block, new Float32Array(2 * flags.length), flags).flags;
		const table = this.set.table;
		const perRow = flags.length / block.nRows;
		this.runs(block, row, turned.length, (first, count, from, to) => {
			table.column("FLAG").replaceCells(first, count, turned.subarray(from, to));
			if (!table.has("FLAG_ROW")) return;
			const flagRow = new Uint8Array(count);
			for (let i = 0; i < count; i++) {
				flagRow[i] = turned.subarray(from + i * perRow, from + (i + 1) * perRow).includes(0) ? 0 : 1;
			}
			const before = table.column("FLAG_ROW").scalars(first, count) as Uint8Array;
			// Incremental storage cannot be changed in place; there FLAG says it all, unless FLAG_ROW would contradict it.
			if (before.every((value, i) => value === flagRow[i])) return;
			if (flagRow.some((value, i) => value === 0 && before[i] === 1) || table.column("FLAG_ROW").canReplaceScalars) {
				table.column("FLAG_ROW").replaceScalars(first, flagRow);
			}
		});
	}

	/** Calls `visit` for each run of neighbouring rows. */
	private runs(
		block: VisibilityBlock,
		row: Int32Array,
		length: number,
		visit: (first: number, count: number, from: number, to: number) => void,
	): void {
		const width = length / block.nRows;
		for (let r = 0; r < block.nRows; ) {
			let count = 1;
			while (r + count < block.nRows && row[r + count] === row[r] + count) count++;
			visit(row[r], count, r * width, (r + count) * width);
			r += count;
		}
	}

	/** Gives the set back. */
	close(): void {
		if (!this.open) return;
		this.open = false;
		this.set.close();
		this.unlock();
	}
}

/**
 * Opens a MeasurementSet for changing it in place, with the columns that will be written.
 *
 * @throws CausticError `table-locked` if another program holds it longer than `waitMs`.
 */
export function openForUpdate(
	path: string,
	columns: readonly ("corrected" | "model")[],
	waitMs?: number,
): MeasurementSetUpdate {
	const unlock = lockTable(new CasaTable(path).path, waitMs);
	try {
		for (const column of columns) {
			const name = DATA_COLUMNS[column];
			const table = new CasaTable(path);
			const missing = !table.has(name);
			table.close();
			const comment = `The ${column} data column`;
			if (missing) addColumnLike(table.path, "DATA", { name, type: "Complex", comment });
		}
		return new MeasurementSetUpdate(openMeasurementSet(path), unlock);
	} catch (error) {
		unlock();
		throw error;
	}
}
