"""A digest of every column of every casacore table below some folders, as python-casacore reads them.

Run: python3 test/oracle/casa_digest.py FOLDER... > digests.json
The committed test/oracle/casa-digest.json is made by test/oracle/casa-digest.sh from the shared data.
Needs python3-casacore; Caustic itself does not.

A column's digest is SHA-1 over its rows: numbers as little-endian bytes (booleans one byte), texts as UTF-8 behind their
length, arrays behind the number of their axes and their shape (fastest first, int32), an empty cell as -1.
"""
import hashlib
import json
import os
import struct
import sys

import casacore.tables as ct
import numpy as np


def i32(*values):
    return struct.pack("<%di" % len(values), *values)


def text(value):
    raw = value.encode()
    return i32(len(raw)) + raw


WIDTHS = {"float": "<f4", "complex": "<c8", "short": "<i2", "ushort": "<u2", "uchar": "u1", "int": "<i4", "uint": "<u4"}


def numbers(array, kind):
    array = np.asarray(array)
    if array.dtype == bool:
        return array.astype("u1").tobytes()
    return np.ascontiguousarray(array.astype(WIDTHS.get(kind, array.dtype.newbyteorder("<")))).tobytes()


def scalar_column(table, name, kind):
    values = table.getcol(name) if table.nrows() else []
    if kind == "string":
        return b"".join(text(value) for value in values)
    return numbers(values, kind) if len(values) else b""


def array_cell(table, name, kind, row):
    if not table.iscelldefined(name, row):
        return i32(-1)
    value = table.getcell(name, row)
    if kind == "string":
        if isinstance(value, dict):
            shape, value = list(value["shape"])[::-1], value["array"]
        else:
            value = np.asarray(value, dtype=object)
            shape = value.shape[::-1]
        return i32(len(shape), *shape) + b"".join(text(str(item)) for item in np.asarray(value, dtype=object).ravel())
    value = np.asarray(value)
    return i32(value.ndim, *value.shape[::-1]) + numbers(value, kind)


def canonical(value):
    if isinstance(value, (bool, np.bool_)):
        return "b%d" % value
    if isinstance(value, (int, float, np.integer, np.floating)):
        return "n" + struct.pack(">d", float(value)).hex()
    if isinstance(value, str):
        return "t" + os.path.basename(value) if value.startswith("Table: ") else "s" + value
    if isinstance(value, dict):
        if set(value) == {"array", "shape"}:
            return canonical(np.asarray(value["array"], dtype=object).reshape(value["shape"]))
        return "{" + ",".join(name + "=" + canonical(value[name]) for name in sorted(value)) + "}"
    array = np.asarray(value)
    if array.size == 0:
        return "[]"
    return "[%s:%s]" % ("x".join(map(str, array.shape[::-1])), ",".join(canonical(item) for item in array.ravel().tolist()))


def table_digest(path):
    table = ct.table(path, ack=False, lockoptions="usernoread")
    columns = {}
    for name in table.colnames():
        description = table.getcoldesc(name)
        kind = description["valueType"]
        if kind == "record":
            continue
        hasher = hashlib.sha1()
        if "ndim" in description:
            for row in range(table.nrows()):
                hasher.update(array_cell(table, name, kind, row))
        else:
            hasher.update(scalar_column(table, name, kind))
        columns[name] = " ".join([hasher.hexdigest()[:16], hashlib.sha1(canonical(table.getcolkeywords(name)).encode()).hexdigest()[:16]])
    keywords = hashlib.sha1(canonical(table.getkeywords()).encode()).hexdigest()[:16]
    return {"rows": table.nrows(), "keywords": keywords, "columns": columns}


digests = {}
for folder in sys.argv[1:]:
    for root, _, files in sorted(os.walk(folder)):
        if "table.dat" in files:
            digests[os.path.relpath(root, os.path.dirname(folder.rstrip("/")))] = table_digest(root)
print(json.dumps(digests, sort_keys=True).replace("}}, ", "}},\n"))

