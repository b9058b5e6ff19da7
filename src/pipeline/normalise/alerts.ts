import { DEFAULT_QUALITY_LIMITS } from "../../normalization/quality.ts";
import * as metrics from "../../observability/metrics.ts";
import type { Transaction } from "../../store/database.ts";
import { publish } from "../../store/events.ts";
import type { NormalizedRows } from "./field-scale.ts";

/** Something about an image's flux scale that a person should know. */
export interface ImageAlert {
	kind: "insufficient_references" | "suspicious_correction" | "not_normalised" | "pull_scatter";
	imageId: number;
	mjd: number;
	/** References measured, and how many are needed. */
	available: number;
	needed: number;
	/** Where the correction came from in the end. */
	source: string;
	correction: number;
	reasons: string[];
}

/** Fewer references than this say too little of the scatter of their pulls. */
const PULLS_NEEDED = 10;

/**
 * Alerts of one image: too few references of the field's own list, a correction outside its gate, none at all, residuals
 * that the errors do not explain.
 */
export function alertsOf(imageId: number, { result, accuracy }: NormalizedRows, needed: number): ImageAlert[] {
	const { solution } = result;
	const alert = (kind: ImageAlert["kind"], available: number, reasons: string[]): ImageAlert => ({
		kind,
		imageId,
		mjd: solution.mjd,
		available,
		needed,
		source: solution.source,
		correction: solution.correction,
		reasons,
	});
	const alerts: ImageAlert[] = [];
	const own = solution.steps.find((step) => step.source === "ensemble");
	if (own?.reasons.includes("too_few_references")) {
		alerts.push(alert("insufficient_references", own.used, own.reasons));
	}
	if (solution.status === "suspicious") {
		alerts.push(alert("suspicious_correction", solution.available, solution.reasons));
	} else if (solution.status === "not_normalised" && !solution.reasons.includes("switched_off")) {
		alerts.push(
			alert(
				"not_normalised",
				own?.available ?? 0,
				solution.steps.flatMap((step) => step.reasons),
			),
		);
	}
	const [low, high] = DEFAULT_QUALITY_LIMITS.pullStd;
	const { n, std } = accuracy.pulls;
	const slack = 3 / Math.sqrt(2 * n);
	if (accuracy.independent && n >= PULLS_NEEDED && (std < low - slack || std > high + slack)) {
		alerts.push(alert("pull_scatter", n, [`standard deviation ${std.toFixed(2)}`]));
	}
	return alerts;
}

/** Announces and counts alerts, in the transaction that stores what they speak of. */
export async function publishAlerts(
	tx: Transaction,
	fieldId: number,
	field: string,
	alerts: readonly ImageAlert[],
): Promise<void> {
	for (const { kind, imageId, mjd, available, needed, source, correction, reasons } of alerts) {
		await publish(tx, "NormalizationAlert", {
			source: "stage/normalise",
			subject: String(fieldId),
			data: { kind, field, image: imageId, mjd, available, needed, correction_source: source, correction, reasons },
		});
		metrics.normalizationAlerts.inc({ kind });
	}
}
