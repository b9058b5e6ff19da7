/**
 * Compiles inner loops written in AssemblyScript, each `NAME.as` into `NAME-binary.ts` beside it: `node tools/build-kernels.ts`.
 * A test compares what stands there with what this makes.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Sources of compiled loops, and what their binary is called. */
export const KERNELS: readonly { source: string; constant: string; shared?: boolean }[] = [
	{ source: "src/calibration/grid-kernels.as", constant: "GRID_KERNELS" },
	{ source: "src/detection/filter-loops.as", constant: "FILTER_LOOPS" },
	{ source: "src/formats/sample-kernels.as", constant: "SAMPLE_KERNELS" },
	// Its memory is shared by threads.
	{ source: "src/photometry/stamp-loops.as", constant: "STAMP_LOOPS", shared: true },
];

const placeOf = (path: string) => new URL(`../${path}`, import.meta.url);

/** Where the binary of a source stands. */
export const binaryOf = (source: string): URL => placeOf(source.replace(/\.as$/, "-binary.ts"));

/** The text of the file at {@link binaryOf}. */
export async function compileKernels({ source, constant, shared }: (typeof KERNELS)[number]): Promise<string> {
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
			...(shared === true ? ["--enable", "threads", "--sharedMemory", "--maximumMemory", "65536"] : []),
		],
		{
			readFile: (name: string) => (name === "kernels.ts" ? readFileSync(placeOf(source), "utf8") : null),
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
		`/** ${source.split("/").at(-1)} compiled: made by \`node tools/build-kernels.ts\`, not by hand. Base64. */`,
		`export const ${constant} =`,
		`${lines.map((line) => `\t"${line}"`).join(" +\n")};\n`,
	].join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	for (const kernels of KERNELS) writeFileSync(binaryOf(kernels.source), await compileKernels(kernels));
}
