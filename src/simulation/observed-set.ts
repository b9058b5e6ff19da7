import { componentModel } from "../calibration/component-model.ts";
import { selectAll } from "../calibration/selection.ts";
import { apparentSources, type BeamResponse, type ModelGeometry, type ModelSource } from "../calibration/sky-model.ts";
import type {
	Antenna,
	ArrayLocation,
	BlockOptions,
	Field,
	Polarization,
	SpectralWindow,
	VisibilityBlock,
	VisibilitySet,
} from "../calibration/visibility-set.ts";
import type { InstrumentTruth } from "./instrument.ts";
import type { Random } from "./random.ts";
import { recordIntegration } from "./visibilities.ts";

/** Everything that decides what a simulated array records. */
export interface ObservationPlan {
	telescope: string;
	location: ArrayLocation;
	/** All slots of the array. */
	antennas: Antenna[];
	/** Slots with data, ascending. */
	active: number[];
	timesMjd: Float64Array;
	integrationS: number;
	windows: readonly { frequenciesHz: Float64Array; channelWidthsHz: Float64Array }[];
	field: Field;
	/** uvw of each antenna at each time: [time][active antenna][3] m. */
	uvwM: Float64Array;
	sources: readonly ModelSource[];
	beam: BeamResponse;
	truth: InstrumentTruth;
	/** System temperature as flux density, Jy: the level of autocorrelations. */
	sefdJy: number;
	random: Random;
}

/**
 * A simulated observation as a visibility set: samples are made when they are asked for, each integration of each window
 * from random numbers of its own, so that any part can be made alone and of any size.
 *
 * @param geometryOf paths and beam angles of the sources, for the set itself.
 */
export class ObservedSet implements VisibilitySet {
	readonly source = ["simulated"];
	readonly format = "memory";
	readonly telescope: string;
	readonly location: ArrayLocation;
	readonly antennas: Antenna[];
	readonly timesMjd: Float64Array;
	readonly integrationS: number;
	readonly frequenciesHz: Float64Array;
	readonly channelWidthsHz: Float64Array;
	readonly spectralWindows: SpectralWindow[];
	readonly polarizations: Polarization[] = ["XX", "YY"];
	readonly baselines: { antenna1: Int32Array; antenna2: Int32Array };
	readonly autocorrelations: Int32Array;
	readonly fields: Field[];
	readonly nRows: number;
	readonly warnings: string[] = [];
	readonly plan: ObservationPlan;
	private readonly geometry: ModelGeometry;

	constructor(
		plan: ObservationPlan,
		geometryOf: (set: VisibilitySet, sources: readonly ModelSource[]) => ModelGeometry,
	) {
		this.plan = plan;
		this.telescope = plan.telescope;
		this.location = plan.location;
		this.antennas = plan.antennas;
		this.timesMjd = plan.timesMjd;
		this.integrationS = plan.integrationS;
		this.frequenciesHz = Float64Array.from(plan.windows.flatMap((window) => [...window.frequenciesHz]));
		this.channelWidthsHz = Float64Array.from(plan.windows.flatMap((window) => [...window.channelWidthsHz]));
		const pairs: [number, number][] = [];
		plan.active.forEach((p, i) => {
			for (const q of plan.active.slice(i + 1)) pairs.push([p, q]);
		});
		this.baselines = {
			antenna1: Int32Array.from(pairs, ([p]) => p),
			antenna2: Int32Array.from(pairs, ([, q]) => q),
		};
		this.autocorrelations = Int32Array.from(plan.active);
		this.fields = [plan.field];
		const perTime = pairs.length + plan.active.length;
		let first = 0;
		this.spectralWindows = plan.windows.map((window, w) => {
			const nChannels = window.frequenciesHz.length;
			const out = { firstChannel: first, nChannels, nRows: perTime * plan.timesMjd.length, name: `window-${w}` };
			first += nChannels;
			return out;
		});
		this.nRows = perTime * plan.timesMjd.length * plan.windows.length;
		this.geometry = geometryOf(this, plan.sources);
	}

	close(): void {}

	/** Flux density through the beam of each source: [source][time][channel of the window]. */
	apparentJy(window: number): Float32Array {
		const { frequenciesHz } = this.plan.windows[window];
		return apparentSources(this.geometry, this.plan.sources, frequenciesHz, this.plan.beam).apparentJy;
	}

	async *blocks(options: BlockOptions = {}): AsyncGenerator<VisibilityBlock> {
		const [low, high] = options.channels ?? [0, this.frequenciesHz.length];
		const [t0, t1] = options.times ?? [0, this.timesMjd.length];
		for (const [w, window] of this.spectralWindows.entries()) {
			const c0 = Math.max(low, window.firstChannel) - window.firstChannel;
			const c1 = Math.min(high, window.firstChannel + window.nChannels) - window.firstChannel;
			if (c0 >= c1) continue;
			const rows =
				this.baselines.antenna1.length + (options.autocorrelations === true ? this.autocorrelations.length : 0);
			const bytes = 8 * rows * (c1 - c0) * this.polarizations.length;
			const together = Math.max(1, Math.floor((options.blockBytes ?? 64 << 20) / bytes));
			for (let t = t0; t < t1; t += together) {
				const end = Math.min(t1, t + together);
				yield joinBlocks(Array.from({ length: end - t }, (_, i) => this.integration(w, t + i, c0, c1, options)));
			}
		}
	}

