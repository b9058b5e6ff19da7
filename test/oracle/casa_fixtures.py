"""Casacore tables in every storage manager, element type and byte order that python-casacore writes.

Run: /usr/bin/python3 test/oracle/casa_fixtures.py FOLDER
Then: tar -czf test/fixtures/casa-tables.tar.gz -C FOLDER . and
      /usr/bin/python3 test/oracle/casa_digest.py FOLDER/* > test/oracle/casa-fixtures-digest.json
"""
import os
import sys

import casacore.tables as ct
import numpy as np

folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)
rng = np.random.default_rng(7)

TYPES = {
    "boolean": lambda shape: rng.integers(0, 2, shape).astype(bool),
    "uchar": lambda shape: rng.integers(0, 255, shape).astype("u1"),
    "short": lambda shape: rng.integers(-3000, 3000, shape).astype("i2"),
    "int": lambda shape: (rng.integers(-3, 3, shape) * 2**29).astype("i4"),
    "uint": lambda shape: (rng.integers(0, 7, shape) * 2**29).astype("u4"),
    "float": lambda shape: (rng.integers(-99, 99, shape) / 8).astype("f4"),
    "double": lambda shape: rng.integers(-99, 99, shape) / 8,
    "complex": lambda shape: (rng.integers(-99, 99, shape) / 4 + 1j * rng.integers(-99, 99, shape)).astype("c8"),
    "dcomplex": lambda shape: rng.integers(-99, 99, shape) / 4 + 1j * rng.integers(-99, 99, shape),
}


def word(length):
    return "".join(rng.choice(list("abcdefghij"), length))


def make(name, columns, rows, managers, endian):
    description = ct.maketabdesc(columns)
    return ct.table(os.path.join(folder, f"{name}-{endian}"), description, nrow=rows, dminfo=managers, ack=False, endian=endian)


