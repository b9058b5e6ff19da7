import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { FRAME, GRID, INK, SOFT } from "./colours.ts";
import { drawScatter, type ScatterAxis, type ScatterPoint, scatterFrame, type View } from "./scatter-drawing.ts";

interface ScatterProps {
	summary: string;
	points: ScatterPoint[];
	x: ScatterAxis;
	y: ScatterAxis;
	/** Same scale on both axes: a map. */
	isMap?: boolean;
	height: number;
	/** Lines and shapes under the points, in axis values. */
	under?: (context: CanvasRenderingContext2D, toX: (value: number) => number, toY: (value: number) => number) => void;
	describe: (point: ScatterPoint) => string;
	onPick: (point: ScatterPoint) => void;
	/** Ids to ring. */
	marked?: ReadonlySet<number>;
}

const WHOLE: View = { x0: 0, x1: 1, y0: 0, y1: 1 };
const REACH_PX = 14;

/** A cloud of points on canvas: wheel or +/- zooms, dragging or arrows move, a click opens the point. */
export function Scatter(props: ScatterProps) {
	const { points, x, y, isMap, under, describe, onPick, marked } = props;
	const canvas = useRef<HTMLCanvasElement>(null);
	const host = useRef<HTMLDivElement>(null);
	const [width, setWidth] = useState(0);
	// A map is about as high as wide: on a narrow screen the rest would be empty.
	const height = isMap === true && width > 0 ? Math.min(props.height, width) : props.height;
	const [view, setView] = useState(WHOLE);
	const [hover, setHover] = useState<ScatterPoint | undefined>();
	const drag = useRef<{ x: number; y: number; view: View; moved: boolean } | undefined>(undefined);

	useEffect(() => {
		const element = host.current;
		if (element === null) return undefined;
		const observer = new ResizeObserver(() => setWidth(Math.floor(element.clientWidth)));
		observer.observe(element);
		return () => observer.disconnect();
	}, []);

	const frame = useMemo(
		() => scatterFrame({ width, height, x, y, view, isMap: isMap === true }),
		[width, height, x, y, view, isMap],
	);

	useEffect(() => {
		const element = canvas.current;
		if (element === null || width === 0) return;
		const ratio = window.devicePixelRatio;
		element.width = width * ratio;
		element.height = height * ratio;
		const context = element.getContext("2d");
		if (context === null) return;
		context.setTransform(ratio, 0, 0, ratio, 0, 0);
		drawScatter(context, frame, { points, under, hover, marked, ink: INK, soft: SOFT, grid: GRID, frame: FRAME });
	}, [frame, points, under, hover, marked, width, height]);

	const find = useCallback(
		(px: number, py: number): ScatterPoint | undefined => {
			let best: ScatterPoint | undefined;
			let least = REACH_PX ** 2;
			for (const point of points) {
				const distance = (frame.toX(point.x) - px) ** 2 + (frame.toY(point.y) - py) ** 2;
				if (distance < least) {
					least = distance;
					best = point;
				}
			}
			return best;
		},
		[points, frame],
	);

	const zoom = useCallback(
		(factor: number, px: number, py: number) => {
			setView((old) => {
				const u = old.x0 + ((px - frame.left) / frame.plotWidth) * (old.x1 - old.x0);
				const v = old.y0 + (1 - (py - frame.top) / frame.plotHeight) * (old.y1 - old.y0);
				const next = {
					x0: u + (old.x0 - u) * factor,
					x1: u + (old.x1 - u) * factor,
					y0: v + (old.y0 - v) * factor,
					y1: v + (old.y1 - v) * factor,
				};
				return next.x1 - next.x0 >= 1 ? WHOLE : next;
			});
		},
		[frame],
	);

	useEffect(() => {
		const element = canvas.current;
		if (element === null) return undefined;
		const onWheel = (event: WheelEvent) => {
			if (!event.ctrlKey && !event.shiftKey && !event.altKey && document.activeElement !== element) return;
			event.preventDefault();
			zoom(event.deltaY > 0 ? 1.25 : 0.8, event.offsetX, event.offsetY);
		};
		// React's wheel listeners are passive and could not hold the page still.
		element.addEventListener("wheel", onWheel, { passive: false });
		return () => element.removeEventListener("wheel", onWheel);
	}, [zoom]);

	const shift = (dx: number, dy: number, from: View = view) => {
		const w = from.x1 - from.x0;
		const h = from.y1 - from.y0;
		setView({ x0: from.x0 + dx * w, x1: from.x1 + dx * w, y0: from.y0 + dy * h, y1: from.y1 + dy * h });
	};

	const onKeyDown = (event: React.KeyboardEvent) => {
		const centre: [number, number] = [frame.left + frame.plotWidth / 2, frame.top + frame.plotHeight / 2];
		const act: Record<string, () => void> = {
			"+": () => zoom(0.8, ...centre),
			"=": () => zoom(0.8, ...centre),
			"-": () => zoom(1.25, ...centre),
			"0": () => setView(WHOLE),
			ArrowLeft: () => shift(-0.1, 0),
			ArrowRight: () => shift(0.1, 0),
			ArrowUp: () => shift(0, 0.1),
			ArrowDown: () => shift(0, -0.1),
		};
		if (act[event.key] === undefined) return;
		event.preventDefault();
		act[event.key]();
	};

	const place = (event: React.PointerEvent) => {
		const box = event.currentTarget.getBoundingClientRect();
		return [event.clientX - box.left, event.clientY - box.top] as const;
	};

	return (
		<div className="scatter" ref={host}>
			<canvas
				ref={canvas}
				tabIndex={0}
				role="img"
				aria-label={`${props.summary} Plus and minus zoom, arrows move, zero shows all.`}
				style={{ width: "100%", height, cursor: hover === undefined ? "grab" : "pointer" }}
				onKeyDown={onKeyDown}
				onPointerDown={(event) => {
					const [px, py] = place(event);
					drag.current = { x: px, y: py, view, moved: false };
					event.currentTarget.setPointerCapture(event.pointerId);
				}}
				onPointerMove={(event) => {
					const [px, py] = place(event);
					const held = drag.current;
					if (held === undefined) {
						setHover(find(px, py));
						return;
					}
					if (Math.hypot(px - held.x, py - held.y) > 3) held.moved = true;
					if (held.moved) shift((held.x - px) / frame.plotWidth, (py - held.y) / frame.plotHeight, held.view);
				}}
				onPointerUp={(event) => {
					const held = drag.current;
					drag.current = undefined;
					if (held === undefined || held.moved) return;
					const found = find(...place(event));
					if (found !== undefined) onPick(found);
				}}
				onPointerLeave={() => setHover(undefined)}
				onDoubleClick={() => setView(WHOLE)}
			/>
			<div className="scatter-tools">
				<button
					type="button"
					onClick={() => zoom(0.7, frame.left + frame.plotWidth / 2, frame.top + frame.plotHeight / 2)}
					aria-label="Zoom in"
				>
					+
				</button>
				<button
					type="button"
					onClick={() => zoom(1.4, frame.left + frame.plotWidth / 2, frame.top + frame.plotHeight / 2)}
					aria-label="Zoom out"
				>
					−
				</button>
				<button type="button" onClick={() => setView(WHOLE)}>
					All
				</button>
			</div>
			{hover !== undefined && (
				<div
					className="tooltip"
					style={{
						left: Math.min(frame.toX(hover.x) + 12, Math.max(0, width - 260)),
						top: Math.max(0, frame.toY(hover.y) - 14),
					}}
				>
					{describe(hover)}
				</div>
			)}
		</div>
	);
}
