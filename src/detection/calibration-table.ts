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
				score: 12.057,
				exceeded: 0.5003076923076923,
			},
			{
				score: 12.77,
				exceeded: 0.4,
			},
			{
				score: 13.333,
				exceeded: 0.30030769230769233,
			},
			{
				score: 13.746,
				exceeded: 0.2006153846153846,
			},
			{
				score: 13.935,
				exceeded: 0.15015384615384617,
			},
			{
				score: 14.212,
				exceeded: 0.1003076923076923,
			},
			{
				score: 14.769,
				exceeded: 0.05046153846153846,
			},
			{
				score: 14.963,
				exceeded: 0.020307692307692308,
			},
			{
				score: 14.997,
				exceeded: 0.011076923076923076,
			},
			{
				score: 15.132,
				exceeded: 0.00953846,
			},
		],
		threshold: 3.8899871465083273,
		exceeded: 0.00953846,
		scale: 0.9385804715496914,
		shape: 0,
		nulls: 1625,
		highest: 57.77,
	},
};
