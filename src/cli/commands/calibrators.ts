import { commandFamily } from "../command.ts";

export const command = commandFamily({
	name: "calibrators",
	summary: "which calibrator crosses the beam when, which one a set contains, and how bright",
	description: [
		"Calibrators from the VLA calibrator list or, without one, the standard sources of Perley & Butler 2017: their",
		"transits over an array, their flux densities through its beam, and which of them a set of visibilities contains.",
	].join("\n"),
	examples: [
		"caustic calibrators transits --site=-118.2834,37.2334,1188 --dec=30.5 --from 2022-03-15 --to 2022-03-16",
		"caustic calibrators flux 3C286 --frequency-mhz 1405",
	],
	subcommands: [
		{
			name: "transits",
			summary: "which calibrators cross the beam of a transit array, and when",
			load: async () => (await import("../calibrators/transits.ts")).subcommand,
		},
		{
			name: "rank",
			summary: "which calibrators a set of visibilities contains, and where they peak",
			load: async () => (await import("../calibrators/rank.ts")).subcommand,
		},
		{
			name: "flux",
			summary: "flux densities of calibrators at a frequency",
			load: async () => (await import("../calibrators/flux.ts")).subcommand,
		},
	],
});
