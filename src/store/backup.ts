import { Readable } from "node:stream";
import { badInput, failure } from "../error.ts";
import type { Database, Transaction } from "./database.ts";
import { schemaStatus, upgradeDatabase } from "./migrate.ts";

/**
 * A survey in one stream of lines: a JSON object that says what follows before each table, the table as
 * PostgreSQL's COPY writes it up to a line `\.`, and a last object with the counts, without which the file is not
 * whole. All of one moment, while others go on writing. Jobs of the queue are not in it: `caustic runs resume` sends
 * the open ones again.
 */
const FORMAT = "caustic-backup";
const END_OF_TABLE = "\\.";

interface Header {
	format: string;
	schema_version: number;
	created_at: string;
}
interface TableHead {
	table: string;
	columns: string[];
}
interface Footer {
	end: true;
	rows: Record<string, number>;
}

export type RowCounts = Record<string, number>;

/** Told before each table. */
export type OnTable = (table: string, done: number, of: number) => void;

/** Tables so that each comes after those it refers to. */
async function tablesInOrder(tx: Transaction): Promise<TableHead[]> {
	const tables = await tx.query<TableHead>(
		"tables",
		`SELECT c.relname AS "table", array_agg(a.attname::text ORDER BY a.attnum) AS columns FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
		 WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
		 AND c.relname <> 'schema_migration' GROUP BY c.relname ORDER BY c.relname`,
	);
	const references = await tx.query<{ from: string; to: string }>(
		"references",
		`SELECT conrelid::regclass::text AS "from", confrelid::regclass::text AS "to" FROM pg_constraint WHERE contype = 'f' AND conrelid <> confrelid`,
	);
	const ordered: TableHead[] = [];
	const placed = new Set<string>();
	const place = (head: TableHead) => {
		if (placed.has(head.table)) return;
		placed.add(head.table);
		for (const { to } of references.filter(({ from }) => from === head.table)) {
			const needed = tables.find(({ table }) => table === to);
			if (needed !== undefined) place(needed);
		}
		ordered.push(head);
	};
	for (const head of tables) place(head);
	return ordered;
}

/** All that is stored, as of one moment, a piece at a time into `write`. Rows by table. */
export async function backUp(
	database: Database,
	write: (bytes: Uint8Array) => Promise<void>,
	onTable: OnTable = () => {},
): Promise<RowCounts> {
	const { current } = await schemaStatus(database);
	const counts: RowCounts = {};
	const line = (value: Header | TableHead | Footer) => write(Buffer.from(`${JSON.stringify(value)}\n`));
	await database.transaction("backup", async (tx) => {
		await tx.execute("one moment", "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY");
		await line({ format: FORMAT, schema_version: current, created_at: new Date().toISOString() });
		const tables = await tablesInOrder(tx);
		for (const [k, head] of tables.entries()) {
			onTable(head.table, k, tables.length);
			await line(head);
			let rows = 0;
			for await (const chunk of tx.copyOut(head.table, head.columns)) {
				for (const byte of chunk) if (byte === 10) rows += 1;
				await write(chunk);
			}
			counts[head.table] = rows;
			await write(Buffer.from(`${END_OF_TABLE}\n`));
		}
		await line({ end: true, rows: counts });
	});
	return counts;
}

/**
 * Puts a backup into a database that holds nothing yet: all of it or nothing. Rows by table.
 * @param name of the backup, for errors
 * @throws CausticError `bad-backup` when it is cut short or no backup, `not-empty`, `backup-newer`
 */
