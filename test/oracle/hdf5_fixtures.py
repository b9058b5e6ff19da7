"""Small HDF5 files in every storage variant that h5py and hdf5plugin write; values follow from the index.

Run: python3 test/oracle/hdf5_fixtures.py test/fixtures/hdf5
Needs h5py, hdf5plugin and numpy; Caustic itself needs none of them.
"""
import os
import sys

import h5py
import hdf5plugin
import numpy as np

folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)


def ramp(shape, dtype, modulus=251):
    return (np.arange(np.prod(shape)) % modulus).reshape(shape).astype(dtype)


shape = (37, 1, 10, 2)
z = ramp(shape, "f4") - 0.5j * ramp(shape, "f4")
chunk = (16, 1, 4, 1)
for version in ["earliest", "v108", "v110", "latest"]:
    bounds = "latest" if version == "latest" else (version, "latest")
    with h5py.File(os.path.join(folder, f"{version}.h5"), "w", libver=bounds) as f:
        for i in range(40):
            f[f"many/name_{i:03d}"] = i
        f["fixed"] = np.array([b"one", b"three", b""], dtype="S5")
        f.create_dataset("variable", data=["", "naïve", "long " * 20], dtype=h5py.string_dtype())
        f["link"] = h5py.SoftLink("/chunked")
        f["scalar"] = True
        f.create_dataset("contiguous", data=z)
        f.create_dataset("chunked", data=z, chunks=chunk)
        f.create_dataset("deflate", data=z, chunks=chunk, compression="gzip", shuffle=True)
        f.create_dataset("fletcher", data=ramp(shape, "f4"), chunks=chunk, fletcher32=True)
        f.create_dataset("lzf", data=ramp(shape, "f4", 3), chunks=chunk, compression="lzf")
        f.create_dataset("lzf_noise", data=ramp(shape, "f8") * np.pi, chunks=chunk, compression="lzf")
        f.create_dataset("lzf_flags", data=ramp(shape, "i4", 3) == 0, chunks=chunk, compression="lzf")
        f.create_dataset("single", data=z, chunks=shape, compression="gzip")
        f.create_dataset("unlimited", data=ramp((50, 7), "i4"), maxshape=(None, 7), chunks=(3, 4), compression="lzf")
        f.create_dataset("unlimited_second", data=ramp((6, 90), "f4"), maxshape=(6, None), chunks=(4, 1))
        f.create_dataset("unlimited_both", data=ramp((20, 30), "i2"), maxshape=(None, None), chunks=(3, 2))
        f.create_dataset("roomy", data=ramp((20, 30), "u1"), maxshape=(40, 77), chunks=(3, 8), compression="gzip")
        f.create_dataset("many_chunks", data=ramp((2600,), "u1"), chunks=(2,))
        sparse = f.create_dataset("sparse", shape=(60, 8), chunks=(8, 4), dtype="f8", fillvalue=7.5)
        sparse[9:12, 3:6] = 1
        f["big_endian"] = ramp((9,), ">f4")
        f["negative"] = -ramp((9,), "i8")
        f["int32_pairs"] = np.array([(1, -2), (3, 4)], dtype=[("r", "<i4"), ("i", "<i4")])

plugins = {
    "bitshuffle": hdf5plugin.Bitshuffle(),
    "bitshuffle_plain": hdf5plugin.Bitshuffle(cname="none"),
    "bitshuffle_zstd": hdf5plugin.Bitshuffle(cname="zstd"),
    "bitshuffle_small_blocks": hdf5plugin.Bitshuffle(nelems=64),
    "lz4": hdf5plugin.LZ4(),
    "zstd": hdf5plugin.Zstd(),
    "blosc": hdf5plugin.Blosc(),
}
with h5py.File(os.path.join(folder, "plugins.h5"), "w") as f:
    for name, options in plugins.items():
        f.create_dataset(name, data=ramp((1003, 3), "f4", 17) - 3j * ramp((1003, 3), "f4", 5), chunks=(301, 2), **options)
        f.create_dataset(f"{name}_i2", data=ramp((501,), "i2", 30), chunks=(100,), **options)
