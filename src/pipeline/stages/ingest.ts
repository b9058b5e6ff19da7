import { badInput, type CausticError } from "../../error.ts";
import { type FitsImage, readFitsImage } from "../../formats/fits/image.ts";
import * as metrics from "../../observability/metrics.ts";
import type { Transaction } from "../../store/database.ts";
import { addDeadLetter, resolveDeadLetters } from "../../store/dead-letters.ts";
import { publish } from "../../store/events.ts";
import { takeIds } from "../../store/ids.ts";
import {
	addRunImages,
	bandRows,
	epochRows,
	fieldRows,
	type InputFile,
	imagesByHash,
	imagesMeasured,
	insertImage,
	knownInputs,
	recordInputs,
} from "../../store/images.ts";
import type { Run } from "../../store/runs.ts";
import { unreadable } from "../ingest/content-hash.ts";
import { discoverFiles, type ImageFiles, sortFiles } from "../ingest/discover.ts";
import { bandOf, designation, epochOf, fieldOf } from "../ingest/grouping.ts";
import type { Stage, StageContext, StageResult } from "../stage.ts";

interface Described {
	files: ImageFiles;
	hash: string;
	image: FitsImage;
	raDeg: number;
	decDeg: number;
	radiusDeg: number;
}

interface Rejected {
	files: ImageFiles;
	hash: string | null;
	error: CausticError;
}

/** What an image must say of itself before its light curves mean anything. */
function requireMeaning(path: string, image: FitsImage): void {
	if (image.beam === undefined) {
		throw badInput("no-beam", "the header has no restoring beam", {
			subject: path,
			remedy: "Add BMAJ, BMIN and BPA in degrees",
		});
	}
	if (image.time === undefined) {
		throw badInput("no-time", image.timeProblem ?? "the header has no observation time", {
			subject: path,
			remedy: "Add DATE-OBS with the start and EXPTIME, or MJD-AVG",
		});
	}
	if (image.frequencyHz === undefined) {
		throw badInput("no-frequency", "the header has no frequency", {
			subject: path,
			remedy: "Add a FREQ axis or RESTFRQ in Hz",
		});
	}
}

async function describe(files: ImageFiles): Promise<Omit<Described, "hash">> {
	const { path } = files.image;
	const image = await readFitsImage(path, { rows: [0, 1] });
	requireMeaning(path, image);
	// The last row is there only if all of it is: a file that was cut off is found here and not in the middle of a run.
	await readFitsImage(path, { rows: [image.imageHeight - 1, image.imageHeight] });
	const { width } = image.plane;
	const [raDeg, decDeg] = image.wcs.pixelToIcrs((width - 1) / 2, (image.imageHeight - 1) / 2);
	const { eastPerX, eastPerY, northPerX, northPerY } = image.wcs.referenceJacobian;
	const radiusDeg =
		Math.hypot(eastPerX * width, northPerX * width) / 2 +
		Math.hypot(eastPerY * image.imageHeight, northPerY * image.imageHeight) / 2;
	return { files, image, raDeg, decDeg, radiusDeg };
}

