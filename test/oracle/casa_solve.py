"""CASA's own solve beside: K, B, G of an MS with MODEL; times and figures."""
import sys, time, json, os, shutil
import numpy as np
from casatasks import gaincal, bandpass, applycal
from casatools import table
ms, out, ref = sys.argv[1:4]
os.makedirs(out, exist_ok=True)
for k in "KpBG": shutil.rmtree(f"{out}/x.{k}", ignore_errors=True)
t0=time.time(); T={}
def lap(n):
    global t0; T[n]=round(time.time()-t0,2); t0=time.time()
gaincal(vis=ms, caltable=f"{out}/x.K", gaintype="K", solint="inf", refant=ref, minsnr=5, minblperant=4); lap("K")
gaincal(vis=ms, caltable=f"{out}/x.p", gaintype="G", calmode="p", solint="int", refant=ref, combine="", gaintable=[f"{out}/x.K"], minsnr=3, minblperant=4); lap("phase")
bandpass(vis=ms, caltable=f"{out}/x.B", solint="inf", refant=ref, minsnr=5, minblperant=4, gaintable=[f"{out}/x.K", f"{out}/x.p"], solnorm=True); lap("B")
gaincal(vis=ms, caltable=f"{out}/x.G", gaintype="G", calmode="ap", solint="int", refant=ref, gaintable=[f"{out}/x.K", f"{out}/x.B"], minsnr=3, minblperant=4); lap("G")
print(json.dumps({"seconds": T, "total": round(sum(T.values()),1)}))
