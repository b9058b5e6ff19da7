/**
 * Normalization: how long an image and a field take, and how well the steady sources of a simulated sky come out, beside the
 * usual script: the unweighted median of the ratios to the mean of the first ten epochs, the target itself inside.
 */
import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { readLightCurves } from "../src/formats/light-curves.ts";
import type { FieldTask } from "../src/normalization/normalize-field.ts";
import { NORMALIZATION_FLAGS, normalizeImage } from "../src/normalization/normalize-image.ts";
import { type PullSummary, pullsOf, summarisePulls } from "../src/normalization/quality.ts";
import { madScale, median } from "../src/normalization/robust-location.ts";
import { type FieldSurvey, renormalize, solveBaselines } from "../src/normalization/survey.ts";
import { hasSharedData, sharedData } from "../test/shared-data.ts";
import { simulateField } from "../test/simulated-gains.ts";

const print = (text: string) => process.stdout.write(`${text}\n`);
const jumps = [{ first: 10, last: 20, amplitude: -0.2, tilt: 0.1 }];

{
	const field = simulateField(1, { sources: 10_000, epochs: 12, jumps: [{ ...jumps[0], first: 8, last: 11 }] });
	const begun = performance.now();
	const solved = solveBaselines(field);
	print(
		`baselines of 10,000 sources in 12 epochs, ${solved.references.primary.length} references: ${((performance.now() - begun) / 1000).toFixed(2)} s`,
	);
	const sourceIndex = Int32Array.from({ length: field.sources }, (_, i) => i);
	const column = (values: Float64Array, k: number) =>
		Float64Array.from(sourceIndex, (i) => values[i * field.epochs + k]);
	const times: number[] = [];
	for (let run = 0; run < 12; run++) {
		const image = {
			mjd: field.mjd[run],
			sourceIndex,
			fluxJy: column(field.fluxJy, run),
			fluxErrJy: column(field.fluxErrJy, run),
			raDeg: field.raDeg,
			decDeg: field.decDeg,
		};
		const start = performance.now();
		normalizeImage(image, { baselines: solved.baselines, references: solved.references });
		times.push(performance.now() - start);
	}
	print(`one image of 10,000 sources, each left out of its own correction: ${median(times.slice(2)).toFixed(1)} ms`);
}
for (const epochs of [50, 500]) {
	const field = simulateField(2, { sources: 200, epochs, jumps });
	const begun = performance.now();
	solveBaselines(field);
	print(
		`joint solution and steadiness of 200 sources in ${epochs} epochs: ${((performance.now() - begun) / 1000).toFixed(2)} s`,
	);
}

/** The usual script, on the same references: no weights, no errors of the correction, the target inside. */
function usualScript(survey: FieldSurvey, references: Int32Array): Float64Array {
	const { sources, epochs, fluxJy } = survey;
	const norm = new Float64Array(fluxJy.length).fill(Number.NaN);
	const base = new Float64Array(sources);
	for (let i = 0; i < sources; i++) {
		const first = [...fluxJy.subarray(i * epochs, (i + 1) * epochs)].filter((flux) => !Number.isNaN(flux)).slice(0, 10);
		base[i] = first.reduce((sum, flux) => sum + flux, 0) / first.length;
	}
	for (let k = 0; k < epochs; k++) {
		const c = median(Array.from(references, (i) => fluxJy[i * epochs + k] / base[i]));
		for (let i = 0; i < sources; i++) norm[i * epochs + k] = fluxJy[i * epochs + k] / c;
	}
	return norm;
}

