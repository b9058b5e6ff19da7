import type { Queryable, Transaction } from "./database.ts";

/** One combined flux of a source in an epoch; frequencies in Hz, fluxes in Jy/beam. */
export interface BinnedRow {
	sourceId: number;
	/** From 1 within source and epoch, by ascending frequency. */
	bin: number;
	frequencyHz: number;
	fromHz: number;
	toHz: number;
	subbands: number;
	fluxJy: number;
	fluxErrJy: number;
	snr: number;
	falseAlarmProbability: number;
	flags: string;
}

/** Stores the bins of an epoch in place of those that it had under the same settings. */
export async function storeBinned(
	tx: Transaction,
	epoch: { epochId: number; mjd: number; configuration: string; runId: string },
	rows: readonly BinnedRow[],
): Promise<void> {
	await tx.execute("clear bins", "DELETE FROM binned_measurement WHERE epoch_id = $1 AND configuration = $2", [
		epoch.epochId,
		epoch.configuration,
	]);
	await tx.copy(
		"binned_measurement",
		[
			{ name: "source_id", value: (i) => rows[i].sourceId },
			{ name: "epoch_id", value: () => epoch.epochId },
			{ name: "configuration", value: () => epoch.configuration },
			{ name: "bin", value: (i) => rows[i].bin },
			{ name: "mjd", value: () => epoch.mjd },
			{ name: "frequency_hz", value: (i) => rows[i].frequencyHz },
			{ name: "from_hz", value: (i) => rows[i].fromHz },
			{ name: "to_hz", value: (i) => rows[i].toHz },
			{ name: "n_subbands", value: (i) => rows[i].subbands },
			{ name: "flux_jy", value: (i) => rows[i].fluxJy },
			{ name: "flux_err_jy", value: (i) => rows[i].fluxErrJy },
			{ name: "snr", value: (i) => rows[i].snr },
			{ name: "false_alarm_probability", value: (i) => rows[i].falseAlarmProbability },
			{ name: "flags", value: (i) => rows[i].flags },
			{ name: "run_id", value: () => epoch.runId },
		],
		rows.length,
	);
}

/** One row of a source's combined fluxes, as they are shown. */
export interface BinnedFlux {
	epoch_id: number;
	bin: number;
	mjd: number;
	frequency_mhz: number;
	from_mhz: number;
	to_mhz: number;
	n_subbands: number;
	flux_jy: number;
	flux_err_jy: number;
	snr: number;
	false_alarm_probability: number;
	flags: string;
}

/** Combined fluxes of a source under the settings of its newest run, in order of time and frequency. */
export const binnedFluxes = (db: Queryable, sourceId: number): Promise<BinnedFlux[]> =>
	db.query<BinnedFlux>(
		"binned fluxes",
		`SELECT epoch_id, bin, mjd, frequency_hz / 1e6 AS frequency_mhz, from_hz / 1e6 AS from_mhz, to_hz / 1e6 AS to_mhz, n_subbands, flux_jy, flux_err_jy,
		 snr, false_alarm_probability, flags FROM binned_measurement WHERE source_id = $1 AND configuration =
		 (SELECT b.configuration FROM binned_measurement b LEFT JOIN run ON run.id = b.run_id WHERE b.source_id = $1 ORDER BY run.created_at DESC NULLS LAST, b.configuration LIMIT 1)
		 ORDER BY mjd, epoch_id, bin`,
		[sourceId],
	);
