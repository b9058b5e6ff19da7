/**
 * The detector on the simulated benchmark sky: precision, recall, false positives, latency, gain jumps and time, beside
 * the prototype's figures (detection notes, section 8). Everything in the detector was frozen before.
 *
 *     node bench/detect.bench.ts [benchmark|calibration|FOLDER] [F00,F01,...|all] [conservative|moderate|sensitive]
 *
 * FOLDER: one that `caustic simulate light-curves` wrote. Weak events, as docs/science/detection.md publishes them:
 *
 *     caustic simulate light-curves weak --seed 441 --fields 4 --sources 75 --events 0.5 --amplitude 0.1,0.4 --faintest 0.02
 *     node bench/detect.bench.ts weak
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PRESETS } from "../src/detection/detect.ts";
import { sigmaOf } from "../src/detection/significance.ts";
import { readLightCurves } from "../src/formats/light-curves.ts";
import { readTable } from "../src/formats/table/read.ts";
import { numbers, texts } from "../src/formats/table/table.ts";
import { detectInThreads } from "../src/pipeline/detection/in-threads.ts";
import { sharedData } from "../test/shared-data.ts";

const [set = "benchmark", only = "all", chosenPreset = "moderate"] = process.argv.slice(2);
const preset = chosenPreset as keyof typeof PRESETS;
if (PRESETS[preset] === undefined) throw new Error(`${preset} is no preset: ${Object.keys(PRESETS).join(", ")}`);
const folder = set === "benchmark" || set === "calibration" ? sharedData("lightcurves", "simulated", set) : set;
const file = ["light_curves.csv.gz", "light_curves.csv", "light_curves.parquet"].find((name) =>
	existsSync(join(folder, name)),
);
if (file === undefined) {
	process.stdout.write(`${folder} holds no light curves: nothing to measure\n`);
	process.exit(0);
}
const curves = await readLightCurves(join(folder, file), join(folder, "sources.csv"));
const truth = await readTable(join(folder, "truth.csv"), { text: ["source_id", "label", "host"] });
const ids = texts(truth, "source_id");
const label = new Map(ids.map((id, i) => [id, texts(truth, "label")[i]]));
const onset = new Map(ids.map((id, i) => [id, numbers(truth, "first_epoch_mjd")[i]]));
const fields = only === "all" ? undefined : only.split(",");
const chosen = new Set(
	curves.sources.flatMap((s, i) => (fields === undefined || fields.includes(s.fieldId ?? "") ? [i] : [])),
);
const rows = Array.from(curves.fluxJy.keys()).filter((row) => chosen.has(curves.sourceIndex[row]));
const pick = (values: ArrayLike<number>) => Float64Array.from(rows, (row) => values[row]);
const table = {
	sourceIndex: Int32Array.from(rows, (row) => curves.sourceIndex[row]),
	mjd: pick(curves.mjd),
	frequencyMhz: pick(curves.frequencyMhz),
	flux: pick(curves.fluxJy),
	fluxErr: pick(curves.fluxErrJy),
};
const cpu = process.cpuUsage();
const begun = performance.now();
const { candidates, scores } = await detectInThreads(table, curves.sources, { preset });
const used = process.cpuUsage(cpu);
const seconds = (performance.now() - begun) / 1000;
const million = rows.length / 1e6;
const epochsOf = new Map<string, number[]>();
for (const row of rows) {
	const field = curves.sources[curves.sourceIndex[row]].fieldId ?? "";
	const list = epochsOf.get(field) ?? [];
	list.push(curves.mjd[row]);
	epochsOf.set(field, list);
}
for (const [field, list] of epochsOf)
	epochsOf.set(
		field,
		[...new Set(list)].sort((a, b) => a - b),
	);
const isEvent = (source: number) => label.get(curves.sources[source].id) === "ese";
const events = [...chosen].filter(isEvent);
const nulls = chosen.size - events.length;
const out = (line: string) => process.stdout.write(`${line}\n`);
out(`${set}: ${chosen.size} sources, ${events.length} events, ${rows.length} measurements`);
out(
	`CPU ${((used.user + used.system) / 1e6 / million).toFixed(1)} s per million measurements (prototype 320-375 + 120-200), wall ${(seconds / million).toFixed(1)} s`,
);
for (const [name, fap] of Object.entries(PRESETS)) {
	// A source counts once, by its own significance; candidates are those of the default threshold.
	const raised = scores.filter((s) => s.significance >= sigmaOf(fap)).map((s) => s.sourceIndex);
	const found = raised.filter(isEvent).length;
	const wrong = raised.length - found;
	out(
		`${name.padEnd(12)} FAP ${fap}: recall ${found}/${events.length} = ${(found / events.length).toFixed(3)}, precision ${found}/${raised.length} = ${(found / Math.max(1, raised.length)).toFixed(3)}, false ${wrong} of ${nulls} = ${((100 * wrong) / nulls).toFixed(3)} % (prototype .900/.982 at .05 %, .967/.906 at .29 %)`,
	);
}
const depthOf = new Map(ids.map((id, i) => [id, numbers(truth, "depth")[i]]));
const scoreOf = new Map(scores.map((s) => [s.sourceIndex, s.significance]));
const edges = [0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.6, 1.01];
const byDepth = edges.slice(0, -1).flatMap((low, i) => {
	const own = events.filter((s) => {
		const depth = depthOf.get(curves.sources[s].id) ?? Number.NaN;
		return depth >= low && depth < edges[i + 1];
	});
	const hits = own.filter((s) => (scoreOf.get(s) ?? 0) >= sigmaOf(PRESETS[preset])).length;
	return own.length === 0 ? [] : [`${low}-${Math.min(1, edges[i + 1])}: ${hits}/${own.length}`];
});
out(`recall by depth at 1400 MHz (${preset}): ${byDepth.join(", ")}`);
const hostOf = new Map(ids.map((id, i) => [id, texts(truth, "host")[i]]));
const byHost = [...new Set(events.map((s) => hostOf.get(curves.sources[s].id) ?? ""))].sort().map((host) => {
	const own = events.filter((s) => hostOf.get(curves.sources[s].id) === host);
	const hits = own.filter((s) => (scoreOf.get(s) ?? 0) >= sigmaOf(PRESETS[preset])).length;
	return `${host}: ${hits}/${own.length}`;
});
out(`recall by host (${preset}): ${byHost.join(", ")}`);
const extra = candidates.length - new Set(candidates.map((c) => c.sourceIndex)).size;
out(`${candidates.length} candidates at ${preset}, ${extra} of them further events of a source`);
const latency: number[] = [];
for (const source of events) {
	const own = candidates.filter((c) => c.sourceIndex === source && c.significance >= sigmaOf(PRESETS[preset]));
	if (own.length === 0) continue;
	const { id, fieldId = "" } = curves.sources[source];
	const first = Math.min(...own.map((c) => c.firstDetectedMjd));
	const begin = onset.get(id) ?? Number.NaN;
	latency.push((epochsOf.get(fieldId) ?? []).filter((t) => t > begin + 0.05 && t <= first + 0.05).length);
}
latency.sort((a, b) => a - b);
out(
	`latency from the first 5 % effect at ${preset}: median ${latency[latency.length >> 1]} epochs, 90 % ${latency[Math.floor(0.9 * latency.length)]}, found ${latency.length} of ${events.length} (prototype 11 at its strict threshold, 58/60)`,
);
const jumpsPath = join(folder, "fields.json");
if (existsSync(jumpsPath)) {
	const known = JSON.parse(readFileSync(jumpsPath, "utf8")) as {
		field_id: string;
		gain_jumps: { first_mjd: number; last_mjd: number }[];
	}[];
	const wrong = candidates.filter((c) => !isEvent(c.sourceIndex) && c.significance >= sigmaOf(PRESETS[preset]));
	const jumps = known.flatMap((f) => f.gain_jumps.map((jump) => ({ field: f.field_id, ...jump })));
	const clean = jumps.filter(
		(jump) =>
			!wrong.some(
				(c) =>
					curves.sources[c.sourceIndex].fieldId === jump.field &&
					c.startMjd <= jump.last_mjd &&
					c.endMjd >= jump.first_mjd,
			),
	);
	out(`gain jumps without a false candidate: ${clean.length} of ${jumps.length}`);
}
const missed = events.filter((s) => !candidates.some((c) => c.sourceIndex === s));
out(`missed: ${missed.map((s) => curves.sources[s].id).join(" ") || "none"}`);
for (const s of scores.filter((s) => !isEvent(s.sourceIndex) && s.significance > sigmaOf(PRESETS.sensitive)))
	out(
		`false at the sensitive preset: ${curves.sources[s.sourceIndex].id} ${label.get(curves.sources[s.sourceIndex].id)} ${s.significance.toFixed(2)} sigma`,
	);
const weakest = candidates.filter((c) => isEvent(c.sourceIndex)).slice(-5);
out(`weakest found: ${weakest.map((c) => `${curves.sources[c.sourceIndex].id} ${c.statistic.toFixed(0)}`).join(", ")}`);
out(`sources judged: ${scores.length}`);
