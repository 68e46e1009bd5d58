"""Build: what a description leaves open becomes numbers - gains, biases, encoders, evaluation points, decoders.

Everything that is drawn follows from (seed of the network, running number of the ensemble) by NumPy's SeedSequence, or from
the ensemble's own seed, each purpose with a stream of its own: another connection or probe changes nothing.

A decoder is solved once for equal (ensemble, dimensions, function, solver, evaluation points), whoever uses it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import groupby
from typing import Any

import numpy as np

from neurosim.errors import ParameterError, SimulationError
from neurosim.nef.activities import Activities
from neurosim.nef.connection import Adapts, Connection, ensembles_of
from neurosim.nef.ensemble import Ensemble, EnsembleArray, few_points, is_sampler, normalised, points_of
from neurosim.nef.functions import evaluate
from neurosim.nef.network import Network
from neurosim.nef.neurons import NeuronType
from neurosim.nef.parts import numbers, positive
from neurosim.nef.probe import Attribute, Probe
from neurosim.nef.sphere import default_n_eval_points
from neurosim.simulator.distributions import Distribution


class Stream(IntEnum):
    """Purposes that random numbers are drawn for; a new one goes to the end."""

    MAX_RATES = 0
    INTERCEPTS = 1
    ENCODERS = 2
    EVAL_POINTS = 3
    OTHER_POINTS = 4
    SOLVER = 5


@dataclass(frozen=True, eq=False)
class BuiltEnsemble:
    """Numbers of an ensemble.

    Attributes:
        gain, bias: shape (n,), of J = gain <e, x>/radius + bias.
        encoders: shape (n, d), rows of length 1.
        eval_points: shape (m, d), in the units of x.
        max_rates: Hz, shape (n,).
        intercepts: shape (n,), of <e, x>/radius.
        neurons: neuron type.
        radius: of the ensemble.
    """

    ensemble: Ensemble
    gain: np.ndarray
    bias: np.ndarray
    encoders: np.ndarray
    eval_points: np.ndarray
    max_rates: np.ndarray
    intercepts: np.ndarray
    _shared: dict = field(default_factory=dict, repr=False)

    @property
    def neurons(self) -> NeuronType:
        """Neuron type."""
        return self.ensemble.neuron_type

    @property
    def radius(self) -> float:
        """Length of x that is taken as 1."""
        return self.ensemble.radius

    @property
    def scaled_encoders(self) -> np.ndarray:
        """gain E/radius, shape (n, d): J = scaled_encoders x + bias."""
        return self.encoders * (self.gain / self.radius)[:, None]

    def currents(self, x: np.ndarray) -> np.ndarray:
        """Return J for points x of shape (m, d): (m, n)."""
        return np.asarray(x, dtype=float) @ self.scaled_encoders.T + self.bias

    def rates(self, x: np.ndarray) -> np.ndarray:
        """Return activities in Hz for points x of shape (m, d): (m, n)."""
        return self.neurons.rates(self.currents(x))

    def activities(self, points: np.ndarray | None = None) -> Activities:
        """Return the activities at points (m, d), by default the evaluation points, computed when they are needed."""
        points = self.eval_points if points is None else points
        # the array is kept with them, so that its id stays its own
        if id(points) not in self._shared:
            found = Activities(self.neurons, self.gain, self.bias, self.encoders, points, self.radius)
            self._shared[id(points)] = points, found
        return self._shared[id(points)][1]

    def forget(self) -> None:
        """Free the memory of activities."""
        self._shared.clear()


@dataclass(frozen=True, eq=False)
class Decoded:
    """A function decoded from an ensemble: the signal D^T a with activities a in Hz.

    Attributes:
        ensemble: whose.
        decoders: D, shape (n, k).
        info: of the solver, with "rmse" of shape (k,).
        function: what it decodes, None: x.
        connections: the connections and probes that use it.
        learned: whether a learning rule changes it; then it has one user and contains its transform.
    """

    ensemble: Ensemble
    decoders: np.ndarray
    info: dict[str, Any]
    function: Any = None
    connections: list[Any] = field(default_factory=list)
    learned: bool = False

    @property
    def size(self) -> int:
        """k."""
        return self.decoders.shape[1]


@dataclass(frozen=True, eq=False)
class Use:
    """Which columns of which decoders are one part of what a connection or a probe decodes.

    Attributes:
        decoded: the decoders.
        columns: (size,) which of their columns.
        first: the place of these columns among the size_mid numbers of the connection.
    """

    decoded: Decoded
    columns: np.ndarray
    first: int


@dataclass(frozen=True, eq=False)
class Built:
    """A network with its numbers.

    ``built[ensemble]`` gives the `BuiltEnsemble`.

    Attributes:
        network: the description.
        dt: ms.
        seed: of the network.
        ensembles: ensemble -> BuiltEnsemble.
        uses: connection or probe -> list of `Use`; several for ensemble arrays.
        decoded: all decoders, in order.
        weights: connection -> W of shape (n_post, n_pre), for connections with weights=True.
        inner: connections that the description implies: from the ensembles of an array to its output, if that is used.
    """

    network: Network
    dt: float
    seed: int
    ensembles: dict[Ensemble, BuiltEnsemble]
    uses: dict[Any, list[Use]]
    decoded: list[Decoded]
    weights: dict[Connection, np.ndarray]
    inner: tuple[Connection, ...] = ()
    _forms: dict = field(default_factory=dict, repr=False)

    def __getitem__(self, ensemble: Ensemble | str) -> BuiltEnsemble:
        found = self.network[ensemble] if isinstance(ensemble, str) else ensemble
        if found not in self.ensembles:
            what = found.describe() if hasattr(found, "describe") else repr(found)[:60]
            raise KeyError(f"{what} is not an ensemble of the network that was built.")
        return self.ensembles[found]

    def decoders(self, item: Connection | Probe | str) -> np.ndarray | tuple[np.ndarray, ...]:
        """Return the decoders of a connection or probe, shape (n, size_mid); a tuple of them from an ensemble array."""
        item = self.network[item] if isinstance(item, str) else item
        found = tuple(use.decoded.decoders[:, use.columns] for use in self.uses[item])
        return found if isinstance(item.source, EnsembleArray) else found[0]

    def rmse(self, item: Connection | Probe | str) -> np.ndarray:
        """Return the root mean square error at the evaluation points of each number decoded, shape (size_mid,)."""
        item = self.network[item] if isinstance(item, str) else item
        return np.concatenate([np.asarray(use.decoded.info["rmse"])[use.columns] for use in self.uses[item]])


def build(network: Network, dt: float = 1.0, seed: int = 0) -> Built:
    """Return the gains, biases, encoders, evaluation points and decoders of a network, without a simulation.

    Args:
        network: description.
        dt: time step, ms; kept for what is made of it.
        seed: of everything that is drawn.

    Raises:
        ParameterError: for max_rates, intercepts or encoders that were drawn outside their limits, and functions that are
            not finite at an evaluation point, which is named.
    """
    from neurosim.nef import decoders

    dt = positive(dt, "build: dt", "ms")
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ParameterError(f"build: seed must be a whole number of at least 0, not {seed!r}.")
    _check_memory(network)
    ensembles = {e: build_ensemble(e, _sequence(e, network.number_of(e), seed), network.name_of(e)) for e in network.ensembles}
    begins = {item.source for item in (*network.links, *network.records)}
    inner = tuple(Connection(a, a.output, synapse=None) for a in network.arrays if a.output in begins)
    built = Built(network, dt, int(seed), ensembles, {}, [], {}, inner)
    wanted: dict[Hashable, _Request] = {}
    parts: dict[Any, list[tuple[_Request, np.ndarray, int]]] = {}
    for item in (*network.links, *network.records, *inner):
        if _decodes(item):
            parts[item] = list(_requests(item, built, wanted))
    order = {e: k for k, e in enumerate(network.ensembles)}
    solved: dict[int, Decoded] = {}
    for ensemble, requests in groupby(sorted(wanted.values(), key=lambda r: order[r.ensemble]), lambda r: r.ensemble):
        for request in requests:
            solved[id(request)] = request.solve(built)
        # one factorisation is in memory at a time; the next one is written to the same place, which costs less than a new one
        built.ensembles[ensemble].forget()
        decoders.release()
    for item, pieces in parts.items():
        uses = []
        for request, columns, first in pieces:
            found = solved[id(request)]
            found.connections.append(item)
            uses.append(Use(found, request.place(columns), first))
        if isinstance(item, Connection) and item.weights:
            built.weights[item] = _full(item, uses[0], built)
        elif isinstance(item, Connection) and _changes_decoders(item):
            uses = [_with_transform(item, uses[0])]
        built.uses[item] = uses
    used = {id(u.decoded): u.decoded for item, uses in built.uses.items() if item not in built.weights for u in uses}
    built.decoded.extend(used.values())
    return built


def build_ensemble(ensemble: Ensemble, sequence: np.random.SeedSequence, name: str = "ensemble") -> BuiltEnsemble:
    """Return the numbers of an ensemble; `sequence` decides everything that is drawn."""
    n, d, what = ensemble.n_neurons, ensemble.dimensions, f"Ensemble {name!r}"
    kind = ensemble.neuron_type
    if ensemble.gain is not None:
        gain, bias = (np.array(np.broadcast_to(v, (n,))) for v in (ensemble.gain, ensemble.bias))
        max_rates, intercepts = kind.max_rates_intercepts(gain, bias)
    else:
        max_rates = _each(ensemble.max_rates, n, sequence, Stream.MAX_RATES)
        intercepts = _each(ensemble.intercepts, n, sequence, Stream.INTERCEPTS)
        try:
            gain, bias = kind.gain_bias(max_rates, intercepts)
        except ParameterError as problem:
            raise ParameterError(f"{what}: {problem}") from None
    encoders = ensemble.encoders
    if is_sampler(encoders):
        encoders = numbers(encoders.sample(n, d, _generator(sequence, Stream.ENCODERS)), f"{what}: encoders", "")
        if encoders.shape != (n, d):
            raise ParameterError(f"{what}: its sampler of encoders gives shape {encoders.shape}, not {(n, d)}.")
        encoders = normalised(encoders, what)
    points = ensemble.eval_points
    if is_sampler(points):
        count = ensemble.n_eval_points or default_n_eval_points(n, d)
        points = _drawn_points(points, count, ensemble, _generator(sequence, Stream.EVAL_POINTS), what)
    return BuiltEnsemble(ensemble, gain, bias, encoders, points, max_rates, intercepts)


def tuning_curves(ensemble: Ensemble, inputs: np.ndarray | None = None, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return (x of shape (m, d), rates in Hz of shape (m, n)) of an ensemble as the first object of a network with `seed`.

    Args:
        ensemble: which.
        inputs: points x, shape (m, d) or (m,) for d = 1; None: 1001 points in [-radius, radius] for d = 1, a grid of 41 x 41
            for d = 2.

    Raises:
        ParameterError: for points of wrong shape, or none for d > 2.
    """
    r = ensemble.radius
    if inputs is not None:
        x = points_of(inputs, ensemble.dimensions, f"tuning_curves of {ensemble.describe()}")
    elif ensemble.dimensions == 1:
        x = np.linspace(-r, r, 1001)[:, None]
    elif ensemble.dimensions == 2:
        axis = np.linspace(-r, r, 41)
        x = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    else:
        raise ParameterError(f"tuning_curves: give inputs of shape (m, {ensemble.dimensions}): there is no grid for more than "
                             "two dimensions.")
    return x, build_ensemble(ensemble, _sequence(ensemble, 0, seed), ensemble.name or "ensemble").rates(x)


