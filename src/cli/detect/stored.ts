import type { Config } from "../../config/schema.ts";
import type { Candidate, DetectOptions } from "../../detection/detect.ts";
import { badInput } from "../../error.ts";
import { writeTable } from "../../formats/table/write.ts";
import {
	type JudgedSource,
	type Judgement,
	judgeStored,
	storeJudgement,
} from "../../pipeline/detection/judge-stored.ts";
import { configurationHash } from "../../pipeline/runner.ts";
import type { Database } from "../../store/database.ts";
import { EXIT, type Invocation, stringOption } from "../command.ts";
import { writeResult } from "../image-options.ts";
import { progressOn } from "../progress.ts";
import { withStore } from "../store-options.ts";
import { candidateTable, type ScoredSource, scoreTable } from "./candidate-table.ts";
import { explainStored } from "./explain.ts";

export interface NamedSource extends JudgedSource {
	name: string;
}

/** Sources with a light curve, all or those named by name or number; an unknown one is refused by name. */
export async function sourcesNamed(database: Database, wanted: readonly string[]): Promise<NamedSource[]> {
	const columns = "id, name, ra_deg, dec_deg, field_id";
	if (wanted.length === 0)
		return database.query<NamedSource>(
			"sources with light curves",
			`SELECT ${columns} FROM source WHERE EXISTS (SELECT FROM light_curve_state WHERE source_id = source.id) ORDER BY id`,
		);
	const numbers = wanted.filter((text) => /^\d{1,15}$/.test(text)).map(Number);
	const found = await database.query<NamedSource>(
		"sources by name",
		`SELECT ${columns} FROM source WHERE name = ANY($1) OR id = ANY($2) ORDER BY id`,
		[wanted, numbers],
	);
	const known = new Set(found.flatMap((source) => [source.name, String(source.id)]));
	const missing = wanted.filter((text) => !known.has(text));
	if (missing.length > 0)
		throw badInput("no-source", "there is no such source", {
			subject: `--source ${missing.slice(0, 5).join(", ")}${missing.length > 5 ? ` and ${missing.length - 5} more` : ""}`,
			remedy: "Give names or numbers as caustic export sources lists them",
		});
	// A name wins over a number that looks like it.
	const names = new Set(wanted);
	const byName = new Set(found.filter((source) => names.has(source.name)).map((source) => source.name));
	return found.filter((source) => names.has(source.name) || !byName.has(String(source.id)));
}

/** `caustic detect` on what is stored: judges, verifies, stores, and writes the candidates with their stored numbers. */
export async function detectStored(invocation: Invocation, options: DetectOptions): Promise<number> {
	const wanted = invocation.options.source;
	return withStore(invocation, { mustExist: true }, async ({ store: { database }, config }) => {
		const sources = await sourcesNamed(database, Array.isArray(wanted) ? wanted : []);
		const settings: Config["ese_detection"] = {
			...config.ese_detection,
			...(options.preset === undefined ? {} : { preset: options.preset }),
			...(options.preset !== undefined || options.minSigma !== undefined ? { min_sigma: options.minSigma } : {}),
		};
		const progress = progressOn("caustic detect");
		const found: { candidate: Candidate; source: NamedSource; id: number }[] = [];
		const scores: Judgement["detections"]["scores"] = [];
		const scored: NamedSource[] = [];
		let refused = 0;
		const batch = settings.batch_size;
		try {
			for (let at = 0; at < sources.length; at += batch) {
				invocation.signal.throwIfAborted();
				const part = sources.slice(at, at + batch);
				const judgement = await judgeStored(database, part, settings, configurationHash(config), {
					onRefused: (id, reason) => {
						refused++;
						process.stderr.write(`caustic: source ${id}: candidate refused: ${reason}\n`);
					},
				});
				const recorded = await database.transaction("store detection", (tx) => storeJudgement(tx, judgement));
				judgement.detections.candidates.forEach((candidate, i) => {
					found.push({ candidate, source: part[candidate.sourceIndex], id: recorded[i].id });
				});
				for (const score of judgement.detections.scores) {
					scores.push(score);
					scored.push(part[score.sourceIndex]);
				}
				progress.update(Math.min(sources.length, at + batch), sources.length, "sources");
			}
		} finally {
			progress.end();
		}
		found.sort(
			(a, b) =>
				b.candidate.significance - a.candidate.significance ||
				b.candidate.statistic - a.candidate.statistic ||
				a.id - b.id,
		);
		const place = new Map(found.map((one) => [one.candidate, one]));
		await writeResult(
			invocation,
			candidateTable(
				found.map((one) => one.candidate),
				(candidate) => place.get(candidate)?.source.name ?? "",
				(candidate) => place.get(candidate)?.id ?? 0,
			),
		);
		const path = stringOption(invocation, "scores");
		if (path !== undefined) {
			const statistics = await statisticsOf(database, scored);
			await writeTable(
				path,
				scoreTable(
					scored.map((source, i): ScoredSource => ({ id: source.name, ...scores[i], ...statistics(source.id) })),
				),
			);
		}
		const folder = stringOption(invocation, "explain");
		if (folder !== undefined)
			for (const { candidate, source, id } of found)
				await explainStored(database, configurationHash(config), source, candidate, folder, id);
		return refused > 0 ? EXIT.rejectedItems : EXIT.done;
	});
}

/** eta and V of each source, of the band with the most measurements. */
async function statisticsOf(database: Database, sources: readonly NamedSource[]) {
	const rows = await database.query<{ source_id: number; eta: number | null; v: number | null }>(
		"statistics of sources",
		`SELECT DISTINCT ON (source_id) source_id, eta, v FROM light_curve_state WHERE source_id = ANY($1) ORDER BY source_id, n DESC, band_id`,
		[sources.map((source) => source.id)],
	);
	const of = new Map(rows.map((row) => [row.source_id, row]));
	return (id: number) => ({ eta: of.get(id)?.eta ?? Number.NaN, v: of.get(id)?.v ?? Number.NaN });
}
