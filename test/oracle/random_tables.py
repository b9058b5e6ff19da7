"""Casacore tables drawn at random: columns of any type, kind and storage manager, cells that are not filled, and afterwards
rows added and taken away, columns taken away and renamed.

Run: python3 test/oracle/random_tables.py SEED FOLDER (needs python3-casacore; Caustic itself does not)
"""
import os
import sys

import casacore.tables as ct
import numpy as np

rng = np.random.default_rng(int(sys.argv[1]))
folder = sys.argv[2]
os.makedirs(folder, exist_ok=True)

LETTERS = list("abcdefghijäö☃")
NUMBERS = {
    "boolean": lambda s: rng.integers(0, 2, s).astype(bool),
    "uchar": lambda s: rng.integers(0, 255, s).astype("u1"),
    "short": lambda s: rng.integers(-3000, 3000, s).astype("i2"),
    "int": lambda s: rng.integers(-(2**31), 2**31 - 1, s).astype("i4"),
    "uint": lambda s: rng.integers(0, 2**32 - 1, s).astype("u4"),
    "int64": lambda s: rng.integers(-(2**40), 2**40, s).astype("i8"),
    "float": lambda s: rng.normal(size=s).astype("f4"),
    "double": lambda s: rng.normal(size=s),
    "complex": lambda s: (rng.normal(size=s) + 1j * rng.normal(size=s)).astype("c8"),
    "dcomplex": lambda s: rng.normal(size=s) + 1j * rng.normal(size=s),
}


def word(most):
    return "".join(rng.choice(LETTERS, int(rng.integers(0, most))))


def draw_shape(axes=None, most=6):
    return [int(extent) for extent in rng.integers(1, most, axes or int(rng.integers(1, 4)))]


def value(kind, shape):
    """Of a shape as casacore has it, fastest axis first."""
    if kind != "string":
        return NUMBERS[kind](shape[::-1])
    return np.array([word(20) for _ in range(int(np.prod(shape)))]).reshape(shape[::-1])


def draw_column(number):
    """A column's description, its storage manager where that is its own, and how to draw the shape of a cell."""
    kind = str(rng.choice([*NUMBERS, "string"]))
    way = str(rng.choice(["scalar", "direct", "indirect", "tiled"]))
    manager = str(rng.choice(["StandardStMan", "IncrementalStMan"]))
    # Two managers of one type, too.
    group = manager + str(rng.choice(["", "2"]))
    if way == "tiled" and kind in ("string", "int64"):
        way = "scalar"
    if way == "direct" and kind == "string":
        manager = group = "StandardStMan"
    sample = "" if kind == "string" else NUMBERS[kind](1)[0].item()
    name = f"c{number}_{way}"
    options = {"valuetype": kind, "datamanagertype": manager, "datamanagergroup": group}
    if way == "scalar":
        return name, kind, ct.makescacoldesc(name, sample, **options), None, lambda: None
    if way == "direct" or (way == "indirect" and rng.random() < 0.5):
        shape = draw_shape()
        option = 5 if way == "direct" else 4
        return name, kind, ct.makearrcoldesc(name, sample, ndim=len(shape), shape=shape, options=option, **options), None, lambda: shape
    if way == "indirect":
        return name, kind, ct.makearrcoldesc(name, sample, ndim=-1, **options), None, draw_shape
    manager = str(rng.choice(["TiledShapeStMan", "TiledColumnStMan", "TiledCellStMan"]))
    shape = draw_shape(most=9)
    is_fixed = manager == "TiledColumnStMan"
    tile = draw_shape(len(shape) + (0 if manager == "TiledCellStMan" else 1))
    description = ct.makearrcoldesc(name, sample, ndim=len(shape), shape=shape if is_fixed else [], options=4 if is_fixed else 0,
                                    valuetype=kind, datamanagertype=manager, datamanagergroup=name)
    own = {"TYPE": manager, "NAME": name, "COLUMNS": [name], "SPEC": {"DEFAULTTILESHAPE": tile, "MAXIMUMCACHESIZE": 0}}
    return name, kind, description, own, lambda: shape if is_fixed else draw_shape(len(shape), 9)


def fill(table, columns, rows):
    for name, kind, _, _, shape_of in columns:
        for row in rows:
            if rng.random() < 0.3:
                continue
            shape = shape_of()
            if shape is not None:
                try:
                    table.putcell(name, row, value(kind, shape))
                except RuntimeError:
                    # Some managers allow no other shape once a cell is filled.
                    pass
            else:
                table.putcell(name, row, word(40) if kind == "string" else NUMBERS[kind](1)[0])


def attempt(change, *arguments):
    """What a table's storage managers allow depends on them."""
    try:
        change(*arguments)
    except RuntimeError:
        pass


for k in range(16):
    path = os.path.join(folder, f"t{k}")
    columns = [draw_column(number) for number in range(int(rng.integers(2, 14)))]
    managers = {}
    for _, _, _, own, _ in columns:
        if own is not None:
            managers[f"*{len(managers) + 1}"] = {**own, "SEQNR": len(managers)}
    rows = int(rng.choice([0, 1, 2, 7, 100, 600]))
    description = ct.maketabdesc([column[2] for column in columns])
    table = ct.table(path, description, nrow=rows, dminfo=managers, ack=False, endian=["big", "little"][k % 2])
    fill(table, columns, range(rows))
    table.close()
    table = ct.table(path, readonly=False, ack=False)
    table.addrows(int(rng.integers(0, 50)))
    fill(table, columns, range(rows, table.nrows()))
    if rng.random() < 0.5 and table.nrows() > 3:
        attempt(table.removerows, [int(row) for row in rng.choice(table.nrows(), 3, replace=False)])
    if rng.random() < 0.4:
        attempt(table.removecols, columns[0][0])
    if rng.random() < 0.4:
        attempt(table.renamecol, table.colnames()[-1], "RENAMED")
    table.close()