for endian in ["big", "little"]:
    rows = 217
    for manager in ["StandardStMan", "IncrementalStMan"]:
        options = {"datamanagertype": manager, "datamanagergroup": manager}
        columns = [ct.makescacoldesc(f"s_{t}", maker(1)[0].item(), valuetype=t, **options) for t, maker in TYPES.items()]
        columns.append(ct.makescacoldesc("s_string", "", **options))
        for t, maker in TYPES.items():
            sample = maker(1)[0].item()
            columns.append(ct.makearrcoldesc(f"d_{t}", sample, ndim=2, shape=[5, 3], options=5, valuetype=t, **options))
            columns.append(ct.makearrcoldesc(f"i_{t}", sample, ndim=-1, valuetype=t, **options))
        columns.append(ct.makearrcoldesc("i_string", "", ndim=-1, **options))
        if manager == "StandardStMan":
            columns.append(ct.makescacoldesc("f_string", "", maxlen=7, **options))
            columns.append(ct.makearrcoldesc("d_string", "", ndim=1, shape=[2], options=5, **options))
        table = make(manager, columns, rows, {}, endian)
        change = 1 if manager == "StandardStMan" else 9
        for t, maker in TYPES.items():
            table.putcol(f"s_{t}", np.repeat(maker(rows // change + 1), change)[:rows])
            for row in range(0, rows, change):
                table.putcell(f"d_{t}", row, maker((5, 3)))
            for row in range(0, rows, 7 * change):
                table.putcell(f"i_{t}", row, maker(tuple(rng.integers(1, 6, rng.integers(1, 4)))))
        for row in range(0, rows, change):
            table.putcell("s_string", row, word(rng.integers(0, 30)))
        if manager == "StandardStMan":
            table.putcell("s_string", 100, word(3000))
            table.putcell("s_string", 101, "naïve ☃")
            for row in range(rows):
                table.putcell("f_string", row, word(rng.integers(0, 8)))
                table.putcell("d_string", row, np.array([word(rng.integers(0, 9)), word(3)]))
        for row in range(0, rows, 11 * change):
            shape = (2, 3) if row % 2 else (4,)
            table.putcell("i_string", row, np.array([word(rng.integers(0, 20)) for _ in range(np.prod(shape))]).reshape(shape))
        table.putkeyword("text", "value")
        table.putkeyword("number", 1.5)
        table.putkeyword("whole", 7)
        table.putkeyword("array", np.arange(6.0).reshape(2, 3))
        table.putkeyword("truths", np.array([True, False, True]))
        table.putkeyword("texts", ["a", "bc", ""])
        table.putkeyword("nested", {"inner": {"deep": 3, "empty": {}}, "flag": True})
        table.putcolkeyword("s_double", "QuantumUnits", ["s"])
        table.putcolkeyword("s_double", "MEASINFO", {"type": "epoch", "Ref": "UTC"})
        table.close()

    kinds = {t: TYPES[t] for t in ["boolean", "float", "complex", "dcomplex", "short"]}
    columns, managers = [], {}
    for number, (t, maker) in enumerate(kinds.items()):
        sample = maker(1)[0].item()
        for k, (manager, tile) in enumerate(
            [("TiledColumnStMan", [4, 7, 50]), ("TiledColumnStMan", [3, 4, 5]), ("TiledShapeStMan", [3, 4, 6]), ("TiledCellStMan", [2, 3])]
        ):
            fixed = manager == "TiledColumnStMan"
            name = f"{t}_{k}"
            columns.append(ct.makearrcoldesc(name, sample, ndim=2, shape=[7, 4] if fixed else [], options=4 if fixed else 0,
                                             valuetype=t, datamanagertype=manager, datamanagergroup=name))
            managers[f"*{len(managers) + 1}"] = {"TYPE": manager, "NAME": name, "SEQNR": len(managers), "COLUMNS": [name],
                                                 "SPEC": {"DEFAULTTILESHAPE": tile, "MAXIMUMCACHESIZE": 0}}
    # Columns that share tiles.
    shared = {"a_float": "float", "b_complex": "complex", "c_boolean": "boolean", "d_double": "double", "e_int": "int", "f_float": "float"}
    for name, t in shared.items():
        columns.append(ct.makearrcoldesc(name, TYPES[t](1)[0].item(), ndim=2, shape=[7, 4], options=4, valuetype=t,
                                         datamanagertype="TiledColumnStMan", datamanagergroup="shared"))
    managers[f"*{len(managers) + 1}"] = {"TYPE": "TiledColumnStMan", "NAME": "shared", "SEQNR": len(managers), "COLUMNS": list(shared),
                                         "SPEC": {"DEFAULTTILESHAPE": [4, 3, 10], "MAXIMUMCACHESIZE": 0}}
    rows = 33
    table = make("tiled", columns, rows, managers, endian)
    for t, maker in kinds.items():
        for k in (0, 1):
            table.putcol(f"{t}_{k}", maker((rows, 7, 4)))
        for row in range(rows):
            if row % 13 != 5:
                shape = (7, 4) if row % 3 else (5, 2)
                table.putcell(f"{t}_2", row, maker(shape))
                table.putcell(f"{t}_3", row, maker((row % 5 + 1, row % 4 + 2)))
    for name, t in shared.items():
        table.putcol(name, TYPES[t]((rows, 7, 4)))
    table.close()

# Changed after it was made: columns renamed and taken away, rows taken away and added.
for endian in ["big", "little"]:
    columns, managers = [], {}
    for manager in ["StandardStMan", "IncrementalStMan"]:
        for t in ["float", "boolean", "int64"]:
            sample = True if t == "boolean" else 1
            options = {"valuetype": t, "datamanagertype": manager, "datamanagergroup": manager}
            columns.append(ct.makescacoldesc(f"{manager[0]}_{t}", sample, **options))
            columns.append(ct.makearrcoldesc(f"{manager[0]}_{t}s", sample, ndim=1, shape=[3], options=5, **options))
    for manager in ["TiledColumnStMan", "TiledShapeStMan"]:
        fixed = manager == "TiledColumnStMan"
        columns.append(ct.makearrcoldesc(manager, 1j, ndim=2, shape=[4, 3] if fixed else [], options=4 if fixed else 0,
                                         valuetype="complex", datamanagertype=manager, datamanagergroup=manager))
        managers[f"*{len(managers) + 1}"] = {"TYPE": manager, "NAME": manager, "SEQNR": len(managers), "COLUMNS": [manager],
                                             "SPEC": {"DEFAULTTILESHAPE": [2, 2, 8], "MAXIMUMCACHESIZE": 0}}
    table = make("changed", columns, 40, managers, endian)

    def fill(first, rows):
        for name in table.colnames():
            for row in range(first, first + rows):
                if name.startswith("Tiled"):
                    table.putcell(name, row, TYPES["complex"]((4, 3)))
                    continue
                maker = TYPES.get(name.split("_")[-1].rstrip("s"), lambda shape: rng.integers(-(2**40), 2**40, shape))
                table.putcell(name, row, maker(3) if name.endswith("s") else maker(1)[0])

    fill(0, 40)
    table.removecols(["S_float", "S_booleans"])
    table.addrows(25)
    fill(40, 25)
    for old, new in [("S_floats", "CORRECTED"), ("I_float", "RENAMED"), ("TiledColumnStMan", "DATA"), ("TiledShapeStMan", "MODEL")]:
        table.renamecol(old, new)
    table.close()

# And rows taken away, which tiles do not allow.
for endian in ["big", "little"]:
    columns = [ct.makescacoldesc("number", 1), ct.makescacoldesc("text", ""), ct.makearrcoldesc("pair", 1.0, ndim=1, shape=[2], options=5)]
    columns.append(ct.makescacoldesc("rare", 1, datamanagertype="IncrementalStMan"))
    table = make("shortened", columns, 500, {}, endian)
    table.putcol("number", np.arange(500))
    table.putcol("text", [word(rng.integers(0, 20)) for _ in range(500)])
    table.putcol("pair", rng.normal(size=(500, 2)))
    table.putcol("rare", np.arange(500) // 60)
    table.removerows([int(row) for row in rng.choice(500, 123, replace=False)])
    table.close()
