"""How the networks that are held against Nengo are described, once for both sides, as plain arrays.

A `Case` holds every encoder, gain, bias, evaluation point and input: nothing is left to a random generator of a simulator.
`nengo_side.py` builds and runs it in Nengo, in a process of its own (`run_nengo`) that needs no neurosim;
`nengo_ours.py` builds the same network with the descriptions of `neurosim.nef`.

Units: ms, Hz.  The steps are the same on both sides (the input of step k acts in step k, whatever time it has):

    x_k = sum of filters at k + unfiltered inputs at k,  J_k = gain <e, x_k>/radius + bias,  a_k: 1/dt for a spike in step k
    s_{k+1} = A s_k + B u_k,  u_k = D a_k or the value of a node at k             (zero-order hold)

Row k of an output is s_k of the filter of the probe, before step k.  `ideal` makes the same steps with f(x) in place of
neurons.
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
from network_cases import STORE, uniform

HERE = Path(__file__).resolve().parent
FILE = STORE / "nengo.h5"
TAU_M, T_REF = 20.0, 2.0
#: draws and values are put on this grid, so that the rounding of a mathematical library does not change a case
GRID = 2.0**20


@dataclass(frozen=True)
class Group:
    """LIF neurons that stand for a vector: encoders (n, d) of length 1, gain and bias (n,), points (m, d) to decode at."""

    name: str
    encoders: np.ndarray
    gain: np.ndarray
    bias: np.ndarray
    points: np.ndarray
    radius: float = 1.0

    @property
    def size(self) -> int:
        """Dimensions."""
        return self.encoders.shape[1]


@dataclass(frozen=True)
class Array:
    """Groups side by side: their vectors one behind the other; a function acts on each of them.

    The groups differ in their names only, as those of `nef.EnsembleArray` do when arrays are given.
    """

    name: str
    groups: tuple[Group, ...]

    @property
    def size(self) -> int:
        """Dimensions of all."""
        return sum(g.size for g in self.groups)


@dataclass(frozen=True)
class Signal:
    """An input: values (steps, size), row k in step k."""

    name: str
    values: np.ndarray

    @property
    def size(self) -> int:
        """Number of values."""
        return self.values.shape[1]


@dataclass(frozen=True)
class Relay:
    """Passes on the sum of what it gets."""

    name: str
    size: int


@dataclass(frozen=True)
class Link:
    """A connection between parts by name.

    Attributes:
        name: of the connection.
        pre, post: names of parts; post may be that of a link that learns, which gets the error.
        pre_dims, post_dims: dimensions that are taken of both; None: all.
        function: name in `nengo_networks.FUNCTIONS`, or "" for x itself.
        transform: (size at post, size of function); None: one to one.
        synapse: "" (none), "lowpass" or "alpha"; tau: ms.
        weights: solve with the full matrix of weights.
        decoders: (k, n) that are given: a direct connection of neurons, to neurons with the weights (gain e/radius) decoders.
        rate: learning rate of PES; the activity is filtered with 5 ms.
    """

    name: str
    pre: str
    post: str
    pre_dims: tuple[int, ...] | None = None
    post_dims: tuple[int, ...] | None = None
    function: str = ""
    transform: np.ndarray | None = None
    synapse: str = "lowpass"
    tau: float = 5.0
    weights: bool = False
    decoders: np.ndarray | None = None
    rate: float | None = None


@dataclass(frozen=True)
class Case:
    """One run.

    Attributes:
        probes: names of parts whose decoded value is kept, filtered with probe_tau.
        judged: (probe, reference): error is the RMS difference to the ideal output of the reference, which is mostly the probe
            itself; or, with a `flow`, how far the decoded state is from where the flow takes it in `ahead` ms.
        settle: ms at the beginning without judgement.
        number: which draw of the arrays it is; 0 is compared spike by spike.
    """

    name: str
    dt: float
    duration: float
    parts: tuple[Group | Array | Signal | Relay, ...]
    links: tuple[Link, ...]
    probes: tuple[str, ...]
    judged: tuple[str, str]
    flow: str = ""
    ahead: float = 20.0
    settle: float = 50.0
    probe_tau: float = 10.0
    number: int = 0

    @property
    def steps(self) -> int:
        """Number of steps."""
        return round(self.duration / self.dt)

    def part(self, name: str) -> Group | Array | Signal | Relay:
        """Return a part by name."""
        return next(p for p in self.parts if p.name == name)

    @property
    def groups(self) -> tuple[Group, ...]:
        """All groups, those of arrays as well."""
        return tuple(g for p in self.parts for g in ((p,) if isinstance(p, Group) else getattr(p, "groups", ())))

    @property
    def decoded(self) -> tuple[Link, ...]:
        """Links whose decoders are solved for."""
        return tuple(k for k in self.links if isinstance(self.find(k.pre), (Group, Array)) and k.decoders is None)

    def find(self, name: str):
        """Return a part, or None (of a link that learns)."""
        return next((p for p in self.parts if p.name == name), None)

    def digest(self) -> str:
        """Return a hash of all that the case holds: a stored run is stale if it was made from another one."""
        state = hashlib.sha256()

        def take(value):
            if isinstance(value, np.ndarray):
                state.update(repr(value.shape).encode() + value.tobytes())
            elif isinstance(value, tuple):
                for x in value:
                    take(x)
            elif hasattr(value, "__dataclass_fields__"):
                for key, x in vars(value).items():
                    state.update(key.encode())
                    take(x)
            else:
                state.update(repr(value).encode())

        take(self)
        return state.hexdigest()


@dataclass(frozen=True)
class Run:
    """What a simulator gave.

    Attributes:
        outputs: (steps, d) by probe.
        spikes: (steps, neurons) by group, ordered; empty in rate mode.
        decoders: by decoded link: transform and decoders (size_out, n), of an array without the transform for each ensemble
            (n_ensembles, size, n), with weights=True the full matrix (n_post, n_pre).
    """

    outputs: dict[str, np.ndarray]
    spikes: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    decoders: dict[str, np.ndarray] = field(default_factory=dict)

    def flat(self) -> dict[str, np.ndarray]:
        """Return the run as arrays by name, for npz."""
        out = {f"outputs/{k}": v for k, v in self.outputs.items()} | {f"decoders/{k}": v for k, v in self.decoders.items()}
        for name, (steps, neurons) in self.spikes.items():
            out |= {f"steps/{name}": np.asarray(steps, np.int32), f"neurons/{name}": np.asarray(neurons, np.int32)}
        return out

    @classmethod
    def of(cls, flat) -> Run:
        """Return a run from arrays by name, as `flat` gives them."""
        part = {kind: {k.split("/", 1)[1]: flat[k] for k in flat if k.startswith(f"{kind}/")}
                for kind in ("outputs", "steps", "neurons", "decoders")}
        return cls(part["outputs"], {k: (v, part["neurons"][k]) for k, v in part["steps"].items()}, part["decoders"])


# -- drawing ------------------------------------------------------------------------------------------------------

def on_grid(values: np.ndarray) -> np.ndarray:
    """Return values rounded to the grid."""
    return np.rint(np.asarray(values, float) * GRID) / GRID


def directions(seed: int, n: int, d: int) -> np.ndarray:
    """Return n vectors of length 1, uniformly distributed (Box & Muller 1958, doi:10.1214/aoms/1177706645)."""
    u, v = uniform(seed, n * d), uniform(seed + 1, n * d)
    normal = on_grid(np.sqrt(-2 * np.log1p(-u)) * np.cos(2 * np.pi * v)).reshape(n, d)
    return normal / np.sqrt((normal**2).sum(axis=1, keepdims=True))


def group(seed: int, name: str, n: int, d: int = 1, radius: float = 1.0, m: int | None = None,
          rates: tuple[float, float] = (200.0, 400.0), intercepts: tuple[float, float] = (-1.0, 0.9)) -> Group:
    """Return neurons with highest rates and intercepts drawn evenly, which set gain and bias; and points in the ball.

    G(J) = 1/(t_ref + tau_m ln(J/(J - 1))), J = gain + bias at the highest rate and 1 at the intercept.
    """
    m = m or (500 if d == 1 else 1000)
    rate = rates[0] + (rates[1] - rates[0]) * uniform(seed + 2, n)
    intercept = intercepts[0] + (intercepts[1] - intercepts[0]) * uniform(seed + 3, n)
    most = 1.0 / -np.expm1((T_REF - 1000.0 / rate) / TAU_M)
    gain = on_grid((most - 1.0) / (1.0 - intercept))
    bias = on_grid(1.0 - gain * intercept)
    if d == 1:
        points = np.linspace(-1.0, 1.0, m)[:, None]
        encoders = np.where(uniform(seed, n) < 0.5, -1.0, 1.0)[:, None]
    else:
        points = on_grid(directions(seed + 4, m, d) * uniform(seed + 6, m)[:, None] ** (1.0 / d) * (1 - 2 / GRID))
        encoders = directions(seed, n, d)
    return Group(name, encoders, gain, bias, radius * points, radius)


def alike(name: str, first: Group, k: int) -> Array:
    """Return k groups like the first side by side."""
    return Array(name, tuple(replace(first, name=f"{name}{i}") for i in range(k)))


def waves(seed: int, steps: int, dt: float, size: int = 1, high: float = 4.0, peak: float = 1.0) -> np.ndarray:
    """Return (steps, size) sums of five sines up to `high` Hz, with the given largest value."""
    t = np.arange(steps)[:, None] * dt / 1000
    drawn = uniform(seed, 10 * size).reshape(2, 5, 1, size)
    values = np.sin(2 * np.pi * (high * np.maximum(drawn[0], 0.1) * t + drawn[1])).sum(axis=0)
    return on_grid(peak * values / np.abs(values).max(axis=0))


# -- what neurons should do ---------------------------------------------------------------------------------------

class Filter:
    """A synapse in steps (zero-order hold): value before the step, `push` the input of the step."""

    def __init__(self, kind: str, tau: float, dt: float, size: int):
        self.value, self.inner = np.zeros(size), np.zeros(size)
        self.kind, self.keep, self.ratio = kind, np.exp(-dt / tau) if kind else 0.0, dt / tau if kind else 0.0

    def push(self, u: np.ndarray) -> None:
        """Go one step on."""
        if self.kind == "alpha":
            # two equal poles: exp(A dt) = e^{-dt/tau} [[1, 0], [dt/tau, 1]]
            self.value = self.keep * (self.value + self.ratio * self.inner) + (1 - self.keep * (1 + self.ratio)) * u
        self.inner = self.keep * self.inner + (1 - self.keep) * u
        if self.kind != "alpha":
            self.value = self.inner


def lif_rates(g: Group, x: np.ndarray) -> np.ndarray:
    """Return the rates in Hz at a point."""
    j = g.gain * (g.encoders @ x) / g.radius + g.bias
    out = np.zeros_like(j)
    out[j > 1] = 1000.0 / (T_REF + TAU_M * np.log1p(1.0 / (j[j > 1] - 1.0)))
    return out


def ideal(case: Case, functions) -> dict[str, np.ndarray]:
    """Return the outputs of a network in which every group passes on exactly what should be decoded."""
    value = {p.name: np.zeros(p.size) for p in case.parts}
    # what learns has learnt x
    links = [k if k.rate is None else replace(k, function="") for k in case.links if k.post in value]
    # relays first, in the order of the case: what feeds them without a filter comes before them
    order = sorted((p for p in case.parts if not isinstance(p, Signal)), key=lambda p: not isinstance(p, Relay))

    def sent(k: Link) -> np.ndarray:
        part, x = case.part(k.pre), value[k.pre]
        if k.decoders is not None:
            return k.decoders @ lif_rates(part, x)
        if k.function and isinstance(part, Array):
            x = np.concatenate([functions[k.function](y) for y in np.split(x, len(part.groups))])
        else:
            x = x[list(k.pre_dims)] if k.pre_dims else x
            x = functions[k.function](x) if k.function else x
        return x if k.transform is None else k.transform @ x

    filters = {k.name: Filter(k.synapse, k.tau, case.dt, sent(k).size) for k in links}
    shown = {p: Filter("lowpass", case.probe_tau, case.dt, case.part(p).size) for p in case.probes}
    out = {p: np.empty((case.steps, case.part(p).size)) for p in case.probes}
    for step in range(case.steps):
        for p in case.parts:
            value[p.name] = p.values[step].copy() if isinstance(p, Signal) else np.zeros(p.size)
        for p in order:
            for k in links:
                if k.post == p.name:
                    where = list(k.post_dims) if k.post_dims else slice(None)
                    value[p.name][where] += filters[k.name].value if k.synapse else sent(k)
        for k in links:
            if k.synapse:
                filters[k.name].push(sent(k))
        for p in case.probes:
            out[p][step] = shown[p].value
            shown[p].push(value[p])
    return out


def error(case: Case, outputs: dict[str, np.ndarray], functions) -> float:
    """Return the error of a run: see `Case.judged`."""
    probe, reference = case.judged
    first = round(case.settle / case.dt)
    if not case.flow:
        return float(np.sqrt(np.mean((outputs[probe] - ideal_of(case, functions)[reference])[first:] ** 2)))
    n, rounds = round(case.ahead / case.dt), 20
    x, h, f = outputs[probe][first:-n].astype(float), case.ahead / rounds, functions[case.flow]
    for _ in range(rounds):
        k1 = f(x)
        k2 = f(x + h / 2 * k1)
        k3 = f(x + h / 2 * k2)
        x = x + h / 6 * (k1 + 2 * k2 + 2 * k3 + f(x + h * k3))
    return float(np.sqrt(np.mean((outputs[probe][first + n:] - x) ** 2)))


_IDEALS: dict[str, dict[str, np.ndarray]] = {}


def ideal_of(case: Case, functions) -> dict[str, np.ndarray]:
    """Return `ideal`, once for each case."""
    key = case.digest()
    if key not in _IDEALS:
        _IDEALS[key] = ideal(case, functions)
    return _IDEALS[key]


# -- there --------------------------------------------------------------------------------------------------------

@cache
def nengo_python() -> str | None:
    """Return the Python that has Nengo: that of NEUROSIM_NENGO_PYTHON, else this one; None if it has not."""
    python = os.environ.get("NEUROSIM_NENGO_PYTHON", sys.executable)
    found = subprocess.run([python, "-c", "import importlib.util as u; raise SystemExit(u.find_spec('nengo') is None)"],
                           check=False, capture_output=True)
    return python if found.returncode == 0 else None


def call_nengo(*arguments: str) -> dict[str, np.ndarray]:
    """Run nengo_side.py and return the arrays that it writes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "run.npz")
        # one thread: sums in one order
        done = subprocess.run([nengo_python(), str(HERE / "nengo_side.py"), str(path), *arguments], cwd=folder, check=False,
                              capture_output=True, text=True, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"})
        if done.returncode:
            raise RuntimeError(f"Nengo failed on {' '.join(arguments)}:\n{done.stderr[-4000:]}")
        with np.load(path) as flat:
            return {k: flat[k] for k in flat}


def run_nengo(case: Case, mode: str = "spiking") -> Run:
    """Run a case of `nengo_networks` in Nengo; mode: "spiking" or "rate"."""
    return Run.of(call_nengo("case", case.name, str(case.number), mode))


# -- stored ------------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Stored:
    """What is kept of a case in `nengo.h5`; see data/reference/make_nengo_reference.py.

    Attributes:
        spiking, rate: runs of draw 0; outputs of the steps every - 1, 2 every - 1 ..., spikes until `spikes_until`.
        every, spikes_until: steps.
        errors: of the draws 0, 1, ... by mode; outputs: (draws, n_times, d) of the judged probe, at the same times.
        learning: RMS error in windows of `nengo_networks.WINDOW` ms, (draws, windows); of the case that learns, else None.
    """

    digest: str
    spiking: Run
    rate: Run
    every: int
    spikes_until: int
    errors: dict[str, np.ndarray]
    outputs: np.ndarray
    learning: np.ndarray | None


def read_stored(name: str) -> Stored:
    """Return what Nengo gave for a case."""
    import h5py

    with h5py.File(FILE, "r") as file:
        top = file[name]
        outputs = {m: {k: v[...] for k, v in top[f"{m}/outputs"].items()} for m in ("spiking", "rate")}
        spikes = {k: (np.cumsum(v["steps"][...], dtype=np.int32), v["neurons"][...].astype(np.int32))
                  for k, v in top["spikes"].items()}
        decoders = {k: v[...] for k, v in top["decoders"].items()} if "decoders" in top else {}
        return Stored(top.attrs["digest"], Run(outputs["spiking"], spikes, decoders), Run(outputs["rate"], {}, decoders),
                      int(top.attrs["every"]), int(top.attrs["spikes_until"]),
                      {m: top[f"errors/{m}"][...] for m in ("spiking", "rate")}, top["draws"][...],
                      top["learning"][...] if "learning" in top else None)
