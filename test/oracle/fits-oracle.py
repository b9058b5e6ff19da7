"""What astropy makes of FITS images, for comparison.

Input on standard input: {"make": folder} writes images of every kind there, {"compress": folder} tile-compressed ones
(RICE, GZIP; integers, floats, dithered or not); {"read": [paths]} opens them strictly.
Output: one description per image: {"path", "shape", "sum", "nan", "first", "cards"}; sums are of float64 values.
"""

import json
import os
import sys
import warnings

import numpy as np
from astropy.io import fits

SKY = {
    "BUNIT": "Jy/beam", "CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CRVAL1": 150.0, "CRVAL2": -30.0,
    "CRPIX1": 30.0, "CRPIX2": 20.0, "CDELT1": -0.001, "CDELT2": 0.001, "BMAJ": 0.004, "BMIN": 0.003, "BPA": 30.0,
}


def describe(path):
    # astropy scales 16-bit integers in single precision: scale here, in double.
    with fits.open(path, do_not_scale_image_data=True) as hdus:
        hdus.verify("exception")
        hdu = next(h for h in hdus if h.data is not None and h.is_image)
        stored, head = hdu.data, hdu.header
        data = np.asarray(stored, dtype=np.float64) * head.get("BSCALE", 1) + head.get("BZERO", 0)
        if stored.dtype.kind in "iu" and "BLANK" in head:
            data[stored == head["BLANK"]] = np.nan
        cards = {k: v for k, v in hdu.header.items() if isinstance(v, (str, int, float, bool)) and k not in ("", "COMMENT", "HISTORY")}
        return {
            "path": path,
            "shape": list(data.shape[::-1]),
            "sum": float(np.nansum(data)),
            "nan": int(np.isnan(data).sum()),
            "first": [None if np.isnan(v) else float(v) for v in data.ravel()[:64]],
            "cards": cards,
        }


def save(folder, name, data, **more):
    header = fits.Header()
    for key, value in {**SKY, **more}.items():
        header[key] = value
    path = os.path.join(folder, name)
    fits.PrimaryHDU(data, header).writeto(path, overwrite=True)
    return path


def make(folder):
    rng = np.random.default_rng(5)
    paths = []
    for kind in ("u1", "i2", "i4", "i8", "f4", "f8", "u2", "u4", "i1"):
        if kind[0] == "f":
            data = rng.normal(size=(41, 57)).astype(kind)
            data[3, 5:9] = np.nan
        else:
            info = np.iinfo(kind)
            data = rng.integers(max(info.min, -(2**52)), min(info.max, 2**52), size=(41, 57)).astype(kind)
        paths.append(save(folder, f"plain-{kind}.fits", data))
    data = rng.normal(size=(41, 57)).astype("f8")
    hdu = fits.PrimaryHDU(data.copy(), fits.Header(SKY))
    hdu.scale("int16", bscale=1e-4, bzero=0.25)
    hdu.writeto(os.path.join(folder, "scaled.fits"), overwrite=True)
    paths.append(os.path.join(folder, "scaled.fits"))
    paths.append(save(folder, "packed.fits.gz", data, LONG="x" * 150 + "'quoted'" + "y" * 50))
    return paths


def describe_compressed(path):
    with fits.open(path) as hdus:
        hdus.verify("exception")
        data = np.asarray(hdus[1].data, dtype=np.float64)
        return {
            "path": path,
            "shape": list(data.shape[::-1]),
            "sum": float(np.nansum(data)),
            "nan": int(np.isnan(data).sum()),
            "first": [None if np.isnan(v) else float(v) for v in data.ravel()],
            "cards": {k: hdus[1].header[k] for k in ("CTYPE1", "BMAJ", "BUNIT")},
        }


def compress(folder):
    rng = np.random.default_rng(9)
    noise = rng.normal(size=(53, 47))
    noise[11, 13] = 0.0
    floats = noise.astype("f4")
    floats[3, 5:9] = np.nan
    steep = np.round(1000 * np.cumsum(noise, axis=1)).astype("i4")
    cube = rng.normal(size=(2, 30, 20)).astype("f4")
    kinds = [
        ("float", floats, dict(quantize_level=16.0)),
        ("dither1", floats, dict(quantize_level=16.0, quantize_method=1, dither_seed=1234)),
        ("dither2", floats, dict(quantize_level=16.0, quantize_method=2, dither_seed=9999)),
        ("exact", floats, dict(quantize_level=0.0)),
        ("double", noise, dict(quantize_level=0.0)),
        ("int", steep, {}),
        ("short", (steep % 20000 - 9000).astype("i2"), {}),
        ("byte", (steep % 200).astype("u1"), {}),
        ("extreme", rng.integers(-(2**31), 2**31, size=(9, 70)).astype("i4"), {}),
        ("flat", np.full((40, 50), 7, dtype="i2"), {}),
        ("cube", cube, dict(quantize_level=16.0, quantize_method=1, dither_seed=77)),
    ]
    described = []
    for name, data, options in kinds:
        for method in ("RICE_1", "GZIP_1", "GZIP_2"):
            if method == "RICE_1" and options.get("quantize_level") == 0.0:
                continue
            for tiled in (False, True):
                more = dict(options)
                if tiled:
                    more["tile_size"] = [16, 10] + [1] * (data.ndim - 2)
                header = fits.Header(SKY)
                if data.ndim == 3:
                    header["CTYPE3"], header["CRVAL3"], header["CDELT3"] = "FREQ", 1e9, 1e6
                path = os.path.join(folder, f"{name}-{method}-{tiled}.fits")
                hdu = fits.CompImageHDU(data.copy(), header, compression_type=method, **more)
                hdu.writeto(path, overwrite=True)
                described.append(describe_compressed(path))
    return described


warnings.simplefilter("ignore")
request = json.load(sys.stdin)
if "compress" in request:
    answer = compress(request["compress"])
else:
    answer = [describe(path) for path in (make(request["make"]) if "make" in request else request["read"])]
json.dump(answer, sys.stdout)
