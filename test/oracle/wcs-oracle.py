"""What astropy (wcslib) answers for headers and points given as JSON on standard input.

Input: [{"cards": {...}, "naxis": n, "x": [...], "y": [...]}, ...] with 0-based pixels along the first and the second
celestial axis, plus optional "ra", "dec" (ICRS). Output, one item per header: null where wcslib refuses it, otherwise
"lon", "lat" in the image's frame, "ra", "dec" in ICRS, and "px", "py" of the given ICRS places; null for NaN.
"""

import json
import sys
import warnings

import numpy as np
from astropy.coordinates import FK4, FK5, ICRS, FK4NoETerms, Galactic, SkyCoord
from astropy.io import fits
from astropy.time import Time
from astropy.wcs import WCS

warnings.simplefilter("ignore")


def frame_of(cards, lon_type):
    if lon_type.startswith("GLON"):
        return Galactic()
    equinox = cards.get("EQUINOX", cards.get("EPOCH"))
    name = cards.get("RADESYS") or ("ICRS" if equinox is None else "FK4" if equinox < 1984 else "FK5")
    if name == "ICRS":
        return ICRS()
    if name == "FK5":
        return FK5(equinox=Time(equinox or 2000.0, format="jyear"))
    byear = Time(equinox or 1950.0, format="byear")
    when = Time(cards["MJD-OBS"], format="mjd", scale="tt") if "MJD-OBS" in cards else byear
    return (FK4NoETerms if name == "FK4-NO-E" else FK4)(equinox=byear, obstime=when)


def numbers(values):
    return [None if not np.isfinite(v) else float(v) for v in values]


def answer(item):
    cards = item["cards"]
    header = fits.Header()
    header["NAXIS"] = item["naxis"]
    for key, value in cards.items():
        header[key] = value
    try:
        wcs = WCS(header, naxis=None, fix=False)
        wcs.wcs.set()
    except Exception as error:
        return {"refused": str(error).strip().split("\n")[-1]}
    lon, lat = wcs.wcs.lng, wcs.wcs.lat
    first, second = min(lon, lat), max(lon, lat)
    pixels = np.ones((len(item["x"]), wcs.naxis)) - 1
    pixels[:, :] = np.asarray(wcs.wcs.crpix) - 1
    pixels[:, first] = item["x"]
    pixels[:, second] = item["y"]
    world = wcs.wcs_pix2world(pixels, 0)
    frame = frame_of(cards, wcs.wcs.ctype[lon])
    good = np.isfinite(world[:, lon])
    icrs = np.full((len(world), 2), np.nan)
    if good.any():
        place = SkyCoord(world[good, lon], world[good, lat], unit="deg", frame=frame).icrs
        icrs[good, 0], icrs[good, 1] = place.ra.deg, place.dec.deg
    result = {
        "lon": numbers(world[:, lon]),
        "lat": numbers(world[:, lat]),
        "ra": numbers(icrs[:, 0]),
        "dec": numbers(icrs[:, 1]),
    }
    if "ra" in item:
        native = SkyCoord(item["ra"], item["dec"], unit="deg").transform_to(frame).spherical
        world = np.repeat(np.asarray(wcs.wcs.crval)[None], len(item["ra"]), axis=0)
        world[:, lon], world[:, lat] = native.lon.deg, native.lat.deg
        px, py = [], []
        for row in world:
            try:
                back = wcs.wcs_world2pix(row[None], 0)[0]
            except Exception:
                back = np.full(wcs.naxis, np.nan)
            px.append(back[first])
            py.append(back[second])
        result["px"], result["py"] = numbers(px), numbers(py)
    return result


json.dump([answer(item) for item in json.load(sys.stdin)], sys.stdout)
