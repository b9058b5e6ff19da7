import { badInput } from "../error.ts";
import { gainsAt, type InterpolationOptions, windowMap } from "./solution-interpolation.ts";
import type { SolutionTable } from "./solution-table.ts";
import type { Antenna, Polarization, VisibilityBlock, VisibilitySet } from "./visibility-set.ts";

/** What happens to data without a solution: flagged, left as they are, or only counted. */
export type ApplyMode = "calflag" | "calonly" | "trial";

export interface ApplyOptions extends InterpolationOptions {
	mode: ApplyMode;
	/** Per data window, the table's window; undefined = by frequency. */
	windowMap: readonly number[] | undefined;
}

/** A table and the antennas its rows belong to. */
export interface NamedTable {
	name: string;
	table: SolutionTable;
	antennas: readonly Pick<Antenna, "name" | "positionItrfM">[];
}

export interface ApplyCounts {
	samples: number;
	/** Flagged before. */
	flaggedBefore: number;
	/** Flagged now because there is no solution; in `trial` and `calonly`: would be. */
	withoutSolution: number;
	corrected: number;
}

/**
 * Refuses tables of another array: every antenna with data must be in the table, by name, and within 10 m of the place
 * the table says.
 *
 * @throws CausticError `table-of-another-array`.
 */
export function matchAntennas(set: VisibilitySet, named: NamedTable): Int32Array {
	const withData = new Set([...set.baselines.antenna1, ...set.baselines.antenna2]);
	const byName = new Map(named.antennas.map((antenna, i) => [antenna.name, i]));
	const out = new Int32Array(set.antennas.length).fill(-1);
	let missing = 0;
	let moved = "";
	set.antennas.forEach((antenna, i) => {
		const at = byName.get(antenna.name);
		if (at === undefined) {
			if (withData.has(i)) missing++;
			return;
		}
		out[i] = at;
		if (!withData.has(i)) return;
		const [x, y, z] = named.antennas[at].positionItrfM;
		const distance = Math.hypot(
			x - antenna.positionItrfM[0],
			y - antenna.positionItrfM[1],
			z - antenna.positionItrfM[2],
		);
		if (distance > 10 && moved === "") {
			moved = `antenna ${antenna.name} stands ${distance.toFixed(0)} m from where the table has it`;
		}
	});
	if (moved !== "" || 2 * missing > withData.size) {
		const why = moved === "" ? `${missing} of ${withData.size} antennas with data are not in it` : moved;
		throw badInput("table-of-another-array", `it belongs to another array: ${why}`, {
			subject: named.name,
			remedy: `Solve tables from data of this array (${set.telescope})`,
		});
	}
	return out;
}

const RECEPTORS: Record<string, readonly [number, number]> = {
	XX: [0, 0],
	YY: [1, 1],
	XY: [0, 1],
	YX: [1, 0],
	RR: [0, 0],
	LL: [1, 1],
	RL: [0, 1],
	LR: [1, 0],
};

/**
 * Divides visibilities by g_p conj(g_q), block by block; weights become w |g_p|^2 |g_q|^2. Gains are the product of all
 * tables, interpolated in time and frequency.
 */
export class Applier {
	readonly counts: ApplyCounts = { samples: 0, flaggedBefore: 0, withoutSolution: 0, corrected: 0 };
	private readonly set: VisibilitySet;
	private readonly options: ApplyOptions;
	private readonly tables: { named: NamedTable; antennaOf: Int32Array; windows: Int32Array }[];
	private readonly receptors: (readonly [number, number] | undefined)[];
	/** Per window, of the time asked for last: blocks of several windows take turns. */
	private readonly cache: (
		| { time: number; gains: Float64Array<ArrayBuffer>; flags: Uint8Array<ArrayBuffer> }
		| undefined
	)[] = [];

	/** @throws CausticError for tables of another array, of other polarisations, or that serve no window. */
	constructor(set: VisibilitySet, tables: readonly NamedTable[], options: ApplyOptions) {
		this.set = set;
		this.options = options;
		if (tables.length === 0) throw badInput("no-tables", "there is no table to apply", { remedy: "Give --tables DIR" });
		const windows = set.spectralWindows.map(({ firstChannel, nChannels }) =>
			set.frequenciesHz.slice(firstChannel, firstChannel + nChannels),
		);
		this.tables = tables.map((named) => {
			const map = windowMap(named.table, windows, options.windowMap);
			if (map.every((w) => w < 0 || w >= named.table.windows.length)) {
				throw badInput("no-window", "it covers none of the data's spectral windows", {
					subject: named.name,
					remedy: "Give the table of the same band, or a map with --spwmap",
				});
			}
			const linear = set.polarizations.some((hand) => hand.startsWith("X") || hand.startsWith("Y"));
			const tableLinear = named.table.polarizations.some((hand) => hand.startsWith("X") || hand.startsWith("Y"));
			if (linear !== tableLinear) {
				throw badInput("other-polarization", "its polarisation basis is not that of the data", { subject: named.name });
			}
			return { named, antennaOf: matchAntennas(set, named), windows: map };
		});
		this.receptors = set.polarizations.map((hand) => this.receptorsOf(hand));
	}

