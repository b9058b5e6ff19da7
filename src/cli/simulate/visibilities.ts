import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { calibratorByName, STANDARD_CALIBRATORS, standardOf } from "../../calibration/calibrators.ts";
import { DEFAULT_SPECTRAL_INDEX } from "../../calibration/choose-calibrator.ts";
import { standardFluxJy } from "../../calibration/flux-scale.ts";
import type { ModelSource } from "../../calibration/sky-model.ts";
import { badInput } from "../../error.ts";
import { Hdf5Writer } from "../../formats/hdf5/writer.ts";
import { writeUvh5 } from "../../formats/uvh5/write.ts";
import { readSkyList } from "../../pipeline/calibration/sky-list.ts";
import {
	type ObservationOptions,
	planObservation,
	type SimulatedObservation,
	type Station,
} from "../../simulation/plan-observation.ts";
import { destination } from "../../sky/separation.ts";
import { isoToMjd, mjdToIso } from "../../sky/time.ts";
import { rangeOption } from "../calibration-options.ts";
import { type Command, EXIT, type Invocation, JSON_OPTION, numberOption, stringOption } from "../command.ts";
import { progressOn } from "../progress.ts";

/** The site of DSA-110. */
const OWENS_VALLEY = { longitudeDeg: -118.283405, latitudeDeg: 37.2333752, heightM: 1182.6 };

export const subcommand: Command = {
	name: "visibilities",
	summary: "a calibrator transit over an array, as UVH5 files or a MeasurementSet, with its truth",
	usage: "simulate visibilities OUT [options]",
	description: [
		"OUT: a folder for UVH5 files, one per subband as DSA-110 writes them (sb00 the highest), or a name ending in .ms. With",
		"them a folder truth/ (or OUT.truth): truth.json (what was drawn, and what goes wrong on which antenna), truth.h5 (gains, delays, sky) and truth_sky.csv.",
		"",
		"The default is a full transit of 3C286: 96 antennas, 16 subbands of 48 channels, 24 integrations, 1.4 GB of visibilities.",
	].join("\n"),
	examples: [
		"caustic simulate visibilities sim/ --antennas 20 --channels 12 --seed 3",
		"caustic simulate visibilities transit/ --stations station_coordinates.csv",
	],
	options: {
		stations: {
			type: "string",
			value: "CSV",
			help: "name, latitude, longitude, height of each station",
			default: "a built-in T of 117",
		},
		antennas: { type: "string", value: "N", help: "stations with data", default: "96, or all" },
		calibrator: { type: "string", value: "NAME", help: "a source of the flux scale", default: "3C286" },
		around: {
			type: "string",
			value: "TIME",
			help: "its transit nearest to this time, UTC",
			default: "2022-03-15T10:00:00",
		},
		dec: { type: "string", value: "DEG", help: "apparent declination of the strip", default: "the calibrator's" },
		tracking: { type: "boolean", help: "follow the calibrator instead of standing on the meridian" },
		integrations: { type: "string", value: "N", help: "integrations", default: "24" },
		integration: { type: "string", value: "S", help: "length of an integration, s", default: "12.884902" },
		subbands: { type: "string", value: "N", help: "subbands", default: "16" },
		channels: { type: "string", value: "N", help: "channels per subband", default: "48" },
		first: { type: "string", value: "MHZ", help: "centre of the lowest channel", default: "1311.3720703" },
		width: { type: "string", value: "KHZ", help: "channel width", default: "244.140625" },
		sefd: { type: "string", value: "JY", help: "system equivalent flux density of an antenna", default: "6250" },
		dish: { type: "string", value: "M", help: "dish diameter", default: "4.65" },
		sky: { type: "string", value: "TABLE", help: "sources of the field instead of drawn ones" },
		field: { type: "string", value: "N", help: "sources drawn in the field", default: "12" },
		"field-flux": { type: "string", value: "LOW,HIGH", help: "range of their flux densities, Jy", default: "0.02,0.6" },
		delays: { type: "string", value: "NS", help: "delays are within plus and minus this", default: "40" },
		"no-defects": { type: "boolean", help: "nothing goes wrong" },
		telescope: { type: "string", value: "NAME", help: "name in the header", default: "DSA_110" },
		seed: { type: "string", value: "N", help: "the same seed gives the same files", default: "1" },
		...JSON_OPTION,
	},

	async run(invocation) {
		const out = invocation.args[0];
		if (out === undefined || invocation.args.length > 1) {
			throw badInput("bad-usage", "one folder or MeasurementSet to write is needed", {
				subject: "caustic simulate visibilities",
				remedy: "For instance: caustic simulate visibilities sim/ --seed 1",
			});
		}
		const simulated = planObservation(await optionsOf(invocation));
		const measurementSet = /\.ms\/?$/.test(out);
		const folder = measurementSet ? `${out.replace(/\/$/, "")}.truth` : join(out, "truth");
		await mkdir(folder, { recursive: true });
		const files = measurementSet
			? await writeMeasurementSet(out, simulated, invocation)
			: await writeSubbands(out, simulated, invocation);
		const truth = await writeTruth(folder, simulated, invocation);
		const result = { files, truth, ...summaryOf(simulated) };
		if (invocation.options.json === true) process.stdout.write(`${JSON.stringify(result)}\n`);
		else
			process.stdout.write(
				`wrote ${files.length === 1 ? files[0] : `${files.length} files into ${out}`}; truth in ${folder}\n`,
			);
		return EXIT.done;
	},
};

