import { compileLoops } from "../sky/compiled-loops.ts";
import { FILTER_LOOPS } from "./filter-loops-binary.ts";

/** The function of filter-loops.as. */
interface CompiledLoops {
	runTwo(table: number, epochs: number, p: number, end1: number, end2: number, sums: number): void;
}

const PAGE_BYTES = 1 << 16;
/** Product, squares and the sums of four bands, of two templates. */
const SUMS = 12;
/** The lowest addresses are left alone. */
const BEGIN = 1024;

let compiled: WebAssembly.Module | undefined;

/** A null's table in a memory where the compiled recursion of the matched filter works on it. */
export class FilterLoops {
	readonly table: Float64Array;
	/** Room for two templates: [epoch][two sums][template]. */
	readonly p: Float64Array;
	/** Product, squares and the sums of four bands, of both templates each, before and after {@link runTwo}. */
	readonly sums: Float64Array;
	/** Numbers of the templates in {@link p}. */
	first = 0;
	second = 0;
	private readonly loops: CompiledLoops;

	/** @param size doubles of the table. */
	constructor(size: number, epochs: number) {
		compiled ??= compileLoops(FILTER_LOOPS);
		const p = BEGIN + 8 * SUMS;
		const table = p + 32 * epochs;
		const memory = new WebAssembly.Memory({ initial: Math.ceil((table + 8 * size) / PAGE_BYTES) });
		this.loops = new WebAssembly.Instance(compiled, { env: { memory } }).exports as unknown as CompiledLoops;
		this.sums = new Float64Array(memory.buffer, BEGIN, SUMS);
		this.p = new Float64Array(memory.buffer, p, 4 * epochs);
		this.table = new Float64Array(memory.buffer, table, size);
	}

	/** Runs the templates that are held through `epochs` epochs of the table, from its number `at` on; they end after so many. */
	runTwo(at: number, epochs: number, end1: number, end2: number): void {
		const { table, p, sums } = this;
		this.loops.runTwo(table.byteOffset + 8 * at, epochs, p.byteOffset, end1, end2, sums.byteOffset);
	}
}
