import type { Column } from "./table.ts";

/** What the columns of this project mean to other programs: units and IVOA UCD 1+ words by column name. */
const MEANINGS: Record<string, { unit?: string; ucd?: string; description: string }> = {
	source_id: { ucd: "meta.id;meta.main", description: "Identifier of the source" },
	island_id: { ucd: "meta.id", description: "Identifier of the island of connected pixels" },
	candidate_id: { ucd: "meta.id;meta.main", description: "Identifier of the candidate" },
	ra_deg: { unit: "deg", ucd: "pos.eq.ra;meta.main", description: "Right ascension, ICRS" },
	dec_deg: { unit: "deg", ucd: "pos.eq.dec;meta.main", description: "Declination, ICRS" },
	ra_err_arcsec: { unit: "arcsec", ucd: "stat.error;pos.eq.ra", description: "1 sigma, along the great circle" },
	dec_err_arcsec: { unit: "arcsec", ucd: "stat.error;pos.eq.dec", description: "1 sigma" },
	x_pix: { unit: "pix", ucd: "pos.cartesian.x;instr.det", description: "Column, the first is 0" },
	y_pix: { unit: "pix", ucd: "pos.cartesian.y;instr.det", description: "Row, the first is 0" },
	mjd: { unit: "d", ucd: "time.epoch", description: "Mid-exposure, MJD UTC" },
	frequency_mhz: { unit: "MHz", ucd: "em.freq", description: "Frequency" },
	flux_jy: { unit: "Jy", ucd: "phot.flux.density;em.radio", description: "Flux density (peak, Jy/beam)" },
	flux_err_jy: { unit: "Jy", ucd: "stat.error;phot.flux.density;em.radio", description: "1 sigma" },
	peak_flux_jy: { unit: "Jy", ucd: "phot.flux.density;stat.max;em.radio", description: "Peak flux density, Jy/beam" },
	peak_flux_err_jy: { unit: "Jy", ucd: "stat.error;phot.flux.density;em.radio", description: "1 sigma" },
	int_flux_jy: { unit: "Jy", ucd: "phot.flux.density;em.radio", description: "Integrated flux density" },
	int_flux_err_jy: { unit: "Jy", ucd: "stat.error;phot.flux.density;em.radio", description: "1 sigma" },
	upper_limit_jy: { unit: "Jy", ucd: "stat.max;phot.flux.density;em.radio", description: "Upper limit" },
	local_rms_jy: { unit: "Jy", ucd: "instr.det.noise;em.radio", description: "Noise of the image there, Jy/beam" },
	background_jy: { unit: "Jy", ucd: "instr.background;em.radio", description: "Background there, Jy/beam" },
	major_arcsec: { unit: "arcsec", ucd: "phys.angSize.smajAxis", description: "Major axis, FWHM" },
	minor_arcsec: { unit: "arcsec", ucd: "phys.angSize.sminAxis", description: "Minor axis, FWHM" },
	pa_deg: { unit: "deg", ucd: "pos.posAng", description: "Position angle of the major axis, east of north" },
	snr: { ucd: "stat.snr", description: "Signal to noise ratio" },
	chi2: { ucd: "stat.fit.chi2", description: "Chi squared of the fit" },
	dof: { ucd: "stat.fit.dof", description: "Degrees of freedom" },
	flags: { ucd: "meta.code.qual", description: "Names of flags, separated by |; empty when clean" },
	significance: { ucd: "stat.snr", description: "Gaussian sigmas equivalent to the false-alarm probability" },
	false_alarm_probability: { ucd: "stat.probability", description: "False-alarm probability per source" },
	first_detected_mjd: { unit: "d", ucd: "time.epoch", description: "First epoch that would have raised it, MJD UTC" },
	start_mjd: { unit: "d", ucd: "time.start", description: "Begin of the event, MJD UTC" },
	peak_mjd: { unit: "d", ucd: "time.epoch;stat.max", description: "Extreme of the event, MJD UTC" },
	end_mjd: { unit: "d", ucd: "time.end", description: "End of the event, MJD UTC" },
	duration_days: { unit: "d", ucd: "time.duration", description: "Duration of the event" },
	depth: { ucd: "phot.flux;arith.ratio", description: "Fraction of the flux missing at the extreme" },
	n_measurements: { ucd: "meta.number", description: "Number of measurements" },
	eta: { ucd: "stat.fit.chi2;stat.variance", description: "Weighted reduced chi squared of a constant flux" },
	v: { ucd: "stat.stdev;arith.ratio", description: "Standard deviation over mean of the flux" },
};

const SUFFIXES: [RegExp, string][] = [
	[/_deg$/, "deg"],
	[/_arcsec$/, "arcsec"],
	[/_mjy$/, "mJy"],
	[/_jy$/, "Jy"],
	[/_mhz$/, "MHz"],
	[/_hz$/, "Hz"],
	[/_(px|pix)$/, "pix"],
	[/(^|_)mjd$/, "d"],
	[/_days$/, "d"],
	[/_s$/, "s"],
];

/** Unit, UCD and description of a column: its own, else what its name says. */
export function meaningOf(column: Column): { unit?: string; ucd?: string; description?: string } {
	const known = MEANINGS[column.name];
	const isNumber = column.kind === "number" || column.kind === "integer";
	return {
		unit: column.unit ?? known?.unit ?? (isNumber ? SUFFIXES.find(([end]) => end.test(column.name))?.[1] : undefined),
		ucd: column.ucd ?? known?.ucd,
		description: column.description ?? known?.description,
	};
}
