import { type MessagePort, parentPort } from "node:worker_threads";
import { type DelayProblem, solveDelays } from "../../calibration/delay.ts";
import { type LoadedWindow, type LoadOptions, loadWindow } from "../../calibration/load-window.ts";
import { type Referrer, referrerOf, type WindowModel } from "../../calibration/refer-samples.ts";
import type { VisibilitySet } from "../../calibration/visibility-set.ts";
import { type WindowAnswers, WindowProcessor, type WindowRequest } from "../../calibration/window-processor.ts";
import { CausticError } from "../../error.ts";
import { openVisibilities } from "../../formats/open-visibilities.ts";
import type { WindowSource } from "./window-pool.ts";

/** What the parent may ask. Answers carry the same id. */
export type WorkerRequest =
	| { id: number; kind: "open"; source: WindowSource }
	| { id: number; kind: "load"; window: number }
	| { id: number; kind: "ask"; window: number; request: WindowRequest }
	| { id: number; kind: "delays"; problem: DelayProblem };

export type WorkerReply =
	| { id: number; answer: unknown; transfer?: undefined }
	| {
			id: number;
			error: { code: string; message: string; subject?: string; remedy?: string; blame?: string; stack?: string };
	  };

/** The windows of one worker: loaded when first asked for, kept or read anew for every pass. */
class WindowHolder {
	private readonly source: WindowSource;
	private whole: VisibilitySet | undefined;
	private readonly kept = new Map<number, WindowProcessor>();
	private readonly flags = new Map<number, Uint8Array>();

	constructor(source: WindowSource) {
		this.source = source;
	}

	/**
	 * One window's samples. Where each window is a file of its own only that one is opened, provided that it describes the
	 * same rows as the whole.
	 */
	private async read(window: number, options: LoadOptions): Promise<LoadedWindow> {
		const { selection, files, paths } = this.source;
		const file = files?.[window];
		if (file !== undefined) {
			const set = openVisibilities([file.path]);
			try {
				const same =
					set.spectralWindows.length === 1 &&
					set.frequenciesHz[0] === file.firstHz &&
					set.baselines.antenna1.length === selection.baselineOf.length &&
					set.timesMjd.length >= selection.timeOf.findLastIndex((t) => t >= 0) + 1 &&
					set.timesMjd[0] === file.firstMjd;
				if (same) return await loadWindow(set, 0, selection, options);
			} finally {
				set.close();
			}
		}
		this.whole ??= openVisibilities(paths);
		return loadWindow(this.whole, window, selection, options);
	}

	async processor(window: number): Promise<WindowProcessor> {
		const kept = this.kept.get(window);
		if (kept !== undefined) return kept;
		const { selection, models } = this.source;
		const own = models[window];
		const { column } = this.source;
		const model: WindowModel =
			own === "column"
				? { kind: "column", visibilities: (await this.read(window, { column: "model" })).data.visibilities }
				: { kind: "sources", sources: own };
		let referrer: Referrer | undefined;
		const { data, shown } = await this.read(window, {
			column,
			onRows: (grid) => {
				referrer = referrerOf(grid, model);
				return referrer.rows;
			},
		});
		referrer ??= referrerOf(data, model);
		referrer.rows(shown, data.nTimes * data.nBaselines);
		// Flags found by earlier passes outlive the samples.
		const flags = this.flags.get(window);
		if (flags !== undefined) data.flags.set(flags);
		else this.flags.set(window, data.flags);
		const referred = { data, amplitudes: referrer.amplitudes };
		const processor = new WindowProcessor(referred, selection.array);
		if (this.source.keep) this.kept.set(window, processor);
		return processor;
	}

	async ask(window: number, request: WindowRequest): Promise<WindowAnswers[WindowRequest["kind"]]> {
		const processor = await this.processor(window);
		const answer = processor.answer(request);
		if (!this.source.keep) this.flags.set(window, processor.data.flags);
		return answer;
	}
}

/** Buffers of the arrays of an answer, for handing over instead of copying. */
const buffersOf = (value: unknown): ArrayBuffer[] =>
	value !== null && typeof value === "object"
		? Object.values(value)
				.flat()
				.flatMap((field) => (ArrayBuffer.isView(field) && field.buffer instanceof ArrayBuffer ? [field.buffer] : []))
		: [];

function serve(port: MessagePort): void {
	let holder: WindowHolder | undefined;
	port.on("message", (message: WorkerRequest) => {
		const work = async (): Promise<unknown> => {
			if (message.kind === "open") {
				holder = new WindowHolder(message.source);
				return undefined;
			}
			if (message.kind === "delays") return solveDelays(message.problem);
			if (holder === undefined) throw new Error("a window was asked for before the set was opened");
			if (message.kind === "load") {
				await holder.processor(message.window);
				return undefined;
			}
			return holder.ask(message.window, message.request);
		};
		work().then(
			(answer) => port.postMessage({ id: message.id, answer } satisfies WorkerReply, [...new Set(buffersOf(answer))]),
			(error: unknown) => {
				const known = error instanceof CausticError;
				port.postMessage({
					id: message.id,
					error: {
						code: known ? error.code : "defect",
						message: error instanceof Error ? error.message : String(error),
						...(known && error.subject !== undefined ? { subject: error.subject } : {}),
						...(known && error.remedy !== undefined ? { remedy: error.remedy } : {}),
						...(known ? { blame: error.blame } : {}),
						...(error instanceof Error && error.stack !== undefined ? { stack: error.stack } : {}),
					},
				} satisfies WorkerReply);
			},
		);
	});
}

if (parentPort !== null) serve(parentPort);
