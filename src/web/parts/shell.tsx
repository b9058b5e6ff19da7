import { useQuery } from "@tanstack/react-query";
import { Link, Outlet } from "@tanstack/react-router";
import { useLive } from "../live.ts";
import { health, survey } from "../queries.ts";
import { chooseTheme, useTheme } from "../theme.ts";
import { setReviewer, useReviewer } from "./reviewer.ts";

const PAGES = [
	["/", "Overview"],
	["/candidates", "Candidates"],
	["/sky", "Sky"],
	["/sources", "Sources"],
	["/eta-v", "η–V plane"],
	["/normalization", "Normalization"],
	["/runs", "Runs"],
	["/dead-letters", "Dead letters"],
] as const;

function HealthLine() {
	const { data, isError } = useQuery(health);
	const { isConnected } = useLive();
	const status = isError || data === undefined ? "fail" : data.status;
	const unwell = Object.entries(data?.checks ?? {}).filter(([, check]) => check.status !== "pass");
	const text =
		data === undefined
			? isError
				? "no answer"
				: "…"
			: unwell.length === 0
				? "all parts well"
				: unwell.map(([name, check]) => `${name}: ${check.output}`).join("; ");
	return (
		<div className="health" title={text}>
			<p>
				<i className={`dot is-${data === undefined && !isError ? "wait" : status}`} aria-hidden="true" />
				{data === undefined && !isError
					? "Asking…"
					: status === "pass"
						? "Ready"
						: status === "warn"
							? "Ready, with a warning"
							: "Not ready"}
			</p>
			<p>
				<i className={`dot is-${isConnected ? "pass" : "wait"}`} aria-hidden="true" />
				{isConnected ? "Live" : "Connecting…"}
			</p>
		</div>
	);
}

/** The frame about every page: where one is, what is open, how the service is. */
export function Shell() {
	const { data } = useQuery(survey);
	const name = useReviewer();
	const isDark = useTheme() === "dark";
	const badges: Record<string, number | undefined> = {
		"/candidates": data?.candidates_open,
		"/dead-letters": data?.dead_letters_open,
	};
	return (
		<div className="shell">
			<a className="skip" href="#page">
				Skip to the page
			</a>
			<nav aria-label="Pages">
				<Link to="/" className="brand">
					<svg viewBox="0 0 32 32" aria-hidden="true">
						<rect width="32" height="32" rx="6" fill="#16324f" />
						<path
							d="M3 11h5c3 0 3.500-5 5-5s1.500 17 3 17 1.500-17 3-17 2 5 5 5h5"
							fill="none"
							stroke="#f4c95d"
							strokeWidth="2.200"
							strokeLinejoin="round"
							strokeLinecap="round"
						/>
					</svg>
					Caustic
				</Link>
				<ul>
					{PAGES.map(([to, title]) => (
						<li key={to}>
							<Link
								to={to}
								activeOptions={{ exact: to === "/", includeSearch: false }}
								activeProps={{ "aria-current": "page" }}
							>
								{title}
								{(badges[to] ?? 0) > 0 && <span className="bubble">{badges[to]}</span>}
							</Link>
						</li>
					))}
				</ul>
				<div className="nav-foot">
					<label>
						Reviewer
						<input
							key={name}
							defaultValue={name}
							placeholder="your name"
							maxLength={200}
							onBlur={(event) => setReviewer(event.target.value)}
						/>
					</label>
					<HealthLine />
					<div className="nav-links">
						<a href="/api/docs">API</a>
						<button type="button" onClick={() => chooseTheme(isDark ? "light" : "dark")}>
							{isDark ? "Light" : "Dark"}
						</button>
					</div>
				</div>
			</nav>
			<main id="page" tabIndex={-1}>
				<Outlet />
			</main>
		</div>
	);
}
