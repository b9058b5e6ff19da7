import { closeSync, existsSync, openSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { failure } from "../../error.ts";

const pause = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

const lives = (pid: number): boolean => {
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		return (error as NodeJS.ErrnoException).code === "EPERM";
	}
};

/**
 * Processes that hold a lock on a table through casacore: it locks the first bytes of `table.lock` by fcntl, which Node
 * cannot do but Linux shows in /proc/locks. Empty elsewhere.
 */
export function casacoreHolders(table: string): { pid: number; writes: boolean }[] {
	const file = join(table, "table.lock");
	if (!existsSync(file) || !existsSync("/proc/locks")) return [];
	const { ino } = statSync(file);
	const holders: { pid: number; writes: boolean }[] = [];
	// For instance `1: POSIX  ADVISORY  WRITE 1234 08:01:5678 0 0`; a line with `->` waits for the lock above it.
	for (const line of readFileSync("/proc/locks", "utf8").split("\n")) {
		const match = /^\d+: POSIX\s+ADVISORY\s+(READ|WRITE)\s+(-?\d+)\s+[0-9a-f]+:[0-9a-f]+:(\d+)\s/.exec(line);
		if (match !== null && Number(match[3]) === ino)
			holders.push({ pid: Number(match[2]), writes: match[1] === "WRITE" });
	}
	return holders;
}

/**
 * Takes a table for changing it in place: waits until no casacore program holds it and no other Caustic does. Between
 * Caustic processes the lock is a file `table.caustic-lock` with the holder's number; one left by a killed process is taken over.
 * A casacore program that comes later is not kept out: nothing in Node can.
 *
 * @returns a function that gives the table back.
 * @throws CausticError `table-locked` after `waitMs`.
 */
export function lockTable(table: string, waitMs = 10_000): () => void {
	const own = join(table, "table.caustic-lock");
	const until = performance.now() + waitMs;
	for (;;) {
		const holder = holderOf(own) ?? casacoreHolders(table).find(({ pid }) => pid !== process.pid)?.pid;
		if (holder === undefined && take(own)) return () => rmSync(own, { force: true });
		if (performance.now() >= until) {
			throw failure("table-locked", `process ${holder ?? "unknown"} holds it`, {
				subject: table,
				remedy: "Wait until that program is done with the table, or end it",
			});
		}
		pause(100);
	}
}

function holderOf(lock: string): number | undefined {
	try {
		const pid = Number(readFileSync(lock, "utf8"));
		if (pid > 0 && pid !== process.pid && lives(pid)) return pid;
		if (pid === process.pid) return pid;
		rmSync(lock, { force: true });
	} catch {
		// There is none.
	}
	return undefined;
}

function take(lock: string): boolean {
	try {
		const descriptor = openSync(lock, "wx");
		writeSync(descriptor, String(process.pid));
		closeSync(descriptor);
		return true;
	} catch (error) {
		const { code, message } = error as NodeJS.ErrnoException;
		if (code === "EEXIST") return false;
		throw failure("file-unwritable", message, {
			subject: lock,
			remedy: "Give write permission to the table",
			cause: error,
		});
	}
}
