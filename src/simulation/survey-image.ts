import type { Plane } from "../sky/plane.ts";
import { mjdToIso } from "../sky/time.ts";
import { CorrelatedNoise } from "./correlated-noise.ts";
import { Random } from "./random.ts";
import { fluxScale, noiseProfile, type Survey } from "./survey.ts";

/** A source is drawn out to where it has fallen to e^-18 of its peak: 6 sigma. */
const REACH = 18;
const SECONDS_PER_DAY = 86_400;

/** Draws the images of one survey. Each image depends on the survey and its own epoch and subband only. */
export class SurveyPainter {
	private readonly survey: Survey;
	private readonly noise: (CorrelatedNoise | undefined)[];
	private readonly random: Random;
	private readonly blank: Uint8Array;
	/** Noise over the noise at the centre, and the background, the same in every image. */
	private readonly profile: Float64Array;
	private readonly smooth: Float64Array;

	constructor(survey: Survey) {
		this.survey = survey;
		const { size } = survey.options;
		this.profile = Float64Array.from({ length: size * size }, (_, p) =>
			noiseProfile(survey.options, p % size, Math.floor(p / size)),
		);
		this.smooth = smoothBackground(survey);
		this.noise = survey.subbands.map(() => undefined);
		this.random = new Random(survey.options.seed).fork("images");
		this.blank = blankPixels(survey, this.random.fork("holes"));
	}

	/**
	 * The images of two successive epochs (`first` even and first + 1, when there is one) in a subband, Jy/beam, NaN
	 * where blank: noise comes in twos.
	 */
	paint(first: number, subband: number): Plane[] {
		const { survey } = this;
		const { size, noiseCorrelation } = survey.options;
		this.noise[subband] ??= new CorrelatedNoise(size, size, survey.subbands[subband].kernel, noiseCorrelation);
		const planes = [new Float64Array(size * size), new Float64Array(size * size)];
		(this.noise[subband] as CorrelatedNoise).draw(this.random.fork(`${first} ${subband}`), planes[0], planes[1]);
		const count = Math.min(2, survey.epochs.length - first);
		return planes.slice(0, count).map((data, i) => {
			const centre = survey.epochs[first + i].subbands[subband].noiseJy;
			for (let p = 0; p < data.length; p++) data[p] = data[p] * centre * this.profile[p] + this.smooth[p];
			this.addSources(data, first + i, subband);
			for (let p = 0; p < data.length; p++) if (this.blank[p] !== 0) data[p] = Number.NaN;
			return { width: size, height: size, data: new Float32Array(data) };
		});
	}

	private addSources(data: Float64Array, epoch: number, subband: number): void {
		const { survey } = this;
		const { size } = survey.options;
		const { a, b, c } = survey.subbands[subband].kernel;
		const determinant = a * c - (b * b) / 4;
		const halfX = Math.sqrt((REACH * c) / determinant);
		const halfY = Math.sqrt((REACH * a) / determinant);
		survey.sources.forEach(({ x, y }, s) => {
			const flux = survey.fluxJy[s][epoch * survey.subbands.length + subband];
			const peak = flux * fluxScale(survey, epoch, subband, x, y);
			const x0 = Math.max(0, Math.ceil(x - halfX));
			const x1 = Math.min(size - 1, Math.floor(x + halfX));
			const y1 = Math.min(size - 1, Math.floor(y + halfY));
			for (let py = Math.max(0, Math.ceil(y - halfY)); py <= y1; py++) {
				const dy = py - y;
				for (let px = x0; px <= x1; px++) {
					const dx = px - x;
					const exponent = a * dx * dx + b * dx * dy + c * dy * dy;
					if (exponent < REACH) data[py * size + px] += peak * Math.exp(-exponent);
				}
			}
		});
	}

	/** The true noise map of an image, Jy/beam. */
	rms(epoch: number, subband: number): Plane {
		const { size } = this.survey.options;
		const centre = this.survey.epochs[epoch].subbands[subband].noiseJy;
		return { width: size, height: size, data: this.profile.map((share) => centre * share) };
	}

