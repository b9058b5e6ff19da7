import { type ArrivalSummary, arrivalSummary } from "../../store/read/arrivals.ts";
import { detectorFreshness } from "../../store/read/detector-freshness.ts";
import { surveySummary } from "../../store/read/survey.ts";
import { listRuns } from "../../store/runs.ts";
import { type Command, EXIT, JSON_OPTION } from "../command.ts";
import { STORE_OPTIONS, withStore } from "../store-options.ts";

export const command: Command = {
	name: "status",
	summary: "what the survey holds and what it is doing",
	usage: "status [--data DIR]",
	description:
		"Counts of images, sources, measurements and candidates, the last run, groups of subband files, and what waits for a person.",
	examples: ["caustic status --data survey"],
	options: { ...STORE_OPTIONS, ...JSON_OPTION },

	async run(invocation) {
		return withStore(invocation, { mustExist: true }, async ({ store }) => {
			const [summary, [last], freshness, arrivals] = [
				await surveySummary(store.database),
				await listRuns(store.database, 1),
				await detectorFreshness(store.database),
				await arrivalSummary(store.database),
			];
			if (invocation.options.json === true) {
				process.stdout.write(
					`${JSON.stringify({ data: store.dataFolder, ...summary, last_run: last ?? null, detector: freshness, arrivals }, null, 2)}\n`,
				);
				return EXIT.done;
			}
			const count = (value: number) => value.toLocaleString("en");
			const span =
				summary.first_mjd === null || summary.last_mjd === null
					? ""
					: `, MJD ${summary.first_mjd.toFixed(2)} to ${summary.last_mjd.toFixed(2)}`;
			const lines = [
				`data          ${store.dataFolder} (database ${(summary.database_bytes / 2 ** 20).toFixed(0)} MB)`,
				`images        ${count(summary.images)} of ${count(summary.epochs)} epochs in ${count(summary.fields)} fields and ${count(summary.bands)} subbands${span}`,
				`sources       ${count(summary.sources)}`,
				`measurements  ${count(summary.measurements)}`,
				`candidates    ${count(summary.candidates_open)} open, ${count(summary.candidates_confirmed)} confirmed`,
				`dead letters  ${count(summary.dead_letters_open)} open`,
				last === undefined
					? "last run      none"
					: `last run      ${last.id} ${last.status}, began ${last.created_at.toISOString().slice(0, 19)}`,
				...arrivalLines(arrivals),
			];
			process.stdout.write(`${lines.join("\n")}\n`);
			return EXIT.done;
		});
	},
};

/** Groups of subband files: how many of each state, whether somebody watches, and what became of the last ones. */
function arrivalLines({ groups, files, waiting, in_work, watcher_silent_s, latest }: ArrivalSummary): string[] {
	if (latest.length === 0 && watcher_silent_s === null) return [];
	const states = Object.entries(groups)
		.filter(([, n]) => n > 0)
		.map(([state, n]) => `${n} ${state}`);
	const watcher = watcher_silent_s === null ? "nobody watches" : "watched";
	const counts = states.length === 0 ? "none yet" : states.join(", ");
	return [
		`groups        ${counts} (${files} files); ${in_work} in work, ${waiting} decisions wait; ${watcher}`,
		...latest.map((group) => {
			const { measurement_set, corrected, score } = group.product;
			const product =
				measurement_set === undefined
					? (group.run_status ?? `waits ${group.waited_s.toFixed(0)} s`)
					: `${corrected === true ? `corrected, score ${Number(score).toFixed(2)}` : "not corrected"}: ${String(measurement_set)}`;
			const decided = group.state === "rejected" || group.state === "quarantined";
			return `  ${group.id.padEnd(22)}${group.state.padEnd(12)}${String(group.subbands).padStart(3)} files  ${decided ? "" : product}`.trimEnd();
		}),
	];
}
