/**
 * An expression, for a script of a process of its own: the most memory that it ever held, kB. The system's own account
 * (`resourceUsage`) begins, on Linux, with what the parent held when it started the process; VmHWM does not.
 */
export const PEAK_KB = `(process.platform === "linux"
	? Number(/VmHWM:\\s*(\\d+)/.exec(process.getBuiltinModule("node:fs").readFileSync("/proc/self/status", "utf8"))[1])
	: process.resourceUsage().maxRSS)`;