/** Looks at every file below the run's paths: images are described and registered, the rest is named and accounted for. */
export const ingest: Stage = {
	name: "ingest",
	after: [],
	enabled: () => true,
	units: async () => ["files"],
	onFailure: "abort",

	async execute({ database, config, configurationHash, pixels, signal }: StageContext, run: Run): Promise<StageResult> {
		const sorted = sortFiles(discoverFiles(run.inputs.paths), {
			noise: config.images.noise_patterns,
			background: config.images.background_patterns,
			ignore: config.images.ignore_patterns,
		});
		const known = await knownInputs(
			database,
			sorted.images.map(({ image }) => image.path),
		);
		const described: Described[] = [];
		const rejected: Rejected[] = [];
		const seen = new Map<string, string>();
		const ignored = sorted.ignored.map(({ file, reason }) => ({ file, reason }));
		// Files are hashed by all threads at once; those that are known by size and time need none.
		const hashes = sorted.images.map(async ({ image: { path, sizeBytes, modifiedMs } }) => {
			const before = known.get(path);
			const isKnown = before?.size_bytes === sizeBytes && before.modified_ms === modifiedMs;
			const hash = isKnown ? before.content_hash : null;
			metrics.countCacheRequest("hashes", hash !== null);
			return hash ?? pixels.hash(path);
		});
		for (const one of hashes) one.catch(() => {});
		for (const [number, files] of sorted.images.entries()) {
			signal.throwIfAborted();
			const { path } = files.image;
			let hash: string | null = null;
			try {
				hash = await hashes[number];
				const twin = seen.get(hash);
				if (twin !== undefined) {
					ignored.push({ file: files.image, reason: `the same bytes as ${twin}` });
					continue;
				}
				seen.set(hash, path);
				described.push({ ...(await describe(files)), hash });
			} catch (error) {
				rejected.push({ files, hash, error: unreadable(error, path) });
			}
		}
		described.sort((a, b) => byObservation(a.image, b.image) || (a.hash < b.hash ? -1 : 1));
		if (described.length === 0 && rejected.length === 0) {
			throw badInput("no-images", "no FITS image was found", {
				subject: run.inputs.paths.join(", "),
				remedy: "Give FITS files or folders that hold some",
			});
		}
		let fresh = 0;
		const output = {
			images: described.length,
			new_images: 0,
			maps: sorted.maps.length,
			ignored: ignored.length,
			rejected: rejected.length,
		};
		return {
			output,
			async store(tx) {
				const ids = await imagesByHash(
					tx,
					described.map(({ hash }) => hash),
				);
				const register = await registrar(tx, described, config);
				for (const item of described) {
					if (ids.has(item.hash)) continue;
					ids.set(item.hash, await register(item));
					fresh += 1;
				}
				const all = described.map(({ hash }) => ids.get(hash) as number);
				const measured = await imagesMeasured(tx, all, configurationHash);
				metrics.countCacheRequest("images", true, measured.size);
				metrics.countCacheRequest("images", false, all.length - measured.size);
				await addRunImages(
					tx,
					run.id,
					all.filter((id) => !measured.has(id)),
				);
				await recordInputs(tx, inputRecords(described, rejected, sorted.maps, ignored));
				for (const { files, error } of rejected) {
					await addDeadLetter(tx, {
						runId: run.id,
						stage: "ingest",
						unit: "files",
						subject: files.image.path,
						code: error.code,
						reason: error.toString(),
						remedy: error.remedy,
						payload: { paths: [files.image.path] },
					});
					await publish(tx, "ImageRejected", {
						source: "stage/ingest",
						subject: files.image.path,
						data: { code: error.code, reason: error.message },
					});
				}
				await resolveDeadLetters(
					tx,
					"ingest",
					described.map(({ files }) => files.image.path),
					"read without error since",
				);
				await tx.execute(
					"count new images",
					"UPDATE stage_run SET output = output || $2 WHERE run_id = $1 AND stage = 'ingest'",
					[run.id, JSON.stringify({ new_images: fresh })],
				);
				metrics.images.inc({ status: "stored" }, fresh);
				metrics.images.inc({ status: "known" }, described.length - fresh);
				metrics.images.inc({ status: "rejected" }, rejected.length);
			},
		};
	},
};

function byObservation(a: FitsImage, b: FitsImage): number {
	return (a.time?.mjd ?? 0) - (b.time?.mjd ?? 0) || (a.frequencyHz ?? 0) - (b.frequencyHz ?? 0);
}

