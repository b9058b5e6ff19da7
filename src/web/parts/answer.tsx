import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { ApiError } from "../api.ts";

/** What went wrong, in the service's words, with what would mend it. */
export function ProblemNotice({ error }: { error: unknown }) {
	const text = error instanceof Error ? error.message : String(error);
	return (
		<div className="notice is-bad" role="alert">
			<strong>{text}</strong>
			{error instanceof ApiError && error.remedy !== undefined && <span>{error.remedy}.</span>}
		</div>
	);
}

/** Shows an answer when it is there, a quiet sign while it is awaited, and what went wrong otherwise. */
export function Answer<T>({ query, children }: { query: UseQueryResult<T>; children: (data: T) => ReactNode }) {
	if (query.data !== undefined) {
		return (
			<>
				{query.isError && <ProblemNotice error={query.error} />}
				{children(query.data)}
			</>
		);
	}
	if (query.isError) return <ProblemNotice error={query.error} />;
	return (
		<p className="empty" role="status">
			Loading…
		</p>
	);
}
