"""Probability of a connection as a function of distance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim.errors import NetworkError, ParameterError, listing, nearest
from neurosim.model.expression import Node, calls, evaluate, parse, symbols
from neurosim.model.values import checked_value
from neurosim.simulator.connectivity.generate import even_borders, key, offsets, run, scratch, targets_of
from neurosim.simulator.connectivity.rule import Edges, Rule, Side, own_sources, yes_or_no

#: pairs looked at together, so that their distances and probabilities stay in the cache
PAIRS = 2**15
#: pairs looked at before anything is built, and to estimate the number of connections
SAMPLE, ESTIMATE = 2**16, 2**20
WHERE = "probability of DistanceDependent"


@dataclass(frozen=True, eq=False)
class DistanceDependent(Rule):
    """Every pair is connected with probability p(d), independently of the others; d is the distance of the two neurons.

    d = |x_pre - x_post|, in the unit of the positions.  On a ring or torus of length L, each component of the difference is
    taken the shorter way: min(|x| mod L, L - |x| mod L).

    Args:
        probability: p(d) as an expression in ``d`` and the parameters, such as ``"p_max*exp(-d**2/(2*sigma**2))"``, or a
            function that takes and returns arrays of distances and probabilities (called in one thread).
        parameters: numbers by name for the expression.
        periodic: length of the periodic box: one number for all dimensions, or one for each, None where a dimension is open;
            None: no dimension is periodic.
        max_distance: no connections beyond; the cost then follows the number of neighbours, not of pairs.
        autapses: whether a neuron may be connected to itself where source and target share neurons.

    Raises:
        ModelError: for an expression that cannot be read or has a name without value.
        ParameterError: for probabilities outside [0, 1], lengths that are not positive.
        NetworkError: for populations without positions, or with positions of different dimension.
    """

    probability: str | Callable[[np.ndarray], np.ndarray]
    parameters: Mapping[str, float] = field(default_factory=dict)
    periodic: float | tuple[float | None, ...] | None = None
    max_distance: float | None = None
    autapses: bool = True
    _tree: Node | None = field(init=False, repr=False, default=None)

    def __post_init__(self):
        yes_or_no("DistanceDependent", autapses=self.autapses)
        if isinstance(self.probability, str):
            object.__setattr__(self, "parameters", _numbers(self.parameters))
            object.__setattr__(self, "_tree", _tree_of(self.probability, self.parameters))
        elif not callable(self.probability):
            raise ParameterError("DistanceDependent: probability must be an expression in d (text) or a function of distances, "
                                 f"not {type(self.probability).__name__}. For the same one everywhere: Bernoulli.")
        elif self.parameters:
            raise ParameterError("DistanceDependent: parameters belong to an expression; a function has its own.")
        if self.max_distance is not None:
            object.__setattr__(self, "max_distance", _length("max_distance", self.max_distance))
        if self.periodic is not None:
            single = np.ndim(self.periodic) == 0
            lengths = [self.periodic] if single else list(self.periodic)
            lengths = tuple(None if x is None else _length("periodic", x) for x in lengths)
            object.__setattr__(self, "periodic", lengths[0] if single else lengths)

    # -- checks

    def _check(self, pre, post, same):
        for side in (pre, post):
            if side.positions is None:
                raise NetworkError(f"{self}: {side.name!r} has no positions. Give its population positions=, an array "
                                   f"of shape ({side.size}, 1 to 3).")
        a, b = self._places(pre), self._places(post)
        if a.shape[1] != b.shape[1]:
            raise NetworkError(f"{self}: positions have {a.shape[1]} dimension(s) in {pre.name!r} and {b.shape[1]} in "
                               f"{post.name!r}. Give both the same.")
        self._box(a.shape[1])
        self._sample(pre, post, SAMPLE)

    @staticmethod
    def _places(side: Side) -> np.ndarray:
        places = np.asarray(side.positions, dtype=float)
        if places.ndim != 2 or places.shape[0] != side.size or not 1 <= places.shape[1] <= 3:
            raise NetworkError(f"The positions of {side.name!r} have shape {places.shape}; ({side.size}, 1 to 3) is needed.")
        bad = ~np.isfinite(places).all(axis=1)
        if bad.any():
            raise NetworkError(f"Neuron {int(np.argmax(bad))} of {side.name!r} has a position that is not finite.")
        return places

    def _box(self, dimension: int) -> np.ndarray:
        """Lengths of the box, inf where a dimension is open."""
        if self.periodic is None:
            return np.full(dimension, np.inf)
        lengths = (self.periodic,) * dimension if np.ndim(self.periodic) == 0 else self.periodic
        if len(lengths) != dimension:
            raise NetworkError(f"{self}: periodic has {len(lengths)} length(s), but positions have {dimension} dimension(s).")
        return np.array([np.inf if x is None else x for x in lengths])

    def _sample(self, pre: Side, post: Side, pairs: int) -> np.ndarray:
        """Probabilities of up to about as many pairs, spread over both sides; all if they are few: (targets, sources)."""
        a, b = self._places(pre), self._places(post)
        sources = a[_spread(pre.size, pairs)]
        targets = b[_spread(post.size, max(1, pairs // len(sources)))]
        d = _distances(sources[None], targets[:, None], self._box(a.shape[1]))
        near = np.ones(d.shape, bool) if self.max_distance is None else d <= self.max_distance
        p = np.zeros(d.shape)
        p[near] = self._probabilities(d[near])
        return p

    def _probabilities(self, d: np.ndarray) -> np.ndarray:
        """p(d) of a 1-D array.

        Raises:
            ParameterError: outside [0, 1], or of another shape.
        """
        if self._tree is not None:
            p = evaluate(self._tree, {**self.parameters, "d": d})
        else:
            p = self.probability(d)
        p = np.asarray(p, dtype=float)
        if p.shape not in ((), d.shape):
            raise ParameterError(f"{self}: the function returned shape {p.shape} for distances of shape {d.shape}. Let it "
                                 "return one probability for each distance.")
        p = np.broadcast_to(p, d.shape)
        # the last bits of a sum or a normalisation are no mistake
        bad = ~((p >= -1e-12) & (p <= 1.0 + 1e-12))
        if bad.any():
            first = int(np.argmax(bad))
            raise ParameterError(f"{self}: the probability is {p[first]:g} at d = {d[first]:g}; it must be in [0, 1]. "
                                 "Write clip(..., 0, 1) if it is meant to saturate.")
        return p

    def expected(self, n_pre, n_post, pre=None, post=None):
        if pre is None or post is None or pre.positions is None or post.positions is None:
            return float(n_pre) * n_post
        return float(self._sample(pre, post, ESTIMATE).mean()) * n_pre * n_post

    # -- generation

    def edges(self, pre: Side, post: Side, same=None, seed=0, stream=0, threads=1) -> Edges:
        from neurosim.kernels.connect import HALF, accept_pairs, near_pairs

        a, b = self._places(pre), self._places(post)
        radius = np.inf if self.max_distance is None else self.max_distance
        grid = Grid.around(a, self._box(a.shape[1]), radius)
        targets = grid.columns(b)
        own = np.empty(0, np.int32) if self.autapses else own_sources(pre, post, same)
        words = key(seed, stream)
        counts = np.zeros(post.size, np.int64)
        found: dict[int, list[np.ndarray]] = {}

        def work(low: int, high: int) -> None:
            room = max(PAIRS, pre.size)
            source, distance, out = np.empty(room, np.int32), np.empty(room), np.empty(room, np.int32)
            sets = scratch(pre.size, False)[:3]
            draws = np.empty(HALF)
            parts = found[low] = []
            while low < high:
                here = counts[low:]
                end = near_pairs(source, distance, here, low, high, targets, grid.cells, grid.order, grid.sources, grid.box,
                                 grid.origin, grid.per_length, grid.numbers, radius, own)
                n = int(here[:end - low].sum())
                p = np.require(self._probabilities(distance[:n]), requirements="CW")
                kept = accept_pairs(out, here, source, p, low, end - low, *words, *sets, draws)
                parts.append(out[:kept].copy())
                low = end

        run(work, even_borders(post.size, threads if self._tree is not None else 1), threads)
        first = offsets(counts)
        sources = np.empty(first[-1], np.int32)
        start = 0
        for low in sorted(found):
            parts = found.pop(low)[::-1]
            while parts:  # each part goes as soon as it is copied: never two whole copies
                part = parts.pop()
                sources[start:start + part.size] = part
                start += part.size
        return Edges(sources, targets_of(first))


@dataclass(frozen=True, eq=False)
class Grid:
    """Sources sorted by the cells of a grid with at most three dimensions; see `neurosim.kernels.connect.near_pairs`."""

    box: np.ndarray
    origin: np.ndarray
    per_length: np.ndarray
    numbers: np.ndarray
    cells: np.ndarray
    order: np.ndarray
    sources: np.ndarray

    @classmethod
    def around(cls, places: np.ndarray, box: np.ndarray, radius: float) -> Grid:
        """Return the grid for places (n, dimension) in a box with lengths or inf; cells are longer than the radius."""
        n, dimension = places.shape
        box = np.concatenate([box, np.full(3 - dimension, np.inf)])
        columns = _columns(places, box)
        ring = np.isfinite(box)
        origin = np.where(ring, 0.0, columns.min(axis=1))
        extent = np.where(ring, box, columns.max(axis=1) - origin)
        # more cells than neurons would only be empty
        most = max(1.0, np.floor((2.0 * n) ** (1.0 / dimension)))
        numbers = np.clip(np.floor(extent / (radius * (1.0 + 1e-9))), 1, most).astype(np.int64)
        per_length = np.divide(numbers, extent, out=np.zeros(3), where=extent > 0.0)
        place = np.clip(np.floor((columns - origin[:, None]) * per_length[:, None]), 0, numbers[:, None] - 1).astype(np.int64)
        cell = (place[0] * numbers[1] + place[1]) * numbers[2] + place[2]
        order = np.argsort(cell, kind="stable")
        cells = offsets(np.bincount(cell, minlength=int(numbers.prod())))
        return cls(box, origin, per_length, numbers, cells, order.astype(np.int32), np.ascontiguousarray(columns[:, order]))

    def columns(self, places: np.ndarray) -> np.ndarray:
        """Return places as three rows, within the box."""
        return _columns(places, self.box)


def _spread(n: int, wanted: int) -> np.ndarray:
    """Up to `wanted` indices below n, evenly spread."""
    m = min(n, wanted)
    return ((2 * np.arange(m) + 1) * n) // (2 * m)


def _columns(places: np.ndarray, box: np.ndarray) -> np.ndarray:
    rows = np.zeros((3, len(places)))
    for k, x in enumerate(places.T):
        rows[k] = np.mod(x, box[k]) if np.isfinite(box[k]) else x
    return rows


def _distances(a: np.ndarray, b: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Distance along the last axis, the shorter way where the box is finite."""
    x = np.abs(a - b)
    ring = np.isfinite(box)
    x[..., ring] %= box[ring]
    return np.sqrt(np.sum(np.minimum(x, box - x) ** 2, axis=-1))


