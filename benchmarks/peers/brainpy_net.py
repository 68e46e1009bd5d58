"""Networks in BrainPy on JAX: the whole run is one loop that XLA compiles; exponential Euler.

JAX takes all cores and has no documented switch: two threads here, or --one-core.  Its default is single precision.  The
first run compiles; runs are consecutive stretches, and the spikes of the first are counted.  The network is given as sparse
rows of its own rule (fixed in-degree where the work has one).
"""

import sys
from pathlib import Path

# instead of this folder, whose files have the names of the packages
sys.path[0] = str(Path(__file__).resolve().parents[1])

from networks import in_degree  # noqa: E402
from serve import Stopwatch, arguments, resident_mb, serve  # noqa: E402

given = arguments(("jit",))
work, q = given.work, given.work.constants
if work.model in ("stdp", "microcircuit"):
    raise SystemExit("BrainPy has no event-driven synapses that learn on sparse rows, nor with delays of their own.")
watch = Stopwatch()
import brainpy as bp  # noqa: E402
import brainpy.math as bm  # noqa: E402
import numpy as np  # noqa: E402

import_s = watch()
bm.set_platform("cpu")
if given.precision == "float64":
    bm.enable_x64()
bm.set(dt=work.dt)
bm.random.seed(given.seed)
rng = np.random.default_rng(given.seed)


def real(values):
    return bm.asarray(values, dtype=bm.float_)


class TraubMiles(bp.dyn.NeuDyn):
    """The neuron of COBAHH."""

    def __init__(self, size: int):
        super().__init__(size)
        self.V = bm.Variable(real(q["e_l"] - 5.0 + 5.0 * rng.standard_normal(size)))
        self.m, self.h, self.n = (bm.Variable(bm.zeros(size)) for _ in range(3))
        self.spike = bm.Variable(bm.zeros(size, dtype=bool))
        self.integral = bp.odeint(bp.JointEq([self.dV, self.dm, self.dh, self.dn]), method="exp_auto")

    def dm(self, m, t, V):
        u = V - q["v_t"]
        return 1.28 / bm.exprel((13.0 - u) / 4.0) * (1.0 - m) - 1.4 / bm.exprel((u - 40.0) / 5.0) * m

    def dh(self, h, t, V):
        u = V - q["v_t"]
        return 0.128 * bm.exp((17.0 - u) / 18.0) * (1.0 - h) - 4.0 / (1.0 + bm.exp((40.0 - u) / 5.0)) * h

    def dn(self, n, t, V):
        u = V - q["v_t"]
        return 0.16 / bm.exprel((15.0 - u) / 5.0) * (1.0 - n) - 0.5 * bm.exp((10.0 - u) / 40.0) * n

    def dV(self, V, t, m, h, n):
        current = self.sum_current_inputs(V, init=0.0)
        return (current + q["g_l"] * (q["e_l"] - V) - q["g_na"] * m**3 * h * (V - q["e_na"])
                - q["g_k"] * n**4 * (V - q["e_k"])) / q["c"]

    def update(self, x=None):
        v, m, h, n = self.integral(self.V.value, self.m.value, self.h.value, self.n.value, bp.share["t"], dt=bp.share["dt"])
        self.spike.value = (v > q["level"]) & (self.V.value <= q["level"])
        self.V.value, self.m.value, self.h.value, self.n.value = v, m, h, n
        return self.spike.value


def leaky(start):
    return bp.dyn.LifRef(work.n, V_rest=q.get("e_l", 0.0), V_th=q["v_th"], V_reset=q["v_reset"], tau=q["tau"],
                         tau_ref=q["t_ref"], V_initializer=real(start))


def rows(n_pre: int, weight: float, inputs: int | None):
    """Return event-driven synapses from n_pre neurons onto all."""
    if inputs is None:
        rule = bp.conn.FixedProb(q["inputs"] / work.n, pre=n_pre, post=work.n, seed=given.seed + n_pre)
    else:
        sources, targets = in_degree(rng, n_pre, work.n, inputs)
        starts = np.concatenate([[0], np.cumsum(np.bincount(sources, minlength=n_pre))]).astype(np.int32)
        rule = bp.conn.CSRConn(indices=targets, inptr=starts)(n_pre, work.n)
    return bp.dnn.EventCSRLinear(rule, weight)


