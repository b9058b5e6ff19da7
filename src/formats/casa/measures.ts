import type { CasaField, CasaRecord } from "./record.ts";

/** A keyword that is a text. */
export const textKeyword = (value: string): CasaField => ({ type: "String", isArray: false, value, comment: "" });
const texts = (...values: string[]): CasaField => ({
	type: "String",
	isArray: true,
	value: { shape: [values.length], data: values },
	comment: "",
	described: [-1],
});

/** Column keywords: units, and what kind of measure in which frame. */
export function measured(units: string[], measure?: { type: string; Ref: string }): CasaRecord {
	const keywords: CasaRecord = new Map([["QuantumUnits", texts(...units)]]);
	if (measure !== undefined) {
		const value: CasaRecord = new Map([
			["type", textKeyword(measure.type)],
			["Ref", textKeyword(measure.Ref)],
		]);
		keywords.set("MEASINFO", { type: "Record", isArray: false, value, comment: "" });
	}
	return keywords;
}

export const EPOCH = () => measured(["s"], { type: "epoch", Ref: "UTC" });
export const SECONDS = () => measured(["s"]);
export const POSITION = () => measured(["m", "m", "m"], { type: "position", Ref: "ITRF" });
export const DIRECTION = (frame: string) => measured(["rad", "rad"], { type: "direction", Ref: frame });

/** A frequency whose frame stands in the column MEAS_FREQ_REF. */
export function frequency(): CasaRecord {
	const names = ["REST", "LSRK", "LSRD", "BARY", "GEO", "TOPO", "GALACTO", "LGROUP", "CMB", "Undefined"];
	const keywords = measured(["Hz"]);
	const value: CasaRecord = new Map<string, CasaField>([
		["type", textKeyword("frequency")],
		["VarRefCol", textKeyword("MEAS_FREQ_REF")],
		["TabRefTypes", texts(...names)],
		[
			"TabRefCodes",
			{
				type: "uInt",
				isArray: true,
				value: { shape: [10], data: Uint32Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 64) },
				comment: "",
				described: [-1],
			},
		],
	]);
	return keywords.set("MEASINFO", { type: "Record", isArray: false, value, comment: "" });
}
