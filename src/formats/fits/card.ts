/** The value of a header card; undefined when the card has a keyword and no value. */
export type CardValue = string | number | boolean | undefined;

export interface Card {
	keyword: string;
	value: CardValue;
	comment: string;
	/** The text of a card without a value: COMMENT, HISTORY, CONTINUE and whatever is no keyword = value. */
	text?: string;
	/** A string that ends in `&` and may go on in CONTINUE cards. */
	continued?: boolean;
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([EDed][+-]?\d+)?$/;

/** A string in quotes at the start of the text, quotes inside it doubled; undefined when it never closes. */
function quoted(text: string): { value: string; rest: string } | undefined {
	let end = 1;
	for (;;) {
		end = text.indexOf("'", end);
		if (end < 0) return undefined;
		if (text[end + 1] !== "'") break;
		end += 2;
	}
	return { value: text.slice(1, end).replaceAll("''", "'"), rest: text.slice(end + 1) };
}

function commentOf(rest: string): string {
	const slash = rest.indexOf("/");
	return slash < 0 ? "" : rest.slice(slash + 1).trim();
}

/** What stands after `=` (or after CONTINUE): a value and, after a slash, a comment. */
export function parseValue(field: string): { value: CardValue; comment: string; continued?: boolean } {
	const text = field.trimStart();
	if (text.startsWith("'")) {
		const string = quoted(text);
		// A string that never closes was cut by its writer: what is there is the value.
		if (string === undefined) return { value: text.slice(1).trimEnd(), comment: "" };
		const value = string.value.trimEnd();
		return { value, comment: commentOf(string.rest), continued: value.endsWith("&") };
	}
	const slash = text.indexOf("/");
	const word = (slash < 0 ? text : text.slice(0, slash)).trim();
	const comment = slash < 0 ? "" : text.slice(slash + 1).trim();
	if (word === "") return { value: undefined, comment };
	if (word === "T" || word === "F") return { value: word === "T", comment };
	if (NUMBER.test(word)) return { value: Number(word.replace(/[Dd]/, "E")), comment };
	return { value: word, comment };
}

/** One 80-character card, by the FITS standard 4.0, section 4, with the HIERARCH convention of ESO. */
export function parseCard(text: string): Card {
	const keyword = text.slice(0, 8).trimEnd().toUpperCase();
	if (keyword === "HIERARCH") {
		const equals = text.indexOf("=");
		if (equals > 0) return { keyword: hierarchKeyword(text.slice(8, equals)), ...parseValue(text.slice(equals + 1)) };
	}
	const isText = keyword === "COMMENT" || keyword === "HISTORY" || keyword === "" || keyword === "CONTINUE";
	if (text[8] === "=" && !isText) return { keyword, ...parseValue(text.slice(9)) };
	return { keyword, value: undefined, comment: "", text: text.slice(8).trimEnd() };
}

/** `HIERARCH ESO  DET NAME` and `ESO DET NAME` are the same keyword. */
export function hierarchKeyword(name: string): string {
	return name
		.trim()
		.toUpperCase()
		.replace(/^HIERARCH\s+/, "")
		.replaceAll(/\s+/g, " ");
}
