import type { ArrayBaselines, WindowData } from "./window-data.ts";

/**
 * The sufficient statistics of a gain solve. Per cell (solution interval x channel block x polarisation) and baseline,
 * with M the model seen through the gains already known:
 *
 *     D_pq = sum w V_pq conj(M_pq)     N_pq = sum w |M_pq|^2     P_pq = sum w |V_pq|^2     count = number of samples
 *
 * They add: over time, over windows, over files. Solving never touches the data again, and neither does re-weighting
 * by baseline, because the weights of a baseline are one factor of its four sums. P gives the residual chi-squared
 * without another look at the data: sum w|V - gMg*|^2 = P - 2 Re(conj(g_p) g_q D) + |g_p g_q|^2 N.
 */
export interface NormalSums {
	readonly nCells: number;
	readonly nBaselines: number;
	/** [cell][baseline][re, im]. */
	readonly d: Float64Array;
	/** [cell][baseline]. */
	readonly n: Float64Array;
	/** [cell][baseline]. */
	readonly p: Float64Array;
	/** [cell][baseline] complex samples. */
	readonly count: Float32Array;
}

/** Which cell a sample belongs to: (timeCell x nChannelCells + channelCell) x nPolarizations + polarisation. */
export interface CellLayout {
	readonly nTimeCells: number;
	/** Per integration; -1 leaves it out. */
	readonly timeCell: Int32Array;
	readonly nChannelCells: number;
	/** Per channel; ascending runs. -1 leaves it out. */
	readonly channelCell: Int32Array;
}

/**
 * The model's visibilities of one integration for the baselines [first, beyond): [baseline - first][channel][polarisation][re,
 * im], Jy.
 */
export type ModelOfIntegration = (time: number, out: Float32Array, first: number, beyond: number) => void;

/**
 * Gains already known (delay, phase, bandpass) for one integration: [antenna][channel][polarisation][re, im].
 * A gain of zero leaves the antenna's samples out.
 */
export type GainsOfIntegration = (time: number, out: Float32Array) => void;

export const emptySums = (nCells: number, nBaselines: number): NormalSums => ({
	nCells,
	nBaselines,
	d: new Float64Array(2 * nCells * nBaselines),
	n: new Float64Array(nCells * nBaselines),
	p: new Float64Array(nCells * nBaselines),
	count: new Float32Array(nCells * nBaselines),
});

/** Adds `more` into `sums`, cell by cell. */
export function addSums(sums: NormalSums, more: NormalSums): void {
	for (let i = 0; i < sums.d.length; i++) sums.d[i] += more.d[i];
	for (let i = 0; i < sums.n.length; i++) {
		sums.n[i] += more.n[i];
		sums.p[i] += more.p[i];
		sums.count[i] += more.count[i];
	}
}

export const cellsOf = (layout: CellLayout, nPolarizations: number): number =>
	layout.nTimeCells * layout.nChannelCells * nPolarizations;

/** One channel (or so many together) per cell, the whole time range together: the layout of a bandpass. */
export const everyChannel = (nTimes: number, nChannels: number, together = 1): CellLayout => ({
	nTimeCells: 1,
	timeCell: new Int32Array(nTimes),
	nChannelCells: Math.ceil(nChannels / together),
	channelCell: Int32Array.from({ length: nChannels }, (_, c) => Math.floor(c / together)),
});

/** All channels together per solution interval: the layout of a gain. */
export const everyInterval = (timeCell: Int32Array, nTimeCells: number, nChannels: number): CellLayout => ({
	nTimeCells,
	timeCell,
	nChannelCells: 1,
	channelCell: new Int32Array(nChannels),
});

/** Baselines that are walked through all times before the next: their sums and model stay in the processor's cache. */
const BLOCK = 48;
/** Bytes of known gains that are held at once. */
const GAIN_BYTES = 32 << 20;

/**
 * One pass over a window: adds its samples into the sums of their cells.
 *
 * @param gains undefined when nothing is known yet (all gains 1).
 */