	private integration(w: number, t: number, c0: number, c1: number, options: BlockOptions): VisibilityBlock {
		const { plan } = this;
		const { frequenciesHz } = plan.windows[w];
		const nChannels = frequenciesHz.length;
		const nPol = this.polarizations.length;
		const span = nChannels * nPol;
		const n = plan.active.length;
		// In the order of correlators: (p, p), (p, p + 1) ...; made alike whether autocorrelations are wanted or not.
		const first: number[] = [];
		const second: number[] = [];
		for (let p = 0; p < n; p++) {
			for (let q = p; q < n; q++) {
				first.push(p);
				second.push(q);
			}
		}
		const array = { nAntennas: n, antenna1: Int32Array.from(first), antenna2: Int32Array.from(second) };
		const model = new Float32Array(2 * first.length * span);
		const cross = this.crossModel(w, t);
		let baseline = 0;
		const baselineOf = Int32Array.from(first, (p, row) => {
			if (p === second[row]) {
				for (let k = 0; k < span; k++) model[2 * (row * span + k)] = plan.sefdJy;
				return -1;
			}
			model.set(cross.subarray(2 * baseline * span, 2 * (baseline + 1) * span), 2 * row * span);
			return baseline++;
		});
		let visibilities = new Float32Array(2 * first.length * span);
		if (options.column === "model") visibilities.set(model);
		else {
			const random = plan.random.fork(`noise-${w}-${t}`);
			recordIntegration(plan.truth, array, frequenciesHz, w, t, model, random, visibilities);
		}
		const rows = Array.from(first.keys()).filter((row) => options.autocorrelations === true || baselineOf[row] >= 0);
		const width = (c1 - c0) * nPol;
		const out = new Float32Array(2 * rows.length * width);
		const flags = new Uint8Array(rows.length * width);
		rows.forEach((row, i) => {
			const from = row * span + c0 * nPol;
			out.set(visibilities.subarray(2 * from, 2 * (from + width)), 2 * i * width);
			if (plan.truth.flagged[first[row]] !== 0 || plan.truth.flagged[second[row]] !== 0) {
				flags.fill(1, i * width, (i + 1) * width);
			}
		});
		visibilities = out;
		const uvwM = new Float64Array(3 * rows.length);
		rows.forEach((row, i) => {
			for (let k = 0; k < 3; k++) {
				uvwM[3 * i + k] = plan.uvwM[3 * (t * n + first[row]) + k] - plan.uvwM[3 * (t * n + second[row]) + k];
			}
		});
		return {
			spectralWindow: w,
			firstChannel: this.spectralWindows[w].firstChannel + c0,
			nChannels: c1 - c0,
			nRows: rows.length,
			timeIndex: new Int32Array(rows.length).fill(t),
			antenna1: Int32Array.from(rows, (row) => plan.active[first[row]]),
			antenna2: Int32Array.from(rows, (row) => plan.active[second[row]]),
			baseline: Int32Array.from(rows, (row) => baselineOf[row]),
			field: new Int32Array(rows.length),
			integrationS: new Float64Array(rows.length).fill(plan.integrationS),
			uvwM,
			visibilities,
			flags,
			weights: undefined,
		};
	}

	private model: { window: number; of: ReturnType<typeof componentModel> } | undefined;

	private crossModel(w: number, t: number): Float32Array {
		const { frequenciesHz } = this.plan.windows[w];
		const nBaselines = this.baselines.antenna1.length;
		if (this.model?.window !== w) {
			const sources = apparentSources(this.geometry, this.plan.sources, frequenciesHz, this.plan.beam);
			this.model = { window: w, of: componentModel(sources, frequenciesHz, this.polarizations.length) };
		}
		const out = new Float32Array(2 * nBaselines * frequenciesHz.length * this.polarizations.length);
		this.model.of(t, out, 0, nBaselines);
		return out;
	}
}

/** Blocks of the same window and channels, one after the other. */
function joinBlocks(blocks: readonly VisibilityBlock[]): VisibilityBlock {
	if (blocks.length === 1) return blocks[0];
	const [first] = blocks;
	const total = (of: (block: VisibilityBlock) => { length: number }) =>
		blocks.reduce((sum, block) => sum + of(block).length, 0);
	const join = <T extends Int32Array | Float64Array | Float32Array | Uint8Array>(
		out: T,
		of: (block: VisibilityBlock) => T,
	): T => {
		let at = 0;
		for (const block of blocks) {
			out.set(of(block), at);
			at += of(block).length;
		}
		return out;
	};
	const int = (of: (block: VisibilityBlock) => Int32Array) => join(new Int32Array(total(of)), of);
	const double = (of: (block: VisibilityBlock) => Float64Array) => join(new Float64Array(total(of)), of);
	return {
		...first,
		nRows: blocks.reduce((sum, block) => sum + block.nRows, 0),
		timeIndex: int((block) => block.timeIndex),
		antenna1: int((block) => block.antenna1),
		antenna2: int((block) => block.antenna2),
		baseline: int((block) => block.baseline),
		field: int((block) => block.field),
		integrationS: double((block) => block.integrationS),
		uvwM: double((block) => block.uvwM),
		visibilities: join(new Float32Array(total((block) => block.visibilities)), (block) => block.visibilities),
		flags: join(new Uint8Array(total((block) => block.flags)), (block) => block.flags),
	};
}

/** The selection that a model's geometry is asked for: everything. */
export const wholeOf = (set: VisibilitySet) => selectAll(set);
