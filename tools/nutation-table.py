"""Writes src/sky/data/nutation-2000b.ts: the luni-solar series of the nutation model IAU 2000B (McCarthy & Luzum 2003,
Celest. Mech. Dyn. Astron. 85, 37), whose 77 combinations of the Delaunay arguments are listed here; their amplitudes are
recovered by least squares from pyerfa's evaluation of the model.

Each term has six amplitudes that are whole numbers of 0.1 microarcsecond, so that the fit returns them exactly; the
script stops if any is not a whole number or if the recovered series differs from pyerfa by more than 1e-14 rad. Needs
numpy and pyerfa:

    python3 tools/nutation-table.py > src/sky/data/nutation-2000b.ts
"""

import sys

import erfa
import numpy as np

UNIT = np.pi / 648000 * 1e-7
# Linear fundamental arguments of the model, arcseconds and arcseconds per century, Simon et al. 1994: l, l', F, D, Omega.
ARGUMENTS = np.array(
    [
        [485868.249036, 1717915923.2178],
        [1287104.79305, 129596581.0481],
        [335779.526232, 1739527262.8478],
        [1072260.70369, 1602961601.2090],
        [450160.398036, -6962890.5431],
    ]
)
# Fixed offsets in lieu of planetary terms, milliarcseconds.
OFFSET = np.array([-0.135, 0.388]) * np.pi / 648000 / 1000
# Multiples of l, l', F, D and Omega.
TERMS = """
0 0 0 0 1   0 0 2 -2 2   0 0 2 0 2   0 0 0 0 2   0 1 0 0 0   0 1 2 -2 2   1 0 0 0 0   0 0 2 0 1   1 0 2 0 2   0 -1 2 -2 2
0 0 2 -2 1  -1 0 2 0 2  -1 0 0 2 0   1 0 0 0 1  -1 0 0 0 1  -1 0 2 2 2   1 0 2 0 1  -2 0 2 0 1   0 0 0 2 0   0 0 2 2 2
0 -2 2 -2 2 -2 0 0 2 0   2 0 2 0 2   1 0 2 -2 2 -1 0 2 0 1   2 0 0 0 0   0 0 2 0 0   0 1 0 0 1  -1 0 0 2 1   0 2 2 -2 2
0 0 -2 2 0   1 0 0 -2 1  0 -1 0 0 1 -1 0 2 2 1   0 2 0 0 0   1 0 2 2 2  -2 0 2 0 0   0 1 2 0 2   0 0 2 2 1   0 -1 2 0 2
0 0 0 2 1    1 0 2 -2 1  2 0 2 -2 2 -2 0 0 2 1   2 0 2 0 1   0 -1 2 -2 1 0 0 0 -2 1 -1 -1 0 2 0  2 0 0 -2 1  1 0 0 2 0
0 1 2 -2 1   1 -1 0 0 0 -2 0 2 0 2   3 0 2 0 2   0 -1 0 2 0  1 -1 2 0 2  0 0 0 1 0  -1 -1 2 2 2 -1 0 2 0 0   0 -1 2 2 2
-2 0 0 0 1   1 1 2 0 2   2 0 0 0 1  -1 1 0 1 0   1 1 0 0 0   1 0 2 0 0  -1 0 2 -2 1  1 0 0 0 2  -1 0 0 1 0   0 0 2 1 2
-1 0 2 4 2  -1 1 0 1 1   0 -2 2 -2 1  1 0 2 2 1 -2 0 2 2 2  -1 0 0 0 2   1 1 2 -2 2
"""


def main():
    terms = np.array(TERMS.split(), dtype=int).reshape(-1, 5)
    days = np.random.default_rng(1).uniform(-365250, 365250, 8000)
    t = days / 36525
    dpsi, deps = erfa.nut00b(2451545.0, days)
    phase = (terms @ (((ARGUMENTS[:, :1] + ARGUMENTS[:, 1:] * t) % 1296000) * np.pi / 648000)).T
    sin, cos = np.sin(phase), np.cos(phase)
    longitude = np.hstack([sin, sin * t[:, None], cos])
    obliquity = np.hstack([cos, cos * t[:, None], sin])
    fit = np.vstack(
        [
            np.linalg.lstsq(longitude, (dpsi - OFFSET[0]) / UNIT, rcond=None)[0].reshape(3, -1),
            np.linalg.lstsq(obliquity, (deps - OFFSET[1]) / UNIT, rcond=None)[0].reshape(3, -1),
        ]
    )
    whole = np.round(fit)
    departure = np.abs(fit - whole).max()
    difference = max(
        np.abs(longitude @ whole[:3].ravel() * UNIT + OFFSET[0] - dpsi).max(),
        np.abs(obliquity @ whole[3:].ravel() * UNIT + OFFSET[1] - deps).max(),
    )
    sys.stderr.write(f"{len(terms)} terms, {departure:.2g} from whole numbers, {difference:.2g} rad from pyerfa\n")
    if departure > 0.05 or difference > 1e-14:
        sys.exit("the list of combinations does not describe the model")
    print("// Written by tools/nutation-table.py. Luni-solar terms of IAU 2000B, McCarthy & Luzum 2003.")
    print()
    print("/**")
    print(" * Multiples of l, l', F, D and Omega; then, in 0.1 microarcsecond, the nutation in longitude as sin, t sin and cos")
    print(" * of the argument, and in obliquity as cos, t cos and sin; t in Julian centuries.")
    print(" */")
    print("export const NUTATION_2000B: readonly (readonly number[])[] = [")
    for term, row in zip(terms, whole.T):
        print(f"\t[{', '.join(str(int(v)) for v in (*term, *row))}],")
    print("];")


main()
