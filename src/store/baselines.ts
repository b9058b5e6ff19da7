import { BASELINE_STATUS, type Baselines } from "../normalization/baseline.ts";
import type { Queryable, Row, Transaction } from "./database.ts";
import { takeIds } from "./ids.ts";

/** A stored version of the baselines of a field in one subband, with the sources that its arrays speak of. */
export interface StoredBaselines {
	referenceSetId: number;
	version: number;
	/** Epochs that it rests on. */
	nEpochs: number;
	/** Epochs that there were when the field was last solved as a whole; later ones were added to its levels. */
	solvedEpochs: number;
	/** Signal to noise that the references were chosen at, and how many sources each condition refused. */
	selection?: { snrLimit: number; counts: Record<string, number> };
	sourceIds: number[];
	baselines: Baselines;
	/** Places in the arrays of the references, best first, and of those of the wider list. */
	primary: Int32Array;
	wide: Int32Array;
	method: string;
}

interface BaselineRow {
	source_id: number;
	flux_jy: number;
	flux_err_jy: number;
	scatter: number | null;
	n_epochs: number;
	is_reference: boolean;
	rank: number | null;
	status: string;
	component: number;
	first_mjd: number | null;
	last_mjd: number | null;
}

/** A version without its rows. */
export interface ReferenceSetRow {
	id: number;
	version: number;
	n_epochs: number;
	method: string;
	details: Row;
	/** When it was made: tells it from one of the same number in another database. */
	created: string;
}

/** The newest version for a field and subband, or undefined before the first. */
export async function newestReferenceSet(
	db: Queryable,
	fieldId: number,
	bandId: number,
): Promise<ReferenceSetRow | undefined> {
	const [set] = await db.query<ReferenceSetRow>(
		"newest reference set",
		"SELECT id, version, n_epochs, method, details, created_at::text AS created FROM reference_set WHERE field_id = $1 AND band_id = $2 ORDER BY version DESC LIMIT 1",
		[fieldId, bandId],
	);
	return set;
}

/** The levels and references of a version. */
export async function loadBaselines(db: Queryable, set: ReferenceSetRow): Promise<StoredBaselines> {
	const rows = await db.query<BaselineRow>(
		"baselines",
		"SELECT * FROM baseline WHERE reference_set_id = $1 ORDER BY source_id",
		[set.id],
	);
	const of = (value: (row: BaselineRow) => number | null) => Float64Array.from(rows, (row) => value(row) ?? Number.NaN);
	const ranked = (wanted: boolean) =>
		Int32Array.from(
			rows
				.map((row, i) => ({ row, i }))
				.filter(({ row }) => row.rank !== null && row.is_reference === wanted)
				.sort((a, b) => (a.row.rank as number) - (b.row.rank as number))
				.map(({ i }) => i),
		);
	const { solvedEpochs, selection, ...details } = set.details as unknown as Omit<Baselines, "frozenEpochsMjd"> & {
		frozenEpochsMjd: number[];
		solvedEpochs?: number;
		selection?: StoredBaselines["selection"];
	};
	const finite = (value: unknown) => (typeof value === "number" ? value : Number.NaN);
	return {
		referenceSetId: set.id,
		version: set.version,
		nEpochs: set.n_epochs,
		solvedEpochs: solvedEpochs ?? set.n_epochs,
		...(selection === undefined ? {} : { selection }),
		method: set.method,
		sourceIds: rows.map((row) => row.source_id),
		primary: ranked(true),
		wide: ranked(false),
		baselines: {
			...details,
			pooledTau: finite(details.pooledTau),
			systematicFractionErr: finite(details.systematicFractionErr),
			frozenEpochsMjd: Float64Array.from(details.frozenEpochsMjd),
			value: of((row) => row.flux_jy),
			error: of((row) => row.flux_err_jy),
			tau: of((row) => row.scatter),
			nEpochs: Int32Array.from(rows, (row) => row.n_epochs),
			firstMjd: of((row) => row.first_mjd),
			lastMjd: of((row) => row.last_mjd),
			status: Uint8Array.from(rows, (row) =>
				Math.max(0, BASELINE_STATUS.indexOf(row.status as (typeof BASELINE_STATUS)[number])),
			),
			component: Int32Array.from(rows, (row) => row.component),
		},
	};
}

/**
 * Writes a new version; earlier ones stay as they are, since normalised values name them. Undefined when the newest is no
 * longer `after`, which the new one continues: another run was faster.
 */
