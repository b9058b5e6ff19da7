import { totalmem } from "node:os";
import { type Calibration, type SolveStage, solveCalibration, UnsolvableSet } from "../../calibration/calibrate.ts";
import type { Calibrator } from "../../calibration/calibrator-list.ts";
import { calibratorByName } from "../../calibration/calibrators.ts";
import {
	type CalibratorRequest,
	type ChosenCalibrator,
	chooseCalibrator,
	fieldSources,
} from "../../calibration/choose-calibrator.ts";
import { loadWindow } from "../../calibration/load-window.ts";
import type { SolveInput } from "../../calibration/prepare.ts";
import { airyBeam } from "../../calibration/primary-beam.ts";
import { QUALITY_LIMITS } from "../../calibration/quality.ts";
import { median } from "../../calibration/robust.ts";
import { cadenceS, type Selection, selectAll, withIntegrations } from "../../calibration/selection.ts";
import {
	apparentSources,
	type BeamResponse,
	brightEnough,
	type ModelGeometry,
	type ModelSource,
	meridianGeometry,
	trackedGeometry,
} from "../../calibration/sky-model.ts";
import type { SolveOptions } from "../../calibration/solve-options.ts";
import type { TableFrame } from "../../calibration/solve-tables.ts";
import { VALIDATION_LIMITS, validateModel, validateSelection } from "../../calibration/solve-validation.ts";
import type { SourceGeometry } from "../../calibration/source-offset.ts";
import type { Pointing } from "../../calibration/transiting.ts";
import type { VisibilitySet } from "../../calibration/visibility-set.ts";
import { badInput } from "../../error.ts";
import { openVisibilities } from "../../formats/open-visibilities.ts";
import { observerAt } from "../../sky/apparent-place.ts";
import { itrfDirection, itrfDirectionOfApparent, itrfDirectionsFrom } from "../../sky/itrf.ts";
import { type Site, siteFromItrf } from "../../sky/site.ts";
import { openWindowPool, windowFiles } from "./window-pool.ts";

export interface CalibrateRequest {
	paths: readonly string[];
	/** Sources of the calibrator list; the standard ones at least. */
	calibrators: readonly Calibrator[];
	calibrator: CalibratorRequest;
	/** The set's own MODEL_DATA instead of a calibrator. */
	modelColumn: boolean;
	/** Other sources of the field, and the frequency of their flux densities. */
	field: readonly { name: string; raDeg: number; decDeg: number; fluxJy: number; spectralIndex?: number }[];
	fieldFrequencyHz: number;
	/** Field sources fainter than this fraction of the calibrator, through the beam, are left out. */
	faintest: number;
	solve: SolveOptions;
	/** Names of antennas: preferred as reference, and left out. */
	referenceAntennas: readonly string[];
	/** What the observatory prefers where nothing is asked for; names that the set lacks are passed over. */
	preferredReferences: (telescope: string) => readonly string[];
	excludedAntennas: readonly string[];
	/** Names or numbers of fields; undefined: the ones that hold the calibrator. */
	fields: readonly string[] | undefined;
	/** Range of times, MJD. */
	times: readonly [number, number] | undefined;
	/** Baseline lengths, wavelengths. */
	uvRange: readonly [number, number] | undefined;
	/** Diameter where the file does not say, m. */
	dishM: number | undefined;
	beam: BeamResponse | undefined;
	/** Apparent declination at which antennas stand on the meridian although the phases track the sky, degrees. */
	pointingDecDeg: number | undefined;
	minimumAntennas: number;
	singlePolarization: boolean;
	workers: number;
	/** Bytes of samples that may be held; more are read anew for each pass. */
	memoryBytes: number | undefined;
	signal: AbortSignal | undefined;
}

export interface CalibratedSet {
	calibration: Calibration;
	set: VisibilitySet;
	selection: Selection;
	input: SolveInput;
	calibrator: ChosenCalibrator | undefined;
	/** Sources of the model, the calibrator first. */
	model: readonly ModelSource[];
	/** Response of the beam towards the calibrator at its best integration, and which that is (MJD). */
	best: { beam: number; mjd: number } | undefined;
	/** Seconds of each stage, and CPU seconds of the process meanwhile. */
	seconds: Record<string, number>;
	cpuSeconds: Record<string, number>;
}

/**
 * Solves delays, bandpass and gains of a visibility set, from files to tables in memory.
 *
 * @param onStage called as the work goes on.
 * @throws UnsolvableSet, with every reason, when the set must not be solved.
 */
