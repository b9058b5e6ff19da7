import type { Transaction } from "./database.ts";

export interface ComponentRelation {
	imageId: number;
	number: number;
	sourceId: number;
	kind: "one-to-many" | "many-to-one";
	separationArcsec: number;
	deRuiter: number;
}

/** Replaces what is recorded of the given images: components near sources that they were not matched with. */
export async function storeRelations(
	tx: Transaction,
	imageIds: number[],
	relations: readonly ComponentRelation[],
): Promise<void> {
	await tx.execute("clear relations", "DELETE FROM component_relation WHERE image_id = ANY($1)", [imageIds]);
	await tx.execute(
		"store relations",
		`INSERT INTO component_relation (image_id, number, source_id, kind, separation_arcsec, de_ruiter)
		 SELECT * FROM unnest($1::bigint[], $2::int[], $3::bigint[], $4::text[], $5::float8[], $6::float8[])`,
		[
			relations.map((relation) => relation.imageId),
			relations.map((relation) => relation.number),
			relations.map((relation) => relation.sourceId),
			relations.map((relation) => relation.kind),
			relations.map((relation) => relation.separationArcsec),
			relations.map((relation) => relation.deRuiter),
		],
	);
}
