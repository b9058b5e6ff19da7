/** Written by `node bench/detect-calibration.ts`: do not edit by hand. */
export const CALIBRATION = {
	once: {
		body: [
			{
				score: 4.402,
				exceeded: 0.5,
			},
			{
				score: 6.055,
				exceeded: 0.4000595238095238,
			},
			{
				score: 7.545,
				exceeded: 0.30005952380952383,
			},
			{
				score: 9.156,
				exceeded: 0.2,
			},
			{
				score: 10.077,
				exceeded: 0.15,
			},
			{
				score: 11.245,
				exceeded: 0.1000595238095238,
			},
			{
				score: 12.605,
				exceeded: 0.05,
			},
			{
				score: 13.585,
				exceeded: 0.02,
			},
			{
				score: 13.964,
				exceeded: 0.01,
			},
			{
				score: 14.422,
				exceeded: 0.006011904761904762,
			},
			{
				score: 14.683,
				exceeded: 0.004047619047619047,
			},
			{
				score: 14.954,
				exceeded: 0.0020238095238095236,
			},
			{
				score: 15.132,
				exceeded: 0.001488095238095238,
			},
		],
		threshold: 3.8899871465083273,
		exceeded: 0.0014285714285714286,
		scale: 0.9385804715496914,
		shape: 0,
		nulls: 16800,
		highest: 45.794,
	},
	"every-epoch": {
		body: [
			{
				score: 12.023,
				exceeded: 0.5006934812760055,
			},
			{
				score: 12.672,
				exceeded: 0.40083217753120665,
			},
			{
				score: 13.333,
				exceeded: 0.30097087378640774,
			},
			{
				score: 13.751,
				exceeded: 0.20110957004160887,
			},
			{
				score: 13.932,
				exceeded: 0.15117891816920942,
			},
			{
				score: 14.244,
				exceeded: 0.10124826629680998,
			},
			{
				score: 14.823,
				exceeded: 0.05131761442441054,
			},
			{
				score: 14.99,
				exceeded: 0.020804438280166437,
			},
			{
				score: 14.999,
				exceeded: 0.011095700416088766,
			},
			{
				score: 15.132,
				exceeded: 0.0104022,
			},
		],
		threshold: 3.8899871465083273,
		exceeded: 0.0104022,
		scale: 0.9385804715496914,
		shape: 0,
		nulls: 721,
		highest: 57.77,
	},
};