export async function calibrateSet(
	request: CalibrateRequest,
	onStage: (stage: SolveStage | "reading", done: number, total: number) => void = () => {},
): Promise<CalibratedSet> {
	const seconds: Record<string, number> = {};
	const cpuSeconds: Record<string, number> = {};
	let begun = performance.now();
	let used = process.cpuUsage();
	const lap = (name: string) => {
		const now = performance.now();
		seconds[name] = (now - begun) / 1000;
		begun = now;
		const { user, system } = process.cpuUsage(used);
		cpuSeconds[name] = (user + system) / 1e6;
		used = process.cpuUsage();
	};
	const set = openVisibilities(request.paths);
	try {
		const subject = set.source.length === 1 ? set.source[0] : `${set.source[0]} and ${set.source.length - 1} more`;
		const limits = {
			...VALIDATION_LIMITS,
			antennas: request.minimumAntennas,
			singlePolarization: request.singlePolarization,
		};
		const excludedAntennas = new Set(request.excludedAntennas.map((name) => antennaNamed(set, name, "--exclude")));
		const times = timesWithin(set, request.times);
		const first = selectAll(set, { times, excludedAntennas });
		const reasons = validateSelection(set, first, limits);
		if (reasons.length > 0) throw new UnsolvableSet(subject, reasons);

		const located = await locate(set, first, request, subject);
		const { selection, calibrator, model, geometry, beam } = located;
		const windows = set.spectralWindows.map(({ firstChannel, nChannels }) => ({
			frequenciesHz: set.frequenciesHz.slice(firstChannel, firstChannel + nChannels),
			channelWidthsHz: set.channelWidthsHz.slice(firstChannel, firstChannel + nChannels),
		}));
		const best = geometry === undefined ? undefined : bestIntegration(set, selection, geometry, beam, middleOf(set));
		if (calibrator !== undefined && best !== undefined) {
			const peakJy = calibrator.source.fluxJy(middleOf(set)) * best.beam;
			const wrong = validateModel({ name: calibrator.source.name, bestBeam: best.beam, peakJy }, limits);
			if (wrong.length > 0) throw new UnsolvableSet(subject, wrong);
		}
		lap("opening");

		const nSamples =
			selection.times.length *
			selection.array.antenna1.length *
			set.frequenciesHz.length *
			selection.polarizations.length;
		const budget = request.memoryBytes ?? 0.6 * totalmem();
		const frequencies = windows.map((window) => window.frequenciesHz);
		const pool = await openWindowPool(
			{
				paths: request.paths,
				files: windowFiles(set),
				selection,
				column: "data",
				models:
					geometry === undefined
						? windows.map(() => "column" as const)
						: frequencies.map((own) => apparentSources(geometry, model, own, beam)),
				keep: bytesPerSample(selection, geometry) * nSamples < budget,
			},
			frequencies,
			request.workers,
			request.signal,
		);
		try {
			onStage("reading", 0, windows.length);
			await pool.load((done, total) => onStage("reading", done, total));
			lap("reading");
			const input: SolveInput = {
				pool,
				array: selection.array,
				polarizations: selection.polarizations,
				timesMjd: Float64Array.from(selection.times, (t) => set.timesMjd[t]),
				// An integration of next to nothing is a mistake of the file: what one stands for is the cadence.
				integrationS: set.integrationS < 0.25 * cadenceS(set) ? cadenceS(set) : set.integrationS,
				scans: scansOf(set, selection),
				referenceHz: middleOf(set),
				...(calibrator === undefined ? {} : { source: sourceGeometry(set, selection, calibrator.source) }),
			};
			const compact = (name: string) => selection.antennaOf.indexOf(antennaNamed(set, name, "--refant"));
			const options: SolveOptions = {
				...request.solve,
				referenceAntennas: (request.referenceAntennas.length > 0
					? request.referenceAntennas.map(compact)
					: request.preferredReferences(set.telescope).map((name) => {
							const at = set.antennas.findIndex((antenna) => antenna.name === name);
							return at < 0 ? -1 : selection.antennaOf.indexOf(at);
						})
				).filter((antenna) => antenna >= 0),
			};
			const frame: TableFrame = { nAntennas: set.antennas.length, antennaOf: selection.antennaOf, windows };
			const stages: SolveStage[] = ["flags and delays", "phases", "bandpass", "gains", "judgement"];
			let current: string | undefined;
			const calibration = await solveCalibration(
				subject,
				input,
				options,
				frame,
				{ validation: limits, quality: { ...QUALITY_LIMITS, antennas: request.minimumAntennas } },
				(stage) => {
					if (current !== undefined) lap(current);
					current = stage;
					onStage(stage, stages.indexOf(stage), stages.length);
				},
			);
			if (current !== undefined) lap(current);
			return { calibration, set, selection, input, calibrator, model, best, seconds, cpuSeconds };
		} finally {
			await pool.close();
		}
	} finally {
		set.close();
	}
}

