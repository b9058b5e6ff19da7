import { z } from "zod";

/**
 * Every setting of Caustic, with its default and its meaning. Unknown keys are errors: a setting that nothing reads
 * does not exist. Names follow the files that observatories keep: sections in snake_case.
 */
const positive = (fallback: number, help: string) => z.number().positive().default(fallback).describe(help);
const fraction = (fallback: number, help: string) => z.number().min(0).max(1).default(fallback).describe(help);
const count = (fallback: number, help: string, low = 1, high = 1_000_000_000) =>
	z.number().int().min(low).max(high).default(fallback).describe(help);

const section = <T extends z.ZodRawShape>(shape: T) => z.strictObject(shape).prefault({} as never);

export const configSchema = z.strictObject({
	images: section({
		noise_patterns: z
			.array(z.string().min(1))
			.default(["{name}.noiseMap", "{name}.noise", "{name}.rms", "{name}_rms", "noiseMap.{name}", "rms"])
			.describe("File names, without extension, of the noise map that belongs to image {name}; `*` matches anything"),
		background_patterns: z
			.array(z.string().min(1))
			.default(["{name}.meanMap", "{name}.bkg", "{name}_bkg", "{name}.background", "meanMap.{name}", "bkg"])
			.describe("File names, without extension, of the background map that belongs to image {name}"),
		ignore_patterns: z
			.array(z.string().min(1))
			.default(["*.residual", "*.psf", "*.model", "*-dirty", "*-psf", "*-residual", "*-model", "*.weights", "*.pb"])
			.describe("File names, without extension, of products that are no images of the sky"),
		epoch_window_s: positive(
			1800,
			"Images of one field whose mid-exposures lie within this time form one epoch, seconds",
		),
		field_separation_fraction: fraction(
			0.25,
			"Images whose centres lie within this fraction of the image size show the same field",
		),
		band_tolerance: fraction(0.01, "Images whose frequencies agree within this fraction belong to one subband"),
		beam_geometry: z
			.enum(["reference", "source"])
			.default("reference")
			.describe("Take the pixel geometry of the beam at the reference point or at each source"),
	}),
	photometry_pipeline: section({
		seed_sigma: z.number().min(3).max(20).default(5).describe("An island needs a pixel above this many local rms"),
		flood_sigma: z.number().min(2).max(20).default(4).describe("Islands grow down to this many local rms"),
		new_source_sigma: z
			.number()
			.min(3)
			.max(100)
			.default(6)
			.describe(
				"A component becomes a new source only above this many local rms: a survey has many beams to be wrong in",
			),
		new_sources: z.boolean().default(true).describe("Add sources that the catalogue does not have"),
		association_radius_beams: positive(1, "A component belongs to a source within this many beam widths at most"),
		de_ruiter_limit: positive(5.68, "A component belongs to a source within this many combined position errors"),
		position_systematic_arcsec: z
			.number()
			.min(0)
			.default(0.5)
			.describe("Systematic position error of an image, arcsec"),
		blend_radius_beams: positive(2.5, "Sources closer than this many major axes are solved together"),
		adaptive_binning: z
			.boolean()
			.default(false)
			.describe("Combine the subbands of each epoch until a target signal to noise, beside the forced fluxes"),
		adaptive_target_snr: positive(5, "Signal to noise that a bin of subbands should reach"),
		weights: z
			.enum(["least-squares", "optimal"])
			.default("least-squares")
			.describe("Weights of forced photometry: 1/noise^2, or optimal under the noise correlation"),
		catalog_beam: z
			.array(z.number())
			.length(3)
			.refine(([major, minor]) => major >= minor && minor > 0, "needs major and minor axis, arcsec, and position angle")
			.optional()
			.describe(
				"Beam [major arcsec, minor arcsec, pa deg] with which the catalogue's sizes were fitted; without it every source is measured as a point",
			),
		upper_limit_sigma: positive(3, "A flux below this many errors carries an upper limit"),
		max_concurrent_operations: count(10, "Images in work at the same time, at most", 1, 256),
		memory_limit_mb: count(8192, "Memory for pixels of images in work, MB", 64),
		retry_max_attempts: count(3, "Attempts of a stage before its input goes to the dead letters", 1, 20),
		stage_timeout_seconds: positive(600, "A stage of one image may take this long, seconds"),
	}),
	arrival: section({
		subbands: count(16, "Subband files of a complete group", 1, 1024),
		min_subbands: count(12, "A group with at least so many is taken as partial when its time is up", 1, 1024),
		window_s: positive(120, "Names of one group lie within this time of each other, seconds"),
		timeout_s: positive(600, "How long a group waits for its missing files, seconds"),
		stable_s: z.number().min(0).default(5).describe("A file that has not changed for this long is complete, seconds"),
		poll_s: positive(10, "Folders are listed at least this often: network file systems announce nothing, seconds"),
		remember_days: positive(7, "A group is forgotten when its files have been gone for so many days"),
		groups_in_work: count(1, "Groups solved and converted at the same time; more wait", 1, 64),
		images_per_run: count(1000, "Images of one run, at most; more make a further run", 1, 100_000),
		calibrate: z.boolean().default(true).describe("Solve groups that have a calibrator in the beam"),
		calibrator_list: z
			.string()
			.min(1)
			.optional()
			.describe("CSV in the form of the VLA calibrator list, beside the standard sources"),
	}),
	normalization: section({
		enabled: z.boolean().default(true).describe("Put fluxes of all epochs on one scale"),
		default_fov_radius_deg: positive(1.5, "References lie within this radius of the field centre, degrees"),
		min_snr: positive(20, "Median signal to noise a reference needs in its own images"),
		max_sources: count(200, "References per field, at most"),
		min_references: count(3, "Fewer references than this, and the fallback chain begins"),
		max_deviation_sigma: positive(5, "A reference farther than this from the ensemble is rejected for the image"),
		gate_low: positive(0.5, "A correction below this is suspicious and not applied"),
		gate_high: positive(2, "A correction above this is suspicious and not applied"),
		catalogue_frequency_mhz: positive(
			1400,
			"Frequency of the catalogue's fluxes, MHz: what a field is normalised by until it has baselines of its own",
		),
		catalogue_spectral_index: z
			.number()
			.min(-5)
			.max(5)
			.default(-0.7)
			.describe("Spectral index that takes catalogue fluxes to an image's frequency"),
		anchor_to_catalogue: z
			.boolean()
			.default(false)
			.describe("Put a field's levels on the catalogue's flux scale; else the scale is the survey's own"),
		cached_correction_max_days: positive(
			7,
			"An image without references of its own may lean on the last accepted correction for so long, days",
		),
		cache_ttl_seconds: positive(3600, "Reference lists and results of requests are kept in memory so long, seconds"),
		reference_source_refresh_hours: positive(
			24,
			"Levels and references of a field are brought up to date when its newest epoch is so much later, hours",
		),
		position_dependent: z.boolean().default(true).describe("Fit a plane over the field where references allow"),
	}),
	ese_detection: section({
		enabled: z.boolean().default(true).describe("Look for extreme scattering events after photometry"),
		preset: z
			.enum(["conservative", "moderate", "sensitive"])
			.default("moderate")
			.describe("Threshold by false-alarm probability per source: 0.01, 0.05 or 0.3 %"),
		min_sigma: z.number().min(0).max(20).optional().describe("Threshold in calibrated sigma, instead of the preset's"),
		tier_high: positive(7, "Candidates above this significance are of the high tier"),
		tier_medium: positive(5, "Candidates above this significance are of the medium tier"),
		batch_size: count(1000, "Sources examined per batch", 1, 100_000),
		check_hours: z
			.number()
			.min(0)
			.max(8760)
			.default(24)
			.describe("Statistics are compared with the measurements, and repaired, this often, hours; 0: never by itself"),
		freshness_hours: positive(48, "The detector is unhealthy when its last success is older than this, hours"),
	}),
	report: section({
		light_curve_points: count(
			500_000,
			"Up to so many points a run leaves the survey's light curves as a table; beyond, caustic export writes them",
			0,
		),
	}),
	service: section({
		host: z.string().default("127.0.0.1").describe("Address to listen on"),
		port: z.number().int().min(0).max(65535).default(8765).describe("Port to listen on; 0 takes a free one"),
		allowed_hosts: z
			.array(z.string().min(1))
			.default([])
			.describe("Host names under which a proxy passes requests on; on a loopback address all others are refused"),
		input_folders: z
			.array(z.string().min(1))
			.default([])
			.describe(
				"Folders whose images may be run over HTTP; when none is named, any on a loopback address and none otherwise",
			),
		health_timeout_ms: positive(800, "A health check that takes longer counts as failed, milliseconds"),
		disk_free_min_mb: count(512, "Not ready when less than this is free in the data folder, MB", 0),
		memory_free_min_mb: count(128, "Not ready when less memory than this is available, MB", 0),
	}),
	database: section({
		pool_size: count(8, "Connections per process", 2, 100),
		statement_timeout_seconds: positive(300, "A single statement may take this long, seconds"),
	}),
	observability: section({
		log_level: z
			.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"])
			.default("info")
			.describe("Least level logged"),
		trace_sample_fraction: fraction(1, "Share of runs whose spans are stored"),
		otlp_endpoint: z.url().optional().describe("Send spans also to this OTLP/HTTP collector"),
	}),
});

export type Config = z.infer<typeof configSchema>;