def _length(name: str, value: Any) -> float:
    number = checked_value(value, name, what="length of DistanceDependent")
    if not isinstance(number, float) or not number > 0.0:
        raise ParameterError(f"DistanceDependent: {name} must be a positive length, not {value!r}.")
    return number


def _numbers(parameters: Any) -> dict[str, float]:
    if not isinstance(parameters, Mapping):
        raise ParameterError(f"DistanceDependent: parameters must be numbers by name (dict), not {type(parameters).__name__}.")
    numbers = {}
    for name, value in parameters.items():
        number = checked_value(value, name, what="parameter of DistanceDependent")
        if not isinstance(number, float):
            raise ParameterError(f"DistanceDependent: the parameter {name!r} must be one number.")
        numbers[name] = number
    if "d" in numbers:
        raise ParameterError("DistanceDependent: 'd' is the distance; give the parameter another name.")
    return numbers


def _tree_of(text: str, parameters: Mapping[str, float]) -> Node:
    tree = parse(text, WHERE)
    names = symbols(tree)
    for name in sorted(names - {"d"} - set(parameters)):
        raise ParameterError(f"{name!r} in the {WHERE} {text!r} has no value.{nearest(name, [*parameters, 'd'])} "
                             f"Give it in parameters=; known: {listing(['d', *parameters])}.")
    for name in sorted(set(parameters) - names):
        raise ParameterError(f"The parameter {name!r} does not occur in the {WHERE} {text!r}.{nearest(name, names)}")
    if random := calls(tree) & {"rand", "randn"}:
        raise ParameterError(f"The {WHERE} {text!r} is random: leave out {listing(sorted(random))}().")
    return tree
