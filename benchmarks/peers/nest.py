"""NEST: LIF is integrated exactly, Hodgkin-Huxley by adaptive Runge-Kutta-Fehlberg (GSL), which NEST offers alone.

Runs are consecutive stretches of one simulation; the spikes of the first are counted.
"""

import sys
from pathlib import Path

# instead of this folder, whose files have the names of the packages
sys.path[0] = str(Path(__file__).resolve().parents[1])

from serve import Stopwatch, arguments, serve  # noqa: E402
from work import AREA, HH, LIF  # noqa: E402

given = arguments(("default",))
work = given.work
watch = Stopwatch()
import nest  # noqa: E402

import_s = watch()
nest.verbosity = nest.VerbosityLevel.ERROR
nest.ResetKernel()
nest.resolution = work.dt
nest.local_num_threads = given.threads
if work.model == "hh":
    big = AREA * 1e6
    cells = nest.Create("hh_psc_alpha", work.n, {
        "C_m": HH["c"] * big, "g_Na": HH["g_na"] * big, "g_K": HH["g_k"] * big, "g_L": HH["g_l"] * big, "E_Na": HH["e_na"],
        "E_K": HH["e_k"], "E_L": HH["e_l"], "V_m": HH["v"], "Act_m": HH["m"], "Inact_h": HH["h"], "Act_n": HH["n"]})
    cells.I_e = work.input() * big
else:
    cells = nest.Create("iaf_psc_exp", work.n, {
        "C_m": LIF["c"], "tau_m": LIF["tau"], "E_L": LIF["v_rest"], "V_th": LIF["v_th"], "V_reset": LIF["v_reset"],
        "t_ref": LIF["t_ref"], "V_m": LIF["v_rest"]})
    cells.I_e = work.input() * LIF["g_l"]
recorder = nest.Create("spike_recorder")
nest.Connect(cells, recorder)
nest.Prepare()
build_s = watch()
seen = 0


def run() -> dict:
    global seen
    watch()
    nest.Run(work.duration)
    loop_s = watch()
    new, seen = recorder.n_events if not seen else None, 1
    return {"loop_s": loop_s, "spikes": new}


serve("nest", nest.__version__, given, run, build_s, 0.0, import_s)
