import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import pg from "pg";
import { from as copyFrom, to as copyTo } from "pg-copy-streams";
import { CausticError, failure } from "../error.ts";
import { inSpan, type SpanRecord } from "../observability/tracing.ts";

// PostgreSQL's int8 counts and ids of ours stay far below 2^53.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);
// Light curves come packed as arrays of doubles: one split instead of a general parser.
const FLOAT8_ARRAY = 1022;
pg.types.setTypeParser(FLOAT8_ARRAY as never, (text: string): number[] =>
	text === "{}"
		? []
		: text
				.slice(1, -1)
				.split(",")
				.map((value) => (value === "NULL" ? Number.NaN : Number(value))),
);

export type Row = Record<string, unknown>;

/** What a transaction and the pool have in common. Every statement carries a name, which becomes its span. */
export interface Queryable {
	query<T = Row>(name: string, text: string, values?: unknown[]): Promise<T[]>;
	/** Statement without a result; the number of rows it touched. */
	execute(name: string, text: string, values?: unknown[]): Promise<number>;
}

export interface Transaction extends Queryable {
	/** Bulk load by COPY: one array of values per column; the fastest way in, about a million rows per second. */
	copy(table: string, columns: CopyColumn[], rows: number): Promise<void>;
	/** A table as COPY writes it, and back. Names must be the schema's own. */
	copyOut(table: string, columns: string[]): AsyncIterable<Buffer>;
	copyIn(table: string, columns: string[], text: Readable): Promise<void>;
	/** For libraries that bring their own statements. */
	executeSql(text: string, values?: unknown[]): Promise<{ rows: never[] }>;
}

export interface CopyColumn {
	name: string;
	/** The value of row i; null, undefined and NaN are stored as NULL. */
	value(row: number): number | string | boolean | Buffer | null | undefined;
}

export interface ConnectionTarget {
	/** A PostgreSQL URL ... */
	url?: string;
	/** ... or the folder of a Unix socket of the embedded server. */
	socketDir?: string;
}

export const connectionOptions = (target: ConnectionTarget): pg.PoolConfig =>
	target.url === undefined
		? { host: target.socketDir, user: "caustic", database: "postgres" }
		: { connectionString: target.url };

const CONNECTION_CODES = new Set([
	"ECONNREFUSED",
	"ECONNRESET",
	"ENOENT",
	"ENOTFOUND",
	"ETIMEDOUT",
	"EPIPE",
	"57P01",
	"57P03",
	"08006",
	"08001",
]);

const codeOf = (error: unknown): string => String((error as { code?: unknown })?.code ?? "");

/** Whether trying again later may help: the server was away, or two transactions were in each other's way. */
export const isPassing = (error: unknown): boolean => {
	const code = codeOf(error instanceof CausticError ? error.cause : error);
	return (
		CONNECTION_CODES.has(code) ||
		code === "40001" ||
		code === "40P01" ||
		code === "database-away" ||
		/Connection terminated|timeout expired/.test(String(error))
	);
};

const escapeCopy = (text: string): string =>
	/[\\\t\n\r]/.test(text)
		? text.replace(/[\\\t\n\r]/g, (c) => ({ "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" })[c] as string)
		: text;

function* copyText(columns: CopyColumn[], rows: number): Generator<string> {
	let chunk = "";
	for (let row = 0; row < rows; row++) {
		for (let c = 0; c < columns.length; c++) {
			const value = columns[c].value(row);
			if (c > 0) chunk += "\t";
			if (typeof value === "number")
				chunk += Number.isNaN(value)
					? "\\N"
					: value === Infinity
						? "Infinity"
						: value === -Infinity
							? "-Infinity"
							: value;
			else if (value === null || value === undefined) chunk += "\\N";
			else if (typeof value === "object") chunk += `\\\\x${value.toString("hex")}`;
			else if (typeof value === "boolean") chunk += value ? "t" : "f";
			else chunk += escapeCopy(value);
		}
		chunk += "\n";
		if (chunk.length > 1 << 16) {
			yield chunk;
			chunk = "";
		}
	}
	if (chunk !== "") yield chunk;
}

const quoted = (columns: string[]) => columns.map((column) => `"${column}"`).join(", ");

class ClientTransaction implements Transaction {
	readonly client: pg.PoolClient;

	constructor(client: pg.PoolClient) {
		this.client = client;
	}

	query<T = Row>(name: string, text: string, values: unknown[] = []): Promise<T[]> {
		return inSpan(`sql ${name}`, {}, async () => (await this.client.query(text, values)).rows as T[]);
	}

	execute(name: string, text: string, values: unknown[] = []): Promise<number> {
		return inSpan(`sql ${name}`, {}, async () => (await this.client.query(text, values)).rowCount ?? 0);
	}

	copy(table: string, columns: CopyColumn[], rows: number): Promise<void> {
		return inSpan(`sql copy ${table}`, { rows }, async () => {
			const list = columns.map((column) => column.name).join(", ");
			const stream = this.client.query(copyFrom(`COPY ${table} (${list}) FROM STDIN`));
			await pipeline(Readable.from(copyText(columns, rows)), stream);
		});
	}

