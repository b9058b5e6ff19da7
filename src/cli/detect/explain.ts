import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Candidate, type CorrectedField, correctFieldData } from "../../detection/detect.ts";
import { explainCandidate } from "../../detection/explain.ts";
import {
	arrangeFields,
	type DetectSource,
	type FieldData,
	type LightCurveTable,
} from "../../detection/light-curve-table.ts";
import { bandFrequencies, detectSources, tableOf } from "../../pipeline/detection/judge-stored.ts";
import { candidatePage } from "../../plots/candidate-page.ts";
import type { Queryable } from "../../store/database.ts";
import { lightCurvesOf } from "../../store/measurements.ts";
import { sourcesWithin } from "../../store/sources.ts";
import type { NamedSource } from "./stored.ts";

async function writePage(
	folder: string,
	name: string,
	raw: FieldData,
	field: CorrectedField,
	sources: readonly DetectSource[],
	candidate: Candidate,
): Promise<void> {
	const explained = explainCandidate(raw, field, sources, candidate);
	const path = join(folder, `${name.replace(/[^\w.+-]+/g, "_")}.html`);
	await mkdir(folder, { recursive: true });
	await writeFile(
		path,
		candidatePage(
			`${sources[candidate.sourceIndex].id}, MJD ${candidate.peakMjd.toFixed(1)}`,
			explained,
			candidate.startMjd,
			candidate.endMjd,
		),
	);
	process.stderr.write(`${path}\n${explained.text}\n\n`);
}

/** A page per candidate of a table: picture and numbers. */
export async function explainTable(
	table: LightCurveTable,
	sources: readonly DetectSource[],
	candidates: readonly Candidate[],
	folder: string,
): Promise<void> {
	if (candidates.length === 0) return;
	const { fields } = arrangeFields(table, sources);
	const corrected = new Map<FieldData, CorrectedField>();
	for (const [i, candidate] of candidates.entries()) {
		const raw = fields.find((field) => field.sources.includes(candidate.sourceIndex));
		if (raw === undefined) continue;
		const field = corrected.get(raw) ?? correctFieldData(raw);
		corrected.set(raw, field);
		await writePage(folder, `candidate-${i + 1}`, raw, field, sources, candidate);
	}
}

/** Sources within this distance are shown beside a candidate, degrees. */
const NEIGHBOURHOOD_DEG = 1;
const MOST_NEIGHBOURS = 8;

/** The page of a stored candidate: its stored fluxes, raw and on the common scale, and those of its neighbours. */
export async function explainStored(
	db: Queryable,
	configuration: string,
	source: NamedSource,
	candidate: Candidate,
	folder: string,
	id: number,
): Promise<void> {
	const around = (await sourcesWithin(db, source.ra_deg, source.dec_deg, NEIGHBOURHOOD_DEG))
		.filter((other) => other.id !== source.id)
		.map((other) => ({
			...other,
			far: Math.hypot(
				(((other.ra_deg - source.ra_deg + 540) % 360) - 180) * Math.cos((source.dec_deg * Math.PI) / 180),
				other.dec_deg - source.dec_deg,
			),
		}))
		.sort((a, b) => a.far - b.far || a.id - b.id)
		.slice(0, MOST_NEIGHBOURS);
	const shown = [source, ...around].map((one) => ({ ...one, field_id: 1 }));
	const rows = await lightCurvesOf(
		db,
		shown.map((one) => one.id),
		configuration,
	);
	const bands = await bandFrequencies(db);
	const table = tableOf(shown, rows, bands);
	const sources = detectSources(shown).map((one, i) => ({ ...one, id: shown[i].name }));
	const { fields } = arrangeFields(table, sources);
	const raw = arrangeFields(
		{
			...table,
			flux: Float64Array.from(rows, (row) => (row.flux_norm_jy === null ? Number.NaN : (row.flux_jy ?? Number.NaN))),
		},
		sources,
	);
	const field = correctFieldData(fields[0], true);
	// Fluxes that were never brought to the common scale have a gain of one.
	const rawField = { ...field, flux: sameGrid(raw.fields[0], fields[0]) };
	await writePage(folder, `candidate-${id}`, rawField, field, sources, { ...candidate, sourceIndex: 0 });
}

/** Raw fluxes on the grid of the corrected ones; where the grids differ, or nothing is known, the corrected ones. */
function sameGrid(raw: FieldData | undefined, corrected: FieldData): Float64Array {
	if (raw === undefined || raw.flux.length !== corrected.flux.length) return corrected.flux;
	return raw.flux.map((value, at) => (Number.isNaN(value) ? corrected.flux[at] : value));
}