export function accumulate(
	data: WindowData,
	array: ArrayBaselines,
	model: ModelOfIntegration,
	gains: GainsOfIntegration | undefined,
	layout: CellLayout,
	sums: NormalSums,
): void {
	const { nTimes, nBaselines, nChannels, nPolarizations: nPol } = data;
	const span = nChannels * nPol;
	const perGain = 2 * array.nAntennas * span;
	const held = gains === undefined ? nTimes : Math.max(1, Math.min(nTimes, Math.floor(GAIN_BYTES / (4 * perGain))));
	const g = new Float32Array(gains === undefined ? perGain : held * perGain);
	if (gains === undefined) for (let i = 0; i < g.length; i += 2) g[i] = 1;
	const m = new Float32Array(2 * BLOCK * span);
	const summed = layout.nChannelCells === 1;
	const block = emptyBlock(summed ? 0 : span);
	const wanted = channelsWanted(layout, nChannels, nPol);
	for (let t0 = 0; t0 < nTimes; t0 += held) {
		const t1 = Math.min(nTimes, t0 + held);
		if (gains !== undefined) {
			for (let t = t0; t < t1; t++) {
				if (layout.timeCell[t] >= 0) gains(t, g.subarray((t - t0) * perGain, (t - t0 + 1) * perGain));
			}
		}
		for (let b0 = 0; b0 < nBaselines; b0 += BLOCK) {
			const b1 = Math.min(nBaselines, b0 + BLOCK);
			let open = -1;
			for (let t = t0; t < t1; t++) {
				const cell = layout.timeCell[t];
				if (cell < 0) continue;
				const at = gains === undefined ? 0 : (t - t0) * perGain;
				if (summed) {
					model(t, m, b0, b1);
					addSummed(data, array, g, at, m, t, b0, b1, wanted, cell * nPol, sums);
					continue;
				}
				if (cell !== open) {
					if (open >= 0) flush(block, b0, b1, open, layout, nPol, sums);
					open = cell;
				}
				model(t, m, b0, b1);
				addIntegration(data, array, g, at, m, t, b0, b1, wanted, block);
			}
			if (open >= 0) flush(block, b0, b1, open, layout, nPol, sums);
		}
	}
}

/** Sums of one block of baselines per [baseline][channel][polarisation], before they go to their cells. */
interface BlockSums {
	readonly d: Float64Array;
	readonly n: Float64Array;
	readonly p: Float64Array;
	readonly count: Float64Array;
}

const emptyBlock = (span: number): BlockSums => ({
	d: new Float64Array(2 * BLOCK * span),
	n: new Float64Array(BLOCK * span),
	p: new Float64Array(BLOCK * span),
	count: new Float64Array(BLOCK * span),
});

/** Indices into [channel][polarisation] that belong to a cell. */
const channelsWanted = (layout: CellLayout, nChannels: number, nPol: number): Int32Array => {
	const out: number[] = [];
	for (let c = 0; c < nChannels; c++) {
		if (layout.channelCell[c] < 0) continue;
		for (let s = 0; s < nPol; s++) out.push(c * nPol + s);
	}
	return Int32Array.from(out);
};

/** The innermost loop of the solver: one integration of one block of baselines. */
function addIntegration(
	data: WindowData,
	array: ArrayBaselines,
	g: Float32Array,
	gainAt: number,
	m: Float32Array,
	t: number,
	b0: number,
	b1: number,
	wanted: Int32Array,
	block: BlockSums,
): void {
	const { nBaselines, nChannels, nPolarizations: nPol, visibilities, flags, weights } = data;
	const span = nChannels * nPol;
	const { d, n, p, count } = block;
	const length = wanted.length;
	const all = length === span;
	for (let b = b0; b < b1; b++) {
		const at = (t * nBaselines + b) * span;
		const gp = gainAt + 2 * array.antenna1[b] * span;
		const gq = gainAt + 2 * array.antenna2[b] * span;
		const own = (b - b0) * span;
		for (let i = 0; i < length; i++) {
			const k = all ? i : wanted[i];
			if (flags[at + k] !== 0) continue;
			const j = 2 * k;
			const pRe = g[gp + j];
			const pIm = g[gp + j + 1];
			const qRe = g[gq + j];
			const qIm = g[gq + j + 1];
			const gRe = pRe * qRe + pIm * qIm;
			const gIm = pIm * qRe - pRe * qIm;
			const o = 2 * own + j;
			const aRe = m[o];
			const aIm = m[o + 1];
			const mRe = gRe * aRe - gIm * aIm;
			const mIm = gRe * aIm + gIm * aRe;
			const mm = mRe * mRe + mIm * mIm;
			if (mm === 0) continue;
			const vRe = visibilities[2 * at + j];
			const vIm = visibilities[2 * at + j + 1];
			if (weights === undefined) {
				d[o] += vRe * mRe + vIm * mIm;
				d[o + 1] += vIm * mRe - vRe * mIm;
				n[own + k] += mm;
				p[own + k] += vRe * vRe + vIm * vIm;
				count[own + k]++;
			} else {
				const w = weights[(t * nBaselines + b) * nPol + (k % nPol)];
				d[o] += w * (vRe * mRe + vIm * mIm);
				d[o + 1] += w * (vIm * mRe - vRe * mIm);
				n[own + k] += w * mm;
				p[own + k] += w * (vRe * vRe + vIm * vIm);
				if (w > 0) count[own + k]++;
			}
		}
	}
}