class Balanced(bp.DynSysGroup):
    """CUBA, COBA and COBAHH."""

    def __init__(self):
        super().__init__()
        cells = TraubMiles(work.n) if work.model == "cobahh" else leaky(rng.uniform(q["v_reset"], q["v_th"], work.n))
        self.cells = cells
        self.line = bp.VarDelay(cells.spike, entries={"arrival": q["delay"]})
        self.drive = q["drive"] / q["g_l"] if work.model == "coba" else None
        per_leak = q["g_l"] if work.model == "coba" else 1.0
        self.parts = []
        for n_pre, weight, tau, reversal in ((work.n_exc, q["w_e"], q["tau_e"], "e_e"),
                                             (work.n - work.n_exc, q["w_i"], q["tau_i"], "e_i")):
            out = bp.dyn.CUBA() if work.model == "cuba" else bp.dyn.COBA(E=q[reversal])
            self.parts.append(bp.dyn.HalfProjAlignPost(comm=rows(n_pre, weight / per_leak, None),
                                                       syn=bp.dyn.Expon(work.n, tau=tau), out=out, post=cells))
        self.exc, self.inh = self.parts
        if work.model == "cobahh":
            self.exc.refs["syn"].g.value = real(np.maximum(40.0 + 15.0 * rng.standard_normal(work.n), 0.0))
            self.inh.refs["syn"].g.value = real(np.maximum(200.0 + 120.0 * rng.standard_normal(work.n), 0.0))

    def update(self):
        arrived = self.line.at("arrival")
        self.exc(arrived[:work.n_exc])
        self.inh(arrived[work.n_exc:])
        self.cells(self.drive) if self.drive is not None else self.cells()
        self.line(self.cells.spike.value)
        return self.cells.spike.value


class Random(bp.DynSysGroup):
    """Brunel's network: jumps of v, none while it is held."""

    def __init__(self):
        super().__init__()
        self.cells = leaky(rng.uniform(0.0, q["v_th"], work.n))
        self.line = bp.VarDelay(self.cells.spike, entries={"arrival": q["delay"]})
        self.noise = bp.dyn.PoissonInput(self.cells.V, q["in_e"], q["rate"] / q["in_e"], q["j"])
        self.exc = rows(work.n_exc, q["j"], q["in_e"])
        self.inh = rows(work.n - work.n_exc, -q["g"] * q["j"], q["in_i"])

    def update(self):
        arrived = self.line.at("arrival")
        jump = self.exc(arrived[:work.n_exc]) + self.inh(arrived[work.n_exc:])
        free = bp.share["t"] - self.cells.t_last_spike > q["t_ref"]
        self.cells(0.0)
        held = self.cells.V.value
        self.noise()
        self.cells.V.value = bm.where(free, self.cells.V.value + jump, held)
        self.line(self.cells.spike.value)
        return self.cells.spike.value


base_mb = resident_mb()
network = Random() if work.model == "brunel" else Balanced()
# compiled once: a bare for_loop would be traced and compiled again at every call
loop = bm.jit(lambda steps: bm.for_loop(network.step_run, steps, progress_bar=False))
build_s = watch()
first, counted = 0, False


def stretch():
    """Run on, and return the spikes as an array of steps times neurons."""
    global first
    out = np.asarray(loop(bm.arange(first, first + work.steps)))
    first += work.steps
    return out


def run() -> dict:
    global counted
    watch()
    out = stretch()
    answer = {"loop_s": watch()}
    if not counted:
        steps, neurons = np.nonzero(out)
        answer["trains"] = neurons, (steps + 1) * work.dt
        if work.name != "first_spike":
            # the first stretch has compiled: the second one is the measurement
            del out
            watch()
            stretch()
            again = watch()
            answer |= {"loop_s": again, "compile_s": max(0.0, answer["loop_s"] - again)}
    counted = True
    return answer


serve("brainpy", bp.__version__, given, run, build_s, 0.0, import_s, base_mb=base_mb)
