import type { Catalogue } from "../../formats/catalogue.ts";
import { associate as matchPositions, type Positions, type Relation } from "../../photometry/association.ts";
import { separationDeg } from "../../sky/separation.ts";
import { storeRelations } from "../../store/component-relations.ts";
import type { Transaction } from "../../store/database.ts";
import { addDeadLetter } from "../../store/dead-letters.ts";
import { takeIds } from "../../store/ids.ts";
import { type ImageRow, imagesOfRun } from "../../store/images.ts";
import { insertSources, type SourceRow, sourceNames, sourcesWithin } from "../../store/sources.ts";
import { sourceName } from "../ingest/grouping.ts";
import { keptCatalogue } from "../ingest/kept-catalogue.ts";
import type { Stage, StageContext, StageResult } from "../stage.ts";

interface ComponentRow {
	image_id: number;
	number: number;
	ra_deg: number;
	dec_deg: number;
	ra_err_arcsec: number;
	dec_err_arcsec: number;
	peak_flux_jy: number;
	peak_flux_err_jy: number;
	local_rms_jy: number;
	flags: string;
}

/** A component within reach of a source that it was not matched with. */
type RelationRow = Relation & { imageId: number; number: number };

/** Sources as the association sees them while it walks through the images: the known ones first, new ones appended. */
interface Known {
	rows: SourceRow[];
	/** Index from which sources are new in this run. */
	firstNew: number;
}

/** Fewest pairs from which the common offset of an image is taken: one more than a pair of coordinates needs. */
const OFFSET_MATCHES = 3;

/**
 * Makes sources out of components: images are taken in the order of observation, a component near a known source
 * belongs to it, and what is left becomes a source of its own.
 */
export const associate: Stage = {
	name: "associate",
	after: ["find"],
	enabled: () => true,
	units: async (db, run) =>
		(await imagesOfRun(db, run.id)).length > 0 || run.inputs.catalogue !== undefined ? ["survey"] : [],
	onFailure: "abort",

	async execute({ database, config }: StageContext, run): Promise<StageResult> {
		const images = await imagesOfRun(database, run.id);
		const components = Map.groupBy(
			await database.query<ComponentRow>(
				"components of run",
				`SELECT c.image_id, number, c.ra_deg, c.dec_deg, ra_err_arcsec, dec_err_arcsec, peak_flux_jy, peak_flux_err_jy, local_rms_jy, flags
				 FROM component c JOIN run_image USING (image_id) WHERE run_id = $1 ORDER BY image_id, number`,
				[run.id],
			),
			(row) => row.image_id,
		);
		const catalogue = run.inputs.catalogue === undefined ? undefined : await keptCatalogue(run.inputs.catalogue);
		const known: Known = { rows: [], firstNew: 0 };
		const areas = distinctAreas(images);
		const seen = new Set<number>();
		for (const area of areas) {
			for (const row of await sourcesWithin(database, area.ra_deg, area.dec_deg, area.radius_deg)) {
				if (!seen.has(row.id)) known.rows.push(row);
				seen.add(row.id);
			}
		}
		known.firstNew = known.rows.length;
		const problems = catalogue?.problems ?? [];
		const fromCatalogue = catalogue === undefined ? 0 : addCatalogue(known, catalogue, areas);
		const links: { imageId: number; number: number; source: number }[] = [];
		const relations: RelationRow[] = [];
		const shifts: { imageId: number; eastArcsec: number; northArcsec: number }[] = [];
		let largest = 0;
		let faint = 0;
		for (const image of images) {
			const list = components.get(image.id) ?? [];
			if (list.length === 0) continue;
			const matched = matchPositions(positionsOfSources(known.rows), positionsOf(list), {
				maxRadiusDeg: config.photometry_pipeline.association_radius_beams * image.beam_major_deg,
				deRuiterLimit: config.photometry_pipeline.de_ruiter_limit,
				systematicArcsec: config.photometry_pipeline.position_systematic_arcsec,
				minOffsetMatches: OFFSET_MATCHES,
			});
			const { eastArcsec, northArcsec } = matched.offset;
			shifts.push({ imageId: image.id, eastArcsec, northArcsec });
			largest = Math.max(largest, Math.hypot(eastArcsec, northArcsec));
			for (const relation of matched.relations) {
				relations.push({ ...relation, imageId: image.id, number: list[relation.component].number });
			}
			for (let i = 0; i < list.length; i++) {
				let source = matched.match[i];
				// A component beside a source that has taken another one is a part of it, not a source of its own.
				if (
					source < 0 &&
					matched.relations.some((relation) => relation.kind === "many-to-one" && relation.component === i)
				)
					continue;
				if (
					source < 0 &&
					!(list[i].peak_flux_jy >= config.photometry_pipeline.new_source_sigma * list[i].local_rms_jy)
				) {
					faint += 1;
					continue;
				}
				if (source < 0)
					source = addFound(known, { ...list[i], ra_deg: matched.raDeg[i], dec_deg: matched.decDeg[i] }, image);
				links.push({ imageId: image.id, number: list[i].number, source });
			}
		}
		const added = known.rows.length - known.firstNew;
		return {
			output: {
				components: links.length,
				sources: known.rows.length,
				new_sources: added,
				catalogue_sources: fromCatalogue,
				catalogue_problems: problems.length,
				largest_offset_arcsec: largest,
				too_faint_to_be_new: faint,
				one_to_many: relations.filter((relation) => relation.kind === "one-to-many").length,
				many_to_one: relations.filter((relation) => relation.kind === "many-to-one").length,
			},
			async store(tx) {
				await storeSources(tx, known);
				await tx.execute(
					"image offsets",
					`UPDATE image SET offset_east_arcsec = v.east, offset_north_arcsec = v.north
					 FROM unnest($1::bigint[], $2::float8[], $3::float8[]) AS v(id, east, north) WHERE image.id = v.id`,
					[
						shifts.map((shift) => shift.imageId),
						shifts.map((shift) => shift.eastArcsec),
						shifts.map((shift) => shift.northArcsec),
					],
				);
				await tx.execute(
					"link components",
					`UPDATE component c SET source_id = v.source FROM unnest($1::bigint[], $2::int[], $3::bigint[]) AS v(image, number, source)
					 WHERE c.image_id = v.image AND c.number = v.number`,
					[
						links.map((link) => link.imageId),
						links.map((link) => link.number),
						links.map((link) => known.rows[link.source].id),
					],
				);
				await storeRelations(
					tx,
					images.map((image) => image.id),
					relations.map((relation) => ({ ...relation, sourceId: known.rows[relation.source].id })),
				);
				for (const problem of problems) {
					await addDeadLetter(tx, {
						runId: run.id,
						stage: "associate",
						unit: "survey",
						subject: `${run.inputs.catalogue} row ${problem.row}`,
						code: "bad-catalogue-row",
						reason: problem.reason,
						remedy: "Mend the row and run again",
					});
				}
			},
		};
	},
};

