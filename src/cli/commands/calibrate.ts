import { mkdir, readFile, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { UnsolvableSet } from "../../calibration/calibrate.ts";
import { parseCalibratorList } from "../../calibration/calibrator-list.ts";
import { STANDARD_CALIBRATORS } from "../../calibration/calibrators.ts";
import { measuredBeam, parseMeasuredBeam } from "../../calibration/primary-beam.ts";
import { SOLVE_DEFAULTS, type SolveOptions } from "../../calibration/solve-options.ts";
import { badInput, failure } from "../../error.ts";
import { type CalibratedSet, type CalibrateRequest, calibrateSet } from "../../pipeline/calibration/calibrate-set.ts";
import { preferredReferences } from "../../pipeline/calibration/default-request.ts";
import { type QualityDocument, qualityDocument, refusalDocument } from "../../pipeline/calibration/quality-document.ts";
import { readSkyList } from "../../pipeline/calibration/sky-list.ts";
import { writeResults } from "../../pipeline/calibration/write-results.ts";
import { choiceOption, intervalOption, rangeOption, textsOption, timesOption } from "../calibration-options.ts";
import { type Command, EXIT, type Invocation, JSON_OPTION, numberOption, stringOption } from "../command.ts";
import { progressOn } from "../progress.ts";
import { version } from "../version.ts";

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
		await mkdir(out, { recursive: true }).catch((error: unknown) => {
			throw failure("write-failed", "the folder cannot be made", { subject: out, cause: error });
		});
		const progress = progressOn("calibrate");
		let solved: CalibratedSet;
		try {
			solved = await calibrateSet(request, (stage, done, total) => progress.update(done, total, stage));
		} catch (error) {
			if (error instanceof UnsolvableSet) {
				const refusal = refusalDocument(error.reasons, invocation.args, `caustic ${version}`);
				await writeFile(join(out, "quality.json"), `${JSON.stringify(refusal, null, "\t")}\n`);
				if (invocation.options.json === true) process.stdout.write(`${JSON.stringify(refusal)}\n`);
			}
			throw error;
		} finally {
			progress.end();
		}
		const quality = qualityDocument(solved, `caustic ${version}`, history);
		const written = await writeResults(out, solved, quality, {
			name: stringOption(invocation, "name"),
			software: `caustic ${version}`,
			keepRejected: invocation.options["keep-rejected"] === true,
			plots: stringOption(invocation, "plots"),
		});
		report(invocation, quality, written, solved);
		return quality.accepted ? EXIT.done : EXIT.rejectedItems;
	},
};

async function requestOf(invocation: Invocation): Promise<CalibrateRequest> {
	const listPath = stringOption(invocation, "calibrator-list");
	const list = listPath === undefined ? [] : parseCalibratorList(await textOf(listPath), listPath).calibrators;
	const beamPath = stringOption(invocation, "beam");
	const beam =
		beamPath === undefined ? undefined : measuredBeam(parseMeasuredBeam(await textOf(beamPath), beamPath, 1.4e9));
	const skyPath = stringOption(invocation, "sky");
	const position = stringOption(invocation, "calibrator-position")?.split(",").map(Number);
	if (
		position !== undefined &&
		(position.length !== 2 || !position.every(Number.isFinite) || Math.abs(position[1]) > 90)
	) {
		throw badInput("bad-option", "it is not RA,DEC in degrees", { subject: "--calibrator-position" });
	}
	const optional = (option: string, low: number, high: number) =>
		stringOption(invocation, option) === undefined ? undefined : numberOption(invocation, option, low, low, high);
	const memory = optional("memory", 0, 1e6);
	return {
		paths: invocation.args,
		calibrators: [...STANDARD_CALIBRATORS, ...list],
		calibrator: {
			name: stringOption(invocation, "calibrator"),
			raDeg: position?.[0],
			decDeg: position?.[1],
			fluxJy: optional("flux", 0, 1e6),
			spectralIndex: numberOption(invocation, "spectral-index", 0, -10, 10),
		},
		modelColumn: choiceOption(invocation, "model", ["calibrator", "column"], "calibrator") === "column",
		field: skyPath === undefined ? [] : await readSkyList(skyPath),
		fieldFrequencyHz: 1e6 * numberOption(invocation, "sky-frequency", 1400, 1, 1e6),
		faintest: 5e-4,
		solve: solveOptions(invocation),
		referenceAntennas: textsOption(invocation, "refant") ?? [],
		preferredReferences,
		excludedAntennas: textsOption(invocation, "exclude") ?? [],
		fields: textsOption(invocation, "field"),
		times: timesOption(invocation, "times"),
		uvRange: rangeOption(invocation, "uvrange"),
		dishM: optional("dish", 0.1, 1000),
		beam,
		minimumAntennas: numberOption(invocation, "min-antennas", 5, 3, 10000),
		singlePolarization: invocation.options["single-polarization"] === true,
		workers: numberOption(invocation, "workers", availableParallelism(), 1, 256),
		memoryBytes: memory === undefined ? undefined : memory * 1e9,
		signal: invocation.signal,
	};
}

