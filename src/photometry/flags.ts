/**
 * Why a forced measurement is missing or must be read with care. One bit each in a mask; the names are what tables
 * and users see.
 */
export const FORCED_FLAG = {
	/** Less than the wanted share of the kernel's weight fell on valid pixels. */
	partial: 1,
	/** The stamp reaches beyond the image. */
	edge: 2,
	/** The central pixel is blank or too little of the kernel is covered: not measured. */
	no_data: 4,
	/** The position is outside the image: not measured. */
	off_image: 8,
	/** Too close to another source to be told apart: the value is the sum of the members that cannot be separated. */
	degenerate: 16,
	/** The noise map is zero, negative or not finite at the central pixel: not measured. */
	bad_noise: 32,
	/** The catalogue lists the same position more than once: the rows share one measurement. */
	duplicate: 64,
	/** The position is not a number, or cannot be projected onto the image: not measured. */
	bad_position: 128,
	/** Measured with the catalogue's shape, not with the beam: the flux is the peak of that shape. */
	resolved: 256,
	/** The local noise is outside 0.2 to 5 times the image's median noise. */
	noise_outlier: 512,
	/** The residuals are larger than the noise allows (chi-squared above its calibrated range). */
	poor_fit: 1024,
} as const;

export type ForcedFlag = keyof typeof FORCED_FLAG;

/** The flags that mean "there is no value here". */
export const NOT_MEASURED =
	FORCED_FLAG.no_data | FORCED_FLAG.off_image | FORCED_FLAG.bad_noise | FORCED_FLAG.bad_position;

/** Names of the bits set in a mask, in the order of {@link FORCED_FLAG}. */
export function flagNames(mask: number): ForcedFlag[] {
	return (Object.keys(FORCED_FLAG) as ForcedFlag[]).filter((name) => (mask & FORCED_FLAG[name]) !== 0);
}
