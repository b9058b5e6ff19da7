/** Subband files as they arrive, the groups they form, and what has been decided about them. */
export const arrivals = `
CREATE TABLE arrival_group (
	id text PRIMARY KEY,
	state text NOT NULL CHECK (state IN ('open', 'complete', 'partial', 'rejected', 'quarantined')),
	first_stamp_s double precision NOT NULL,
	last_stamp_s double precision NOT NULL,
	start_mjd double precision,
	waited_s double precision NOT NULL,
	revision integer NOT NULL,
	gone_since_s double precision,
	run_id text REFERENCES run,
	product jsonb NOT NULL DEFAULT '{}',
	updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX arrival_group_state ON arrival_group (state, first_stamp_s);
COMMENT ON COLUMN arrival_group.product IS 'What was made of its last accepted revision: paths, calibrator, score, reasons';

CREATE TABLE subband_file (
	path text PRIMARY KEY,
	group_id text NOT NULL REFERENCES arrival_group ON DELETE CASCADE,
	role text NOT NULL CHECK (role IN ('member', 'rival', 'copy')),
	place integer NOT NULL,
	subband integer,
	stamp_s double precision,
	size_bytes bigint,
	start_mjd double precision,
	content_hash text,
	seen_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX subband_file_group ON subband_file (group_id);

CREATE TABLE arrival_decision (
	seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	id uuid NOT NULL UNIQUE,
	decision jsonb NOT NULL,
	decided_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE arrival_decision IS 'Decisions that nobody has taken over yet; a row goes in the transaction that acts on it';

CREATE TABLE arrival_watch (
	id integer PRIMARY KEY CHECK (id = 1),
	watcher text NOT NULL,
	beat_at timestamptz NOT NULL,
	clock_s double precision
);

CREATE TABLE arrival_count (
	kind text PRIMARY KEY,
	n bigint NOT NULL
);
COMMENT ON TABLE arrival_count IS 'How often each kind of decision was taken, for the metrics';
`;
