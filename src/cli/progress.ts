/** A progress line on a terminal for long work; silent when standard error is piped. */
export interface Progress {
	/** Total may grow while the work goes on. */
	update(done: number, total: number, note?: string): void;
	end(): void;
}

export function progressOn(label: string, stream: NodeJS.WriteStream = process.stderr): Progress {
	if (!stream.isTTY) return { update: () => {}, end: () => {} };
	const begun = Date.now();
	let last = 0;
	const write = (text: string) => stream.write(`\r\u001b[2K${text}`);
	return {
		update(done, total, note = "") {
			const now = Date.now();
			if (now - last < 100 && done < total) return;
			last = now;
			const fraction = total > 0 ? Math.min(1, done / total) : 0;
			const filled = Math.round(24 * fraction);
			const elapsed = (now - begun) / 1000;
			const left = fraction > 0.02 && fraction < 1 ? ` ${Math.ceil((elapsed * (1 - fraction)) / fraction)} s left` : "";
			write(
				`${label} [${"#".repeat(filled)}${".".repeat(24 - filled)}] ${done}/${total}${left} ${note}`.slice(
					0,
					(stream.columns ?? 100) - 1,
				),
			);
		},
		end() {
			write("");
		},
	};
}
