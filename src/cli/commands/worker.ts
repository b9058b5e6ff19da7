import { createLogger } from "../../observability/log.ts";
import { openSession } from "../../pipeline/session.ts";
import { type Command, EXIT } from "../command.ts";
import { openFromOptions, STORE_OPTIONS, threadsOption } from "../store-options.ts";

export const command: Command = {
	name: "worker",
	summary: "an extra worker, on this or another machine",
	usage: "worker [--threads N] [--database URL]",
	description: [
		"Takes units of runs from the queue and works on them until it is stopped. On another machine give the address of",
		"the database; image files must be seen there under the same paths.",
	].join("\n"),
	examples: [
		"caustic worker --data survey",
		"caustic worker --database postgresql://caustic@db.example/caustic --threads 8",
	],
	options: {
		threads: { type: "string", value: "N", help: "threads for pixels", default: "all cores" },
		...STORE_OPTIONS,
	},

	async run(invocation) {
		const threads = threadsOption(invocation);
		const { store, config } = await openFromOptions(invocation, { mustExist: true });
		const log = createLogger(config.observability.log_level);
		const session = await openSession({ store, config, log, signal: invocation.signal, threads });
		log.info({ data: store.dataFolder }, "worker_started");
		await new Promise<void>((resolve) => {
			if (invocation.signal.aborted) resolve();
			else invocation.signal.addEventListener("abort", () => resolve(), { once: true });
		});
		await session.close();
		await store.close();
		log.info({}, "worker_stopped");
		return EXIT.done;
	},
};