async function sky(name: string, everything: boolean): Promise<void> {
	const path = (file: string) => sharedData("lightcurves", "simulated", name, file);
	if (!hasSharedData || !existsSync(path("truth.csv"))) {
		print(`simulated sky ${name}: absent`);
		return;
	}
	const label = new Map(
		readFileSync(path("truth.csv"), "utf8")
			.trim()
			.split("\n")
			.slice(1)
			.map((line) => line.split(",").slice(0, 2) as [string, string]),
	);
	const curves = await readLightCurves(path("light_curves.csv.gz"), path("sources.csv"));
	const groups = new Map<string, number[]>();
	for (let row = 0; row < curves.fluxJy.length; row++) {
		const field = curves.sources[curves.sourceIndex[row]].fieldId ?? "";
		if (!everything && !["F01", "F02", "F07", "F13"].includes(field)) continue;
		const key = `${field} ${curves.frequencyMhz[row]}`;
		groups.set(key, groups.get(key) ?? []);
		groups.get(key)?.push(row);
	}
	const jumpsOf = new Map<string, { first_mjd: number; last_mjd: number }[]>(
		JSON.parse(readFileSync(path("fields.json"), "utf8")).map((f: { field_id: string; gain_jumps: [] }) => [
			f.field_id,
			f.gain_jumps,
		]),
	);
	const all = { before: [] as number[], after: [] as number[], jumpBefore: [] as number[], jumpAfter: [] as number[] };
	const scatter = {
		before: [] as number[],
		script: [] as number[],
		after: [] as number[],
		bright: [] as number[],
		brightBefore: [] as number[],
		brightScript: [] as number[],
	};
	let seconds = 0;
	let constant = 0;
	let references = 0;
	for (const [key, rows] of groups) {
		const members = [...new Set(rows.map((row) => curves.sourceIndex[row]))];
		const times = [...new Set(rows.map((row) => curves.mjd[row]))].sort((a, b) => a - b);
		const place = new Map(members.map((source, i) => [source, i]));
		const epochOf = new Map(times.map((mjd, k) => [mjd, k]));
		const epochs = times.length;
		const survey: FieldSurvey = {
			sources: members.length,
			epochs,
			fluxJy: new Float64Array(members.length * epochs).fill(Number.NaN),
			fluxErrJy: new Float64Array(members.length * epochs).fill(Number.NaN),
			mjd: Float64Array.from(times),
			raDeg: Float64Array.from(members, (source) => curves.sources[source].raDeg ?? Number.NaN),
			decDeg: Float64Array.from(members, (source) => curves.sources[source].decDeg ?? Number.NaN),
		};
		for (const row of rows) {
			const at = (place.get(curves.sourceIndex[row]) ?? 0) * epochs + (epochOf.get(curves.mjd[row]) ?? 0);
			survey.fluxJy[at] = curves.fluxJy[row];
			survey.fluxErrJy[at] = curves.fluxErrJy[row];
		}
		const task: FieldTask = { survey, mode: "plane" };
		const begun = process.cpuUsage().user;
		const solved = solveBaselines(task.survey);
		const normalized = renormalize(survey, solved.baselines, solved.references);
		seconds += (process.cpuUsage().user - begun) / 1e6;
		const script = usualScript(survey, solved.references.primary);
		const pulls = pullsOf(survey, normalized, solved.baselines.value, solved.joint.share);
		const jumped = times.map((mjd) =>
			(jumpsOf.get(key.split(" ")[0]) ?? []).some((j) => mjd >= j.first_mjd - 0.1 && mjd <= j.last_mjd + 0.1),
		);
		for (const i of solved.references.primary) {
			references++;
			if (label.get(curves.sources[members[i]].id) === "const") constant++;
		}
		for (let i = 0; i < members.length; i++) {
			if (label.get(curves.sources[members[i]].id) !== "const") continue;
			const row = (values: Float64Array) => values.subarray(i * epochs, (i + 1) * epochs);
			const raw = row(survey.fluxJy);
			const level = median(raw);
			const spread = (values: Float64Array) => madScale(values) / median(values);
			const applied = row(normalized.fluxNormJy).filter(
				(_, k) => (normalized.flags[i * epochs + k] & NORMALIZATION_FLAGS.not_normalised) === 0,
			);
			scatter.before.push(spread(raw));
			scatter.script.push(spread(row(script)));
			scatter.after.push(spread(applied));
			if (level / median(row(survey.fluxErrJy)) > 80) {
				scatter.brightBefore.push(spread(raw));
				scatter.brightScript.push(spread(row(script)));
				scatter.bright.push(spread(applied));
			}
			for (let k = 0; k < epochs; k++) {
				const at = i * epochs + k;
				const before = (survey.fluxJy[at] - level) / survey.fluxErrJy[at];
				all.before.push(before);
				all.after.push(pulls[at]);
				if (jumped[k]) {
					all.jumpBefore.push(before);
					all.jumpAfter.push(pulls[at]);
				}
			}
		}
	}
	const line = ({ n, mean, std, robustStd, outliers }: PullSummary) =>
		`mean ${mean.toFixed(3)}, std ${std.toFixed(3)}, robust std ${robustStd.toFixed(3)}, beyond 5 sigma ${(100 * outliers).toFixed(2)} % of ${n}`;
	const percent = (values: number[]) => `${(100 * median(values)).toFixed(2)} %`;
	print(
		`\nsimulated sky ${name}, ${groups.size} fields and subbands, steady sources (${((100 * constant) / references).toFixed(0)} % of the ${references} references chosen are steady ones):`,
	);
	print(`  pulls before: ${line(summarisePulls(all.before))}`);
	print(`  pulls after:  ${line(summarisePulls(all.after))}`);
	print(`  in gain jumps before: ${line(summarisePulls(all.jumpBefore))}`);
	print(`  in gain jumps after:  ${line(summarisePulls(all.jumpAfter))}`);
	print(
		`  fractional scatter, median: ${percent(scatter.before)} raw, ${percent(scatter.script)} by the usual script, ${percent(scatter.after)} normalised`,
	);
	print(
		`  of sources above 80 sigma:  ${percent(scatter.brightBefore)} raw, ${percent(scatter.brightScript)} by the usual script, ${percent(scatter.bright)} normalised`,
	);
	print(
		`  ${seconds.toFixed(1)} s of processor time, ${(seconds / groups.size).toFixed(2)} s per field and subband (${availableParallelism()} cores; the command uses all)`,
	);
}
const everything = process.argv.includes("--all");
await sky("calibration", everything);
if (everything) await sky("benchmark", true);
else print("(four of twenty fields; node bench/normalization.bench.ts --all for both skies)");