/** Visibility and flag, and the model's amplitude where it differs from baseline to baseline. */
const bytesPerSample = (selection: Selection, geometry: ModelGeometry | undefined): number =>
	9 + (geometry === undefined ? 4 : geometry.nSources > 1 ? 4 / selection.polarizations.length : 0);

function sourceGeometry(set: VisibilitySet, selection: Selection, source: ModelSource): SourceGeometry {
	const directions = itrfDirectionsFrom(siteOf(set));
	return {
		positionsM: Float64Array.from(
			Array.from(selection.antennaOf).flatMap((antenna) => set.antennas[antenna].positionItrfM),
		),
		direction: (mjd) => directions(source.raDeg, source.decDeg, mjd),
	};
}

const middleOf = (set: VisibilitySet) => 0.5 * (set.frequenciesHz[0] + set.frequenciesHz[set.frequenciesHz.length - 1]);

/** An antenna by its name, or by its number where no name matches. */
export function antennaNamed(set: VisibilitySet, name: string, option: string): number {
	const wanted = name.trim();
	let at = set.antennas.findIndex((antenna) => antenna.name === wanted);
	if (at < 0 && /^\d+$/.test(wanted)) at = set.antennas.findIndex((antenna) => antenna.number === Number(wanted));
	if (at < 0) {
		throw badInput("unknown-antenna", `there is no antenna ${wanted}`, {
			subject: option,
			remedy: `Give names of antennas of the set, for instance ${set.antennas[0]?.name ?? "1"}`,
		});
	}
	return at;
}

function timesWithin(set: VisibilitySet, range: readonly [number, number] | undefined): Int32Array {
	const all = Int32Array.from({ length: set.timesMjd.length }, (_, t) => t);
	return range === undefined ? all : all.filter((t) => set.timesMjd[t] >= range[0] && set.timesMjd[t] <= range[1]);
}

/** A new scan begins after a gap of more than three integrations. */
function scansOf(set: VisibilitySet, selection: Selection): Int32Array {
	const scans = new Int32Array(selection.times.length);
	for (let i = 1; i < scans.length; i++) {
		const gapS = (set.timesMjd[selection.times[i]] - set.timesMjd[selection.times[i - 1]]) * 86400;
		scans[i] = scans[i - 1] + (gapS > 3.5 * cadenceS(set) ? 1 : 0);
	}
	return scans;
}

interface Located {
	selection: Selection;
	calibrator: ChosenCalibrator | undefined;
	model: ModelSource[];
	/** Undefined: the set's model column. */
	geometry: ModelGeometry | undefined;
	beam: BeamResponse | undefined;
}

