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
		name: "calibrate",
		group: "Visibilities",
		summary: "solve delays, bandpass and gains of a calibrator observation",
		load: async () => (await import("./commands/calibrate.ts")).command,
	},
	{
		name: "convert",
		group: "Visibilities",
		summary: "UVH5 group or UVFITS to a MeasurementSet",
		load: async () => (await import("./commands/convert.ts")).command,
	},
	{
		name: "apply",
		group: "Visibilities",
		summary: "apply calibration tables to visibilities",
		load: async () => (await import("./commands/apply.ts")).command,
	},
	{
		name: "measure",
		group: "Images",
		summary: "forced photometry of an image at given positions, with true errors",
		load: async () => (await import("./commands/measure.ts")).command,
	},
	{
		name: "background",
		group: "Images",
		summary: "make the background and noise maps of an image",
		load: async () => (await import("./commands/background.ts")).command,
	},
	{
		name: "find",
		group: "Images",
		summary: "find the sources of an image and fit them",
		load: async () => (await import("./commands/find.ts")).command,
	},
	{
		name: "normalize",
		group: "Detection",
		summary: "put the light curves of a field on one flux scale",
		load: async () => (await import("./commands/normalize.ts")).command,
	},
	{
		name: "detect",
		group: "Detection",
		summary: "look for extreme scattering events in light curves",
		load: async () => (await import("./commands/detect.ts")).command,
	},
	{
		name: "classifier",
		group: "Detection",
		summary: "learn from verdicts: labelled set, accuracy over time, a classifier on trial",
		load: async () => (await import("./commands/classifier.ts")).command,
	},
	{
		name: "example",
		group: "Survey",
		summary: "the bundled example: simulate a survey, run the pipeline on it, show the dashboard",
		load: async () => (await import("./commands/example.ts")).command,
	},
	{
		name: "run",
		group: "Survey",
		summary: "images in, light curves and candidates out: the whole image-side pipeline",
		load: async () => (await import("./commands/run.ts")).command,
	},
	{
		name: "watch",
		group: "Survey",
		summary: "the same as run as files arrive, visibilities included",
		load: async () => (await import("./commands/watch.ts")).command,
	},
	{
		name: "export",
		group: "Survey",
		summary: "light curves, measurements, sources or candidates as a table",
		load: async () => (await import("./commands/export.ts")).command,
	},
	{
		name: "simulate",
		group: "Data",
		summary: "seeded synthetic data with truth",
		load: async () => (await import("./commands/simulate.ts")).command,
	},
	{
		name: "calibrators",
		group: "Visibilities",
		summary: "which calibrator crosses the beam when, which one a set contains, and how bright",
		load: async () => (await import("./commands/calibrators.ts")).command,
	},
	{
		name: "iers",
		group: "Operate",
		summary: "the table of the Earth's rotation: how far it reaches, and refreshing it",
		load: async () => (await import("./commands/iers.ts")).command,
	},
	{
		name: "serve",
		group: "Operate",
		summary: "serve the dashboard and the API of a survey",
		load: async () => (await import("./commands/serve.ts")).command,
	},
	{
		name: "worker",
		group: "Operate",
		summary: "an extra worker, on this or another machine",
		load: async () => (await import("./commands/worker.ts")).command,
	},
	{
		name: "candidates",
		group: "Survey",
		summary: "review candidates from the terminal",
		load: async () => (await import("./commands/candidates.ts")).command,
	},
	{
		name: "runs",
		group: "Operate",
		summary: "what ran, when, and how far it came; go on with a run",
		load: async () => (await import("./commands/runs.ts")).command,
	},
	{
		name: "dead-letters",
		group: "Operate",
		summary: "inputs that could not be used: see why, run again, put away",
		load: async () => (await import("./commands/dead-letters.ts")).command,
	},
	{
		name: "status",
		group: "Operate",
		summary: "what the survey holds and what it is doing",
		load: async () => (await import("./commands/status.ts")).command,
	},
	{
		name: "doctor",
		group: "Operate",
		summary: "check this machine, the settings, the database",
		load: async () => (await import("./commands/doctor.ts")).command,
	},
	{
		name: "config",
		group: "Operate",
		summary: "the settings that hold, and where each came from",
		load: async () => (await import("./commands/config.ts")).command,
	},
	{
		name: "db",
		group: "Operate",
		summary: "the database: upgrade its schema, check that it agrees with itself",
		load: async () => (await import("./commands/db.ts")).command,
	},
];
