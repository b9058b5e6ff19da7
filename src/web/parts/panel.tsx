import type { ReactNode } from "react";

/** A titled part of a page. */
export function Panel(props: {
	title: ReactNode;
	tools?: ReactNode;
	children: ReactNode;
	className?: string;
	flush?: boolean;
}) {
	return (
		<section className={`panel ${props.className ?? ""}`}>
			<header>
				<h2>{props.title}</h2>
				{props.tools !== undefined && <div className="tools">{props.tools}</div>}
			</header>
			<div className={props.flush === true ? "flush" : "body"}>{props.children}</div>
		</section>
	);
}

/** A heading of the page with what belongs beside it. */
export const PageHead = (props: { title: ReactNode; children?: ReactNode; lead?: ReactNode }) => (
	<div className="page-head">
		<div>
			<h1>{props.title}</h1>
			{props.lead !== undefined && <p className="lead">{props.lead}</p>}
		</div>
		<div className="tools">{props.children}</div>
	</div>
);

export interface Fact {
	name: string;
	value: ReactNode;
	hint?: string;
}

/** Names and values in two columns. */
export const Facts = ({ facts }: { facts: Fact[] }) => (
	<dl className="facts">
		{facts.map(({ name, value, hint }) => (
			<div key={name} title={hint}>
				<dt>{name}</dt>
				<dd>{value}</dd>
			</div>
		))}
	</dl>
);

/** One choice of a few. */
export function Choice<T extends string>(props: {
	label: string;
	value: T;
	options: readonly (readonly [T, string])[];
	onChange: (value: T) => void;
}) {
	return (
		<div className="choice" role="group" aria-label={props.label}>
			{props.options.map(([value, text]) => (
				<button key={value} type="button" aria-pressed={value === props.value} onClick={() => props.onChange(value)}>
					{text}
				</button>
			))}
		</div>
	);
}
