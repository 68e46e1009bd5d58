"""The networks of the Neural Engineering Framework that are given to neurosim and to Nengo, and their error.

    channel_2k, channel_10k          communication channel, two ensembles that share the neurons, one dimension
    integrator_2k, integrator_10k    x' = u, one ensemble, recurrent synapse of 100 ms
    lorenz_2k, lorenz_10k            Lorenz's attractor, one ensemble of three dimensions, one unit of time a second
    array                            100 ensembles of 100 neurons, one dimension each, in and out

Each for 5 s at dt 1 ms, decoded values recorded behind a filter of 10 ms.  Both simulators draw encoders, evaluation points
and so on as they do by default, highest rates evenly from 200 to 400 Hz, intercepts from -1 to 0.9, and solve with L2 of 0.1.
Eliasmith & Anderson 2003, Neural Engineering (MIT Press).  Nothing here imports a simulator; ms.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

from work import Work

#: synapses, ms: forward, recurrent, of the probes
FAST, SLOW, PROBE = 5.0, 100.0, 10.0
RADIUS = {"lorenz": 35.0}
#: the flow is followed for so long, ms
AHEAD = 100.0
#: no judgement at the beginning, ms
SETTLE = 300.0
RHO, SIGMA, BETA = 28.0, 10.0, 8.0 / 3.0


@dataclass(frozen=True)
class Coding(Work):
    """A network of ensembles.

    Attributes:
        ensembles: number of ensembles, which share the n neurons evenly.
        d: dimensions of each.
        worst: RMS error above which a simulator has done something else.
        again: whether it is built again for each run, with another seed; else once.
        aims: times as fast to build, times as fast to run, times less memory, than Nengo.
    """

    ensembles: int = 1
    d: int = 1
    worst: float = 1.0
    again: bool = True
    aims: tuple[float, float, float] = (5.0, 10.0, 10.0)

    @property
    def size(self) -> int:
        """Dimensions of input and output."""
        return self.d * self.ensembles if self.model == "array" else self.d

    @property
    def each(self) -> int:
        """Neurons of an ensemble."""
        return self.n // self.ensembles


def _coding(name: str, model: str, n: int, worst: float, ensembles: int = 1, d: int = 1) -> Coding:
    return Coding(name, model, n, 1.0, 5000.0, 0.0, 0.0, None, 0.0, ensembles, d, worst, n <= 2_000 or ensembles > 2)


CODINGS = {
    w.name: w for w in (
        _coding("channel_2k", "channel", 2_000, 0.013, 2), _coding("channel_10k", "channel", 10_000, 0.012, 2),
        _coding("integrator_2k", "integrator", 2_000, 0.02), _coding("integrator_10k", "integrator", 10_000, 0.01),
        _coding("lorenz_2k", "lorenz", 2_000, 1.0, d=3), _coding("lorenz_10k", "lorenz", 10_000, 0.7, d=3),
        _coding("array", "array", 10_000, 0.03, 100),
    )
}


def quick(work: Coding) -> Coding:
    """Return a smaller and shorter network."""
    few = {2_000: 1_000, 10_000: 2_500}[work.n]
    if work.ensembles > 2:
        few = 2_000
        work = replace(work, ensembles=20)
    return replace(work, n=few, duration=2000.0, worst=3 * work.worst, again=True)


@cache
def signal(work: Coding):
    """Return the input, (steps, size)."""
    import numpy as np

    t = np.arange(work.steps) * work.dt / 1000
    if work.model == "channel":
        return 0.45 * (np.sin(2 * np.pi * t) + np.sin(2 * np.pi * 2.3 * t + 1.0))[:, None]
    if work.model == "array":
        k = np.arange(work.size)
        return 0.9 * np.sin(2 * np.pi * (0.5 + 1.5 * k / work.size) * t[:, None] + k)
    out = np.zeros((work.steps, work.size))
    if work.model == "integrator":
        # up, held, down, held
        for start, stop, height in ((0.1, 0.2, 8.0), (0.4, 0.6, -8.0), (0.8, 0.9, 8.0)):
            out[round(start * work.steps):round(stop * work.steps)] = height / (work.duration / 1000)
    else:
        out[:round(100 / work.dt)] = 5.0, 5.0, -10.0
    return out


def lorenz(x):
    """Return dx/dt in 1/s, z less 28; x: (..., 3)."""
    import numpy as np

    u, v, w = x[..., 0], x[..., 1], x[..., 2]
    return np.stack([SIGMA * (v - u), -u * w - v, u * v - BETA * (w + RHO)], axis=-1)


def feedback(x):
    """Return f' = tau f(x) + x of the Lorenz system, for the recurrent connection."""
    return SLOW / 1000 * lorenz(x) + x


def filtered(values, tau: float, dt: float):
    """Return values behind a first-order filter (zero-order hold), after each step."""
    import numpy as np

    keep = np.exp(-dt / tau)
    out = np.empty_like(values)
    state = np.zeros(values.shape[1])
    for k, u in enumerate(values):
        state = keep * state + (1 - keep) * u
        out[k] = state
    return out


def delayed(values):
    """Return values one step later: what a filter has at the beginning of the step."""
    import numpy as np

    return np.concatenate([np.zeros_like(values[:1]), values[:-1]])


@cache
def ideal(work: Coding):
    """Return the output of perfect neurons, (steps, size)."""
    import numpy as np

    u = signal(work)
    if work.model == "integrator":
        # through an exponential synapse with 1 for feedback: s += (1 - e^{-dt/tau}) tau u
        x = np.cumsum(-np.expm1(-work.dt / SLOW) * SLOW / 1000 * u, axis=0)
        return delayed(filtered(delayed(x), PROBE, work.dt))
    for _ in range(2 if work.model == "channel" else 1):
        u = delayed(filtered(u, FAST, work.dt))
    return delayed(filtered(u, PROBE, work.dt))


def error(work: Coding, output) -> float:
    """Return the RMS error of a decoded output (steps, size): against the ideal, or of a chaotic system against its flow.

    Row k is the value before step k.
    """
    import numpy as np

    output = np.asarray(output, float)
    if output.shape != (work.steps, work.size) or not np.isfinite(output).all():
        raise SystemExit(f"The output has shape {output.shape}, not {(work.steps, work.size)}, or is not finite.")
    first = round(SETTLE / work.dt)
    if work.model != "lorenz":
        return float(np.sqrt(np.mean((output - ideal(work))[first:] ** 2)))
    n, rounds = round(AHEAD / work.dt), 40
    x, h = output[first:-n], AHEAD / 1000 / rounds
    for _ in range(rounds):
        k1 = lorenz(x)
        k2 = lorenz(x + h / 2 * k1)
        k3 = lorenz(x + h / 2 * k2)
        x = x + h / 6 * (k1 + 2 * k2 + 2 * k3 + lorenz(x + h * k3))
    return float(np.sqrt(np.mean((output[first + n:] - x) ** 2)))
