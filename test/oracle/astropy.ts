import { fileURLToPath } from "node:url";
import { askPython, pythonWith } from "./python.ts";

const python = pythonWith("astropy.wcs", "astropy.coordinates");

/** Whether an astropy is here to be asked; without it only its recorded answers are compared. */
export const hasAstropy = python !== undefined;

/** Runs a script of this folder with a JSON question and returns its JSON answer. */
export function askAstropy<T>(script: string, question: unknown): T {
	if (python === undefined) throw new Error("no Python with astropy");
	return askPython<T>(python, fileURLToPath(new URL(script, import.meta.url)), question);
}
