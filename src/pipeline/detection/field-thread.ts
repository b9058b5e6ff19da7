import { type DetectOptions, type DetectSource, detectEvents, type LightCurveTable } from "../../detection/detect.ts";
import { ProfileCache } from "../../detection/templates.ts";

/** Lenses that any field of this thread has asked for. */
const profiles = new ProfileCache();

/** One field's light curves, judged in a thread of their own. */
export default (task: { table: LightCurveTable; sources: DetectSource[]; options: DetectOptions }) =>
	detectEvents(task.table, task.sources, task.options, profiles);