export async function restore(
	database: Database,
	bytes: AsyncIterable<Buffer>,
	name: string,
	onTable: OnTable = () => {},
): Promise<RowCounts> {
	const notWhole = (cause?: unknown) =>
		badInput("bad-backup", "this is no whole backup of a survey", {
			subject: name,
			remedy: "Give a file that caustic db backup has written to its end",
			cause,
		});
	const lines = linesOf(bytes);
	const next = async (): Promise<Buffer> => {
		let line: IteratorResult<Buffer>;
		try {
			line = await lines.next();
		} catch (error) {
			throw notWhole(error);
		}
		if (line.done === true) throw notWhole();
		return line.value;
	};
	const object = async <T>(): Promise<T> => {
		const text = (await next()).toString();
		try {
			return JSON.parse(text) as T;
		} catch (error) {
			throw notWhole(error);
		}
	};
	const header = await object<Header>();
	if (header.format !== FORMAT || !Number.isInteger(header.schema_version)) throw notWhole();
	const { current, wanted } = await schemaStatus(database);
	if (header.schema_version > wanted) {
		throw failure(
			"backup-newer",
			`was made with schema version ${header.schema_version}; this program knows up to ${wanted}`,
			{
				subject: name,
				remedy: "Use the newer program",
			},
		);
	}
	if (
		current > header.schema_version ||
		(current > 0 && (await database.query("any field", "SELECT FROM field LIMIT 1")).length > 0)
	) {
		throw badInput("not-empty", "the database already holds a survey", {
			subject: name,
			remedy: "Restore into a new one with --data DIR or --database URL",
		});
	}
	await upgradeDatabase(database, header.schema_version);
	const counts: RowCounts = {};
	await database.transaction("restore", async (tx) => {
		const known = new Map((await tablesInOrder(tx)).map((head) => [head.table, new Set(head.columns)]));
		let done = 0;
		for (;;) {
			const head = await object<TableHead | Footer>();
			if ("end" in head) {
				for (const [table, rows] of Object.entries(head.rows)) if (counts[table] !== rows) throw notWhole();
				break;
			}
			const columns = known.get(head.table);
			// Names go into a statement: only those that the schema has.
			if (columns === undefined || !Array.isArray(head.columns) || head.columns.some((column) => !columns.has(column)))
				throw notWhole();
			onTable(head.table, done, known.size);
			done += 1;
			let rows = 0;
			const body = async function* () {
				for (;;) {
					const line = await next();
					if (line.length === END_OF_TABLE.length && line.toString() === END_OF_TABLE) return;
					rows += 1;
					yield line;
					yield NEWLINE;
				}
			};
			await tx.execute(`clear ${head.table}`, `DELETE FROM "${head.table}"`);
			await tx.copyIn(head.table, head.columns, Readable.from(joined(body())));
			counts[head.table] = rows;
		}
		await settle(tx);
	});
	await upgradeDatabase(database);
	return counts;
}

/** What a copied row does not bring: where identities go on, and a transaction that readers of events can order by. */
async function settle(tx: Transaction): Promise<void> {
	const identities = await tx.query<{ table: string; column: string }>(
		"identities",
		`SELECT table_name AS "table", column_name AS "column" FROM information_schema.columns WHERE table_schema = current_schema() AND is_identity = 'YES'`,
	);
	for (const { table, column } of identities) {
		await tx.execute(
			`identity ${table}`,
			`SELECT setval(pg_get_serial_sequence('"${table}"', '${column}'), greatest(1, (SELECT coalesce(max("${column}"), 0) + 1 FROM "${table}")), false)`,
		);
	}
	await tx.execute("events of this database", "UPDATE event SET transaction_id = pg_current_xact_id()");
}

const NEWLINE = Buffer.from("\n");

/** Lines without their ends; throws what the stream throws. */
async function* linesOf(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
	let rest: Buffer = Buffer.alloc(0);
	for await (const chunk of stream) {
		const bytes: Buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
		let start = 0;
		for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
			yield bytes.subarray(start, end);
			start = end + 1;
		}
		rest = bytes.subarray(start);
	}
	if (rest.length > 0) yield rest;
}

/** Small pieces put together: a write per line would cost more than the line. */
async function* joined(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
	let waiting: Buffer[] = [];
	let size = 0;
	for await (const piece of pieces) {
		waiting.push(piece);
		size += piece.length;
		if (size < 1 << 16) continue;
		yield Buffer.concat(waiting);
		waiting = [];
		size = 0;
	}
	if (size > 0) yield Buffer.concat(waiting);
}