class _Request:
    """Decoders that are wanted: of some dimensions (identity), or of a function."""

    def __init__(self, ensemble: Ensemble, function: Any, indices: np.ndarray, solver: Any, points: Any, what: str):
        self.ensemble, self.function, self.solver, self.points, self.what = ensemble, function, solver, points, what
        self.indices = indices
        self.connection: Connection | None = None

    def add(self, indices: np.ndarray) -> None:
        """Identity only: more dimensions are wanted."""
        self.indices = np.union1d(self.indices, indices)

    def place(self, columns: np.ndarray | None) -> np.ndarray:
        """Return the columns of the decoders for dimensions of the identity; all of them for a function."""
        return np.arange(self.size) if columns is None else np.searchsorted(self.indices, columns)

    def _points(self, built: BuiltEnsemble, sequence: np.random.SeedSequence) -> np.ndarray:
        e = self.ensemble
        regularised = getattr(self.solver, "regularised", True)
        sampler = e.eval_points if self.points is None else self.points
        if not is_sampler(sampler):
            return sampler
        count = e.n_eval_points or default_n_eval_points(e.n_neurons, e.dimensions, regularised)
        if self.points is None and count == len(built.eval_points):
            return built.eval_points
        # a solver that needs more points gets more of the same
        stream = Stream.EVAL_POINTS if self.points is None else Stream.OTHER_POINTS
        drawn = built._shared.setdefault((stream, _key(sampler), count), [])
        if not drawn:
            drawn.append(_drawn_points(sampler, count, e, _generator(sequence, stream), self.what))
        return drawn[0]

    def solve(self, built: Built) -> Decoded:
        from neurosim.nef.decoders import decode
        from neurosim.nef.solvers import weight_targets

        ensemble = built.ensembles[self.ensemble]
        sequence = _sequence(self.ensemble, built.network.number_of(self.ensemble), built.seed)
        points = self._points(ensemble, sequence)
        if self.function is None:
            targets = points[:, self.indices]
        elif callable(self.function):
            targets = evaluate(self.function, points[:, self.indices], self.what)
        else:
            targets = self.function
        c = self.connection
        if c is not None:
            post = built.ensembles[c.target]
            t = c.matrix()
            targets = weight_targets(targets, t if isinstance(t, np.ndarray) else t.toarray(), post.gain,
                                     post.encoders[:, c.post_indices], post.radius)
        self.size = targets.shape[1]
        seed = 0
        if getattr(self.solver, "random", True):
            seed = int(_child(sequence, Stream.SOLVER).generate_state(1, np.uint64)[0] >> 1)
        if hasattr(self.solver, "random"):
            found, info = decode(ensemble.activities(points), targets, self.solver, seed=seed)
        else:
            # a solver of the user's own: any function of (activities, targets, rng)
            found, info = self.solver(ensemble.activities(points).whole(), targets, np.random.default_rng(seed))
            found = numbers(found, f"{self.what}: decoders", "Look at the solver.")
            if found.shape != (self.ensemble.n_neurons, self.size):
                raise ParameterError(f"{self.what}: the solver gives decoders of shape {found.shape}; they must be "
                                     f"{(self.ensemble.n_neurons, self.size)}.")
            info = dict(info)
            info.setdefault("rmse", np.full(self.size, np.nan))
        return Decoded(self.ensemble, found, info, self.function)


