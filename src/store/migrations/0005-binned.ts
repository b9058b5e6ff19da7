/** Fluxes of neighbouring subbands combined: a photometry of its own beside the forced one. */
export const binned = `
CREATE TABLE binned_measurement (
	source_id bigint NOT NULL REFERENCES source,
	epoch_id bigint NOT NULL REFERENCES epoch,
	configuration text NOT NULL,
	bin integer NOT NULL,
	mjd double precision NOT NULL,
	frequency_hz double precision NOT NULL,
	from_hz double precision NOT NULL,
	to_hz double precision NOT NULL,
	n_subbands integer NOT NULL,
	flux_jy double precision NOT NULL,
	flux_err_jy double precision NOT NULL,
	snr double precision NOT NULL,
	false_alarm_probability double precision NOT NULL,
	flags text NOT NULL DEFAULT '',
	run_id text NOT NULL,
	PRIMARY KEY (source_id, epoch_id, configuration, bin)
);
CREATE INDEX binned_measurement_epoch ON binned_measurement (epoch_id);
COMMENT ON COLUMN binned_measurement.flux_jy IS 'Inverse-variance mean over the subbands, Jy/beam, on the common flux scale where there is one';
`;
