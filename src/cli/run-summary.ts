import { existsSync } from "node:fs";
import { join } from "node:path";
import { groupName } from "../pipeline/stages/group.ts";
import type { Run } from "../store/runs.ts";

const number = (value: unknown): string => (typeof value === "number" ? value.toLocaleString("en") : "0");

/** The run in a few lines: what came in, what came out, where to look. */
export function describeRun(run: Run, dataFolder: string, rejected: string[]): string {
	const summary = run.summary as Record<string, Record<string, number> | string | undefined>;
	const of = (stage: string, key: string) => {
		const part = summary[stage];
		return number(typeof part === "object" ? part[key] : 0);
	};
	const lines = [`run ${run.id} ${run.status}`];
	if (run.kind === "normalization") {
		const stage = "normalise-requested";
		lines.push(
			`  images        ${of(stage, "images")}: ${of(stage, "normalized")} on a new scale, ${of(stage, "not_normalized")} left raw`,
			`  light curves  ${of("statistics", "light_curves")} summed again`,
			`  candidates    ${of("detect-requested", "candidates")} (${of("detect-requested", "new_candidates")} new)`,
			...rejected.slice(0, 20).map((reason) => `  rejected      ${reason}`),
		);
		return `${lines.join("\n")}\n`;
	}
	if (run.kind === "visibilities") {
		const group = run.inputs.group ?? run.id;
		const isCorrected = of("convert", "corrected") === "1";
		lines.push(
			`  group         ${group}, ${run.inputs.paths.length} files`,
			`  set           ${of("convert", "rows")} rows of ${of("convert", "channels")} channels, ${isCorrected ? "corrected" : "as recorded"}`,
			...rejected.slice(0, 20).map((reason) => `  rejected      ${reason}`),
			`products      ${join(dataFolder, "visibilities", groupName(group))}`,
		);
		return `${lines.join("\n")}\n`;
	}
	const ingest = summary.ingest;
	const isNews = typeof ingest !== "object" || (ingest.new_images ?? 0) > 0 || of("measure", "measured") !== "0";
	if (!isNews) {
		// Zeros by every stage would read as if the survey were empty.
		lines.push(`  images        ${of("ingest", "images")} seen, none new: the survey stays as it is`);
	} else
		lines.push(
			`  images        ${of("ingest", "images")} seen, ${of("ingest", "new_images")} new; ${of("ingest", "maps")} noise or background maps; ${of("ingest", "ignored")} files left alone`,
			`  sources       ${of("associate", "sources")} (${of("associate", "new_sources")} new)`,
			`  measurements  ${of("measure", "measured")} (${of("measure", "flagged")} flagged)`,
			`  candidates    ${of("detect", "candidates")} (${of("detect", "new_candidates")} new)`,
		);
	for (const reason of rejected.slice(0, 20)) lines.push(`  rejected      ${reason}`);
	if (rejected.length > 20)
		lines.push(`  rejected      and ${rejected.length - 20} more: caustic dead-letters list --data ${dataFolder}`);
	const lightCurves = join(dataFolder, "products", "light_curves.csv");
	lines.push(
		`report        ${join(dataFolder, "reports", `${run.id}.html`)}`,
		`light curves  ${existsSync(lightCurves) ? lightCurves : `caustic export light-curves --data ${dataFolder} --out light_curves.parquet`}`,
		`candidates    ${join(dataFolder, "products", "candidates.csv")}`,
		`dashboard     caustic serve --data ${dataFolder}`,
	);
	return `${lines.join("\n")}\n`;
}
