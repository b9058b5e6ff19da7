import type { NullModel } from "./null-model.ts";
import type { TemplateBank } from "./templates.ts";

/** Where a refinement starts: a template and the null under which it was found. */
export interface Start {
	template: number;
	model: NullModel;
	point: number;
	/** Twice the log-likelihood ratio of the template to that null. */
	lambda: number;
}

export type Search = (
	bank: TemplateBank,
	counts: readonly (readonly [number, Int16Array])[],
	most: number,
	signs: (t: number) => boolean,
) => Start[];

export interface Scored {
	template: number;
	value: number;
}

/** The best members of a bank, at most one per class if classes are given. */
export function best(bank: TemplateBank, count: number, value: (t: number) => number, classes?: Int16Array): Scored[] {
	const top: Scored[] = [];
	for (let t = 0; t < bank.size; t++) {
		const found = value(t);
		if (found === -Infinity || (top.length >= count && found <= top[top.length - 1].value)) continue;
		if (classes !== undefined) {
			const same = top.findIndex((other) => classes[other.template] === classes[t]);
			if (same >= 0) {
				if (top[same].value >= found) continue;
				top.splice(same, 1);
			}
		}
		top.push({ template: t, value: found });
		top.sort((a, b) => b.value - a.value);
		if (top.length > count) top.length = count;
	}
	return top;
}
