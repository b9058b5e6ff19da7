import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { parseCalibratorList } from "../../calibration/calibrator-list.ts";
import { STANDARD_CALIBRATORS } from "../../calibration/calibrators.ts";
import { measuredBeam, parseMeasuredBeam } from "../../calibration/primary-beam.ts";
import { SOLVE_DEFAULTS, type SolveOptions } from "../../calibration/solve-options.ts";
import { badInput } from "../../error.ts";
import type { CalibrateRequest } from "../../pipeline/calibration/calibrate-set.ts";
import { preferredReferences } from "../../pipeline/calibration/default-request.ts";
import type { QualityDocument } from "../../pipeline/calibration/quality-document.ts";
import { readSkyList } from "../../pipeline/calibration/sky-list.ts";
import { choiceOption, intervalOption, rangeOption, textsOption, timesOption } from "../calibration-options.ts";
import { type Invocation, numberOption, stringOption } from "../command.ts";

const D = SOLVE_DEFAULTS;

/** What the options ask for; each bad value is refused by its name. */
export async function requestOf(invocation: Invocation): Promise<CalibrateRequest> {
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
		pointingDecDeg: optional("pointing-dec", -90, 90),
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

/** Earlier accounts, for trends. */
export async function readHistory(option: Invocation["options"][string]): Promise<QualityDocument[]> {
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
