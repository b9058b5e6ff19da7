import { badInput } from "../error.ts";
import { besselJ1 } from "./bessel.ts";
import type { BeamResponse } from "./sky-model.ts";

const LIGHT_M_PER_S = 299792458;

/**
 * The Airy pattern of an evenly lit circular dish, A = (2 J1(x)/x)^2 with x = pi D sin(theta)/lambda, up to 90 degrees
 * and 0 behind. Throws `bad-option` when the diameter is not a length.
 */
export function airyBeam(diameterM: number): BeamResponse {
	if (!(diameterM > 0 && diameterM < 1000)) {
		throw badInput("bad-option", `${diameterM} m is not the diameter of a dish`, {
			subject: "dish diameter",
			remedy: "Give it in metres, for instance 4.65",
		});
	}
	return (angleRad, frequencyHz) => {
		if (Math.abs(angleRad) >= Math.PI / 2) return 0;
		const x = (Math.PI * diameterM * Math.sin(Math.abs(angleRad)) * frequencyHz) / LIGHT_M_PER_S;
		if (x < 1e-8) return Number.isNaN(x) ? Number.NaN : 1;
		const field = (2 * besselJ1(x)) / x;
		return field * field;
	};
}

/** Full width at half maximum of a beam in radians at a frequency, found on its way down from the axis; NaN if it never gets there. */
export function beamFwhmRad(beam: BeamResponse, frequencyHz: number): number {
	const step = Math.PI / 2 / 20_000;
	let inside = 0;
	while (inside < Math.PI / 2 && beam(inside + step, frequencyHz) > 0.5) inside += step;
	if (inside + step >= Math.PI / 2) return Number.NaN;
	let outside = inside + step;
	for (let round = 0; round < 50; round++) {
		const middle = (inside + outside) / 2;
		if (beam(middle, frequencyHz) > 0.5) inside = middle;
		else outside = middle;
	}
	return inside + outside;
}

/** A beam as it was measured: power at angles (degrees) from the axis at one or more frequencies. */
export interface MeasuredBeam {
	/** Ascending. */
	frequenciesHz: Float64Array;
	/** Ascending from 0. */
	anglesDeg: Float64Array;
	/** [frequency][angle], 1 on the axis. */
	power: Float64Array;
}

/**
 * Reads a measured beam: CSV with the columns `angle_deg`, `power` and, for more than one frequency, `frequency_mhz`
 * (without it `defaultFrequencyHz` is meant). Every frequency has the same angles, from 0 up. The power is scaled to 1 on
 * the axis.
 *
 * Throws `bad-beam` naming the row or the column.
 */
export function parseMeasuredBeam(text: string, subject: string, defaultFrequencyHz: number): MeasuredBeam {
	const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "" && !line.startsWith("#"));
	const heading = (lines[0] ?? "").split(",").map((name) => name.trim().toLowerCase());
	const [angleAt, powerAt, frequencyAt] = ["angle_deg", "power", "frequency_mhz"].map((name) => heading.indexOf(name));
	if (angleAt < 0 || powerAt < 0) throw badBeam(subject, "it has no columns angle_deg and power");
	const byFrequency = new Map<number, { angle: number; power: number }[]>();
	lines.slice(1).forEach((line, i) => {
		const fields = line.split(",").map((field) => (field.trim() === "" ? Number.NaN : Number(field)));
		const frequency = frequencyAt < 0 ? defaultFrequencyHz : fields[frequencyAt] * 1e6;
		const [angle, power] = [fields[angleAt], fields[powerAt]];
		if (!(angle >= 0 && angle <= 180 && power >= -0.1 && Number.isFinite(power) && frequency > 0)) {
			throw badBeam(`${subject} row ${i + 2}`, "an angle, a power or a frequency cannot be used");
		}
		byFrequency.set(frequency, [...(byFrequency.get(frequency) ?? []), { angle, power }]);
	});
	const frequencies = [...byFrequency.keys()].sort((a, b) => a - b);
	const rows = frequencies.map((frequency) => (byFrequency.get(frequency) ?? []).sort((a, b) => a.angle - b.angle));
	const angles = rows[0]?.map((row) => row.angle) ?? [];
	if (angles.length < 3 || angles[0] !== 0) throw badBeam(subject, "it needs three angles or more, the first 0");
	rows.forEach((row, i) => {
		const same = row.length === angles.length && row.every(({ angle }, k) => angle === angles[k]);
		const ascending = row.every(({ angle }, k) => k === 0 || angle > row[k - 1].angle);
		if (!same || !ascending)
			throw badBeam(subject, `the angles at ${frequencies[i] / 1e6} MHz are not those of the others, each once`);
		if (!(row[0].power > 0))
			throw badBeam(subject, `the power on the axis at ${frequencies[i] / 1e6} MHz is not positive`);
	});
	return {
		frequenciesHz: Float64Array.from(frequencies),
		anglesDeg: Float64Array.from(angles),
		power: Float64Array.from(rows.flatMap((row) => row.map(({ power }) => power / row[0].power))),
	};
}

const badBeam = (subject: string, message: string) =>
	badInput("bad-beam", message, { subject, remedy: "Give CSV with the columns angle_deg, power and frequency_mhz" });

/**
 * The response of a measured beam: linear between angles and between frequencies; beyond the measured frequencies the
 * nearest one with its angles scaled as lambda; 0 beyond the last angle, where nothing was measured.
 */
export function measuredBeam({ frequenciesHz, anglesDeg, power }: MeasuredBeam): BeamResponse {
	const n = anglesDeg.length;
	const at = (row: number, angleDeg: number): number => {
		if (angleDeg > anglesDeg[n - 1]) return 0;
		let low = 0;
		let high = n - 1;
		while (high - low > 1) {
			const middle = (low + high) >> 1;
			if (anglesDeg[middle] <= angleDeg) low = middle;
			else high = middle;
		}
		const t = (angleDeg - anglesDeg[low]) / (anglesDeg[high] - anglesDeg[low]);
		return power[row * n + low] * (1 - t) + power[row * n + high] * t;
	};
	const last = frequenciesHz.length - 1;
	return (angleRad, frequencyHz) => {
		const angle = (Math.abs(angleRad) * 180) / Math.PI;
		if (!(frequencyHz > 0) || Number.isNaN(angle)) return Number.NaN;
		if (frequencyHz <= frequenciesHz[0]) return at(0, (angle * frequencyHz) / frequenciesHz[0]);
		if (frequencyHz >= frequenciesHz[last]) return at(last, (angle * frequencyHz) / frequenciesHz[last]);
		let row = 0;
		while (frequenciesHz[row + 1] < frequencyHz) row += 1;
		const t = (frequencyHz - frequenciesHz[row]) / (frequenciesHz[row + 1] - frequenciesHz[row]);
		return at(row, angle) * (1 - t) + at(row + 1, angle) * t;
	};
}
