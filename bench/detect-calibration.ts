/**
 * Measures what sources without events score, and writes the result to src/detection/calibration-table.ts.
 *
 *     node bench/detect-calibration.ts once 101 102 103       every source with all its data, skies of these seeds
 *     node bench/detect-calibration.ts every-epoch 201        anew at every epoch, one source in eight
 *
 * Scores are appended to the folder named by CAUSTIC_CALIBRATION (default: the system's temporary folder), so that
 * seeds can be run one by one; the table is written from all that is there.
 */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { correctFieldData, FEWEST_EPOCHS, sourceOf } from "../src/detection/detect.ts";
import { FieldFilter } from "../src/detection/field-filter.ts";
import { evaluateSource } from "../src/detection/score.ts";
import { prepareSeries } from "../src/detection/series.ts";
import { fitNullTail, type NullTail } from "../src/detection/significance.ts";
import { ProfileCache } from "../src/detection/templates.ts";
import { simulateLightCurves } from "../src/simulation/light-curves.ts";
import { fieldDataOf } from "./simulated-field.ts";

type Looks = "once" | "every-epoch";
const folder = process.env.CAUSTIC_CALIBRATION ?? tmpdir();
const pathOf = (looks: Looks) => join(folder, `caustic-null-scores-${looks}.csv`);
const [looks, ...seeds] = process.argv.slice(2);
const profiles = new ProfileCache();

for (const seed of seeds.map(Number)) {
	const sky = simulateLightCurves({ seed, eventFraction: 0 });
	for (const field of sky.fields) {
		const data = correctFieldData(fieldDataOf(sky, field));
		const filter = new FieldFilter(data.mjd, data.frequencyMhz, profiles);
		const lines: string[] = [];
		for (let j = 0; j < data.sources.length; j++) {
			if (looks === "every-epoch" && j % 8 !== 0) continue;
			const { flux, err, gainError } = sourceOf(data, j);
			const scoreAfter = (epochs: number) => {
				const series = prepareSeries(data.mjd, data.frequencyMhz, flux, err, gainError, epochs);
				return series === null || series.usedEpochs < FEWEST_EPOCHS ? 0 : evaluateSource(filter, series).score;
			};
			let score = scoreAfter(data.mjd.length);
			if (looks === "every-epoch")
				for (let seen = FEWEST_EPOCHS; seen < data.mjd.length; seen++) score = Math.max(score, scoreAfter(seen));
			lines.push(`${seed},${field.id},${sky.sources[data.sources[j]].host},${score.toFixed(3)}`);
		}
		appendFileSync(pathOf(looks as Looks), `${lines.join("\n")}\n`);
		process.stdout.write(`${looks} seed ${seed} ${field.id}: ${lines.length} sources\n`);
	}
}

const tails: Partial<Record<Looks, NullTail>> = {};
for (const kind of ["once", "every-epoch"] as const) {
	if (!existsSync(pathOf(kind))) continue;
	const scores = readFileSync(pathOf(kind), "utf8")
		.trim()
		.split("\n")
		.map((line) => Number(line.split(",")[3]));
	tails[kind] = fitNullTail(scores, kind === "once" ? 0.95 : 0.9);
	process.stdout.write(`${kind}: ${JSON.stringify(tails[kind])}\n`);
}
if (tails.once !== undefined)
	writeFileSync(
		join(dirname(dirname(fileURLToPath(import.meta.url))), "src/detection/calibration-table.ts"),
		`/** Written by \`node bench/detect-calibration.ts\`: do not edit by hand. */\n` +
			`export const CALIBRATION = ${JSON.stringify(tails, null, "\t")};\n`,
	);
