import { realpathSync } from "node:fs";
import { isAbsolute, relative, resolve } from "node:path";
import type { Config } from "../config/schema.ts";
import { badInput } from "../error.ts";
import { isLoopback } from "./guards.ts";

const isInside = (folder: string, path: string): boolean => {
	const way = relative(folder, path);
	return way === "" || (!way.startsWith("..") && !isAbsolute(way));
};

const real = (path: string): string | undefined => {
	try {
		return realpathSync(path);
	} catch {
		return undefined;
	}
};

/**
 * A path that a request names, if the service may read there: links are followed first, so that none leads out of the
 * allowed folders, and outside of them nobody learns whether a path exists.
 *
 * @throws CausticError `not-allowed-path`, `no-path`, `bad-path` naming the field
 */
export function allowedPath(path: string, field: string, service: Config["service"]): string {
	if (!isAbsolute(path) || path.includes("\0")) {
		throw badInput("bad-path", "must be an absolute path", { subject: field, remedy: "Give the whole path" });
	}
	const found = real(path);
	const folders = service.input_folders.flatMap((folder) => real(resolve(folder)) ?? []);
	const isOpen = service.input_folders.length === 0 && isLoopback(service.host);
	if (!isOpen && (found === undefined || !folders.some((folder) => isInside(folder, found)))) {
		throw badInput("not-allowed-path", "lies in no folder that may be run over HTTP", {
			subject: field,
			remedy: "Add its folder to service.input_folders",
		});
	}
	if (found === undefined) {
		throw badInput("no-path", "there is nothing at this path", { subject: field, remedy: "Check it" });
	}
	return found;
}
