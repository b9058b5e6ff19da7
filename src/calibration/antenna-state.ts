/** The classes that stay apart for ever: an antenna is in exactly one, the gravest that holds. */
export type AntennaState =
	| "good"
	/** Solved well, but its delay is far from the others'. */
	| "wild-delay"
	/** Its phase steps between two integrations. */
	| "phase-jump"
	/** Far noisier than the others. */
	| "noisy"
	/** One polarisation gives no signal. */
	| "dead-polarization"
	/** Has data but no signal. */
	| "dead"
	/** Alive, yet without solutions. */
	| "failed"
	/** All of its data were flagged in the input. */
	| "flagged-at-input";

const GRAVITY: AntennaState[] = [
	"good",
	"wild-delay",
	"phase-jump",
	"noisy",
	"dead-polarization",
	"dead",
	"failed",
	"flagged-at-input",
];

/** The graver of two states. */
export const graver = (a: AntennaState, b: AntennaState): AntennaState =>
	GRAVITY.indexOf(a) >= GRAVITY.indexOf(b) ? a : b;
