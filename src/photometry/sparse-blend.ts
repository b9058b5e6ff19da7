import type { BlendSystem } from "./blend-system.ts";

const LARGEST_NEIGHBOURHOOD = 120;

/** Off-diagonal elements between kept parameters as lists of neighbours: `kept` indices and values. */
function adjacency(system: BlendSystem, kept: readonly number[]): { index: number[][]; value: number[][] } {
	const place = new Map(kept.map((p, i) => [p, i]));
	const index: number[][] = kept.map(() => []);
	const value: number[][] = kept.map(() => []);
	const add = (p: number, q: number, v: number) => {
		const i = place.get(p);
		const j = place.get(q);
		if (i === undefined || j === undefined || v === 0) return;
		index[i].push(j);
		value[i].push(v);
		index[j].push(i);
		value[j].push(v);
	};
	if (system.dense) {
		for (let p = 0; p < system.size; p++) {
			for (let q = p + 1; q < system.size; q++) add(p, q, system.matrix[p * system.size + q]);
		}
	} else {
		for (const [key, v] of system.sparse) add(Math.floor(key / system.size), key % system.size, v);
	}
	return { index, value };
}

/** Fluxes of a large blend by conjugate gradients with the diagonal as preconditioner (Hestenes & Stiefel 1952). */
export function solveSparse(system: BlendSystem, kept: readonly number[]): { flux: Float64Array; converged: boolean } {
	const n = kept.length;
	const { index, value } = adjacency(system, kept);
	const diagonal = Float64Array.from(kept, (p) => system.diagonal[p]);
	const flux = new Float64Array(n);
	const r = Float64Array.from(kept, (p) => system.rhs[p]);
	const z = new Float64Array(n);
	const p = new Float64Array(n);
	const product = new Float64Array(n);
	let rho = 0;
	for (let i = 0; i < n; i++) {
		z[i] = r[i] / diagonal[i];
		p[i] = z[i];
		rho += r[i] * z[i];
	}
	const target = rho * 1e-26;
	const rounds = Math.min(20_000, 10 * n);
	for (let round = 0; round < rounds && rho > target; round++) {
		let curvature = 0;
		for (let i = 0; i < n; i++) {
			let sum = diagonal[i] * p[i];
			const columns = index[i];
			const values = value[i];
			for (let k = 0; k < columns.length; k++) sum += values[k] * p[columns[k]];
			product[i] = sum;
			curvature += sum * p[i];
		}
		if (!(curvature > 0)) break;
		const step = rho / curvature;
		let next = 0;
		for (let i = 0; i < n; i++) {
			flux[i] += step * p[i];
			r[i] -= step * product[i];
			z[i] = r[i] / diagonal[i];
			next += r[i] * z[i];
		}
		const beta = next / rho;
		rho = next;
		for (let i = 0; i < n; i++) p[i] = z[i] + beta * p[i];
	}
	return { flux, converged: rho <= target };
}

/** The parameters that matter for a parameter's variance: neighbours and their neighbours, the strongest first. */
export function neighbourhoods(system: BlendSystem, kept: readonly number[]): (i: number) => number[] {
	const { index, value } = adjacency(system, kept);
	const coupling = (i: number, k: number) =>
		Math.abs(value[i][k]) / Math.sqrt(system.diagonal[kept[i]] * system.diagonal[kept[index[i][k]]]);
	return (i) => {
		const strength = new Map<number, number>();
		const raise = (j: number, s: number) => {
			if (j !== i && s > 1e-5) strength.set(j, Math.max(s, strength.get(j) ?? 0));
		};
		for (let k = 0; k < index[i].length; k++) {
			const direct = coupling(i, k);
			const j = index[i][k];
			raise(j, direct);
			if (direct < 1e-3) continue;
			for (let l = 0; l < index[j].length; l++) raise(index[j][l], direct * coupling(j, l));
		}
		return [...strength]
			.sort((p, q) => q[1] - p[1] || p[0] - q[0])
			.slice(0, LARGEST_NEIGHBOURHOOD)
			.map(([j]) => j);
	};
}
