import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { ApiError } from "./api.ts";
import { followEvents } from "./live.ts";
import { router } from "./router.tsx";
import { applyTheme, useTheme } from "./theme.ts";
import "./style/base.css";
import "./style/shell.css";
import "./style/parts.css";
import "./style/charts.css";

const client = new QueryClient({
	defaultOptions: {
		queries: {
			staleTime: 5000,
			// What the client got wrong stays wrong; what the service could not do may work a moment later.
			retry: (times, error) => times < 2 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
		},
	},
});

followEvents(client);

const element = document.getElementById("app");
if (element === null) throw new Error("the document has no place for the dashboard");

/** Pages are made anew when the theme changes: what is drawn on a canvas does not follow a style sheet. */
function Dashboard() {
	return <RouterProvider key={useTheme()} router={router} />;
}

applyTheme();
createRoot(element).render(
	<StrictMode>
		<QueryClientProvider client={client}>
			<Dashboard />
		</QueryClientProvider>
	</StrictMode>,
);
