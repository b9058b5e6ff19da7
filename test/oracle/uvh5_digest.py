"""Digests of what h5py reads from the UVH5 files of the shared data, brought into the MeasurementSet convention by numpy.

Run: python3 test/oracle/uvh5_digest.py SHARED_DATA > test/oracle/uvh5-digest.json
Needs h5py and numpy; Caustic itself needs neither.
"""
import glob
import hashlib
import json
import os
import sys

import h5py
import numpy as np

ROOT = os.path.join(sys.argv[1], "visibilities")
SETS = {
    "dsa-sim-tiny": "dsa-sim-tiny/*.hdf5",
    "dsa-sim-small": "dsa-sim-small/*.hdf5",
    "ata-352": "ata-3c286/*C0352*",
    "ata-544": "ata-3c286/*C0544*",
    "bda": "bda/*.uvh5",
    "hera-old": "hera/zen.2458098*.uvh5",
    "hera-int32": "hera/zen.2458432*.uvh5",
    "hera-complex128": "hera/zen.2458661*.uvh5",
}
EXCHANGED = {-7: -8, -8: -7, -3: -4, -4: -3}


def sha1(array, dtype):
    return hashlib.sha1(np.ascontiguousarray(array, dtype=dtype).tobytes()).hexdigest()


def read(path):
    with h5py.File(path) as f:
        head = f["Header"]
        vis = f["Data/visdata"][()]
        if vis.dtype.names:
            vis = vis["r"].astype("f4") + 1j * vis["i"].astype("f4")
        flags, samples = f["Data/flags"][()], f["Data/nsamples"][()]
        if vis.ndim == 4:
            vis, flags, samples = vis[:, 0], flags[:, 0], samples[:, 0]
        numbers = list(head["antenna_numbers"][()])
        index = {n: i for i, n in enumerate(numbers)}
        first = np.array([index[n] for n in head["ant_1_array"][()]])
        second = np.array([index[n] for n in head["ant_2_array"][()]])
        pols = list(head["polarization_array"][()])
        freq = head["freq_array"][()].ravel()
        times = head["time_array"][()] - 2400000.5
        uvw = head["uvw_array"][()].astype("f8")
    vis = vis.astype("c8")
    swap = first > second
    order = [pols.index(EXCHANGED.get(p, p)) for p in pols] if swap.any() else list(range(len(pols)))
    vis[~swap] = np.conj(vis[~swap])
    uvw[~swap] = -uvw[~swap]
    for array in (vis, flags, samples):
        array[swap] = array[swap][..., order]
    ascending = np.argsort(freq)
    low, high = np.minimum(first, second), np.maximum(first, second)
    return freq[ascending], vis[:, ascending], flags[:, ascending], samples[:, ascending], times, low, high, uvw


digests = {}
for name, pattern in SETS.items():
    parts = sorted((read(path) for path in glob.glob(os.path.join(ROOT, pattern))), key=lambda part: part[0][0])
    times, low, high, uvw = parts[0][4:]
    digests[name] = {
        "rows": len(times),
        "times": sha1(np.unique(times), "f8"),
        "antenna1": sha1(low, "i4"),
        "antenna2": sha1(high, "i4"),
        "uvw": sha1(uvw, "f8"),
        "frequencies": sha1(np.concatenate([part[0] for part in parts]), "f8"),
        "windows": [
            {"visibilities": sha1(vis, "c8"), "flags": sha1(flags, "u1"), "samples": sha1(samples, "f4")}
            for _, vis, flags, samples, *_ in parts
        ],
    }
json.dump(digests, sys.stdout, indent="\t")
print()
