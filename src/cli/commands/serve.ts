import { createLogger } from "../../observability/log.ts";
import { openSession } from "../../pipeline/session.ts";
import { isLoopback } from "../../service/guards.ts";
import { createService } from "../../service/server.ts";
import { type Command, EXIT, type Invocation, numberOption, stringOption } from "../command.ts";
import { openFromOptions, STORE_OPTIONS } from "../store-options.ts";
import { version } from "../version.ts";

export const command: Command = {
	name: "serve",
	summary: "serve the dashboard and the API of a survey",
	usage: "serve [--host HOST] [--port PORT] [--no-worker] [--data DIR]",
	description:
		"Opens the survey of a data folder and serves its dashboard, its API (described at /api/docs), /health and\n" +
		"/metrics until Ctrl-C, and works on the runs and detections that are asked of it. Prints the address on standard\n" +
		"output, then one JSON line per event on standard error.\n" +
		"Listens on this machine alone unless told otherwise: there is no sign-in yet.",
	examples: ["caustic serve --data survey", "caustic serve --data survey --port 0"],
	options: {
		host: { type: "string", value: "HOST", help: "address to listen on", default: "service.host, 127.0.0.1" },
		port: {
			type: "string",
			value: "PORT",
			help: "port to listen on; 0 takes a free one",
			default: "service.port, 8765",
		},
		"no-worker": { type: "boolean", help: "serve alone; runs are worked on by caustic worker elsewhere" },
		...STORE_OPTIONS,
	},
	async run(invocation) {
		const host = stringOption(invocation, "host");
		const port = invocation.options.port === undefined ? undefined : numberOption(invocation, "port", 8765, 0, 65535);
		const overrides = [
			...(host === undefined ? [] : [`service.host=${JSON.stringify(host)}`]),
			...(port === undefined ? [] : [`service.port=${port}`]),
		];
		const { store, loaded } = await openFromOptions(invocation, { overrides });
		const { config } = loaded;
		const log = createLogger(config.observability.log_level);
		const isIdle = invocation.options["no-worker"] === true;
		const session = await openSession({ store, config, log, signal: invocation.signal, isIdle });
		const service = createService({ store, loaded, log, version, pipeline: session });
		try {
			const address = await service.listen(config.service.host, config.service.port);
			if (!service.dashboardIsBuilt)
				process.stderr.write("caustic: the dashboard has not been built; npm run web builds it\n");
			if (!isLoopback(config.service.host)) {
				process.stderr.write(
					`caustic: there is no sign-in: whoever reaches ${config.service.host} can read the survey and judge its candidates\n`,
				);
			}
			process.stdout.write(`caustic: dashboard on ${address} (data in ${store.dataFolder}); Ctrl-C stops it\n`);
			log.info({ address, data: store.dataFolder, version }, "service_started");
			await untilAborted(invocation);
			log.info({ signal: String(invocation.signal.reason) }, "service_stopping");
		} finally {
			await service.close();
			await session.close();
			await store.close();
		}
		return EXIT.done;
	},
};

function untilAborted({ signal }: Invocation): Promise<void> {
	return new Promise((resolve) => {
		if (signal.aborted) resolve();
		else signal.addEventListener("abort", () => resolve(), { once: true });
	});
}
