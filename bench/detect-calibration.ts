/**
 * Measures what sources without events score, and writes the result to src/detection/calibration-table.ts.
 *
 *     node bench/detect-calibration.ts once 101 102 103       every source with all its data, skies of these seeds
 *     node bench/detect-calibration.ts every-epoch 201 F00-F04 3    anew as epochs come (every fourth), these fields, every 24th source from the third
 *     node bench/detect-calibration.ts table                  writes the table from all scores so far
 *     node bench/detect-calibration.ts test 301 302           how often the sources without events of other skies pass the stated
 *                                                             probabilities, and false positives among candidates at a given recall
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
const LEAST_OF_INTEREST = 15;
/** Neighbouring looks say much the same. */
const EPOCHS_PER_LOOK = 4;

if (task !== "table")
	for (const seed of (fields === undefined ? seeds : seeds.slice(0, 1)).map(Number)) {
		const sky = simulateLightCurves(task === "test" ? { seed } : { seed, eventFraction: 0 });
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
				const { host, event, neighbour } = sky.sources[data.sources[j]];
				// A blend with a lensed neighbour shows that neighbour's event: neither an event of its own nor a source without one.
				const copy = neighbour !== null && sky.sources[neighbour].event !== null;
				lines.push(`${seed},${field.id},${event !== null ? "event" : copy ? "copy" : host},${score.toFixed(3)}`);
			}
			appendFileSync(pathOf(task), `${lines.join("\n")}\n`);
			process.stdout.write(`${task} seed ${seed} ${field.id}: ${lines.length} sources\n`);
		}
	}

const scoresIn = (name: string, events = false) =>
	existsSync(pathOf(name))
		? readFileSync(pathOf(name), "utf8")
				.trim()
				.split("\n")
				.filter((line) => line.split(",")[2] !== "copy" && (line.split(",")[2] === "event") === events)
				.map((line) => Number(line.split(",")[3]))
		: [];

if (task === "table") {
	const tails: Partial<Record<Looks, NullTail>> = {};
	const [once, looked] = [scoresIn("once"), scoresIn("every-epoch")];
	const tailShare = once.filter((score) => score > LEAST_OF_INTEREST).length / once.length;
	const tail = fitNullTail(once, 1 - tailShare);
	tails.once = tail;
	if (looked.length > 0) {
		// Looks at every epoch are few sources and much work. Where they are many, below the tail, they count for themselves;
		// in the tail they tell how much more often a score is passed at some look than at one, and the shape is that of the
		// many sources looked at once.
		const beyond = looked.filter((score) => score > LEAST_OF_INTEREST).length;
		const factor = Math.max(1, (beyond + 0.5) / looked.length / tailShare);
		const exceeded = Number((tailShare * factor).toPrecision(6));
		const own = fitNullTail(looked, 1 - beyond / looked.length);
		tails["every-epoch"] = {
			...tail,
			body: [
				...own.body.filter(({ score, exceeded: p }) => score < tail.threshold ** 2 && p > exceeded),
				{ score: tail.threshold ** 2, exceeded },
			],
			exceeded,
			nulls: looked.length,
			highest: Math.max(...looked),
		};
		process.stdout.write(
			`looks at every epoch pass ${factor.toFixed(2)} times as often (${beyond} of ${looked.length} sources)\n`,
		);
	}
	for (const [kind, tail] of Object.entries(tails)) process.stdout.write(`${kind}: ${JSON.stringify(tail)}\n`);
	writeFileSync(
		join(dirname(dirname(fileURLToPath(import.meta.url))), "src/detection/calibration-table.ts"),
		`/** Written by \`node bench/detect-calibration.ts\`: do not edit by hand. */\n` +
			`export const CALIBRATION = ${JSON.stringify(tails, null, "\t")};\n`,
	);
}
if (task === "test") {
	const nulls = scoresIn("test");
	const events = scoresIn("test", true).sort((a, b) => a - b);
	for (const p of [0.05, 0.01, 0.003, 0.001, 0.0005, 0.0001]) {
		const passed = nulls.filter((score) => score >= scoreAt(p)).length;
		process.stdout.write(
			`stated ${p} (score ${scoreAt(p).toFixed(1)}): ${passed} of ${nulls.length} sources without events = ${(passed / nulls.length).toExponential(2)}, ratio ${(passed / nulls.length / p).toFixed(2)}\n`,
		);
	}
	for (const recall of [0.9, 0.95, 0.98]) {
		const score = events[Math.floor((1 - recall) * events.length)];
		const found = events.filter((other) => other >= score).length;
		const wrong = nulls.filter((other) => other >= score).length;
		process.stdout.write(
			`recall ${recall} of ${events.length} events (score ${score.toFixed(1)}): ${wrong} false of ${wrong + found} candidates = ${((100 * wrong) / (wrong + found)).toFixed(2)} %, below ${(100 * upperLimit(wrong, wrong + found)).toFixed(2)} % at 95 % confidence\n`,
		);
	}
}

/** The share that so few successes among n trials exclude with 95 % confidence (Clopper & Pearson 1934, one-sided). */
function upperLimit(successes: number, n: number): number {
	let [low, high] = [0, 1];
	for (let i = 0; i < 60; i++) {
		const p = (low + high) / 2;
		let term = (1 - p) ** n;
		let sum = term;
		for (let k = 1; k <= successes; k++) {
			term *= ((n - k + 1) / k) * (p / (1 - p));
			sum += term;
		}
		if (sum > 0.05) low = p;
		else high = p;
	}
	return high;
}
