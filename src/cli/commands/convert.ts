import { existsSync } from "node:fs";
import { extname, join } from "node:path";
import { badInput } from "../../error.ts";
import { exportMeasurementSet } from "../../formats/casa/export-measurement-set.ts";
import { openVisibilities } from "../../formats/open-visibilities.ts";
import { writeUvh5 } from "../../formats/uvh5/write.ts";
import { type Command, EXIT, type Invocation, JSON_OPTION, stringOption } from "../command.ts";
import { progressOn } from "../progress.ts";

/** `202.78453,30.50916` or `202.78453 +30.50916`: ICRS, degrees. */
function centreOption(invocation: Invocation): { name: string; raDeg: number; decDeg: number } | undefined {
	const text = stringOption(invocation, "centre");
	if (text === undefined) return undefined;
	const numbers = text
		.trim()
		.split(/[\s,]+/)
		.map(Number);
	const [raDeg, decDeg] = numbers;
	if (numbers.length !== 2 || !(raDeg >= 0 && raDeg < 360) || !(Math.abs(decDeg) <= 90)) {
		throw badInput("bad-option", `${JSON.stringify(text)} is not a right ascension and declination in degrees`, {
			subject: "--centre",
			remedy: "Give ICRS degrees, for instance --centre 202.78453,30.50916",
		});
	}
	return { name: stringOption(invocation, "name") ?? "centre", raDeg, decDeg };
}

export const command: Command = {
	name: "convert",
	summary: "UVH5 group or UVFITS to a MeasurementSet",
	usage: "convert VIS... --out MS [--centre RA,DEC]",
	description: [
		"VIS: the UVH5 files of one group (in any order), a folder that holds them, a UVFITS file or a MeasurementSet.",
		"Writes a MeasurementSet (version 2) that CASA and WSClean take: subbands joined in ascending frequency, phases turned",
		"to one place on the sky if the data do not track one (apparent place of date, diurnal aberration and UT1 in the",
		"geometry), samples that are no numbers flagged. With --out ending in .uvh5 or .hdf5, UVH5 is written instead, one file",
		"per spectral window.",
	].join("\n"),
	examples: [
		"caustic convert 2022-03-15T09:50:54_sb*.hdf5 --out 3C286.ms",
		"caustic convert mojave.uvfits --out mojave.ms",
		"caustic convert group/ --out field.ms --centre 202.78453,30.50916 --name 3C286",
	],
	options: {
		out: { type: "string", value: "MS", help: "the MeasurementSet to write" },
		centre: {
			type: "string",
			value: "RA,DEC",
			help: "phase centre, ICRS degrees",
			default: "the data's own; of drifting data the middle of their path",
		},
		name: { type: "string", value: "NAME", help: "name of the field at --centre" },
		telescope: {
			type: "string",
			value: "NAME",
			help: "TELESCOPE_NAME to write; CASA lists DSA-110 as OVRO_MMA",
			default: "the file's, and DSA_110 for OVRO_MMA",
		},
		"keep-windows": { type: "boolean", help: "one spectral window per subband, even where subbands join" },
		overwrite: { type: "boolean", help: "replace --out if it exists" },
		...JSON_OPTION,
	},
	async run(invocation) {
		const out = stringOption(invocation, "out");
		if (out === undefined || invocation.args.length === 0) {
			throw badInput("bad-usage", "visibilities and --out are needed", {
				subject: "caustic convert",
				remedy: "For instance: caustic convert *_sb*.hdf5 --out field.ms",
			});
		}
		if (existsSync(out) && invocation.options.overwrite !== true) {
			throw badInput("exists", "it is there already", { subject: out, remedy: "Give another name, or --overwrite" });
		}
		const centre = centreOption(invocation);
		const set = openVisibilities(invocation.args);
		const progress = progressOn("converting");
		try {
			for (const warning of set.warnings) process.stderr.write(`caustic: ${warning}\n`);
			if ([".uvh5", ".hdf5", ".h5"].includes(extname(out))) {
				if (centre !== undefined) {
					throw badInput("bad-option", "phases are turned only on the way to a MeasurementSet", {
						subject: "--centre",
					});
				}
				const files = set.spectralWindows.map((_, w) =>
					set.spectralWindows.length === 1 ? out : `${out.slice(0, -extname(out).length)}_w${w}${extname(out)}`,
				);
				for (let w = 0; w < files.length; w++) {
					invocation.signal.throwIfAborted();
					await writeUvh5(files[w], set, w, { history: `converted by Caustic from ${set.format}` });
					progress.update(w + 1, files.length);
				}
				progress.end();
				const report = { out: files, nWindows: files.length };
				process.stdout.write(
					invocation.options.json === true ? `${JSON.stringify(report)}\n` : `wrote ${files.join(", ")}\n`,
				);
				return EXIT.done;
			}
			const report = await exportMeasurementSet(set, out, {
				centre,
				telescope: stringOption(invocation, "telescope"),
				keepWindows: invocation.options["keep-windows"] === true,
				signal: invocation.signal,
				progress: (done, total) => progress.update(done, total, "rows"),
			});
			progress.end();
			if (invocation.options.json === true) process.stdout.write(`${JSON.stringify({ out, ...report })}\n`);
			else {
				const place = report.fields.map(
					({ name, raDeg, decDeg }) => `${name} (${raDeg.toFixed(5)}, ${decDeg.toFixed(5)})`,
				);
				process.stdout.write(
					`wrote ${join(out)}: ${report.nRows} rows, ${report.nChannels} channels in ${report.nWindows} window(s), ` +
						`phase centre ${place.join("; ")}${report.rephased ? ", phases turned" : ""}\n`,
				);
				if (report.notFinite > 0) process.stdout.write(`${report.notFinite} samples were no numbers and are flagged\n`);
			}
			return EXIT.done;
		} finally {
			progress.end();
			set.close();
		}
	},
};
