import type { WcsCase } from "./random-headers.ts";

/** Cards of the first header of a FITS file, by a reader as plain as can be: tests of the sky need no other. */
export function headerOf(bytes: Buffer): Map<string, string | number | boolean> {
	const cards = new Map<string, string | number | boolean>();
	for (let at = 0; at + 80 <= bytes.length; at += 80) {
		const card = bytes.toString("latin1", at, at + 80);
		const keyword = card.slice(0, 8).trim();
		if (keyword === "END") break;
		if (card.slice(8, 10) !== "= ") continue;
		const value = card.slice(10).trim();
		const text = /^'((?:[^']|'')*)'/.exec(value);
		const plain = value.split("/")[0].trim();
		if (text !== null) cards.set(keyword, text[1].replaceAll("''", "'").trimEnd());
		else if (plain === "T" || plain === "F") cards.set(keyword, plain === "T");
		else if (plain !== "") cards.set(keyword, Number(plain.replace("D", "E")));
	}
	return cards;
}

/** The celestial cards of an image with its corners, centre and places between. */
export function imageCase(header: Map<string, string | number | boolean>): WcsCase {
	const cards: WcsCase["cards"] = {};
	for (const [keyword, value] of header) {
		const celestial = /^(CTYPE|CRVAL|CRPIX|CDELT|CUNIT|CROTA|PC|CD|PV|LONPOLE|LATPOLE|RADESYS|EQUINOX|MJD-OBS)/.test(
			keyword,
		);
		if (celestial && typeof value !== "boolean" && value !== "") cards[keyword] = value;
	}
	const width = Number(header.get("NAXIS1"));
	const height = Number(header.get("NAXIS2"));
	const xs = [0, width - 1, 0, width - 1, (width - 1) / 2, width / 3];
	const ys = [0, 0, height - 1, height - 1, (height - 1) / 2, height / 7];
	const near = (crval: unknown, step: number) => xs.map((_, i) => Number(crval) + step * (i - 2));
	return {
		cards,
		naxis: Number(header.get("NAXIS")),
		x: xs,
		y: ys,
		ra: near(header.get("CRVAL1"), 0.3),
		dec: near(header.get("CRVAL2"), 0.2).map((dec) => Math.max(-90, Math.min(90, dec))),
	};
}
