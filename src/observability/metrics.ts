import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

/**
 * Every metric of Caustic. Labels are bounded: stages, statuses, methods, tiers, fields; never a source, an image or
 * a free number, so that the number of series does not grow with the epochs.
 */
export const registry = new Registry();
collectDefaultMetrics({ register: registry });

const registers = [registry];
const DURATION_BUCKETS = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 600];

export const stageDuration = new Histogram({
	name: "photometry_pipeline_stage_duration_seconds",
	help: "Duration of pipeline stages",
	labelNames: ["stage"] as const,
	buckets: DURATION_BUCKETS,
	registers,
});
export const stageRuns = new Counter({
	name: "photometry_pipeline_stage_runs_total",
	help: "Pipeline stages by outcome: done, failed, retried, rejected",
	labelNames: ["stage", "status"] as const,
	registers,
});
export const stageCpu = new Counter({
	name: "photometry_pipeline_stage_cpu_seconds_total",
	help: "CPU time of the process while a stage ran; stages that overlap share it",
	labelNames: ["stage"] as const,
	registers,
});
export const measurements = new Counter({
	name: "photometry_measurements_total",
	help: "Photometry measurements by method and status",
	labelNames: ["method", "status"] as const,
	registers,
});
export const snrClasses = new Counter({
	name: "photometry_measurements_by_snr_total",
	help: "Photometry measurements by class of signal to noise",
	labelNames: ["snr_class"] as const,
	registers,
});
export const checks = new Counter({
	name: "photometry_checks_total",
	help: "Checks of measurements by kind (fitted, history, image, new_source) and outcome",
	labelNames: ["check", "outcome"] as const,
	registers,
});
export const accuracy = new Gauge({
	name: "photometry_accuracy_forced_fitted",
	help: "Median difference of fitted and forced fluxes of the last measured image, relative",
	registers,
});
export const measurementAccuracy = new Histogram({
	name: "photometry_measurement_accuracy",
	help: "Accuracy of measurements: difference from the fitted flux of the same source, relative, by class of signal to noise",
	labelNames: ["method", "snr_tier"] as const,
	buckets: [0.001, 0.003, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5],
	registers,
});
export const cacheRequests = new Counter({
	name: "photometry_cache_requests_total",
	help: "Requests to the caches of photometry (maps, headers, results, catalogues, images) by outcome: hit, miss",
	labelNames: ["cache", "outcome"] as const,
	registers,
});
export const cacheHitRatio = new Gauge({
	name: "photometry_cache_hit_ratio",
	help: "Share of the requests to a cache of photometry that it could answer, since the process began",
	labelNames: ["cache"] as const,
	registers,
});
const cacheCounts = new Map<string, { hits: number; all: number }>();
/** Counts requests to a cache and brings its hit ratio up to date. */
export function countCacheRequest(cache: string, isHit: boolean, requests = 1): void {
	if (requests <= 0) return;
	const counts = cacheCounts.get(cache) ?? { hits: 0, all: 0 };
	cacheCounts.set(cache, counts);
	counts.all += requests;
	if (isHit) counts.hits += requests;
	cacheRequests.inc({ cache, outcome: isHit ? "hit" : "miss" }, requests);
	cacheHitRatio.set({ cache }, counts.hits / counts.all);
}
export const pixelMemory = new Gauge({
	name: "photometry_pixel_memory_bytes",
	help: "Memory for pixels of images in work and of images kept for their next use",
	registers,
});
export const throughput = new Gauge({
	name: "photometry_pipeline_throughput_sources_per_hour",
	help: "Measurements of the last measured image, per hour",
	registers,
});
export const images = new Counter({
	name: "photometry_images_total",
	help: "Images by outcome: stored, known, rejected",
	labelNames: ["status"] as const,
	registers,
});
export const normalizationRequests = new Counter({
	name: "photometry_normalization_requests_total",
	help: "Images normalised, by where the correction came from",
	labelNames: ["status"] as const,
	registers,
});
export const correctionFactor = new Histogram({
	name: "normalization_correction_factor",
	help: "Distribution of correction factors",
	buckets: [0.5, 0.8, 0.9, 0.95, 1, 1.05, 1.1, 1.2, 2],
	registers,
});
export const referenceCount = new Histogram({
	name: "normalization_reference_count",
	help: "Number of reference sources used",
	buckets: [1, 3, 5, 10, 15, 20, 50, 100, 200],
	registers,
});
export const normalizationRms = new Histogram({
	name: "normalization_rms",
	help: "Uncertainty of the correction, relative",
	buckets: [0.001, 0.003, 0.01, 0.02, 0.05, 0.1, 0.2],
	registers,
});
export const statisticsComputation = new Histogram({
	name: "variability_stats_computation_seconds",
	help: "Time to compute variability statistics, without reading and storing",
	buckets: DURATION_BUCKETS,
	registers,
});
export const referenceAvailability = new Gauge({
	name: "normalization_reference_availability",
	help: "References measured in the newest image of a field over those on its list",
	labelNames: ["field"] as const,
	registers,
});
export const referenceSnr = new Gauge({
	name: "normalization_reference_snr",
	help: "Median signal to noise of the references in the newest image of a field",
	labelNames: ["field"] as const,
	registers,
});
export const normalizationResidual = new Histogram({
	name: "normalization_residual",
	help: "Median of normalised over expected flux of an image's references, less one, without its sign",
	buckets: [0.001, 0.003, 0.01, 0.02, 0.05, 0.1, 0.2],
	registers,
});
export const normalizationPullStd = new Gauge({
	name: "normalization_pull_std",
	help: "Standard deviation of the references' residuals over their errors in the newest image of a field: 1 when errors are right",
	labelNames: ["field"] as const,
	registers,
});
export const catalogueRatio = new Gauge({
	name: "normalization_catalogue_ratio",
	help: "Median of normalised over catalogue flux in the newest image of a field",
	labelNames: ["field"] as const,
	registers,
});
export const normalizationAlerts = new Counter({
	name: "normalization_alerts_total",
	help: "Alerts of normalization by kind: insufficient_references, suspicious_correction, not_normalised, pull_scatter",
	labelNames: ["kind"] as const,
	registers,
});
export const cacheLookups = new Counter({
	name: "normalization_cache_lookups_total",
	help: "Lookups by cache (references, results) and result (hit, miss)",
	labelNames: ["cache", "result"] as const,
	registers,
});
export const statisticsDuration = new Histogram({
	name: "variability_stats_update_duration_seconds",
	help: "Time to update variability statistics of one epoch",
	buckets: DURATION_BUCKETS,
	registers,
});
export const detectionRequests = new Counter({
	name: "ese_detection_requests_total",
	help: "ESE detection requests by scope (one, many, all, automatic) and status",
	labelNames: ["scope", "status"] as const,
	registers,
});
export const detectionDuration = new Histogram({
	name: "ese_detection_duration_seconds",
	help: "ESE detection execution time",
	buckets: DURATION_BUCKETS,
	registers,
});
export const detectionLatency = new Histogram({
	name: "ese_detection_pipeline_latency_seconds",
	help: "From the begin of a run with new images to its candidates",
	buckets: DURATION_BUCKETS,
	registers,
});
export const pipelineRuns = new Counter({
	name: "ese_detection_pipeline_runs_total",
	help: "ESE detection runs by trigger and status",
	labelNames: ["trigger", "status"] as const,
	registers,
});
export const candidatesCurrent = new Gauge({
	name: "ese_candidates_current",
	help: "Open and confirmed candidates by significance tier",
	labelNames: ["significance_tier"] as const,
	registers,
});
export const candidatesDetected = new Counter({
	name: "ese_candidates_detected_pipeline_total",
	help: "Candidates detected by the pipeline, by significance tier",
	labelNames: ["significance_tier"] as const,
	registers,
});
export const arrivalDecisions = new Counter({
	name: "caustic_arrival_decisions_total",
	help: "Decisions about arriving subband files: accepted, rejected, reopened, duplicate, quarantined, refused",
	labelNames: ["kind"] as const,
	registers,
});
export const arrivalGroups = new Gauge({
	name: "caustic_arrival_groups",
	help: "Groups of subband files by state: open, complete, partial, rejected, quarantined",
	labelNames: ["state"] as const,
	registers,
});
export const arrivalBacklog = new Gauge({
	name: "caustic_arrival_backlog",
	help: "Decisions about groups that wait because there is work enough",
	registers,
});
export const solveAttempts = new Counter({
	name: "calibration_solve_attempts_total",
	help: "Calibration solves by calibrator (those of the flux scale by name, others together) and status: accepted, refused, no_calibrator",
	labelNames: ["calibrator_name", "status"] as const,
	registers,
});
export const solveDuration = new Histogram({
	name: "calibration_solve_duration_seconds",
	help: "Duration of calibration solves by type: K, BP, GP, and all with reading and writing",
	labelNames: ["calibrator_name", "calibration_type"] as const,
	buckets: DURATION_BUCKETS,
	registers,
});
export const solveCpu = new Histogram({
	name: "calibration_solve_cpu_seconds",
	help: "CPU time of the process during a solve",
	buckets: DURATION_BUCKETS,
	registers,
});
export const solveMemory = new Gauge({
	name: "calibration_solve_peak_memory_bytes",
	help: "Most memory that the process had held after its last solve",
	registers,
});
export const solveWritten = new Counter({
	name: "calibration_solve_written_bytes_total",
	help: "Bytes of tables, reports and plots of calibration solves",
	registers,
});
export const calibrationQuality = new Gauge({
	name: "calibration_quality_score",
	help: "Quality score of the last solve of each calibrator",
	labelNames: ["calibrator_name"] as const,
	registers,
});
export const calibrationTrends = new Counter({
	name: "calibration_trends_total",
	help: "Jumps and drifts of antennas and tables found against earlier solves",
	labelNames: ["kind"] as const,
	registers,
});
export const calibrationAge = new Gauge({
	name: "calibration_table_age_hours",
	help: "Age of the observation of the newest accepted tables of each calibrator",
	labelNames: ["calibrator_name"] as const,
	registers,
});
export const groupConversions = new Counter({
	name: "caustic_visibilities_converted_total",
	help: "MeasurementSets written of arrived groups: corrected, uncorrected",
	labelNames: ["status"] as const,
	registers,
});
export const deadLetters = new Counter({
	name: "caustic_dead_letters_total",
	help: "Inputs that went to the dead letters, by stage",
	labelNames: ["stage"] as const,
	registers,
});
export const deadLettersOpen = new Gauge({
	name: "caustic_dead_letters_open",
	help: "Dead letters that wait for a person",
	registers,
});
export const databaseUp = new Gauge({
	name: "caustic_database_up",
	help: "Whether the database answered at the last scrape",
	registers,
});
export const droppedSpans = new Counter({
	name: "caustic_dropped_spans_total",
	help: "Spans that could not be stored",
	registers,
});
export const httpRequests = new Histogram({
	name: "http_request_duration_seconds",
	help: "HTTP requests by route, method and status class",
	labelNames: ["route", "method", "status"] as const,
	buckets: [0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5],
	registers,
});
