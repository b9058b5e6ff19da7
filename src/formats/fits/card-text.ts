import { badInput } from "../../error.ts";

/** A card to write: the keyword, its value and a comment. COMMENT and HISTORY take text and may repeat. */
export type CardToWrite = readonly [keyword: string, value: string | number | boolean, comment?: string];

const TEXT_COLUMNS = 72;
/** Characters of a string between its quotes in one card, the `&` of a continued one included. */
const STRING_COLUMNS = 67;

function numberText(value: number): string {
	const text = String(value).toUpperCase();
	// 1E-7 has no decimal point and some readers would take it for an integer.
	return text.includes("E") && !text.includes(".") ? text.replace("E", ".0E") : text;
}

function stringCards(head: string, value: string, comment: string): string[] {
	const text = value.replaceAll("'", "''");
	const room = 80 - head.length - 2;
	if (text.length <= room) {
		const card = `${head}'${text.padEnd(8)}'`;
		const note = comment === "" ? "" : ` / ${comment}`;
		return [(card.padEnd(30) + note).slice(0, 80)];
	}
	const cards: string[] = [];
	let rest = text;
	while (rest !== "") {
		const here = cards.length === 0 ? head : "CONTINUE  ";
		let length = Math.min(rest.length, cards.length === 0 ? room - 1 : STRING_COLUMNS);
		// A doubled quote stays in one card.
		if (length < rest.length && (/'*$/.exec(rest.slice(0, length))?.[0].length ?? 0) % 2 === 1) length -= 1;
		const isLast = length === rest.length;
		cards.push(`${here}'${rest.slice(0, length)}${isLast ? "" : "&"}'`);
		rest = rest.slice(length);
	}
	return cards;
}

/**
 * The cards (80 characters each) of one keyword: long strings go on in CONTINUE, long keywords use HIERARCH, long
 * text is broken into several COMMENT or HISTORY cards.
 * @throws CausticError `bad-fits-card` for what FITS cannot hold: NaN, and characters that are not ASCII.
 */
export function cardTexts([name, value, comment = ""]: CardToWrite, subject: string): string[] {
	const keyword = name.trim().toUpperCase();
	const refuse = (why: string): never => {
		throw badInput("bad-fits-card", `${keyword}: ${why}`, { subject, remedy: "FITS headers hold printable ASCII" });
	};
	if (!/^[ -~]*$/.test(`${keyword}${value}${comment}`)) refuse("a character is not printable ASCII");
	if (keyword === "COMMENT" || keyword === "HISTORY") {
		const lines = String(value).match(new RegExp(`.{1,${TEXT_COLUMNS}}`, "g")) ?? [""];
		return lines.map((line) => keyword.padEnd(8) + line);
	}
	const isHierarch = !/^[A-Z0-9_-]{1,8}$/.test(keyword);
	if (isHierarch && (!/^[A-Z0-9_ -]+$/.test(keyword) || keyword.length > 40)) refuse("this is not a FITS keyword");
	const head = isHierarch ? `HIERARCH ${keyword} = ` : `${keyword.padEnd(8)}= `;
	if (typeof value === "string") return stringCards(head, value, comment);
	if (typeof value === "number" && !Number.isFinite(value)) refuse(`${value} is not a finite number`);
	const text = typeof value === "boolean" ? (value ? "T" : "F") : numberText(value);
	const card = head + (isHierarch ? text : text.padStart(20));
	return [(comment === "" ? card : `${card} / ${comment}`).slice(0, 80)];
}

/** A whole header block: cards, END, and blanks up to a multiple of 2880 bytes. */
export function headerBlock(cards: readonly CardToWrite[], subject: string): Uint8Array {
	const texts = cards.flatMap((card) => cardTexts(card, subject));
	texts.push("END");
	const bytes = Math.ceil((texts.length * 80) / 2880) * 2880;
	return Buffer.from(
		texts
			.map((text) => text.padEnd(80))
			.join("")
			.padEnd(bytes),
		"latin1",
	);
}
