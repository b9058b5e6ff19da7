import { userInfo } from "node:os";
import {
	type Classifier,
	classify,
	compareClassifiers,
	crossValidate,
	featuresOf,
	type LabelledCandidate,
	type Performance,
	trainClassifier,
} from "../../detection/classifier.ts";
import { badInput } from "../../error.ts";
import { listClassifiers, promote, type StoredClassifier, storeTrial } from "../../store/classifiers.ts";
import type { Database } from "../../store/database.ts";
import {
	accuracyOverTime,
	addLabel,
	type LabelledRow,
	labelledCandidates,
	namedEvents,
	unlabelledCandidates,
} from "../../store/labels.ts";
import { type Command, EXIT, type Invocation, JSON_OPTION, numberOption, stringOption } from "../command.ts";
import { sourcesNamed } from "../detect/stored.ts";
import { STORE_OPTIONS, withStore } from "../store-options.ts";
import { columnsOfText, subcommandOf } from "../subcommands.ts";

const SUBCOMMANDS = ["label", "accuracy", "train", "list", "compare", "score", "promote"] as const;
type Stored = StoredClassifier<Classifier, Performance>;

export const command: Command = {
	name: "classifier",
	summary: "learn from verdicts: labelled set, accuracy over time, a classifier on trial beside the promoted one",
	usage: "classifier label|accuracy|train|list|compare|score|promote [options]",
	description: [
		"Verdicts on candidates are labels; label adds an event that is known or was found by hand (--no-event: that there is",
		"none). accuracy shows what became of candidates month by month, and which named events were missed. train fits a",
		"calibrated classifier to all labels and puts it on trial; compare sets it beside the promoted one, on verdicts given",
		"after both were trained; score gives the probability of each waiting candidate by both. It changes no candidate.",
		"promote VERSION makes a version the one that counts, in the name of the person who promotes it.",
	].join("\n"),
	examples: [
		"caustic classifier label --source J1939-3154 --from 56700 --to 57050 --known --data survey",
		"caustic classifier train --data survey",
		"caustic classifier promote 2 --actor ada --data survey",
	],
	options: {
		source: { type: "string", value: "ID", help: "label: the source, by name or number" },
		from: { type: "string", value: "MJD", help: "label: first day of the event" },
		to: { type: "string", value: "MJD", help: "label: last day of the event" },
		known: { type: "boolean", help: "label: known from elsewhere; found by hand otherwise" },
		"no-event": { type: "boolean", help: "label: there is no event in this time" },
		note: { type: "string", value: "TEXT", help: "label: a reference or a remark" },
		actor: { type: "string", value: "NAME", help: "who labels or promotes", default: "the user's login name" },
		...STORE_OPTIONS,
		...JSON_OPTION,
	},

	async run(invocation) {
		const { name, rest } = subcommandOf(invocation, "classifier", SUBCOMMANDS);
		const actor = stringOption(invocation, "actor")?.trim() || userInfo().username;
		return withStore(invocation, { mustExist: true }, async ({ store: { database } }) => {
			const print = (value: unknown, text: string) =>
				process.stdout.write(
					invocation.options.json === true
						? `${JSON.stringify(value, null, 2)}\n`
						: text.endsWith("\n")
							? text
							: `${text}\n`,
				);
			if (name === "label") await label(invocation, database, actor);
			else if (name === "accuracy") await accuracy(database, print);
			else if (name === "train") await train(database, print);
			else if (name === "list") await list(database, print);
			else if (name === "compare") await compare(database, print);
			else if (name === "score") await score(database, print);
			else {
				const version = Number(rest[0]);
				if (rest.length !== 1 || !Number.isInteger(version) || version < 1)
					throw badInput("bad-usage", "one version is needed", {
						subject: "caustic classifier promote",
						remedy: "Give a number that caustic classifier list shows",
					});
				await database.transaction("promote", (tx) => promote(tx, version, actor));
				await list(database, print);
			}
			return EXIT.done;
		});
	},
};

type Print = (value: unknown, text: string) => void;

async function label(invocation: Invocation, database: Database, actor: string): Promise<void> {
	const name = stringOption(invocation, "source");
	for (const needed of ["source", "from", "to"])
		if (invocation.options[needed] === undefined)
			throw badInput("bad-usage", "is needed", { subject: `--${needed}`, remedy: "See caustic classifier --help" });
	const [source] = await sourcesNamed(database, [name as string]);
	const startMjd = numberOption(invocation, "from", 0, 0, 200_000);
	const endMjd = numberOption(invocation, "to", 0, 0, 200_000);
	if (endMjd < startMjd)
		throw badInput("bad-option", "lies before --from", { subject: "--to", remedy: "Give the last day of the event" });
	await database.transaction("label", (tx) =>
		addLabel(tx, {
			sourceId: source.id,
			startMjd,
			endMjd,
			isEvent: invocation.options["no-event"] !== true,
			origin: invocation.options.known === true ? "known" : "manual",
			actor,
			note: stringOption(invocation, "note"),
		}),
	);
}

/** Labelled candidates that carry what the classifier looks at; others were stored by another detector. */
function learnable<
	T extends Pick<LabelledRow, "explanation" | "depth" | "duration_days" | "chromaticity" | "statistic" | "eta" | "v">,
>(rows: readonly T[]): { row: T; features: number[] }[] {
	return rows.flatMap((row) => {
		const { explanation, statistic, depth, duration_days: durationDays, chromaticity } = row;
		if (statistic === null || depth === null || durationDays === null || chromaticity === null) return [];
		if (typeof explanation.lambda_null !== "number" || typeof explanation.null_with_lens !== "object") return [];
		const features = featuresOf(
			{ statistic, depth, durationDays, chromaticity, explanation: explanation as never },
			row.eta,
			row.v,
		);
		return features.every(Number.isFinite) ? [{ row, features }] : [];
	});
}

