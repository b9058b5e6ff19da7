const FORMATS = [
	["csv", "CSV"],
	["vot", "VOTable"],
	["fits", "FITS"],
	["parquet", "Parquet"],
] as const;

/** The same numbers as a file for other tools. */
export const Exports = (props: { product: "light-curves" | "sources" | "candidates"; source?: number }) => (
	<p className="exports">
		Export{" "}
		{FORMATS.map(([format, name]) => (
			<a
				key={format}
				href={`/api/v1/export/${props.product}?format=${format}${props.source === undefined ? "" : `&source=${props.source}`}`}
				download
			>
				{name}
			</a>
		))}
	</p>
);
