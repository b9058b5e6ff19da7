import { badInput } from "../error.ts";

/** The cards of a FITS header by keyword; a plain `Map` is one. */
export interface HeaderCards {
	get(keyword: string): string | number | boolean | undefined;
}

/**
 * A number of the header, undefined when the card is absent or blank. Numbers that a writer put in quotes are read.
 * Throws `bad-card` naming the card when it holds anything else.
 */
export function numberCard(header: HeaderCards, keyword: string): number | undefined {
	const value = header.get(keyword);
	if (value === undefined || value === null || value === "") return undefined;
	const number = typeof value === "number" ? value : typeof value === "string" ? Number(value) : Number.NaN;
	if (typeof value === "string" && value.trim() === "") return undefined;
	if (!Number.isFinite(number)) {
		throw badInput("bad-card", `${JSON.stringify(value)} is not a finite number`, {
			subject: keyword,
			remedy: `Correct the card ${keyword} of the header`,
		});
	}
	return number;
}

/** A text of the header without trailing blanks, undefined when the card is absent or blank. */
export function textCard(header: HeaderCards, keyword: string): string | undefined {
	const value = header.get(keyword);
	if (value === undefined || value === null) return undefined;
	if (typeof value !== "string") {
		throw badInput("bad-card", `${String(value)} is not a text`, {
			subject: keyword,
			remedy: `Correct the card ${keyword} of the header`,
		});
	}
	const text = value.trim();
	return text === "" ? undefined : text;
}

/** A number that the header must have: a default would put the image anywhere. */
export function requiredCard(header: HeaderCards, keyword: string): number {
	const value = numberCard(header, keyword);
	if (value === undefined) {
		throw refuseCard(
			"no-wcs",
			keyword,
			"the header lacks the card",
			"Give the image a complete celestial coordinate system",
		);
	}
	return value;
}

export const refuseCard = (code: string, subject: string, message: string, remedy: string) =>
	badInput(code, message, { subject, remedy });
