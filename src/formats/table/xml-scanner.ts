import { badInput } from "../../error.ts";

const LESS = 60;
const GREATER = 62;
const ENTITY: Record<string, string> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

/** Replaces the predefined entities and character references; others, which a DOCTYPE would define, stay as they are. */
export function unescapeXml(text: string): string {
	if (!text.includes("&")) return text;
	return text.replaceAll(/&(#x[0-9a-f]{1,6}|#\d{1,7}|\w+);/gi, (whole, name: string) => {
		if (!name.startsWith("#")) return ENTITY[name] ?? whole;
		const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
		return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
	});
}

/**
 * Walks through the tags of an XML document in bytes, without building a tree. Comments, processing instructions and
 * the DOCTYPE are passed over; entities are never expanded beyond the predefined ones.
 */
export class XmlScanner {
	/** The last tag's name without its namespace prefix, and whether it opens, closes, or is empty (`<TD/>`). */
	name = "";
	kind: "open" | "close" | "empty" = "open";
	/** Bytes of the text before the last tag; `cdata` holds the text instead when CDATA sections were in it. */
	textStart = 0;
	textEnd = 0;
	cdata: string | undefined;
	private at = 0;
	private attributeStart = 0;
	private attributeEnd = 0;
	private readonly bytes: Buffer;
	private readonly path: string;

	constructor(bytes: Buffer, path: string) {
		this.bytes = bytes;
		this.path = path;
	}

	private find(text: string, from: number): number {
		const found = this.bytes.indexOf(text, from, "latin1");
		if (found < 0) {
			throw badInput("bad-xml", `the file ends before ${JSON.stringify(text)}`, {
				subject: this.path,
				remedy: "The file is cut off or damaged: copy it again",
			});
		}
		return found;
	}

	/** Moves to the next tag; false at the end of the document. */
	next(): boolean {
		const { bytes } = this;
		this.textStart = this.at;
		this.cdata = undefined;
		let pieceStart = this.at;
		for (;;) {
			const less = bytes.indexOf(LESS, this.at);
			if (less < 0) return false;
			const second = bytes[less + 1];
			if (second === 33 || second === 63) {
				const isCdata = second === 33 && bytes.toString("latin1", less, less + 9) === "<![CDATA[";
				if (isCdata || bytes.toString("latin1", less, less + 4) === "<!--") {
					const end = this.find(isCdata ? "]]>" : "-->", less + 4);
					const before = unescapeXml(bytes.toString("utf8", pieceStart, less));
					this.cdata = (this.cdata ?? "") + before + (isCdata ? bytes.toString("utf8", less + 9, end) : "");
					this.at = end + 3;
				} else if (second === 63) this.at = this.find("?>", less) + 2;
				else {
					const subset = bytes.indexOf("[", less, "latin1");
					const close = this.find(">", less);
					this.at = subset >= 0 && subset < close ? this.find("]>", subset) + 2 : close + 1;
				}
				pieceStart = this.at;
				if (this.cdata === undefined) this.textStart = this.at;
				continue;
			}
			this.textEnd = less;
			if (this.cdata !== undefined) this.cdata += unescapeXml(bytes.toString("utf8", pieceStart, less));
			this.readTag(less);
			return true;
		}
	}

	private readTag(less: number): void {
		const { bytes } = this;
		let at = less + 1;
		const isClose = bytes[at] === 47;
		if (isClose) at += 1;
		let from = at;
		// Up to a blank, a slash or the end of the tag.
		while (at < bytes.length && bytes[at] > 32 && bytes[at] !== GREATER && bytes[at] !== 47) {
			if (bytes[at] === 58) from = at + 1;
			at += 1;
		}
		// TR and TD make up nearly all of a table.
		if (at - from === 2 && bytes[from] === 84 && (bytes[from + 1] === 68 || bytes[from + 1] === 82)) {
			this.name = bytes[from + 1] === 68 ? "TD" : "TR";
		} else this.name = bytes.toString("latin1", from, Math.min(at, from + 64));
		this.attributeStart = at;
		let quote = 0;
		for (; at < bytes.length && (quote !== 0 || bytes[at] !== GREATER); at++) {
			const byte = bytes[at];
			if (quote !== 0) {
				if (byte === quote) quote = 0;
			} else if (byte === 34 || byte === 39) quote = byte;
		}
		if (at >= bytes.length) this.find(">", bytes.length);
		const isEmpty = !isClose && bytes[at - 1] === 47;
		this.attributeEnd = isEmpty ? at - 1 : at;
		this.kind = isClose ? "close" : isEmpty ? "empty" : "open";
		this.at = at + 1;
	}

	/** The attributes of the last tag. */
	attributes(): Map<string, string> {
		const text = this.bytes.toString("utf8", this.attributeStart, this.attributeEnd);
		const found = new Map<string, string>();
		for (const match of text.matchAll(/([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)) {
			found.set(match[1], unescapeXml(match[2] ?? match[3] ?? ""));
		}
		return found;
	}

	/** The text before the last tag. */
	text(): string {
		return this.cdata ?? unescapeXml(this.bytes.toString("utf8", this.textStart, this.textEnd));
	}
}
