import { writeFileSync } from "node:fs";
import { badInput } from "../error.ts";
import type { Column, Table } from "../formats/table/table.ts";
import { CORRECTION_SOURCES } from "../normalization/fallback.ts";
import { type NormalizationMode, normalizationFlagNames } from "../normalization/normalize-image.ts";
import { createLogger } from "../observability/log.ts";
import { type SolvedImage, solveStored, type Unsolved } from "../pipeline/normalise/on-request.ts";
import { storedQuality } from "../pipeline/normalise/stored-quality.ts";
import { configurationHash } from "../pipeline/runner.ts";
import { openSession } from "../pipeline/session.ts";
import { normalizationReport, type ReportedField } from "../plots/normalization-report.ts";
import type { Queryable } from "../store/database.ts";
import { type Invocation, numberOption, stringOption } from "./command.ts";
import { followRun } from "./commands/run.ts";
import { writeResult } from "./image-options.ts";
import { progressOn } from "./progress.ts";
import type { OpenedStore } from "./store-options.ts";

/** A stored image that the options name. */
interface ChosenImage {
	id: number;
	mjd: number;
	field_id: number;
	field: string;
	band_id: number;
	frequency_mhz: number;
	beam_major_deg: number;
}

const ID = /^[1-9]\d{0,15}$/;

function idOf(text: string, option: string): number {
	if (ID.test(text)) return Number(text);
	throw badInput("bad-option", `${JSON.stringify(text)} is no id`, {
		subject: `--${option}`,
		remedy: "Give the number of an image, as caustic normalize --all --mode none lists them",
	});
}

/** `SOURCE/IMAGE`: the name or the number of a source, and the number of an image. */
function measurementOption(text: string): { source: string; imageId: number } {
	const at = text.lastIndexOf("/");
	if (at <= 0) {
		throw badInput("bad-option", `${JSON.stringify(text)} names no measurement`, {
			subject: "--measurement",
			remedy: "Give a source's name or number and an image's number, for instance --measurement J0000+0000/12",
		});
	}
	return { source: text.slice(0, at), imageId: idOf(text.slice(at + 1), "measurement") };
}

const listOf = (value: Invocation["options"][string]): string[] => (Array.isArray(value) ? value : []);

/** Images that the filters leave, oldest first. */
async function chosenImages(
	db: Queryable,
	invocation: Invocation,
	named: number[] | undefined,
): Promise<ChosenImage[]> {
	const field = stringOption(invocation, "field");
	const images = await db.query<ChosenImage>(
		"images to normalise",
		`SELECT i.id, i.mjd, i.field_id, f.name AS field, i.band_id, b.frequency_hz / 1e6 AS frequency_mhz, i.beam_major_deg FROM image i JOIN field f ON f.id = i.field_id JOIN band b ON b.id = i.band_id
		 WHERE ($1::bigint[] IS NULL OR i.id = ANY($1)) AND ($2::text IS NULL OR f.name = $2)
		 AND i.mjd BETWEEN $3 AND $4 AND ($5::float8 IS NULL OR abs(b.frequency_hz / 1e6 - $5) < 0.01 * $5) ORDER BY i.mjd, i.id`,
		[
			named ?? null,
			field ?? null,
			numberOption(invocation, "from", -1e9),
			numberOption(invocation, "to", 1e9),
			invocation.options.frequency === undefined ? null : numberOption(invocation, "frequency", 1400, 1, 1e7),
		],
	);
	const found = new Set(images.map((image) => image.id));
	const missing = named?.find((id) => !found.has(id));
	if (missing !== undefined) {
		throw badInput("no-image", "there is no such image, or the filters leave it out", {
			subject: `image ${missing}`,
			remedy: "caustic normalize --all --mode none lists them",
		});
	}
	if (images.length === 0) {
		throw badInput("no-image", "no stored image is left", {
			subject: field === undefined ? "caustic normalize" : `field ${field}`,
			remedy: "caustic normalize --all --mode none lists what there is",
		});
	}
	return images;
}

const UNSOLVED: Record<Unsolved, string> = {
	no_image: "there is no such image",
	no_measurements: "has no measurement under the present settings",
	no_baselines: "its field has no baselines yet: they are made from the third epoch on",
};

interface Solved {
	image: ChosenImage;
	mode: NormalizationMode;
	solved: SolvedImage | Unsolved;
}

