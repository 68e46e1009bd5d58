"""ANNarchy: C++ is generated and compiled for every network; OpenMP for several threads.

The gates and the LIF neuron by the exponential method.  Runs are consecutive stretches; the spikes of the first are counted.
"""

import sys
from pathlib import Path

# instead of this folder, whose files have the names of the packages
sys.path[0] = str(Path(__file__).resolve().parents[1])

import shutil  # noqa: E402
import tempfile  # noqa: E402

from serve import Stopwatch, arguments, serve  # noqa: E402
from work import HH, LIF  # noqa: E402

given = arguments(("default",))
work = given.work
if given.precision != "float64":
    raise SystemExit("ANNarchy is run in double precision, its default.")
watch = Stopwatch()
import ANNarchy as ann  # noqa: E402

import_s = watch()
folder = given.cache or tempfile.mkdtemp(prefix="annarchy_")
network = ann.Network(dt=work.dt, seed=1)
network.config(num_threads=given.threads, suppress_warnings=True)


def equation(text: str, start: float):
    return ann.Variable(text, method="exponential", init=start)


if work.model == "hh":
    # names without underscores: others clash with those in the generated C++
    names = {"C": "c", "gNa": "g_na", "gK": "g_k", "gL": "g_l", "ENa": "e_na", "EK": "e_k", "EL": "e_l", "Vs": "level"}
    model = ann.Neuron(
        parameters={**{own: HH[name] for own, name in names.items()}, "I": ann.Parameter(0.0, locality="local")},
        equations=[
            "prev_v = v",
            "am = -0.1*(v + 40.0)/(exp(-(v + 40.0)/10.0) - 1.0)",
            "bm = 4.0*exp(-(v + 65.0)/18.0)",
            "ah = 0.07*exp(-(v + 65.0)/20.0)",
            "bh = 1.0/(exp(-(v + 35.0)/10.0) + 1.0)",
            "an = -0.01*(v + 55.0)/(exp(-(v + 55.0)/10.0) - 1.0)",
            "bn = 0.125*exp(-(v + 65.0)/80.0)",
            equation("C*dv/dt = I - gL*(v - EL) - gNa*m*m*m*h*(v - ENa) - gK*n*n*n*n*(v - EK)", HH["v"]),
            equation("dm/dt = am*(1.0 - m) - bm*m", HH["m"]),
            equation("dh/dt = ah*(1.0 - h) - bh*h", HH["h"]),
            equation("dn/dt = an*(1.0 - n) - bn*n", HH["n"])],
        spike="(v > Vs) and (prev_v <= Vs)", reset="", refractory=0.0)
    cells = network.create(work.n, model)
    cells.I = work.input()
else:
    own = {name: LIF[name] for name in ("tau", "v_rest", "v_th", "v_reset")}
    model = ann.Neuron(parameters={**own, "drive": ann.Parameter(0.0, locality="local")},
                       equations=[equation("tau*dv/dt = v_rest - v + drive", LIF["v_rest"])],
                       spike="v > v_th", reset="v = v_reset", refractory=LIF["t_ref"])
    cells = network.create(work.n, model)
    cells.drive = work.input()
monitor = network.monitor(cells, "spike")
build_s = watch()
network.compile(directory=folder + "/", silent=True)
compile_s = watch()
counted = False


def run() -> dict:
    global counted
    watch()
    network.simulate(work.duration)
    loop_s = watch()
    data = monitor.get("spike")
    new, counted = None if counted else sum(map(len, data.values())), True
    return {"loop_s": loop_s, "spikes": new}


serve("annarchy", ann.__version__, given, run, build_s, compile_s, import_s)
if not given.cache:
    shutil.rmtree(folder, ignore_errors=True)
