import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { VisibilitySet } from "../../src/calibration/visibility-set.ts";
import { CausticError } from "../../src/error.ts";
import { openMeasurementSet } from "../../src/formats/casa/measurement-set.ts";
import { readCalibrationTable } from "../../src/formats/casa/read-calibration-table.ts";
import { CasaTable } from "../../src/formats/casa/table.ts";
import { Hdf5File } from "../../src/formats/hdf5/file.ts";
import { openUvfits } from "../../src/formats/uvfits/read.ts";
import { firstTimeOfUvh5, openUvh5 } from "../../src/formats/uvh5/read.ts";
import { Random } from "../../src/simulation/random.ts";
import { damage, structuralPlaces } from "./damage.ts";
import { type FileKind, type GoodFile, lay } from "./good-files.ts";

/** What became of one damaged file. */
export interface Reading {
	kind: FileKind;
	name: string;
	/** The part that was damaged. */
	part: string;
	/** Codes of the errors that were thrown on purpose; none: all was read. */
	codes: string[];
	/** What went wrong with us: another error, or one that names no file. */
	fault: string | undefined;
	ms: number;
}

const MOST_ROWS = 200;
const MOST_BYTES = 1 << 22;

/** Errors thrown on purpose by the parts of a file that can be read each by itself. */
class Attempts {
	readonly codes: string[] = [];
	private readonly path: string;

	constructor(path: string) {
		this.path = path;
	}

	try(work: () => void): void {
		try {
			work();
		} catch (error) {
			this.note(error);
		}
	}

	note(error: unknown): void {
		if (!(error instanceof CausticError)) throw error;
		if (!`${error.subject}`.startsWith(this.path))
			throw new Error(`the error names ${error.subject}: ${error.message}`);
		this.codes.push(error.code);
	}
}

function readHdf5(path: string, attempts: Attempts): void {
	const file = Hdf5File.open(path);
	try {
		let seen = 0;
		const walk = (group: string, depth: number) => {
			for (const name of file.children(group)) {
				if (++seen > MOST_ROWS || depth > 6) return;
				const child = `${group === "/" ? "" : group}/${name}`;
				attempts.try(() => {
					if (file.hasGroup(child)) walk(child, depth + 1);
					else if (file.has(child)) readDataset(file, child, attempts);
				});
			}
		};
		walk("/", 0);
	} finally {
		file.close();
	}
}

function readDataset(file: Hdf5File, path: string, attempts: Attempts): void {
	const dataset = file.dataset(path);
	const { kind } = dataset.type;
	if (kind === "string" || kind === "variable-string") {
		attempts.try(() => {
			dataset.strings();
		});
	} else if (kind !== "compound") {
		attempts.try(() => {
			dataset.numbers();
		});
	}
	const count = [...dataset.shape];
	const size = () => count.reduce((a, b) => a * b, dataset.type.size);
	for (let d = 0; d < count.length && size() > MOST_BYTES; d++) count[d] = Math.min(count[d], 2);
	if (size() > MOST_BYTES) return;
	attempts.try(() =>
		dataset.readBytes(
			count.map(() => 0),
			count,
			new Uint8Array(size()),
		),
	);
}

async function readSet(set: VisibilitySet): Promise<void> {
	try {
		let blocks = 0;
		for await (const block of set.blocks({ autocorrelations: true, blockBytes: 1 << 14 })) {
			if (block.nRows === 0 || ++blocks > MOST_ROWS) break;
		}
	} finally {
		set.close();
	}
}

/** @param part the damaged one: of a storage manager's file only its own columns can be affected. */
function readTable(path: string, part: string, attempts: Attempts): void {
	const table = new CasaTable(path);
	try {
		const manager = /^table\.f(\d+)/.exec(part)?.[1];
		for (const { name, isArray, manager: own } of table.description.columns.slice(0, MOST_ROWS)) {
			if (manager !== undefined && own !== Number(manager)) continue;
			attempts.try(() => {
				const column = table.column(name);
				if (!isArray) column.scalars();
				else for (let row = 0; row < Math.min(MOST_ROWS, table.nRows); row++) column.cell(row);
			});
		}
	} finally {
		table.close();
	}
}

async function readAs(kind: FileKind, path: string, part: string, attempts: Attempts): Promise<void> {
	switch (kind) {
		case "hdf5":
			return readHdf5(path, attempts);
		case "uvh5":
			attempts.try(() => {
				firstTimeOfUvh5(path);
			});
			return readSet(openUvh5([path]));
		case "uvfits":
			return readSet(openUvfits(path));
		case "table":
			return readTable(path, part, attempts);
		case "measurement-set":
			return readSet(openMeasurementSet(path));
		case "calibration-table":
			readCalibrationTable(path);
	}
}

/** Damages good files, one after another, and reads them. The same seed makes the same files. */
export class DamagedReadings {
	private readonly files: readonly GoodFile[];
	private readonly byKind: GoodFile[][];
	private readonly root: string;
	private readonly seed: number;
	private readonly places = new Map<Buffer, number[]>();

	constructor(files: readonly GoodFile[], root: string, seed: number) {
		this.files = files;
		this.byKind = [...Map.groupBy(files, (file) => file.kind).values()];
		this.root = root;
		this.seed = seed;
		for (const file of files) lay(file, root);
	}

	/** Reads every file undamaged; what fails throws. */
	async undamaged(): Promise<number> {
		for (const file of this.files) {
			const path = join(this.root, file.name);
			const attempts = new Attempts(path);
			await readAs(file.kind, path, "", attempts);
			const only = new Set(["hdf5-type", "hdf5-unsupported"]);
			const wrong = attempts.codes.filter((code) => !only.has(code));
			if (wrong.length > 0) throw new Error(`${file.name} undamaged: ${wrong.join(", ")}`);
		}
		return this.files.length;
	}

	/** Case `number` of this seed, whatever came before. */
	async read(number: number): Promise<Reading> {
		const random = new Random((this.seed * 1_000_003 + number) % 4294967291);
		const among = this.byKind[random.integer(this.byKind.length)];
		const file = among[random.integer(among.length)];
		const parts = [...file.parts.keys()].filter((part) => !part.endsWith("table.info"));
		const part = parts[random.integer(parts.length)];
		const good = file.parts.get(part) as Buffer;
		let places = this.places.get(good);
		if (places === undefined) {
			places = structuralPlaces(good);
			this.places.set(good, places);
		}
		let bytes = Buffer.from(good);
		const times = 1 + random.integer(2);
		for (let i = 0; i < times; i++) bytes = Buffer.from(damage(random, bytes, places));
		const path = join(this.root, file.name);
		const target = part === "" ? path : join(path, part);
		writeFileSync(target, bytes);
		const reading: Reading = { kind: file.kind, name: file.name, part, codes: [], fault: undefined, ms: 0 };
		const attempts = new Attempts(path);
		const begun = performance.now();
		try {
			await readAs(file.kind, path, part, attempts);
		} catch (error) {
			try {
				attempts.note(error);
			} catch (fault) {
				reading.fault = fault instanceof Error ? (fault.stack ?? fault.message) : String(fault);
			}
		}
		reading.ms = performance.now() - begun;
		reading.codes = attempts.codes;
		writeFileSync(target, good);
		return reading;
	}
}
