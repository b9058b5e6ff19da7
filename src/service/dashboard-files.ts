import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { extname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { Context } from "hono";

/** Where the built dashboard lies in a checkout. */
export const DASHBOARD_FOLDER = fileURLToPath(new URL("../../dist/web", import.meta.url));

const TYPES: Record<string, string> = {
	".html": "text/html; charset=utf-8",
	".js": "text/javascript; charset=utf-8",
	".css": "text/css; charset=utf-8",
	".svg": "image/svg+xml",
	".png": "image/png",
	".json": "application/json",
	".woff2": "font/woff2",
	".map": "application/json",
	".txt": "text/plain; charset=utf-8",
};

interface DashboardFile {
	bytes: Uint8Array<ArrayBuffer>;
	type: string;
	etag: string;
}

const NOT_BUILT = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Caustic</title>
<p>The service runs; the dashboard has not been built. Run <code>npm run web</code> in the checkout and start the service again.</p>
<p>The API is described at <a href="/api/docs">/api/docs</a>.</p></html>`;

/**
 * The built dashboard, read once into memory: a path is looked up in a table and never touches the disk, so that no
 * path can lead out of the folder. Addresses of pages all give the one document, whose script shows the page.
 */
export class DashboardFiles {
	readonly #files = new Map<string, DashboardFile>();

	constructor(folder: string = DASHBOARD_FOLDER) {
		if (!existsSync(join(folder, "index.html"))) return;
		for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
			if (!entry.isFile()) continue;
			const path = join(entry.parentPath, entry.name);
			const bytes = new Uint8Array(readFileSync(path));
			this.#files.set(`/${relative(folder, path).split(sep).join("/")}`, {
				bytes,
				type: TYPES[extname(path)] ?? "application/octet-stream",
				etag: `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`,
			});
		}
	}

	get isBuilt(): boolean {
		return this.#files.size > 0;
	}

	/** The file or page of a path; undefined when there is none. */
	answer(c: Context): Response | undefined {
		const { path } = c.req;
		const isPage = extname(path) === "";
		const file = this.#files.get(path) ?? (isPage ? this.#files.get("/index.html") : undefined);
		if (file === undefined) return isPage ? c.html(NOT_BUILT, 200) : undefined;
		c.header("ETag", file.etag);
		// Names of built files carry a hash of their content; the document that names them does not.
		c.header("Cache-Control", path.startsWith("/assets/") ? "public, max-age=31536000, immutable" : "no-cache");
		if (c.req.header("if-none-match") === file.etag) return c.body(null, 304);
		return c.body(file.bytes, 200, { "Content-Type": file.type });
	}
}
