import type { SamplePlace } from "../../calibration/visibility-set.ts";
import { openForReading, type RandomAccess } from "../random-access.ts";
import type { ChannelRun } from "./channel-windows.ts";
import { type PortableUvh5Data, Uvh5Data } from "./data-reader.ts";
import { type PlacedSamples, type RowOrientation, readPlaced } from "./placed-rows.ts";

/** What a thread must be told to read windows of a set, without reading any header again. Can be cloned. */
export interface PortableWindows {
	files: { path: string; data: PortableUvh5Data }[];
	/** Per window: index into `files`, and its channels. */
	windows: { file: number; run: ChannelRun }[];
	orientation: RowOrientation;
}

/** Samples of windows of a set that another thread has opened. */
export class WindowReader {
	private readonly sources: RandomAccess[] = [];
	private readonly data: Uvh5Data[];
	private readonly windows: PortableWindows["windows"];
	private readonly orientation: RowOrientation;

	constructor({ files, windows, orientation }: PortableWindows) {
		this.windows = windows;
		this.orientation = orientation;
		try {
			this.data = files.map(({ path, data }) => {
				const source = openForReading(path);
				this.sources.push(source);
				return Uvh5Data.restore(source, data);
			});
		} catch (error) {
			this.close();
			throw error;
		}
	}

	/** Samples of rows [first, first + count) of a window to rows [to, ...) of a place, in our convention. */
	readRows(window: number, first: number, count: number, place: SamplePlace, to: number): PlacedSamples {
		const { file, run } = this.windows[window];
		const { descending } = run;
		const box = { row: first, rows: count, channel: run.first, channels: run.count, descending };
		return readPlaced(this.data[file], box, place, to, this.orientation);
	}

	close(): void {
		for (const source of this.sources) source.close();
	}
}
