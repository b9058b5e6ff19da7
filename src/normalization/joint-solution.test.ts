import { describe, expect, test } from "vitest";
import { type SimulatedField, simulateField } from "../../test/simulated-gains.ts";
import { addEpoch, baselineSums, publishBaselines } from "./baseline.ts";
import { solveJointly } from "./joint-solution.ts";
import { renormalize } from "./survey.ts";

const all = (field: SimulatedField) => new Uint8Array(field.sources).fill(1);
/** Natural logarithm of found over true levels, the free scale taken out. */
function levelErrors(field: SimulatedField, value: Float64Array) {
	const ln = Array.from(value, (v, i) => Math.log(v / field.trueFluxJy[i]));
	const middle = ln.slice().sort((a, b) => a - b)[ln.length >> 1];
	return ln.map((v) => v - middle);
}

describe("joint solution of baselines and corrections", () => {
	test("converges and recovers levels and gains to their errors", () => {
		const field = simulateField(1, {
			sources: 60,
			epochs: 40,
			jumps: [{ first: 8, last: 15, amplitude: -0.2 }],
			missing: 0.05,
			outliers: 0.01,
		});
		const joint = solveJointly(field, { reference: all(field) });
		expect(joint.converged).toBe(true);
		expect(joint.rounds).toBeLessThan(30);
		expect(joint.components).toBe(1);
		const pulls = levelErrors(field, joint.baselines.value).map(
			(ln, i) => (ln * joint.baselines.value[i]) / joint.baselines.error[i],
		);
		expect(Math.sqrt(pulls.reduce((sum, z) => sum + z * z, 0) / pulls.length)).toBeLessThan(1.3);
		const shift = joint.lnScale.map((ln, k) => ln - Math.log(field.factor[k]));
		const middle = shift.slice().sort()[20];
		expect(Math.max(...shift.map((value) => Math.abs(value - middle)))).toBeLessThan(0.015);
	});

	test("a source in an event for half of its epochs keeps its level and moves nobody else's", () => {
		const field = simulateField(2, { sources: 30, epochs: 60 });
		const reference = all(field);
		const before = solveJointly(field, { reference });
		for (const target of [0, 5, 11]) {
			const event = { ...field, fluxJy: field.fluxJy.slice() };
			for (let k = 10; k < 40; k++) event.fluxJy[target * 60 + k] *= 0.6;
			const after = solveJointly(event, { reference });
			expect(after.restless[target]).toBe(1);
			const drift = after.baselines.value.map((value, i) => value / before.baselines.value[i] - 1);
			const error = before.baselines.error[target] / before.baselines.value[target];
			expect(Math.abs(drift[target])).toBeLessThan(Math.max(0.01, 3 * error));
			expect(Math.max(...drift.filter((_, i) => i !== target).map(Math.abs))).toBeLessThan(0.004);
		}
	});

	test("a tilt in a third of few epochs is not shared out among the others", () => {
		const field = simulateField(10, {
			sources: 120,
			epochs: 12,
			snr: [60, 300],
			jumps: [{ first: 8, last: 11, amplitude: -0.2, tilt: 0.1 }],
		});
		const joint = solveJointly(field, { reference: all(field), maxOrder: 2 });
		expect(joint.converged).toBe(true);
		expect(joint.rounds).toBeLessThan(30);
		const orders = joint.surfaces.map((surface) => surface?.order ?? -1);
		expect(orders.slice(8).every((order) => order >= 1)).toBe(true);
		expect(orders.slice(0, 8).filter((order) => order === 0).length).toBeGreaterThanOrEqual(6);
		const slope = joint.surfaces.slice(8).map((surface) => surface?.fit.coefficients[1] ?? 0);
		for (const value of slope) expect(Math.abs(value - 0.1)).toBeLessThan(0.012);
	});

	test("parts of a survey that share no reference have scales of their own, and say so", () => {
		const field = simulateField(3, { sources: 20, epochs: 20 });
		for (let i = 0; i < 20; i++) {
			for (let k = 0; k < 20; k++) if (i < 10 !== k < 10) field.fluxJy[i * 20 + k] = Number.NaN;
		}
		const joint = solveJointly(field, { reference: all(field) });
		expect(joint.components).toBe(2);
		expect(new Set(joint.baselines.component.slice(0, 10)).size).toBe(1);
		expect(joint.baselines.component[0]).not.toBe(joint.baselines.component[19]);
		for (const [from, to] of [
			[0, 10],
			[10, 20],
		]) {
			const part = joint.lnScale.slice(from, to);
			expect(Math.abs(part.reduce((sum, value) => sum + value, 0) / 10)).toBeLessThan(0.02);
		}
	});

	test("frozen epochs hold the scale from version to version, however the later epochs run", () => {
		const field = simulateField(4, {
			sources: 40,
			epochs: 60,
			jumps: [{ first: 30, last: 59, amplitude: 0.2 }],
			jitter: 0.005,
		});
		const early = { ...field, epochs: 30, mjd: field.mjd.slice(0, 30) };
		const cut = (values: Float64Array) => {
			const out = new Float64Array(field.sources * 30);
			for (let i = 0; i < field.sources; i++) out.set(values.subarray(i * 60, i * 60 + 30), i * 30);
			return out;
		};
		const first = solveJointly(
			{ ...early, fluxJy: cut(field.fluxJy), fluxErrJy: cut(field.fluxErrJy) },
			{ reference: all(field) },
		);
		const { frozenEpochsMjd } = first.baselines;
		expect(frozenEpochsMjd.length).toBeGreaterThan(25);
		const second = solveJointly(field, { reference: all(field), frozenEpochsMjd });
		const drift = second.baselines.value.map((value, i) => Math.log(value / first.baselines.value[i]));
		expect(Math.abs(drift.reduce((sum, value) => sum + value, 0) / 40)).toBeLessThan(0.002);
		const free = solveJointly(field, { reference: all(field) });
		const moved = free.baselines.value.map((value, i) => Math.log(value / first.baselines.value[i]));
		expect(Math.abs(moved.reduce((sum, value) => sum + value, 0) / 40)).toBeGreaterThan(0.03);
	});

	test("a candidate's level is taken over, and an anchored scale is the catalogue's", () => {
		const field = simulateField(5, { sources: 30, epochs: 20 });
		const frozenValue = new Float64Array(30).fill(Number.NaN);
		frozenValue[3] = 0.123;
		const frozen = solveJointly(field, { reference: all(field), frozenValue });
		expect(frozen.baselines.value[3]).toBe(0.123);
		expect(frozen.baselines.status[3]).toBe(3);
		const anchorFluxJy = field.trueFluxJy.map((flux, i) => (i % 3 === 0 ? 2 * flux : Number.NaN));
		const anchored = solveJointly(field, {
			reference: all(field),
			anchorFluxJy,
			anchorErrJy: anchorFluxJy.map((f) => 0.05 * f),
		});
		const ratio = anchored.baselines.value.map((value, i) => value / field.trueFluxJy[i]);
		expect(Math.abs(ratio.reduce((sum, value) => sum + value, 0) / 30 - 2)).toBeLessThan(0.05);
		expect(anchored.absoluteScaleErr).toBeGreaterThan(0.005);
	});

	test("no baseline below three epochs, provisional below ten", () => {
		const field = simulateField(6, { sources: 20, epochs: 12 });
		for (let k = 2; k < 12; k++) field.fluxJy[k] = Number.NaN;
		for (let k = 5; k < 12; k++) field.fluxJy[12 + k] = Number.NaN;
		const { baselines } = solveJointly(field, { reference: all(field) });
		expect(Array.from(baselines.status.slice(0, 3))).toEqual([0, 1, 2]);
		expect(baselines.value[0]).toBeNaN();
	});

	test("arrays that do not belong together are refused by name", () => {
		const field = simulateField(7, { sources: 4, epochs: 3 });
		expect(() => solveJointly({ ...field, fluxErrJy: new Float64Array(3) }, { reference: all(field) })).toThrow(
			/3 values where 12/,
		);
	});
});