/** Finds calibrator, fields and geometry. */
async function locate(
	set: VisibilitySet,
	first: Selection,
	request: CalibrateRequest,
	subject: string,
): Promise<Located> {
	const site = siteOf(set);
	const middleHz = middleOf(set);
	const wanted = placedByField(set, request);
	const beam = request.beam ?? dishBeam(set, request.dishM);
	const named = request.fields === undefined ? undefined : new Set(request.fields.map((name) => fieldNamed(set, name)));
	const reselect = (fields: ReadonlySet<number> | undefined, kept?: readonly number[]): Selection => {
		const selection = { ...first, uvRange: request.uvRange, fields };
		return kept === undefined ? selection : withIntegrations(selection, kept);
	};
	if (request.modelColumn) {
		const probe = named === undefined ? undefined : await probeRows(set, reselect(named));
		return {
			selection: reselect(named, probe?.kept),
			calibrator: undefined,
			model: [],
			geometry: undefined,
			beam: undefined,
		};
	}
	const kinds = new Set(set.fields.map((field) => field.phaseCentre.kind));
	if (kinds.has("unprojected")) {
		throw badInput("no-phase-centre", "its visibilities have no phase centre: the direction of a source is unknown", {
			subject,
			remedy: "Phase the set to the calibrator first, or use --model column",
		});
	}
	const meridian = set.fields[0]?.phaseCentre;
	if (meridian !== undefined && meridian.kind === "meridian") {
		if (set.fields.length > 1) {
			throw badInput("fields", "several fixed phase centres in one set are not supported", {
				subject,
				remedy: "Give the files of one group",
			});
		}
		const pointings: Pointing[] = Array.from(first.times, (t) => ({
			mjd: set.timesMjd[t],
			apparentDecDeg: meridian.declinationDeg,
			hourAngleDeg: meridian.hourAngleDeg,
		}));
		const selection = reselect(named);
		const calibrator = chooseCalibrator(
			wanted,
			request.calibrators,
			pointings,
			site,
			beam ?? (() => 1),
			middleHz,
			subject,
		);
		const sources = [calibrator.source, ...fieldSources(calibrator.source, request.field, request.fieldFrequencyHz)];
		const observers = new Map(Array.from(first.times, (t) => [set.timesMjd[t], observerAt(set.timesMjd[t], site)]));
		const observer = (mjd: number) => observers.get(mjd) ?? observerAt(mjd, site);
		const axisAt = (mjd: number) => {
			const raDeg = observer(mjd).gastDeg + site.longitudeDeg - meridian.hourAngleDeg;
			return itrfDirectionOfApparent(observer(mjd), raDeg, meridian.declinationDeg);
		};
		const geometryOf = (list: readonly ModelSource[]) =>
			meridianGeometry(set, selection, axisAt, list, (ra, dec, mjd) => itrfDirection(observer(mjd), ra, dec));
		return withBrightest(selection, calibrator, sources, geometryOf, beam, middleHz, request.faintest);
	}

	const probe = await probeRows(set, reselect(named));
	const fieldOf = (t: number) => {
		const n = first.array.antenna1.length;
		for (let b = 0; b < n; b++) if (probe.field[t * n + b] >= 0) return probe.field[t * n + b];
		return -1;
	};
	const pointings: Pointing[] = [];
	const standing = request.pointingDecDeg;
	Array.from(probe.kept, (t) => first.times[t]).forEach((t, i) => {
		if (standing !== undefined) {
			pointings.push({ mjd: set.timesMjd[t], apparentDecDeg: standing, hourAngleDeg: 0 });
			return;
		}
		const centre = set.fields[fieldOf(i)]?.phaseCentre;
		if (centre?.kind === "sidereal") {
			pointings.push({ mjd: set.timesMjd[t], raDeg: centre.raDeg, decDeg: centre.decDeg });
		}
	});
	const calibrator = chooseCalibrator(
		wanted,
		request.calibrators,
		pointings,
		site,
		beam ?? (() => 1),
		middleHz,
		subject,
	);
	const sources = [calibrator.source, ...fieldSources(calibrator.source, request.field, request.fieldFrequencyHz)];
	let selection = reselect(named, probe.kept);
	let rows = probe;
	if (named === undefined && set.fields.length > 1) {
		const inside = new Set(fieldsNear(set, calibrator.source, beam, middleHz));
		rows = await probeRows(set, reselect(inside));
		selection = reselect(inside, rows.kept);
	}
	if (selection.times.length === 0) {
		throw new UnsolvableSet(subject, [`no field of the set has ${calibrator.source.name} in the beam`]);
	}
	const geometryOf = (list: readonly ModelSource[]) => {
		const geometry = trackedGeometry(set, selection, rows.uvwM, rows.field, list);
		return standing === undefined
			? geometry
			: { ...geometry, anglesRad: anglesFromMeridian(set, selection, list, standing, site) };
	};
	return withBrightest(selection, calibrator, sources, geometryOf, beam, middleHz, request.faintest);
}

/** [source][time] rad between sources and where antennas stand: on the meridian, at one apparent declination. */
function anglesFromMeridian(
	set: VisibilitySet,
	selection: Selection,
	sources: readonly ModelSource[],
	decDeg: number,
	site: Site,
): Float64Array {
	const [dec, lon] = [(decDeg * Math.PI) / 180, (site.longitudeDeg * Math.PI) / 180];
	const axis = [Math.cos(dec) * Math.cos(lon), Math.cos(dec) * Math.sin(lon), Math.sin(dec)];
	const directions = itrfDirectionsFrom(site);
	const nTimes = selection.times.length;
	const out = new Float64Array(sources.length * nTimes);
	selection.times.forEach((t, i) => {
		sources.forEach((source, s) => {
			const [x, y, z] = directions(source.raDeg, source.decDeg, set.timesMjd[t]);
			out[s * nTimes + i] = Math.acos(Math.min(1, Math.max(-1, x * axis[0] + y * axis[1] + z * axis[2])));
		});
	});
	return out;
}

