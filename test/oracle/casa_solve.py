"""CASA's own delays, phases, bandpass and gains of a MeasurementSet: what they cost, and tables to compare.

Run: python test/oracle/casa_solve.py MS FOLDER REFERENCE_ANTENNA (needs casatasks with its data; Caustic itself does not)
Leaves x.K, x.p, x.B, x.G in the folder and prints the seconds of each as JSON. The model is MODEL_DATA, or 1 Jy at the
phase centre without one.
"""

import json
import os
import shutil
import sys
import time

from casatasks import bandpass, gaincal

ms, folder, reference = sys.argv[1:4]
os.makedirs(folder, exist_ok=True)
tables = {kind: f"{folder}/x.{kind}" for kind in "KpBG"}
for path in tables.values():
    shutil.rmtree(path, ignore_errors=True)
common = {"vis": ms, "refant": reference, "minblperant": 4}
seconds = {}


def timed(name, task, **options):
    begun = time.time()
    task(**common, **options)
    seconds[name] = round(time.time() - begun, 2)


K, p, B, G = (tables[kind] for kind in "KpBG")
timed("K", gaincal, caltable=K, gaintype="K", solint="inf", minsnr=5)
timed("phase", gaincal, caltable=p, gaintype="G", calmode="p", solint="int", minsnr=3, gaintable=[K])
timed("B", bandpass, caltable=B, solint="inf", minsnr=5, solnorm=True, gaintable=[K, p])
timed("G", gaincal, caltable=G, gaintype="G", calmode="ap", solint="int", minsnr=3, gaintable=[K, B])
print(json.dumps({"seconds": seconds, "total": round(sum(seconds.values()), 1)}))
