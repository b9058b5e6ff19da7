import { expect, test } from "vitest";
import { TtlCache } from "./ttl-cache.ts";

test("a value is there for its time and no longer; the oldest makes room", () => {
	let now = 0;
	const cache = new TtlCache<number>(2, () => now);
	cache.set("a", 1, 10);
	cache.set("b", 2, 20);
	now = 9_999;
	expect([cache.get("a"), cache.get("b")]).toEqual([1, 2]);
	now = 10_000;
	expect([cache.get("a"), cache.get("b")]).toEqual([undefined, 2]);
	cache.set("c", 3, 1);
	cache.set("d", 4, 1);
	expect([cache.get("b"), cache.get("c"), cache.get("d")]).toEqual([undefined, 3, 4]);
});
