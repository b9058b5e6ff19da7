import { loadConfig } from "../src/config/load.ts";
import { configurationHash } from "../src/pipeline/runner.ts";
import type { Database } from "../src/store/database.ts";
import type { SimulatedField } from "./simulated-gains.ts";

/** What else the rows of a stored field say. */
export interface StoredFieldOptions {
	frequencyHz?: number;
	/** Epochs whose measurements are there from the start; all unless given. */
	measured?: number;
	/** Catalogue flux of each source; none unless given. */
	catalogueFluxJy?: (source: number) => number | null;
}

/**
 * A simulated field as the stages before normalization would have left it: field 1 in band 1, source i has the id i + 1
 * and epoch k is image k + 1.
 *
 * @param runOf the run that measured each epoch
 */
export async function storeField(
	database: Database,
	field: SimulatedField,
	runOf: (epoch: number) => string,
	options: StoredFieldOptions = {},
): Promise<void> {
	const { sources, epochs, mjd } = field;
	const configuration = configurationHash(loadConfig().config);
	const measured = options.measured ?? epochs;
	const frequencyHz = options.frequencyHz ?? 1.4e9;
	await database.transaction("store field", async (tx) => {
		await tx.execute("field", "INSERT INTO field VALUES (1, 'F1', $1, $2, 1.5)", [field.raDeg[0], field.decDeg[0]]);
		await tx.execute("band", "INSERT INTO band VALUES (1, $1, 2e8)", [frequencyHz]);
		for (const run of new Set(Array.from(mjd, (_, k) => runOf(k)))) {
			await tx.execute(
				"run",
				"INSERT INTO run (id, kind, status, inputs, configuration, configuration_hash) VALUES ($1, 'images', 'running', '{}', '{}', $2)",
				[run, configuration],
			);
		}
		await tx.copy(
			"epoch",
			[
				{ name: "id", value: (k) => k + 1 },
				{ name: "field_id", value: () => 1 },
				{ name: "mjd", value: (k) => mjd[k] },
			],
			epochs,
		);
		await tx.copy(
			"image",
			[
				{ name: "id", value: (k) => k + 1 },
				{ name: "content_hash", value: (k) => `hash${k}` },
				{ name: "path", value: (k) => `epoch${k}.fits` },
				{ name: "field_id", value: () => 1 },
				{ name: "epoch_id", value: (k) => k + 1 },
				{ name: "band_id", value: () => 1 },
				{ name: "mjd", value: (k) => mjd[k] },
				{ name: "time_source", value: () => "DATE-OBS" },
				{ name: "frequency_hz", value: () => frequencyHz },
				{ name: "beam_major_deg", value: () => 9 / 3600 },
				{ name: "beam_minor_deg", value: () => 7 / 3600 },
				{ name: "beam_pa_deg", value: () => 30 },
				{ name: "width", value: () => 4096 },
				{ name: "height", value: () => 4096 },
				{ name: "ra_deg", value: () => 0 },
				{ name: "dec_deg", value: () => 0 },
				{ name: "radius_deg", value: () => 1.5 },
			],
			epochs,
		);
		await tx.copy(
			"source",
			[
				{ name: "id", value: (i) => i + 1 },
				{ name: "name", value: (i) => `S${i}` },
				{ name: "origin", value: () => "catalogue" },
				{ name: "ra_deg", value: (i) => field.raDeg[i] },
				{ name: "dec_deg", value: (i) => field.decDeg[i] },
				{ name: "catalogue_flux_jy", value: (i) => options.catalogueFluxJy?.(i) },
				{ name: "field_id", value: () => 1 },
			],
			sources,
		);
		for (const noun of ["field", "band", "epoch", "image", "source"]) {
			await tx.execute("counter", `INSERT INTO counter (name, next) SELECT $1, coalesce(max(id), 0) + 1 FROM ${noun}`, [
				noun,
			]);
		}
	});
	for (let k = 0; k < measured; k++) await storeEpoch(database, field, k, runOf(k));
}

/** Measurements of one epoch, as its run would have stored them. */
export async function storeEpoch(
	database: Database,
	{
		sources,
		epochs,
		mjd,
		fluxJy,
		fluxErrJy,
	}: Pick<SimulatedField, "sources" | "epochs" | "mjd" | "fluxJy" | "fluxErrJy">,
	k: number,
	runId: string,
): Promise<void> {
	const configuration = configurationHash(loadConfig().config);
	const flux = (i: number) => fluxJy[i * epochs + k];
	const error = (i: number) => fluxErrJy[i * epochs + k];
	await database.transaction("store epoch", (tx) =>
		tx.copy(
			"measurement",
			[
				{ name: "source_id", value: (i) => i + 1 },
				{ name: "image_id", value: () => k + 1 },
				{ name: "method", value: () => "forced" },
				{ name: "configuration", value: () => configuration },
				{ name: "band_id", value: () => 1 },
				{ name: "mjd", value: () => mjd[k] },
				{ name: "flux_jy", value: flux },
				{ name: "flux_err_jy", value: error },
				{ name: "snr", value: (i) => flux(i) / error(i) },
				{ name: "run_id", value: () => runId },
			],
			sources,
		),
	);
}
