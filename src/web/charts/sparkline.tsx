import type { LightCurve } from "../api.ts";
import { median } from "./light-curve-stack.tsx";

interface SparklineProps {
	curves: LightCurve[];
	/** Interval to shade, MJD. */
	from: number;
	to: number;
	low: number;
	high: number;
	label: string;
}

const WIDTH = 300;
const HEIGHT = 44;

/** Mean over the subbands of flux over median, small: whether a neighbour does the same at the same time. */
export function Sparkline({ curves, from, to, low, high, label }: SparklineProps) {
	if (!(high > low)) return null;
	const sums = new Map<number, { sum: number; n: number }>();
	for (const curve of curves) {
		const level = median(Float64Array.from(curve.flux_norm_jy, (value) => value ?? Number.NaN));
		for (const [i, time] of curve.mjd.entries()) {
			const value = curve.flux_norm_jy[i];
			if (value === null || Number.isNaN(level)) continue;
			const at = sums.get(time) ?? { sum: 0, n: 0 };
			at.sum += value / level;
			at.n += 1;
			sums.set(time, at);
		}
	}
	const points = [...sums].map(([time, { sum, n }]) => [time, sum / n] as const).sort((a, b) => a[0] - b[0]);
	const x = (time: number) => ((time - low) / (high - low || 1)) * WIDTH;
	// A fixed scale of half to one and a half: neighbours can be compared with one another at a glance.
	const y = (value: number) => HEIGHT - Math.min(1, Math.max(0, value - 0.5)) * HEIGHT;
	return (
		<svg className="sparkline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label}>
			<rect x={x(from)} y={0} width={Math.max(1, x(to) - x(from))} height={HEIGHT} className="spark-span" />
			<line x1={0} x2={WIDTH} y1={y(1)} y2={y(1)} className="spark-level" />
			{points.map(([time, value]) => (
				<circle key={time} cx={x(time)} cy={y(value)} r={1.6} />
			))}
		</svg>
	);
}
