/** The parts of an OpenAPI 3.1 document that the page shows. */
export interface OpenApiDocument {
	info: { title: string; version: string; description?: string };
	paths: Record<string, Record<string, Operation>>;
	components?: { schemas?: Record<string, SchemaObject> };
}

interface Operation {
	tags?: string[];
	summary?: string;
	description?: string;
	parameters?: { name: string; in: string; required?: boolean; description?: string; schema?: SchemaObject }[];
	requestBody?: { content: Record<string, { schema?: SchemaObject }> };
	responses: Record<string, { description: string; content?: Record<string, { schema?: SchemaObject }> }>;
}

interface SchemaObject {
	$ref?: string;
	type?: string | string[];
	format?: string;
	description?: string;
	enum?: unknown[];
	default?: unknown;
	example?: unknown;
	minimum?: number;
	maximum?: number;
	items?: SchemaObject;
	properties?: Record<string, SchemaObject>;
	required?: string[];
	anyOf?: SchemaObject[];
	allOf?: SchemaObject[];
}

const escape = (text: string): string =>
	text.replace(
		/[&<>"']/g,
		(c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" })[c] as string,
	);

/** Text with its `names` set apart. */
const prose = (text: string): string => escape(text).replace(/`([^`]+)`/g, "<code>$1</code>");

const anchor = (text: string) => text.toLowerCase().replace(/[^a-z0-9]+/g, "-");

const nameOf = (reference: string) => reference.slice(reference.lastIndexOf("/") + 1);

/** A schema's type in a few words, for instance `number or null, 0 to 20`. */
function typeOf(schema: SchemaObject | undefined): string {
	if (schema === undefined) return "";
	if (schema.$ref !== undefined) {
		const name = nameOf(schema.$ref);
		return `<a href="#schema-${anchor(name)}">${escape(name)}</a>`;
	}
	if (schema.enum !== undefined) return schema.enum.map((value) => `<code>${escape(String(value))}</code>`).join(" | ");
	const alternatives = schema.anyOf ?? schema.allOf;
	if (alternatives !== undefined) return alternatives.map(typeOf).join(schema.anyOf === undefined ? " and " : " or ");
	const type = Array.isArray(schema.type) ? schema.type.join(" or ") : (schema.type ?? "any");
	if (schema.items !== undefined) return `list of ${typeOf(schema.items)}`;
	const low = schema.minimum ?? Number.NEGATIVE_INFINITY;
	const high = schema.maximum ?? Number.POSITIVE_INFINITY;
	const bounded = (value: number) => Number.isFinite(value) && Math.abs(value) < Number.MAX_SAFE_INTEGER;
	const from = bounded(low) ? (bounded(high) ? `, ${low} to ${high}` : `, from ${low}`) : "";
	const usual = schema.default === undefined ? "" : `, ${escape(String(schema.default))} unless told`;
	return `${escape(schema.format ?? type)}${from}${usual}`;
}

function fieldRows(schema: SchemaObject): string {
	return Object.entries(schema.properties ?? {})
		.map(([name, field]) => {
			const optional = schema.required?.includes(name) === true ? "" : ' <span class="optional">optional</span>';
			return `<tr><td><code>${escape(name)}</code>${optional}</td><td>${typeOf(field)}</td><td>${escape(field.description ?? "")}</td></tr>`;
		})
		.join("");
}

const table = (rows: string, first: string) =>
	rows === ""
		? ""
		: `<table><thead><tr><th>${first}</th><th>Type</th><th>Meaning</th></tr></thead><tbody>${rows}</tbody></table>`;

/** A command line that works as it stands, with an id where one is needed. */
function example(method: string, path: string, body: SchemaObject | undefined, document: OpenApiDocument): string {
	const address = `http://localhost:8765${path.replace(/\{component\}/, "database").replace(/\{[^}]+\}/g, "1")}`;
	if (method === "get") return `curl ${path.endsWith("/events") ? "-N " : ""}${address}`;
	const schema = body?.$ref === undefined ? body : document.components?.schemas?.[nameOf(body.$ref)];
	const example = JSON.stringify(schema?.example ?? {});
	return `curl -X POST ${address} -H 'Content-Type: application/json' -d '${example}'`;
}

