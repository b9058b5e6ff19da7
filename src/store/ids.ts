import type { Transaction } from "./database.ts";

/**
 * The next `count` ids of a noun, first to last. Taken inside the transaction that uses them: an attempt that is rolled
 * back returns them, so a run that was killed and resumed gives the same ids as one that was not.
 */
export async function takeIds(tx: Transaction, noun: string, count: number): Promise<number> {
	if (count === 0) return 0;
	const [{ first }] = await tx.query<{ first: number }>(
		`ids ${noun}`,
		`INSERT INTO counter (name, next) VALUES ($1, $2::bigint + 1)
		 ON CONFLICT (name) DO UPDATE SET next = counter.next + $2 RETURNING next - $2 AS first`,
		[noun, count],
	);
	return first;
}
