import type { CandidateStatus, Tier } from "../api.ts";

export const TierBadge = ({ tier }: { tier: Tier }) => <span className={`badge tier-${tier}`}>{tier}</span>;

const STATUS_CLASS: Record<string, string> = {
	open: "is-open",
	confirmed: "is-good",
	rejected: "is-off",
	merged: "is-off",
	running: "is-open",
	done: "is-good",
	failed: "is-bad",
	resolved: "is-good",
	retried: "is-off",
	pass: "is-good",
	warn: "is-warn",
	fail: "is-bad",
};

export const StatusBadge = ({ status }: { status: CandidateStatus | string }) => (
	<span className={`badge ${STATUS_CLASS[status] ?? "is-off"}`}>{status}</span>
);

/** Flags as small labels; nothing where there is none. */
export const Flags = ({ flags }: { flags: string }) => (
	<>
		{flags
			.split("|")
			.filter((flag) => flag !== "")
			.map((flag) => (
				<span key={flag} className="badge flag">
					{flag.replaceAll("_", " ")}
				</span>
			))}
	</>
);
