import { AipsReader } from "./aips-io.ts";
import { type CasaRecord, readRecord, typeOfCode } from "./record.ts";
import { type CasaType, damagedTable, unsupportedTable } from "./values.ts";

export interface ColumnDescription {
	name: string;
	/** The name it was made with. */
	storedName: string;
	comment: string;
	type: CasaType;
	isArray: boolean;
	/** casacore's option bits: 1 direct (stored beside the scalars), 4 fixed shape. */
	option: number;
	/** Stored beside the scalars, not elsewhere. */
	isDirect: boolean;
	/** Number of axes, -1 if any. */
	ndim: number;
	/** Fixed shape, fastest axis first; undefined if cells have shapes of their own. */
	shape: number[] | undefined;
	/** The two places where a shape may stand: the description, and the set of columns. */
	describedShape: number[];
	storedShape: number[] | undefined;
	/** Longest text, 0 if any. */
	maxLength: number;
	keywords: CasaRecord;
	/** Type and group of the storage manager that the description suggests. */
	managerType: string;
	managerGroup: string;
	/** Sequence number of the storage manager that holds it. */
	manager: number;
}

export interface ManagerDescription {
	type: string;
	sequence: number;
	/** What the manager wrote about itself. */
	blob: Uint8Array<ArrayBufferLike>;
}

/** The contents of `table.dat`. */
export interface TableDescription {
	/** As `table.dat` says, which is often out of date: see `table.lock`. */
	nRows: number;
	/** Byte order of the data files; descriptions are always big-endian. */
	bigEndian: boolean;
	name: string;
	version: string;
	comment: string;
	keywords: CasaRecord;
	privateKeywords: CasaRecord;
	columns: ColumnDescription[];
	managers: ManagerDescription[];
	nextSequence: number;
}

/**
 * Parses `table.dat` (docs/science/visibilities.md has the layout).
 *
 * @throws CausticError `table-damaged` or `table-unsupported`.
 */
export function readTableDescription(table: string, bytes: Uint8Array): TableDescription {
	const reader = new AipsReader(table, bytes);
	const { version } = reader.root("Table");
	if (version > 3) throw unsupportedTable(table, `version ${version} of a table`);
	let nRows = version >= 3 ? reader.u64() : reader.u32();
	const bigEndian = reader.u32() === 0;
	const kind = reader.string();
	if (kind !== "PlainTable") throw unsupportedTable(table, `a table of kind ${kind} (a reference to other tables)`);
	const { version: descriptionVersion } = reader.begin("TableDesc");
	const name = reader.string();
	const ownVersion = reader.string();
	const comment = reader.string();
	const keywords = readRecord(reader, "TableRecord");
	const privateKeywords = descriptionVersion >= 2 ? readRecord(reader, "TableRecord") : new Map();
	const nColumns = reader.u32();
	if (nColumns * 16 > reader.left) throw damagedTable(table, "it claims more columns than its description can hold");
	const columns = Array.from({ length: nColumns }, () => readColumn(reader));

	const setVersion = reader.i32();
	if (setVersion >= 0) throw unsupportedTable(table, "a table written before 1995");
	if (setVersion < -3) throw unsupportedTable(table, `version ${-setVersion} of a column set`);
	if (setVersion <= -3) {
		nRows = reader.u64();
		reader.i32();
		reader.i32();
	} else nRows = reader.u32();
	const nextSequence = reader.u32();
	const nManagers = reader.u32();
	if (nManagers * 8 > reader.left) throw damagedTable(table, "it claims more storage managers than it can hold");
	const managers = Array.from({ length: nManagers }, () => ({
		type: reader.string(),
		sequence: reader.u32(),
		blob: new Uint8Array(0) as Uint8Array<ArrayBufferLike>,
	}));
	// In the order of the descriptions; a column that was renamed is stored under its first name.
	for (const column of columns) {
		reader.u32();
		column.storedName = reader.string();
		reader.u32();
		column.manager = reader.u32();
		if (column.isArray && reader.bool()) {
			column.storedShape = reader.ipos();
			column.shape = column.storedShape;
		}
		if (column.shape?.some((extent) => extent < 0))
			throw damagedTable(table, `column ${column.name} has a negative shape`);
	}
	for (const manager of managers) manager.blob = reader.take(reader.u32());
	return {
		nRows,
		bigEndian,
		name,
		version: ownVersion,
		comment,
		keywords,
		privateKeywords,
		columns,
		managers,
		nextSequence,
	};
}

function readColumn(reader: AipsReader): ColumnDescription {
	reader.u32();
	const className = reader.string();
	reader.u32();
	const name = reader.string();
	const comment = reader.string();
	const managerType = reader.string();
	const managerGroup = reader.string();
	const code = reader.i32();
	const option = reader.i32();
	const ndim = reader.i32();
	const isArray = className.startsWith("ArrayColumnDesc");
	const isRecord = className.startsWith("ScalarRecordColumnDesc");
	if (!isArray && !className.startsWith("ScalarColumnDesc") && !isRecord) {
		throw unsupportedTable(reader.table, `the column class ${className.trim()}`);
	}
	const described = isArray ? reader.ipos() : [];
	const maxLength = reader.u32();
	const keywords = readRecord(reader, "TableRecord");
	reader.u32();
	const type = isRecord ? "Record" : typeOfCode(reader.table, code).type;
	if (isArray) reader.bool();
	else if (!isRecord) reader.scalar(type);
	return {
		name,
		storedName: name,
		comment,
		type,
		isArray,
		option,
		isDirect: (option & 1) !== 0,
		ndim,
		shape: isArray && (option & 4) !== 0 && described.length > 0 ? described : undefined,
		describedShape: described,
		storedShape: undefined,
		maxLength,
		keywords,
		managerType,
		managerGroup,
		manager: -1,
	};
}

/** The row count in `table.lock`, which is the true one where there is one; undefined if it holds none. */
export function rowsInLock(table: string, bytes: Uint8Array): number | undefined {
	if (bytes.length < 264) return undefined;
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const length = view.getUint32(260);
	if (length === 0 || 264 + length > bytes.length) return undefined;
	const reader = new AipsReader(table, bytes.subarray(264, 264 + length));
	const { type, version } = reader.root();
	if (type !== "sync") return undefined;
	return version >= 2 ? reader.u64() : reader.u32();
}
