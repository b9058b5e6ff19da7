/**
 * Measures what sources without events score, and writes the result to src/detection/calibration-table.ts.
 *
 *     node bench/detect-calibration.ts once 101 102 103       every source with all its data, skies of these seeds
 *     node bench/detect-calibration.ts every-epoch 201 F00-F04 3    anew as epochs come (every fourth), these fields, every 24th source from the third
 *     node bench/detect-calibration.ts table                  writes the table from all scores so far
 *     node bench/detect-calibration.ts test 301 302           how often other skies pass the stated probabilities
 *
 * Scores are appended to the folder named by CAUSTIC_CALIBRATION (default: the system's temporary folder), so that
 * seeds and fields can be run one by one.
 */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { correctFieldData, FEWEST_EPOCHS, sourceOf } from "../src/detection/detect.ts";
import { FieldFilter } from "../src/detection/field-filter.ts";
import { evaluateSource } from "../src/detection/score.ts";
import { prepareSeries } from "../src/detection/series.ts";
import { fitNullTail, type Looks, type NullTail, scoreAt } from "../src/detection/significance.ts";
import { ProfileCache } from "../src/detection/templates.ts";
import { simulateLightCurves } from "../src/simulation/light-curves.ts";
import { fieldDataOf } from "./simulated-field.ts";

const folder = process.env.CAUSTIC_CALIBRATION ?? tmpdir();
const pathOf = (looks: string) => join(folder, `caustic-null-scores-${looks}.csv`);
const [task, ...seeds] = process.argv.slice(2);
const fields = seeds.find((text) => /^F\d+-F\d+$/.test(text))?.split("-");
const offset = fields === undefined ? 0 : Number(seeds[2] ?? 0);
const profiles = new ProfileCache();
/** Scores that no threshold reaches need not be known exactly. */
const LEAST_OF_INTEREST = 20;
/** Neighbouring looks say much the same. */
const EPOCHS_PER_LOOK = 4;

if (task !== "table")
	for (const seed of (fields === undefined ? seeds : seeds.slice(0, 1)).map(Number)) {
		const sky = simulateLightCurves({ seed, eventFraction: 0 });
		for (const field of sky.fields) {
			if (fields !== undefined && (field.id < fields[0] || field.id > fields[1])) continue;
			const data = correctFieldData(fieldDataOf(sky, field));
			const filter = new FieldFilter(data.mjd, data.frequencyMhz, profiles);
			const lines: string[] = [];
			for (let j = 0; j < data.sources.length; j++) {
				if (task === "every-epoch" && j % 24 !== offset) continue;
				const { flux, err, gainError } = sourceOf(data, j);
				const scoreAfter = (epochs: number, least?: number) => {
					const series = prepareSeries(data.mjd, data.frequencyMhz, flux, err, gainError, epochs);
					return series === null || series.usedEpochs < FEWEST_EPOCHS ? 0 : evaluateSource(filter, series, least).score;
				};
				let score = scoreAfter(data.mjd.length);
				if (task === "every-epoch")
					for (let seen = FEWEST_EPOCHS; seen < data.mjd.length; seen += EPOCHS_PER_LOOK)
						score = Math.max(score, scoreAfter(seen, LEAST_OF_INTEREST));
				lines.push(`${seed},${field.id},${sky.sources[data.sources[j]].host},${score.toFixed(3)}`);
			}
			appendFileSync(pathOf(task), `${lines.join("\n")}\n`);
			process.stdout.write(`${task} seed ${seed} ${field.id}: ${lines.length} sources\n`);
		}
	}

const scoresIn = (name: string) =>
	existsSync(pathOf(name))
		? readFileSync(pathOf(name), "utf8")
				.trim()
				.split("\n")
				.map((line) => Number(line.split(",")[3]))
		: [];

if (task === "table") {
	const tails: Partial<Record<Looks, NullTail>> = {};
	const [once, looked] = [scoresIn("once"), scoresIn("every-epoch")];
	tails.once = fitNullTail(once, 0.9934);
	if (looked.length > 0) {
		// Looks at every epoch are few sources and much work. They tell by how much more often a score is passed at some look
		// than at one; the shape of the tail is that of the many sources looked at once.
		const share = (scores: number[], extra: number) =>
			(scores.filter((score) => score > LEAST_OF_INTEREST).length + extra) / scores.length;
		const factor = Math.max(1, share(looked, 0.5) / share(once, 0));
		const scaled = (p: number) => Number(Math.min(1, p * factor).toPrecision(6));
		tails["every-epoch"] = {
			...tails.once,
			body: tails.once.body.map(({ score, exceeded }) => ({ score, exceeded: scaled(exceeded) })),
			exceeded: scaled(tails.once.exceeded),
			nulls: looked.length,
			highest: Math.max(...looked),
		};
		process.stdout.write(`looks at every epoch pass ${factor.toFixed(2)} times as often (${looked.length} sources)\n`);
	}
	for (const [kind, tail] of Object.entries(tails)) process.stdout.write(`${kind}: ${JSON.stringify(tail)}\n`);
	writeFileSync(
		join(dirname(dirname(fileURLToPath(import.meta.url))), "src/detection/calibration-table.ts"),
		`/** Written by \`node bench/detect-calibration.ts\`: do not edit by hand. */\n` +
			`export const CALIBRATION = ${JSON.stringify(tails, null, "\t")};\n`,
	);
}
if (task === "test") {
	const scores = scoresIn("test");
	for (const p of [0.003, 0.001, 0.0005, 0.0001]) {
		const passed = scores.filter((score) => score >= scoreAt(p)).length;
		process.stdout.write(
			`stated ${p}: ${passed} of ${scores.length} nulls = ${(passed / scores.length).toExponential(2)}, ratio ${(passed / scores.length / p).toFixed(2)}\n`,
		);
	}
}
