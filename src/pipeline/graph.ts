import type { Stage } from "./stage.ts";
import { associate } from "./stages/associate.ts";
import { detect } from "./stages/detect.ts";
import { find } from "./stages/find.ts";
import { ingest } from "./stages/ingest.ts";
import { measure } from "./stages/measure.ts";
import { normalise } from "./stages/normalise.ts";
import { report } from "./stages/report.ts";
import { statistics } from "./stages/statistics.ts";

/** The pipeline, in an order in which every stage stands behind those that it waits for. */
export const STAGES: readonly Stage[] = [ingest, find, associate, measure, normalise, statistics, detect, report];
