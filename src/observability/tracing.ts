import {
	type Attributes,
	type Context,
	context,
	ROOT_CONTEXT,
	SpanStatusCode,
	type TracerProvider as TracerProviderApi,
	trace,
} from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, type ReadableSpan, type SpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { droppedSpans } from "./metrics.ts";

/** A finished span, as it is stored beside the results it explains. Times are Unix milliseconds. */
export interface SpanRecord {
	traceId: string;
	spanId: string;
	parentSpanId: string | undefined;
	name: string;
	startMs: number;
	durationMs: number;
	failed: boolean;
	attributes: Attributes;
}

/** Where finished spans go. Rejecting means that they are lost, and counted as such. */
export type SpanSink = (spans: SpanRecord[]) => Promise<void>;

const BUFFER_LIMIT = 20_000;
const BATCH = 500;
const milliseconds = ([seconds, nanoseconds]: [number, number]) => seconds * 1e3 + nanoseconds / 1e6;

/** Holds finished spans until the sink takes them; bounded, and what does not fit is counted. */
class StoringSpanProcessor implements SpanProcessor {
	#buffer: SpanRecord[] = [];
	#sink: SpanSink | undefined;
	#flushIsDue = false;
	#flushing: Promise<void> = Promise.resolve();

	setSink(sink: SpanSink | undefined): void {
		this.#sink = sink;
	}

	onStart(): void {}

	onEnd(span: ReadableSpan): void {
		if (this.#buffer.length >= BUFFER_LIMIT) {
			droppedSpans.inc();
			return;
		}
		const { traceId, spanId } = span.spanContext();
		this.#buffer.push({
			traceId,
			spanId,
			parentSpanId: span.parentSpanContext?.spanId,
			name: span.name,
			startMs: milliseconds(span.startTime),
			durationMs: milliseconds(span.duration),
			failed: span.status.code === SpanStatusCode.ERROR,
			attributes: span.attributes,
		});
		if (this.#flushIsDue) return;
		this.#flushIsDue = true;
		setTimeout(() => {
			this.#flushIsDue = false;
			void this.forceFlush();
		}, 1000).unref();
	}

	forceFlush(): Promise<void> {
		const before = this.#flushing;
		const next = async () => {
			await before;
			await this.#drain();
		};
		this.#flushing = next();
		return this.#flushing;
	}

	async #drain(): Promise<void> {
		while (this.#sink !== undefined && this.#buffer.length > 0) {
			const batch = this.#buffer.splice(0, BATCH);
			try {
				await this.#sink(batch);
			} catch {
				droppedSpans.inc(batch.length);
			}
		}
	}

	async shutdown(): Promise<void> {
		await this.forceFlush();
	}
}

const storing = new StoringSpanProcessor();
let provider: TracerProvider | undefined;

/** Starts tracing in this process, once. */
export function startTracing(otlpEndpoint?: string): void {
	if (provider !== undefined) return;
	const processors: SpanProcessor[] = [storing];
	if (otlpEndpoint !== undefined) {
		const url = `${otlpEndpoint.replace(/\/$/, "")}/v1/traces`;
		processors.push(new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url }) }));
	}
	provider = new TracerProvider({
		resource: resourceFromAttributes({ "service.name": "caustic" }),
		spanProcessors: processors,
	});
	context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
	trace.setGlobalTracerProvider(provider as TracerProviderApi);
}

export const storeSpansWith = (sink: SpanSink | undefined): void => storing.setSink(sink);

/** Hands all finished spans to the sink; call before a process ends. */
export async function flushSpans(): Promise<void> {
	await storing.forceFlush();
	await provider?.forceFlush();
}

const tracer = () => trace.getTracer("caustic");

/** Runs the work inside a span: failures are recorded on it, and spans begun inside become its children. */
export function inSpan<T>(
	name: string,
	attributes: Attributes,
	work: () => Promise<T>,
	parent: Context = context.active(),
): Promise<T> {
	return tracer().startActiveSpan(name, { attributes }, parent, async (span) => {
		try {
			return await work();
		} catch (error) {
			span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : String(error) });
			throw error;
		} finally {
			span.end();
		}
	});
}

/** Adds what was learnt on the way to the span that is open. */
export const annotate = (attributes: Attributes): void => {
	trace.getActiveSpan()?.setAttributes(attributes);
};

/** The W3C `traceparent` of the open span, to be carried by a job to whoever runs it. */
export function currentTraceparent(): string | undefined {
	const open = trace.getActiveSpan()?.spanContext();
	return open === undefined ? undefined : `00-${open.traceId}-${open.spanId}-0${open.traceFlags & 1}`;
}

export const currentTraceId = (): string | undefined => trace.getActiveSpan()?.spanContext().traceId;

/** The context that a `traceparent` stands for; the root context when it is absent or malformed. */
export function contextOf(traceparent: string | undefined): Context {
	const match = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(traceparent ?? "");
	if (match === null) return ROOT_CONTEXT;
	const [, traceId, spanId, flags] = match;
	return trace.setSpanContext(ROOT_CONTEXT, {
		traceId,
		spanId,
		traceFlags: Number.parseInt(flags, 16),
		isRemote: true,
	});
}

/**
 * Runs the work without recording spans, under a trace id of its own: for questions that are asked all day and whose
 * answers change nothing.
 */
export function untraced<T>(work: () => Promise<T>): Promise<T> {
	const hex = (length: number) =>
		Array.from(crypto.getRandomValues(new Uint8Array(length / 2)), (byte) => byte.toString(16).padStart(2, "0")).join(
			"",
		);
	return context.with(contextOf(`00-${hex(32)}-${hex(16)}-00`), work);
}
