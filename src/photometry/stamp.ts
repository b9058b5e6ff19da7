/** Rounds half to even, as C's rint and numpy do, so that stamps equal the peers' pixel for pixel. */
export function rint(value: number): number {
	const floor = Math.floor(value);
	const rest = value - floor;
	if (rest < 0.5) return floor;
	if (rest > 0.5) return floor + 1;
	return floor % 2 === 0 ? floor : floor + 1;
}

/** First pixel and one past the last of a stamp of half-width `half` about `centre`, before clipping to the image. */
export const stampStart = (centre: number, half: number): number => rint(centre - half);
export const stampEnd = (centre: number, half: number): number => rint(centre + half) + 1;