	copyOut(table: string, columns: string[]): AsyncIterable<Buffer> {
		return this.client.query(copyTo(`COPY "${table}" (${quoted(columns)}) TO STDOUT`));
	}

	copyIn(table: string, columns: string[], text: Readable): Promise<void> {
		return inSpan(`sql copy ${table}`, {}, () =>
			pipeline(text, this.client.query(copyFrom(`COPY "${table}" (${quoted(columns)}) FROM STDIN`))),
		);
	}

	async executeSql(text: string, values?: unknown[]): Promise<{ rows: never[] }> {
		return (await this.client.query(text, values)) as unknown as { rows: never[] };
	}
}

/** A pool of connections to one PostgreSQL database. */
export class Database implements Queryable {
	readonly target: ConnectionTarget;
	readonly #pool: pg.Pool;

	constructor(target: ConnectionTarget, options: { poolSize?: number; statementTimeoutS?: number } = {}) {
		this.target = target;
		this.#pool = new pg.Pool({
			...connectionOptions(target),
			max: options.poolSize ?? 8,
			connectionTimeoutMillis: 10_000,
			statement_timeout: (options.statementTimeoutS ?? 300) * 1000,
			application_name: "caustic",
		});
		// An idle connection that breaks is replaced at its next use; without a listener it would end the process.
		this.#pool.on("error", () => {});
		// The same of one that is in use: its statement fails, and that is told to whoever gave it.
		this.#pool.on("connect", (client) => client.on("error", () => {}));
	}

	async #connect(): Promise<pg.PoolClient> {
		try {
			return await this.#pool.connect();
		} catch (error) {
			throw failure("database-away", `the database does not answer (${codeOf(error) || (error as Error).message})`, {
				subject: this.target.url === undefined ? "embedded database" : "DATABASE_URL",
				remedy: "Check that the server runs and that the address is right",
				cause: error,
			});
		}
	}

	async query<T = Row>(name: string, text: string, values: unknown[] = []): Promise<T[]> {
		return inSpan(`sql ${name}`, {}, async () => {
			const client = await this.#connect();
			try {
				return (await client.query(text, values)).rows as T[];
			} finally {
				client.release();
			}
		});
	}

	async execute(name: string, text: string, values: unknown[] = []): Promise<number> {
		return inSpan(`sql ${name}`, {}, async () => {
			const client = await this.#connect();
			try {
				return (await client.query(text, values)).rowCount ?? 0;
			} finally {
				client.release();
			}
		});
	}

	/** Rows of a result of any length, `size` at a time by a cursor: memory does not grow with the result. */
	async *batches<T = Row>(name: string, text: string, values: unknown[] = [], size = 10_000): AsyncGenerator<T[]> {
		const client = await this.#connect();
		let broken: Error | undefined;
		try {
			await client.query("BEGIN READ ONLY");
			// All rows will be read; the default plans for the first tenth, by nested loops.
			await client.query("SET LOCAL cursor_tuple_fraction = 1");
			await inSpan(`sql ${name}`, {}, () => client.query(`DECLARE batch NO SCROLL CURSOR FOR ${text}`, values));
			for (;;) {
				const rows = await inSpan(
					`sql ${name} rows`,
					{},
					async () => (await client.query(`FETCH ${size} FROM batch`)).rows as T[],
				);
				if (rows.length > 0) yield rows;
				if (rows.length < size) break;
			}
		} finally {
			try {
				await client.query("ROLLBACK");
			} catch (error) {
				broken = error as Error;
			}
			client.release(broken);
		}
	}

	/** All or nothing. Keep it short: compute first, then store. */
	async transaction<T>(name: string, work: (tx: Transaction) => Promise<T>): Promise<T> {
		return inSpan(`transaction ${name}`, {}, async () => {
			const client = await this.#connect();
			let broken: Error | undefined;
			try {
				await client.query("BEGIN");
				const result = await work(new ClientTransaction(client));
				await client.query("COMMIT");
				return result;
			} catch (error) {
				try {
					await client.query("ROLLBACK");
				} catch (rollbackError) {
					broken = rollbackError as Error;
				}
				throw error;
			} finally {
				client.release(broken);
			}
		});
	}

	/** Bulk store of spans, itself untraced: storing spans must not make spans without end. */
	async storeSpans(spans: SpanRecord[]): Promise<void> {
		const client = await this.#connect();
		try {
			await client.query(
				`INSERT INTO span (trace_id, span_id, parent_span_id, name, start_ms, duration_ms, failed, attributes)
				 SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::float8[], $6::float8[], $7::bool[], $8::jsonb[])
				 ON CONFLICT DO NOTHING`,
				[
					spans.map((span) => span.traceId),
					spans.map((span) => span.spanId),
					spans.map((span) => span.parentSpanId ?? null),
					spans.map((span) => span.name),
					spans.map((span) => span.startMs),
					spans.map((span) => span.durationMs),
					spans.map((span) => span.failed),
					spans.map((span) => JSON.stringify(span.attributes)),
				],
			);
		} finally {
			client.release();
		}
	}

	async close(): Promise<void> {
		await this.#pool.end();
	}
}
