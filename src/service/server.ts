import type { Server } from "node:http";
import { createAdaptorServer } from "@hono/node-server";
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { LoadedConfig } from "../config/load.ts";
import { badInput, failure } from "../error.ts";
import type { Logger } from "../observability/log.ts";
import type { Store } from "../store/open.ts";
import { DatabaseProbe } from "../store/probe.ts";
import { createApp } from "./app.ts";
import type { Pipeline } from "./context.ts";
import { DashboardFiles } from "./dashboard-files.ts";
import { EventFeed } from "./event-feed.ts";
import { Health } from "./health.ts";
import { ResourceHistory } from "./resources.ts";

export interface ServiceOptions {
	store: Store;
	loaded: LoadedConfig;
	log: Logger;
	/** Takes runs and detections that are asked for over HTTP; without it they are refused. */
	pipeline?: Pipeline;
	/** Of the program, shown in the API's description. */
	version: string;
	/** Where the built dashboard lies, if not in its usual place. */
	dashboardFolder?: string;
}

export interface Service {
	app: OpenAPIHono;
	dashboardIsBuilt: boolean;
	/** Begins to answer; gives the address, for instance `http://127.0.0.1:8765`. */
	listen(host: string, port: number): Promise<string>;
	/** Takes no new request, lets those in work end for a moment, and ends the streams. Leaves the store open. */
	close(): Promise<void>;
}

/** How long requests in work may take to end when the service stops. */
const GRACE_MS = 3000;

export function createService(options: ServiceOptions): Service {
	const { store, loaded, log } = options;
	const probe = new DatabaseProbe(store.database.target, 0.9 * loaded.config.service.health_timeout_ms);
	const feed = new EventFeed(store.database, log);
	const resources = new ResourceHistory(store.dataFolder);
	const dashboard = new DashboardFiles(options.dashboardFolder);
	const health = new Health(probe, loaded.config, store.dataFolder);
	const { version, pipeline } = options;
	const app = createApp({ version, store, loaded, log, probe, health, feed, resources, pipeline }, dashboard);
	let server: Server | undefined;
	return {
		app,
		dashboardIsBuilt: dashboard.isBuilt,
		async listen(host, port) {
			server = createAdaptorServer({ fetch: app.fetch, hostname: host }) as Server;
			await listening(server, host, port);
			resources.start();
			const address = server.address();
			const bound = typeof address === "object" && address !== null ? address.port : port;
			return `http://${host.includes(":") ? `[${host}]` : host}:${bound}`;
		},
		async close() {
			feed.close();
			resources.stop();
			if (server !== undefined) await closing(server);
			await probe.close();
		},
	};
}

function listening(server: Server, host: string, port: number): Promise<void> {
	return new Promise((resolve, reject) => {
		server.once("listening", resolve);
		server.once("error", (error: NodeJS.ErrnoException) => {
			const where = { subject: `${host}:${port}` };
			if (error.code === "EADDRINUSE") {
				reject(
					failure("port-taken", "another program listens there already", {
						...where,
						remedy: "Give another port with --port N (0 takes a free one)",
					}),
				);
			} else if (error.code === "EACCES") {
				reject(
					badInput("port-closed", "this user may not listen there", { ...where, remedy: "Give a port above 1023" }),
				);
			} else if (error.code === "EADDRNOTAVAIL" || error.code === "ENOTFOUND" || error.code === "EAI_AGAIN") {
				reject(badInput("bad-host", "is no address of this machine", { ...where, remedy: "Give one with --host" }));
			} else reject(error);
		});
		server.listen(port, host);
	});
}

function closing(server: Server): Promise<void> {
	return new Promise((resolve) => {
		const force = setTimeout(() => server.closeAllConnections(), GRACE_MS);
		server.close(() => {
			clearTimeout(force);
			resolve();
		});
		server.closeIdleConnections();
	});
}
