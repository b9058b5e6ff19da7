/**
 * Rows that every epoch writes. A measurement is normalised after it was stored and a light curve's state is renewed
 * with each point: pages half full let the new version of a row stand beside the old, without touching an index. The
 * foreign keys of `measurement` cost two look-ups a row, two thirds of the time of storing an epoch; storing asks once
 * for all its sources and for its image instead, and neither is ever deleted.
 */
export const writeCost = `
ALTER TABLE measurement SET (fillfactor = 50);
ALTER TABLE light_curve_state SET (fillfactor = 50);
ALTER TABLE measurement DROP CONSTRAINT measurement_source_id_fkey, DROP CONSTRAINT measurement_image_id_fkey;
`;
