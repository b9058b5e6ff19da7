/** What the service answers, as far as the pages use it. The full description is at /api/docs. */

export interface Page<T> {
	items: T[];
	next_cursor: string | null;
}

export interface Survey {
	fields: number;
	epochs: number;
	bands: number;
	images: number;
	sources: number;
	measurements: number;
	candidates_open: number;
	candidates_confirmed: number;
	dead_letters_open: number;
	first_mjd: number | null;
	last_mjd: number | null;
	database_bytes: number;
}

export interface Field {
	id: number;
	name: string;
	ra_deg: number;
	dec_deg: number;
	radius_deg: number;
	images: number;
	epochs: number;
}

export interface Band {
	id: number;
	frequency_mhz: number;
}

export interface Epoch {
	id: number;
	field: string;
	mjd: number;
	images: number;
	measurements: number;
	correction_low: number | null;
	correction_high: number | null;
	suspicious_images: number;
}

export type Tier = "high" | "medium" | "low";
export type CandidateStatus = "open" | "confirmed" | "rejected" | "merged";

export interface Source {
	id: number;
	name: string;
	origin: string;
	ra_deg: number;
	dec_deg: number;
	mean_flux_jy: number | null;
	eta: number | null;
	v: number | null;
	n_measurements: number;
	significance: number | null;
	candidate_id: number | null;
	candidate_tier: Tier | null;
	separation_arcsec: number | null;
}

export interface BandStatistics {
	band_id: number;
	frequency_mhz: number;
	n: number;
	mean_jy: number | null;
	weighted_mean_jy: number | null;
	v: number | null;
	eta: number | null;
	log10_p: number | null;
	modulation_index: number | null;
	flags: string;
}

export interface SourceDetail extends Source {
	ra_err_arcsec: number | null;
	dec_err_arcsec: number | null;
	catalogue_flux_jy: number | null;
	field: string | null;
	field_id: number | null;
	false_alarm_probability: number | null;
	last_mjd: number | null;
	major_arcsec: number | null;
	minor_arcsec: number | null;
	new_source_significance: number | null;
	statistics: BandStatistics[];
	candidates: {
		id: number;
		status: CandidateStatus;
		tier: Tier;
		significance: number;
		start_mjd: number;
		end_mjd: number;
	}[];
}

export interface LightCurve {
	band_id: number;
	frequency_mhz: number;
	method: string;
	mjd: number[];
	image_id: number[];
	epoch_id: number[];
	flux_jy: (number | null)[];
	flux_err_jy: (number | null)[];
	flux_norm_jy: (number | null)[];
	flux_norm_err_jy: (number | null)[];
	local_rms_jy: (number | null)[];
	upper_limit_jy: (number | null)[];
	correction: (number | null)[];
	flags: string[];
	norm_flags: string[];
}

export interface LightCurves {
	source_id: number;
	configuration: string | null;
	configurations: string[];
	curves: LightCurve[];
}

export interface Statistics {
	source_id: number[];
	name: string[];
	ra_deg: number[];
	dec_deg: number[];
	mean_flux_jy: (number | null)[];
	eta: (number | null)[];
	v: (number | null)[];
	n_measurements: number[];
	significance: (number | null)[];
	candidate_tier: (Tier | null)[];
	total: number;
}

export interface Candidate {
	id: number;
	source_id: number;
	source: string;
	ra_deg: number;
	dec_deg: number;
	status: CandidateStatus;
	significance: number;
	false_alarm_probability: number;
	tier: Tier;
	first_detected_mjd: number;
	start_mjd: number;
	peak_mjd: number;
	end_mjd: number;
	depth: number | null;
	duration_days: number | null;
	chromaticity: number | null;
	statistic: number | null;
	n_measurements: number;
	flags: string;
	explanation: Record<string, unknown>;
	merged_into: number | null;
	last_seq: number;
	created_at: string | null;
}

export interface CandidateEvent {
	seq: number;
	kind: string;
	at: string;
	actor: string;
	reason_class: string | null;
	reason: string | null;
	snapshot: {
		significance?: number;
		false_alarm_probability?: number;
		tier?: Tier;
		last_mjd?: number | null;
		n_measurements?: number;
	};
}

export interface StageProgress {
	stage: string;
	units: number;
	queued: number;
	running: number;
	done: number;
	failed: number;
	started_at: string | null;
	finished_at: string | null;
	busy_seconds: number;
}

export interface Run {
	id: string;
	kind: string;
	status: "running" | "done" | "failed";
	inputs: { paths?: string[]; sources?: number[] | "all"; images?: number[] | "all"; trigger?: string };
	configuration_hash: string;
	trace_id: string | null;
	summary: Record<string, unknown>;
	created_at: string;
	finished_at: string | null;
	stages: StageProgress[];
	configuration?: Record<string, unknown>;
}

