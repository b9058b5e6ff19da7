/** What a subband file's name says. */
export interface SubbandName {
	/** Seconds since 1970 UTC by the writer's own clock when it opened the file: differs by seconds within a group. */
	stampS: number;
	/** 0 is the highest frequency. */
	subband: number;
}

const NAME = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(\.\d+)?_sb(\d{2,3})\.hdf5$/;

/** Whether a writer still has the file in hand. */
export const isIncomplete = (name: string): boolean => /_incomplete\.(hdf5|h5|uvh5)$/i.test(name);

/** Reads `2026-01-25T22:26:05_sb03.hdf5`; undefined if the name is of another kind or no date. */
export function parseSubbandName(name: string): SubbandName | undefined {
	const match = NAME.exec(name);
	if (match === null) return undefined;
	const [, year, month, day, hour, minute, second, fraction, subband] = match;
	const parts = [year, month, day, hour, minute, second].map(Number);
	const ms = Date.UTC(parts[0], parts[1] - 1, parts[2], parts[3], parts[4], parts[5]);
	// Date.UTC takes February 31 for March 3: only a date that reads back the same is one. A leap second (60) may stand.
	const back = new Date(ms);
	const isDate = back.getUTCMonth() === parts[1] - 1 || parts[5] === 60;
	if (!Number.isFinite(ms) || !isDate || parts[3] > 23 || parts[4] > 59 || parts[5] > 60) return undefined;
	return { stampS: ms / 1000 + Number(fraction ?? 0), subband: Number(subband) };
}
