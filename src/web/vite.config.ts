import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** The dashboard is built once into files that the service hands out; nothing is fetched from elsewhere. */
export default defineConfig({
	root: fileURLToPath(new URL(".", import.meta.url)),
	plugins: [react()],
	build: {
		outDir: fileURLToPath(new URL("../../dist/web", import.meta.url)),
		emptyOutDir: true,
		target: "es2023",
		chunkSizeWarningLimit: 700,
	},
	server: { proxy: { "/api": "http://127.0.0.1:8765", "/health": "http://127.0.0.1:8765" } },
});
