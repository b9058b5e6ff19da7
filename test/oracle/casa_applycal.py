"""Whether CASA itself opens the calibration tables that Caustic writes, and applies them with Caustic's signs.

Run: python test/oracle/casa_applycal.py MS K_TABLE B_TABLE G_TABLE (a copy of the MS is calibrated)
Needs casatasks (with its data); Caustic itself does not. Prints the largest deviation of CORRECTED_DATA from
V / (g_p conj(g_q)), g = G B exp(2 pi i tau (nu - nu0)) with nu0 = CHAN_FREQ of the K table, where no solution is flagged.
"""
import shutil
import sys
import tempfile

import casatasks
import casatools
import numpy as np

ms, k_table, b_table, g_table = sys.argv[1:5]
copy = tempfile.mkdtemp() + "/copy.ms"
shutil.copytree(ms, copy)
casatasks.applycal(vis=copy, gaintable=[k_table, b_table, g_table], interp=["nearest"] * 3, applymode="calflag", flagbackup=False, calwt=False)
tb = casatools.table()


def column(table, name):
    tb.open(table)
    values = tb.getcol(name)
    tb.close()
    return values


data, corrected, flags = column(copy, "DATA"), column(copy, "CORRECTED_DATA"), column(copy, "FLAG")
first, second, times = column(copy, "ANTENNA1"), column(copy, "ANTENNA2"), column(copy, "TIME")
frequencies = column(copy + "/SPECTRAL_WINDOW", "CHAN_FREQ")[:, 0]
delays, bandpass = column(k_table, "FPARAM")[:, 0, :], column(b_table, "CPARAM")
solved = ~column(b_table, "FLAG")
gains, gain_times, gain_antennas = column(g_table, "CPARAM")[:, 0, :], column(g_table, "TIME"), column(g_table, "ANTENNA1")
reference = column(k_table + "/SPECTRAL_WINDOW", "CHAN_FREQ")[0, 0]
unique = np.unique(gain_times)
by_time = np.stack([np.stack([gains[:, (gain_times == t) & (gain_antennas == a)][:, 0] for a in range(delays.shape[1])], -1) for t in unique], 1)
nearest = np.array([np.argmin(abs(unique - t)) for t in times])


def gain(antenna):
    phase = np.exp(2j * np.pi * delays[:, None, antenna] * 1e-9 * (frequencies[None, :, None] - reference))
    return by_time[:, nearest, antenna][:, None, :] * bandpass[:, :, antenna] * phase


usable = ~flags & (first != second)[None, None, :] & solved[:, :, first] & solved[:, :, second]
ratio = corrected * gain(first) * np.conj(gain(second)) / data
print("samples", int(usable.sum()), "largest deviation", float(abs(ratio - 1)[usable].max()))
