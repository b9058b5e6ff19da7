/** The module of loops that `tools/build-kernels.ts` has compiled: base64 text of a WebAssembly binary. */
export const compileLoops = (binary: string): WebAssembly.Module =>
	new WebAssembly.Module(Uint8Array.from(atob(binary), (char) => char.charCodeAt(0)));
