/**
 * One epoch of 10,000 sources with 10, 100, 300 and 1,000 epochs behind them, from its last measurement to its candidates: filters brought
 * up to date, surprising sources searched on all cores. Aim: 1 s on two cores, whatever the history (the prototype had
 * no incremental path: it searched everything again, 320-375 CPU s per million measurements, some 3,500 s here).
 *
 *     node bench/watch.bench.ts [SOURCES]
 */
import { correctFieldData } from "../src/detection/detect.ts";
import { DEFAULT_NOISE, newWatch, searched, urgency, watchEpoch } from "../src/detection/watch.ts";
import { MOST_ONGOING, MOST_SEARCHED, MOST_SURPRISES, RESTLESS_ETA } from "../src/pipeline/detection/due-sources.ts";
import { detectBestFirst } from "../src/pipeline/detection/in-threads.ts";
import { NEWEST_POINTS } from "../src/pipeline/stages/detect.ts";
import { simulateLightCurves } from "../src/simulation/light-curves.ts";
import { fieldDataOf } from "./simulated-field.ts";

const sources = Number(process.argv[2] ?? 10_000);
/** Light curves that differ: each is watched so many times that the sources are as many as asked for. */
const DISTINCT = Math.min(sources, 2500);
/** Epochs behind the newest, epochs by which the filters have settled before the clock runs, and epochs timed. */
const HISTORIES = [10, 100, 300, 1000];
const SETTLING = 60;
const TIMED = 5;

const sky = simulateLightCurves({
	seed: 471,
	fields: 1,
	sourcesPerField: DISTINCT,
	eventFraction: 0.01,
	epochFactor: 3.6,
});
const { mjd, frequencyMhz, flux, err } = correctFieldData(fieldDataOf(sky, sky.fields[0]));
const bands = frequencyMhz.length;
const size = mjd.length * bands;

for (const history of HISTORIES) {
	const end = Math.min(mjd.length, history + TIMED);
	const begin = Math.max(0, end - TIMED - SETTLING);
	const levels = new Float64Array(DISTINCT * bands);
	const restlessCurve = new Uint8Array(DISTINCT);
	for (let c = 0; c < DISTINCT; c++)
		for (let k = 0; k < bands; k++) {
			let [w, sum, square, n] = [0, 0, 0, 0];
			for (let i = 0; i < end - TIMED; i++) {
				const at = c * size + i * bands + k;
				if (!Number.isFinite(flux[at])) continue;
				w += err[at] ** -2;
				sum += flux[at] * err[at] ** -2;
				square += flux[at] ** 2 * err[at] ** -2;
				n++;
			}
			levels[c * bands + k] = sum / w;
			if ((square - (sum * sum) / w) / (n - 1) > RESTLESS_ETA) restlessCurve[c] = 1;
		}
	const watches = Array.from({ length: sources }, () => newWatch());
	const restless = watches.flatMap((_, j) => (restlessCurve[j % DISTINCT] === 1 ? [j] : []));
	/** Sources whose event may go on, and the epoch at which they were looked at last. */
	const ongoing = new Map<number, number>();
	const takeIn = (i: number) => {
		const due: number[] = [];
		for (const j of restless) {
			const c = j % DISTINCT;
			const points = [];
			for (let k = 0; k < bands; k++) {
				const at = c * size + i * bands + k;
				points.push({ band: k, mjd: mjd[i], flux: flux[at], err: err[at], level: levels[c * bands + k], n: i });
			}
			watchEpoch(watches[j], points);
			if (urgency(watches[j]) >= 1) due.push(j);
		}
		// The most surprising now, as the pipeline does: the others wait for the next epoch.
		return due.sort((a, b) => urgency(watches[b]) - urgency(watches[a]) || a - b).slice(0, MOST_SURPRISES);
	};
	for (let i = begin; i < end - TIMED - 2; i++)
		for (const j of takeIn(i)) {
			// As a search would have told: the rms of the series so far.
			let [sum, square, n] = [0, 0, 0];
			const start = (j % DISTINCT) * size;
			for (let at = start; at < start + i * bands; at += bands)
				if (Number.isFinite(flux[at])) {
					const y = flux[at] / levels[(j % DISTINCT) * bands] - 1;
					sum += y;
					square += y * y;
					n++;
				}
			searched(watches[j], { sigma: Math.sqrt(Math.max(1e-4, square / n - (sum / n) ** 2)), tau: 40 }, i * bands);
		}
	const walls: number[] = [];
	let [searches, watching, cpu, judged, raised] = [0, 0, 0, 0, 0];
	// Two epochs more than are timed: threads that have just started read their programs and compute their first lenses.
	for (let i = Math.max(0, end - TIMED - 2); i < end; i++) {
		const timed = i >= end - TIMED;
		const from = Math.max(0, i + 1 - NEWEST_POINTS / bands);
		const used = process.cpuUsage();
		const begun = performance.now();
		const surprising = takeIn(i);
		const events = [...ongoing].sort((a, b) => a[1] - b[1] || a[0] - b[0]).slice(0, MOST_ONGOING);
		const due = [...events.map(([j]) => j), ...surprising.filter((j) => !ongoing.has(j))];
		if (timed) watching += performance.now() - begun;
		const columns: number[][] = [[], [], [], [], []];
		due.forEach((j, place) => {
			for (let e = from; e <= i; e++)
				for (let k = 0; k < bands; k++) {
					const at = (j % DISTINCT) * size + e * bands + k;
					if (!Number.isFinite(flux[at])) continue;
					columns[0].push(place);
					columns[1].push(mjd[e]);
					columns[2].push(frequencyMhz[k]);
					columns[3].push(flux[at]);
					columns[4].push(err[at]);
				}
		});
		const { scores, candidates } = await detectBestFirst(
			{ sourceIndex: columns[0], mjd: columns[1], frequencyMhz: columns[2], flux: columns[3], fluxErr: columns[4] },
			due.map((j) => ({ id: `${j}`, fieldId: "F" })),
			{
				normalized: true,
				looks: "every-epoch",
				searchedUntil: new Map(Array.from(due.keys(), (place) => [place, mjd[i - 1]])),
			},
			new Set([...due.keys()].filter((place) => place >= events.length)),
			MOST_SEARCHED,
		);
		if (timed) {
			walls.push((performance.now() - begun) / 1000);
			const spent = process.cpuUsage(used);
			cpu += (spent.user + spent.system) / 1e6;
			searches += due.length;
			judged += scores.length;
			raised += candidates.length;
		}
		for (const { sourceIndex } of [...candidates, ...events.map((_, place) => ({ sourceIndex: place }))])
			ongoing.set(due[sourceIndex], i);
		for (const score of scores) {
			searched(watches[due[score.sourceIndex]], score.noise.tau > 0 ? score.noise : DEFAULT_NOISE, i * bands);
		}
	}
	walls.sort((a, b) => a - b);
	const median = walls[walls.length >> 1];
	process.stdout.write(
		`${sources} sources after ${end - TIMED} epochs in ${bands} bands, ${restless.length} restless: ${median.toFixed(2)} s per epoch (longest ${walls[walls.length - 1].toFixed(2)} s; ${(cpu / TIMED).toFixed(2)} CPU s, of which filters ${(watching / TIMED).toFixed(0)} ms), ${(searches / TIMED).toFixed(0)} looked at, ${(judged / TIMED).toFixed(0)} to the end, ${(raised / TIMED).toFixed(1)} events; ratio to the aim of 1 s: ${median.toFixed(2)}\n`,
	);
}