def _decodes(item: Connection | Probe) -> bool:
    if isinstance(item, Probe):
        return item.attribute is Attribute.VALUE and isinstance(item.source, (Ensemble, EnsembleArray))
    return item.decoded


def _changes_decoders(connection: Connection) -> bool:
    return any(rule.adapts is Adapts.DECODERS for rule in connection.learning)


def _requests(item: Connection | Probe, built: Built, wanted: dict) -> Iterator[tuple[_Request, np.ndarray | None, int]]:
    """Yield (request, dimensions of the identity or None, place of the first number) for each ensemble that is decoded."""
    link = isinstance(item, Connection)
    indices = item.pre_indices if link else item.indices
    points = item.eval_points if link else None
    title = item.describe()
    if item not in built.inner:
        title = f"{'Connection' if link else 'Probe'} {built.network.name_of(item)!r}"
    linear = getattr(item.solver, "linear", False)
    size = item.size_mid if link else item.size
    for ensemble, own, first in _pieces(item.source, item.function, indices, size, title):
        key = _key(ensemble), _key(item.solver), _key(points)
        shared = item.function is None and linear
        if shared:
            key = (*key, None)
        else:
            key = (*key, tuple(own.tolist()), None if item.function is None else id(item.function))
        # full weights of a solver that is not linear are solved as such
        direct = link and item.weights and not linear
        if direct:
            key = (*key, id(item))
        request = wanted.get(key)
        if request is None:
            request = wanted[key] = _Request(ensemble, item.function, own, item.solver, points, title)
            request.connection = item if direct else None
        elif shared:
            request.add(own)
        yield request, own if item.function is None and not direct else None, first


