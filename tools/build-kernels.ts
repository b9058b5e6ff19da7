/**
 * Compiles the inner loops of calibration, src/calibration/grid-kernels.as, into grid-kernels-binary.ts beside it:
 * `node tools/build-kernels.ts`. A test compares what stands there with what this makes.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = new URL("../src/calibration/", import.meta.url);

/** The text of grid-kernels-binary.ts. */
export async function compileKernels(): Promise<string> {
	const compiler = await import("assemblyscript/asc");
	let binary: Uint8Array | undefined;
	const { error, stderr } = await compiler.main(
		[
			"kernels.ts",
			"--outFile",
			"kernels.wasm",
			"--runtime",
			"stub",
			"--enable",
			"simd",
			"-O3",
			"--noAssert",
			"--importMemory",
		],
		{
			readFile: (name: string) =>
				name === "kernels.ts" ? readFileSync(new URL("grid-kernels.as", folder), "utf8") : null,
			writeFile: (name: string, contents: Uint8Array | string) => {
				if (name === "kernels.wasm" && typeof contents !== "string") binary = contents;
			},
			listFiles: () => [],
		},
	);
	if (error !== null || binary === undefined) throw new Error(stderr.toString());
	const base64 = Buffer.from(binary).toString("base64");
	const lines = base64.match(/.{1,110}/g) ?? [];
	return [
		"/** grid-kernels.as compiled: made by `node tools/build-kernels.ts`, not by hand. Base64. */",
		"export const GRID_KERNELS =",
		`${lines.map((line) => `\t"${line}"`).join(" +\n")};\n`,
	].join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	writeFileSync(new URL("grid-kernels-binary.ts", folder), await compileKernels());
}
