import { badInput } from "../error.ts";
import { isoToMjd } from "../sky/time.ts";
import { type Invocation, stringOption } from "./command.ts";

/** Texts separated by commas; undefined when the option is not there. */
export function textsOption(invocation: Invocation, name: string): string[] | undefined {
	const text = stringOption(invocation, name);
	return text
		?.split(",")
		.map((part) => part.trim())
		.filter((part) => part !== "");
}

/** `LOW,HIGH`; either may be missing. */
export function rangeOption(invocation: Invocation, name: string): [number, number] | undefined {
	const text = stringOption(invocation, name);
	if (text === undefined) return undefined;
	const parts = text.split(",").map((part) => part.trim());
	const low = parts[0] === "" ? 0 : Number(parts[0]);
	const high = parts[1] === undefined || parts[1] === "" ? Number.POSITIVE_INFINITY : Number(parts[1]);
	if (parts.length > 2 || !Number.isFinite(low) || Number.isNaN(high) || low >= high) {
		throw badInput("bad-option", `${JSON.stringify(text)} is not LOW,HIGH`, { subject: `--${name}` });
	}
	return [low, high];
}

/** Two times, ISO 8601 UTC or MJD, separated by a comma. */
export function timesOption(invocation: Invocation, name: string): [number, number] | undefined {
	const text = stringOption(invocation, name);
	if (text === undefined) return undefined;
	const times = text.split(",").map((part) => {
		const number = Number(part);
		return Number.isFinite(number) && part.trim() !== "" ? number : isoToMjd(part.trim(), `--${name}`);
	});
	if (times.length !== 2 || !(times[0] < times[1])) {
		throw badInput("bad-option", `${JSON.stringify(text)} is not BEGIN,END`, {
			subject: `--${name}`,
			remedy: "Give two times, for instance 2022-03-15T09:50:00,2022-03-15T09:56:00",
		});
	}
	return [times[0], times[1]];
}

/** A length of time: `int` (every integration) = 0, `inf` = Infinity, otherwise seconds, or minutes as `5min`. */
export function intervalOption(invocation: Invocation, name: string, fallback: number): number {
	const text = stringOption(invocation, name)?.trim().toLowerCase();
	if (text === undefined) return fallback;
	if (text === "int") return 0;
	if (text === "inf") return Number.POSITIVE_INFINITY;
	const match = /^(\d+(?:\.\d+)?)\s*(s|min|h)?$/.exec(text);
	if (match === null || !(Number(match[1]) > 0)) {
		throw badInput("bad-option", `${JSON.stringify(text)} is no interval`, {
			subject: `--${name}`,
			remedy: `Give int, inf, seconds, or for instance --${name} 5min`,
		});
	}
	return Number(match[1]) * { s: 1, min: 60, h: 3600 }[match[2] ?? "s"]!;
}

/** One of some words. */
export function choiceOption<T extends string>(
	invocation: Invocation,
	name: string,
	choices: readonly T[],
	fallback: T,
): T {
	const text = stringOption(invocation, name) ?? fallback;
	const known = choices.find((choice) => choice === text);
	if (known !== undefined) return known;
	throw badInput("bad-option", `${JSON.stringify(text)} is none of ${choices.join(", ")}`, { subject: `--${name}` });
}
