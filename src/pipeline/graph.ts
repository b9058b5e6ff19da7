import type { RunKind } from "../store/runs.ts";
import type { Stage } from "./stage.ts";
import { associate } from "./stages/associate.ts";
import { bin } from "./stages/bin.ts";
import { detect } from "./stages/detect.ts";
import { detectRequested } from "./stages/detect-requested.ts";
import { find } from "./stages/find.ts";
import { convert, solve } from "./stages/group.ts";
import { ingest } from "./stages/ingest.ts";
import { measure } from "./stages/measure.ts";
import { normalise } from "./stages/normalise.ts";
import { normaliseRequested } from "./stages/normalise-requested.ts";
import { references } from "./stages/references.ts";
import { report } from "./stages/report.ts";
import { statistics } from "./stages/statistics.ts";

/** The pipeline, in an order in which every stage stands behind those that it waits for. */
export const STAGES: readonly Stage[] = [
	ingest,
	find,
	associate,
	measure,
	normalise,
	bin,
	statistics,
	detect,
	references,
	report,
];

/** The stages of each kind of run. */
export const GRAPHS: Record<RunKind, readonly Stage[]> = {
	images: STAGES,
	detection: [detectRequested],
	// What is derived from the fluxes follows them at once.
	normalization: [
		normaliseRequested,
		{ ...statistics, after: [normaliseRequested.name] },
		{ ...detectRequested, after: [statistics.name], enabled: detect.enabled },
	],
	visibilities: [solve, convert],
};

const byName = new Map(Object.values(GRAPHS).flatMap((stages) => stages.map((stage) => [stage.name, stage])));

export const stageNamed = (name: string): Stage | undefined => byName.get(name);
