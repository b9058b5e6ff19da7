import { resolve } from "node:path";
import { badInput } from "../../error.ts";
import { createLogger } from "../../observability/log.ts";
import { annotate, inSpan, startTracing } from "../../observability/tracing.ts";
import { STAGES } from "../../pipeline/graph.ts";
import { openSession, type Session } from "../../pipeline/session.ts";
import { listDeadLetters } from "../../store/dead-letters.ts";
import type { Store } from "../../store/open.ts";
import type { StageCount } from "../../store/runs.ts";
import { type Command, EXIT, type Invocation, JSON_OPTION, stringOption } from "../command.ts";
import { type Progress, progressOn } from "../progress.ts";
import { describeRun } from "../run-summary.ts";
import { openFromOptions, STORE_OPTIONS, threadsOption, WORK_OPTIONS } from "../store-options.ts";

export const command: Command = {
	name: "run",
	summary: "images in, light curves and candidates out: the whole image-side pipeline",
	usage: "run PATH... [--catalog FILE] [--data DIR]",
	description: [
		"Finds, associates, measures, normalises and watches the sources of FITS images (files or folders), looks for",
		"extreme scattering events and leaves a report. Noise and background maps beside an image are used as such.",
		"Running it again adds what is new and repeats nothing; after a crash or Ctrl-C the same command goes on.",
	].join("\n"),
	examples: [
		"caustic run images/ --data survey",
		"caustic run night1/ night2/ --catalog catalogue.csv --set normalization.min_snr=30",
	],
	options: {
		catalog: {
			type: "string",
			value: "FILE",
			help: "sources to watch: CSV, VOTable or FITS table with ra_deg, dec_deg (ICRS)",
		},
		...WORK_OPTIONS,
		...STORE_OPTIONS,
		...JSON_OPTION,
	},

	async run(invocation) {
		if (invocation.args.length === 0) {
			throw badInput("bad-usage", "no path was given", {
				subject: "caustic run",
				remedy: "Name a FITS file or a folder, for instance caustic run images/",
			});
		}
		const threads = threadsOption(invocation);
		const { store, config } = await openFromOptions(invocation, { mustExist: false });
		try {
			const log = createLogger(invocation.options.log === true ? config.observability.log_level : "silent");
			startTracing(config.observability.otlp_endpoint);
			const session = await openSession({ store, config, log, signal: invocation.signal, threads });
			try {
				return await inSpan("caustic run", { paths: invocation.args.join(" ") }, () =>
					runToTheEnd(invocation, store, session),
				);
			} finally {
				await session.close();
			}
		} finally {
			await store.close();
		}
	},
};

async function runToTheEnd(invocation: Invocation, store: Store, session: Session): Promise<number> {
	const catalogue = stringOption(invocation, "catalog");
	const { run, resumed } = await session.begin({
		paths: invocation.args.map((path) => resolve(path)),
		...(catalogue === undefined ? {} : { catalogue: resolve(catalogue) }),
		trigger: "manual",
	});
	annotate({ run: run.id, resumed });
	if (resumed) process.stderr.write(`caustic: going on with run ${run.id}\n`);
	return followRun(run.id, store, session, invocation.options.json === true);
}

/** Shows a run's progress to its end and reports on it; the exit code of the command. */
export async function followRun(runId: string, store: Store, session: Session, asJson: boolean): Promise<number> {
	const progress = progressOn("caustic run");
	const ended = await session.finished(runId, (stages) => showProgress(progress, stages)).finally(() => progress.end());
	if (ended === undefined) {
		process.stderr.write(`caustic: stopped. Go on with: caustic runs resume ${runId} --data ${store.dataFolder}\n`);
		return EXIT.interrupted;
	}
	const rejected = (await listDeadLetters(store.database, "open")).filter((letter) => letter.run_id === runId);
	if (asJson) process.stdout.write(`${JSON.stringify({ ...ended, rejected }, null, 2)}\n`);
	else if (ended.status === "done")
		process.stdout.write(
			describeRun(
				ended,
				store.dataFolder,
				rejected.map((letter) => letter.reason),
			),
		);
	if (ended.status === "failed") {
		process.stderr.write(`caustic: ${String(ended.summary.reason)}\n`);
		return ended.summary.blame === "input" ? EXIT.badInput : EXIT.failed;
	}
	return rejected.length > 0 ? EXIT.rejectedItems : EXIT.done;
}

function showProgress(progress: Progress, stages: StageCount[]): void {
	const done = stages.reduce((sum, stage) => sum + stage.done + stage.failed, 0);
	const planned = stages.reduce((sum, stage) => sum + stage.total, 0);
	const current = stages.find((stage) => stage.done + stage.failed < stage.total);
	progress.update(done, planned + STAGES.length - stages.length, current?.stage ?? "");
}
