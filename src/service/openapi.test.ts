import pino from "pino";
import { expect, test } from "vitest";
import type { ZodType } from "zod";
import { loadConfig } from "../config/load.ts";
import { Database } from "../store/database.ts";
import { createService } from "./server.ts";

// Nothing is asked of the database: a description needs none.
const service = createService({
	store: { database: new Database({ url: "postgresql://x@127.0.0.1:9/x" }), dataFolder: "/tmp", close: async () => {} },
	loaded: loadConfig(),
	log: pino({ level: "silent" }),
	version: "1.2.3",
});

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type JsonObject = { [key: string]: Json };
const document = (await (await service.app.request("http://localhost/api/v1/openapi.json")).json()) as JsonObject;

const isObject = (value: Json | undefined): value is JsonObject =>
	typeof value === "object" && value !== null && !Array.isArray(value);

function resolve(reference: string): Json | undefined {
	if (!reference.startsWith("#/")) return undefined;
	let at: Json | undefined = document;
	for (const part of reference.slice(2).split("/")) {
		if (!isObject(at)) return undefined;
		at = at[part.replaceAll("~1", "/").replaceAll("~0", "~")];
	}
	return at;
}

const TYPES = ["null", "boolean", "object", "array", "number", "string", "integer"];
const NUMBERS = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"];

/** What JSON Schema 2020-12, the dialect of OpenAPI 3.1, does not allow in a schema. */
function schemaFaults(schema: Json | undefined, where: string): string[] {
	if (typeof schema === "boolean") return [];
	if (!isObject(schema)) return [`${where} is no schema`];
	const faults: string[] = [];
	if (schema.$ref !== undefined) {
		if (typeof schema.$ref !== "string" || resolve(schema.$ref) === undefined) faults.push(`${where}: ${schema.$ref}`);
	}
	if ("nullable" in schema) faults.push(`${where}: nullable is of OpenAPI 3.0`);
	for (const type of Array.isArray(schema.type) ? schema.type : schema.type === undefined ? [] : [schema.type]) {
		if (!TYPES.includes(type as string)) faults.push(`${where}: type ${String(type)}`);
	}
	for (const name of NUMBERS) {
		if (name in schema && typeof schema[name] !== "number") faults.push(`${where}: ${name} is no number`);
	}
	if ("required" in schema && !Array.isArray(schema.required)) faults.push(`${where}: required is no list`);
	for (const name of Array.isArray(schema.required) ? schema.required : []) {
		if (isObject(schema.properties) && !((name as string) in schema.properties))
			faults.push(`${where}: ${String(name)} is required and not described`);
	}
	if (isObject(schema.properties)) {
		for (const [name, child] of Object.entries(schema.properties))
			faults.push(...schemaFaults(child, `${where}.${name}`));
	}
	for (const name of ["items", "additionalProperties", "not"]) {
		if (name in schema) faults.push(...schemaFaults(schema[name], `${where}/${name}`));
	}
	for (const name of ["anyOf", "allOf", "oneOf"]) {
		const list = schema[name];
		if (list === undefined) continue;
		if (!Array.isArray(list) || list.length === 0) faults.push(`${where}: ${name} is no list`);
		else faults.push(...list.flatMap((child, i) => schemaFaults(child, `${where}/${name}/${i}`)));
	}
	return faults;
}

const operations = Object.entries(document.paths as JsonObject).flatMap(([path, methods]) =>
	Object.entries(methods as JsonObject).map(([method, operation]) => ({
		path,
		method,
		operation: operation as JsonObject,
	})),
);

test("the description is a valid OpenAPI 3.1 document", () => {
	expect(document.openapi).toBe("3.1.0");
	expect(document.info).toMatchObject({ title: "Caustic", version: "1.2.3" });
	expect(operations.length).toBeGreaterThan(30);
	const faults: string[] = [];
	const schemas = (document.components as JsonObject).schemas as JsonObject;
	for (const [name, schema] of Object.entries(schemas)) faults.push(...schemaFaults(schema, name));
	for (const { path, method, operation } of operations) {
		const where = `${method} ${path}`;
		if (!/^(get|post|put|patch|delete)$/.test(method)) faults.push(`${where}: no such method`);
		if (typeof operation.summary !== "string") faults.push(`${where}: no summary`);
		const parameters = (operation.parameters ?? []) as JsonObject[];
		const inPath = parameters.filter((parameter) => parameter.in === "path");
		for (const parameter of parameters) {
			if (!["path", "query", "header", "cookie"].includes(parameter.in as string))
				faults.push(`${where}: ${String(parameter.name)} is in ${String(parameter.in)}`);
			faults.push(...schemaFaults(parameter.schema, `${where}?${String(parameter.name)}`));
		}
		const named = [...path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name).sort();
		const declared = inPath.map((parameter) => parameter.name as string).sort();
		if (named.join() !== declared.join()) faults.push(`${where}: path parameters ${declared.join()}`);
		if (inPath.some((parameter) => parameter.required !== true)) faults.push(`${where}: a path parameter is optional`);
		const body = operation.requestBody;
		if (isObject(body)) {
			for (const [type, { schema }] of Object.entries(body.content as Record<string, JsonObject>))
				faults.push(...schemaFaults(schema, `${where} body ${type}`));
		}
		const responses = (operation.responses ?? {}) as JsonObject;
		if (Object.keys(responses).length === 0) faults.push(`${where}: no answers`);
		for (const [status, answer] of Object.entries(responses)) {
			if (!/^([1-5]\d\d|default)$/.test(status)) faults.push(`${where}: answer ${status}`);
			if (!isObject(answer) || typeof answer.description !== "string") faults.push(`${where} ${status}: not described`);
			else {
				for (const [type, { schema }] of Object.entries((answer.content ?? {}) as Record<string, JsonObject>))
					faults.push(...schemaFaults(schema, `${where} ${status} ${type}`));
			}
		}
	}
	expect(faults).toEqual([]);
});

test("every failure that is documented is a problem document, and every order documents its refusals", () => {
	for (const { path, method, operation } of operations) {
		if (!path.startsWith("/api/")) continue;
		const responses = operation.responses as Record<string, JsonObject>;
		for (const [status, answer] of Object.entries(responses)) {
			if (Number(status) >= 400)
				expect(Object.keys((answer.content ?? {}) as JsonObject), `${method} ${path} ${status}`).toEqual([
					"application/problem+json",
				]);
		}
		if (method === "post")
			expect(Object.keys(responses), path).toEqual(expect.arrayContaining(["400", "403", "413", "415"]));
	}
});

test("the examples of the documentation are accepted as they stand", async () => {
	const page = await (await service.app.request("http://localhost/api/docs")).text();
	const shown = [...page.matchAll(/curl -X POST http:\/\/localhost:8765(\S+) .*?-d &#39;(.*?)&#39;/g)].map(
		([, path, body]) => [path, JSON.parse(body.replaceAll("&quot;", '"')) as unknown] as const,
	);
	const routes = service.app.openAPIRegistry.definitions.flatMap((definition) =>
		definition.type === "route" && definition.route.method === "post" ? [definition.route] : [],
	);
	expect(shown.length).toBe(routes.length);
	for (const route of routes) {
		const [, body] = shown.find(([path]) => path === route.path.replace(/\{[^}]+\}/g, "1")) ?? [];
		const content = route.request?.body?.content as Record<string, { schema: ZodType }>;
		expect(content["application/json"].schema.safeParse(body).error?.issues, route.path).toBeUndefined();
	}
});
