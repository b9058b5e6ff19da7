"""What astropy (ERFA) answers for apparent places and Earth rotation given as JSON on standard input.

Input: {"mjd": [...], "lon": [...], "lat": [...], "height": [...], "ra": [...], "dec": [...]} (UTC; degrees, metres),
and "north": false to leave v out.
Output: lists of ut1 (UT1-UTC, s), xp, yp (arcsec), gmst, gast, lst (degrees), ra, dec (apparent topocentric, true
equator and equinox of date), w (unit vector of the apparent direction in ITRF) and v (unit vector of the ICRS north
there). The IERS table is the newest that this astropy brings.
"""

import json
import sys
import warnings

import astropy.units as u
import erfa
import numpy as np
from astropy.coordinates import ICRS, TETE, EarthLocation, SkyCoord
from astropy.time import Time
from astropy.utils import iers

warnings.simplefilter("ignore")
iers.conf.auto_download = False
try:
    import astropy_iers_data

    table = iers.IERS_A.open(astropy_iers_data.IERS_A_FILE)
except ImportError:
    table = iers.IERS_B.open(iers.IERS_B_FILE)
iers.earth_orientation_table.set(table)

given = json.load(sys.stdin)
with_north = given.pop("north", True)
question = {key: np.asarray(value, dtype=float) for key, value in given.items()}
time = Time(question["mjd"], format="mjd", scale="utc")
time.delta_ut1_utc = table.ut1_utc(time)
xp, yp = table.pm_xy(time)
place = EarthLocation.from_geodetic(question["lon"] * u.deg, question["lat"] * u.deg, question["height"] * u.m)
gast = time.sidereal_time("apparent", "greenwich").deg
gmst = time.sidereal_time("mean", "greenwich").deg
pole = erfa.pom00(xp.to_value(u.rad), yp.to_value(u.rad), erfa.sp00(time.tt.jd1, time.tt.jd2))


def apparent(dec):
    return SkyCoord(question["ra"] * u.deg, dec * u.deg, frame=ICRS()).transform_to(TETE(obstime=time, location=place))


def itrf(dec):
    """The apparent direction turned into the terrestrial frame by sidereal time and the pole."""
    x, y, z = apparent(dec).cartesian.xyz.value
    theta = np.radians(gast)
    turned = np.stack([np.cos(theta) * x + np.sin(theta) * y, np.cos(theta) * y - np.sin(theta) * x, z], axis=-1)
    return np.einsum("nij,nj->ni", pole, turned)


seen = apparent(question["dec"])
w = itrf(question["dec"])
v = np.zeros((0, 3))
if with_north:
    v = itrf(question["dec"] + 1e-4) - itrf(question["dec"] - 1e-4)
    v -= np.sum(v * w, axis=1)[:, None] * w
    v /= np.linalg.norm(v, axis=1)[:, None]
json.dump(
    {
        "ut1": table.ut1_utc(time).to_value(u.s).tolist(),
        "xp": xp.to_value(u.arcsec).tolist(),
        "yp": yp.to_value(u.arcsec).tolist(),
        "gmst": gmst.tolist(),
        "gast": gast.tolist(),
        "lst": ((gast + question["lon"]) % 360).tolist(),
        "ra": seen.ra.deg.tolist(),
        "dec": seen.dec.deg.tolist(),
        "w": w.tolist(),
        "v": v.tolist(),
    },
    sys.stdout,
)