export async function storeBaselines(
	tx: Transaction,
	place: { fieldId: number; bandId: number },
	next: Omit<StoredBaselines, "referenceSetId" | "version">,
	after?: number,
): Promise<number | undefined> {
	// Whoever takes an id first stores first: the others wait here and then see the version that was made.
	const id = await takeIds(tx, "reference_set", 1);
	const newest = await newestReferenceSet(tx, place.fieldId, place.bandId);
	if (after !== undefined && newest?.id !== after) return undefined;
	const version = (newest?.version ?? 0) + 1;
	const { value, error, tau, nEpochs, firstMjd, lastMjd, status, component, frozenEpochsMjd, ...scalars } =
		next.baselines;
	await tx.execute(
		"insert reference set",
		`INSERT INTO reference_set (id, field_id, band_id, version, method, n_epochs, supersedes, details) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		[
			id,
			place.fieldId,
			place.bandId,
			version,
			next.method,
			next.nEpochs,
			newest?.id ?? null,
			JSON.stringify({
				...scalars,
				version: `${place.fieldId}/${place.bandId}/${version}`,
				frozenEpochsMjd: Array.from(frozenEpochsMjd),
				solvedEpochs: next.solvedEpochs,
				selection: next.selection,
			}),
		],
	);
	const rank = new Map<number, { rank: number; primary: boolean }>();
	next.wide.forEach((place, k) => rank.set(place, { rank: k + 1, primary: false }));
	next.primary.forEach((place, k) => rank.set(place, { rank: k + 1, primary: true }));
	const rows = next.sourceIds.map((_, i) => i).filter((i) => Number.isFinite(value[i]) && Number.isFinite(error[i]));
	await tx.copy(
		"baseline",
		[
			{ name: "reference_set_id", value: () => id },
			{ name: "source_id", value: (r) => next.sourceIds[rows[r]] },
			{ name: "flux_jy", value: (r) => value[rows[r]] },
			{ name: "flux_err_jy", value: (r) => error[rows[r]] },
			{ name: "scatter", value: (r) => tau[rows[r]] },
			{ name: "n_epochs", value: (r) => nEpochs[rows[r]] },
			{ name: "is_reference", value: (r) => rank.get(rows[r])?.primary === true },
			{ name: "rank", value: (r) => rank.get(rows[r])?.rank },
			{ name: "status", value: (r) => BASELINE_STATUS[status[rows[r]]] },
			{ name: "component", value: (r) => component[rows[r]] },
			{ name: "first_mjd", value: (r) => firstMjd[rows[r]] },
			{ name: "last_mjd", value: (r) => lastMjd[rows[r]] },
		],
		rows.length,
	);
	return id;
}

export interface CorrectionRow {
	imageId: number;
	referenceSetId: number | null;
	source: string;
	status: string;
	correction: number;
	correctionErr: number;
	scatter: number;
	nReferences: number;
	nRejected: number;
	details: Row;
}

/** The flux scale of images; a newer solution of the same image takes the older one's place, which goes to its history. */
export async function storeCorrections(tx: Transaction, rows: CorrectionRow[]): Promise<void> {
	const finite = (value: number) => (Number.isFinite(value) ? value : null);
	await tx.execute(
		"keep earlier corrections",
		`INSERT INTO flux_correction_history (image_id, number, reference_set_id, source, status, correction, correction_err, scatter, n_references, n_rejected, details, valid_from)
		 SELECT image_id, (SELECT count(*) + 1 FROM flux_correction_history h WHERE h.image_id = c.image_id), reference_set_id, source, status, correction, correction_err,
		 scatter, n_references, n_rejected, details, updated_at FROM flux_correction c WHERE image_id = ANY($1)`,
		[rows.map((row) => row.imageId)],
	);
	await tx.execute(
		"store corrections",
		`INSERT INTO flux_correction (image_id, reference_set_id, source, status, correction, correction_err, scatter, n_references, n_rejected, details)
		 SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::float8[], $6::float8[], $7::float8[], $8::int[], $9::int[], $10::jsonb[])
		 ON CONFLICT (image_id) DO UPDATE SET reference_set_id = excluded.reference_set_id, source = excluded.source, status = excluded.status,
		 correction = excluded.correction, correction_err = excluded.correction_err, scatter = excluded.scatter, n_references = excluded.n_references,
		 n_rejected = excluded.n_rejected, details = excluded.details, updated_at = now()`,
		[
			rows.map((row) => row.imageId),
			rows.map((row) => row.referenceSetId),
			rows.map((row) => row.source),
			rows.map((row) => row.status),
			rows.map((row) => row.correction),
			rows.map((row) => finite(row.correctionErr)),
			rows.map((row) => finite(row.scatter)),
			rows.map((row) => row.nReferences),
			rows.map((row) => row.nRejected),
			rows.map((row) => JSON.stringify(row.details)),
		],
	);
}

/** The last accepted correction of a field and subband before a time: what the next one may lean on. */
export async function lastAccepted(
	db: Queryable,
	fieldId: number,
	bandId: number,
	beforeMjd: number,
): Promise<{ correction: number; correctionErr: number; mjd: number } | undefined> {
	const [row] = await db.query<{ correction: number; correctionErr: number; mjd: number }>(
		"last accepted correction",
		`SELECT c.correction, c.correction_err AS "correctionErr", i.mjd FROM flux_correction c JOIN image i ON i.id = c.image_id
		 WHERE i.field_id = $1 AND i.band_id = $2 AND i.mjd < $3 AND c.status = 'applied' AND c.source IN ('ensemble', 'ensemble_wide', 'single')
		 ORDER BY i.mjd DESC LIMIT 1`,
		[fieldId, bandId, beforeMjd],
	);
	return row;
}
