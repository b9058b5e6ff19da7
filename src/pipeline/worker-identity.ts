import { hostname } from "node:os";
import { isSameProcess, startTicks } from "../observability/process-identity.ts";

/** Names this process among all workers of all machines. */
export const workerIdentity = (): string => `${hostname()}/${process.pid}/${startTicks(process.pid)}`;

/** Whether a worker is known to be dead: its process was on this machine and is gone. Of other machines nothing is known. */
export function isDead(worker: string): boolean {
	const [host, pid, ticks] = worker.split("/");
	return host === hostname() && !isSameProcess(Number(pid), ticks);
}
