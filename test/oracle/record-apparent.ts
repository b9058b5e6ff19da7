/**
 * Records astropy's apparent places, sidereal times and Earth orientation for seeded cases beside this script:
 * `node test/oracle/record-apparent.ts`, best with an astropy whose IERS tables are new (CAUSTIC_PYTHON).
 */
import { writeFileSync } from "node:fs";
import { type ApparentAnswers, randomApparentCases } from "./apparent-cases.ts";
import { askAstropy } from "./astropy.ts";

const cases = randomApparentCases(20260125, 150, 49000, 61300);
const answers = askAstropy<ApparentAnswers>("apparent-oracle.py", cases);
const lines = [cases, answers].map((each) => JSON.stringify(each).replaceAll('],"', '],\n"'));
writeFileSync(new URL("apparent-vectors.json", import.meta.url), `[${lines.join(",\n")}]\n`);
