import { badInput } from "../error.ts";
import type { Random } from "./random.ts";

/** Pixel positions of simulated sources. */
export interface Placement {
	x: Float64Array;
	y: Float64Array;
	/** Number of the pair, from 1; 0 for an isolated source. */
	pair: Int32Array;
}

/** A place not found in so many draws is hardly there. */
const MOST_ATTEMPTS = 20_000;

/** Positions already taken, in cells as wide as the least separation, so that only neighbours are looked at. */
class Taken {
	private readonly cells = new Map<number, number[]>();
	private readonly cell: number;
	private readonly columns: number;

	constructor(size: number, separation: number) {
		this.cell = separation;
		this.columns = Math.ceil(size / separation) + 3;
	}

	isFree(x: number, y: number, separation: number): boolean {
		const cx = Math.floor(x / this.cell);
		const cy = Math.floor(y / this.cell);
		for (let j = cy - 1; j <= cy + 1; j++) {
			for (let i = cx - 1; i <= cx + 1; i++) {
				const list = this.cells.get(j * this.columns + i);
				if (list === undefined) continue;
				for (let k = 0; k < list.length; k += 2) {
					if (Math.hypot(list[k] - x, list[k + 1] - y) < separation) return false;
				}
			}
		}
		return true;
	}

	add(x: number, y: number): void {
		const key = Math.floor(y / this.cell) * this.columns + Math.floor(x / this.cell);
		const list = this.cells.get(key);
		if (list === undefined) this.cells.set(key, [x, y]);
		else list.push(x, y);
	}
}

/**
 * Places sources at random, none nearer than `separation` to another, except that the two of a pair are 0.5 to 2.5
 * beams apart (and keep their distance from all others).
 * @throws CausticError when so many do not fit.
 */
export function placeSources(
	random: Random,
	size: number,
	count: number,
	pairs: number,
	beamPx: number,
	separation: number,
	margin: number,
): Placement {
	const placement: Placement = {
		x: new Float64Array(count),
		y: new Float64Array(count),
		pair: new Int32Array(count),
	};
	const taken = new Taken(size, separation);
	const low = margin;
	const high = size - 1 - margin;
	const draw = (isGood: (x: number, y: number) => boolean, make: () => [number, number]): [number, number] => {
		for (let attempts = 1; ; attempts++) {
			if (attempts > MOST_ATTEMPTS || !(high > low)) {
				throw badInput("too-many-sources", `${count} sources do not fit into ${size} x ${size} pixels`, {
					subject: "sources",
					remedy: "Ask for fewer sources or a larger image",
				});
			}
			const [x, y] = make();
			if (x >= low && x <= high && y >= low && y <= high && isGood(x, y)) return [x, y];
		}
	};
	const anywhere = (): [number, number] => [random.uniform(low, high), random.uniform(low, high)];
	const isFree = (x: number, y: number) => taken.isFree(x, y, separation);
	for (let i = 0; i < count; i++) {
		if (i < 2 * pairs && i % 2 === 1) {
			const [x0, y0] = [placement.x[i - 1], placement.y[i - 1]];
			[placement.x[i], placement.y[i]] = draw(isFree, () => {
				const distance = random.uniform(0.5, 2.5) * beamPx;
				const angle = random.uniform(0, 2 * Math.PI);
				return [x0 + distance * Math.cos(angle), y0 + distance * Math.sin(angle)];
			});
			taken.add(x0, y0);
			taken.add(placement.x[i], placement.y[i]);
		} else {
			[placement.x[i], placement.y[i]] = draw(isFree, anywhere);
			// The first of a pair is taken only together with its second.
			if (i >= 2 * pairs) taken.add(placement.x[i], placement.y[i]);
		}
		if (i < 2 * pairs) placement.pair[i] = Math.floor(i / 2) + 1;
	}
	return placement;
}
