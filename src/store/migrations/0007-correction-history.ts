/** Flux scales that a newer solution of the same image took the place of: what a value was before can be told. */
export const correctionHistory = `
CREATE TABLE flux_correction_history (
	image_id bigint NOT NULL REFERENCES image,
	number integer NOT NULL,
	reference_set_id bigint REFERENCES reference_set,
	source text NOT NULL,
	status text NOT NULL,
	correction double precision NOT NULL,
	correction_err double precision,
	scatter double precision,
	n_references integer NOT NULL,
	n_rejected integer NOT NULL,
	details jsonb NOT NULL,
	valid_from timestamptz NOT NULL,
	valid_until timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (image_id, number)
);
COMMENT ON TABLE flux_correction_history IS 'With the coefficients in details and the version of the baselines, an earlier normalised value can be made again from the raw one';
`;
