import { commandFamily } from "../command.ts";

export const command = commandFamily({
	name: "iers",
	summary: "the table of the Earth's rotation: how far it reaches, and refreshing it",
	description: [
		"Transits, apparent places and uvw need UT1-UTC and the pole, which nobody can compute: the International Earth",
		"Rotation and Reference Systems Service (IERS) measures them. A table ships with Caustic and reaches about a year",
		"beyond its release; data later than the table are refused. Refresh it from the file finals2000A.all of the IERS.",
	].join("\n"),
	examples: ["caustic iers show", "caustic iers refresh finals2000A.all --data survey"],
	subcommands: [
		{
			name: "show",
			summary: "how far the table in use reaches",
			load: async () => (await import("../iers/show.ts")).subcommand,
		},
		{
			name: "refresh",
			summary: "take a newer table from a file of the IERS",
			load: async () => (await import("../iers/refresh.ts")).subcommand,
		},
	],
});
