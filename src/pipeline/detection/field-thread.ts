import { type DetectOptions, type DetectSource, detectEvents, type LightCurveTable } from "../../detection/detect.ts";
import { FilterCache } from "../../detection/field-filter.ts";

/** Lenses that any field of this thread has asked for, and the banks of its last field. */
const filters = new FilterCache();

/** One field's light curves, judged in a thread of their own. */
export default (task: { table: LightCurveTable; sources: DetectSource[]; options: DetectOptions }) =>
	detectEvents(task.table, task.sources, task.options, filters);
