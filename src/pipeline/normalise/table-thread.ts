import { type FieldResult, type FieldTask, normalizeField } from "../../normalization/normalize-field.ts";

export default (task: FieldTask): FieldResult => normalizeField(task);
