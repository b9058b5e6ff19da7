import { badInput } from "../../error.ts";
import { inMemory, openForReading, type RandomAccess } from "../random-access.ts";
import { Cursor, damaged, type FileContext, UNDEFINED_ADDRESS, unsupported } from "./cursor.ts";
import { Hdf5Dataset } from "./dataset.ts";
import { type Link, readLinks } from "./group.ts";
import { type HeaderMessage, MESSAGE, readObjectHeader } from "./object-header.ts";

const SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

/**
 * An HDF5 file opened for reading (HDF5 File Format Specification, superblocks 0 to 3).
 *
 * Every length and address is checked against the file before it is used, so that a damaged or hostile file gives a
 * `CausticError` and never wrong data, an endless loop or an allocation that the file could not fill.
 */
export class Hdf5File {
	readonly name: string;
	readonly size: number;
	private readonly context: FileContext;
	private readonly rootAddress: number;
	private readonly groups = new Map<number, Map<string, Link>>();

	private constructor(source: RandomAccess) {
		this.name = source.name;
		this.size = source.size;
		[this.context, this.rootAddress] = readSuperblock(source);
	}

	/** Throws `CausticError` `file-unreadable`, `not-hdf5`, `hdf5-damaged` or `hdf5-unsupported`. */
	static open(path: string): Hdf5File {
		return Hdf5File.from(openForReading(path));
	}

	static of(bytes: Uint8Array, name: string): Hdf5File {
		return Hdf5File.from(inMemory(bytes, name));
	}

	private static from(source: RandomAccess): Hdf5File {
		try {
			return new Hdf5File(source);
		} catch (error) {
			source.close();
			throw error;
		}
	}

	/** Names in the group at `path`, in the file's order; throws if it is not a group. */
	children(path = "/"): string[] {
		const address = this.find(path);
		if (address === undefined) throw this.missing(path);
		return [...this.linksAt(address).keys()];
	}

	/** Whether something stands at `path`. */
	has(path: string): boolean {
		return this.find(path) !== undefined;
	}

	/** Throws `hdf5-missing` if there is no dataset at `path`. */
	dataset(path: string): Hdf5Dataset {
		const address = this.find(path);
		if (address === undefined) throw this.missing(path);
		const header = readObjectHeader(this.context, address);
		if (isGroup(header)) {
			throw badInput("hdf5-missing", `${path} is a group, not an array`, { subject: this.name });
		}
		return Hdf5Dataset.from(this.context, path, header);
	}

	/** Whether there is a group at `path`. */
	hasGroup(path: string): boolean {
		const address = this.find(path);
		return address !== undefined && isGroup(readObjectHeader(this.context, address));
	}

	close(): void {
		this.context.source.close();
	}

	private missing(path: string) {
		return badInput("hdf5-missing", `there is no ${path} in it`, {
			subject: this.name,
			remedy: "Check that the file is what it should be and complete",
		});
	}

	private linksAt(address: number): Map<string, Link> {
		let links = this.groups.get(address);
		if (links === undefined) {
			links = readLinks(this.context, readObjectHeader(this.context, address));
			this.groups.set(address, links);
		}
		return links;
	}

	private find(path: string, hops = 0): number | undefined {
		let address = this.rootAddress;
		for (const name of path.split("/")) {
			if (name === "") continue;
			const link = this.linksAt(address).get(name);
			if (link === undefined) return undefined;
			if ("outside" in link) throw unsupported(this.name, `the link ${path} to another file`);
			if ("path" in link) {
				if (hops > 16) throw damaged(this.name, "its links go round in circles");
				if (!link.path.startsWith("/")) throw unsupported(this.name, `the relative link ${path}`);
				const target = this.find(link.path, hops + 1);
				if (target === undefined) return undefined;
				address = target;
			} else {
				if (link.address === UNDEFINED_ADDRESS) return undefined;
				address = link.address;
			}
		}
		return address;
	}
}

const isGroup = (header: HeaderMessage[]) =>
	!header.some((message) => message.type === MESSAGE.layout) &&
	(header.length === 0 ||
		header.some(
			(message) =>
				message.type === MESSAGE.symbolTable || message.type === MESSAGE.link || message.type === MESSAGE.linkInfo,
		));

function readSuperblock(source: RandomAccess): [FileContext, number] {
	const found = findSignature(source);
	if (found < 0) {
		throw badInput("not-hdf5", "it is not an HDF5 file", {
			subject: source.name,
			remedy: "Give a UVH5 file; other formats have other names (MeasurementSet folder, .uvfits)",
		});
	}
	const context: FileContext = { source, offsetSize: 8, lengthSize: 8, baseAddress: found };
	const head = Cursor.at(context, 8, Math.min(source.size - found - 8, 120));
	const version = head.u8();
	if (version > 3) throw unsupported(source.name, `version ${version} of an HDF5 superblock`);
	if (version < 2) {
		head.skip(4);
		context.offsetSize = head.u8();
		context.lengthSize = head.u8();
		head.skip(1 + 4 + 4 + (version === 1 ? 4 : 0));
	} else {
		context.offsetSize = head.u8();
		context.lengthSize = head.u8();
		head.skip(1);
	}
	const sane = (size: number) => size === 2 || size === 4 || size === 8;
	if (!sane(context.offsetSize) || !sane(context.lengthSize)) {
		throw damaged(source.name, "addresses or lengths have an impossible size");
	}
	const base = head.address();
	if (base > 0) context.baseAddress = base;
	head.address();
	const end = head.address();
	if (end > 0 && found + end > source.size) {
		throw badInput("file-truncated", `it should have ${found + end} bytes and has ${source.size}`, {
			subject: source.name,
			remedy: "The file is truncated or still being written: wait for its writer or copy it again",
		});
	}
	if (version < 2) {
		head.address();
		head.skip(context.offsetSize);
	}
	const root = head.address();
	if (root === UNDEFINED_ADDRESS) throw damaged(source.name, "it has no root group");
	return [context, root];
}

/** The superblock stands at byte 0, 512, 1024, 2048 and so on, behind whatever a user put in front. */
function findSignature(source: RandomAccess): number {
	const bytes = new Uint8Array(8);
	for (let at = 0; at + 8 <= source.size; at = at === 0 ? 512 : at * 2) {
		source.read(bytes, at);
		if (SIGNATURE.every((byte, i) => bytes[i] === byte)) return at;
	}
	return -1;
}
