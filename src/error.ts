/**
 * The one error that Caustic throws on purpose.
 *
 * It is thrown where the problem is understood and reported once, at the edge (command line or HTTP), as
 * `subject: message. remedy`. Anything else that reaches the edge is a defect and is reported as one.
 */
export class CausticError extends Error {
	/** Stable, machine-readable, kebab-case: part of the interface. */
	readonly code: string;
	/** The file, field, row or key that is at fault. */
	readonly subject: string | undefined;
	/** What would mend it, as an imperative sentence. */
	readonly remedy: string | undefined;
	/** Whether the input (exit code 2, HTTP 4xx) or the operation (exit code 1, HTTP 5xx) is at fault. */
	readonly blame: "input" | "operation";

	constructor(
		code: string,
		message: string,
		detail: { subject?: string; remedy?: string; blame?: "input" | "operation"; cause?: unknown } = {},
	) {
		super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
		this.name = "CausticError";
		this.code = code;
		this.subject = detail.subject;
		this.remedy = detail.remedy;
		this.blame = detail.blame ?? "input";
	}

	/** One or two lines for a person: what is wrong where, and what would mend it. */
	override toString(): string {
		const sentence = (text: string) => (/[.!?]$/.test(text) ? text : `${text}.`);
		const where = this.subject === undefined ? "" : `${this.subject}: `;
		return `${where}${sentence(this.message)}${this.remedy === undefined ? "" : ` ${sentence(this.remedy)}`}`;
	}
}

/** An input that cannot be used: bad file, bad value, bad request. */
export const badInput = (
	code: string,
	message: string,
	detail: { subject?: string; remedy?: string; cause?: unknown } = {},
) => new CausticError(code, message, { ...detail, blame: "input" });

/** An operation that failed although the input was good: disk, database, network. */
export const failure = (
	code: string,
	message: string,
	detail: { subject?: string; remedy?: string; cause?: unknown } = {},
) => new CausticError(code, message, { ...detail, blame: "operation" });
