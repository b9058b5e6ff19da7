/** Nelder & Mead (1965) with a fixed number of evaluations. */
export function nelderMead(
	cost: (p: number[]) => number,
	start: number[],
	steps: number[],
	evaluations: number,
): { at: number[]; value: number } {
	const simplex = [start, ...start.map((_, i) => start.map((value, j) => value + (i === j ? steps[i] : 0)))].map(
		(at) => ({ at, value: cost(at) }),
	);
	let left = evaluations - simplex.length;
	while (left > 0) {
		simplex.sort((a, b) => a.value - b.value);
		const worst = simplex[simplex.length - 1];
		const centroid = start.map(
			(_, j) => simplex.slice(0, -1).reduce((sum, vertex) => sum + vertex.at[j], 0) / (simplex.length - 1),
		);
		const move = (factor: number) => {
			const at = centroid.map((value, j) => value + factor * (worst.at[j] - value));
			left--;
			return { at, value: cost(at) };
		};
		const reflected = move(-1);
		if (reflected.value < simplex[0].value) {
			const expanded = move(-2);
			simplex[simplex.length - 1] = expanded.value < reflected.value ? expanded : reflected;
		} else if (reflected.value < simplex[simplex.length - 2].value) simplex[simplex.length - 1] = reflected;
		else {
			const contracted = move(reflected.value < worst.value ? -0.5 : 0.5);
			if (contracted.value < Math.min(worst.value, reflected.value)) simplex[simplex.length - 1] = contracted;
			else
				for (let i = 1; i < simplex.length; i++) {
					simplex[i].at = simplex[i].at.map((value, j) => (value + simplex[0].at[j]) / 2);
					simplex[i].value = cost(simplex[i].at);
					left--;
				}
		}
	}
	simplex.sort((a, b) => a.value - b.value);
	return simplex[0];
}
