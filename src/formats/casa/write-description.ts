import { AipsWriter } from "./aips-io.ts";
import { codeOfType, writeRecord, writeScalar } from "./record.ts";
import type { ColumnDescription, TableDescription } from "./table-description.ts";

/**
 * `table.dat` of a description: what {@link readTableDescription} reads, byte for byte as casacore writes it.
 */
export function writeTableDescription(description: TableDescription): Uint8Array {
	const { nRows, columns, managers } = description;
	const wide = nRows >= 2 ** 32;
	const writer = new AipsWriter();
	writer.root("Table", wide ? 3 : 2);
	if (wide) writer.u64(nRows);
	else writer.u32(nRows);
	writer.u32(description.bigEndian ? 0 : 1).string("PlainTable");
	writer.begin("TableDesc", 2).string(description.name).string(description.version).string(description.comment);
	writeRecord(writer, description.keywords);
	writeRecord(writer, description.privateKeywords);
	writer.u32(columns.length);
	for (const column of columns) writeColumn(writer, column);
	writer.end();
	if (wide) writer.i32(-3).u64(nRows).i32(0, 0);
	else writer.i32(-2).u32(nRows);
	writer.u32(description.nextSequence).u32(managers.length);
	for (const manager of managers) writer.string(manager.type).u32(manager.sequence);
	for (const column of columns) {
		writer.u32(2).string(column.storedName).u32(1, column.manager);
		if (!column.isArray) continue;
		writer.bool(column.storedShape !== undefined);
		if (column.storedShape !== undefined) writer.ipos(column.storedShape);
	}
	for (const manager of managers) writer.u32(manager.blob.length).raw(manager.blob);
	return writer.end().done();
}

function writeColumn(writer: AipsWriter, column: ColumnDescription): void {
	const { type, isArray } = column;
	writer.u32(1);
	const isRecord = type === "Record";
	writer.string(
		isRecord ? "ScalarRecordColumnDesc" : `${isArray ? "ArrayColumnDesc" : "ScalarColumnDesc"}<${type.padEnd(8)}`,
	);
	writer.u32(1).string(column.name).string(column.comment).string(column.managerType).string(column.managerGroup);
	writer.i32(codeOfType(type, false), column.option, column.ndim);
	if (isArray) writer.ipos(column.describedShape);
	writer.u32(column.maxLength);
	writeRecord(writer, column.keywords);
	writer.u32(1);
	if (isArray) writer.bool(false);
	else if (isRecord) return;
	else if (type === "String") writer.string("");
	else writeScalar(writer, type, type === "Complex" || type === "DComplex" ? [0, 0] : 0);
}