function solveOptions(invocation: Invocation): SolveOptions {
	const which = (stringOption(invocation, "solve") ?? "KBG").toUpperCase();
	if (!/^[KBG]+$/.test(which)) {
		throw badInput("bad-option", `${JSON.stringify(which)} names other tables than K, B and G`, { subject: "--solve" });
	}
	const combine = new Set(textsOption(invocation, "combine") ?? ["spw"]);
	for (const one of combine) {
		if (!["scan", "spw", "none"].includes(one)) {
			throw badInput("bad-option", `${one} cannot be combined`, {
				subject: "--combine",
				remedy: "Give scan, spw or none",
			});
		}
	}
	const { delay, bandpass, gain } = D;
	return {
		...D,
		referenceMode: choiceOption(invocation, "refantmode", ["flex", "strict"], "flex"),
		minimumBaselines: numberOption(invocation, "minblperant", D.minimumBaselines, 2, 1000),
		rfi: invocation.options["no-rfi"] === true ? undefined : D.rfi,
		delay:
			which.includes("K") && delay !== undefined
				? {
						...delay,
						minimumSnr: numberOption(invocation, "delay-minsnr", delay.minimumSnr, 0, 1e6),
						minimumBaselines: numberOption(invocation, "minblperant", delay.minimumBaselines, 2, 1000),
					}
				: undefined,
		phaseIntervalS: intervalOption(invocation, "phase-interval", 0),
		bandpass:
			which.includes("B") && bandpass !== undefined
				? {
						minimumSnr: numberOption(invocation, "bandpass-minsnr", bandpass.minimumSnr, 0, 1e6),
						averageChannels: numberOption(invocation, "bandpass-channels", 0, 0, 100000),
						maximumGapChannels: numberOption(invocation, "fill-gaps", bandpass.maximumGapChannels, 0, 1000),
						normalise: invocation.options["no-solnorm"] !== true,
					}
				: undefined,
		gain:
			which.includes("G") && gain !== undefined
				? {
						mode: choiceOption(invocation, "gain-mode", ["ap", "p"], "ap"),
						intervalS: intervalOption(invocation, "gain-interval", 0),
						combineScans: combine.has("scan"),
						combineWindows: combine.has("spw"),
						minimumSnr: numberOption(invocation, "gain-minsnr", gain.minimumSnr, 0, 1e6),
					}
				: undefined,
	};
}

async function textOf(path: string): Promise<string> {
	return readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
		throw badInput(
			"no-such-file",
			error.code === "ENOENT" ? "it does not exist" : `it cannot be read (${error.code})`,
			{
				subject: path,
			},
		);
	});
}

async function readHistory(option: Invocation["options"][string]): Promise<QualityDocument[]> {
	const out: QualityDocument[] = [];
	for (const path of Array.isArray(option) ? option : []) {
		const text = await textOf(path);
		let document: Partial<QualityDocument> | undefined;
		try {
			document = JSON.parse(text) as Partial<QualityDocument>;
		} catch {
			document = undefined;
		}
		if (document?.antennas === undefined || document.tables === undefined || document.data === undefined) {
			throw badInput("bad-history", "it is no quality.json of caustic calibrate", { subject: path });
		}
		out.push(document as QualityDocument);
	}
	return out;
}

/** What this solve cost, all threads together. */
function resources() {
	const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
	return { cpu_s: (userCPUTime + systemCPUTime) / 1e6, max_rss_mb: Math.round(maxRSS / 1024) };
}

function report(
	invocation: Invocation,
	quality: QualityDocument,
	written: readonly string[],
	solved: CalibratedSet,
): void {
	if (invocation.options.json === true) {
		process.stdout.write(
			`${JSON.stringify({ ...quality, files: written.map((path) => resolve(path)), seconds: solved.seconds, resources: resources() })}\n`,
		);
		return;
	}
	const parts = quality.score_parts;
	const lines = [
		`${quality.accepted ? "accepted" : "REFUSED"}, score ${quality.score.toFixed(3)}${
			parts === null
				? ""
				: ` (solved ${parts.solved.toFixed(2)}, converged ${parts.converged.toFixed(2)}, SNR ${parts.snr.toFixed(2)}, chi2 ${parts.chi2.toFixed(2)})`
		}`,
	];
	if (quality.calibrator !== null) {
		const { name, flux_jy, frequency_mhz, model_sources } = quality.calibrator;
		lines.push(
			`calibrator ${name}: ${flux_jy} Jy at ${Number(frequency_mhz).toFixed(1)} MHz, ${model_sources} sources in the model`,
		);
	}
	for (const reason of quality.reasons) lines.push(`refused: ${reason}`);
	for (const warning of quality.warnings) lines.push(`note: ${warning}`);
	for (const [kind, table] of Object.entries(quality.tables)) {
		lines.push(
			`${kind}: ${table.n_solutions} solutions, SNR ${table.snr_median ?? "-"}, ${(100 * table.flagged_fraction_active).toFixed(1)} % flagged, chi2 ${table.residual_chi2 ?? "-"}`,
		);
	}
	for (const antenna of quality.antennas) {
		if (antenna.state !== "good")
			lines.push(`antenna ${antenna.name}: ${antenna.state}: ${antenna.reasons.join("; ")}`);
	}
	lines.push(...written.map((path) => `wrote ${path}`));
	process.stdout.write(`${lines.join("\n")}\n`);
}
