import { statSync } from "node:fs";
import { resolve } from "node:path";
import { badInput } from "../../error.ts";
import { createLogger } from "../../observability/log.ts";
import { startTracing } from "../../observability/tracing.ts";
import { watchSurvey } from "../../pipeline/arrival/watch-survey.ts";
import { openSession } from "../../pipeline/session.ts";
import { type Command, EXIT, JSON_OPTION, stringOption } from "../command.ts";
import { openFromOptions, STORE_OPTIONS, threadsOption, WORK_OPTIONS } from "../store-options.ts";

export const command: Command = {
	name: "watch",
	summary: "the same as run as files arrive, visibilities included",
	usage: "watch DIR... [--catalog FILE] [--data DIR]",
	description: [
		"Watches folders. FITS images that arrive make runs, as caustic run does. UVH5 subband files are put into groups by time: a",
		"complete group is taken at once, a partial one when its time is up and it has enough subbands, others are rejected with",
		"reasons. A group with a calibrator in the beam is solved and corrected, every accepted group becomes a MeasurementSet under",
		"DIR/visibilities. Files still being written are left alone. Ctrl-C stops; the same command goes on, also after a crash.",
	].join("\n"),
	examples: [
		"caustic watch /data/incoming --data survey",
		"caustic watch night/ --once --data survey --set arrival.min_subbands=14",
	],
	options: {
		catalog: {
			type: "string",
			value: "FILE",
			help: "sources to watch: CSV, VOTable or FITS table with ra_deg, dec_deg (ICRS)",
		},
		once: {
			type: "boolean",
			help: "work off what is there, then end; groups that lack subbands wait for the next time",
		},
		...WORK_OPTIONS,
		...STORE_OPTIONS,
		...JSON_OPTION,
	},

	async run(invocation) {
		const folders = invocation.args.map((path) => resolve(path));
		if (folders.length === 0) {
			throw badInput("bad-usage", "no folder was given", {
				subject: "caustic watch",
				remedy: "Name the folder in which files arrive, for instance caustic watch incoming/",
			});
		}
		for (const folder of folders) {
			if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) continue;
			throw badInput("folder-unreadable", "it is not a folder", {
				subject: folder,
				remedy: "Make the folder or name another",
			});
		}
		const catalogue = stringOption(invocation, "catalog");
		const threads = threadsOption(invocation);
		const once = invocation.options.once === true;
		const asJson = invocation.options.json === true;
		const say = (text: string, detail: Record<string, unknown>) =>
			process.stdout.write(asJson ? `${JSON.stringify({ at: new Date().toISOString(), ...detail })}\n` : `${text}\n`);
		const { store, config } = await openFromOptions(invocation, { mustExist: false });
		try {
			const log = createLogger(invocation.options.log === true ? config.observability.log_level : "silent");
			startTracing(config.observability.otlp_endpoint);
			const session = await openSession({ store, config, log, signal: invocation.signal, threads });
			try {
				if (!asJson && !once)
					process.stderr.write(
						`caustic: watching ${folders.join(", ")} (data in ${store.dataFolder}); Ctrl-C stops it\n`,
					);
				const outcome = await watchSurvey({
					folders,
					store,
					session,
					config,
					log,
					catalogue: catalogue === undefined ? undefined : resolve(catalogue),
					once,
					say,
					signal: invocation.signal,
				});
				if (invocation.signal.aborted) {
					process.stderr.write(
						`caustic: stopped. Go on with: caustic watch ${invocation.args.join(" ")} --data ${store.dataFolder}\n`,
					);
					return EXIT.interrupted;
				}
				say(`${outcome.runs.length} runs, ${outcome.rejected} rejected, ${outcome.open} groups wait for subbands`, {
					kind: "summary",
					runs: outcome.runs.length,
					rejected: outcome.rejected,
					open: outcome.open,
				});
				return outcome.rejected > 0 ? EXIT.rejectedItems : EXIT.done;
			} finally {
				await session.close();
			}
		} finally {
			await store.close();
		}
	},
};
