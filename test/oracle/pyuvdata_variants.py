"""UVH5 and UVFITS files as pyuvdata and h5py write them, in many variants, each with NAME.json: what they hold.

Run: python test/oracle/pyuvdata_variants.py FOLDER (needs pyuvdata and hdf5plugin; Caustic itself does not)
"""
import json
import os
import sys
import warnings

warnings.simplefilter("ignore")

import astropy.units as u
import h5py
import hdf5plugin
import numpy as np
from astropy.coordinates import EarthLocation
from pyuvdata import Telescope, UVData

folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)
rng = np.random.default_rng(5)
LINEAR, CIRCULAR = (-5, -6, -7, -8), (-1, -2, -3, -4)


def place(name, longitude, latitude, frame="icrs"):
    return {"cat_name": name, "cat_type": "sidereal", "cat_lon": longitude, "cat_lat": latitude, "cat_frame": frame, "cat_epoch": 2000.0}


FIELDS = {
    "one": {0: place("src", 2.1, 0.4)},
    "two": {0: place("a", 2.1, 0.4), 3: place("b", 2.2, 0.5, "fk5")},
    "unprojected": {0: {"cat_name": "zen", "cat_type": "unprojected"}},
}


def draw(antennas=5, times=3, channels=12, products=LINEAR, numbers=None, fields="one", missing=(), frequencies=None):
    numbers = np.arange(antennas) if numbers is None else np.array(numbers)
    telescope = Telescope.new(
        name="OVRO_MMA", location=EarthLocation.from_geodetic(-118.28 * u.deg, 37.23 * u.deg, 1188 * u.m),
        antenna_positions=rng.normal(size=(len(numbers), 3)) * 200, antenna_names=[f"A{n}" for n in numbers],
        antenna_numbers=numbers, instrument="x", mount_type="fixed", feeds=["x", "y"] if min(products) <= -5 else ["r", "l"],
        x_orientation="east" if min(products) <= -5 else None)
    pairs = [(a, b) for i, a in enumerate(numbers) for b in numbers[i:] if (a, b) not in missing]
    ids = np.zeros(times * len(pairs), int)
    if fields == "two":
        ids[len(pairs):] = 3
    data = UVData.new(
        freq_array=1.28e9 + 2.5e5 * np.arange(channels) if frequencies is None else frequencies, polarization_array=list(products),
        times=2461066.123456 + np.arange(times) * 12.884902 / 86400, antpairs=pairs, do_blt_outer=True, integration_time=12.884902,
        channel_width=2.5e5, telescope=telescope, empty=True, time_axis_faster_than_bls=False, vis_units="Jy",
        phase_center_catalog=FIELDS[fields], phase_center_id_array=ids)
    shape = data.data_array.shape
    data.data_array = (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(np.complex64)
    data.flag_array = rng.random(shape) < 0.1
    data.nsample_array = rng.uniform(0.5, 1, size=shape).astype(np.float32)
    return data


def note(data, name):
    names = dict(zip(data.telescope.antenna_numbers, data.telescope.antenna_names))
    flat = lambda values: np.asarray(values, dtype=float).ravel().tolist()
    rows = [{
        "mjd": float(data.time_array[i] - 2400000.5), "first": names[data.ant_1_array[i]], "second": names[data.ant_2_array[i]],
        "uvw": flat(data.uvw_array[i]), "re": flat(data.data_array[i].real), "im": flat(data.data_array[i].imag),
        "flags": flat(data.flag_array[i]), "samples": flat(data.nsample_array[i]),
    } for i in range(data.Nblts)]
    held = {"hz": flat(data.freq_array), "widths": flat(data.channel_width), "products": data.polarization_array.tolist(), "rows": rows}
    with open(os.path.join(folder, name + ".json"), "w") as file:
        json.dump(held, file)


UNCHECKED = {"check_autos": False, "run_check_acceptability": False}


def uvh5(name, data, change=None):
    path = os.path.join(folder, name + ".uvh5")
    data.write_uvh5(path, **UNCHECKED)
    if change is not None:
        with h5py.File(path, "r+") as file:
            change(file)
    note(data, name)


def uvfits(name, data):
    data.write_uvfits(os.path.join(folder, name + ".uvfits"), **UNCHECKED)
    note(data, name)


def rewritten(visdata=None, flags=None, nsamples=None, **options):
    """The arrays anew: each as it is or converted, with h5py's options."""
    def change(file):
        for name, convert in (("visdata", visdata), ("flags", flags), ("nsamples", nsamples)):
            values = file["Data"][name][()]
            del file["Data"][name]
            file["Data"].create_dataset(name, data=values if convert is None else convert(values), **options)
    return change


def old_shape(file):
    header, data = file["Header"], file["Data"]
    for name in ("visdata", "flags", "nsamples"):
        values = data[name][()]
        del data[name]
        data.create_dataset(name, data=values[:, None], chunks=(6, 1, 5, 2))
    frequencies = header["freq_array"][()]
    for name in ("freq_array", "channel_width", "version", "phase_center_catalog", "phase_center_id_array", "phase_center_app_ra",
                 "phase_center_app_dec", "phase_center_frame_pa"):
        if name in header:
            del header[name]
    header["freq_array"], header["channel_width"] = frequencies[None], 2.5e5
    header["phase_type"], header["phase_center_frame"], header["object_name"] = (np.bytes_(s) for s in ("phased", "icrs", "src"))
    header["phase_center_ra"], header["phase_center_dec"], header["phase_center_epoch"] = 2.1, 0.4, 2000.0


def variable_strings(file):
    header = file["Header"]
    names = [name.decode() for name in header["antenna_names"][()]]
    del header["antenna_names"], header["telescope_name"]
    header["telescope_name"] = "OVRO_MMA"
    header.create_dataset("antenna_names", data=names, dtype=h5py.string_dtype())


def integers(order, first, second):
    def convert(values):
        pair = {"r": values.real, "i": values.imag}
        return np.rec.fromarrays([pair[first].astype(order), pair[second].astype(order)], dtype=[(first, order), (second, order)])
    return convert


chunks = {"chunks": (7, 5, 3)}
plain = draw()
whole = plain.copy()
whole.data_array = (np.round(whole.data_array.real * 1000) + 1j * np.round(whole.data_array.imag * 1000)).astype(np.complex64)
for name, data, change in [
    ("plain", plain, None),
    ("contiguous", plain, rewritten()),
    ("gzip-shuffle", plain, rewritten(**chunks, compression="gzip", shuffle=True)),
    ("lzf-shuffle-fletcher32", plain, rewritten(**chunks, compression="lzf", shuffle=True, fletcher32=True)),
    ("bitshuffle", plain, rewritten(**chunks, **hdf5plugin.Bitshuffle())),
    ("bitshuffle-zstd", plain, rewritten(**chunks, **hdf5plugin.Bitshuffle(cname="zstd"))),
    ("zstd", plain, rewritten(**chunks, **hdf5plugin.Zstd())),
    ("lz4", plain, rewritten(**chunks, **hdf5plugin.LZ4())),
    ("refused-blosc", plain, rewritten(**chunks, **hdf5plugin.Blosc())),
    ("extendible", plain, rewritten(**chunks, maxshape=(None, None, None))),
    ("big-endian", plain, rewritten(visdata=lambda v: v.astype(">c8"), nsamples=lambda v: v.astype(">f4"))),
    ("double", plain, rewritten(visdata=lambda v: v.astype("c16"), nsamples=lambda v: v.astype("f8"))),
    ("int32", whole, rewritten(visdata=integers("<i4", "r", "i"))),
    ("int32-big-endian-i-r", whole, rewritten(visdata=integers(">i4", "i", "r"))),
    ("flags-as-bytes", plain, rewritten(flags=lambda v: v.astype("u1") * 255)),
    ("old-shape", plain, old_shape),
    ("variable-strings", plain, variable_strings),
    ("descending", draw(frequencies=1.28e9 - 2.5e5 * np.arange(12)), None),
    ("one-product", draw(products=(-5,)), None),
    ("two-products", draw(products=(-5, -6)), None),
    ("circular", draw(products=CIRCULAR), None),
    ("one-channel", draw(channels=1), None),
    ("two-fields", draw(fields="two"), None),
    ("unprojected", draw(fields="unprojected"), None),
    ("missing-baselines", draw(missing=((0, 2), (3, 3))), None),
    ("antenna-numbers", draw(numbers=[3, 300, 17, 4095, 9]), None),
]:
    uvh5(name, data, change)
turned, by_baseline, shuffled, by_product = draw(), draw(), draw(), draw()
turned.conjugate_bls(np.arange(0, turned.Nblts, 2))
by_baseline.reorder_blts(order="baseline")
shuffled.reorder_blts(order=rng.permutation(shuffled.Nblts))
by_product.reorder_pols(order=[0, 2, 1, 3])
for name, data in [("pairs-turned", turned), ("by-baseline", by_baseline), ("rows-shuffled", shuffled), ("by-product", by_product)]:
    uvh5(name, data)
windows = {
    "one-window-descending": np.concatenate([1.28e9 + 2.5e5 * np.arange(6), 1.40e9 - 2.5e5 * np.arange(6)]),
    "windows-of-two-widths": np.concatenate([1.28e9 + 2.5e5 * np.arange(6), 1.40e9 + 5e5 * np.arange(6)]),
}
for name, frequencies in windows.items():
    data = draw()
    data.Nspws, data.spw_array, data.flex_spw_id_array = 2, np.array([0, 1]), np.repeat([0, 1], 6)
    data.freq_array, data.channel_width = frequencies, np.abs(np.repeat(np.diff(frequencies)[[0, 6]], 6))
    uvh5(name, data)
    uvfits("fits-" + name, data)
for name, data in [
    ("linear", draw()), ("circular", draw(products=CIRCULAR)), ("one-product", draw(products=(-6,))), ("stokes-i", draw(products=(1,))),
    ("descending", draw(frequencies=1.28e9 - 2.5e5 * np.arange(12))), ("two-fields", draw(fields="two")),
    ("one-channel", draw(channels=1)), ("antenna-numbers", draw(numbers=[3, 300, 17, 4095, 9])), ("up-to-255", draw(numbers=[1, 254, 255])),
    ("pairs-turned", turned),
]:
    uvfits("fits-" + name, data)