async function optionsOf(invocation: Invocation): Promise<ObservationOptions> {
	const number = (name: string, fallback: number, low: number, high: number) =>
		numberOption(invocation, name, fallback, low, high);
	const whole = (name: string, fallback: number, low: number, high: number) => {
		const value = number(name, fallback, low, high);
		if (Number.isInteger(value)) return value;
		throw badInput("bad-option", `${value} is not a whole number`, { subject: `--${name}` });
	};
	const path = stringOption(invocation, "stations");
	const stations = path === undefined ? builtInStations() : await readStations(path);
	const site =
		path === undefined
			? OWENS_VALLEY
			: {
					longitudeDeg: mean(stations.map((station) => station.longitudeDeg)),
					latitudeDeg: mean(stations.map((station) => station.latitudeDeg)),
					heightM: mean(stations.map((station) => station.heightM)),
				};
	const calibrator = calibratorOf(stringOption(invocation, "calibrator") ?? "3C286");
	const skyPath = stringOption(invocation, "sky");
	const sky = skyPath === undefined ? [] : await readSkyList(skyPath);
	const [low, high] = rangeOption(invocation, "field-flux") ?? [0.02, 0.6];
	const dec = stringOption(invocation, "dec");
	return {
		seed: whole("seed", 1, 0, 2 ** 32 - 1),
		telescope: stringOption(invocation, "telescope") ?? "DSA_110",
		site,
		stations,
		nAntennas: whole("antennas", Math.min(96, stations.length), 2, 2000),
		calibrator,
		sky: sky.map((one) => ({
			name: one.name,
			raDeg: one.raDeg,
			decDeg: one.decDeg,
			fluxJy: (f) => one.fluxJy * (f / 1.4e9) ** (one.spectralIndex ?? DEFAULT_SPECTRAL_INDEX),
		})),
		nField: sky.length > 0 ? 0 : whole("field", 12, 0, 10000),
		fieldJy: [low, Number.isFinite(high) ? high : 30 * low],
		aroundMjd: isoToMjd(stringOption(invocation, "around") ?? "2022-03-15T10:00:00", "--around"),
		stripDecDeg: dec === undefined ? undefined : number("dec", 0, -90, 90),
		tracking: invocation.options.tracking === true,
		nIntegrations: whole("integrations", 24, 1, 100000),
		integrationS: number("integration", 12.884902, 0.001, 3600),
		nWindows: whole("subbands", 16, 1, 100),
		nChannels: whole("channels", 48, 1, 65536),
		firstHz: 1e6 * number("first", 1311.3720703125, 1, 1e6),
		channelHz: 1e3 * number("width", 244.140625, 0.001, 1e6),
		sefdJy: number("sefd", 6250, 0, 1e9),
		dishM: number("dish", 4.65, 0.1, 1000),
		delaySpreadS: 1e-9 * number("delays", 40, 0, 1e6),
		withDefects: invocation.options["no-defects"] !== true,
	};
}

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

function calibratorOf(name: string): ModelSource {
	const known = calibratorByName(STANDARD_CALIBRATORS, name);
	const standard = known === undefined ? undefined : standardOf(known);
	if (known === undefined || standard === undefined) {
		throw badInput("unknown-calibrator", `${name} is not a source of the flux scale`, {
			subject: "--calibrator",
			remedy: `Give one of ${STANDARD_CALIBRATORS.map((one) => one.name).join(", ")}`,
		});
	}
	return { name, raDeg: known.raDeg, decDeg: known.decDeg, fluxJy: (f) => standardFluxJy(standard, f) };
}

