"""BrainPy on JAX: the whole run is one loop that XLA compiles; exponential Euler for both models.

JAX takes all cores and has no documented switch: two threads here, or --one-core.  Its default is single precision.  The
first run compiles; runs are consecutive stretches, and the spikes of the first are counted.
"""

import sys
from pathlib import Path

# instead of this folder, whose files have the names of the packages
sys.path[0] = str(Path(__file__).resolve().parents[1])

from serve import Stopwatch, arguments, serve  # noqa: E402
from work import HH, LIF  # noqa: E402

given = arguments(("jit",))
work = given.work
watch = Stopwatch()
import brainpy as bp  # noqa: E402
import brainpy.math as bm  # noqa: E402
import numpy as np  # noqa: E402

import_s = watch()
bm.set_platform("cpu")
if given.precision == "float64":
    bm.enable_x64()
bm.set(dt=work.dt)
drive = bm.asarray(work.input(), dtype=bm.float_)


class SquidAxon(bp.dyn.NeuDyn):
    """Hodgkin & Huxley 1952."""

    def __init__(self, size):
        super().__init__(size)
        self.v, self.m, self.h, self.n = (bm.Variable(bm.ones(size) * HH[name]) for name in "vmhn")
        self.integral = bp.odeint(bp.JointEq([self.dv, self.dm, self.dh, self.dn]), method="exp_auto")

    def dm(self, m, t, v):
        return 1.0 / bm.exprel(-(v + 40.0) / 10.0) * (1.0 - m) - 4.0 * bm.exp(-(v + 65.0) / 18.0) * m

    def dh(self, h, t, v):
        return 0.07 * bm.exp(-(v + 65.0) / 20.0) * (1.0 - h) - h / (bm.exp(-(v + 35.0) / 10.0) + 1.0)

    def dn(self, n, t, v):
        return 0.1 / bm.exprel(-(v + 55.0) / 10.0) * (1.0 - n) - 0.125 * bm.exp(-(v + 65.0) / 80.0) * n

    def dv(self, v, t, m, h, n):
        return (drive - HH["g_l"] * (v - HH["e_l"]) - HH["g_na"] * m**3 * h * (v - HH["e_na"])
                - HH["g_k"] * n**4 * (v - HH["e_k"])) / HH["c"]

    def update(self):
        v, m, h, n = self.integral(self.v.value, self.m.value, self.h.value, self.n.value, bp.share["t"],
                                   dt=bp.share["dt"])
        spike = (v > HH["level"]) & (self.v.value <= HH["level"])
        self.v.value, self.m.value, self.h.value, self.n.value = v, m, h, n
        return spike


class Leaky(bp.DynSysGroup):
    """LIF neurons with a constant drive."""

    def __init__(self, size):
        super().__init__()
        self.cells = bp.dyn.LifRef(size, V_rest=LIF["v_rest"], V_th=LIF["v_th"], V_reset=LIF["v_reset"], tau=LIF["tau"],
                                   tau_ref=LIF["t_ref"],
                                   V_initializer=bm.asarray(np.full(size, LIF["v_rest"]), dtype=bm.float_))

    def update(self):
        return self.cells(drive)


cells = (SquidAxon if work.model == "hh" else Leaky)(work.n)
# compiled once: a bare for_loop would be traced and compiled again at every call
loop = bm.jit(lambda steps: bm.for_loop(cells.step_run, steps, progress_bar=False))
build_s = watch()
first, counted = 0, False


def stretch() -> int:
    """Run on, and return the number of spikes; they come back as an array of steps times neurons."""
    global first
    out = np.asarray(loop(bm.arange(first, first + work.steps)))
    first += work.steps
    return int(np.count_nonzero(out))


def run() -> dict:
    global counted
    watch()
    spikes = stretch()
    loop_s = watch()
    answer = {"loop_s": loop_s, "spikes": None if counted else spikes}
    if not counted:
        # the first stretch has compiled: the second one is the measurement
        watch()
        stretch()
        again = watch()
        answer |= {"loop_s": again, "compile_s": max(0.0, loop_s - again)}
    counted = True
    return answer


if work.name == "tiny":
    def run() -> dict:  # noqa: F811
        watch()
        spikes = stretch()
        return {"loop_s": watch(), "spikes": spikes}

serve("brainpy", bp.__version__, given, run, build_s, 0.0, import_s)