	private receptorsOf(hand: Polarization): readonly [number, number] | undefined {
		return RECEPTORS[hand];
	}

	/**
	 * Product of all tables for one integration of one window, [antenna][receptor][channel]. Two receptors always; one that
	 * a table lacks has no solution.
	 */
	private gainsOf(window: number, time: number): { gains: Float64Array<ArrayBuffer>; flags: Uint8Array<ArrayBuffer> } {
		const known = this.cache[window];
		if (known?.time === time) return known;
		const { firstChannel, nChannels } = this.set.spectralWindows[window];
		const frequencies = this.set.frequenciesHz.subarray(firstChannel, firstChannel + nChannels);
		const nAntennas = this.set.antennas.length;
		const size = nAntennas * 2 * nChannels;
		const gains = new Float64Array(2 * size);
		for (let i = 0; i < size; i++) gains[2 * i] = 1;
		const flags = new Uint8Array(size);
		for (const { named, antennaOf, windows } of this.tables) {
			const { table } = named;
			const nPol = table.polarizations.length;
			const w = windows[window];
			if (w < 0 || w >= table.windows.length) {
				flags.fill(1);
				continue;
			}
			const own = new Float64Array(2 * table.nAntennas * nPol * nChannels);
			const ownFlags = new Uint8Array(table.nAntennas * nPol * nChannels);
			gainsAt(table, w, this.set.timesMjd[time], frequencies, this.options, own, ownFlags);
			for (let p = 0; p < nAntennas; p++) {
				for (let receptor = 0; receptor < 2; receptor++) {
					const hand = table.polarizations.findIndex((name) => RECEPTORS[name]?.[0] === receptor);
					for (let c = 0; c < nChannels; c++) {
						const o = (p * 2 + receptor) * nChannels + c;
						const i = (antennaOf[p] * nPol + hand) * nChannels + c;
						if (antennaOf[p] < 0 || hand < 0 || ownFlags[i] !== 0) {
							flags[o] = 1;
							continue;
						}
						const re = gains[2 * o] * own[2 * i] - gains[2 * o + 1] * own[2 * i + 1];
						gains[2 * o + 1] = gains[2 * o] * own[2 * i + 1] + gains[2 * o + 1] * own[2 * i];
						gains[2 * o] = re;
					}
				}
			}
		}
		this.cache[window] = { time, gains, flags };
		return { gains, flags };
	}

	/** Corrects a block in place: visibilities, flags, and weights where it has them. */
	apply(block: VisibilityBlock): void {
		const nPol = this.set.polarizations.length;
		const { nChannels: all, firstChannel: begin } = this.set.spectralWindows[block.spectralWindow];
		const offset = block.firstChannel - begin;
		const { counts, options } = this;
		const change = options.mode !== "trial";
		let time = -1;
		let gains = new Float64Array(0);
		let flags = new Uint8Array(0);
		for (let row = 0; row < block.nRows; row++) {
			if (block.timeIndex[row] !== time) {
				time = block.timeIndex[row];
				({ gains, flags } = this.gainsOf(block.spectralWindow, time));
			}
			const p = block.antenna1[row];
			const q = block.antenna2[row];
			for (let s = 0; s < nPol; s++) {
				const hand = this.receptors[s];
				for (let c = 0; c < block.nChannels; c++) {
					const i = (row * block.nChannels + c) * nPol + s;
					counts.samples++;
					if (block.flags[i] !== 0) counts.flaggedBefore++;
					const gp = hand === undefined ? -1 : (p * 2 + hand[0]) * all + offset + c;
					const gq = hand === undefined ? -1 : (q * 2 + hand[1]) * all + offset + c;
					if (gp < 0 || flags[gp] !== 0 || flags[gq] !== 0) {
						if (block.flags[i] === 0) counts.withoutSolution++;
						if (options.mode === "calflag") {
							block.flags[i] = 1;
							if (block.weights !== undefined) block.weights[i] = 0;
						}
						continue;
					}
					if (block.flags[i] === 0) counts.corrected++;
					if (!change) continue;
					const gRe = gains[2 * gp] * gains[2 * gq] + gains[2 * gp + 1] * gains[2 * gq + 1];
					const gIm = gains[2 * gp + 1] * gains[2 * gq] - gains[2 * gp] * gains[2 * gq + 1];
					const power = gRe * gRe + gIm * gIm;
					const vRe = block.visibilities[2 * i];
					const vIm = block.visibilities[2 * i + 1];
					block.visibilities[2 * i] = (vRe * gRe + vIm * gIm) / power;
					block.visibilities[2 * i + 1] = (vIm * gRe - vRe * gIm) / power;
					if (block.weights !== undefined) block.weights[i] *= power;
				}
			}
		}
	}
}
