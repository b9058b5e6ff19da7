import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeTable } from "../../formats/table/write.ts";
import type { Queryable } from "../../store/database.ts";
import { loadReport } from "../report/load-report.ts";
import { candidateTable, lightCurveTable } from "../report/products.ts";
import { runReport } from "../report/run-report.ts";
import type { Stage, StageContext, StageResult } from "../stage.ts";

/** Leaves what people look at: a report of the run, and the survey's tables where a person asked for the run. */
export const report: Stage = {
	name: "report",
	after: ["detect"],
	enabled: () => true,
	units: async () => ["report"],
	onFailure: "reject",

	async execute({ database, dataFolder, config, configurationHash }: StageContext, run): Promise<StageResult> {
		const reports = join(dataFolder, "reports");
		mkdirSync(reports, { recursive: true });
		const path = join(reports, `${run.id}.html`);
		const html = runReport(await loadReport(database, run));
		// Written beside and renamed: a reader sees a whole report or none.
		writeFileSync(`${path}.part`, html);
		renameSync(`${path}.part`, path);
		const products = join(dataFolder, "products");
		mkdirSync(products, { recursive: true });
		await writeTable(join(products, "candidates.csv"), await candidateTable(database));
		// The table of all light curves costs as much as the survey is long: arrivals through the night do without, and so
		// does a survey that has outgrown the setting, of which an old table is not left standing.
		if (run.inputs.trigger === "manual") {
			const lightCurves = join(products, "light_curves.csv");
			if (await hasAtMost(database, configurationHash, config.report.light_curve_points))
				await writeTable(lightCurves, await lightCurveTable(database, configurationHash));
			else rmSync(lightCurves, { force: true });
		}
		return { output: { report: path, bytes: html.length }, store: async () => {} };
	},
};

/** Whether the survey has no more points than that; looks at no more than it must. */
async function hasAtMost(db: Queryable, configuration: string, points: number): Promise<boolean> {
	const [{ more }] = await db.query<{ more: boolean }>(
		"survey length",
		"SELECT count(*) > $2::bigint AS more FROM (SELECT FROM measurement WHERE method = 'forced' AND configuration = $1 LIMIT $2::bigint + 1) AS counted",
		[configuration, points],
	);
	return !more;
}
