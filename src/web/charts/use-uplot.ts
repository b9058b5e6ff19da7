import { type RefObject, useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

/**
 * A uPlot that lives as long as its element and is as wide. It is made anew when `options` changes, so memoise it by
 * what it is made of; the part of the x axis that was zoomed to is kept.
 */
export function useUplot(
	options: Omit<uPlot.Options, "width">,
	data: uPlot.AlignedData,
): RefObject<HTMLDivElement | null> {
	const element = useRef<HTMLDivElement>(null);
	useEffect(() => {
		const host = element.current;
		if (host === null) return undefined;
		const width = () => Math.max(120, Math.floor(host.clientWidth));
		const plot = new uPlot({ ...options, width: width() }, data, host);
		const observer = new ResizeObserver(() => {
			if (plot.width !== width()) plot.setSize({ width: width(), height: options.height });
		});
		observer.observe(host);
		return () => {
			observer.disconnect();
			plot.destroy();
		};
	}, [options, data]);
	return element;
}
