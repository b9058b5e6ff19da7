/**
 * A visibility set, whatever it was read from.
 *
 * One convention inside Caustic, that of the MeasurementSet (casacore Note 229): a row is the pair p < q of antenna
 * indices, V_pq = g_p conj(g_q) M_pq, uvw = b_p - b_q in metres, and a source at direction cosines (l, m, n) has phase
 * +2 pi (u l + v m + w (n - 1)) nu / c. Readers of other conventions (UVH5 conjugates, see docs/science/visibilities.md)
 * bring the data into this one; rows stored as (q, p) are conjugated and negated. Frequencies ascend.
 *
 * Nothing is promised about rectangularity: baselines may have integrations of their own (baseline-dependent averaging),
 * rows may be missing, and the data may be larger than memory. They are therefore read as a stream of blocks.
 */
export interface VisibilitySet {
	/** The files it came from, for messages and provenance. */
	readonly source: readonly string[];
	readonly format: "uvh5" | "measurement-set" | "uvfits" | "memory";
	readonly telescope: string;
	/** Geodetic (WGS84) reference position of the array; undefined where the file does not say. */
	readonly location: ArrayLocation | undefined;
	/** All antennas the file lists, those without data too: slots are not the same as active antennas. */
	readonly antennas: readonly Antenna[];
	/** Mid-integration times that occur, MJD UTC, ascending, unique. */
	readonly timesMjd: Float64Array;
	/** Median integration time of a row, s. */
	readonly integrationS: number;
	/** Channel centres, Hz, ascending within each spectral window and over the windows' starts. */
	readonly frequenciesHz: Float64Array;
	/** Width of each channel, Hz, positive. */
	readonly channelWidthsHz: Float64Array;
	/** Runs of channels read from one subband file or one SPECTRAL_WINDOW row, in ascending frequency. */
	readonly spectralWindows: readonly SpectralWindow[];
	/** Correlation products in the order of the innermost axis of the data. */
	readonly polarizations: readonly Polarization[];
	/** Pairs with data, antenna1 < antenna2, as indices into {@link antennas}; sorted by antenna1, then antenna2. */
	readonly baselines: { readonly antenna1: Int32Array; readonly antenna2: Int32Array };
	/** Indices of antennas whose autocorrelations are there. */
	readonly autocorrelations: Int32Array;
	readonly fields: readonly Field[];
	/** Rows in the files, autocorrelations and all windows included. */
	readonly nRows: number;
	/** What is odd about the input but does not forbid its use, as sentences. */
	readonly warnings: readonly string[];
	/** Whether {@link BlockOptions.place} is honoured. */
	readonly canPlace?: boolean;
	/** Streams the data. See {@link BlockOptions}. */
	blocks(options?: BlockOptions): AsyncIterable<VisibilityBlock>;
	/** Releases file handles. */
	close(): void;
}

export interface ArrayLocation {
	/** East positive, degrees. */
	longitudeDeg: number;
	/** Geodetic, degrees. */
	latitudeDeg: number;
	/** Above the WGS84 ellipsoid, m. */
	heightM: number;
}

export interface Antenna {
	name: string;
	/** The file's own number of the antenna, which is not its index. */
	number: number;
	/** Geocentric ITRF position, m. */
	positionItrfM: [number, number, number];
	/** Dish diameter, m; NaN if the file does not say. */
	diameterM: number;
}

export interface SpectralWindow {
	/** Index into `frequenciesHz`. */
	firstChannel: number;
	nChannels: number;
	name: string;
	/** Rows that have data in this window, autocorrelations included. */
	nRows: number;
}

export type Polarization = "XX" | "YY" | "XY" | "YX" | "RR" | "LL" | "RL" | "LR" | "I" | "Q" | "U" | "V";

/** Where the phase of the stored visibilities is zero. */
export type PhaseCentre =
	/** A direction on the sky, tracked. */
	| { kind: "sidereal"; raDeg: number; decDeg: number; frame: "ICRS" | "FK5"; epochYear: number }
	/** Fringe-stopped at a fixed hour angle and apparent declination of date, as DSA-110 records. */
	| { kind: "meridian"; hourAngleDeg: number; declinationDeg: number }
	/** No geometric delay removed; uvw are in the local east, north, up frame. */
	| { kind: "unprojected" };

export interface Field {
	name: string;
	phaseCentre: PhaseCentre;
}

export interface BlockOptions {
	/** Half-open range of indices into `frequenciesHz`; a block never crosses a spectral window. All by default. */
	channels?: readonly [number, number];
	/** Half-open range of indices into `timesMjd`. All by default. */
	times?: readonly [number, number];
	/** Also deliver autocorrelations (antenna1 = antenna2). Not by default. */
	autocorrelations?: boolean;
	/** Which column of a MeasurementSet; other formats have only `data`. */
	column?: "data" | "corrected" | "model";
	/** About how many bytes of visibilities a block may hold; at least one row. 16 MiB by default. */
	blockBytes?: number;
	/**
	 * Where the samples of the next block go, for sets that {@link VisibilitySet.canPlace}: they are then written there and not
	 * into arrays of the block, whose own are empty. Asked once per block with the most rows that it may have.
	 */
	place?: (rows: number) => SamplePlace | Promise<SamplePlace>;
	/** With {@link place}: where a block's weights are all one number they may be left unwritten, and the block says so. */
	uniformWeights?: boolean;
}

/** Rows of arrays that hold more than a block's channels: sample k of row r stands at `r * width + at + k`. */
export interface SamplePlace {
	width: number;
	at: number;
	visibilities: Float32Array;
	flags: Uint8Array;
	weights: Float32Array;
}

/**
 * Rows x channels x polarisations of one spectral window. Blocks of one window come in the file's row order (time
 * ascending in every known writer); the order of windows is that of `spectralWindows`, or interleaved in time where rows
 * of a MeasurementSet are. The arrays belong to the receiver only until it asks for the next block: they are reused.
 */
export interface VisibilityBlock {
	spectralWindow: number;
	/** First channel of the block, as an index into the set's `frequenciesHz`. */
	firstChannel: number;
	nChannels: number;
	nRows: number;
	/** Per row: index into `timesMjd`. */
	timeIndex: Int32Array;
	/** Per row: indices into `antennas`, antenna1 <= antenna2. */
	antenna1: Int32Array;
	antenna2: Int32Array;
	/** Per row: index into `baselines`, -1 for autocorrelations. */
	baseline: Int32Array;
	/** Per row: index into `fields`. */
	field: Int32Array;
	/** Per row: integration time, s. */
	integrationS: Float64Array;
	/** Per row: its number in the MeasurementSet; absent for other formats. */
	row?: Int32Array;
	/** [row][3], m. */
	uvwM: Float64Array;
	/** [row][channel][polarisation][re, im]; may hold NaN, infinity and absurd values exactly as recorded. */
	visibilities: Float32Array;
	/** [row][channel][polarisation], 1 = flagged in the input. */
	flags: Uint8Array;
	/**
	 * [row][channel][polarisation] relative weights as recorded (samples, WEIGHT_SPECTRUM or WEIGHT); undefined if there are
	 * none. Their absolute scale means nothing.
	 */
	weights: Float32Array | undefined;
	/** What all of the block's weights are, which were then not written; only where {@link BlockOptions.uniformWeights} allowed it. */
	uniformWeight?: number;
}
