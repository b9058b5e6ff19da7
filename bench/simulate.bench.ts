/**
 * Drawing the example survey, and correlated noise by itself beside numpy and scipy (FFT of white noise, one filter).
 */
import { spawnSync } from "node:child_process";
import { CorrelatedNoise } from "../src/simulation/correlated-noise.ts";
import { Random } from "../src/simulation/random.ts";
import { planSurvey } from "../src/simulation/survey.ts";
import { SurveyPainter } from "../src/simulation/survey-image.ts";
import { EXAMPLE_SURVEY } from "../src/simulation/survey-options.ts";
import { pixelKernel } from "../src/sky/beam.ts";
import { pythonWith } from "../test/oracle/python.ts";

const PEER = `
import time
import numpy as np
from scipy import fft
rng = np.random.default_rng(1)
f = fft.fftfreq(512)
u, v = np.meshgrid(f, f)
amplitude = np.exp(-np.pi**2 * 2 * (u**2 + v**2) * 5)
best = 1e9
for _ in range(5):
    s = time.perf_counter()
    for _ in range(10):
        white = rng.normal(size=(512, 512)) + 1j * rng.normal(size=(512, 512))
        noise = fft.ifft2(white * amplitude, workers=1)
    best = min(best, (time.perf_counter() - s) / 20)
print(best * 1e3)
`;

const survey = planSurvey(EXAMPLE_SURVEY);
const painter = new SurveyPainter(survey);
let begun = performance.now();
let images = 0;
for (let first = 0; first < survey.epochs.length; first += 2) {
	for (let band = 0; band < survey.subbands.length; band++) images += painter.paint(first, band).length;
}
const seconds = (performance.now() - begun) / 1000;
console.log(
	`example survey: ${images} images of 512 x 512 in ${seconds.toFixed(2)} s, ${((seconds / images) * 1000).toFixed(1)} ms each`,
);

const jacobian = { eastPerX: -1, eastPerY: 0, northPerX: 0, northPerY: 1 };
const noise = new CorrelatedNoise(512, 512, pixelKernel({ majorDeg: 5.3, minorDeg: 5.3, paDeg: 0 }, jacobian), "beam");
const planes = [new Float64Array(512 * 512), new Float64Array(512 * 512)];
let best = Infinity;
for (let i = 0; i < 12; i++) {
	begun = performance.now();
	noise.draw(new Random(i), planes[0], planes[1]);
	best = Math.min(best, (performance.now() - begun) / 2);
}
const python = pythonWith("numpy", "scipy");
const peer = python === undefined ? Number.NaN : Number(spawnSync(python, ["-c", PEER], { encoding: "utf8" }).stdout);
const beside = Number.isNaN(peer)
	? "scipy absent"
	: `numpy and scipy ${peer.toFixed(1)} ms, ratio ${(peer / best).toFixed(1)}`;
console.log(`correlated noise, 512 x 512: ${best.toFixed(1)} ms a plane; ${beside}`);
