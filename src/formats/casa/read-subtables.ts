import type { Antenna } from "../../calibration/visibility-set.ts";
import { badInput } from "../../error.ts";
import { type FieldRow, SECONDS_PER_DAY, type WindowRow } from "./subtables.ts";
import type { CasaTable } from "./table.ts";

const DEG = 180 / Math.PI;

/** The ANTENNA subtable of a MeasurementSet or calibration table; a row's number is its index. */
export function readAntennas(table: CasaTable): Antenna[] {
	try {
		const names = table.column("NAME").strings();
		const positions = table.column("POSITION");
		const diameters = table.has("DISH_DIAMETER") ? table.column("DISH_DIAMETER").numbers() : undefined;
		return names.map((name, number): Antenna => {
			const cell = positions.cell(number);
			if (cell === undefined || cell.data.length !== 3) {
				throw badInput("table-damaged", `antenna ${number} has no position of three numbers`, { subject: table.path });
			}
			const [x, y, z] = cell.data as Float64Array;
			return { name, number, positionItrfM: [x, y, z], diameterM: diameters?.[number] || Number.NaN };
		});
	} finally {
		table.close();
	}
}

/** The FIELD subtable, directions from PHASE_DIR (first term). */
export function readFields(table: CasaTable): FieldRow[] {
	try {
		const names = table.column("NAME").strings();
		const times = table.has("TIME") ? table.column("TIME").numbers() : new Float64Array(names.length);
		return names.map((name, i) => {
			const cell = table.column("PHASE_DIR").cell(i);
			if (cell === undefined || cell.data.length < 2) {
				throw badInput("table-damaged", `field ${i} has no direction`, { subject: table.path });
			}
			const [ra, dec] = cell.data as Float64Array;
			return { name, raDeg: (((ra * DEG) % 360) + 360) % 360, decDeg: dec * DEG, timeMjd: times[i] / SECONDS_PER_DAY };
		});
	} finally {
		table.close();
	}
}

/** The SPECTRAL_WINDOW subtable. */
export function readSpectralWindows(table: CasaTable): WindowRow[] {
	try {
		const names = table.column("NAME").strings();
		const references = table.column("REF_FREQUENCY").numbers();
		const cell = (column: string, row: number) => {
			const found = table.column(column).cell(row);
			if (found === undefined)
				throw badInput("table-damaged", `window ${row} has no ${column}`, { subject: table.path });
			return Float64Array.from(found.data as Float64Array);
		};
		return names.map((name, i) => ({
			name,
			frequenciesHz: cell("CHAN_FREQ", i),
			channelWidthsHz: cell("CHAN_WIDTH", i),
			referenceFrequencyHz: references[i],
		}));
	} finally {
		table.close();
	}
}
