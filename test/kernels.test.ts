import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { binaryOf, compileKernels, KERNELS } from "../tools/build-kernels.ts";

test.each(KERNELS)("the compiled loops are what $source says", async (kernels) => {
	expect(readFileSync(binaryOf(kernels.source), "utf8")).toBe(await compileKernels(kernels));
});
