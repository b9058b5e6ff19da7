import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { Hdf5File } from "./file.ts";
import { Hdf5Writer } from "./writer.ts";

const fixture = (name: string) => fileURLToPath(new URL(`../../../test/fixtures/hdf5/${name}.h5`, import.meta.url));
const ramp = (count: number, modulus = 251) => Float64Array.from({ length: count }, (_, i) => i % modulus);
const complexBytes = (count: number, re = 251, im = 251, factor = -0.5) =>
	new Uint8Array(
		Float32Array.from({ length: 2 * count }, (_, i) => (i % 2 === 0 ? (i >> 1) % re : 0 + factor * ((i >> 1) % im)))
			.buffer,
	);
const whole = (file: Hdf5File, name: string) => {
	const dataset = file.dataset(name);
	const bytes = new Uint8Array(dataset.length * dataset.type.size);
	dataset.readBytes(
		dataset.shape.map(() => 0),
		dataset.shape,
		bytes,
	);
	return bytes;
};

describe.each(["earliest", "v108", "v110", "latest"])("files written for HDF5 %s", (version) => {
	const file = Hdf5File.open(fixture(version));
	const size = 37 * 10 * 2;

	test("groups, links and texts", () => {
		expect(file.children("/many").sort()).toEqual(
			Array.from({ length: 40 }, (_, i) => `name_${String(i).padStart(3, "0")}`),
		);
		expect(file.dataset("/many/name_031").numbers()).toEqual(new Float64Array([31]));
		expect(file.dataset("/fixed").strings()).toEqual(["one", "three", ""]);
		expect(file.dataset("/variable").strings()).toEqual(["", "naïve", "long ".repeat(20)]);
		expect(file.dataset("/scalar").numbers()).toEqual(new Float64Array([1]));
		expect(file.dataset("/link").shape).toEqual([37, 1, 10, 2]);
		expect(file.has("/nothing")).toBe(false);
		expect(() => file.dataset("/nothing/at/all")).toThrow(/there is no \/nothing/);
		expect(() => file.dataset("/many")).toThrow(/is a group/);
	});

	test.each(["contiguous", "chunked", "deflate", "single"])("complex numbers, %s", (name) => {
		expect(whole(file, name)).toEqual(complexBytes(size));
	});

	test("numbers under every chunk index and filter", () => {
		expect(file.dataset("/fletcher").numbers()).toEqual(ramp(size));
		expect(file.dataset("/lzf").numbers()).toEqual(ramp(size, 3));
		expect(file.dataset("/lzf_noise").numbers()).toEqual(ramp(size).map((value) => value * Math.PI));
		expect(file.dataset("/lzf_flags").numbers()).toEqual(ramp(size, 3).map((value) => (value === 0 ? 1 : 0)));
		expect(file.dataset("/unlimited").numbers()).toEqual(ramp(350));
		expect(file.dataset("/unlimited_second").numbers()).toEqual(ramp(540));
		expect(file.dataset("/unlimited_both").numbers()).toEqual(ramp(600));
		expect(file.dataset("/roomy").numbers()).toEqual(ramp(600));
		expect(file.dataset("/many_chunks").numbers()).toEqual(ramp(2600));
		expect(file.dataset("/big_endian").numbers()).toEqual(ramp(9));
		expect(file.dataset("/negative").numbers()).toEqual(ramp(9).map((value) => 0 - value));
		expect(file.dataset("/sparse").numbers()).toEqual(
			Float64Array.from({ length: 480 }, (_, i) => {
				const [row, column] = [Math.floor(i / 8), i % 8];
				return row >= 9 && row < 12 && column >= 3 && column < 6 ? 1 : 7.5;
			}),
		);
	});

	test("any box is that part of the whole", () => {
		const all = new Float32Array(complexBytes(size).buffer);
		for (const name of ["contiguous", "chunked", "deflate"]) {
			for (const [start, count] of [
				[
					[0, 0, 0, 0],
					[37, 1, 1, 1],
				],
				[
					[15, 0, 3, 1],
					[20, 1, 6, 1],
				],
				[
					[36, 0, 0, 0],
					[1, 1, 10, 2],
				],
				[
					[5, 0, 2, 0],
					[0, 1, 2, 2],
				],
			]) {
				const box = new Float32Array(2 * count.reduce((a, b) => a * b, 1));
				file.dataset(name).readBytes(start, count, new Uint8Array(box.buffer));
				let at = 0;
				for (let r = 0; r < count[0]; r++) {
					for (let c = 0; c < count[2]; c++) {
						for (let p = 0; p < count[3]; p++) {
							const from = ((start[0] + r) * 10 + start[2] + c) * 2 + start[3] + p;
							expect([box[at++], box[at++]]).toEqual([all[2 * from], all[2 * from + 1]]);
						}
					}
				}
			}
			expect(() => file.dataset(name).readBytes([36, 0, 0, 0], [2, 1, 1, 1], new Uint8Array(16))).toThrow(/no box/);
		}
	});
});

