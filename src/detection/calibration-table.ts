/** Written by `node bench/detect-calibration.ts`: do not edit by hand. */
export const CALIBRATION = {
	once: {
		body: [
			{
				score: 7.64,
				exceeded: 0.5003174603174603,
			},
			{
				score: 8.7,
				exceeded: 0.40015873015873016,
			},
			{
				score: 9.721,
				exceeded: 0.3,
			},
			{
				score: 11.063,
				exceeded: 0.2,
			},
			{
				score: 14.986,
				exceeded: 0.15,
			},
			{
				score: 15,
				exceeded: 0.14984126984126983,
			},
		],
		threshold: 3.872983346207417,
		exceeded: 0.006031746031746032,
		scale: 0.9588732534595478,
		shape: 0.09000000000000002,
		nulls: 6300,
		highest: 110.361,
	},
	"every-epoch": {
		body: [
			{
				score: 7.64,
				exceeded: 1,
			},
			{
				score: 8.7,
				exceeded: 1,
			},
			{
				score: 9.721,
				exceeded: 0.803571,
			},
			{
				score: 11.063,
				exceeded: 0.535714,
			},
			{
				score: 14.986,
				exceeded: 0.401786,
			},
			{
				score: 15,
				exceeded: 0.401361,
			},
		],
		threshold: 3.872983346207417,
		exceeded: 0.0161565,
		scale: 0.9588732534595478,
		shape: 0.09000000000000002,
		nulls: 280,
		highest: 59.018,
	},
};
