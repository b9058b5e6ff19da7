import { axisStep, axisValue, findAxis } from "./axes.ts";
import type { FitsHeader } from "./header.ts";

const HZ: Record<string, number> = { HZ: 1, KHZ: 1e3, MHZ: 1e6, GHZ: 1e9 };
const METRES_PER_SECOND: Record<string, number> = { "M/S": 1, "KM/S": 1e3 };
const LIGHT_SPEED = 299_792_458;

/** Observing frequency and width of one plane, in Hz, and what is doubtful about them. */
export interface SpectralPosition {
	frequencyHz: number | undefined;
	bandwidthHz: number | undefined;
	warnings: string[];
}

const isPlausible = (hz: number) => hz >= 1e6 && hz <= 1e13;

/**
 * The frequency of a plane: from its FREQ axis, else from a velocity axis and the rest frequency (Greisen et al.
 * 2006, conventions RADI and OPTI), else RESTFRQ alone, with a warning.
 * @param pixels 0-based pixel of each extra axis
 */
export function spectralPosition(header: FitsHeader, pixels: ReadonlyMap<number, number>): SpectralPosition {
	const warnings: string[] = [];
	const rest = header.number("RESTFRQ") ?? header.number("RESTFREQ");
	const unit = (axis: number) => (header.text(`CUNIT${axis}`) ?? "").toUpperCase().replace(/\s|S-1$/g, "");
	let frequencyHz: number | undefined;
	let bandwidthHz: number | undefined;
	const axis = findAxis(header, /^FREQ/);
	if (axis !== undefined) {
		const scale = HZ[unit(axis) || "HZ"];
		const value = axisValue(header, axis, pixels.get(axis) ?? 0);
		const step = axisStep(header, axis);
		if (scale === undefined) warnings.push(`CUNIT${axis} = ${header.get(`CUNIT${axis}`)} is not a unit of frequency`);
		else if (value !== undefined) {
			frequencyHz = value * scale;
			const width = Math.abs(step ?? 0) * scale;
			if (width > 0 && width < frequencyHz) bandwidthHz = width;
		}
	}
	const velocityAxis = frequencyHz === undefined ? findAxis(header, /^(VRAD|VOPT|VELO|FELO)/) : undefined;
	if (velocityAxis !== undefined && rest !== undefined) {
		const scale = METRES_PER_SECOND[(header.text(`CUNIT${velocityAxis}`) ?? "m/s").toUpperCase().replace(/\s/g, "")];
		const value = axisValue(header, velocityAxis, pixels.get(velocityAxis) ?? 0);
		if (scale !== undefined && value !== undefined) {
			const beta = (value * scale) / LIGHT_SPEED;
			const isOptical = /^(VOPT|FELO)/.test((header.text(`CTYPE${velocityAxis}`) ?? "").toUpperCase());
			frequencyHz = isOptical ? rest / (1 + beta) : rest * (1 - beta);
		}
	}
	if (frequencyHz === undefined && rest !== undefined) {
		frequencyHz = rest;
		warnings.push("no FREQ axis: the rest frequency RESTFRQ is taken as the observing frequency");
	}
	if (frequencyHz !== undefined && !isPlausible(frequencyHz)) {
		warnings.push(`a frequency of ${frequencyHz} Hz is not plausible and is ignored`);
		frequencyHz = undefined;
		bandwidthHz = undefined;
	}
	return { frequencyHz, bandwidthHz, warnings };
}