test.each(["bitshuffle", "bitshuffle_plain", "bitshuffle_zstd", "bitshuffle_small_blocks", "lz4", "zstd"])(
	"the filter %s",
	(name) => {
		const file = Hdf5File.open(fixture("plugins"));
		expect(whole(file, name)).toEqual(complexBytes(3009, 17, 5, -3));
		expect(file.dataset(`${name}_i2`).numbers()).toEqual(ramp(501, 30));
		file.close();
	},
);

test("a filter that is not known is named and no data come out", () => {
	const file = Hdf5File.open(fixture("plugins"));
	const target = new Uint8Array(3009 * 8).fill(77);
	expect(() => file.dataset("blosc").readBytes([0, 0], [1003, 3], target)).toThrow(/filter blosc of blosc/);
	expect(target.every((byte) => byte === 77)).toBe(true);
	file.close();
});

test("what is not HDF5, is missing, cut short or closed is refused with a sentence", () => {
	const bytes = readFileSync(fixture("earliest"));
	expect(() => Hdf5File.of(new Uint8Array(5000), "zeros")).toThrow(/not an HDF5 file/);
	expect(() => Hdf5File.of(new Uint8Array(0), "nothing")).toThrow(/not an HDF5 file/);
	expect(() => Hdf5File.open("/no/such/file.h5")).toThrow(/no such file/);
	expect(() => Hdf5File.open("/")).toThrow(/regular file|folder/);
	expect(() => Hdf5File.of(bytes.subarray(0, bytes.length - 100), "cut")).toThrow(/should have \d+ bytes and has/);
	const file = Hdf5File.open(fixture("v108"));
	file.close();
	expect(() => file.dataset("/contiguous")).toThrow(/closed/);
});

test("a damaged chunk is an error, not data", () => {
	const bytes = Uint8Array.from(readFileSync(fixture("earliest")));
	const clean = Hdf5File.of(bytes, "clean").dataset("/fletcher");
	// Find a value of the data and change one bit of it: the checksum must tell.
	const needle = new Uint8Array(Float32Array.of(20, 22, 24).buffer);
	const at = Buffer.from(bytes).lastIndexOf(needle);
	expect(clean.numbers()[20]).toBe(20);
	expect(at).toBeGreaterThan(0);
	let found = 0;
	for (let i = Buffer.from(bytes).indexOf(needle); i >= 0; i = Buffer.from(bytes).indexOf(needle, i + 1)) {
		const damagedBytes = Uint8Array.from(bytes);
		damagedBytes[i + 2] ^= 16;
		try {
			Hdf5File.of(damagedBytes, "damaged").dataset("/fletcher").numbers();
		} catch (error) {
			expect(String(error)).toMatch(/wrong checksum/);
			found++;
		}
	}
	expect(found).toBeGreaterThan(0);
});

test("many chunks make a B-tree of several levels that reads back", () => {
	const folder = mkdtempSync(join(tmpdir(), "caustic-hdf5-"));
	const path = join(folder, "deep.h5");
	const writer = new Hdf5Writer(path);
	const rows = writer.rows("/deep", "int32", [10000, 3], [2, 2]);
	const data = Int32Array.from({ length: 30000 }, (_, i) => i);
	for (let r = 0; r < 10000; r += 100) rows.append(new Uint8Array(data.buffer, r * 12, 1200));
	rows.finish();
	writer.close();
	const file = Hdf5File.open(path);
	expect(file.dataset("/deep").numbers()).toEqual(Float64Array.from(data));
	file.close();
	rmSync(folder, { recursive: true });
});

test("chunks of one value throughout, and others among them, come out as they went in", () => {
	const folder = mkdtempSync(join(tmpdir(), "caustic-hdf5-"));
	const path = join(folder, "uniform.h5");
	for (const [first, odd] of [
		[1, 5],
		[3, 0],
	]) {
		const values = Float32Array.from({ length: 12 * 6 }, (_, i) => {
			const chunk = Math.floor(Math.floor(i / 6) / 4) * 2 + Math.floor((i % 6) / 3);
			return chunk === odd ? i : chunk === 3 ? 7 : first;
		});
		const writer = new Hdf5Writer(path);
		const rows = writer.rows("/counts", "float32", [12, 6], [4, 3]);
		rows.append(new Uint8Array(values.buffer));
		rows.finish();
		writer.close();
		const file = Hdf5File.open(path);
		expect(new Float32Array(whole(file, "/counts").buffer)).toEqual(values);
		const part = new Float32Array(5 * 4);
		file.dataset("/counts").readBytes([3, 1], [5, 4], new Uint8Array(part.buffer));
		expect(part).toEqual(
			Float32Array.from({ length: 20 }, (_, i) => values[(3 + Math.floor(i / 4)) * 6 + 1 + (i % 4)]),
		);
		file.close();
	}
	rmSync(folder, { recursive: true });
});
