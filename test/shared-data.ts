import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = process.env.CAUSTIC_SHARED_DATA ?? join(root, "..", "shared", "data");

/** Real and simulated data that tests compare with; they are not part of the project and may be absent. */
export const hasSharedData = existsSync(folder);

if (!hasSharedData) process.stderr.write(`caustic tests: ${folder} is absent; tests that need it are skipped\n`);

export const sharedData = (...parts: string[]): string => join(folder, ...parts);
