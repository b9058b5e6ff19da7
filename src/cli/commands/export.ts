import { badInput } from "../../error.ts";
import { toCsv, toTerminal, writeTable } from "../../formats/table/write.ts";
import { PRODUCTS, productTable } from "../../pipeline/report/products.ts";
import { type Command, EXIT, stringOption } from "../command.ts";
import { openFromOptions, STORE_OPTIONS } from "../store-options.ts";

export const command: Command = {
	name: "export",
	summary: "light curves, measurements, combined subbands, sources or candidates as a table",
	usage: "export light-curves|measurements|binned|sources|candidates [--out FILE]",
	description: [
		"Writes what is stored in a format that other tools open, chosen by the extension: .csv, .csv.gz, .parquet, .vot,",
		".arrow, .fits or .json. Without --out a table on the terminal, or CSV when piped. Light curves are on the common",
		"flux scale where there is one (flux_jy) and as measured (flux_raw_jy); they are what caustic detect reads.",
	].join("\n"),
	examples: [
		"caustic export light-curves --data survey --out light_curves.parquet",
		"caustic export candidates --data survey --out candidates.vot",
	],
	options: {
		out: { type: "string", value: "FILE", help: "where to write; the extension chooses the format" },
		...STORE_OPTIONS,
	},

	async run(invocation) {
		const [what] = invocation.args;
		const product = PRODUCTS.find((name) => name === what);
		if (product === undefined || invocation.args.length !== 1) {
			throw badInput("bad-usage", `${JSON.stringify(what ?? "")} is nothing to export`, {
				subject: "caustic export",
				remedy: `Name one of ${PRODUCTS.join(", ")}`,
			});
		}
		const { store } = await openFromOptions(invocation, { mustExist: true });
		try {
			const table = await productTable(store.database, product);
			const out = stringOption(invocation, "out");
			if (out !== undefined) {
				await writeTable(out, table);
				process.stderr.write(`${table.rows} rows written to ${out}\n`);
			} else process.stdout.write(process.stdout.isTTY ? toTerminal(table, 40) : toCsv(table));
			return EXIT.done;
		} finally {
			await store.close();
		}
	},
};
