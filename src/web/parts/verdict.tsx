import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { type Candidate, post } from "../api.ts";
import { words } from "../format.ts";
import { ProblemNotice } from "./answer.tsx";
import { setReviewer, useReviewer } from "./reviewer.ts";

export type VerdictKind = "confirm" | "reject" | "reopen" | "comment";

const REASONS = [
	"scintillation",
	"intrinsic_flare",
	"calibration",
	"bad_image",
	"blend",
	"single_outlier",
	"seasonal",
	"other",
] as const;

const TITLES: Record<VerdictKind, string> = {
	confirm: "Confirm",
	reject: "Reject",
	reopen: "Reopen",
	comment: "Comment on",
};

/** Which verdicts follow from a status. */
export const verdictsFor = (status: Candidate["status"]): VerdictKind[] => {
	const verdicts: Record<Candidate["status"], VerdictKind[]> = {
		open: ["confirm", "reject", "comment"],
		confirmed: ["reject", "reopen", "comment"],
		rejected: ["reopen", "comment"],
		merged: ["comment"],
	};
	return verdicts[status];
};

/** Buttons for what can be done with a candidate, with the letter that does the same. */
export const VerdictButtons = (props: { candidate: Candidate; onChoose: (kind: VerdictKind) => void }) => (
	<div className="verdicts">
		{verdictsFor(props.candidate.status).map((kind) => (
			<button key={kind} type="button" className={`verdict ${kind}`} onClick={() => props.onChoose(kind)}>
				{kind}
				{kind !== "reopen" && <kbd>{kind === "comment" ? "m" : kind[0]}</kbd>}
			</button>
		))}
	</div>
);

/** Asks who, why and in which class, then sends the verdict with the event that its giver has seen. */
export function VerdictDialog(props: { candidate: Candidate; kind: VerdictKind; onClose: () => void }) {
	const { candidate, kind, onClose } = props;
	const dialog = useRef<HTMLDialogElement>(null);
	const client = useQueryClient();
	const known = useReviewer();
	// What the reviewer saw when the dialog opened: a change that arrives meanwhile must be refused, not taken over.
	const [seen] = useState(candidate);
	const [actor, setActor] = useState(known);
	const [reasonClass, setReasonClass] = useState("");
	const [reason, setReason] = useState("");
	useEffect(() => dialog.current?.showModal(), []);

	const send = useMutation({
		mutationFn: () =>
			post(`/api/v1/candidates/${candidate.id}/${kind}`, {
				expected_seq: seen.last_seq,
				actor: actor.trim(),
				...(kind === "reject" ? { reason_class: reasonClass } : {}),
				...(reason.trim() === "" ? {} : { reason: reason.trim() }),
			}),
		onSuccess: async () => {
			setReviewer(actor);
			await Promise.all([
				client.invalidateQueries({ queryKey: ["candidates"] }),
				client.invalidateQueries({ queryKey: ["survey"] }),
			]);
			onClose();
		},
		onError: () => void client.invalidateQueries({ queryKey: ["candidates", candidate.id] }),
	});
	const needsText = kind === "comment" || reasonClass === "other";

	return (
		<dialog ref={dialog} onClose={onClose} aria-labelledby="verdict-title">
			<form
				method="dialog"
				onSubmit={(event) => {
					event.preventDefault();
					send.mutate();
				}}
			>
				<h2 id="verdict-title">
					{TITLES[kind]} candidate {candidate.id}
				</h2>
				<p className="soft">
					{candidate.source}, {candidate.significance.toFixed(1)} σ, {candidate.tier} tier
				</p>
				{kind === "reject" && (
					<label>
						Reason class
						<select value={reasonClass} onChange={(event) => setReasonClass(event.target.value)} required autoFocus>
							<option value="" disabled>
								Choose…
							</option>
							{REASONS.map((name) => (
								<option key={name} value={name}>
									{words(name)}
								</option>
							))}
						</select>
					</label>
				)}
				<label>
					{needsText ? "Text" : "Text (optional)"}
					<textarea
						value={reason}
						onChange={(event) => setReason(event.target.value)}
						rows={3}
						maxLength={10_000}
						required={needsText}
						autoFocus={kind !== "reject"}
					/>
				</label>
				<label>
					Your name
					<input value={actor} onChange={(event) => setActor(event.target.value)} required maxLength={200} />
				</label>
				{send.isError && <ProblemNotice error={send.error} />}
				<div className="buttons">
					<button type="button" onClick={onClose}>
						Cancel
					</button>
					<button type="submit" className={`primary ${kind}`} disabled={send.isPending}>
						{kind}
					</button>
				</div>
			</form>
		</dialog>
	);
}