/** Puts stored measurements on the flux scale of the present baselines, to look at or, with `--store`, to keep. */
export async function normalizeStored(
	invocation: Invocation,
	{ store, config, loaded }: OpenedStore,
	modes: NormalizationMode[],
): Promise<number> {
	const { database } = store;
	const measurement = stringOption(invocation, "measurement");
	const one = measurement === undefined ? undefined : measurementOption(measurement);
	const ids = listOf(invocation.options.image).map((text) => idOf(text, "image"));
	const named = one !== undefined ? [one.imageId] : ids.length > 0 ? [...new Set(ids)] : undefined;
	const images = await chosenImages(database, invocation, named);
	const [mode] = modes;
	if (invocation.options.store === true) {
		if (one !== undefined) {
			throw badInput("bad-usage", "one measurement alone is not stored: its image has one scale", {
				subject: "--store",
				remedy: `Give --image ${one.imageId}`,
			});
		}
		const log = createLogger("silent");
		const session = await openSession({ store, config, log, signal: invocation.signal });
		try {
			const { run } = await session.begin(
				{
					paths: [],
					images: images.map((image) => image.id),
					fields: [...new Set(images.map((image) => image.field_id))].sort((a, b) => a - b),
					mode,
					trigger: "manual",
				},
				{ kind: "normalization", config: loaded.config },
			);
			return await followRun(run.id, store, session, invocation.options.json === true);
		} finally {
			await session.close();
		}
	}
	const configuration = configurationHash(config);
	const report = stringOption(invocation, "report");
	if (report !== undefined) await writeReport(report, invocation, { store, config, configuration, images });
	const solved: Solved[] = [];
	const progress = progressOn("caustic normalize");
	try {
		for (const [k, image] of images.entries()) {
			invocation.signal.throwIfAborted();
			for (const each of modes) {
				solved.push({ image, mode: each, solved: await solveStored(database, config, configuration, image.id, each) });
			}
			progress.update(k + 1, images.length, "images");
		}
	} finally {
		progress.end();
	}
	if (one === undefined && (images.length > 1 || modes.length > 1)) {
		const summary = imageTable(solved);
		const out = stringOption(invocation, "out");
		if (out !== undefined) {
			await writeResult({ ...invocation, options: { out } }, await measurementTable(database, solved));
			await writeResult({ ...invocation, options: { json: invocation.options.json } }, summary);
		} else await writeResult(invocation, summary);
		return 0;
	}
	const [first] = solved;
	if (typeof first.solved === "string") {
		throw badInput(first.solved.replaceAll("_", "-"), UNSOLVED[first.solved], { subject: `image ${first.image.id}` });
	}
	const table = await measurementTable(database, solved, one?.source);
	if (table.rows === 0) {
		throw badInput("no-source", `has no measurement in image ${first.image.id}`, {
			subject: `source ${one?.source ?? ""}`,
			remedy: "See caustic export sources",
		});
	}
	await writeResult(invocation, table);
	return 0;
}

/** Quality of what is stored of the fields and subbands of the chosen images, as one page. */
async function writeReport(
	path: string,
	invocation: Invocation,
	of: { store: OpenedStore["store"]; config: OpenedStore["config"]; configuration: string; images: ChosenImage[] },
): Promise<void> {
	const { database } = of.store;
	const groups = [...Map.groupBy(of.images, (image) => `${image.field_id}/${image.band_id}`).values()];
	const progress = progressOn("caustic normalize");
	const fields: ReportedField[] = [];
	const without: string[] = [];
	try {
		for (const [g, images] of groups.entries()) {
			invocation.signal.throwIfAborted();
			const [first] = images;
			const quality = await storedQuality(
				database,
				of.config,
				of.configuration,
				{ id: first.field_id, name: first.field },
				{
					id: first.band_id,
					frequency_hz: first.frequency_mhz * 1e6,
					beam_major_deg: Math.max(...images.map((image) => image.beam_major_deg)),
				},
				images,
			);
			if (quality === undefined) without.push(`${first.field} at ${first.frequency_mhz} MHz`);
			else fields.push(quality);
			progress.update(g + 1, groups.length, "fields and subbands");
		}
	} finally {
		progress.end();
	}
	const lead = [
		`What is stored of ${of.images.length} images, ${groups.length === 1 ? "one field in one subband" : `${groups.length} fields and subbands`}.`,
		...(without.length === 0 ? [] : [`Without baselines so far: ${without.join(", ")}.`]),
	].join(" ");
	writeFileSync(path, normalizationReport("Normalization quality", lead, fields));
	process.stderr.write(`quality report written to ${path}\n`);
}

const column = <T>(name: string, rows: readonly T[], value: (row: T) => number, unit?: string): Column => ({
	name,
	kind: "number",
	...(unit === undefined ? {} : { unit }),
	values: Float64Array.from(rows, value),
});
const text = <T>(name: string, rows: readonly T[], value: (row: T) => string | null): Column => ({
	name,
	kind: "text",
	values: rows.map(value),
});

