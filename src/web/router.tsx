import { createRootRoute, createRoute, createRouter, type ErrorComponentProps, Link } from "@tanstack/react-router";
import { CandidatePage } from "./pages/candidate.tsx";
import { CandidatesPage } from "./pages/candidates.tsx";
import { DeadLettersPage } from "./pages/dead-letters.tsx";
import { EtaVPage } from "./pages/eta-v.tsx";
import { NormalizationPage } from "./pages/normalization.tsx";
import { OverviewPage } from "./pages/overview.tsx";
import { RunPage, RunsPage } from "./pages/runs.tsx";
import { SkyPage } from "./pages/sky.tsx";
import { SourcePage } from "./pages/source.tsx";
import { SourcesPage } from "./pages/sources.tsx";
import { ProblemNotice } from "./parts/answer.tsx";
import { Shell } from "./parts/shell.tsx";

/** One of the known values of a search parameter, else the first: an address from elsewhere never breaks a page. */
const oneOf =
	<const T extends readonly string[]>(...known: T) =>
	(value: unknown): T[number] =>
		known.includes(value as string) ? (value as T[number]) : known[0];

const positiveInteger = (value: unknown): number | undefined =>
	Number.isInteger(Number(value)) && Number(value) > 0 ? Number(value) : undefined;

const statusOf = oneOf("open", "confirmed", "rejected", "all");
const tierOf = oneOf("all", "high", "medium", "low");
const queueOrderOf = oneOf("queue", "significance", "newest");
const sourceOrderOf = oneOf("significance", "eta", "v", "flux", "name");
const letterStatusOf = oneOf("open", "retried", "resolved", "all");

const root = createRootRoute({
	component: Shell,
	notFoundComponent: () => (
		<p className="empty">
			There is no such page. <Link to="/">Overview</Link>
		</p>
	),
	errorComponent: ({ error }: ErrorComponentProps) => <ProblemNotice error={error} />,
});

const fieldSearch = (search: Record<string, unknown>): { field?: number } => {
	const field = positiveInteger(search.field);
	return field === undefined ? {} : { field };
};

const tree = root.addChildren([
	createRoute({ getParentRoute: () => root, path: "/", component: OverviewPage }),
	createRoute({
		getParentRoute: () => root,
		path: "/candidates",
		component: CandidatesPage,
		validateSearch: (
			search: Record<string, unknown>,
		): {
			status?: ReturnType<typeof statusOf>;
			tier?: ReturnType<typeof tierOf>;
			sort?: ReturnType<typeof queueOrderOf>;
		} => ({
			status: statusOf(search.status),
			tier: tierOf(search.tier),
			sort: queueOrderOf(search.sort),
		}),
	}),
	createRoute({ getParentRoute: () => root, path: "/candidates/$id", component: CandidatePage }),
	createRoute({ getParentRoute: () => root, path: "/sky", component: SkyPage, validateSearch: fieldSearch }),
	createRoute({
		getParentRoute: () => root,
		path: "/sources",
		component: SourcesPage,
		validateSearch: (search: Record<string, unknown>): { sort?: ReturnType<typeof sourceOrderOf>; find?: string } => ({
			sort: sourceOrderOf(search.sort),
			find: typeof search.find === "string" || typeof search.find === "number" ? String(search.find) : "",
		}),
	}),
	createRoute({ getParentRoute: () => root, path: "/sources/$id", component: SourcePage }),
	createRoute({
		getParentRoute: () => root,
		path: "/eta-v",
		component: EtaVPage,
		validateSearch: (search: Record<string, unknown>): { band?: number } => {
			const band = positiveInteger(search.band);
			return band === undefined ? {} : { band };
		},
	}),
	createRoute({
		getParentRoute: () => root,
		path: "/normalization",
		component: NormalizationPage,
		validateSearch: fieldSearch,
	}),
	createRoute({ getParentRoute: () => root, path: "/runs", component: RunsPage }),
	createRoute({ getParentRoute: () => root, path: "/runs/$id", component: RunPage }),
	createRoute({
		getParentRoute: () => root,
		path: "/dead-letters",
		component: DeadLettersPage,
		validateSearch: (search: Record<string, unknown>): { status?: ReturnType<typeof letterStatusOf> } => ({
			status: letterStatusOf(search.status),
		}),
	}),
]);

export const router = createRouter({ routeTree: tree, scrollRestoration: true, defaultPreload: false });

declare module "@tanstack/react-router" {
	interface Register {
		router: typeof router;
	}
}
