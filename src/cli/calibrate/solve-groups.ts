import { totalmem } from "node:os";
import { basename, join, resolve } from "node:path";
import { badInput, CausticError } from "../../error.ts";
import { openVisibilities } from "../../formats/open-visibilities.ts";
import type { CalibrateRequest } from "../../pipeline/calibration/calibrate-set.ts";
import type { QualityDocument } from "../../pipeline/calibration/quality-document.ts";
import { type QueuedSolve, runSolves, type SolveOutcome } from "../../pipeline/calibration/solve-queue.ts";
import { EXIT, type Invocation } from "../command.ts";
import { progressOn } from "../progress.ts";
import { type SolveResult, solveInto } from "./solve-one.ts";

/**
 * Every VIS a set of its own, each into OUT/its name: side by side on all cores, the newest observation first (its tables
 * serve the data that arrive now), within the memory.
 */
export async function solveGroups(
	invocation: Invocation,
	request: CalibrateRequest,
	out: string,
	history: readonly QualityDocument[],
): Promise<number> {
	const names = request.paths.map((path) => basename(resolve(path)).replace(/\.(ms|hdf5|uvh5|uvfits|fits)$/i, ""));
	const twice = names.find((name, i) => names.indexOf(name) !== i);
	if (twice !== undefined) {
		throw badInput("bad-usage", `two sets would go into the folder ${twice}`, {
			subject: "--groups",
			remedy: "Solve them one after the other, each with its own --out",
		});
	}
	const slots = Math.max(1, Math.min(request.workers, names.length));
	const memory = request.memoryBytes ?? 0.6 * totalmem();
	const progress = progressOn("calibrate");
	let finished = 0;
	const solves = request.paths.map((path, i): QueuedSolve<SolveResult> => {
		const { priority, bytes } = urgencyOf(path);
		return {
			priority,
			memoryBytes: bytes,
			async run() {
				const own = {
					...request,
					paths: [path],
					workers: Math.max(1, Math.floor(request.workers / slots)),
					memoryBytes: Math.min(memory, Math.max(bytes, memory / slots)),
				};
				try {
					return await solveInto(invocation, own, join(out, names[i]), history);
				} finally {
					progress.update(++finished, names.length, names[i]);
				}
			},
		};
	});
	let outcomes: SolveOutcome<SolveResult>[];
	try {
		outcomes = await runSolves(solves, slots, memory, invocation.signal);
	} finally {
		progress.end();
	}
	let lost = 0;
	const lines = outcomes.map((outcome, i) => {
		const accepted = outcome.done && outcome.value.quality.accepted;
		if (!accepted) lost++;
		if (outcome.done) {
			const { quality, solved } = outcome.value;
			return {
				name: names[i],
				accepted,
				score: quality.score,
				calibrator: solved.calibrator?.source.name ?? null,
				reasons: quality.reasons,
			};
		}
		if (!(outcome.error instanceof CausticError)) throw outcome.error;
		return { name: names[i], accepted, score: 0, calibrator: null, reasons: [outcome.error.message] };
	});
	process.stdout.write(
		invocation.options.json === true
			? `${JSON.stringify(lines)}\n`
			: lines
					.map(
						({ name, accepted, score, calibrator, reasons }) =>
							`${name}: ${accepted ? `accepted, ${calibrator ?? "model column"}, score ${score.toFixed(3)}` : `REFUSED: ${reasons.join("; ")}`}\n`,
					)
					.join(""),
	);
	return lost === 0 ? EXIT.done : EXIT.rejectedItems;
}

/** When a set was observed (later is more urgent) and what a solve of it will hold. A set that cannot be read comes last. */
function urgencyOf(path: string): { priority: number; bytes: number } {
	try {
		const set = openVisibilities([path]);
		const bytes =
			12 *
			set.baselines.antenna1.length *
			set.timesMjd.length *
			set.frequenciesHz.length *
			Math.min(2, set.polarizations.length);
		const priority = set.timesMjd[0] ?? 0;
		set.close();
		return { priority, bytes };
	} catch {
		return { priority: Number.NEGATIVE_INFINITY, bytes: 0 };
	}
}
