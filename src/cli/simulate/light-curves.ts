import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { badInput, CausticError } from "../../error.ts";
import type { Column, Table } from "../../formats/table/table.ts";
import { writeTable } from "../../formats/table/write.ts";
import { type SimulatedLightCurves, simulateLightCurves } from "../../simulation/light-curves.ts";
import { DEFAULT_SKY, type LightCurveSkyOptions } from "../../simulation/light-curves-options.ts";
import { type Command, EXIT, type Invocation, JSON_OPTION, numberOption, stringOption } from "../command.ts";

function range(invocation: Invocation, name: string, fallback: readonly [number, number]): readonly [number, number] {
	const text = stringOption(invocation, name);
	if (text === undefined) return fallback;
	const parts = text.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
	if (parts.length !== 2 || !parts.every(Number.isFinite))
		throw badInput("bad-option", `${JSON.stringify(text)} is not LOW,HIGH`, {
			subject: `--${name}`,
			remedy: `Give two numbers, for instance --${name} ${fallback.join(",")}`,
		});
	return [parts[0], parts[1]];
}

function skyOptions(invocation: Invocation): LightCurveSkyOptions {
	const number = (name: string, fallback: number) => numberOption(invocation, name, fallback);
	return {
		seed: number("seed", DEFAULT_SKY.seed),
		fields: number("fields", DEFAULT_SKY.fields),
		sourcesPerField: number("sources", DEFAULT_SKY.sourcesPerField),
		eventFraction: number("events", DEFAULT_SKY.eventFraction),
		alphaRange: range(invocation, "alpha", DEFAULT_SKY.alphaRange),
		betaRange: range(invocation, "beta", DEFAULT_SKY.betaRange),
		widthRange: range(invocation, "width", DEFAULT_SKY.widthRange),
		amplitudeRange: range(invocation, "amplitude", DEFAULT_SKY.amplitudeRange),
		faintestHostJy: number("faintest", DEFAULT_SKY.faintestHostJy),
		epochFactor: number("epochs", DEFAULT_SKY.epochFactor),
	};
}

const numbers = (name: string, values: ArrayLike<number>, unit?: string): Column => ({
	name,
	kind: "number",
	...(unit === undefined ? {} : { unit }),
	values: Float64Array.from(values),
});

function lightCurveTable({ fields, sources }: SimulatedLightCurves): Table {
	const source: string[] = [];
	const field: string[] = [];
	const epoch: string[] = [];
	const columns: number[][] = [[], [], [], []];
	const round = (value: number, digits: number) => Number(value.toPrecision(digits));
	for (const { id, mjd, frequencyMhz, firstSource, sources: n, flux, err } of fields)
		for (let j = 0; j < n; j++)
			for (let i = 0; i < mjd.length; i++)
				for (let k = 0; k < frequencyMhz.length; k++) {
					const cell = (j * mjd.length + i) * frequencyMhz.length + k;
					if (Number.isNaN(flux[cell])) continue;
					source.push(sources[firstSource + j].id);
					field.push(id);
					epoch.push(`${id}E${String(i).padStart(3, "0")}`);
					columns[0].push(Number(mjd[i].toFixed(4)));
					columns[1].push(frequencyMhz[k]);
					columns[2].push(round(flux[cell], 6));
					columns[3].push(round(err[cell], 4));
				}
	return {
		rows: source.length,
		columns: [
			{ name: "source_id", kind: "text", values: source },
			{ name: "field_id", kind: "text", values: field },
			{ name: "epoch_id", kind: "text", values: epoch },
			numbers("mjd", columns[0], "d"),
			numbers("frequency_mhz", columns[1], "MHz"),
			numbers("flux_jy", columns[2], "Jy"),
			numbers("flux_err_jy", columns[3], "Jy"),
		],
	};
}

function sourceTable({ sources }: SimulatedLightCurves): Table {
	return {
		rows: sources.length,
		columns: [
			{ name: "source_id", kind: "text", values: sources.map((s) => s.id) },
			{ name: "field_id", kind: "text", values: sources.map((s) => s.fieldId) },
			numbers(
				"ra_deg",
				sources.map((s) => Number(s.raDeg.toFixed(6))),
				"deg",
			),
			numbers(
				"dec_deg",
				sources.map((s) => Number(s.decDeg.toFixed(6))),
				"deg",
			),
		],
	};
}

