/**
 * Seeded random numbers: the same seed gives the same sequence on every machine, for ever.
 * xoshiro128** (Blackman & Vigna 2018), seeded through splitmix32 so that neighbouring seeds are unrelated.
 */
export class Random {
	private a: number;
	private b: number;
	private c: number;
	private d: number;
	private spare = Number.NaN;

	constructor(seed: number) {
		let state = seed >>> 0;
		const splitmix = () => {
			state = (state + 0x9e3779b9) | 0;
			let z = state ^ (state >>> 16);
			z = Math.imul(z, 0x21f0aaad);
			z ^= z >>> 15;
			z = Math.imul(z, 0x735a2d97);
			return (z ^ (z >>> 15)) >>> 0;
		};
		this.a = splitmix();
		this.b = splitmix();
		this.c = splitmix();
		this.d = splitmix() || 1;
	}

	/** A generator of its own for a named part, so that adding a part does not change the others. */
	fork(name: string): Random {
		let hash = 2166136261;
		for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 16777619);
		return new Random((hash ^ this.a ^ Math.imul(this.b, 31)) >>> 0);
	}

	/** 32 random bits. */
	uint32(): number {
		const product = Math.imul(this.b, 5);
		const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
		const t = this.b << 9;
		this.c ^= this.a;
		this.d ^= this.b;
		this.b ^= this.c;
		this.a ^= this.d;
		this.c ^= t;
		this.d = (this.d << 11) | (this.d >>> 21);
		return result;
	}

	/** Uniform in [low, high), with 53 random bits. */
	uniform(low = 0, high = 1): number {
		const unit = ((this.uint32() >>> 5) * 67108864 + (this.uint32() >>> 6)) / 9007199254740992;
		return low + unit * (high - low);
	}

	/** A whole number in [0, n). */
	integer(n: number): number {
		return Math.floor(this.uniform() * n);
	}

	/** Standard normal, by the polar method of Marsaglia. */
	normal(): number {
		if (!Number.isNaN(this.spare)) {
			const value = this.spare;
			this.spare = Number.NaN;
			return value;
		}
		for (;;) {
			const u = this.uniform(-1, 1);
			const v = this.uniform(-1, 1);
			const s = u * u + v * v;
			if (s > 0 && s < 1) {
				const factor = Math.sqrt((-2 * Math.log(s)) / s);
				this.spare = v * factor;
				return u * factor;
			}
		}
	}

	/** Student's t with the given degrees of freedom, unscaled. */
	student(dof: number): number {
		let chi2 = 0;
		for (let i = 0; i < dof; i++) chi2 += this.normal() ** 2;
		return this.normal() / Math.sqrt(chi2 / dof);
	}
}