/** A calibrator that no list knows but that is the name of a tracked field stands at its phase centre. */
function placedByField(set: VisibilitySet, { calibrator, calibrators }: CalibrateRequest): CalibratorRequest {
	const { name, raDeg } = calibrator;
	if (name === undefined || raDeg !== undefined || calibratorByName(calibrators, name) !== undefined) return calibrator;
	const centre = set.fields.find((field) => field.name === name)?.phaseCentre;
	return centre?.kind === "sidereal" ? { ...calibrator, raDeg: centre.raDeg, decDeg: centre.decDeg } : calibrator;
}

function withBrightest(
	selection: Selection,
	calibrator: ChosenCalibrator,
	sources: ModelSource[],
	geometryOf: (sources: readonly ModelSource[]) => ModelGeometry,
	beam: BeamResponse | undefined,
	middleHz: number,
	faintest: number,
): Located {
	const all = geometryOf(sources);
	const kept = brightEnough(all, sources, middleHz, beam, faintest);
	const model = kept.map((s) => sources[s]);
	return { selection, calibrator, model, geometry: kept.length === sources.length ? all : geometryOf(model), beam };
}

/** One channel of every row: which integrations have rows of the fields, and their uvw. */
async function probeRows(set: VisibilitySet, selection: Selection) {
	const { firstChannel } = set.spectralWindows[0];
	const loaded = await loadWindow(
		set,
		0,
		{ ...selection, uvRange: undefined },
		{
			channels: [firstChannel, firstChannel + 1],
		},
	);
	const n = selection.array.antenna1.length;
	const used = Array.from(selection.times.keys()).filter((t) => {
		for (let b = 0; b < n; b++) if (loaded.field[t * n + b] >= 0) return true;
		return false;
	});
	const uvwM = new Float64Array(3 * n * used.length);
	const field = new Int32Array(n * used.length);
	used.forEach((t, i) => {
		uvwM.set(loaded.uvwM.subarray(3 * n * t, 3 * n * (t + 1)), 3 * n * i);
		field.set(loaded.field.subarray(n * t, n * (t + 1)), n * i);
	});
	return { kept: used, uvwM, field };
}

function fieldNamed(set: VisibilitySet, name: string): number {
	const at = set.fields.findIndex((field) => field.name === name);
	if (at >= 0) return at;
	const number = /^\d+$/.test(name) ? Number(name) : -1;
	if (number >= 0 && number < set.fields.length) return number;
	throw badInput("unknown-field", `there is no field ${name}`, {
		subject: "--field",
		remedy: `Give one of ${set.fields
			.slice(0, 10)
			.map((field) => field.name)
			.join(", ")}`,
	});
}

function fieldsNear(
	set: VisibilitySet,
	source: ModelSource,
	beam: BeamResponse | undefined,
	middleHz: number,
): number[] {
	return set.fields.flatMap(({ phaseCentre }, i) => {
		if (phaseCentre.kind !== "sidereal") return [];
		const rad = Math.PI / 180;
		const cos =
			Math.sin(source.decDeg * rad) * Math.sin(phaseCentre.decDeg * rad) +
			Math.cos(source.decDeg * rad) *
				Math.cos(phaseCentre.decDeg * rad) *
				Math.cos((source.raDeg - phaseCentre.raDeg) * rad);
		const angle = Math.acos(Math.min(1, Math.max(-1, cos)));
		return (beam === undefined ? angle < 0.1 * rad : beam(angle, middleHz) >= VALIDATION_LIMITS.beam) ? [i] : [];
	});
}

/** The array's place: from the file, or the mean of its antennas. */
export function siteOf(set: VisibilitySet): Site {
	if (set.location !== undefined) return set.location;
	const n = set.antennas.length;
	const mean = [0, 1, 2].map((k) => set.antennas.reduce((sum, antenna) => sum + antenna.positionItrfM[k], 0) / n);
	return siteFromItrf(mean[0], mean[1], mean[2]);
}

function dishBeam(set: VisibilitySet, dishM: number | undefined): BeamResponse | undefined {
	const diameter = dishM ?? median(set.antennas.map((antenna) => antenna.diameterM).filter((d) => d > 0));
	return diameter > 0 ? airyBeam(diameter) : undefined;
}

function bestIntegration(
	set: VisibilitySet,
	selection: Selection,
	geometry: ModelGeometry,
	beam: BeamResponse | undefined,
	middleHz: number,
) {
	let best = { beam: 0, mjd: Number.NaN };
	selection.times.forEach((t, i) => {
		const angle = geometry.anglesRad[i];
		const response = Number.isNaN(angle) ? 0 : beam === undefined ? 1 : beam(angle, middleHz);
		if (response > best.beam) best = { beam: response, mjd: set.timesMjd[t] };
	});
	return best;
}