def _pieces(source: Any, function: Any, indices: np.ndarray, size: int,
            what: str) -> Iterator[tuple[Ensemble, np.ndarray, int]]:
    """Yield (ensemble, its dimensions, place of its first number among what is decoded)."""
    if isinstance(source, Ensemble):
        yield source, indices, 0
        return
    d = source.ens_dimensions
    if function is None:
        # neighbours of one ensemble stay together
        cuts = np.flatnonzero(np.diff(indices // d)) + 1
        for first, part in zip((0, *cuts.tolist()), np.split(indices, cuts)):
            yield source.ensembles[part[0] // d], part % d, first
        return
    who = ensembles_of(source, indices, what)
    for k, e in enumerate(who):
        yield source.ensembles[e], np.arange(d), k * (size // len(who))


def _check_memory(network: Network) -> None:
    """Raise `SimulationError` if full matrices of weights will not fit: some 60 bytes a weight until they are placed."""
    from neurosim.simulator.memory import free_bytes

    full = [c for c in network.links if c.weights]
    need, free = 60 * sum(c.source.n_neurons * c.target.n_neurons for c in full), free_bytes()
    if full and free is not None and need > 0.95 * free:
        largest = max(full, key=lambda c: c.source.n_neurons * c.target.n_neurons)
        raise SimulationError(f"The full weights of connections need {need / 1e9:.3g} GB, most of them "
                              f"{network.name_of(largest)!r}, and {free / 1e9:.3g} GB are free. Leave out weights=True: "
                              "decoders and encoders give the same currents from a few numbers for each neuron.")


def _full(connection: Connection, use: Use, built: Built) -> np.ndarray:
    """Return W of shape (n_post, n_pre): gain E T D^T/radius."""
    if use.decoded.decoders.shape[1] and not getattr(connection.solver, "linear", False):
        return np.ascontiguousarray(use.decoded.decoders.T)
    post = built.ensembles[connection.target]
    moved = connection.matrix() @ use.decoded.decoders[:, use.columns].T
    return post.scaled_encoders[:, connection.post_indices] @ moved


def _with_transform(connection: Connection, use: Use) -> Use:
    """Return decoders of a connection that learns: its own, of what arrives at its end."""
    moved = np.ascontiguousarray((connection.matrix() @ use.decoded.decoders[:, use.columns].T).T)
    info = dict(use.decoded.info)
    if moved.shape[1] != np.size(info["rmse"]):
        info["rmse"] = np.full(moved.shape[1], np.nan)
    own = Decoded(use.decoded.ensemble, moved, info, use.decoded.function, [connection], learned=True)
    return Use(own, np.arange(own.size), 0)


def _sequence(ensemble: Ensemble, number: int, seed: int) -> np.random.SeedSequence:
    if ensemble.seed is not None:
        return np.random.SeedSequence(int(ensemble.seed))
    return np.random.SeedSequence(int(seed), spawn_key=(number,))


def _child(sequence: np.random.SeedSequence, stream: Stream) -> np.random.SeedSequence:
    return np.random.SeedSequence(sequence.entropy, spawn_key=(*sequence.spawn_key, int(stream)))


def _generator(sequence: np.random.SeedSequence, stream: Stream) -> np.random.Generator:
    return np.random.default_rng(_child(sequence, stream))


def _each(value: Any, n: int, sequence: np.random.SeedSequence, stream: Stream) -> np.ndarray:
    if isinstance(value, Distribution):
        # by quantiles: the counter-based numbers of the engine would need Numba, which takes longer to import than this to draw
        return np.asarray(value.quantile(np.maximum(_generator(sequence, stream).random(n), 2.0**-54)), dtype=float)
    return np.array(np.broadcast_to(value, (n,)))


def _drawn_points(sampler: Any, count: int, ensemble: Ensemble, rng: np.random.Generator, what: str) -> np.ndarray:
    few_points(count, ensemble.dimensions, what)
    points = numbers(sampler.sample(count, ensemble.dimensions, rng), f"{what}: eval_points", "Look at the sampler.")
    if points.shape != (count, ensemble.dimensions):
        raise ParameterError(f"{what}: its sampler of eval_points gives shape {points.shape}, not "
                             f"{(count, ensemble.dimensions)}.")
    points = points * ensemble.radius
    points.flags.writeable = False
    return points


def _key(value: Any) -> Hashable:
    """Return a key by which equal things are found; things that cannot be compared are equal to themselves only."""
    try:
        hash(value)
    except TypeError:
        return id(value)
    return value
