import { commandFamily } from "../command.ts";

export const command = commandFamily({
	name: "simulate",
	summary: "seeded synthetic data with truth",
	description:
		"Makes data whose truth is known, for tests, benchmarks and injection tests of your own.\n" +
		"The same seed and options give the same files, byte for byte.",
	examples: ["caustic simulate sky example/ --seed 1", "caustic simulate light-curves sky/ --seed 7"],
	subcommands: [
		{
			name: "sky",
			summary: "FITS images of a survey: epochs x subbands of one field",
			load: async () => (await import("../simulate/sky.ts")).subcommand,
		},
		{
			name: "visibilities",
			summary: "a calibrator transit over an array, as UVH5 files or a MeasurementSet, with its truth",
			load: async () => (await import("../simulate/visibilities.ts")).subcommand,
		},
		{
			name: "light-curves",
			summary: "light curves of a survey, some sources lensed, with truth",
			load: async () => (await import("../simulate/light-curves.ts")).subcommand,
		},
	],
});
