import { readFileSync } from "node:fs";

/** When a process started, in clock ticks since boot: tells a process from a later one with the same id. */
export function startTicks(pid: number): string {
	try {
		const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
		return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
	} catch {
		return "0";
	}
}

export function processLives(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		return (error as NodeJS.ErrnoException).code === "EPERM";
	}
}

/** Whether the very process that was noted as this id and start still runs. */
export const isSameProcess = (pid: number, ticks: string): boolean => processLives(pid) && startTicks(pid) === ticks;
