"""What astropy makes of tables: {"read": [paths]} opens them strictly, {"make": folder} writes some of every kind."""

import json
import os
import sys
import warnings

import numpy as np
from astropy.io import fits
from astropy.io.votable import parse
from astropy.io.votable import tree
from astropy.table import MaskedColumn, Table


def plain(value):
    if value is np.ma.masked:
        return None
    if isinstance(value, bytes):
        value = value.decode()
    if isinstance(value, (np.bool_, bool)):
        return bool(value)
    if isinstance(value, (np.integer, int)):
        return int(value)
    if isinstance(value, (np.floating, float)):
        return None if np.isnan(value) else float(value)
    value = str(value)
    return None if value == "" else value


def describe(table):
    return [
        {
            "name": name,
            "unit": str(table[name].unit) if table[name].unit is not None else None,
            "values": [plain(v) for v in table[name]],
        }
        for name in table.colnames
    ]


def read(path):
    if ".vot" in path:
        return describe(parse(path, verify="exception").get_first_table().to_table(use_names_over_ids=True))
    with fits.open(path) as hdus:
        hdus.verify("exception")
    return describe(Table.read(path))


def make(folder):
    table = Table()
    table["source_id"] = ["J1", "b c", "x'y", "z"]
    table["ra"] = MaskedColumn([10.0, 1 / 3, 2.5, 1e-9], mask=[0, 0, 1, 0], unit="deg")
    table["small"] = np.array([1.5, -2.5, 0.0, 3.25], dtype="f4")
    table["n"] = MaskedColumn(np.array([1, -2, 3, 2**40]), mask=[0, 1, 0, 0], unit="s")
    table["short"] = np.array([1, -2, 3, 32767], dtype="i2")
    table["byte"] = np.array([0, 1, 200, 255], dtype="u1")
    table["ok"] = [True, False, True, False]
    scalars = describe(table)
    table["vector"] = np.arange(8.0).reshape(4, 2)
    made = []

    def note(name, writer, columns=scalars, skipped=("vector",)):
        path = os.path.join(folder, name)
        writer(path)
        made.append({"path": path, "columns": columns, "skipped": list(skipped)})

    def votable(form):
        def write(path):
            document = tree.VOTableFile.from_table(table)
            # astropy marks a missing integer by a value that its field declares.
            if form != "tabledata":
                document.get_first_table().get_field_by_id_or_name("n").values.null = -(2**50)
            document.to_xml(path, tabledata_format=form)

        return write

    note("binary.fits", lambda p: table.write(p, overwrite=True))
    note("binary.fits.gz", lambda p: table.write(p, overwrite=True))
    note("data.vot", votable("tabledata"))
    note("binary.vot", votable("binary"))
    note("binary2.vot", votable("binary2"))
    simple = table["source_id", "small", "short"]

    def ascii_table(path):
        columns = [
            fits.Column("source_id", "A6", array=np.array(simple["source_id"])),
            fits.Column("small", "E15.7", array=np.array(simple["small"])),
            fits.Column("short", "I8", array=np.array(simple["short"])),
        ]
        fits.TableHDU.from_columns(columns).writeto(path, overwrite=True)

    note("ascii.fits", ascii_table, describe(simple), ())
    unsigned = Table({"u": np.array([0, 2**63, 2**64 - 1], dtype="u8"), "s": np.array([0, 7, 2**32 - 1], dtype="u4")})
    columns = describe(unsigned)
    columns[0]["values"] = [str(v) for v in columns[0]["values"]]
    note("unsigned.fits", lambda p: unsigned.write(p, overwrite=True), columns, ())
    return made


warnings.simplefilter("ignore")
request = json.load(sys.stdin)
json.dump(make(request["make"]) if "make" in request else [read(path) for path in request["read"]], sys.stdout)
