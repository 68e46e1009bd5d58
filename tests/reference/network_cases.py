"""The networks that are held against Brian2 and NEST, described once for all sides as plain arrays.

A `Case` holds every connection with its weight and delay, every spike from outside and every initial potential: nothing is
left to a random generator of a simulator.  `run_neurosim` runs it here; brian2_networks.py and nest_networks.py run it in
the language of the peer, in a process of their own (`run_peer`), and need no neurosim.

Units: ms, mV, nA, nF, uS, MOhm.  What differs between the simulators, and where it is put right:

    label of a spike     in the step from t to t + dt: Brian2 says t, neurosim and NEST t + dt            brian2_networks
    refractory period    Brian2 integrates again from t + t_ref on, the others from t + dt + t_ref on     brian2_networks
    kicks of v while held    lost in neurosim and NEST; Brian2 needs a mask                               brian2_networks
    threshold            NEST's iaf_psc_delta tests after the kicks at the end of a step, neurosim
                         before those of the next one: an exact change of variables makes them one        nest_networks
    plastic synapses     Brian2: the delay lies before the synapse; NEST: behind it (dendritic)           Rule.dendritic
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
#: programs that run the cases, by peer, and the variables of the environment that name their Python
PEERS = {"brian2": ("brian2_networks.py", "NEUROSIM_BRIAN2_PYTHON", "brian2"),
         "nest": ("nest_networks.py", "NEUROSIM_NEST_PYTHON", "nest")}


@dataclass(frozen=True)
class Cells:
    """Neurons of one population, "lif" or "traub_miles": parameters, constant current (nA) and initial v (mV) of each."""

    name: str
    size: int
    parameters: dict[str, float]
    current: np.ndarray
    v0: np.ndarray
    model: str = "lif"


@dataclass(frozen=True)
class Source:
    """Neurons that fire in given steps: the k-th spike is that of neurons[k] in the step that ends at (steps[k] + 1) dt."""

    name: str
    size: int
    steps: np.ndarray
    neurons: np.ndarray


@dataclass(frozen=True)
class Synapse:
    """Kind ("delta", "exponential", "alpha", "double_exponential", "gap"), time constants, reversal potential or None.

    The weight is the peak of a response: mV (delta), nA, or uS with a reversal potential.
    """

    kind: str
    tau: tuple[float, ...] = ()
    e_rev: float | None = None


@dataclass(frozen=True)
class Rule:
    """Plasticity by name: "stdp", "stdp_sent_after", "triplet", "inhibitory", "short_term", "depression".

    Attributes:
        parameters: as the built-in rule of neurosim has them.
        dendritic: whether the delay lies behind the synapse (NEST) and not before it (Brian2).
    """

    kind: str
    parameters: dict[str, float]
    dendritic: bool = False


@dataclass(frozen=True)
class Wires:
    """Connections: pre[k] of `source` to post[k] of `target`, weight[k], delay[k] in ms."""

    name: str
    source: str
    target: str
    pre: np.ndarray
    post: np.ndarray
    weight: np.ndarray
    delay: np.ndarray
    synapse: Synapse
    rule: Rule | None = None


@dataclass(frozen=True)
class Case:
    """One run.

    Attributes:
        methods: integrator of neurosim by peer: the one that the peer has too, or one whose error can be neglected.
        shown: number of neurons of each population whose v is recorded; every: interval in ms.
        number: which `variant` it is.
    """

    name: str
    dt: float
    duration: float
    cells: tuple[Cells, ...]
    sources: tuple[Source, ...]
    wires: tuple[Wires, ...]
    methods: dict[str, str]
    shown: int = 3
    every: float = 2.0
    number: int = 0

    @property
    def steps(self) -> int:
        """Number of steps."""
        return round(self.duration / self.dt)

    def onto(self, target: str) -> list[Wires]:
        """Return the connections onto a population."""
        return [w for w in self.wires if w.target == target]

    def digest(self) -> str:
        """Return a hash of all that the case holds: a stored run is stale if it was made from another one."""
        state = hashlib.sha256(repr((self.dt, self.duration, self.shown, self.every)).encode())
        for part in (*self.cells, *self.sources, *self.wires):
            for name, value in vars(part).items():
                state.update(name.encode())
                state.update(value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode())
        return state.hexdigest()


@dataclass(frozen=True)
class Run:
    """What a simulator gave.

    Attributes:
        spikes: (times, neurons) by population, times being ends of steps in ms, ordered by time and neuron.
        traces: v by population, shape (n_times, shown), at 0, every, 2 every ...
        weights: of the plastic connections by name, at the end, ordered by source and target.
    """

    spikes: dict[str, tuple[np.ndarray, np.ndarray]]
    traces: dict[str, np.ndarray]
    weights: dict[str, np.ndarray] = field(default_factory=dict)

    def flat(self) -> dict[str, np.ndarray]:
        """Return the run as arrays by name, for npz."""
        out = {f"traces/{k}": v for k, v in self.traces.items()} | {f"weights/{k}": v for k, v in self.weights.items()}
        for name, (times, neurons) in self.spikes.items():
            out |= {f"times/{name}": times, f"neurons/{name}": np.asarray(neurons, np.int32)}
        return out

    @classmethod
    def of(cls, flat) -> Run:
        """Return a run from arrays by name, as `flat` gives them."""
        part = {kind: {k.split("/")[-1]: flat[k] for k in flat if k.startswith(f"{kind}/")}
                for kind in ("times", "neurons", "traces", "weights")}
        return cls({k: (t, part["neurons"][k]) for k, t in part["times"].items()}, part["traces"], part["weights"])


def ordered(times, neurons, dt: float, duration: float) -> tuple[np.ndarray, np.ndarray]:
    """Return spikes in the form of `Run`: on the grid of dt, none after the end."""
    steps, neurons = np.rint(np.asarray(times) / dt).astype(np.int64), np.asarray(neurons, np.int32)
    keep = (steps > 0) & (steps <= round(duration / dt))
    order = np.lexsort((neurons[keep], steps[keep]))
    return steps[keep][order] * dt, neurons[keep][order]


# -- drawing: numbers of our own, which no version of NumPy changes -----------------------------------------------

def uniform(seed: int, n: int) -> np.ndarray:
    """Return n numbers in [0, 1) by SplitMix64 (Steele, Lea & Flood 2014, doi:10.1145/2660193.2660195)."""
    with np.errstate(over="ignore"):
        z = np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z += np.uint64(seed) * np.uint64(0xD1B54A32D192ED03)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return (z >> np.uint64(11)).astype(float) * 2.0**-53


def between(seed: int, n: int, low: float, high: float) -> np.ndarray:
    """Return n numbers in [low, high) on a grid of 2**-20 of the range."""
    return low + (high - low) * np.floor(uniform(seed, n) * 2**20) / 2**20


def pairs(seed: int, n_pre: int, n_post: int, p: float) -> tuple[np.ndarray, np.ndarray]:
    """Return connections with probability p, ordered by source."""
    pre, post = np.nonzero(uniform(seed, n_pre * n_post).reshape(n_pre, n_post) < p)
    return pre.astype(np.int32), post.astype(np.int32)


def poisson(seed: int, name: str, n: int, rate: float, dt: float, duration: float, last: bool = False) -> Source:
    """Return sources that fire at `rate` Hz from the third step on; last: all of them in the last step as well."""
    steps, neurons = np.nonzero(uniform(seed, round(duration / dt) * n).reshape(-1, n) < rate * dt / 1000)
    if last:
        inside = steps < round(duration / dt) - 1
        steps = np.r_[steps[inside], np.full(n, round(duration / dt) - 1)]
        neurons = np.r_[neurons[inside], np.arange(n)]
    keep = steps > 1
    return Source(name, n, steps[keep].astype(np.int32), neurons[keep].astype(np.int32))


def wires(seed: int, source: Cells | Source, target: Cells, p: float, weight, delay, synapse: Synapse, rule: Rule | None = None,
          dt: float = 0.1) -> Wires:
    """Return random connections; weight and delay: a number, or (low, high) for one of each connection; delays on the grid."""
    pre, post = pairs(seed, source.size, target.size, p)
    weight = between(seed + 1, len(pre), *weight) if isinstance(weight, tuple) else np.full(len(pre), weight)
    delay = between(seed + 2, len(pre), *delay) if isinstance(delay, tuple) else np.full(len(pre), delay)
    return Wires(f"{source.name}_{target.name}", source.name, target.name, pre, post, weight,
                 np.maximum(np.rint(delay / dt), 1) * dt, synapse, rule)


def variant(case: Case, number: int) -> Case:
    """Return the case with its targets, its spikes from outside and its initial potentials dealt out otherwise."""
    sizes = {p.name: p.size for p in (*case.cells, *case.sources)}
    cells = tuple(replace(c, v0=np.roll(c.v0, 3 * number), current=np.roll(c.current, 5 * number)) for c in case.cells)
    sources = tuple(replace(s, neurons=(s.neurons + 7 * number) % np.int32(s.size)) for s in case.sources)
    moved = tuple(replace(w, post=(w.post + (k + 2) * number) % np.int32(sizes[w.target])) for k, w in enumerate(case.wires))
    return replace(case, cells=cells, sources=sources, wires=moved, number=number)


def lif(seed: int, name: str, size: int, v0: tuple[float, float], current=0.0, **parameters: float) -> Cells:
    """Return leaky neurons; current: nA, a number or (low, high)."""
    current = between(seed + 1, size, *current) if isinstance(current, tuple) else np.full(size, current)
    return Cells(name, size, parameters, current, between(seed, size, *v0))


# -- here ---------------------------------------------------------------------------------------------------------

#: STDP in the order of NEST's stdp_synapse: the weight is sent after depression
_SENT_AFTER = dict(equations="dx/dt = -x/tau_plus : 1\ndy/dt = -y/tau_minus : 1",
                   on_pre="w -= lam*alpha*w*y; send(w); x += 1", on_post="w += lam*(w_max - w)*x; y += 1",
                   units={"tau_plus": "ms", "tau_minus": "ms", "lam": "1", "alpha": "1"})


def _plasticity(rule: Rule):
    import neurosim as ns

    if rule.kind == "stdp_sent_after":
        return ns.PlasticityModel.from_equations(**_SENT_AFTER, parameters=rule.parameters, name=rule.kind)
    made = {"stdp": ns.STDP, "triplet": ns.TripletSTDP, "inhibitory": ns.InhibitorySTDP, "short_term": ns.ShortTerm,
            "depression": lambda **p: ns.ShortTerm(facilitation=False, **p)}
    return made[rule.kind](**rule.parameters)


def _synapse(synapse: Synapse, weight):
    import neurosim as ns

    if synapse.kind == "delta":
        return ns.Delta(weight)
    made = {"exponential": ns.Exponential, "alpha": ns.Alpha, "double_exponential": ns.DoubleExponential}[synapse.kind]
    return made(weight, *synapse.tau, e_rev=synapse.e_rev)


def _single(values: np.ndarray):
    """Return one number for equal values: the other path of the engine."""
    return float(values[0]) if len(values) and np.all(values == values[0]) else values


def run_neurosim(case: Case, peer: str, threads: int = 1, **options) -> Run:
    """Run a case with the method that suits a peer."""
    import neurosim as ns

    populations, stimuli, projections = {}, [], []
    for c in case.cells:
        model = {"lif": ns.LIF, "traub_miles": ns.TraubMiles}[c.model](**c.parameters)
        populations[c.name] = cells = ns.Population(c.size, model, name=c.name, initial={"v": c.v0})
        if np.any(c.current):
            stimuli.append(ns.DC(c.current, target=cells))
    relay = ns.NeuronModel.from_equations("dx/dt = -x/tau : 1", threshold="x > 0.5", reset="x = 0", parameters={"tau": 1.0},
                                          name="relay")
    for s in case.sources:
        populations[s.name] = cells = ns.Population(s.size, relay, name=s.name)
        stimuli.append(ns.SpikeInput(times=s.steps * case.dt, neurons=s.neurons, weight=1.0, target=cells))
    for w in case.wires:
        ends, rule = (populations[w.source], populations[w.target]), ns.Explicit(w.pre, w.post)
        if w.synapse.kind == "gap":
            projections.append(ns.GapJunctions(*ends, rule, w.weight, name=w.name))
            continue
        delay = _single(w.delay)
        more = {}
        if w.rule is not None:
            more = {"plasticity": _plasticity(w.rule), "dendritic_delay": delay if w.rule.dendritic else 0.0}
        projections.append(ns.Projection(*ends, rule, _synapse(w.synapse, _single(w.weight)), delay=delay, name=w.name, **more))
    probes = [ns.Probe(populations[c.name], "v", neurons=range(min(case.shown, c.size)), every=case.every, name=c.name)
              for c in case.cells]
    network = ns.Network(populations.values(), projections=projections, stimuli=stimuli, probes=probes)
    methods = {c.name: case.methods[peer] for c in case.cells}
    result = ns.simulate(network, case.duration, case.dt, threads=threads, method=methods, **options)
    weights = {}
    for w in case.wires:
        if w.rule is not None:
            c = result.connections[w.name]
            weights[w.name] = np.broadcast_to(c.weight, c.pre.shape)[np.lexsort((c.post, c.pre))]
    return Run({n: ordered(s.times, s.indices, case.dt, case.duration) for n, s in result.spikes.items()},
               {c.name: result.traces[c.name].values for c in case.cells}, weights)


# -- there --------------------------------------------------------------------------------------------------------

@cache
def peer_python(peer: str) -> str | None:
    """Return the Python that has a peer: that of its variable in the environment, else this one; None if it has not."""
    _, variable, package = PEERS[peer]
    python = os.environ.get(variable, sys.executable)
    found = subprocess.run([python, "-c", f"import importlib.util as u; raise SystemExit(u.find_spec('{package}') is None)"],
                           check=False, capture_output=True)
    return python if found.returncode == 0 else None


def call_peer(peer: str, *arguments: str) -> dict[str, np.ndarray]:
    """Run the program of a peer in its Python and return the arrays that it writes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "run.npz")
        done = subprocess.run([peer_python(peer), str(HERE / PEERS[peer][0]), str(path), *arguments], cwd=folder, check=False,
                              capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{peer} failed on {' '.join(arguments)}:\n{done.stderr[-4000:]}")
        with np.load(path) as flat:
            return {k: flat[k] for k in flat}


def run_peer(case: Case, peer: str) -> Run:
    """Run a case of `network_catalogue`, or a variant of one, in a peer."""
    return Run.of(call_peer(peer, "case", case.name, str(case.number)))


# -- stored ------------------------------------------------------------------------------------------------------

STORE = HERE.parents[1] / "data" / "reference"


def file_of(peer: str, what: str = "networks") -> Path:
    """Return the file with the stored runs of a peer."""
    return STORE / f"{what}_{peer}.h5"


def read_stored(case: Case, peer: str) -> tuple[Run, str]:
    """Return (run, digest of the case it was made from)."""
    import h5py

    with h5py.File(file_of(peer), "r") as file:
        group = file[case.name]
        spikes = {n: (np.cumsum(d["steps"][...], dtype=np.int64) * case.dt, d["neurons"][...].astype(np.int32))
                  for n, d in group["spikes"].items()}
        traces, weights = ({n: d[...] for n, d in group[k].items()} if k in group else {} for k in ("traces", "weights"))
        return Run(spikes, traces, weights), group.attrs["digest"]


# -- comparing ----------------------------------------------------------------------------------------------------

def agree_until(one: Run, two: Run, dt: float, duration: float, slack: int = 0) -> float:
    """Return the time in ms before which all spikes are the same: `duration` if all are.

    slack: number of steps by which a spike may be moved.
    """
    first = duration
    for name in one.spikes.keys() & two.spikes.keys():
        a, b = ([np.rint(r.spikes[name][0] / dt).astype(np.int64), r.spikes[name][1]] for r in (one, two))
        for neuron in np.union1d(a[1], b[1]):
            x, y = a[0][a[1] == neuron], b[0][b[1] == neuron]
            n = min(len(x), len(y))
            wrong = np.flatnonzero(np.abs(x[:n] - y[:n]) > slack)
            if len(wrong):
                first = min(first, min(x[wrong[0]], y[wrong[0]]) * dt)
            elif len(x) != len(y):
                rest = np.r_[x[n:], y[n:]][0]
                # a spike moved over the end of the run is no disagreement
                first = min(first, rest * dt) if rest <= round(duration / dt) - slack else first
    return float(first)


def gap(one: dict[str, np.ndarray], two: dict[str, np.ndarray], rows: int | None = None) -> float:
    """Return the largest difference between arrays of equal names, in their first rows."""
    assert one.keys() == two.keys()
    for name in one:
        assert one[name].shape == two[name].shape, name
    return max((float(np.max(np.abs(one[n][:rows] - two[n][:rows]))) for n in one if one[n].size), default=0.0)