const asLabelled = (rows: readonly LabelledRow[]): (LabelledCandidate & { at: Date })[] =>
	learnable(rows).map(({ row, features }) => ({ features, isEvent: row.is_event, at: row.at }));

async function accuracy(database: Database, print: Print): Promise<void> {
	const [months, events] = [await accuracyOverTime(database), await namedEvents(database)];
	const missed = events.filter((event) => event.candidate_id === null);
	const share = (part: number, whole: number) => (whole === 0 ? "" : (part / whole).toFixed(2));
	print(
		{ months, named_events: events.length, missed },
		`${columnsOfText(
			["month", "tier", "confirmed", "rejected", "precision"],
			months.map((m) => [m.month, m.tier, m.confirmed, m.rejected, share(m.confirmed, m.confirmed + m.rejected)]),
		)}\nnamed events: ${events.length}, found ${events.length - missed.length}${missed.map((m) => `\nmissed: ${m.source}, MJD ${m.start_mjd} to ${m.end_mjd}${m.note === null ? "" : ` (${m.note})`}`).join("")}\n`,
	);
}

async function train(database: Database, print: Print): Promise<void> {
	const labelled = asLabelled(await labelledCandidates(database));
	trainClassifier(labelled);
	const performance = crossValidate(labelled);
	let trained: Classifier | undefined;
	const version = await database.transaction("train", (tx) =>
		storeTrial(
			tx,
			(next) => {
				trained = trainClassifier(labelled, next);
				return trained;
			},
			performance,
		),
	);
	print(
		{ version, trained_on: trained?.trainedOn, cross_validated: performance },
		`version ${version} is on trial: learned from ${trained?.trainedOn.events} events and ${trained?.trainedOn.others} others\ncross-validated: ${inWords(performance)}\n`,
	);
}

const inWords = (p: Performance) =>
	`accuracy ${p.accuracy.toFixed(3)}, precision ${p.precision?.toFixed(3) ?? "–"}, recall ${p.recall?.toFixed(3) ?? "–"}, Brier ${p.brier.toFixed(4)}, log loss ${p.logLoss.toFixed(4)}, expected over actual events ${p.calibration?.toFixed(2) ?? "–"} (${p.n} candidates)`;

async function list(database: Database, print: Print): Promise<void> {
	const all = await listClassifiers<Classifier, Performance>(database);
	print(
		all,
		all.length === 0
			? "no classifier has been trained"
			: columnsOfText(
					["version", "status", "created", "events", "others", "accuracy", "Brier", "promoted by"],
					all.map((c) => [
						c.version,
						c.status,
						c.created_at.toISOString().slice(0, 10),
						c.model.trainedOn.events,
						c.model.trainedOn.others,
						c.performance.accuracy.toFixed(3),
						c.performance.brier.toFixed(4),
						c.promoted_by ?? "",
					]),
				),
	);
}

async function pair(database: Database): Promise<{ promoted: Stored | undefined; trial: Stored | undefined }> {
	const all = await listClassifiers<Classifier, Performance>(database);
	return {
		promoted: all.find((one) => one.status === "promoted"),
		trial: all.find((one) => one.status === "trial"),
	};
}

async function compare(database: Database, print: Print): Promise<void> {
	const { promoted, trial } = await pair(database);
	if (promoted === undefined || trial === undefined)
		throw badInput(
			"nothing-to-compare",
			`there is no ${promoted === undefined ? "promoted version" : "version on trial"}`,
			{
				subject: "caustic classifier compare",
				remedy: promoted === undefined ? "Promote a version first" : "Train one first",
			},
		);
	const since = Math.max(promoted.created_at.getTime(), trial.created_at.getTime());
	const judged = asLabelled(await labelledCandidates(database)).filter((one) => one.at.getTime() > since);
	if (judged.length === 0)
		throw badInput("nothing-to-compare", "no verdict was given since both were trained", {
			subject: "caustic classifier compare",
			remedy: "Judge some candidates, then compare again",
		});
	const result = compareClassifiers(promoted.model, trial.model, judged);
	print(
		{ promoted: promoted.version, trial: trial.version, ...result },
		`promoted version ${promoted.version}: ${inWords(result.first)}\ntrial version ${trial.version}: ${inWords(result.second)}\ndifference of log loss (trial minus promoted): ${result.lossDifference.toFixed(4)} +- ${result.standardError.toFixed(4)}; negative: the trial is better\n`,
	);
}

async function score(database: Database, print: Print): Promise<void> {
	const { promoted, trial } = await pair(database);
	if (promoted === undefined && trial === undefined)
		throw badInput("no-classifier", "none has been trained", {
			subject: "caustic classifier score",
			remedy: "Run caustic classifier train",
		});
	const scored = learnable(await unlabelledCandidates(database)).map(({ row, features }) => ({
		candidate_id: row.candidate_id,
		source: row.source,
		significance: row.significance,
		promoted: promoted === undefined ? null : classify(promoted.model, features),
		trial: trial === undefined ? null : classify(trial.model, features),
	}));
	print(
		scored,
		columnsOfText(
			["candidate", "source", "sigma", "promoted", "trial"],
			scored.map((s) => [
				s.candidate_id,
				s.source,
				s.significance.toFixed(2),
				s.promoted?.toFixed(3) ?? "",
				s.trial?.toFixed(3) ?? "",
			]),
		),
	);
}
