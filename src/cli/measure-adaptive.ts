import { badInput } from "../error.ts";
import { readCatalogue } from "../formats/catalogue.ts";
import { describeFitsCube } from "../formats/fits/cube.ts";
import type { Column, Table } from "../formats/table/table.ts";
import { type AdaptiveResult, adaptiveBins, type SubbandFluxes } from "../photometry/adaptive-binning.ts";
import { subbandFluxes } from "../pipeline/adaptive/subband-fluxes.ts";
import { PixelPool } from "../pipeline/pixels/pool.ts";
import type { MeasuredSubband, PhotometrySettings, SubbandTask } from "../pipeline/pixels/tasks.ts";
import { EXIT, type Invocation, numberOption, type OptionSpec, stringOption } from "./command.ts";
import { beamOption, checkOut, reportProblems, writeResult } from "./image-options.ts";

/** Options of `measure --adaptive`. */
export const ADAPTIVE_OPTIONS: Record<string, OptionSpec> = {
	adaptive: {
		type: "boolean",
		help: "combine the subbands of one epoch (several images, or the channels of a cube) until a target signal to noise",
	},
	"target-snr": { type: "string", value: "N", help: "signal to noise that a bin should reach", default: "5" },
	layout: {
		type: "string",
		value: "HOW",
		help: "expected: bins from flux_jy of the catalogue, unbiased; measured: by what is measured, biased and marked so",
		default: "expected",
	},
	"reference-mhz": {
		type: "string",
		value: "MHZ",
		help: "frequency of the catalogue's flux_jy",
		default: "the middle of the band",
	},
	"spectral-index": {
		type: "string",
		value: "A",
		help: "S = S0 (nu/nu0)^A, for the expected fluxes only",
		default: "0",
	},
	stokes: { type: "string", value: "NAME", help: "plane of a cube with a Stokes axis" },
	threads: { type: "string", value: "N", help: "threads for pixels", default: "all cores" },
};

/** A map's path for an image: `{name}` stands for the image's path without .fits, .fits.gz and the like. */
const mapOf = (pattern: string | undefined, image: string): string | null =>
	pattern?.replaceAll("{name}", image.replace(/\.(fits?|fts)(\.(gz|fz))?$/i, "")) ?? null;

/** Forced photometry over subbands, combined: one row per bin, in order of position and frequency. */
export async function measureAdaptive(
	invocation: Invocation,
	at: string,
	settings: PhotometrySettings,
): Promise<number> {
	const layout = stringOption(invocation, "layout") ?? "expected";
	if (layout !== "expected" && layout !== "measured") {
		throw badInput("bad-option", `${JSON.stringify(layout)} is neither expected nor measured`, { subject: "--layout" });
	}
	const targetSnr = numberOption(invocation, "target-snr", 5, 0.1, 1000);
	const spectralIndex = numberOption(invocation, "spectral-index", 0, -10, 10);
	const referenceMhz = numberOption(invocation, "reference-mhz", 0, 0, 1e7);
	const noise = stringOption(invocation, "noise");
	const background = stringOption(invocation, "background");
	for (const [name, pattern] of Object.entries({ noise, background })) {
		if (invocation.args.length < 2 || pattern === undefined || pattern.includes("{name}")) continue;
		throw badInput("bad-option", `${pattern} is one map for ${invocation.args.length} images`, {
			subject: `--${name}`,
			remedy: `Write {name} where the image's name goes, for instance --${name} '{name}.rms.fits'`,
		});
	}
	checkOut(invocation);
	const catalogue = await readCatalogue(at, { mayRepeat: true });
	const beam = beamOption(invocation);
	const stokes = stringOption(invocation, "stokes");
	const threads = numberOption(invocation, "threads", 0, 0, 256);
	const pool = new PixelPool(threads === 0 ? {} : { threads });
	let measured: MeasuredSubband[];
	try {
		const tasks: SubbandTask[] = [];
		for (const image of invocation.args) {
			const { frequenciesHz } = await describeFitsCube(image, stokes === undefined ? {} : { stokes });
			const channels = frequenciesHz.length;
			// Each thread reads its share of the channels; no pixel is read twice.
			const parts = Math.min(channels, Math.max(1, Math.floor(pool.threads / invocation.args.length)));
			for (let part = 0; part < parts; part++) {
				tasks.push({
					paths: { image, noise: mapOf(noise, image), background: mapOf(background, image) },
					settings,
					raDeg: catalogue.raDeg,
					decDeg: catalogue.decDeg,
					shapes: { ...catalogue, beam: beamOption(invocation, "catalog-beam") },
					channels: [Math.floor((part * channels) / parts), Math.floor(((part + 1) * channels) / parts)],
					...(beam === undefined ? {} : { beam }),
					...(stokes === undefined ? {} : { stokes }),
				});
			}
		}
		measured = (await Promise.all(tasks.map((task) => pool.subbands(task)))).flat();
	} finally {
		await pool.close();
	}
	const holes = measured.filter(({ problem }) => problem !== null);
	for (const { path, channel, problem } of holes) {
		process.stderr.write(`caustic: ${path} channel ${channel}: ${problem}; the subband is a hole\n`);
	}
	const data = subbandFluxes(measured, catalogue.raDeg.length);
	if (measured.length - holes.length === 1) {
		process.stderr.write("caustic: one subband alone has data: the values are forced photometry in it\n");
	}
	const result = adaptiveBins(data, {
		targetSnr,
		layout,
		referenceFlux: catalogue.fluxJy,
		...(referenceMhz === 0 ? {} : { referenceHz: referenceMhz * 1e6 }),
		spectralIndex,
	});
	await writeResult(invocation, binTable(catalogue, data, result));
	const exit = reportProblems(at, catalogue.problems);
	return holes.length === measured.length ? EXIT.rejectedItems : exit;
}

