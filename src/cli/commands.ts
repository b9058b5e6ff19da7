import type { Command } from "./command.ts";

export interface CommandEntry {
	name: string;
	group: string;
	summary: string;
	load(): Promise<Command>;
}

/** Every command by name; the code of a command is loaded only when it is called. */
export const COMMANDS: CommandEntry[] = [
	{
		name: "serve",
		group: "Operate",
		summary: "serve the dashboard and the API of a survey",
		load: async () => (await import("./commands/serve.ts")).command,
	},
];
