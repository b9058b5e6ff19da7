/** Written by `node bench/detect-calibration.ts`: do not edit by hand. */
export const CALIBRATION = {
	once: {
		body: [
			{
				score: 8.399,
				exceeded: 0.5006802721088436,
			},
			{
				score: 9.212,
				exceeded: 0.4,
			},
			{
				score: 10.138,
				exceeded: 0.3,
			},
			{
				score: 15,
				exceeded: 0.21224489795918366,
			},
		],
		threshold: 3.872983346207417,
		exceeded: 0.008843537414965987,
		scale: 0.9328960348855327,
		shape: 0.010000000000000031,
		nulls: 1470,
		highest: 53.708,
	},
};