function truthTable({ sources }: SimulatedLightCurves): Table {
	const of = (name: string, value: (s: (typeof sources)[number]) => number | undefined, unit?: string) =>
		numbers(
			name,
			sources.map((s) => value(s) ?? Number.NaN),
			unit,
		);
	return {
		rows: sources.length,
		columns: [
			{ name: "source_id", kind: "text", values: sources.map((s) => s.id) },
			{ name: "label", kind: "text", values: sources.map((s) => (s.event === null ? s.host : "ese")) },
			{ name: "host", kind: "text", values: sources.map((s) => s.host) },
			of("alpha_at_1400mhz", (s) => s.event?.alpha1400),
			of("beta_s", (s) => s.event?.betaS),
			of("fwhm_days", (s) => s.event?.fwhmDays, "d"),
			of("amplitude", (s) => s.event?.amplitude),
			of("depth", (s) => s.depth),
			of("centre_mjd", (s) => s.event?.centreMjd, "d"),
			of("first_epoch_mjd", (s) => s.firstEpochMjd, "d"),
			of("last_epoch_mjd", (s) => s.lastEpochMjd, "d"),
		],
	};
}

async function run(invocation: Invocation): Promise<number> {
	const [folder, ...more] = invocation.args;
	if (folder === undefined || more.length > 0)
		throw badInput("bad-usage", "one folder to write to is needed", {
			subject: "caustic simulate light-curves",
			remedy: "See caustic simulate light-curves --help",
		});
	const options = skyOptions(invocation);
	let sky: SimulatedLightCurves;
	try {
		sky = simulateLightCurves(options);
	} catch (error) {
		if (!(error instanceof CausticError) || error.subject === undefined) throw error;
		throw badInput(error.code, error.message, { subject: `--${error.subject}`, cause: error });
	}
	await mkdir(folder, { recursive: true });
	const table = lightCurveTable(sky);
	const name = invocation.options.parquet === true ? "light_curves.parquet" : "light_curves.csv";
	await writeTable(join(folder, name), table);
	await writeTable(join(folder, "sources.csv"), sourceTable(sky));
	await writeTable(join(folder, "truth.csv"), truthTable(sky));
	const fields = sky.fields.map(({ id, frequencyMhz, cadenceDays, mjd, gainJumps }) => ({
		field_id: id,
		frequencies_mhz: Array.from(frequencyMhz),
		cadence_days: cadenceDays,
		epochs: mjd.length,
		gain_jumps: gainJumps.map((jump) => ({
			first_mjd: jump.firstMjd,
			last_mjd: jump.lastMjd,
			amplitude: jump.amplitude,
			tilt: jump.tilt,
		})),
	}));
	await writeFile(join(folder, "fields.json"), `${JSON.stringify(fields, null, "\t")}\n`);
	const result = {
		folder,
		sources: sky.sources.length,
		events: sky.sources.filter((s) => s.event !== null).length,
		measurements: table.rows,
		seed: options.seed,
	};
	process.stdout.write(
		invocation.options.json === true
			? `${JSON.stringify(result)}\n`
			: `${join(folder, name)}: ${result.measurements} measurements of ${result.sources} sources, ${result.events} of them lensed (truth.csv)\n`,
	);
	return EXIT.done;
}

const of = (value: readonly [number, number]) => value.join(",");

export const subcommand: Command = {
	name: "light-curves",
	summary: "light curves of a survey, some sources lensed, with truth",
	usage: "simulate light-curves FOLDER [--seed N] [options]",
	description: [
		"Writes light_curves.csv, sources.csv, truth.csv and fields.json: steady sources, damped random walks, scintillators,",
		"flares, blends, instrumental dips and plasma lenses, under gain noise, an annual term, gain jumps, noise with heavy",
		"tails, outliers and gaps.",
	].join("\n"),
	examples: [
		"caustic simulate light-curves sky/ --seed 7",
		"caustic simulate light-curves weak/ --fields 4 --amplitude 0.1,0.4 --events 0.2",
	],
	options: {
		seed: { type: "string", value: "N", help: "seed", default: String(DEFAULT_SKY.seed) },
		fields: { type: "string", value: "N", help: "fields", default: String(DEFAULT_SKY.fields) },
		sources: { type: "string", value: "N", help: "sources per field", default: String(DEFAULT_SKY.sourcesPerField) },
		epochs: { type: "string", value: "F", help: "epochs, as a factor on 120 to 300", default: "1" },
		events: { type: "string", value: "SHARE", help: "share lensed", default: String(DEFAULT_SKY.eventFraction) },
		alpha: { type: "string", value: "LOW,HIGH", help: "strength at 1400 MHz", default: of(DEFAULT_SKY.alphaRange) },
		beta: { type: "string", value: "LOW,HIGH", help: "source size, lens radii", default: of(DEFAULT_SKY.betaRange) },
		width: { type: "string", value: "LOW,HIGH", help: "width of the dip, days", default: of(DEFAULT_SKY.widthRange) },
		amplitude: {
			type: "string",
			value: "LOW,HIGH",
			help: "lensed share of the flux",
			default: of(DEFAULT_SKY.amplitudeRange),
		},
		faintest: {
			type: "string",
			value: "JY",
			help: "faintest lensed source",
			default: String(DEFAULT_SKY.faintestHostJy),
		},
		parquet: { type: "boolean", help: "write light_curves.parquet instead of CSV" },
		...JSON_OPTION,
	},
	run,
};
