import { badInput } from "../../error.ts";
import { createLogger } from "../../observability/log.ts";
import { openSession } from "../../pipeline/session.ts";
import { type RunTimeline, runTimeline } from "../../store/read/runs.ts";
import { countStages, getRun, listRuns } from "../../store/runs.ts";
import { type Command, EXIT, JSON_OPTION } from "../command.ts";
import { STORE_OPTIONS, withStore } from "../store-options.ts";
import { columnsOfText, subcommandOf } from "../subcommands.ts";
import { followRun } from "./run.ts";

const SUBCOMMANDS = ["list", "show", "resume"] as const;
const WIDTH = 40;

export const command: Command = {
	name: "runs",
	summary: "what ran, when, and how far it came",
	usage: "runs list|show ID|resume ID [--spans N]",
	description:
		"list shows the latest runs; show prints one's timeline by stage, with its longest spans; resume goes on with one\nthat was killed or stopped.",
	examples: [
		"caustic runs list --data survey",
		"caustic runs show 20260301-120000-ab12 --data survey",
		"caustic runs resume 20260301-120000-ab12 --data survey",
	],
	options: {
		spans: { type: "string", value: "N", help: "spans shown", default: "25" },
		...STORE_OPTIONS,
		...JSON_OPTION,
	},

	async run(invocation) {
		const { name, rest } = subcommandOf(invocation, "runs", SUBCOMMANDS);
		const asJson = invocation.options.json === true;
		return withStore(invocation, { mustExist: true }, async ({ store, config }) => {
			const { database } = store;
			if (name === "list") {
				const runs = await listRuns(database);
				if (asJson) process.stdout.write(`${JSON.stringify(runs, null, 2)}\n`);
				else
					process.stdout.write(
						runs.length === 0
							? "nothing has run yet\n"
							: columnsOfText(
									["run", "status", "began", "took s", "inputs"],
									runs.map((run) => [
										run.id,
										run.status,
										run.created_at.toISOString().slice(0, 19),
										run.finished_at === null
											? ""
											: ((run.finished_at.getTime() - run.created_at.getTime()) / 1000).toFixed(1),
										run.inputs.group === undefined ? run.inputs.paths.join(" ") : `group ${run.inputs.group}`,
									]),
								),
					);
				return EXIT.done;
			}
			const run = await getRun(database, rest[0] ?? "");
			if (run === undefined)
				throw badInput("no-run", "there is no such run", {
					subject: `run ${rest[0] ?? ""}`,
					remedy: "See caustic runs list",
				});
			if (name === "resume") {
				if (run.status !== "running")
					throw badInput("run-ended", `has ended: ${run.status}`, {
						subject: `run ${run.id}`,
						remedy: "Begin a new one with caustic run",
					});
				const session = await openSession({ store, config, log: createLogger("silent"), signal: invocation.signal });
				try {
					await session.revive(run.id);
					return await followRun(run.id, store, session, asJson);
				} finally {
					await session.close();
				}
			}
			const timeline = await runTimeline(database, run.id, Number(invocation.options.spans ?? 25));
			if (asJson)
				process.stdout.write(
					`${JSON.stringify({ ...run, stages: await countStages(database, run.id), timeline }, null, 2)}\n`,
				);
			else
				process.stdout.write(
					`run ${run.id} ${run.status}, began ${run.created_at.toISOString().slice(0, 19)}\n${timelineText(timeline)}`,
				);
			return EXIT.done;
		});
	},
};

/** Stages as bars over the run's length, then the longest spans of its trace. */
function timelineText({ units, spans }: RunTimeline): string {
	const begun = units.flatMap((unit) => (unit.started_at === null ? [] : [unit.started_at.getTime()]));
	const from = Math.min(...begun);
	const to = Math.max(
		...units.flatMap((unit) => (unit.finished_at === null ? [] : [unit.finished_at.getTime()])),
		from + 1,
	);
	const column = (time: number) => Math.max(0, Math.min(WIDTH - 1, Math.floor(((time - from) / (to - from)) * WIDTH)));
	const stages = [...Map.groupBy(units, (unit) => unit.stage)].map(([stage, list]) => {
		const [first, last] = [
			Math.min(...list.map((unit) => unit.started_at?.getTime() ?? to)),
			Math.max(...list.map((unit) => unit.finished_at?.getTime() ?? from)),
		];
		const bar = Array.from({ length: WIDTH }, (_, i) =>
			i >= column(first) && i <= column(Math.max(first, last - 1)) ? "#" : ".",
		).join("");
		const failed = list.filter((unit) => unit.status === "failed").length;
		return {
			first,
			row: [
				stage,
				bar,
				`${((last - first) / 1000).toFixed(2)} s`,
				`${list.filter((unit) => unit.status === "done").length}/${list.length}`,
				failed === 0 ? "" : `${failed} failed`,
			],
		};
	});
	stages.sort((a, b) => a.first - b.first);
	const origin = Math.min(...spans.map((span) => span.start_ms));
	const depth = new Map<string, number>();
	for (const span of spans)
		depth.set(span.span_id, span.parent_span_id === null ? 0 : (depth.get(span.parent_span_id) ?? -1) + 1);
	const lines = spans.map((span) => [
		`+${((span.start_ms - origin) / 1000).toFixed(3)}`,
		`${span.duration_ms.toFixed(1)} ms`,
		`${"  ".repeat(depth.get(span.span_id) ?? 0)}${span.name}${span.failed ? " (failed)" : ""}`,
	]);
	return `${columnsOfText(
		["stage", "time", "took", "done", ""],
		stages.map((stage) => stage.row),
	)}${lines.length === 0 ? "" : `\nlongest spans\n${columnsOfText(["at s", "took", "span"], lines)}`}`;
}
