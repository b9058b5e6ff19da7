import { useQueries } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import type { Cutout, LightCurve } from "../api.ts";
import { CutoutPicture } from "../charts/cutout-picture.tsx";
import { isSuspicious } from "../charts/light-curve-stack.tsx";
import type { Span } from "../charts/points.ts";
import { fixed, flux, frequency, mjdDate, mjdText } from "../format.ts";
import * as queries from "../queries.ts";
import { useTheme } from "../theme.ts";
import { Panel } from "./panel.tsx";

interface CutoutsProps {
	name: string;
	raDeg: number;
	decDeg: number;
	curves: LightCurve[];
	spans: Span[];
	/** The epoch that somebody pointed at, MJD. */
	picked: number | undefined;
	onPick: (mjd: number) => void;
}

/** One pass over the field: the images of a source by subband. */
interface SeenEpoch {
	id: number;
	mjd: number;
	/** Index into a curve, by the curve's index. */
	at: Map<number, number>;
}

function epochsOf(curves: LightCurve[]): SeenEpoch[] {
	const epochs = new Map<number, SeenEpoch>();
	for (const [c, curve] of curves.entries()) {
		for (const [i, id] of curve.epoch_id.entries()) {
			const epoch = epochs.get(id) ?? { id, mjd: curve.mjd[i], at: new Map<number, number>() };
			epoch.at.set(c, i);
			epochs.set(id, epoch);
		}
	}
	return [...epochs.values()].sort((a, b) => a.mjd - b.mjd);
}

const nearestTo = (epochs: SeenEpoch[], mjd: number): number =>
	epochs.reduce((best, epoch, i) => (Math.abs(epoch.mjd - mjd) < Math.abs(epochs[best].mjd - mjd) ? i : best), 0);

/** The epoch to compare with: the one nearest to an event and outside every one, where there are events. */
function quietEpoch(epochs: SeenEpoch[], spans: Span[]): number | undefined {
	if (spans.length === 0) return undefined;
	const distance = (mjd: number) => Math.min(...spans.map(({ from, to }) => Math.max(from - mjd, mjd - to)));
	const outside = epochs.flatMap((epoch, i) => (distance(epoch.mjd) > 0 ? [i] : []));
	if (outside.length === 0) return undefined;
	return outside.reduce((best, i) => (distance(epochs[i].mjd) < distance(epochs[best].mjd) ? i : best));
}

/** The brightest pixel within a beam of the source. */
function peakOf(cutout: Cutout): number {
	const reach = cutout.beam_major_arcsec / cutout.pixel_arcsec;
	let peak = -Infinity;
	for (let row = 0; row < cutout.height; row++) {
		for (let column = 0; column < cutout.width; column++) {
			const value = cutout.pixels_jy[row * cutout.width + column];
			if (value === null || Math.hypot(column - cutout.x_pix, row - cutout.y_pix) > reach) continue;
			peak = Math.max(peak, value);
		}
	}
	return peak;
}

/** What the images show about a source at an epoch, beside a quiet one: is it the source, its neighbour, or the image? */
export function Cutouts({ name, raDeg, decDeg, curves, spans, picked, onPick }: CutoutsProps) {
	const isDark = useTheme() === "dark";
	const epochs = useMemo(() => epochsOf(curves), [curves]);
	const quiet = useMemo(() => quietEpoch(epochs, spans), [epochs, spans]);
	const [isOpen, setIsOpen] = useState(true);
	const event = spans[0];
	const usual = event === undefined ? epochs.length - 1 : nearestTo(epochs, event.at ?? (event.from + event.to) / 2);
	const index = picked === undefined ? usual : nearestTo(epochs, picked);
	const shown = [index, ...(quiet === undefined || quiet === index ? [] : [quiet])];
	const cells = shown.flatMap((e) =>
		curves.map((curve, c) => {
			const i = epochs[e]?.at.get(c);
			return { e, c, i, imageId: i === undefined ? undefined : curve.image_id[i] };
		}),
	);
	const answers = useQueries({
		queries: cells.map(({ imageId }) => ({
			...queries.cutout(imageId ?? 0, raDeg, decDeg),
			enabled: imageId !== undefined && isOpen,
		})),
	});
	if (epochs.length === 0) return null;

	// One scale for each subband, so that what dims looks dimmer.
	const scaleOf = (c: number): [number, number] => {
		const own = cells.flatMap((cell, k) => (cell.c === c ? (answers[k].data ?? []) : []));
		const noise = Math.max(...own.map((cutout) => cutout.noise_jy ?? 0), 1e-12);
		return [-3 * noise, Math.max(8 * noise, ...own.map(peakOf))];
	};
	const go = (step: number) => onPick(epochs[Math.min(epochs.length - 1, Math.max(0, index + step))].mjd);
	return (
		<Panel
			title="Images"
			tools={
				<div className="epoch-choice">
					<button type="button" onClick={() => go(-1)} disabled={index === 0} aria-label="Epoch before">
						‹
					</button>
					<input
						type="range"
						min={0}
						max={epochs.length - 1}
						value={index}
						aria-label="Epoch of the images"
						onChange={(change) => onPick(epochs[Number(change.target.value)].mjd)}
					/>
					<button type="button" onClick={() => go(1)} disabled={index === epochs.length - 1} aria-label="Epoch after">
						›
					</button>
					<button type="button" aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
						{isOpen ? "Hide" : "Show"}
					</button>
				</div>
			}
		>
			{isOpen &&
				shown.map((e, row) => (
					<section key={row === 0 ? "chosen" : "quiet"} className="cutout-row">
						<h3>
							{row === 0 ? "At" : "Beside it, quiet at"} {mjdDate(epochs[e].mjd)}, MJD {mjdText(epochs[e].mjd)}
						</h3>
						<div className="cutouts">
							{cells.map((cell, k) => {
								if (cell.e !== e) return null;
								const curve = curves[cell.c];
								const { data, error } = answers[k];
								const [low, high] = scaleOf(cell.c);
								const value = cell.i === undefined ? undefined : (curve.flux_norm_jy[cell.i] ?? curve.flux_jy[cell.i]);
								const isFlagged = cell.i !== undefined && isSuspicious(curve.flags[cell.i]);
								return (
									<figure key={curve.band_id}>
										{data === undefined ? (
											<div className="cutout is-empty">
												{cell.i === undefined ? "no image" : error === null ? "loading" : error.message}
											</div>
										) : (
											<CutoutPicture
												cutout={data}
												low={low}
												high={high}
												isDark={isDark}
												label={`${name} at ${frequency(curve.frequency_mhz)} on ${mjdDate(epochs[e].mjd)}, ${flux(value)}`}
											/>
										)}
										<figcaption>
											<b>{frequency(curve.frequency_mhz)}</b> {flux(value)}
											{isFlagged && <span className="bad"> flagged</span>}
											{row === 0 && data !== undefined && (
												<span className="soft">
													{" "}
													scale {fixed(low * 1e3, 1)} to {fixed(high * 1e3, 1)} mJy/beam
												</span>
											)}
										</figcaption>
									</figure>
								);
							})}
						</div>
					</section>
				))}
			{isOpen && (
				<p className="soft">
					As imaged, one grey scale per subband. Lower left: the beam. A click on the light curve chooses the epoch.
				</p>
			)}
		</Panel>
	);
}
