import type { OpenAPIHono } from "@hono/zod-openapi";
import { documentationPage, documentationStyle, type OpenApiDocument } from "./documentation-page.ts";

const about = (version: string) => ({
	openapi: "3.1.0",
	info: {
		title: "Caustic",
		version,
		description:
			"Images, sources, light curves and candidates of a survey. Angles are degrees (ICRS), fluxes Jy (peak: Jy/beam), frequencies MHz, " +
			"times MJD UTC. Lists page by `cursor`. Unknown parameters and fields are refused. Errors are problem documents (RFC 9457).",
	},
});

/** The description of the API for programs and, from the same source, for people. */
export function documentation(app: OpenAPIHono, version: string): void {
	let document: OpenApiDocument | undefined;
	const describe = (): OpenApiDocument => {
		document ??= app.getOpenAPI31Document(about(version)) as unknown as OpenApiDocument;
		return document;
	};
	app.get("/api/v1/openapi.json", (c) => c.json(describe()));
	app.get("/api/docs", (c) => c.html(documentationPage(describe())));
	app.get("/api/docs/style.css", (c) => c.body(documentationStyle, 200, { "Content-Type": "text/css; charset=utf-8" }));
}
