import { createRoute, z } from "@hono/zod-openapi";
import { streamSSE } from "hono/streaming";
import { badInput } from "../../error.ts";
import { EVENT_TYPES, FIRST_PLACE, isEventPlace, placeOf, type StoredEvent } from "../../store/events.ts";
import type { Routes } from "../context.ts";
import { listParameter } from "../parameters.ts";

/** An event as CloudEvents 1.0 has it in JSON. */
const cloudEvent = (event: StoredEvent) => ({
	specversion: "1.0",
	id: event.id,
	type: `caustic.${event.type}`,
	source: `/caustic/${event.source}`,
	...(event.subject === null ? {} : { subject: event.subject }),
	time: event.time.toISOString(),
	datacontenttype: "application/json",
	data: event.data,
	...(event.trace_parent === null ? {} : { traceparent: event.trace_parent }),
});

const place = z
	.string()
	.refine((text) => text === "0" || isEventPlace(text), "expected the id of an event, or 0")
	.openapi({ description: "Begin after the event with this id; 0 replays all. Now, unless told" });

export const eventRoutes: Routes = (app, { feed, log }) => {
	app.openapi(
		createRoute({
			method: "get",
			path: "/api/v1/events",
			tags: ["Events"],
			summary: "Everything that happens, as server-sent events",
			description:
				"A stream of CloudEvents, each with its place as `id`. A client that reconnects with `Last-Event-ID` misses nothing.",
			request: {
				query: z.strictObject({
					after: place.optional(),
					types: listParameter(EVENT_TYPES, "Only these").optional(),
				}),
				headers: z.object({ "last-event-id": z.string().optional() }),
			},
			responses: { 200: { description: "The stream", content: { "text/event-stream": { schema: z.string() } } } },
		}),
		async (c) => {
			const { after, types } = c.req.valid("query");
			const last = c.req.header("last-event-id");
			if (last !== undefined && last !== "0" && !isEventPlace(last)) {
				throw badInput("bad-request", "is no id of an event", { subject: "Last-Event-ID", remedy: "Leave it out" });
			}
			const wanted = last ?? after;
			const from = wanted === "0" ? FIRST_PLACE : (wanted ?? (await feed.newest()));
			const gone = new AbortController();
			const batches = feed.follow(from, types, gone.signal);
			// The first batch is asked for before the answer begins, so that a refusal can still be one.
			const first = batches.next();
			const settled = await Promise.race([first, new Promise<undefined>((resolve) => setTimeout(resolve, 50))]);
			return streamSSE(
				c,
				async (stream) => {
					stream.onAbort(() => gone.abort());
					await stream.write(`: events after ${from}\n\n`);
					for (
						let next = settled ?? (await first);
						next.done !== true && !stream.aborted;
						next = await batches.next()
					) {
						if (next.value.length === 0) await stream.write(": still here\n\n");
						for (const event of next.value) {
							await stream.writeSSE({
								id: placeOf(event),
								data: JSON.stringify(cloudEvent(event)),
							});
						}
					}
					gone.abort();
					await batches.return(undefined);
				},
				async (error) => {
					log.warn({ error: error.message }, "event_stream_broken");
					gone.abort();
					await batches.return(undefined);
				},
			);
		},
	);
};
