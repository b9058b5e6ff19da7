import { writeFile } from "node:fs/promises";
import { SOLVE_DEFAULTS } from "../../calibration/solve-options.ts";
import { badInput, failure } from "../../error.ts";
import { registry } from "../../observability/metrics.ts";
import { readHistory, requestOf } from "../calibrate/request.ts";
import { solveGroups } from "../calibrate/solve-groups.ts";
import { solveOne } from "../calibrate/solve-one.ts";
import { type Command, JSON_OPTION, stringOption } from "../command.ts";

const D = SOLVE_DEFAULTS;

export const command: Command = {
	name: "calibrate",
	summary: "solve delays, bandpass and gains of a calibrator observation",
	usage: "calibrate VIS... [--calibrator NAME] [--out DIR] [options]",
	description: [
		"VIS: the UVH5 files of one group (or a folder of them), a MeasurementSet, or a UVFITS file. Flags bad samples,",
		"interference and dead antennas, then solves delays (K), bandpass (B) and gains (G) per antenna and polarisation against a",
		"model of the calibrator (and of other sources of the field, --sky) seen through the primary beam.",
		"",
		"Writes the CASA tables NAME.K NAME.B NAME.G, quality.json and a report into the folder. A set that must not be solved is",
		"refused with every reason (exit code 2); solutions that are not good enough are kept out of the folder unless",
		"--keep-rejected (exit code 3). K and G combine the windows: CASA applies them with spwmap 0 for every window.",
	].join("\n"),
	examples: [
		"caustic calibrate 2022-03-15T09:50:54_sb*.hdf5 --calibrator 3C286 --out cal/",
		"caustic calibrate night/group-*/ --groups --out cal/ --metrics calibration.prom",
		"caustic calibrate day.ms --calibrator J1008+0730 --flux 1.9 --gain-interval 10s --plots plots/",
	],
	options: {
		calibrator: { type: "string", value: "NAME", help: "calibrator in the field", default: "the one that is there" },
		"calibrator-position": {
			type: "string",
			value: "RA,DEC",
			help: "its place, ICRS degrees, for one that no list knows",
		},
		flux: { type: "string", value: "JY", help: "its flux density at the middle of the band", default: "flux scale" },
		"spectral-index": { type: "string", value: "A", help: "with --flux", default: "0" },
		"calibrator-list": {
			type: "string",
			value: "CSV",
			help: "VLA calibrator list to choose from, beside the standard sources",
		},
		sky: {
			type: "string",
			value: "TABLE",
			help: "other sources of the field: ra_deg, dec_deg, flux_jy, spectral_index",
		},
		"sky-frequency": { type: "string", value: "MHZ", help: "of the flux densities in --sky", default: "1400" },
		model: {
			type: "string",
			value: "WHAT",
			help: "calibrator, or column: the set's MODEL_DATA",
			default: "calibrator",
		},
		dish: { type: "string", value: "M", help: "dish diameter for the primary beam", default: "from the file" },
		beam: { type: "string", value: "CSV", help: "measured primary beam: angle_deg, power, frequency_mhz" },
		"pointing-dec": {
			type: "string",
			value: "DEG",
			help: "antennas stand on the meridian at this apparent declination though phases track (a converted drift scan)",
		},
		out: { type: "string", value: "DIR", help: "folder for tables and quality", default: "." },
		name: { type: "string", value: "NAME", help: "name of the tables", default: "the calibrator's" },
		solve: { type: "string", value: "KBG", help: "which of K, B and G to solve", default: "KBG" },
		field: {
			type: "string",
			value: "NAMES",
			help: "fields of the set that hold the calibrator",
			default: "by position",
		},
		times: { type: "string", value: "BEGIN,END", help: "integrations to use, UTC or MJD" },
		uvrange: { type: "string", value: "LOW,HIGH", help: "baseline lengths to use, wavelengths" },
		exclude: { type: "string", value: "NAMES", help: "antennas to leave out" },
		refant: {
			type: "string",
			value: "NAMES",
			help: "reference antennas by preference",
			default: "the best by its data",
		},
		refantmode: { type: "string", value: "MODE", help: "flex: hand over when it fails; strict: flag", default: "flex" },
		minblperant: {
			type: "string",
			value: "N",
			help: "baselines that an antenna needs",
			default: String(D.minimumBaselines),
		},
		"min-antennas": { type: "string", value: "N", help: "antennas that a set needs", default: "5" },
		"single-polarization": { type: "boolean", help: "solve a set that has only one parallel hand" },
		"gain-interval": {
			type: "string",
			value: "T",
			help: "solution interval of G: int, inf, seconds, 5min",
			default: "int",
		},
		"gain-mode": { type: "string", value: "MODE", help: "ap: amplitude and phase; p: phase alone", default: "ap" },
		"gain-minsnr": { type: "string", value: "X", help: "least signal to noise of a gain", default: "3" },
		"bandpass-minsnr": { type: "string", value: "X", help: "least signal to noise of a channel", default: "5" },
		"bandpass-channels": {
			type: "string",
			value: "N",
			help: "channels solved together",
			default: "by signal to noise",
		},
		"delay-minsnr": { type: "string", value: "X", help: "least signal to noise of a delay", default: "5" },
		combine: { type: "string", value: "LIST", help: "for G: scan, spw, both as scan,spw, or none", default: "spw" },
		"phase-interval": {
			type: "string",
			value: "T",
			help: "of the phases under the bandpass",
			default: "by signal to noise",
		},
		"fill-gaps": {
			type: "string",
			value: "N",
			help: "bandpass gaps of so many channels are interpolated",
			default: "3",
		},
		"no-solnorm": { type: "boolean", help: "do not scale the bandpass to unit rms amplitude" },
		"no-rfi": { type: "boolean", help: "do not look for interference" },
		history: { type: "string", multiple: true, value: "JSON", help: "earlier quality.json, for trends (repeatable)" },
		plots: { type: "string", value: "DIR", help: "leave the solution plots (SVG) there" },
		groups: {
			type: "boolean",
			help: "every VIS is a set of its own, solved side by side, the newest first, each into OUT/its name",
		},
		metrics: { type: "string", value: "FILE", help: "leave durations, quality and resources there as Prometheus text" },
		"keep-rejected": { type: "boolean", help: "write the tables even if the solutions are not accepted" },
		register: { type: "boolean", help: "register the tables in the data folder" },
		workers: { type: "string", value: "N", help: "threads", default: "one per core" },
		memory: {
			type: "string",
			value: "GB",
			help: "samples held in memory; more are read again for each pass",
			default: "60 % of RAM",
		},
		...JSON_OPTION,
	},

	async run(invocation) {
		if (invocation.args.length === 0) {
			throw badInput("bad-usage", "no visibilities are named", {
				subject: "caustic calibrate",
				remedy: "See caustic calibrate --help",
			});
		}
		if (invocation.options.register === true) {
			throw badInput("bad-option", "this build keeps no registry of tables", {
				subject: "--register",
				remedy: "Leave it out and keep the folder of tables",
			});
		}
		const out = stringOption(invocation, "out") ?? ".";
		const request = await requestOf(invocation);
		const history = await readHistory(invocation.options.history);
		try {
			return invocation.options.groups === true
				? await solveGroups(invocation, request, out, history)
				: await solveOne(invocation, request, out, history);
		} finally {
			await writeMetrics(stringOption(invocation, "metrics"));
		}
	},
};

/** Metrics of this solve for a collector that reads files, under the names that a service gives them. */
async function writeMetrics(path: string | undefined): Promise<void> {
	if (path === undefined) return;
	const text = await registry.metrics();
	const own = text.split("\n\n").filter((block) => block.startsWith("# HELP calibration_"));
	await writeFile(path, `${own.join("\n\n")}\n`).catch((error: unknown) => {
		throw failure("write-failed", "it cannot be written", { subject: path, cause: error });
	});
}
