/**
 * Records astropy's answers for seeded headers, and for the headers of images given as arguments, beside this script:
 * `node test/oracle/record-wcs.ts [IMAGE...]`. The recorded comparison then runs on machines without astropy.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { askAstropy } from "./astropy.ts";
import { headerOf, imageCase } from "./image-header.ts";
import { randomHeaders } from "./random-headers.ts";
import type { WcsAnswer } from "./wcs-comparison.ts";

const cases = [
	...process.argv.slice(2).map((path) => imageCase(headerOf(readFileSync(path)))),
	// 13 projections by 10 frames.
	...randomHeaders(20260125, 130, 2),
];
const answers = askAstropy<WcsAnswer[]>("wcs-oracle.py", cases);
writeFileSync(
	new URL("wcs-vectors.json", import.meta.url),
	`[\n${cases.map((item, i) => JSON.stringify([item, answers[i]])).join(",\n")}\n]\n`,
);