function operationSection(path: string, method: string, operation: Operation, document: OpenApiDocument): string {
	const parameters = (operation.parameters ?? [])
		.map((parameter) => {
			const optional = parameter.required === true ? "" : ' <span class="optional">optional</span>';
			const meaning = parameter.description ?? parameter.schema?.description ?? "";
			return `<tr><td><code>${escape(parameter.name)}</code>${optional}</td><td>${typeOf(parameter.schema)}</td><td>${escape(meaning)}</td></tr>`;
		})
		.join("");
	const body = Object.values(operation.requestBody?.content ?? {})[0]?.schema;
	const answers = Object.entries(operation.responses)
		.map(([status, answer]) => {
			const schema = Object.values(answer.content ?? {})[0]?.schema;
			const shape =
				schema?.properties === undefined
					? typeOf(schema)
					: Object.entries(schema.properties)
							.map(([name, field]) => `<code>${escape(name)}</code>: ${typeOf(field)}`)
							.join(", ");
			return `<tr><td><code>${escape(status)}</code></td><td>${shape}</td><td>${escape(answer.description)}</td></tr>`;
		})
		.join("");
	return `<section id="${anchor(`${method} ${path}`)}"><h3><span class="method ${method}">${method.toUpperCase()}</span> <code>${escape(path)}</code></h3>
<p>${prose(operation.summary ?? "")}. ${prose(operation.description ?? "")}</p>${table(parameters, "Parameter")}
${body === undefined ? "" : `<p>Body: ${typeOf(body)}</p>`}${table(answers, "Answer")}
<pre><code>${escape(example(method, path, body, document))}</code></pre></section>`;
}

/** The documentation as one page that needs nothing but its style sheet. */
export function documentationPage(document: OpenApiDocument): string {
	const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
		Object.entries(methods).map(([method, operation]) => ({
			path,
			method,
			operation,
			tag: operation.tags?.[0] ?? "Other",
		})),
	);
	const tags = [...new Set(operations.map(({ tag }) => tag))];
	const menu = tags
		.map((tag) => {
			const entries = operations
				.filter((entry) => entry.tag === tag)
				.map(
					({ path, method }) =>
						`<li><a href="#${anchor(`${method} ${path}`)}">${method.toUpperCase()} ${escape(path.replace("/api/v1", ""))}</a></li>`,
				);
			return `<li><strong>${escape(tag)}</strong><ul>${entries.join("")}</ul></li>`;
		})
		.join("");
	const sections = tags
		.map((tag) => {
			const parts = operations
				.filter((entry) => entry.tag === tag)
				.map(({ path, method, operation }) => operationSection(path, method, operation, document));
			return `<h2>${escape(tag)}</h2>${parts.join("")}`;
		})
		.join("");
	const schemas = Object.entries(document.components?.schemas ?? {})
		.map(
			([name, schema]) =>
				`<section id="schema-${anchor(name)}"><h3>${escape(name)}</h3><p>${escape(schema.description ?? "")}</p>${table(fieldRows(schema), "Field")}</section>`,
		)
		.join("");
	return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escape(document.info.title)} API</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/api/docs/style.css"></head><body>
<nav aria-label="Contents"><p><a href="/">Dashboard</a> · <a href="/api/v1/openapi.json">openapi.json</a></p><ul>${menu}<li><a href="#schemas"><strong>Schemas</strong></a></li></ul></nav>
<main><h1>${escape(document.info.title)} API <small>${escape(document.info.version)}</small></h1><p>${prose(document.info.description ?? "")}</p>
${sections}<h2 id="schemas">Schemas</h2>${schemas}</main></body></html>`;
}

export const documentationStyle = `
:root { color-scheme: light; --ink: #1b2530; --soft: #5c6b7a; --line: #dde3e8; --paper: #fbfcfd; --mark: #1f5fa8; }
* { box-sizing: border-box; }
body { margin: 0; display: grid; grid-template-columns: 18rem minmax(0, 60rem); gap: 2rem; font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
nav { position: sticky; top: 0; height: 100vh; overflow: auto; padding: 1rem; border-right: 1px solid var(--line); font-size: 13px; background: #fff; }
nav ul { list-style: none; margin: 0 0 .6rem; padding: 0 0 0 .4rem; }
nav li ul a { font: 12px/1.7 ui-monospace, monospace; color: var(--soft); text-decoration: none; }
main { padding: 1rem 2rem 4rem 0; }
a { color: var(--mark); } a:focus-visible { outline: 2px solid var(--mark); }
h1 small { color: var(--soft); font-weight: 400; }
h2 { margin: 2.5rem 0 .5rem; border-bottom: 2px solid var(--ink); }
h3 { margin: 1.8rem 0 .3rem; font-size: 16px; }
section { scroll-margin-top: 1rem; }
.method { font: 600 11px/1 ui-monospace, monospace; padding: .25rem .4rem; border-radius: 3px; color: #fff; background: var(--mark); vertical-align: 2px; }
.method.post { background: #8a4b08; }
table { border-collapse: collapse; width: 100%; table-layout: fixed; overflow-wrap: anywhere; margin: .5rem 0; font-size: 13px; }
th:first-child { width: 24%; } th:nth-child(2) { width: 40%; } th { text-align: left; color: var(--soft); font-weight: 500; } th, td { padding: .25rem .6rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
.optional { color: var(--soft); font-size: 11px; }
pre { background: #eef2f5; padding: .6rem .8rem; border-radius: 4px; overflow: auto; font-size: 12px; }
@media (max-width: 800px) { body { display: block; } nav { position: static; height: auto; } main { padding: 1rem; } }
`;
