import { trace } from "@opentelemetry/api";
import pino from "pino";

export type Logger = pino.Logger;

/** Fields that never reach a log, wherever they stand. */
const SECRETS = [
	"password",
	"token",
	"secret",
	"authorization",
	"cookie",
	"*.password",
	"*.token",
	"*.secret",
	"*.authorization",
	"*.cookie",
];

/** One JSON line per event, with the trace and span that it belongs to. */
export function createLogger(
	level: string,
	destination: "stderr" | "stdout" | pino.DestinationStream = "stderr",
): Logger {
	const stream =
		typeof destination === "string"
			? pino.destination({ dest: destination === "stderr" ? 2 : 1, sync: true })
			: destination;
	return pino(
		{
			level,
			base: undefined,
			timestamp: pino.stdTimeFunctions.isoTime,
			messageKey: "event",
			formatters: { level: (label) => ({ level: label }) },
			redact: { paths: SECRETS, censor: "[hidden]" },
			mixin: () => {
				const context = trace.getActiveSpan()?.spanContext();
				return context === undefined ? {} : { trace_id: context.traceId, span_id: context.spanId };
			},
		},
		stream,
	);
}