/** The same where all channels go to one cell per polarisation: nothing but the totals is stored. */
function addSummed(
	data: WindowData,
	array: ArrayBaselines,
	g: Float32Array,
	gainAt: number,
	m: Float32Array,
	t: number,
	b0: number,
	b1: number,
	wanted: Int32Array,
	firstCell: number,
	sums: NormalSums,
): void {
	const { nBaselines, nChannels, nPolarizations: nPol, visibilities, flags, weights } = data;
	const span = nChannels * nPol;
	const length = wanted.length;
	for (let b = b0; b < b1; b++) {
		const at = (t * nBaselines + b) * span;
		const gp = gainAt + 2 * array.antenna1[b] * span;
		const gq = gainAt + 2 * array.antenna2[b] * span;
		const own = 2 * (b - b0) * span;
		for (let s = 0; s < nPol; s++) {
			let dRe = 0;
			let dIm = 0;
			let nn = 0;
			let pp = 0;
			let seen = 0;
			for (let i = s; i < length; i += nPol) {
				const k = wanted[i];
				if (flags[at + k] !== 0) continue;
				const j = 2 * k;
				const pRe = g[gp + j];
				const pIm = g[gp + j + 1];
				const qRe = g[gq + j];
				const qIm = g[gq + j + 1];
				const gRe = pRe * qRe + pIm * qIm;
				const gIm = pIm * qRe - pRe * qIm;
				const aRe = m[own + j];
				const aIm = m[own + j + 1];
				const mRe = gRe * aRe - gIm * aIm;
				const mIm = gRe * aIm + gIm * aRe;
				const mm = mRe * mRe + mIm * mIm;
				if (mm === 0) continue;
				const vRe = visibilities[2 * at + j];
				const vIm = visibilities[2 * at + j + 1];
				dRe += vRe * mRe + vIm * mIm;
				dIm += vIm * mRe - vRe * mIm;
				nn += mm;
				pp += vRe * vRe + vIm * vIm;
				seen++;
			}
			const w = weights === undefined ? 1 : weights[(t * nBaselines + b) * nPol + s];
			const i = (firstCell + s) * nBaselines + b;
			sums.d[2 * i] += w * dRe;
			sums.d[2 * i + 1] += w * dIm;
			sums.n[i] += w * nn;
			sums.p[i] += w * pp;
			if (w > 0) sums.count[i] += seen;
		}
	}
}

/**
 * D and N alone of every channel in blocks of integrations, laid out for delay spectra: [block][polarisation][baseline][channel].
 *
 * @param timeCell block of each integration, ascending; -1 leaves it out.
 */
export function accumulateSpectra(
	data: WindowData,
	array: ArrayBaselines,
	model: ModelOfIntegration,
	timeCell: Int32Array,
	nBlocks: number,
): { d: Float32Array; n: Float32Array } {
	const { nTimes, nBaselines, nChannels, nPolarizations: nPol } = data;
	const span = nChannels * nPol;
	const d = new Float32Array(2 * nBlocks * nBaselines * span);
	const n = new Float32Array(nBlocks * nBaselines * span);
	const g = new Float32Array(2 * array.nAntennas * span);
	for (let i = 0; i < g.length; i += 2) g[i] = 1;
	const m = new Float32Array(2 * BLOCK * span);
	const wanted = Int32Array.from({ length: span }, (_, k) => k);
	const block = emptyBlock(span);
	const store = (cell: number, b0: number, b1: number) => {
		for (let b = b0; b < b1; b++) {
			for (let s = 0; s < nPol; s++) {
				const to = ((cell * nPol + s) * nBaselines + b) * nChannels;
				for (let c = 0; c < nChannels; c++) {
					const from = (b - b0) * span + c * nPol + s;
					d[2 * (to + c)] = block.d[2 * from];
					d[2 * (to + c) + 1] = block.d[2 * from + 1];
					n[to + c] = block.n[from];
				}
			}
		}
		for (const sums of [block.d, block.n, block.p, block.count]) sums.fill(0);
	};
	for (let b0 = 0; b0 < nBaselines; b0 += BLOCK) {
		const b1 = Math.min(nBaselines, b0 + BLOCK);
		let open = -1;
		for (let t = 0; t < nTimes; t++) {
			if (timeCell[t] < 0) continue;
			if (timeCell[t] !== open && open >= 0) store(open, b0, b1);
			open = timeCell[t];
			model(t, m, b0, b1);
			addIntegration(data, array, g, 0, m, t, b0, b1, wanted, block);
		}
		if (open >= 0) store(open, b0, b1);
	}
	return { d, n };
}

/** Adds a block's sums into the cells of one solution interval and clears them. */
function flush(
	block: BlockSums,
	b0: number,
	b1: number,
	timeCell: number,
	layout: CellLayout,
	nPol: number,
	sums: NormalSums,
): void {
	const { channelCell, nChannelCells } = layout;
	const { nBaselines } = sums;
	const nChannels = channelCell.length;
	for (let c = 0; c < nChannels; c++) {
		if (channelCell[c] < 0) continue;
		for (let s = 0; s < nPol; s++) {
			const cell = (timeCell * nChannelCells + channelCell[c]) * nPol + s;
			for (let b = b0; b < b1; b++) {
				const from = ((b - b0) * nChannels + c) * nPol + s;
				const to = cell * nBaselines + b;
				sums.d[2 * to] += block.d[2 * from];
				sums.d[2 * to + 1] += block.d[2 * from + 1];
				sums.n[to] += block.n[from];
				sums.p[to] += block.p[from];
				sums.count[to] += block.count[from];
			}
		}
	}
	block.d.fill(0);
	block.n.fill(0);
	block.p.fill(0);
	block.count.fill(0);
}
