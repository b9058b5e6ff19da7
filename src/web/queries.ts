import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import {
	type Band,
	type Candidate,
	type CandidateEvent,
	type CandidateModel,
	type Correction,
	type Cutout,
	type DeadLetter,
	type Epoch,
	type FailurePattern,
	type Field,
	get,
	getAll,
	getHealth,
	type LightCurves,
	type Page,
	type QueryValues,
	type Resources,
	type Run,
	type Source,
	type SourceDetail,
	type StageErrorRate,
	type Statistics,
	type Survey,
	type Timeline,
} from "./api.ts";

/**
 * Every question that a page asks. The first part of a key is the noun, by which the event stream says what to ask
 * again; where nothing is announced, a slow repeat keeps the page fresh.
 */
export const survey = queryOptions({
	queryKey: ["survey"],
	queryFn: ({ signal }) => get<Survey>("/api/v1/survey", {}, signal),
	refetchInterval: 30_000,
});
export const health = queryOptions({ queryKey: ["health"], queryFn: getHealth, refetchInterval: 10_000, retry: false });
export const fields = queryOptions({
	queryKey: ["fields"],
	queryFn: async ({ signal }) => (await get<{ items: Field[] }>("/api/v1/fields", {}, signal)).items,
});
export const bands = queryOptions({
	queryKey: ["bands"],
	queryFn: async ({ signal }) => (await get<{ items: Band[] }>("/api/v1/bands", {}, signal)).items,
});
export const epochs = (limit: number) =>
	queryOptions({
		queryKey: ["epochs", limit],
		queryFn: ({ signal }) => get<Page<Epoch>>("/api/v1/epochs", { limit }, signal),
	});
export const resources = queryOptions({
	queryKey: ["resources"],
	queryFn: ({ signal }) => get<Resources>("/api/v1/resources", {}, signal),
	refetchInterval: 4000,
});
export const errorRates = queryOptions({
	queryKey: ["runs", "error-rates"],
	queryFn: async ({ signal }) =>
		(await get<{ items: StageErrorRate[] }>("/api/v1/error-rates", { hours: 24 * 7 }, signal)).items,
	refetchInterval: 30_000,
});

/** While a run goes on its progress is asked every two seconds: units that finish are announced, those that begin are not. */
export const runs = (limit: number) =>
	queryOptions({
		queryKey: ["runs", "list", limit],
		queryFn: ({ signal }) => get<Page<Run>>("/api/v1/runs", { limit }, signal),
		refetchInterval: ({ state }) => (state.data?.items.some((run) => run.status === "running") ? 2000 : 20_000),
	});
export const run = (id: string) =>
	queryOptions({
		queryKey: ["runs", id],
		queryFn: ({ signal }) => get<Run>(`/api/v1/runs/${encodeURIComponent(id)}`, {}, signal),
		refetchInterval: ({ state }) => (state.data?.status === "running" ? 2000 : false),
	});
export const timeline = (id: string, isLive: boolean) =>
	queryOptions({
		queryKey: ["runs", id, "timeline"],
		queryFn: ({ signal }) => get<Timeline>(`/api/v1/runs/${encodeURIComponent(id)}/timeline`, {}, signal),
		refetchInterval: isLive ? 3000 : false,
		placeholderData: keepPreviousData,
	});

export const statistics = (filter: { band?: number | undefined; field?: number | undefined }) =>
	queryOptions({
		queryKey: ["sources", "statistics", filter],
		queryFn: ({ signal }) => get<Statistics>("/api/v1/statistics", { ...filter, limit: 50_000 }, signal),
		placeholderData: keepPreviousData,
	});
export const sources = (query: QueryValues) =>
	queryOptions({
		queryKey: ["sources", "list", query],
		queryFn: ({ signal }) => get<Page<Source>>("/api/v1/sources", query, signal),
		placeholderData: keepPreviousData,
	});
export const source = (id: number) =>
	queryOptions({
		queryKey: ["sources", id],
		queryFn: ({ signal }) => get<SourceDetail>(`/api/v1/sources/${id}`, {}, signal),
	});
export const lightCurves = (id: number) =>
	queryOptions({
		queryKey: ["sources", id, "light-curves"],
		queryFn: ({ signal }) => get<LightCurves>(`/api/v1/sources/${id}/light-curves`, {}, signal),
	});

/** Images do not change: what was cut out of one is never asked for again. */
export const cutout = (imageId: number, ra: number, dec: number) =>
	queryOptions({
		queryKey: ["cutouts", imageId, ra, dec],
		queryFn: ({ signal }) => get<Cutout>(`/api/v1/images/${imageId}/cutout`, { ra, dec }, signal),
		staleTime: Number.POSITIVE_INFINITY,
	});

export const candidates = (query: QueryValues) =>
	queryOptions({
		queryKey: ["candidates", "list", query],
		queryFn: ({ signal }) => get<Page<Candidate>>("/api/v1/candidates", query, signal),
		placeholderData: keepPreviousData,
	});
export const candidateCounts = queryOptions({
	queryKey: ["candidates", "counts"],
	queryFn: async ({ signal }) =>
		(await get<{ items: { status: string; tier: string; n: number }[] }>("/api/v1/candidate-counts", {}, signal)).items,
	refetchInterval: 30_000,
});
export const candidate = (id: number) =>
	queryOptions({
		queryKey: ["candidates", id],
		queryFn: ({ signal }) => get<Candidate>(`/api/v1/candidates/${id}`, {}, signal),
	});
export const candidateModel = (id: number) =>
	queryOptions({
		queryKey: ["candidates", id, "model"],
		queryFn: ({ signal }) => get<CandidateModel>(`/api/v1/candidates/${id}/model`, {}, signal),
	});
export const candidateHistory = (id: number) =>
	queryOptions({
		queryKey: ["candidates", id, "history"],
		queryFn: async ({ signal }) =>
			(await get<{ items: CandidateEvent[] }>(`/api/v1/candidates/${id}/history`, {}, signal)).items,
	});

export const corrections = (field: number | undefined) =>
	queryOptions({
		queryKey: ["corrections", field],
		queryFn: ({ signal }) => getAll<Correction>("/api/v1/corrections", { field, limit: 5000 }, 50_000, signal),
	});

export const deadLetters = (status: string | undefined) =>
	queryOptions({
		queryKey: ["dead-letters", "list", status],
		queryFn: ({ signal }) => get<Page<DeadLetter>>("/api/v1/dead-letters", { status, limit: 200 }, signal),
		placeholderData: keepPreviousData,
		refetchInterval: 30_000,
	});
export const failurePatterns = queryOptions({
	queryKey: ["dead-letters", "patterns"],
	queryFn: async ({ signal }) => (await get<{ items: FailurePattern[] }>("/api/v1/failure-patterns", {}, signal)).items,
	refetchInterval: 30_000,
});
