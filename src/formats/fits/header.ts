import { badInput } from "../../error.ts";
import { type Card, type CardValue, hierarchKeyword, parseCard, parseValue } from "./card.ts";

export const CARD_BYTES = 80;
export const BLOCK_BYTES = 2880;
/** No header that anybody wrote on purpose is longer: about 260,000 cards. */
export const MAX_HEADER_BYTES = 20 * 1024 * 1024;
const MAX_NAXIS = 999;
const BITPIX = [8, 16, 32, 64, -32, -64];

/** A FITS header (FITS standard 4.0), with long strings (CONTINUE) and HIERARCH keywords put together. */
export class FitsHeader {
	/** The file, and the extension in it: named in every error. */
	readonly source: string;
	/** Lengths of the axes, NAXIS1 first. */
	readonly naxis: number[];
	/** Lines of HISTORY cards, in order. */
	readonly history: string[] = [];
	/** Lines of COMMENT cards, in order. */
	readonly comments: string[] = [];
	private readonly cards: Card[] = [];
	private readonly index = new Map<string, Card>();

	constructor(cards: Iterable<Card>, source: string) {
		this.source = source;
		let open: Card | undefined;
		for (const card of cards) {
			if (card.keyword === "CONTINUE" && open !== undefined) {
				const more = parseValue(card.text ?? "");
				if (typeof more.value === "string") {
					open.value = String(open.value).slice(0, -1) + more.value;
					if (more.comment !== "") open.comment = `${open.comment} ${more.comment}`.trim();
					if (!more.continued) open = undefined;
					continue;
				}
			}
			open = card.continued ? card : undefined;
			if (card.keyword === "HISTORY") this.history.push(card.text ?? "");
			else if (card.keyword === "COMMENT") this.comments.push(card.text ?? "");
			else if (card.text === undefined) {
				this.cards.push(card);
				// The first of two cards with one keyword counts, as in CFITSIO.
				if (!this.index.has(card.keyword)) this.index.set(card.keyword, card);
			}
		}
		this.naxis = this.axisLengths();
	}

	/** Parses header text (cards of 80 characters up to END, which is not required). */
	static parse(text: string, source: string): FitsHeader {
		const cards: Card[] = [];
		for (let at = 0; at < text.length; at += CARD_BYTES) {
			const card = text.slice(at, at + CARD_BYTES);
			if (card.startsWith("END") && card.slice(3).trim() === "") break;
			cards.push(parseCard(card));
		}
		return new FitsHeader(cards, source);
	}

	private card(keyword: string): Card | undefined {
		return this.index.get(keyword) ?? this.index.get(hierarchKeyword(keyword));
	}

	/** The value of a keyword; undefined when the card is absent or has no value. */
	get(keyword: string): CardValue {
		return this.card(keyword)?.value;
	}

	has(keyword: string): boolean {
		return this.card(keyword) !== undefined;
	}

	/** The comment beside a value, or an empty string. */
	comment(keyword: string): string {
		return this.card(keyword)?.comment ?? "";
	}

	/** Every card with a keyword and its value, in the order of the file, repeated keywords included. */
	*entries(): IterableIterator<[keyword: string, value: CardValue, comment: string]> {
		for (const card of this.cards) yield [card.keyword, card.value, card.comment];
	}

	/**
	 * A number, or undefined when the card is absent or empty; numbers that a writer put in quotes are read.
	 * @throws CausticError `bad-fits-card` when the value is not a finite number.
	 */
	number(keyword: string): number | undefined {
		const value = this.get(keyword);
		if (value === undefined || (typeof value === "string" && value.trim() === "")) return undefined;
		const number = typeof value === "boolean" ? Number.NaN : Number(value);
		if (Number.isFinite(number)) return number;
		throw badInput("bad-fits-card", `${keyword} = ${JSON.stringify(value)} is not a finite number`, {
			subject: this.source,
			remedy: `Write ${keyword} as a number`,
		});
	}

	/** A string without surrounding blanks, or undefined when the card is absent, empty or not a string. */
	text(keyword: string): string | undefined {
		const value = this.get(keyword);
		return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
	}

	/** A whole number from low to high; the fallback when the card is absent; refuses anything else by name. */
	whole(keyword: string, low: number, high: number, fallback?: number): number {
		const value = this.get(keyword) ?? fallback;
		if (typeof value === "number" && Number.isInteger(value) && value >= low && value <= high) return value;
		throw badInput(
			"bad-fits-header",
			value === undefined ? `there is no ${keyword} card` : `${keyword} = ${value} is not from ${low} to ${high}`,
			{ subject: this.source, remedy: "The file is damaged, or is not FITS" },
		);
	}

	/** Bits per value: 8, 16, 32, 64 for integers, -32 and -64 for floating point. */
	get bitpix(): number {
		const value = this.get("BITPIX");
		if (typeof value === "number" && BITPIX.includes(value)) return value;
		throw badInput("bad-fits-header", `BITPIX = ${value} is none of ${BITPIX.join(", ")}`, {
			subject: this.source,
			remedy: "The file is damaged, or is not FITS",
		});
	}

	private axisLengths(): number[] {
		const count = this.whole("NAXIS", 0, MAX_NAXIS, 0);
		return Array.from({ length: count }, (_, i) => this.whole(`NAXIS${i + 1}`, 0, Number.MAX_SAFE_INTEGER));
	}

	/** Random groups (UVFITS): NAXIS1 = 0 and GROUPS = T in the primary header. */
	get isRandomGroups(): boolean {
		return this.naxis[0] === 0 && this.naxis.length > 1 && this.get("GROUPS") === true;
	}

	/**
	 * Bytes of data that follow this header, padding not counted.
	 * @throws CausticError when the header claims more than can be counted exactly.
	 */
	dataBytes(): number {
		if (this.naxis.length === 0) return 0;
		const lengths = this.isRandomGroups ? this.naxis.slice(1) : this.naxis;
		const grouped = this.isRandomGroups || this.has("XTENSION");
		const parameters = grouped ? this.whole("PCOUNT", 0, Number.MAX_SAFE_INTEGER, 0) : 0;
		const groups = grouped ? this.whole("GCOUNT", 0, Number.MAX_SAFE_INTEGER, 1) : 1;
		const values = lengths.reduce((product, length) => product * length, 1);
		const bytes = (Math.abs(this.bitpix) / 8) * groups * (parameters + values);
		if (!Number.isSafeInteger(bytes)) {
			throw badInput("bad-fits-header", `NAXIS = ${this.naxis.join(" x ")} is more data than any file holds`, {
				subject: this.source,
				remedy: "The header is damaged",
			});
		}
		return bytes;
	}
}