describe("baselines kept up epoch by epoch", () => {
	test("equal the full solution to a fraction of their errors, in a new version that leaves the old one alone", () => {
		const field = simulateField(8, { sources: 40, epochs: 60, jumps: [{ first: 20, last: 30, amplitude: 0.15 }] });
		const cut = (values: Float64Array, from: number, to: number) => {
			const out = new Float64Array(field.sources * (to - from));
			for (let i = 0; i < field.sources; i++) out.set(values.subarray(i * 60 + from, i * 60 + to), i * (to - from));
			return out;
		};
		const part = (from: number, to: number) => ({
			...field,
			epochs: to - from,
			mjd: field.mjd.slice(from, to),
			fluxJy: cut(field.fluxJy, from, to),
			fluxErrJy: cut(field.fluxErrJy, from, to),
		});
		const reference = all(field);
		const first = solveJointly(part(0, 30), { reference }, { version: "1" }).baselines;
		const kept = first.value.slice();
		const sums = baselineSums(first);
		for (let k = 30; k < 60; k++) {
			const epoch = part(k, k + 1);
			const primary = Int32Array.from({ length: field.sources }, (_, i) => i);
			const image = renormalize(epoch, first, { primary });
			const added = addEpoch(
				sums,
				primary,
				image.fluxNormJy,
				image.fluxNormErrAtBaselineJy,
				field.mjd[k],
				new Uint8Array(field.sources).fill(1),
			);
			expect(added).toBeGreaterThan(35);
		}
		const next = publishBaselines(sums, "2");
		expect(next.supersedes).toBe("1");
		expect(first.value).toEqual(kept);
		expect(next.nEpochs[0]).toBeGreaterThan(first.nEpochs[0]);
		expect(next.lastMjd[0]).toBe(field.mjd[59]);
		const full = solveJointly(field, { reference, frozenEpochsMjd: first.frozenEpochsMjd }).baselines;
		const pulls = next.value.map((value, i) => (value - full.value[i]) / full.error[i]);
		expect(Math.sqrt(pulls.reduce((sum, z) => sum + z * z, 0) / pulls.length)).toBeLessThan(1);
		expect(() => publishBaselines(sums, "1")).toThrow(/already published/);
	});

	test("an event is no part of a baseline", () => {
		const field = simulateField(9, { sources: 20, epochs: 20 });
		const base = solveJointly(field, { reference: all(field) }, { version: "1" }).baselines;
		const sums = baselineSums(base);
		const flux = Float64Array.of(0.5 * base.value[4]);
		const added = addEpoch(sums, Int32Array.of(4), flux, Float64Array.of(0.001), 60100, Uint8Array.of(1));
		expect(added).toBe(0);
		expect(sums.mean[4]).toBe(base.value[4]);
	});
});
