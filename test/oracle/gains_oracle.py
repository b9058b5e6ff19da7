"""Gains of a MeasurementSet by a solver that is not Caustic's: scipy's least squares on the complex residuals.

Run: python test/oracle/gains_oracle.py MS K_TABLE B_TABLE G_TABLE FLUX
Needs casacore, numpy and scipy; Caustic itself does not. The model is one source of FLUX Jy at the phase centre. Delays and bandpass
are taken from the tables; for every solution of the gain table amplitude and phase of all antennas are solved anew from the
data with equal weights, starting from 1. Prints JSON: the rms difference of the gains in units of PARAMERR (real components) and of
the phases in degrees, over unflagged solutions, after both are referred to the same antenna.
"""
import json
import sys

import casacore.tables as ct
import numpy as np
from scipy.optimize import least_squares

ms, k_table, b_table, g_table = sys.argv[1:5]
flux = float(sys.argv[5])


def columns(path, *names):
    table = ct.table(path, ack=False)
    out = [table.getcol(name) for name in names]
    table.close()
    return out


time, first, second, data, flag = columns(ms, "TIME", "ANTENNA1", "ANTENNA2", "DATA", "FLAG")
data, flag = data[..., [0, 3]] if data.shape[2] == 4 else data, flag[..., [0, 3]] if flag.shape[2] == 4 else flag
frequency = ct.table(ms + "/SPECTRAL_WINDOW", ack=False).getcol("CHAN_FREQ")[0]
delay, delay_flag = columns(k_table, "FPARAM", "FLAG")
nu0 = ct.table(k_table + "/SPECTRAL_WINDOW", ack=False).getcol("CHAN_FREQ")[0, 0]
bandpass, bandpass_flag = columns(b_table, "CPARAM", "FLAG")
gain_time, antenna, gain, error, gain_flag = columns(g_table, "TIME", "ANTENNA1", "CPARAM", "PARAMERR", "FLAG")
known = bandpass * np.exp(2j * np.pi * delay[:, :1] * 1e-9 * (frequency - nu0)[None, :, None])
usable = ~bandpass_flag & ~delay_flag[:, :1]
solution_times = np.unique(gain_time)
nearest = np.abs(time[:, None] - solution_times[None]).argmin(1)
pulls, phases, compared = [], [], 0
for k, when in enumerate(solution_times):
    for s in range(data.shape[2]):
        rows = (nearest == k) & (first != second)
        p, q = first[rows], second[rows]
        ok = ~flag[rows][..., s] & usable[p][..., s] & usable[q][..., s]
        v = np.where(ok, data[rows][..., s], 0)
        m = np.where(ok, flux * known[p][..., s] * known[q][..., s].conj(), 0)
        n = (abs(m) ** 2).sum(1)
        mine = (gain_time == when) & ~gain_flag[:, 0, s]
        live = sorted(set(antenna[mine]))
        keep = np.isin(p, live) & np.isin(q, live) & (n > 0)
        if len(live) < 5:
            continue
        index = {a: i for i, a in enumerate(live)}
        ip, iq = np.array([index[a] for a in p[keep]]), np.array([index[a] for a in q[keep]])
        # Rows of one interval are averaged: the residual of the mean has the same minimum.
        z, w = (v * m.conj()).sum(1)[keep] / n[keep], np.sqrt(n[keep])

        def residual(x):
            g = x[: len(live)] + 1j * x[len(live) :]
            r = w * (z - g[ip] * g[iq].conj())
            return np.concatenate([r.real, r.imag])

        size = np.sqrt(np.median(abs(z)))
        row_of = {a: i for i, a in zip(np.flatnonzero(mine), antenna[mine])}
        ours = np.array([gain[row_of[a], 0, s] for a in live])
        sigma = np.array([error[row_of[a], 0, s] for a in live])
        best = None
        # Several starts: the phases of the best antenna's baselines, as each of the first antennas sees them.
        for root in range(min(6, len(live))):
            start = np.full(len(live), size, complex)
            for i in range(len(live)):
                pair = ((ip == i) & (iq == root)) | ((ip == root) & (iq == i))
                if pair.any():
                    value = np.where(ip[pair] == i, z[pair], z[pair].conj()).mean()
                    start[i] = size * value / abs(value)
            fit = least_squares(residual, np.concatenate([start.real, start.imag]), method="lm" if len(ip) > len(live) else "trf")
            if best is None or fit.cost < best.cost:
                best = fit
        theirs = best.x[: len(live)] + 1j * best.x[len(live) :]
        theirs *= np.exp(-1j * np.angle((theirs * ours.conj()).sum()))
        difference = (theirs - ours) / sigma
        pulls += [difference.real, difference.imag]
        phases.append(np.angle(theirs / ours))
        compared += len(live)
pulls, phases = np.concatenate(pulls), np.concatenate(phases)
print(json.dumps({"compared": compared, "pull_rms": float(pulls.std()), "phase_rms_deg": float(np.degrees(phases.std())), "phase_error_deg": float(np.degrees(np.median(error[~gain_flag] / abs(gain[~gain_flag]))))}))
