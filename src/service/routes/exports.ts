import { createReadStream } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { createRoute, z } from "@hono/zod-openapi";
import { badInput } from "../../error.ts";
import type { Table } from "../../formats/table/table.ts";
import { writeTable } from "../../formats/table/write.ts";
import { PRODUCTS, type Product, productTable } from "../../pipeline/report/products.ts";
import type { Database } from "../../store/database.ts";
import { getSource } from "../../store/read/sources.ts";
import { problem } from "../answers.ts";
import type { Routes } from "../context.ts";
import { idParameter } from "../parameters.ts";

const TYPES = {
	csv: "text/csv; charset=utf-8",
	parquet: "application/vnd.apache.parquet",
	vot: "application/x-votable+xml",
	json: "application/json",
	arrow: "application/vnd.apache.arrow.file",
	fits: "application/fits",
} as const;
const FORMATS = Object.keys(TYPES) as [keyof typeof TYPES, ...(keyof typeof TYPES)[]];

/** More rows than this are not for one answer. */
const MOST_ROWS = 1_000_000;

async function tableOf(db: Database, product: Product, source: number | undefined): Promise<Table> {
	if (source !== undefined && (product === "sources" || product === "candidates")) {
		throw badInput("bad-request", `cannot be chosen for ${product}`, {
			subject: "source",
			remedy: "Leave it out, or export light-curves or measurements",
		});
	}
	if (product === "sources" || product === "candidates") return productTable(db, product);
	const [{ rows }] = await db.query<{ rows: number }>(
		"rows to export",
		"SELECT count(*) AS rows FROM (SELECT 1 FROM measurement WHERE $1::bigint IS NULL OR source_id = $1 LIMIT $2) AS counted",
		[source ?? null, MOST_ROWS + 1],
	);
	if (rows > MOST_ROWS) {
		throw badInput("too-many-rows", `has more than ${MOST_ROWS} measurements`, {
			subject: "survey",
			remedy: `Choose a source, or use caustic export ${product}`,
		});
	}
	return productTable(db, product, source);
}

export const exportRoutes: Routes = (app, { store }) => {
	app.openapi(
		createRoute({
			method: "get",
			path: "/api/v1/export/{product}",
			tags: ["Export"],
			summary: "Light curves, measurements, combined subbands, sources or candidates as a file for other tools",
			request: {
				params: z.object({ product: z.enum(PRODUCTS).openapi({ description: "What to export" }) }),
				query: z.strictObject({
					format: z
						.enum(FORMATS)
						.optional()
						.openapi({ description: "csv unless told; vot is VOTable, fits a binary table" }),
					source: idParameter("Only of this source").optional(),
				}),
			},
			responses: {
				200: {
					description: "The table, as `caustic export` writes it",
					content: Object.fromEntries(
						Object.values(TYPES).map((type) => [
							type.split(";")[0],
							{ schema: z.string().openapi({ format: "binary" }) },
						]),
					),
				},
				400: problem("A parameter does not fit; `errors` names each"),
				404: problem("There is no such source"),
			},
		}),
		async (c) => {
			const { product } = c.req.valid("param");
			const { format = "csv", source } = c.req.valid("query");
			const named = source === undefined ? undefined : await getSource(store.database, source);
			if (source !== undefined && named === undefined) {
				throw badInput("no-source", "there is no such source", {
					subject: `source ${source}`,
					remedy: "See /api/v1/sources",
				});
			}
			const table = await tableOf(store.database, product, source);
			const folder = await mkdtemp(join(tmpdir(), "caustic-export-"));
			const dispose = () => void rm(folder, { recursive: true, force: true });
			try {
				const path = join(folder, `table.${format}`);
				await writeTable(path, table);
				const { size } = await stat(path);
				const stream = createReadStream(path);
				stream.once("close", dispose);
				const name = `${product.replaceAll("-", "_")}${named === undefined ? "" : `_${named.name.replace(/[^\w.+-]+/g, "_")}`}.${format}`;
				return c.body(Readable.toWeb(stream) as ReadableStream, 200, {
					"Content-Type": TYPES[format],
					"Content-Length": String(size),
					"Content-Disposition": `attachment; filename="${name}"`,
				}) as never;
			} catch (error) {
				dispose();
				throw error;
			}
		},
	);
};