/** One row per image and mode: what its scale is, what it rests on, and how well its references agree with it. */
function imageTable(solved: Solved[]): Table {
	const of = (value: (solution: SolvedImage) => number) => (row: Solved) =>
		typeof row.solved === "string" ? Number.NaN : value(row.solved);
	const first = new Map<number, SolvedImage>();
	for (const row of solved)
		if (typeof row.solved !== "string" && !first.has(row.image.id)) first.set(row.image.id, row.solved);
	/** Largest difference of the normalised fluxes from those of the first mode, in the larger error. */
	const difference = (row: Solved): number => {
		const other = first.get(row.image.id);
		if (typeof row.solved === "string" || other === undefined) return Number.NaN;
		const { result } = row.solved;
		let square = 0;
		for (let i = 0; i < result.correction.length; i++) {
			const error = Math.max(result.correctionErr[i], other.result.correctionErr[i]);
			square += ((result.correction[i] - other.result.correction[i]) / error) ** 2;
		}
		return Math.sqrt(square / result.correction.length);
	};
	return {
		name: "image_normalization",
		rows: solved.length,
		columns: [
			{ name: "image_id", kind: "integer", values: Float64Array.from(solved, ({ image }) => image.id) },
			text("field_id", solved, ({ image }) => image.field),
			column("frequency_mhz", solved, ({ image }) => image.frequency_mhz, "MHz"),
			column("mjd", solved, ({ image }) => image.mjd, "d"),
			text("mode", solved, (row) => row.mode),
			text("status", solved, (row) =>
				typeof row.solved === "string" ? row.solved : row.solved.result.solution.status,
			),
			text("correction_source", solved, (row) =>
				typeof row.solved === "string" ? null : row.solved.result.solution.source,
			),
			column(
				"correction",
				solved,
				of(({ result }) => result.solution.correction),
			),
			column(
				"correction_err",
				solved,
				of(({ result }) => result.solution.correctionErr),
			),
			column(
				"n_references",
				solved,
				of(({ result }) => result.solution.used),
			),
			column(
				"scatter_before",
				solved,
				of(({ accuracy }) => accuracy.scatterBefore),
			),
			column(
				"scatter_after",
				solved,
				of(({ accuracy }) => accuracy.scatter),
			),
			column(
				"pull_std",
				solved,
				of(({ accuracy }) => accuracy.pulls.std),
			),
			column(
				"catalogue_ratio",
				solved,
				of(({ accuracy }) => accuracy.catalogueRatio),
			),
			column("difference_sigma", solved, difference),
			text("reasons", solved, (row) =>
				typeof row.solved === "string" ? null : row.solved.result.solution.reasons.join("|") || null,
			),
		],
	};
}

/** One row per measurement, raw and normalised side by side. */
async function measurementTable(db: Queryable, solved: Solved[], source?: string): Promise<Table> {
	const rows = solved.flatMap(({ image, mode, solved: of }) =>
		typeof of === "string" ? [] : of.rows.map((row, i) => ({ image, mode, row, i, result: of.result })),
	);
	const names = new Map(
		(
			await db.query<{ id: number; name: string }>(
				"names of sources",
				"SELECT id, name FROM source WHERE id = ANY($1)",
				[[...new Set(rows.map(({ row }) => row.source_id))]],
			)
		).map(({ id, name }) => [id, name]),
	);
	const isWanted = (id: number) => source === undefined || names.get(id) === source || String(id) === source;
	const kept = rows.filter(({ row }) => isWanted(row.source_id));
	const several = new Set(kept.map(({ mode }) => mode)).size > 1;
	return {
		name: "normalized",
		rows: kept.length,
		columns: [
			text("source_id", kept, ({ row }) => names.get(row.source_id) ?? null),
			{ name: "image_id", kind: "integer", values: Float64Array.from(kept, ({ image }) => image.id) },
			column("mjd", kept, ({ row }) => row.mjd, "d"),
			column("frequency_mhz", kept, ({ image }) => image.frequency_mhz, "MHz"),
			...(several ? [text("mode", kept, (row: (typeof kept)[number]) => row.mode)] : []),
			column("flux_jy", kept, ({ row }) => row.flux_jy, "Jy/beam"),
			column("flux_err_jy", kept, ({ row }) => row.flux_err_jy, "Jy/beam"),
			column("flux_norm_jy", kept, ({ result, i }) => result.fluxNormJy[i], "Jy/beam"),
			column("flux_norm_err_jy", kept, ({ result, i }) => result.fluxNormErrJy[i], "Jy/beam"),
			column("correction", kept, ({ result, i }) => result.correction[i]),
			column("correction_err", kept, ({ result, i }) => result.correctionErr[i]),
			text("correction_source", kept, ({ result, i }) => CORRECTION_SOURCES[result.correctionSource[i]]),
			column("n_references", kept, ({ result, i }) => result.nReferences[i]),
			text("norm_flags", kept, ({ result, i }) => normalizationFlagNames(result.flags[i]) || null),
		],
	};
}
