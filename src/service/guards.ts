import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { badInput, CausticError, failure } from "../error.ts";

/** Everything comes from this server, nothing may be framed, and nothing runs that is not a file of the dashboard. */
const CONTENT_SECURITY_POLICY = [
	"default-src 'none'",
	"script-src 'self'",
	"style-src 'self'",
	"img-src 'self' data:",
	"font-src 'self'",
	"connect-src 'self'",
	"form-action 'self'",
	"base-uri 'none'",
	"frame-ancestors 'none'",
].join("; ");

export const securityHeaders: MiddlewareHandler = async (c, next) => {
	await next();
	// A report brings its own, which allows it less but its style sheet.
	if (!c.res.headers.has("Content-Security-Policy")) c.header("Content-Security-Policy", CONTENT_SECURITY_POLICY);
	c.header("X-Content-Type-Options", "nosniff");
	c.header("X-Frame-Options", "DENY");
	c.header("Referrer-Policy", "same-origin");
	c.header("Cross-Origin-Opener-Policy", "same-origin");
	c.header("Cross-Origin-Resource-Policy", "same-origin");
};

export const isLoopback = (host: string): boolean =>
	host === "localhost" || host === "::1" || host === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(host);

const hostOf = (authority: string): string => authority.toLowerCase().replace(/:\d+$/, "");

/**
 * A page of another site can make its own name point at this machine and then read what it likes as its "own" origin.
 * A service on a loopback address therefore answers only to the names of that address.
 */
export const knownHost = (listenHost: string, allowed: readonly string[]): MiddlewareHandler => {
	const names = new Set(allowed.map((name) => name.toLowerCase()));
	return async (c, next) => {
		const host = hostOf(c.req.header("host") ?? "");
		const known = isLoopback(host) || host === "" || names.has(host) || (names.size === 0 && !isLoopback(listenHost));
		if (!known) {
			throw badInput("not-allowed-host", `is no name of this service: ${host.slice(0, 100)}`, {
				subject: "Host",
				remedy: "Add it to service.allowed_hosts if a proxy passes it on",
			});
		}
		await next();
	};
};

const READS = new Set(["GET", "HEAD", "OPTIONS"]);

function cameFromElsewhere(c: Context): boolean {
	const site = c.req.header("sec-fetch-site");
	if (site !== undefined) return site !== "same-origin" && site !== "none";
	const origin = c.req.header("origin");
	if (origin === undefined) return false;
	try {
		return new URL(origin).host !== c.req.header("host");
	} catch {
		return true;
	}
}

/** Changes of state are taken from this service's own pages and from programs, never from pages of other origins. */
export const sameOrigin: MiddlewareHandler = async (c, next) => {
	if (!READS.has(c.req.method)) {
		if (cameFromElsewhere(c)) {
			throw badInput("not-allowed-origin", "a page of another origin may not change anything here", {
				subject: "Origin",
				remedy: "Use the dashboard or a program",
			});
		}
		// A form of another site can send text, never JSON, without the browser asking first.
		if (
			c.req.method !== "DELETE" &&
			!/^application\/([a-z.+-]+\+)?json\s*(;|$)/i.test(c.req.header("content-type") ?? "")
		) {
			throw badInput("not-json", "the body must be JSON", {
				subject: "Content-Type",
				remedy: "Send it as application/json",
			});
		}
	}
	await next();
};

const LARGEST_BODY = 1 << 20;

export const bodySize = bodyLimit({
	maxSize: LARGEST_BODY,
	onError: () => {
		throw badInput("too-large", `is larger than ${LARGEST_BODY} bytes`, {
			subject: "body",
			remedy: "Send less at once",
		});
	},
});

/** An answer that takes longer than this is given up, so that a hanging database does not hang every client. */
export const timeLimit =
	(ms: number): MiddlewareHandler =>
	async (_, next) => {
		let timer: NodeJS.Timeout | undefined;
		const late = new Promise<never>((_, reject) => {
			timer = setTimeout(
				() => reject(failure("too-slow", `no answer within ${ms / 1000} s`, { remedy: "Try again, or ask for less" })),
				ms,
			);
		});
		try {
			await Promise.race([next(), late]);
		} finally {
			clearTimeout(timer);
		}
	};

export const isExpected = (error: unknown): boolean => error instanceof CausticError;