function binTable(
	catalogue: Awaited<ReturnType<typeof readCatalogue>>,
	{ frequencyHz }: SubbandFluxes,
	{ bins, bandFlux, bandError }: AdaptiveResult,
): Table {
	// A position without a value in any subband has its row all the same.
	const rows: { source: number; bin: (typeof bins)[number] | undefined; number: number }[] = [];
	let next = 0;
	for (let source = 0; source < bandFlux.length; source++) {
		let number = 0;
		for (; next < bins.length && bins[next].source === source; next++) {
			rows.push({ source, bin: bins[next], number: ++number });
		}
		if (number === 0) rows.push({ source, bin: undefined, number: 1 });
	}
	const column = (name: string, unit: string, value: (row: (typeof rows)[number]) => number | undefined): Column => ({
		name,
		kind: "number",
		...(unit === "" ? {} : { unit }),
		values: Float64Array.from(rows, (row) => value(row) ?? Number.NaN),
	});
	return {
		name: "adaptive_photometry",
		rows: rows.length,
		columns: [
			{ name: "source_id", kind: "text", values: rows.map(({ source }) => catalogue.sourceId[source]) },
			column("ra_deg", "deg", ({ source }) => catalogue.raDeg[source]),
			column("dec_deg", "deg", ({ source }) => catalogue.decDeg[source]),
			{ name: "bin", kind: "integer", values: Float64Array.from(rows, ({ number }) => number) },
			column("frequency_mhz", "MHz", ({ bin }) => bin && bin.frequencyHz / 1e6),
			column("from_mhz", "MHz", ({ bin }) => bin && frequencyHz[bin.from] / 1e6),
			column("to_mhz", "MHz", ({ bin }) => bin && frequencyHz[bin.to - 1] / 1e6),
			{ name: "n_subbands", kind: "integer", values: Float64Array.from(rows, ({ bin }) => bin?.count ?? 0) },
			column("flux_jy", "Jy/beam", ({ bin }) => bin?.flux),
			column("flux_err_jy", "Jy/beam", ({ bin }) => bin?.error),
			column("snr", "", ({ bin }) => bin?.snr),
			column("false_alarm_probability", "", ({ bin }) => bin?.falseAlarmProbability),
			column("flux_corrected_jy", "Jy/beam", ({ bin }) => bin?.correctedFlux),
			column("band_flux_jy", "Jy/beam", ({ source }) => bandFlux[source]),
			column("band_flux_err_jy", "Jy/beam", ({ source }) => bandError[source]),
			{
				name: "flags",
				kind: "text",
				values: rows.map(({ bin }) => (bin === undefined ? "no_data" : bin.flags.join("|") || null)),
			},
		],
	};
}