/** A T like DSA-110's: 51 stations east to west, 51 north to south, 15 beyond. */
function builtInStations(): Station[] {
	const { longitudeDeg, latitudeDeg, heightM } = OWENS_VALLEY;
	const at = (eastM: number, northM: number, i: number): Station => {
		const distance = Math.hypot(eastM, northM) / 6.371e6;
		const bearing = (Math.atan2(eastM, northM) * 180) / Math.PI;
		const [lon, lat] = destination(longitudeDeg, latitudeDeg, bearing, (distance * 180) / Math.PI);
		return { name: String(i + 1), longitudeDeg: lon, latitudeDeg: lat, heightM };
	};
	const out: Station[] = [];
	for (let i = 0; i < 51; i++) out.push(at((i - 25) * 5.75, 0, out.length));
	for (let i = 0; i < 51; i++) out.push(at(0, (i - 50) * 8.65, out.length));
	for (let i = 0; i < 15; i++) {
		const turn = (2 * Math.PI * i * 0.381966) % (2 * Math.PI);
		out.push(at((500 + 60 * i) * Math.cos(turn), (500 + 60 * i) * Math.sin(turn), out.length));
	}
	return out;
}

/** Stations of a CSV whose rows hold a name, latitude, longitude and (or a blank) height; lines that are no station are passed over. */
async function readStations(path: string): Promise<Station[]> {
	const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
		throw badInput(
			"no-such-file",
			error.code === "ENOENT" ? "it does not exist" : `it cannot be read (${error.code})`,
			{
				subject: path,
			},
		);
	});
	const rows = text
		.split(/\r?\n/)
		.map((line) =>
			line
				.split(",")
				.map((cell) => cell.trim())
				.filter((cell, i) => i > 0 || cell !== ""),
		)
		.filter(
			(cells) =>
				cells.length >= 3 && cells[1] !== "" && Math.abs(Number(cells[1])) <= 90 && Math.abs(Number(cells[2])) <= 360,
		);
	if (rows.length < 2) {
		throw badInput("bad-stations", "it lists no stations", {
			subject: path,
			remedy: "Give CSV rows of name, latitude and longitude in degrees, and height in metres",
		});
	}
	const heights = rows.map((cells) => (cells[3] === undefined || cells[3] === "" ? Number.NaN : Number(cells[3])));
	const usual = mean(heights.filter((height) => Number.isFinite(height)));
	return rows.map((cells, i) => ({
		name: cells[0].replace(/^DSA-0*/, ""),
		latitudeDeg: Number(cells[1]),
		longitudeDeg: Number(cells[2]),
		heightM: Number.isFinite(heights[i]) ? heights[i] : Number.isFinite(usual) ? usual : 0,
	}));
}

async function writeSubbands(out: string, simulated: SimulatedObservation, invocation: Invocation): Promise<string[]> {
	const { set } = simulated;
	const count = set.spectralWindows.length;
	const stamp = mjdToIso(set.timesMjd[0] - set.integrationS / 2 / 86400, 0).replace("Z", "");
	const progress = progressOn("simulate");
	const files: string[] = [];
	try {
		for (let w = 0; w < count; w++) {
			invocation.signal.throwIfAborted();
			progress.update(w, count, "subbands");
			// sb00 is the highest.
			const path = join(out, `${stamp}_sb${String(count - 1 - w).padStart(2, "0")}.hdf5`);
			await writeUvh5(path, set, w, {
				descending: true,
				dsaChunks: true,
				singlePrecisionUvw: true,
				history: "simulated by caustic",
				extra: { fs_table: "simulated" },
			});
			files.push(path);
		}
	} finally {
		progress.end();
	}
	return files;
}

async function writeMeasurementSet(
	out: string,
	simulated: SimulatedObservation,
	invocation: Invocation,
): Promise<string[]> {
	if (existsSync(out)) throw badInput("exists", "it is there already", { subject: out, remedy: "Give another name" });
	const { exportMeasurementSet } = await import("../../formats/casa/export-measurement-set.ts");
	const progress = progressOn("simulate");
	try {
		await exportMeasurementSet(simulated.set, out, {
			signal: invocation.signal,
			progress: (done, total) => progress.update(done, total, "rows"),
			history: ["simulated by caustic"],
		});
	} finally {
		progress.end();
	}
	return [out];
}

