"""The networks that every simulator is given to run, what must come out, and how a run is counted.

    cuba           4,000 LIF neurons, exponential currents (Brette et al. 2007, benchmark 2)
    coba           the same with conductances (benchmark 1) and 200 pA, without which so small a network falls silent at times
    cobahh         4,000 Traub-Miles neurons with conductances (benchmark 3)
    cobahh20k      20,000 of them, each with 80 inputs as before
    brunel         12,500 LIF neurons, 1,250 inputs each of 0.1 mV, g 5, eta 2 (Brunel 2000, model A)
    stdp           5,000 such neurons, 500 inputs each, excitatory synapses onto excitatory cells learn by pairs of spikes
    microcircuit   77,169 LIF neurons, 0.3 billion synapses (Potjans & Diesmann 2014)

Sources: doi:10.1007/s10827-007-0038-6, doi:10.1023/A:1008925309027, doi:10.1093/cercor/bhs358.  Nothing here imports a
simulator; ms, mV, pA, nS, pF unless said.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from work import Work

#: currents are in mV over the leak conductance; every spike travels one step, the shortest delay of NEST and ANNarchy
CUBA = {"inputs": 80, "tau": 20.0, "tau_e": 5.0, "tau_i": 10.0, "e_l": -49.0, "v_th": -50.0, "v_reset": -60.0, "w_e": 1.62,
        "w_i": -9.0, "t_ref": 5.0, "c": 200.0, "g_l": 10.0, "delay": 0.1}
COBA = {"inputs": 80, "tau": 20.0, "tau_e": 5.0, "tau_i": 10.0, "e_l": -60.0, "v_th": -50.0, "v_reset": -60.0, "e_e": 0.0,
        "e_i": -80.0, "w_e": 6.0, "w_i": 67.0, "t_ref": 5.0, "c": 200.0, "g_l": 10.0, "drive": 200.0, "delay": 0.1}
COBAHH = {"inputs": 80, "c": 200.0, "g_l": 10.0, "g_na": 20_000.0, "g_k": 6_000.0, "e_l": -60.0, "e_na": 50.0, "e_k": -90.0,
          "v_t": -63.0, "tau_e": 5.0, "tau_i": 10.0, "e_e": 0.0, "e_i": -80.0, "w_e": 6.0, "w_i": 67.0, "level": -20.0,
          "t_ref": 3.0, "delay": 0.1}
#: v from rest; `rate` in Hz is that of the external Poisson spikes of a neuron, all of them together
BRUNEL = {"in_e": 1000, "in_i": 250, "tau": 20.0, "v_th": 20.0, "v_reset": 10.0, "t_ref": 2.0, "j": 0.1, "g": 5.0,
          "rate": 20_000.0, "delay": 1.5}
#: depression by lambda alpha w per pair, potentiation by lambda (w_max - w)
STDP = {"in_e": 400, "in_i": 100, "tau": 20.0, "v_th": 20.0, "v_reset": 10.0, "t_ref": 2.0, "j": 0.25, "g": 5.0,
        "rate": 4_800.0, "delay": 1.5, "lam": 0.01, "alpha": 1.0, "w_max": 0.5, "tau_plus": 20.0, "tau_minus": 20.0}
#: rates in Hz are those of the full network, by which a smaller one is corrected; rows of `p` are targets
MICRO = {
    "names": ("L23E", "L23I", "L4E", "L4I", "L5E", "L5I", "L6E", "L6I"),
    "sizes": (20_683, 5_834, 21_915, 5_479, 4_850, 1_065, 14_395, 2_948),
    "external": (1600, 1500, 2100, 1900, 2000, 1900, 2900, 2100),
    "rates": (0.903, 2.965, 4.414, 5.876, 7.569, 8.633, 1.105, 7.829),
    "p": ((0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0, 0.0076, 0.0),
          (0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0, 0.0042, 0.0),
          (0.0077, 0.0059, 0.0497, 0.1350, 0.0067, 0.0003, 0.0453, 0.0),
          (0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0, 0.1057, 0.0),
          (0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0),
          (0.0548, 0.0269, 0.0257, 0.0022, 0.0600, 0.3158, 0.0086, 0.0),
          (0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252),
          (0.0364, 0.0010, 0.0034, 0.0005, 0.0277, 0.0080, 0.0658, 0.1443)),
    "c": 250.0, "tau": 10.0, "tau_syn": 0.5, "t_ref": 2.0, "e_l": -65.0, "v_th": -50.0, "v_reset": -65.0, "psp": 0.15,
    "g": -4.0, "w_sd": 0.1, "background": 8.0, "delay_e": 1.5, "delay_i": 0.75, "delay_sd": 0.5, "v0": -58.0, "v0_sd": 10.0,
}
#: intervals that a neuron needs for its CV to count
INTERVALS = 3
#: part of a run left out of the CV
SETTLING = 0.1


@dataclass(frozen=True)
class Net(Work):
    """A network as a piece of work.

    Attributes:
        groups: number of neurons of each group, in the order of their numbers.
        names: their names.
        out_degree: expected number of synapses of a neuron of each group.
        cv, cv_tolerance: mean CV of the intervals that must come out, and by how much it may differ (not relative); None where
            only agreement is asked for.
        constants: parameters by name.
        scale: part of the neurons and of their inputs (microcircuit).
        aims: (peer or "" for any, threads, times as fast).
    """

    groups: tuple[int, ...] = ()
    names: tuple[str, ...] = ("E", "I")
    out_degree: tuple[float, ...] = ()
    cv: float | None = None
    cv_tolerance: float = 0.1
    constants: dict[str, Any] = field(default_factory=dict, compare=False)
    scale: float = 1.0
    aims: tuple[tuple[str, int, float], ...] = ()

    @property
    def synapses(self) -> int:
        """Expected number of synapses."""
        return round(sum(n * k for n, k in zip(self.groups, self.out_degree)))

    @property
    def n_exc(self) -> int:
        """Number of excitatory neurons, which come first."""
        return self.groups[0]


# -- the microcircuit at any scale --------------------------------------------------------------------------------

@dataclass(frozen=True)
class Circuit:
    """The microcircuit at a scale.

    In-degrees shrink with the number of neurons.  Then weights grow by 1/sqrt(scale) and a constant current makes up for
    the mean input, so that mean and variance of the input stay (van Albada, Helias & Diesmann 2015,
    doi:10.1371/journal.pcbi.1004490).

    Attributes:
        sizes: neurons of each population.
        numbers[target][source]: synapses, drawn independently of each other (pairs may repeat).
        weights[target][source]: mean in pA; the standard deviation is `sd` of it, and none changes its sign.
        delays[source]: mean in ms; standard deviation `delay_sd` of it, at least one step.
        rates: Hz of the Poisson input of each population, weight `w_ext` pA.
        current: pA of constant input of each population.
    """

    sizes: tuple[int, ...]
    numbers: tuple[tuple[int, ...], ...]
    weights: tuple[tuple[float, ...], ...]
    delays: tuple[float, ...]
    rates: tuple[float, ...]
    current: tuple[float, ...]
    w_ext: float


def circuit(scale: float) -> Circuit:
    """Return the microcircuit with `scale` of the neurons and of the inputs of each."""
    q, kinds = MICRO, range(8)
    full = q["sizes"]
    sizes = tuple(round(n * scale) for n in full)
    # peak of the potential for a current of 1 pA that decays exponentially
    tm, ts = q["tau"], q["tau_syn"]
    ratio = tm / ts
    peak = tm * ts / (q["c"] * (tm - ts)) * (ratio ** (-ts / (tm - ts)) - ratio ** (-tm / (tm - ts)))
    exc = q["psp"] / peak
    weights = [[exc * (1.0 if s % 2 == 0 else q["g"]) for s in kinds] for _ in kinds]
    weights[0][2] *= 2.0
    # number of synapses for which a pair has at least one with the probability of the table
    numbers = [[math.log1p(-q["p"][t][s]) / math.log1p(-1.0 / (full[t] * full[s])) for s in kinds] for t in kinds]
    growth = 1.0 / math.sqrt(scale)
    current = []
    for t in kinds:
        mean = sum(numbers[t][s] / full[t] * weights[t][s] * q["rates"][s] for s in kinds)
        mean += q["external"][t] * exc * q["background"]
        current.append(ts * 1e-3 * (1.0 - math.sqrt(scale)) * mean)
    return Circuit(sizes=sizes,
                   numbers=tuple(tuple(round(numbers[t][s] / full[t] * scale * sizes[t]) for s in kinds) for t in kinds),
                   weights=tuple(tuple(w * growth for w in row) for row in weights),
                   delays=tuple(q["delay_e"] if s % 2 == 0 else q["delay_i"] for s in kinds),
                   rates=tuple(k * q["background"] * scale for k in q["external"]),
                   current=tuple(current), w_ext=exc * growth)


def microcircuit(scale: float, duration: float, **more: Any) -> Net:
    """Return the microcircuit as a piece of work."""
    c = circuit(scale)
    return Net("microcircuit", "microcircuit", sum(c.sizes), 0.1, duration, 0.0, 0.0, groups=c.sizes, names=MICRO["names"],
               out_degree=tuple(sum(row[s] for row in c.numbers) / c.sizes[s] for s in range(8)), constants=MICRO, scale=scale,
               **more)


# -- the list -----------------------------------------------------------------------------------------------------

def _two(name: str, n: int, out_degree: float, constants: dict[str, Any], rate: float | None, tolerance: float,
         cv: float | None, cv_tolerance: float = 0.1, duration: float = 1000.0, model: str = "", aims: tuple = ()) -> Net:
    return Net(name, model or name, n, 0.1, duration, 0.0, 0.0, rate, tolerance, groups=(n * 4 // 5, n // 5),
               out_degree=(out_degree, out_degree), cv=cv, cv_tolerance=cv_tolerance, constants=constants, aims=aims)


#: rates and CVs are means over simulators and seeds, the tolerances at least four standard deviations between seeds (README.md)
NETWORKS: dict[str, Net] = {w.name: w for w in (
    _two("cuba", 4_000, 80.0, CUBA, 5.6, 0.18, 0.52, 0.06, aims=(("", 1, 1.5),)),
    _two("coba", 4_000, 80.0, COBA, 21.0, 0.25, 1.58, 0.15, aims=(("", 1, 2.5),)),
    _two("cobahh", 4_000, 80.0, COBAHH, 35.8, 0.27, 1.95, 0.2),
    _two("cobahh20k", 20_000, 80.0, COBAHH, 36.8, 0.12, 2.0, 0.15, model="cobahh",
         aims=(("brian2", 1, 6.0), ("brainpy", 2, 3.0))),
    _two("brunel", 12_500, 1_250.0, BRUNEL, 37.15, 0.02, 0.397, 0.015, aims=(("", 1, 4.0),)),
    _two("stdp", 5_000, 500.0, STDP, 17.2, 0.12, 0.69, 0.03, aims=(("", 1, 3.5),)),
    # the rate is that of the references, which leave out the first 0.5 s
    microcircuit(1.0, 1000.0, rate=3.24, tolerance=0.15, cv_tolerance=0.1),
)}
#: a network of 4,000 neurons for 20 ms as a whole process: from the start of Python to the first spikes and the end
FIRST = _two("first_spike", 4_000, 80.0, CUBA, None, 0.3, None, duration=20.0, model="cuba")


def quick(work: Net) -> Net:
    """Return a shorter run of a network; its rate is compared between simulators only."""
    from dataclasses import replace

    if work.model == "microcircuit":
        return microcircuit(0.1, 300.0, rate=None, tolerance=0.25, cv_tolerance=0.2)
    duration = 200.0 if work.name == "cobahh20k" else 300.0
    return replace(work, duration=duration, rate=None, tolerance=2 * work.tolerance, cv=None,
                   cv_tolerance=2 * work.cv_tolerance)


# -- counting and connecting --------------------------------------------------------------------------------------

def counted(work: Work, neurons, times) -> dict[str, Any]:
    """Return what a run did: spikes, mean rate, rates of the groups, mean CV of the intervals, synaptic events.

    Args:
        neurons: number of the neuron of each spike, in 0..work.n-1.
        times: of the spikes in ms, from 0 to the duration, in any order.

    A synaptic event is a spike times the synapses that it reaches, the expected number of its group.
    """
    import numpy as np

    neurons, times = np.asarray(neurons, dtype=np.int64), np.asarray(times, dtype=float)
    counts = np.bincount(neurons, minlength=work.n)
    out: dict[str, Any] = {"spikes": int(neurons.size)}
    first = times[times > 0]
    out["first_ms"] = float(first.min()) if first.size else None
    if not isinstance(work, Net):
        return out
    ends = np.concatenate([[0], np.cumsum(work.groups)])
    spikes = [int(counts[a:b].sum()) for a, b in zip(ends, ends[1:])]
    out["events"] = float(sum(s * k for s, k in zip(spikes, work.out_degree)))
    out["rates"] = {name: s / n / (work.duration / 1000) for name, s, n in zip(work.names, spikes, work.groups)}
    kept = times > SETTLING * work.duration
    neurons, times = neurons[kept], times[kept]
    order = np.lexsort((times, neurons))
    neurons, times = neurons[order], times[order]
    own = neurons[1:][np.diff(neurons) == 0]
    gaps = np.diff(times)[np.diff(neurons) == 0]
    n = np.bincount(own, minlength=work.n)
    enough = n >= INTERVALS
    if enough.any():
        mean = np.bincount(own, weights=gaps, minlength=work.n)[enough] / n[enough]
        square = np.bincount(own, weights=gaps**2, minlength=work.n)[enough] / n[enough]
        out["cv"] = float(np.mean(np.sqrt(np.maximum(square - mean**2, 0.0)) / mean))
    return out


def by_source(pre, post, *values):
    """Return connections sorted by source, and within a source by target where they were."""
    import numpy as np

    # numbers of 16 bits are sorted by radix
    order = np.argsort(pre.astype(np.uint16) if pre.size and pre.max() < 2**16 else pre, kind="stable")
    return tuple(x[order] for x in (pre, post, *values))


def in_degree(rng, n_pre: int, n_post: int, k: int):
    """Return (sources, targets) in which every target has k different sources, sorted by source."""
    import numpy as np

    sources = np.empty((n_post, k), dtype=np.int32)
    for start in range(0, n_post, 256):
        rows = sources[start:start + 256]
        keys = rng.random((len(rows), n_pre), dtype=np.float32)
        rows[:] = np.argpartition(keys, k, axis=1)[:, :k] if k < n_pre else np.arange(n_pre)
    return by_source(sources.ravel(), np.repeat(np.arange(n_post, dtype=np.int32), k))


def circuit_synapses(rng, c: Circuit, dt: float):
    """Return (sources, targets, weights in pA, delays in ms) of the microcircuit, sorted by source."""
    import numpy as np

    ends = np.concatenate([[0], np.cumsum(c.sizes)])
    parts = []
    for t in range(8):
        for s in range(8):
            n, mean, delay = c.numbers[t][s], c.weights[t][s], c.delays[s]
            weight = rng.normal(mean, abs(mean) * MICRO["w_sd"], n)
            weight = np.maximum(weight, 0.0) if mean > 0 else np.minimum(weight, 0.0)
            delays = rng.normal(delay, delay * MICRO["delay_sd"], n)
            while (low := delays < dt / 2).any():
                delays[low] = rng.normal(delay, delay * MICRO["delay_sd"], int(low.sum()))
            parts.append((rng.integers(ends[s], ends[s + 1], n, dtype=np.int32),
                          rng.integers(ends[t], ends[t + 1], n, dtype=np.int32), weight,
                          np.maximum(np.rint(delays / dt), 1.0) * dt))
    return by_source(*(np.concatenate(x) for x in zip(*parts)))
