import type { Command } from "./command.ts";

export interface CommandEntry {
	name: string;
	group: string;
	summary: string;
	load(): Promise<Command>;
}

/** Every command by name; the code of a command is loaded only when it is called. */
export const COMMANDS: CommandEntry[] = [];
