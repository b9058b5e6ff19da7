import type { OpenAPIHono } from "@hono/zod-openapi";
import type { LoadedConfig } from "../config/load.ts";
import type { Logger } from "../observability/log.ts";
import type { Session } from "../pipeline/session.ts";
import type { Store } from "../store/open.ts";
import type { DatabaseProbe } from "../store/probe.ts";
import type { EventFeed } from "./event-feed.ts";
import type { Health } from "./health.ts";
import type { ResourceHistory } from "./resources.ts";

/** What the routes work with. */
export interface ServiceContext {
	/** Of the program. */
	version: string;
	store: Store;
	loaded: LoadedConfig;
	log: Logger;
	probe: DatabaseProbe;
	health: Health;
	feed: EventFeed;
	resources: ResourceHistory;
	/** Where work is handed in; absent when the service only shows. */
	pipeline: Pipeline | undefined;
}

/** The part of a session that takes orders. */
export type Pipeline = Pick<Session, "begin" | "pixels">;

/** Adds the routes of one noun. */
export type Routes = (app: OpenAPIHono, context: ServiceContext) => void;
