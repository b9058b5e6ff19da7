/** The nouns of a survey: images, sources, measurements, corrections, light curves, candidates, and the record of work. */
export const survey = `
CREATE TABLE counter (
	name text PRIMARY KEY,
	next bigint NOT NULL
);
COMMENT ON TABLE counter IS 'Ids that must not depend on aborted attempts: taken and advanced in the transaction that uses them';

CREATE TABLE field (
	id bigint PRIMARY KEY,
	name text NOT NULL UNIQUE,
	ra_deg double precision NOT NULL,
	dec_deg double precision NOT NULL,
	radius_deg double precision NOT NULL
);

CREATE TABLE band (
	id bigint PRIMARY KEY,
	frequency_hz double precision NOT NULL,
	bandwidth_hz double precision
);

CREATE TABLE epoch (
	id bigint PRIMARY KEY,
	field_id bigint NOT NULL REFERENCES field,
	mjd double precision NOT NULL,
	UNIQUE (field_id, mjd)
);

CREATE TABLE input_file (
	path text PRIMARY KEY,
	size_bytes bigint NOT NULL,
	modified_ms double precision NOT NULL,
	content_hash text,
	kind text NOT NULL CHECK (kind IN ('image', 'noise', 'background', 'ignored', 'rejected')),
	reason text,
	seen_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE image (
	id bigint PRIMARY KEY,
	content_hash text NOT NULL UNIQUE,
	path text NOT NULL,
	noise_path text,
	background_path text,
	field_id bigint NOT NULL REFERENCES field,
	epoch_id bigint NOT NULL REFERENCES epoch,
	band_id bigint NOT NULL REFERENCES band,
	mjd double precision NOT NULL,
	duration_s double precision,
	time_source text NOT NULL,
	frequency_hz double precision NOT NULL,
	bandwidth_hz double precision,
	stokes text,
	beam_major_deg double precision NOT NULL,
	beam_minor_deg double precision NOT NULL,
	beam_pa_deg double precision NOT NULL,
	width integer NOT NULL,
	height integer NOT NULL,
	ra_deg double precision NOT NULL,
	dec_deg double precision NOT NULL,
	radius_deg double precision NOT NULL,
	noise_median_jy double precision,
	offset_east_arcsec double precision NOT NULL DEFAULT 0,
	offset_north_arcsec double precision NOT NULL DEFAULT 0,
	quality jsonb NOT NULL DEFAULT '{}',
	created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX image_epoch ON image (epoch_id);
CREATE INDEX image_field_mjd ON image (field_id, mjd);

CREATE TABLE source (
	id bigint PRIMARY KEY,
	name text NOT NULL UNIQUE,
	origin text NOT NULL CHECK (origin IN ('catalogue', 'found')),
	ra_deg double precision NOT NULL,
	dec_deg double precision NOT NULL,
	ra_err_arcsec double precision,
	dec_err_arcsec double precision,
	catalogue_flux_jy double precision,
	major_arcsec double precision,
	minor_arcsec double precision,
	pa_deg double precision,
	first_image_id bigint REFERENCES image,
	new_source_significance double precision,
	field_id bigint REFERENCES field,
	created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX source_dec ON source (dec_deg, ra_deg);

CREATE TABLE component (
	image_id bigint NOT NULL REFERENCES image,
	number integer NOT NULL,
	source_id bigint REFERENCES source,
	ra_deg double precision NOT NULL,
	dec_deg double precision NOT NULL,
	ra_err_arcsec double precision NOT NULL,
	dec_err_arcsec double precision NOT NULL,
	peak_flux_jy double precision NOT NULL,
	peak_flux_err_jy double precision NOT NULL,
	int_flux_jy double precision NOT NULL,
	int_flux_err_jy double precision NOT NULL,
	major_arcsec double precision,
	minor_arcsec double precision,
	pa_deg double precision,
	local_rms_jy double precision NOT NULL,
	flags text NOT NULL DEFAULT '',
	PRIMARY KEY (image_id, number)
);
CREATE INDEX component_source ON component (source_id);

CREATE TABLE measurement (
	source_id bigint NOT NULL REFERENCES source,
	image_id bigint NOT NULL REFERENCES image,
	method text NOT NULL,
	configuration text NOT NULL,
	band_id bigint NOT NULL,
	mjd double precision NOT NULL,
	flux_jy double precision,
	flux_err_jy double precision,
	local_rms_jy double precision,
	snr double precision,
	chi2 double precision,
	dof integer,
	n_blend integer NOT NULL DEFAULT 1,
	upper_limit_jy double precision,
	flags text NOT NULL DEFAULT '',
	flux_norm_jy double precision,
	flux_norm_err_jy double precision,
	correction double precision,
	correction_err double precision,
	correction_source text,
	norm_flags text NOT NULL DEFAULT '',
	reference_set_id bigint,
	run_id text NOT NULL,
	PRIMARY KEY (source_id, image_id, method, configuration)
);
CREATE INDEX measurement_image ON measurement (image_id);
CREATE INDEX measurement_run ON measurement (run_id);
COMMENT ON COLUMN measurement.flux_jy IS 'As measured, Jy/beam; never overwritten by a normalised value';

CREATE TABLE reference_set (
	id bigint PRIMARY KEY,
	field_id bigint NOT NULL REFERENCES field,
	band_id bigint NOT NULL REFERENCES band,
	version integer NOT NULL,
	method text NOT NULL,
	n_epochs integer NOT NULL,
	supersedes bigint,
	details jsonb NOT NULL DEFAULT '{}',
	created_at timestamptz NOT NULL DEFAULT now(),
	UNIQUE (field_id, band_id, version)
);

CREATE TABLE baseline (
	reference_set_id bigint NOT NULL REFERENCES reference_set,
	source_id bigint NOT NULL REFERENCES source,
	flux_jy double precision NOT NULL,
	flux_err_jy double precision NOT NULL,
	scatter double precision,
	n_epochs integer NOT NULL,
	is_reference boolean NOT NULL,
	rank integer,
	status text NOT NULL DEFAULT 'provisional',
	component integer NOT NULL DEFAULT 0,
	first_mjd double precision,
	last_mjd double precision,
	PRIMARY KEY (reference_set_id, source_id)
);

CREATE TABLE flux_correction (
	image_id bigint PRIMARY KEY REFERENCES image,
	reference_set_id bigint REFERENCES reference_set,
	source text NOT NULL,
	status text NOT NULL,
	correction double precision NOT NULL,
	correction_err double precision,
	scatter double precision,
	n_references integer NOT NULL,
	n_rejected integer NOT NULL DEFAULT 0,
	details jsonb NOT NULL DEFAULT '{}',
	updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE light_curve_state (
	source_id bigint NOT NULL REFERENCES source,
	band_id bigint NOT NULL REFERENCES band,
	configuration text NOT NULL DEFAULT '',
	state double precision[] NOT NULL,
	n integer NOT NULL,
	mean_jy double precision,
	weighted_mean_jy double precision,
	v double precision,
	eta double precision,
	log10_p double precision,
	modulation_index double precision,
	last_mjd double precision,
	flags text NOT NULL DEFAULT '',
	updated_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (source_id, band_id)
);

CREATE TABLE candidate (
	id bigint PRIMARY KEY,
	source_id bigint NOT NULL REFERENCES source,
	status text NOT NULL CHECK (status IN ('open', 'confirmed', 'rejected', 'merged')),
	significance double precision NOT NULL,
	false_alarm_probability double precision NOT NULL,
	tier text NOT NULL CHECK (tier IN ('high', 'medium', 'low')),
	first_detected_mjd double precision NOT NULL,
	start_mjd double precision NOT NULL,
	peak_mjd double precision NOT NULL,
	end_mjd double precision NOT NULL,
	depth double precision,
	duration_days double precision,
	chromaticity double precision,
	statistic double precision,
	n_measurements integer NOT NULL,
	flags text NOT NULL DEFAULT '',
	explanation jsonb NOT NULL DEFAULT '{}',
	merged_into bigint REFERENCES candidate,
	last_seq integer NOT NULL DEFAULT 0
);
CREATE INDEX candidate_source ON candidate (source_id);
COMMENT ON TABLE candidate IS 'The fold of candidate_event; kept beside it for lists';

CREATE TABLE candidate_event (
	candidate_id bigint NOT NULL REFERENCES candidate,
	seq integer NOT NULL,
	kind text NOT NULL CHECK (kind IN ('detected', 'updated', 'commented', 'confirmed', 'rejected', 'reopened', 'merged')),
	at timestamptz NOT NULL DEFAULT now(),
	actor text NOT NULL,
	reason_class text,
	reason text,
	snapshot jsonb NOT NULL DEFAULT '{}',
	PRIMARY KEY (candidate_id, seq)
);

CREATE TABLE source_score (
	source_id bigint PRIMARY KEY REFERENCES source,
	significance double precision NOT NULL,
	false_alarm_probability double precision NOT NULL,
	n_measurements integer NOT NULL,
	last_mjd double precision,
	updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE run (
	id text PRIMARY KEY,
	kind text NOT NULL,
	status text NOT NULL CHECK (status IN ('running', 'done', 'failed')),
	inputs jsonb NOT NULL,
	configuration jsonb NOT NULL,
	configuration_hash text NOT NULL,
	trace_parent text,
	summary jsonb NOT NULL DEFAULT '{}',
	created_at timestamptz NOT NULL DEFAULT now(),
	finished_at timestamptz
);

CREATE TABLE stage_run (
	run_id text NOT NULL REFERENCES run,
	stage text NOT NULL,
	unit text NOT NULL,
	status text NOT NULL CHECK (status IN ('queued', 'running', 'done', 'failed')),
	attempt integer NOT NULL DEFAULT 0,
	job_id uuid,
	worker text,
	started_at timestamptz,
	finished_at timestamptz,
	output jsonb NOT NULL DEFAULT '{}',
	error text,
	PRIMARY KEY (run_id, stage, unit)
);
COMMENT ON TABLE stage_run IS 'Checkpoints: a row becomes done in the transaction that stores the result';

CREATE TABLE run_image (
	run_id text NOT NULL REFERENCES run,
	image_id bigint NOT NULL REFERENCES image,
	PRIMARY KEY (run_id, image_id)
);

CREATE TABLE event (
	seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	id uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
	type text NOT NULL,
	source text NOT NULL,
	subject text,
	time timestamptz NOT NULL DEFAULT now(),
	data jsonb NOT NULL DEFAULT '{}',
	trace_parent text,
	transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id()
);
COMMENT ON TABLE event IS 'Outbox and audit trail, CloudEvents-shaped. Read below pg_snapshot_xmin(pg_current_snapshot()) so that late commits are not skipped';

CREATE TABLE dead_letter (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	run_id text REFERENCES run,
	stage text NOT NULL,
	unit text NOT NULL,
	subject text NOT NULL,
	code text NOT NULL,
	reason text NOT NULL,
	remedy text,
	payload jsonb NOT NULL DEFAULT '{}',
	attempts integer NOT NULL DEFAULT 1,
	status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'retried', 'resolved')),
	note text,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX dead_letter_open ON dead_letter (stage, subject) WHERE status = 'open';

CREATE TABLE span (
	trace_id text NOT NULL,
	span_id text NOT NULL,
	parent_span_id text,
	name text NOT NULL,
	start_ms double precision NOT NULL,
	duration_ms double precision NOT NULL,
	failed boolean NOT NULL,
	attributes jsonb NOT NULL DEFAULT '{}',
	PRIMARY KEY (trace_id, span_id)
);
`;