function summaryOf(simulated: SimulatedObservation) {
	const { set, defects, stations } = simulated;
	const named = (indices: readonly number[]) => indices.map((p) => stations[p].name);
	return {
		antennas: stations.length,
		baselines: set.baselines.antenna1.length,
		integrations: set.timesMjd.length,
		integration_s: set.integrationS,
		subbands: set.spectralWindows.length,
		channels: set.frequenciesHz.length,
		sigma_jy: simulated.sigmaJy,
		nu0_hz: simulated.referenceHz,
		calibrator: simulated.sources[0].name,
		transit_utc: mjdToIso(simulated.transitMjd, 3),
		pointing_dec_deg: simulated.stripDecDeg,
		defects: {
			dead: named(defects.dead),
			dead_second_polarization: named(defects.deadSecondPolarization),
			noisy_x5: named(defects.noisy),
			phase_jump_60deg: named(defects.phaseJump),
			large_delay_s: Object.fromEntries([...defects.wildDelayS].map(([p, delay]) => [stations[p].name, delay])),
			flagged_at_input: named(defects.flaggedAtInput),
			rfi: defects.rfi,
		},
		gain_model: "g = G(t) B(nu) exp(2 pi i tau (nu - nu0)); MeasurementSet: V_pq = g_p conj(g_q) M_pq",
	};
}

async function writeTruth(folder: string, simulated: SimulatedObservation, invocation: Invocation): Promise<string[]> {
	const { set, sources, stations } = simulated;
	const json = join(folder, "truth.json");
	await writeFile(
		json,
		`${JSON.stringify({ seed: Number(stringOption(invocation, "seed") ?? 1), ...summaryOf(simulated) }, null, "\t")}\n`,
	);
	const sky = join(folder, "truth_sky.csv");
	await writeFile(
		sky,
		`source_id,ra_deg,dec_deg,flux_jy\n${sources
			.map((one) => `${one.name},${one.raDeg.toFixed(9)},${one.decDeg.toFixed(9)},${one.fluxJy(1.4e9).toPrecision(9)}`)
			.join("\n")}\n`,
	);
	const path = join(folder, "truth.h5");
	const hdf5 = new Hdf5Writer(path);
	const { truth } = set.plan;
	const n = stations.length;
	const nPol = truth.nPolarizations;
	const nTimes = set.timesMjd.length;
	const nChannels = set.frequenciesHz.length;
	const B = new Float32Array(2 * n * nPol * nChannels);
	set.spectralWindows.forEach(({ firstChannel, nChannels: own }, w) => {
		for (let s = 0; s < nPol; s++) {
			for (let c = 0; c < own; c++) {
				for (let p = 0; p < n; p++) {
					const from = 2 * ((s * own + c) * n + p);
					const to = 2 * ((p * nPol + s) * nChannels + firstChannel + c);
					B[to] = truth.bandpass[w][from];
					B[to + 1] = truth.bandpass[w][from + 1];
				}
			}
		}
	});
	const G = new Float32Array(2 * n * nPol * nTimes);
	const tau = new Float64Array(n * nPol);
	for (let p = 0; p < n; p++) {
		for (let s = 0; s < nPol; s++) {
			tau[p * nPol + s] = truth.delaysS[s * n + p];
			for (let t = 0; t < nTimes; t++) {
				const from = 2 * ((s * nTimes + t) * n + p);
				const to = 2 * ((p * nPol + s) * nTimes + t);
				G[to] = truth.timeGains[from];
				G[to + 1] = truth.timeGains[from + 1];
			}
		}
	}
	const rfi = new Uint8Array(nTimes * nChannels);
	set.spectralWindows.forEach(({ firstChannel, nChannels: own }, w) => {
		for (let t = 0; t < nTimes; t++) {
			for (let c = 0; c < own; c++) rfi[t * nChannels + firstChannel + c] = truth.rfiJy[w][t * own + c] > 0 ? 1 : 0;
		}
	});
	hdf5.dataset("/B", "complex64", [n, nPol, nChannels], B);
	hdf5.dataset("/G", "complex64", [n, nPol, nTimes], G);
	hdf5.dataset("/tau_s", "float64", [n, nPol], tau);
	hdf5.dataset("/freq_hz", "float64", [nChannels], set.frequenciesHz);
	hdf5.dataset("/mjd_utc", "float64", [nTimes], set.timesMjd);
	hdf5.dataset("/rfi_mask", "boolean", [nTimes, nChannels], rfi);
	hdf5.number("/nu0_hz", simulated.referenceHz);
	hdf5.texts(
		"/antenna_name",
		stations.map((station) => station.name),
	);
	hdf5.close();
	return [json, sky, path];
}
