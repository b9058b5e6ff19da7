/**
 * Checks of the statistics against the measurements; what people teach the detector: detections made by hand or known from
 * elsewhere, and classifiers with their performance; and what the detector remembers of a source between epochs.
 */
export const detection = `
CREATE TABLE statistics_check (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	at timestamptz NOT NULL DEFAULT now(),
	trigger text NOT NULL CHECK (trigger IN ('command', 'schedule')),
	light_curves integer NOT NULL,
	wrong integer NOT NULL,
	repaired integer NOT NULL,
	problems jsonb NOT NULL DEFAULT '[]'
);
COMMENT ON TABLE statistics_check IS 'Each comparison of the running statistics with the measurements that they claim to describe';

CREATE TABLE event_label (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	source_id bigint NOT NULL REFERENCES source,
	start_mjd double precision NOT NULL,
	end_mjd double precision NOT NULL CHECK (end_mjd >= start_mjd),
	is_event boolean NOT NULL,
	origin text NOT NULL CHECK (origin IN ('known', 'manual')),
	actor text NOT NULL,
	note text,
	at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX event_label_source ON event_label (source_id);
COMMENT ON TABLE event_label IS 'Events that people know of besides the verdicts on candidates';

CREATE TABLE classifier (
	version integer PRIMARY KEY,
	status text NOT NULL CHECK (status IN ('trial', 'promoted', 'retired')),
	model jsonb NOT NULL,
	performance jsonb NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	promoted_by text,
	promoted_at timestamptz
);
COMMENT ON TABLE classifier IS 'Learned from verdicts; a trial runs beside the promoted one until a person promotes it';

CREATE TABLE detector_watch (
	source_id bigint PRIMARY KEY REFERENCES source,
	state double precision[] NOT NULL,
	updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE detector_watch IS 'State of the filter that follows a source from epoch to epoch';
`;
