import { existsSync, statfsSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { dirname } from "node:path";
import { CausticError } from "../../error.ts";
import { earthOrientationReach } from "../../sky/earth-orientation.ts";
import { mjdToIso, unixToMjd } from "../../sky/time.ts";
import { openStore } from "../../store/open.ts";
import { type Command, EXIT, JSON_OPTION } from "../command.ts";
import { configFromOptions, placeFromOptions, STORE_OPTIONS } from "../store-options.ts";
import { version } from "../version.ts";

interface Finding {
	what: string;
	status: "ok" | "warn" | "fail";
	output: string;
}

export const command: Command = {
	name: "doctor",
	summary: "check this machine, the settings, the database and the tables that ship with the program",
	usage: "doctor [--data DIR]",
	description:
		"Looks at everything that a survey stands on and says what is wrong and how to mend it. Exit code 1 when something fails.",
	examples: ["caustic doctor --data survey"],
	options: { ...STORE_OPTIONS, ...JSON_OPTION },

	async run(invocation) {
		const findings: Finding[] = [
			{
				what: "program",
				status: "ok",
				output: `caustic ${version} on Node ${process.versions.node}, ${process.platform} ${process.arch}`,
			},
		];
		const check = async (what: string, look: () => Promise<Omit<Finding, "what">> | Omit<Finding, "what">) => {
			try {
				findings.push({ what, ...(await look()) });
			} catch (error) {
				findings.push({
					what,
					status: "fail",
					output: error instanceof CausticError ? error.toString() : (error as Error).message,
				});
			}
		};
		const place = placeFromOptions(invocation);
		await check("machine", () => ({
			status: totalmem() < 2 * 2 ** 30 ? "warn" : "ok",
			output: `${availableParallelism()} cores, ${(totalmem() / 2 ** 30).toFixed(1)} GiB of memory`,
		}));
		await check("settings", () => {
			configFromOptions(invocation);
			return {
				status: "ok",
				output: existsSync(place.configFile) ? place.configFile : `defaults (${place.configFile} is not there)`,
			};
		});
		await check("disk", () => {
			const folder = existsSync(place.dataFolder) ? place.dataFolder : dirname(place.dataFolder);
			const { bavail, bsize } = statfsSync(folder);
			const gigabytes = (bavail * bsize) / 2 ** 30;
			return {
				status: gigabytes < 1 ? "fail" : gigabytes < 10 ? "warn" : "ok",
				output: `${gigabytes.toFixed(1)} GiB free at ${folder}`,
			};
		});
		await check("database", async () => {
			if (place.databaseUrl === undefined && !existsSync(`${place.dataFolder}/postgres`))
				return {
					status: "ok",
					output: `no survey at ${place.dataFolder} yet; the embedded server is begun with the first run`,
				};
			const store = await openStore({
				dataFolder: place.dataFolder,
				databaseUrl: place.databaseUrl,
				mustExist: true,
				anySchema: true,
			});
			try {
				const [{ server_version }] = await store.database.query<{ server_version: string }>(
					"server version",
					"SHOW server_version",
				);
				// Older servers cannot skip through the index that finds a source's measurements: they read all of it.
				const old = Number.parseInt(server_version, 10) < 18;
				const where = place.databaseUrl === undefined ? ", embedded" : "";
				return {
					status: old ? "warn" : "ok",
					output: `PostgreSQL ${server_version}${where}${old ? ": light curves are read fast from version 18 on" : ""}`,
				};
			} finally {
				await store.close();
			}
		});
		await check("earth orientation", () => {
			const { lastMeasuredMjd, lastMjd, source } = earthOrientationReach();
			const daysLeft = lastMjd - unixToMjd(Date.now());
			return {
				// Beyond its end transits, apparent places and uvw are refused.
				status: daysLeft < 0 ? "fail" : daysLeft < 60 ? "warn" : "ok",
				output: `${source}: measured to ${mjdToIso(lastMeasuredMjd).slice(0, 10)}, predicted to ${mjdToIso(lastMjd).slice(0, 10)}; caustic iers refreshes it from a file`,
			};
		});
		if (invocation.options.json === true) process.stdout.write(`${JSON.stringify(findings, null, 2)}\n`);
		else
			process.stdout.write(
				`${findings.map(({ what, status, output }) => `${status.padEnd(5)}${what.padEnd(20)}${output}`).join("\n")}\n`,
			);
		return findings.some((finding) => finding.status === "fail") ? EXIT.failed : EXIT.done;
	},
};