/** One circle per field is enough: its images show the same place. */
function distinctAreas(images: ImageRow[]): ImageRow[] {
	const areas: ImageRow[] = [];
	for (const image of images) {
		const covered = areas.some(
			(area) =>
				area.field_id === image.field_id &&
				separationDeg(area.ra_deg, area.dec_deg, image.ra_deg, image.dec_deg) + image.radius_deg <=
					area.radius_deg * 1.001,
		);
		if (!covered) areas.push(image);
	}
	return areas;
}

const positionsOf = (
	list: { ra_deg: number; dec_deg: number; ra_err_arcsec: number; dec_err_arcsec: number }[],
): Positions => ({
	raDeg: Float64Array.from(list, (row) => row.ra_deg),
	decDeg: Float64Array.from(list, (row) => row.dec_deg),
	raErrArcsec: Float64Array.from(list, (row) => row.ra_err_arcsec),
	decErrArcsec: Float64Array.from(list, (row) => row.dec_err_arcsec),
});

/** A catalogue that gives no errors is taken to be as good as the systematic floor of an image. */
const positionsOfSources = (rows: SourceRow[]): Positions =>
	positionsOf(
		rows.map((row) => ({
			ra_deg: row.ra_deg,
			dec_deg: row.dec_deg,
			ra_err_arcsec: row.ra_err_arcsec ?? 0,
			dec_err_arcsec: row.dec_err_arcsec ?? 0,
		})),
	);

function addFound(known: Known, component: ComponentRow, image: ImageRow): number {
	known.rows.push({
		id: 0,
		name: sourceName(component.ra_deg, component.dec_deg),
		origin: "found",
		ra_deg: component.ra_deg,
		dec_deg: component.dec_deg,
		ra_err_arcsec: component.ra_err_arcsec,
		dec_err_arcsec: component.dec_err_arcsec,
		catalogue_flux_jy: null,
		major_arcsec: null,
		minor_arcsec: null,
		pa_deg: null,
		first_image_id: image.id,
		new_source_significance: null,
		field_id: image.field_id,
	});
	return known.rows.length - 1;
}

/** Catalogue rows that lie on an image and are not known under their name; how many were added. */
function addCatalogue(known: Known, catalogue: Catalogue, areas: ImageRow[]): number {
	const names = new Set(known.rows.map((row) => row.name));
	const value = (x: number) => (Number.isFinite(x) ? x : null);
	let added = 0;
	for (let i = 0; i < catalogue.sourceId.length; i++) {
		const ra = catalogue.raDeg[i];
		const dec = catalogue.decDeg[i];
		if (!Number.isFinite(ra) || !Number.isFinite(dec)) continue;
		const area = areas.find((image) => separationDeg(image.ra_deg, image.dec_deg, ra, dec) <= image.radius_deg);
		if (area === undefined || names.has(catalogue.sourceId[i])) continue;
		names.add(catalogue.sourceId[i]);
		known.rows.push({
			id: 0,
			name: catalogue.sourceId[i],
			origin: "catalogue",
			ra_deg: ra,
			dec_deg: dec,
			ra_err_arcsec: null,
			dec_err_arcsec: null,
			catalogue_flux_jy: value(catalogue.fluxJy[i]),
			major_arcsec: value(catalogue.majorArcsec[i]),
			minor_arcsec: value(catalogue.minorArcsec[i]),
			pa_deg: value(catalogue.paDeg[i]),
			first_image_id: null,
			new_source_significance: null,
			field_id: area.field_id,
		});
		added += 1;
	}
	return added;
}

async function storeSources(tx: Transaction, known: Known): Promise<void> {
	const fresh = known.rows.slice(known.firstNew);
	const first = await takeIds(tx, "source", fresh.length);
	const taken = await sourceNames(
		tx,
		fresh.map((row) => row.name),
	);
	fresh.forEach((row, i) => {
		row.id = first + i;
		// Two sources closer than the name's digits, or a catalogue's name met again elsewhere.
		if (taken.has(row.name)) row.name = `${row.name}-${row.id}`;
		taken.add(row.name);
	});
	await insertSources(tx, fresh);
}
