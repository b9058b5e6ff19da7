import { useEffect, useRef } from "react";
import type { Cutout } from "../api.ts";

interface CutoutPictureProps {
	cutout: Cutout;
	/** Jy/beam that are drawn as the sky's ground and as full ink. */
	low: number;
	high: number;
	isDark: boolean;
	label: string;
}

/** The pixels of an image about a source: grey by brightness, with the beam, the place of the source and a scale. */
export function CutoutPicture({ cutout, low, high, isDark, label }: CutoutPictureProps) {
	const canvas = useRef<HTMLCanvasElement>(null);
	const { width, height } = cutout;
	useEffect(() => {
		const context = canvas.current?.getContext("2d");
		if (context === undefined || context === null) return;
		const picture = context.createImageData(width, height);
		for (let row = 0; row < height; row++) {
			for (let column = 0; column < width; column++) {
				const value = cutout.pixels_jy[row * width + column];
				// The image counts rows from the bottom, a canvas from the top.
				const at = 4 * ((height - 1 - row) * width + column);
				if (value === null) {
					picture.data.set(isDark ? [58, 38, 38, 255] : [248, 226, 224, 255], at);
					continue;
				}
				const fraction = Math.min(1, Math.max(0, (value - low) / (high - low)));
				const grey = Math.round(255 * (isDark ? fraction : 1 - fraction));
				picture.data.set([grey, grey, grey, 255], at);
			}
		}
		context.putImageData(picture, 0, 0);
	}, [cutout, low, high, isDark, width, height]);

	const x = cutout.x_pix + 0.5;
	const y = height - cutout.y_pix - 0.5;
	const beam = cutout.beam_major_arcsec / cutout.pixel_arcsec;
	const ratio = cutout.beam_minor_arcsec / cutout.beam_major_arcsec;
	// From up towards the left, which is against the clock.
	const beamAngle = cutout.north_deg + (cutout.east_is_left ? cutout.beam_pa_deg : -cutout.beam_pa_deg);
	const gap = 0.8 * beam;
	const arm = 0.9 * beam;
	const scale = scaleBar(0.35 * width * cutout.pixel_arcsec);
	const margin = 0.04 * width;
	return (
		<div className="cutout">
			<canvas ref={canvas} width={width} height={height} role="img" aria-label={label} />
			<svg viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
				<path
					d={`M${x - gap - arm} ${y}h${arm}M${x + gap} ${y}h${arm}M${x} ${y - gap - arm}v${arm}M${x} ${y + gap}v${arm}`}
					className="cutout-mark"
				/>
				<ellipse
					cx={margin + beam / 2}
					cy={height - margin - beam / 2}
					rx={(beam * ratio) / 2}
					ry={beam / 2}
					transform={`rotate(${-beamAngle} ${margin + beam / 2} ${height - margin - beam / 2})`}
					className="cutout-beam"
				/>
				<path
					d={`M${width - margin} ${height - margin}h${-scale.arcsec / cutout.pixel_arcsec}`}
					className="cutout-scale"
				/>
				<text x={width - margin} y={height - 1.8 * margin} textAnchor="end" fontSize={0.075 * width}>
					{scale.text}
				</text>
			</svg>
		</div>
	);
}

/** A round length of at most so many arcseconds. */
function scaleBar(most: number): { arcsec: number; text: string } {
	const lengths = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600];
	const arcsec = lengths.findLast((length) => length <= most) ?? most;
	return { arcsec, text: arcsec >= 60 ? `${arcsec / 60}′` : `${arcsec}″` };
}
