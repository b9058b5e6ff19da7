import type { ReactNode } from "react";

export interface Column<T> {
	name: string;
	/** Shown when the pointer rests on the heading. */
	hint?: string;
	isNumber?: boolean;
	cell: (row: T) => ReactNode;
}

interface TableProps<T> {
	caption: string;
	columns: Column<T>[];
	rows: T[];
	keyOf: (row: T) => string | number;
	/** What stands there instead of rows. */
	empty: string;
	selected?: string | number | undefined;
	onSelect?: (row: T) => void;
}

/** A dense table; numbers are aligned at the right. */
export function Table<T>({ caption, columns, rows, keyOf, empty, selected, onSelect }: TableProps<T>) {
	if (rows.length === 0) return <p className="empty">{empty}</p>;
	return (
		<div className="table-scroll">
			<table>
				<caption className="hidden">{caption}</caption>
				<thead>
					<tr>
						{columns.map((column) => (
							<th
								key={column.name}
								className={column.isNumber === true ? "n" : undefined}
								title={column.hint}
								scope="col"
							>
								{column.name}
							</th>
						))}
					</tr>
				</thead>
				<tbody>
					{rows.map((row) => (
						<tr
							key={keyOf(row)}
							aria-selected={selected === undefined ? undefined : keyOf(row) === selected}
							className={onSelect === undefined ? undefined : "can-select"}
							onClick={onSelect === undefined ? undefined : () => onSelect(row)}
						>
							{columns.map((column) => (
								<td key={column.name} className={column.isNumber === true ? "n" : undefined}>
									{column.cell(row)}
								</td>
							))}
						</tr>
					))}
				</tbody>
			</table>
		</div>
	);
}
