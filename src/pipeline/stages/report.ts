import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeTable } from "../../formats/table/write.ts";
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

	async execute({ database, dataFolder, configurationHash }: StageContext, run): Promise<StageResult> {
		const reports = join(dataFolder, "reports");
		mkdirSync(reports, { recursive: true });
		const path = join(reports, `${run.id}.html`);
		const html = runReport(await loadReport(database, run));
		// Written beside and renamed: a reader sees a whole report or none.
		writeFileSync(`${path}.part`, html);
		renameSync(`${path}.part`, path);
		// Tables of the whole survey cost as much as the survey is long; arrivals through the night do without.
		if (run.inputs.trigger === "manual") {
			const products = join(dataFolder, "products");
			mkdirSync(products, { recursive: true });
			await writeTable(join(products, "light_curves.csv"), await lightCurveTable(database, configurationHash));
			await writeTable(join(products, "candidates.csv"), await candidateTable(database));
		}
		return { output: { report: path, bytes: html.length }, store: async () => {} };
	},
};
