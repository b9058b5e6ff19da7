import pg from "pg";
import { failure } from "../error.ts";
import { type ConnectionTarget, connectionOptions, type Row } from "./database.ts";

/**
 * One connection apart from the pool, for questions that must be answered in time or not at all: whether the database
 * lives. A question that is not answered in time costs the connection, so that a late answer is never taken for
 * the next one's. Questions queue behind one another, and whoever waits longer than allowed is told so.
 */
export class DatabaseProbe {
	readonly #target: ConnectionTarget;
	readonly #timeoutMs: number;
	#client: pg.Client | undefined;
	#queue: Promise<unknown> = Promise.resolve();

	constructor(target: ConnectionTarget, timeoutMs: number) {
		this.#target = target;
		this.#timeoutMs = timeoutMs;
	}

	/** @throws CausticError `database-away` when there is no answer in time */
	query<T = Row>(text: string, values: unknown[] = []): Promise<T[]> {
		const before = this.#queue;
		const turn = async () => {
			await before.catch(() => {});
			return this.#ask<T>(text, values);
		};
		const answer = turn();
		this.#queue = answer;
		return answer;
	}

	async #ask<T>(text: string, values: unknown[]): Promise<T[]> {
		const begun = performance.now();
		try {
			this.#client ??= await this.#connect();
			return (await this.#client.query(text, values)).rows as T[];
		} catch (error) {
			// An error that the server itself reported leaves the connection sound.
			if (
				/^[0-9A-Z]{5}$/.test(String((error as { code?: unknown }).code)) &&
				!/^(57P|08)/.test(String((error as { code?: unknown }).code))
			)
				throw error;
			void this.#drop();
			throw failure("database-away", `no answer within ${Math.round(performance.now() - begun)} ms`, {
				subject: "database",
				remedy: "Check that the server runs",
				cause: error,
			});
		}
	}

	async #connect(): Promise<pg.Client> {
		const client = new pg.Client({
			...connectionOptions(this.#target),
			connectionTimeoutMillis: this.#timeoutMs,
			query_timeout: this.#timeoutMs,
			application_name: "caustic-probe",
		});
		client.on("error", () => {
			if (this.#client === client) void this.#drop();
		});
		try {
			await client.connect();
		} catch (error) {
			void client.end().catch(() => {});
			throw error;
		}
		return client;
	}

	async #drop(): Promise<void> {
		const client = this.#client;
		this.#client = undefined;
		// With a question still open this tears the socket down instead of saying goodbye to a server that does not listen.
		await client?.end().catch(() => {});
	}

	async close(): Promise<void> {
		await this.#drop();
	}
}
