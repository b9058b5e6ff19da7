import { expect, test } from "vitest";
import { registry } from "../../observability/metrics.ts";
import { Kept } from "./kept.ts";
import { MemoryBudget } from "./memory-budget.ts";

const tick = () => new Promise((resolve) => setImmediate(resolve));

test("what does not fit waits its turn, first come first served", async () => {
	const budget = new MemoryBudget(100, () => 0);
	const begun: string[] = [];
	const begin = (name: string, bytes: number) => budget.take(bytes, name).then(() => begun.push(name));
	void begin("a", 60);
	void begin("b", 60);
	// Would fit beside a, but b was there before.
	void begin("c", 20);
	await tick();
	expect(begun).toEqual(["a"]);
	budget.release(60);
	await tick();
	expect(begun).toEqual(["a", "b", "c"]);
	expect(budget.used).toBe(80);
	await expect(budget.take(101, "big.fits")).rejects.toMatchObject({
		code: "memory-limit",
		subject: "big.fits",
		remedy: expect.stringContaining("photometry_pipeline.memory_limit_mb"),
	});
});

test("kept values are given up for work, the least recently used first, never while they are in use", async () => {
	const kept = new Kept<string>("test", 90);
	const budget = new MemoryBudget(100, (bytes) => kept.giveUp(bytes));
	for (const key of ["x", "y", "z"]) {
		await budget.take(30, key);
		expect(kept.keep(key, key.toUpperCase(), 30)).toBe(true);
	}
	expect(kept.keep("huge", "", 91)).toBe(false);
	expect(kept.hold("x")).toBe("X");
	await budget.take(40, "work");
	expect(budget.used).toBe(100);
	// y was the oldest that nobody used; x is held.
	expect(kept.hold("y")).toBeUndefined();
	kept.letGo("x");
	expect(kept.hold("z")).toBe("Z");
	kept.letGo("z");
	expect(budget.used - kept.giveUpOlder(-1)).toBe(40);
	expect(kept.hold("x")).toBeUndefined();
	const ratio = await registry.getSingleMetric("photometry_cache_hit_ratio")?.get();
	expect(ratio?.values.find((value) => value.labels.cache === "test")?.value).toBe(0.5);
});