/** Registers images one after another: each may found a field, a subband or an epoch that the next belongs to. */
async function registrar(tx: Transaction, described: Described[], config: StageContext["config"]) {
	const { epoch_window_s, field_separation_fraction, band_tolerance } = config.images;
	const times = described.map(({ image }) => image.time?.mjd ?? 0);
	const margin = epoch_window_s / 86400;
	const fields = await fieldRows(tx);
	const bands = await bandRows(tx);
	const epochs = await epochRows(tx, Math.min(...times) - margin, Math.max(...times) + margin);
	return async ({ files, hash, image, raDeg, decDeg, radiusDeg }: Described): Promise<number> => {
		const frequencyHz = image.frequencyHz as number;
		const { mjd, durationS, source: timeSource } = image.time as NonNullable<FitsImage["time"]>;
		const placed = { raDeg, decDeg, radiusDeg, frequencyHz, bandwidthHz: image.bandwidthHz, mjd };
		let field = fieldOf(fields, placed, field_separation_fraction);
		if (field === undefined) {
			const id = await takeIds(tx, "field", 1);
			const name = fields.some((other) => other.name === designation(raDeg, decDeg))
				? `${designation(raDeg, decDeg)}-${id}`
				: designation(raDeg, decDeg);
			field = { id, name, raDeg, decDeg, radiusDeg };
			fields.push(field);
			await tx.execute(
				"insert field",
				"INSERT INTO field (id, name, ra_deg, dec_deg, radius_deg) VALUES ($1, $2, $3, $4, $5)",
				[id, name, raDeg, decDeg, radiusDeg],
			);
		}
		let band = bandOf(bands, frequencyHz, band_tolerance);
		if (band === undefined) {
			band = { id: await takeIds(tx, "band", 1), frequencyHz, bandwidthHz: image.bandwidthHz ?? null };
			bands.push(band);
			await tx.execute("insert band", "INSERT INTO band (id, frequency_hz, bandwidth_hz) VALUES ($1, $2, $3)", [
				band.id,
				frequencyHz,
				band.bandwidthHz,
			]);
		}
		let epoch = epochOf(epochs, field.id, mjd, epoch_window_s);
		if (epoch === undefined) {
			epoch = { id: await takeIds(tx, "epoch", 1), fieldId: field.id, mjd };
			epochs.push(epoch);
			await tx.execute("insert epoch", "INSERT INTO epoch (id, field_id, mjd) VALUES ($1, $2, $3)", [
				epoch.id,
				field.id,
				mjd,
			]);
		}
		const id = await takeIds(tx, "image", 1);
		const beam = image.beam as NonNullable<FitsImage["beam"]>;
		await insertImage(tx, id, {
			content_hash: hash,
			path: files.image.path,
			noise_path: files.noise?.path ?? null,
			background_path: files.background?.path ?? null,
			field_id: field.id,
			epoch_id: epoch.id,
			band_id: band.id,
			mjd,
			duration_s: durationS ?? null,
			time_source: timeSource,
			frequency_hz: frequencyHz,
			bandwidth_hz: image.bandwidthHz ?? null,
			stokes: image.stokes ?? null,
			beam_major_deg: beam.majorDeg,
			beam_minor_deg: beam.minorDeg,
			beam_pa_deg: beam.paDeg,
			width: image.plane.width,
			height: image.imageHeight,
			ra_deg: raDeg,
			dec_deg: decDeg,
			radius_deg: radiusDeg,
		});
		await publish(tx, "ImageIngested", {
			source: "stage/ingest",
			subject: files.image.path,
			data: { image: id, mjd, frequency_hz: frequencyHz, field: field.name },
		});
		return id;
	};
}

function inputRecords(
	described: Described[],
	rejected: Rejected[],
	maps: { file: { path: string; sizeBytes: number; modifiedMs: number }; kind: "noise" | "background" }[],
	ignored: { file: { path: string; sizeBytes: number; modifiedMs: number }; reason: string }[],
): InputFile[] {
	const record = (
		file: { path: string; sizeBytes: number; modifiedMs: number },
		kind: InputFile["kind"],
		hash: string | null,
		reason: string | null,
	): InputFile => ({
		path: file.path,
		size_bytes: file.sizeBytes,
		modified_ms: file.modifiedMs,
		content_hash: hash,
		kind,
		reason,
	});
	return [
		...described.map(({ files, hash }) => record(files.image, "image", hash, null)),
		...rejected.map(({ files, hash, error }) => record(files.image, "rejected", hash, error.toString())),
		...maps.map(({ file, kind }) => record(file, kind, null, null)),
		...ignored.map(({ file, reason }) => record(file, "ignored", null, reason)),
	];
}