export interface TimelineUnit {
	stage: string;
	unit: string;
	status: string;
	attempt: number;
	worker: string | null;
	started_at: string | null;
	finished_at: string | null;
	error: string | null;
}

export interface Timeline {
	units: TimelineUnit[];
	spans: { name: string; start_ms: number; duration_ms: number; failed: boolean }[];
	truncated: boolean;
}

export interface Correction {
	image_id: number;
	path: string;
	epoch_id: number;
	band_id: number;
	frequency_mhz: number;
	mjd: number;
	correction: number;
	correction_err: number | null;
	scatter: number | null;
	n_references: number;
	n_rejected: number;
	source: string;
	status: string;
}

export interface DeadLetter {
	id: number;
	run_id: string | null;
	stage: string;
	unit: string;
	subject: string;
	code: string;
	reason: string;
	remedy: string | null;
	payload: Record<string, unknown>;
	attempts: number;
	status: "open" | "retried" | "resolved";
	note: string | null;
	created_at: string;
	updated_at: string;
}

export interface FailurePattern {
	stage: string;
	code: string;
	open: number;
	total: number;
	latest_reason: string;
	latest_at: string;
}

export interface StageErrorRate {
	stage: string;
	units: number;
	failed: number;
	retried: number;
	median_seconds: number | null;
}

export interface Resources {
	time: number[];
	cpu_machine: (number | null)[];
	cpu_process: (number | null)[];
	memory_process_mb: (number | null)[];
	memory_machine_mb: (number | null)[];
	event_loop_delay_ms: (number | null)[];
	disk_free_mb: (number | null)[];
}

export interface Health {
	status: "pass" | "warn" | "fail";
	checks: Record<
		string,
		{ status: "pass" | "warn" | "fail"; output: string; observedValue?: number; observedUnit?: string }
	>;
}

/** A refusal of the service, in its own words. */
export class ApiError extends Error {
	readonly status: number;
	readonly code: string;
	readonly remedy: string | undefined;

	constructor(status: number, code: string, detail: string, remedy?: string) {
		super(detail);
		this.name = "ApiError";
		this.status = status;
		this.code = code;
		this.remedy = remedy;
	}
}

async function answerOf<T>(response: Response): Promise<T> {
	const type = response.headers.get("content-type") ?? "";
	if (response.ok) return (await response.json()) as T;
	if (type.includes("problem+json")) {
		const problem = (await response.json()) as { code: string; detail: string; remedy?: string };
		throw new ApiError(response.status, problem.code, problem.detail, problem.remedy);
	}
	throw new ApiError(response.status, "http", `the service answered ${response.status}`);
}

export type QueryValues = Record<string, string | number | undefined>;

export async function get<T>(path: string, query: QueryValues = {}, signal?: AbortSignal): Promise<T> {
	const given = Object.entries(query).flatMap(([name, value]) =>
		value === undefined || value === "" ? [] : [[name, String(value)]],
	);
	const text = new URLSearchParams(given).toString();
	let response: Response;
	try {
		response = await fetch(`${path}${text === "" ? "" : `?${text}`}`, signal === undefined ? {} : { signal });
	} catch (error) {
		if ((error as Error).name === "AbortError") throw error;
		throw new ApiError(0, "away", "the service does not answer", "Check that caustic serve runs");
	}
	return answerOf<T>(response);
}

export async function post<T>(path: string, body: unknown): Promise<T> {
	const response = await fetch(path, {
		method: "POST",
		headers: { "Content-Type": "application/json" },
		body: JSON.stringify(body),
	});
	return answerOf<T>(response);
}

/** Health answers 503 with a body that is wanted all the same. */
export async function getHealth(): Promise<Health> {
	const response = await fetch("/health/ready");
	return (await response.json()) as Health;
}

/** Light curves of the fitted lens and of its best alternative. */
export interface CandidateModel {
	candidate_id: number;
	best_alternative: string;
	mjd: number[];
	bands: { band_id: number; frequency_mhz: number; level_jy: number; lens_jy: number[]; alternative_jy: number[] }[];
}

/** The pixels of an image about a position, row by row from the bottom. */
export interface Cutout {
	image_id: number;
	noise_jy: number | null;
	beam_major_arcsec: number;
	beam_minor_arcsec: number;
	beam_pa_deg: number;
	width: number;
	height: number;
	x_pix: number;
	y_pix: number;
	pixel_arcsec: number;
	north_deg: number;
	east_is_left: boolean;
	pixels_jy: (number | null)[];
}

/** Every page of a list, for plots that need all of it; stops at `most` rows. */
export async function getAll<T>(path: string, query: QueryValues, most: number, signal?: AbortSignal): Promise<T[]> {
	const all: T[] = [];
	let cursor: string | undefined;
	do {
		const page = await get<Page<T>>(path, { ...query, cursor }, signal);
		all.push(...page.items);
		cursor = page.next_cursor ?? undefined;
	} while (cursor !== undefined && all.length < most);
	return all;
}