	/** The true background of every image, Jy/beam. */
	background(): Plane {
		const { size } = this.survey.options;
		return { width: size, height: size, data: this.smooth };
	}

	/** Whether a pixel holds no data. */
	isBlank(x: number, y: number): boolean {
		const { size } = this.survey.options;
		return this.blank[Math.round(y) * size + Math.round(x)] !== 0;
	}
}

/** A smooth wave across the field. */
function smoothBackground({ options: { size, background, noiseJy } }: Survey): Float64Array {
	const data = new Float64Array(size * size);
	if (background === 0) return data;
	const wave = (2 * Math.PI) / size;
	for (let y = 0; y < size; y++) {
		for (let x = 0; x < size; x++) {
			data[y * size + x] = background * noiseJy * Math.sin(1.5 * wave * x) * Math.cos(wave * y);
		}
	}
	return data;
}

function blankPixels(survey: Survey, random: Random): Uint8Array {
	const { size, blankBorder, holes } = survey.options;
	const blank = new Uint8Array(size * size);
	for (let y = 0; y < size; y++) {
		for (let x = 0; x < size; x++) {
			if (Math.min(x, y, size - 1 - x, size - 1 - y) < blankBorder) blank[y * size + x] = 1;
		}
	}
	for (let i = 0; i < holes; i++) {
		const [cx, cy, radius] = [random.uniform(0, size), random.uniform(0, size), random.uniform(4, 24)];
		for (let y = Math.max(0, Math.ceil(cy - radius)); y <= Math.min(size - 1, cy + radius); y++) {
			for (let x = Math.max(0, Math.ceil(cx - radius)); x <= Math.min(size - 1, cx + radius); x++) {
				if (Math.hypot(x - cx, y - cy) <= radius) blank[y * size + x] = 1;
			}
		}
	}
	return blank;
}

/** The header cards of an image: unit, beam, coordinates, frequency, Stokes and time. */
export function imageCards(survey: Survey, epoch: number, subband: number): [string, string | number, string?][] {
	const { options, subbands, epochs, wcsCards } = survey;
	const { beam, frequencyMhz } = subbands[subband];
	const { mjd, number } = epochs[epoch];
	const half = options.exposureS / SECONDS_PER_DAY / 2;
	return [
		["BUNIT", "Jy/beam", "brightness"],
		["BTYPE", "Intensity"],
		["OBJECT", "CAUSTIC-SIM", "simulated field"],
		["TELESCOP", "SIMULATED"],
		["ORIGIN", "caustic simulate sky"],
		["BMAJ", beam.majorDeg, "[deg] FWHM of the restoring beam"],
		["BMIN", beam.minorDeg, "[deg]"],
		["BPA", beam.paDeg, "[deg] east of north"],
		...wcsCards,
		["CTYPE3", "FREQ"],
		["CRPIX3", 1],
		["CDELT3", options.bandwidthMhz * 1e6, "[Hz] bandwidth"],
		["CRVAL3", frequencyMhz * 1e6, "[Hz] centre of the subband"],
		["CUNIT3", "Hz"],
		["CTYPE4", "STOKES"],
		["CRPIX4", 1],
		["CDELT4", 1],
		["CRVAL4", 1, "Stokes I"],
		["SPECSYS", "TOPOCENT"],
		["TIMESYS", "UTC"],
		["DATE-OBS", mjdToIso(mjd - half, 3), "start of the observation"],
		["DATE-END", mjdToIso(mjd + half, 3)],
		["MJD-OBS", mjd - half, "[d] start"],
		["MJD-AVG", mjd, "[d] mid-exposure"],
		["MJD-END", mjd + half, "[d]"],
		["EXPTIME", options.exposureS, "[s]"],
		["EPOCHNUM", number, "number of the epoch in the survey"],
		["SEED", options.seed, "of the simulation"],
	];
}
