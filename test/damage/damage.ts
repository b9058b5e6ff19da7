import type { Random } from "../../src/simulation/random.ts";

/** Words at which lengths, counts and addresses go wrong. */
const HOSTILE_WORDS = [
	0n,
	1n,
	2n,
	255n,
	4096n,
	65535n,
	0x7fffffffn,
	0x80000000n,
	0xffffffffn,
	0x100000000n,
	0x7ffffffff000n,
	1n << 53n,
	0x7fffffffffffffffn,
	0x8000000000000000n,
	0xffffffffffffffffn,
];

const HOSTILE_CARDS = [
	"9223372036854775807",
	"-1",
	"0",
	"1E300",
	"2147483648",
	"99999999",
	"1.5",
	"'text'",
	"T",
	"F",
	"",
	"NaN",
	"'9999999999D'",
	"'COMPLEX'",
	"'STOKES'",
	"'DATE'",
	"64",
	"8",
	"-64",
	"'&'",
];

/** Marks of HDF5's structures: what stands behind them is about the data and not the data. */
const MARKS = [
	"TREE",
	"HEAP",
	"SNOD",
	"OHDR",
	"OCHK",
	"GCOL",
	"FRHP",
	"FHDB",
	"FHIB",
	"BTHD",
	"BTIN",
	"BTLF",
	"FAHD",
	"FADB",
	"EAHD",
	"EAIB",
	"EADB",
	"EASB",
	"\x89HDF",
];

/** Where the bytes that describe others are likely to be. */
export function structuralPlaces(bytes: Buffer): number[] {
	const places = [0];
	for (const mark of MARKS) {
		for (
			let at = bytes.indexOf(mark, 0, "latin1");
			at >= 0 && places.length < 4000;
			at = bytes.indexOf(mark, at + 1, "latin1")
		)
			places.push(at);
	}
	return places;
}

function place(random: Random, bytes: Buffer, places: readonly number[]): number {
	const near =
		random.uniform() < 0.75
			? places[random.integer(places.length)] + random.integer(320)
			: random.integer(bytes.length);
	return Math.min(bytes.length - 1, near);
}

/** One of the ways in which files get damaged, or are made to do damage. Changes or replaces `bytes`, which are the caller's. */
export function damage(random: Random, bytes: Buffer, places: readonly number[]): Buffer {
	if (bytes.length === 0) return Buffer.from([random.integer(256)]);
	const kind = random.integer(bytes.subarray(0, 9).toString("latin1") === "SIMPLE  =" ? 8 : 6);
	switch (kind) {
		case 0:
			return bytes.subarray(0, random.integer(bytes.length));
		case 1: {
			const flips = 1 + random.integer(12);
			for (let i = 0; i < flips; i++) bytes[place(random, bytes, places)] ^= 1 << random.integer(8);
			return bytes;
		}
		case 2:
		case 3: {
			const width = [1, 2, 4, 8][random.integer(4)];
			if (bytes.length < width) return bytes;
			const word =
				random.uniform() < 0.2
					? BigInt(bytes.length - random.integer(3))
					: HOSTILE_WORDS[random.integer(HOSTILE_WORDS.length)];
			const at = Math.min(bytes.length - width, place(random, bytes, places));
			const isLittle = random.uniform() < 0.5;
			for (let k = 0; k < width; k++) {
				bytes[at + (isLittle ? k : width - 1 - k)] = Number((word >> BigInt(8 * k)) & 255n);
			}
			return bytes;
		}
		case 4: {
			const from = place(random, bytes, places);
			const length = random.integer(Math.min(600, bytes.length - from) + 1);
			const way = random.integer(4);
			if (way === 0) return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + length)]);
			if (way === 1) return Buffer.concat([bytes.subarray(0, from + length), bytes.subarray(from)]);
			bytes.fill(way === 2 ? 0 : random.integer(256), from, from + length);
			return bytes;
		}
		case 5: {
			// One structure over another: types, addresses and cycles that are each valid.
			const [from, to] = [place(random, bytes, places), place(random, bytes, places)];
			const length = [4, 8, 16, 64][random.integer(4)];
			bytes.copy(bytes, to, from, Math.min(bytes.length, from + length));
			return bytes;
		}
		default: {
			const cards = Math.floor(bytes.length / 80);
			for (let i = 0; i < 1 + random.integer(3); i++) {
				const card = 80 * random.integer(cards);
				if (bytes[card + 8] !== 61) continue;
				bytes.write(` ${HOSTILE_CARDS[random.integer(HOSTILE_CARDS.length)]}`.padEnd(71), card + 9, 71, "latin1");
			}
			return bytes;
		}
	}
}
