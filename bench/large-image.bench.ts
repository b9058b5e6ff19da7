/** An image of 16,384 x 16,384 pixels: time and peak memory of measuring 10,000 positions in it and of searching it. Aim: 3 GB. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeFitsImage } from "../src/formats/fits/write.ts";
import { CARDS, SIDE, syntheticField } from "./synthetic-field.ts";

const COPIES = 4;
const main = join(dirname(dirname(fileURLToPath(import.meta.url))), "src/cli/main.ts");
const WATCH = `data:text/javascript,process.on("exit",()=>process.stderr.write("\\n@"+process.resourceUsage().maxRSS+"\\n"))`;
const folder = mkdtempSync(join(tmpdir(), "caustic-large-"));
const print = (line: string) => process.stdout.write(`${line}\n`);

try {
	// The same field again and again: 160,000 sources, borders and holes included.
	const side = COPIES * SIDE;
	const { image } = syntheticField("beam");
	const data = new Float32Array(side * side);
	for (let y = 0; y < side; y++) {
		const row = image.data.subarray((y % SIDE) * SIDE, ((y % SIDE) + 1) * SIDE);
		for (let k = 0; k < COPIES; k++) data.set(row, y * side + k * SIDE);
	}
	const path = join(folder, "large.fits");
	const cards = CARDS.map(([key, value]): [string, string | number] => [
		key,
		key.startsWith("CRPIX") ? side / 2 + 1 : value,
	]);
	await writeFitsImage(path, { width: side, height: side, data }, cards);
	const places = Array.from(
		{ length: 10_000 },
		(_, i) => `${i},${150 + ((i % 100) - 50) * 0.03},${-30 + (Math.floor(i / 100) - 50) * 0.03}`,
	);
	writeFileSync(join(folder, "at.csv"), `source_id,ra_deg,dec_deg\n${places.join("\n")}\n`);
	for (const args of [
		["measure", path, "--at", join(folder, "at.csv")],
		["find", path],
	]) {
		const begun = performance.now();
		const run = spawnSync(process.execPath, ["--import", WATCH, main, ...args, "--out", join(folder, "out.csv")], {
			encoding: "utf8",
		});
		if (run.status !== 0) throw new Error(run.stderr);
		const megabytes = Number(/@(\d+)/.exec(run.stderr)?.[1]) / 1000;
		print(
			`caustic ${args[0]}, ${side} x ${side}, maps made from the image: ${((performance.now() - begun) / 1000).toFixed(1)} s, ${megabytes.toFixed(0)} MB at most (aim 3,000 MB)`,
		);
	}
} finally {
	rmSync(folder, { recursive: true, force: true });
}
