/**
 * Storing an epoch must not cost more as the survey grows. An index by source scatters an epoch's rows over as many
 * pages as there are sources, and each page goes whole into the write-ahead log: half of the time of an epoch of 10,000
 * sources with 500 behind it. The key begins with the image instead, so that an epoch's entries lie together, and
 * sources are found through blocks of 64 images: PostgreSQL skips from block to block (18 and later). The states that
 * each epoch renews are kept as the bytes of their doubles.
 */
export const epochLocality = `
CREATE FUNCTION pg_temp.bytes_of(doubles double precision[]) RETURNS bytea LANGUAGE sql IMMUTABLE AS
	$$ SELECT coalesce(string_agg(float8send(x), '' ORDER BY i), '') FROM unnest(doubles) WITH ORDINALITY AS u (x, i) $$;
ALTER TABLE light_curve_state ALTER COLUMN state TYPE bytea USING pg_temp.bytes_of(state);
ALTER TABLE detector_watch ALTER COLUMN state TYPE bytea USING pg_temp.bytes_of(state);
DROP FUNCTION pg_temp.bytes_of(double precision[]);
ALTER TABLE measurement DROP CONSTRAINT measurement_pkey;
DROP INDEX measurement_image;
ALTER TABLE measurement ADD PRIMARY KEY (image_id, source_id, method, configuration);
CREATE INDEX measurement_source ON measurement ((image_id >> 6), source_id);
`;
