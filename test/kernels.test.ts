import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { compileKernels } from "../tools/build-kernels.ts";

test("the compiled loops of calibration are what their source says", async () => {
	const stands = readFileSync(new URL("../src/calibration/grid-kernels-binary.ts", import.meta.url), "utf8");
	expect(stands).toBe(await compileKernels());
});
