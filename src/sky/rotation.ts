/** A 3 x 3 matrix, row-major; applied to column vectors. */
export type Matrix3 = readonly number[];

export const IDENTITY: Matrix3 = [1, 0, 0, 0, 1, 0, 0, 0, 1];

/** Rotates the axes by the angle (radians) about x; the components of a fixed vector turn the other way. */
export function aboutX(angle: number): Matrix3 {
	const c = Math.cos(angle);
	const s = Math.sin(angle);
	return [1, 0, 0, 0, c, s, 0, -s, c];
}

/** Rotates the axes by the angle (radians) about y. */
export function aboutY(angle: number): Matrix3 {
	const c = Math.cos(angle);
	const s = Math.sin(angle);
	return [c, 0, -s, 0, 1, 0, s, 0, c];
}

/** Rotates the axes by the angle (radians) about z. */
export function aboutZ(angle: number): Matrix3 {
	const c = Math.cos(angle);
	const s = Math.sin(angle);
	return [c, s, 0, -s, c, 0, 0, 0, 1];
}

/** The product of the matrices, the last one applied first. */
export function product(...matrices: Matrix3[]): Matrix3 {
	return matrices.reduce((a, b) => {
		const out = new Array<number>(9);
		for (let row = 0; row < 3; row++)
			for (let col = 0; col < 3; col++)
				out[3 * row + col] = a[3 * row] * b[col] + a[3 * row + 1] * b[3 + col] + a[3 * row + 2] * b[6 + col];
		return out;
	});
}

/** The transpose, which for a rotation is the inverse. */
export const transpose = (m: Matrix3): Matrix3 => [m[0], m[3], m[6], m[1], m[4], m[7], m[2], m[5], m[8]];

export const apply = (m: Matrix3, x: number, y: number, z: number): [number, number, number] => [
	m[0] * x + m[1] * y + m[2] * z,
	m[3] * x + m[4] * y + m[5] * z,
	m[6] * x + m[7] * y + m[8] * z,
];
