"""NEURON and CoreNEURON: one-compartment sections with NEURON's own `hh`, fixed step; no LIF of this kind.

Gates advance by the exponential step, the voltage by implicit Euler.  table: rates are interpolated from tables, NEURON's
default; exact: computed, as in the other simulators; core-...: the same by CoreNEURON.
"""

import sys
from pathlib import Path

# instead of this folder, whose files have the names of the packages
sys.path[0] = str(Path(__file__).resolve().parents[1])

import math  # noqa: E402

from serve import Stopwatch, arguments, serve  # noqa: E402
from work import AREA, HH  # noqa: E402

given = arguments(("exact", "table", "core-exact", "core-table"))
work = given.work
if work.model != "hh":
    raise SystemExit("NEURON's IntFire cells have no constant current: only the Hodgkin-Huxley works can be run.")
watch = Stopwatch()
import neuron  # noqa: E402
from neuron import h  # noqa: E402

import_s = watch()
h.load_file("stdrun.hoc")
context = h.ParallelContext()
size = math.sqrt(AREA * 1e8 / math.pi)  # um: length and diameter of a cylinder with this area
currents = work.input() * AREA * 1e3  # nA
keep, times, numbers = [], h.Vector(), h.Vector()
for k in range(work.n):
    section = h.Section(name=f"axon{k}")
    section.L = section.diam = size
    section.insert("hh")
    section.el_hh = HH["e_l"]
    clamp = h.IClamp(section(0.5))
    clamp.delay, clamp.dur, clamp.amp = 0, 1e9, currents[k]
    detector = h.NetCon(section(0.5)._ref_v, None, sec=section)
    detector.threshold = HH["level"]
    context.set_gid2node(k, context.id())
    context.cell(k, detector)
    keep.append((section, clamp, detector))
context.spike_record(-1, times, numbers)
if given.mode.endswith("exact"):
    h.usetable_hh = 0
h.celsius = 6.3
h.dt = work.dt
h.secondorder = 0
context.nthread(given.threads)
if given.mode.startswith("core"):
    from neuron import coreneuron

    coreneuron.enable = True
    coreneuron.verbose = 0
    h.cvode.cache_efficient(1)
context.set_maxstep(10)
build_s = watch()


def run() -> dict:
    h.finitialize(HH["v"])
    watch()
    context.psolve(work.duration)
    return {"loop_s": watch(), "spikes": int(times.size())}


serve("neuron", neuron.__version__, given, run, build_s, 0.0, import_s)
