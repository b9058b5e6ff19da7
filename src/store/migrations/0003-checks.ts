/** What is known of a measurement beside its value: the fitted flux, the consensus, its own past; relations that are no match. */
export const checks = `
ALTER TABLE measurement
	ADD COLUMN fitted_flux_jy double precision,
	ADD COLUMN fitted_flux_err_jy double precision,
	ADD COLUMN consensus_flux_jy double precision,
	ADD COLUMN consensus_flux_err_jy double precision,
	ADD COLUMN consensus_method text CHECK (consensus_method IN ('forced', 'fitted', 'none')),
	ADD COLUMN history_sigmas double precision,
	ADD COLUMN check_flags text NOT NULL DEFAULT '';
COMMENT ON COLUMN measurement.history_sigmas IS 'Deviation from the own past where it was suspicious enough to be computed; null elsewhere';

ALTER TABLE source ADD COLUMN new_source_verdict text;

CREATE TABLE component_relation (
	image_id bigint NOT NULL REFERENCES image,
	number integer NOT NULL,
	source_id bigint NOT NULL REFERENCES source,
	kind text NOT NULL CHECK (kind IN ('one-to-many', 'many-to-one')),
	separation_arcsec double precision NOT NULL,
	de_ruiter double precision NOT NULL,
	PRIMARY KEY (image_id, number, source_id)
);
CREATE INDEX component_relation_source ON component_relation (source_id);
COMMENT ON TABLE component_relation IS 'Components within reach of a source that belongs to another, or of a source that has another: recorded, never copied';
`;
