import { enableCompileCache } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Keeps the compiled program beside the project's other working files: every command then starts in half the time, its threads
 * too, which see the variable. Where that folder cannot be written, nothing is kept.
 */
export function keepCompiled(): void {
	const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
	process.env.NODE_COMPILE_CACHE ??= join(root, ".caustic", "compiled");
	enableCompileCache();
}
