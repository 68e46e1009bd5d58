"""From a rule to connections in memory: drawn, given weights and delays, and sorted by block of targets and source.

A static connection takes 2 bytes, and as many more as it has a weight (4 or 8) and a delay (2) of its own.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.codegen.library import compiled
from neurosim.errors import NeurosimWarning, ParameterError
from neurosim.simulator.connectivity import Graph, Matrix
from neurosim.simulator.population import Population, View
from neurosim.simulator.projection import Link

#: random streams of one projection, beyond those of the populations
WEIGHT_STREAM, DELAY_STREAM = 1 << 20, 2 << 20
#: longest delay in steps
MOST_STEPS = 65_000
#: neurons in a block of targets: at least, at most
NARROW, WIDE = 512, 1 << 15
#: connections of one source onto one block that are worth a jump in memory; and where delays differ, so that the ring buffer
#: of a block is far larger than what a core keeps near: a jump there costs the same, but fewer blocks cost fewer jumps
ROW, ROW_SCATTERED = 300, 600


@dataclass
class Wired:
    """The connections of a projection between two populations.

    Attributes:
        projection: where they come from; source, target: the two populations, or parts of them.
        begin, start: place of the first source and target neuron within those of the projection.
        width: neurons of a block of targets.
        first, place: see kernels/sparse.py; `place` is the target within its block.
        weight: (n,) or (1,): the same for all.
        delay: steps; (n,) or (1,).
    """

    projection: Link
    source: View
    target: View
    begin: int
    start: int
    width: int
    first: np.ndarray
    place: np.ndarray
    weight: np.ndarray
    delay: np.ndarray

    @property
    def size(self) -> int:
        """Number of connections."""
        return len(self.place)

    @property
    def n_pre(self) -> int:
        """Neurons of the source population."""
        return self.source.population.size

    def load(self, block: int) -> int:
        """Return the number of connections onto a block."""
        low = block * (self.n_pre + 1)
        return int(self.first[low + self.n_pre] - self.first[low])

    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Return source and target of every connection, counted within the populations."""
        counts = np.diff(self.first)
        rows = np.repeat(np.arange(len(counts)), counts)
        return (rows % (self.n_pre + 1)).astype(np.int32), (rows // (self.n_pre + 1) * self.width + self.place).astype(np.int32)

    @property
    def nbytes(self) -> int:
        """Bytes of the connections."""
        return sum(a.nbytes for a in (self.first, self.place, self.weight, self.delay))


def delay_steps(value: Any, dt: float, what: str, lowest: int = 1) -> np.ndarray:
    """Return delays in ms as whole steps, shape (n,) or (1,).

    Raises:
        ParameterError: for a delay between 0 and one step, or longer than can be counted.
    """
    ms = np.atleast_1d(np.asarray(value, dtype=float))
    steps = np.rint(ms / dt)
    # a delay a little below the grid is not below one step
    short = (ms < lowest * dt * (1 - 1e-6)) & (ms != 0.0)
    if short.any():
        raise ParameterError(f"{what}: the shortest delay is {ms[short].min():g} ms, less than one step of dt={dt:g} ms. Use "
                             "longer delays (low= of a distribution), 0, or a smaller dt.")
    if steps.size and steps.max() > MOST_STEPS:
        raise ParameterError(f"{what}: the longest delay is {ms.max():g} ms, {steps.max():.0f} steps of {dt:g} ms; at most "
                             f"{MOST_STEPS} steps can be handled. Use a larger dt.")
    return steps.astype(np.uint16)


def check_delay(projection: Link, dt: float, what: str) -> None:
    """Warn where given delays are not on the grid, refuse those below one step; distributions are simply rounded."""
    # a matrix or graph may bring its own: `wire` looks at those
    if not isinstance(projection.connectivity, (Matrix, Graph)) and not getattr(projection.delay, "is_distribution", False):
        _check_given(projection.delay, dt, what, 4)


def _check_given(value: Any, dt: float, what: str, level: int) -> None:
    steps = delay_steps(value, dt, what)
    off = np.abs(steps * dt - np.atleast_1d(value)) > 1e-6 * dt * np.maximum(1, steps)
    if off.any():
        k = int(np.argmax(off))
        more = f" and {off.sum() - 1} more" if off.sum() > 1 else ""
        warnings.warn(f"{what}: the delay {np.atleast_1d(value)[k]:g} ms{more} is not a multiple of dt={dt:g} ms; "
                      f"it becomes {steps[k] * dt:g} ms.", NeurosimWarning, stacklevel=level + 1)


def block_width(n: int, row: float, scattered: bool) -> int:
    """Return the number of neurons of a block of targets; a multiple of 64 that depends on the network alone.

    Args:
        n: neurons; row: connections of one source onto all of them.
        scattered: whether one spike reaches several slots of the ring buffer (delays of its own for each connection).
    """
    blocks = max(1, round(row / (ROW_SCATTERED if scattered else ROW)))
    width = max(-(-n // blocks), min(n, NARROW))
    return min(-(-width // 64) * 64, WIDE)


def wire(projection: Link, widths: dict[Population, int], dt: float, seed: int, stream: int, single: bool, threads: int,
         what: str, weight: Any, delay: Any, lowest: int = 1, places: bool = False) -> list[Wired]:
    """Return the connections of a projection with a rule, one `Wired` for each pair of populations.

    Args:
        projection: the projection.
        widths: neurons of a block of targets by population.
        dt: ms; seed, stream: key of the random numbers; single: float32; threads: for drawing; what: name, for messages.
        weight, delay: number, distribution or array; ms. lowest: shortest delay in steps.
        places: the weight of each connection is its place in the order of the rule.

    Raises:
        ParameterError: for weights or delays that do not fit the connections.
    """
    pre, post = projection.sides()
    edges = projection.connectivity.edges(pre, post, projection.same(), seed, stream, threads)
    n = len(edges.pre)
    real = np.float32 if single else np.float64
    weight = (np.arange(n, dtype=np.float64) if places
              else _each(weight, edges.weight, "weight", n, seed, stream + WEIGHT_STREAM, what).astype(real))
    if projection.learning is not None and len(weight) != n:
        weight = np.full(n, weight[0])
    if edges.delay is not None:
        delay = edges.delay
    if isinstance(projection.connectivity, (Matrix, Graph)) and not getattr(delay, "is_distribution", False):
        _check_given(delay, dt, what, 5)
    delay = delay_steps(_each(delay, None, "delay", n, seed, stream + DELAY_STREAM, what), dt, what, lowest)
    found = []
    for source, begin in _offsets(projection.sources):
        for target, start in _offsets(projection.targets):
            alone = len(projection.sources) == len(projection.targets) == 1
            chosen = None
            if not alone:
                chosen = np.flatnonzero((edges.pre >= begin) & (edges.pre < begin + len(source))
                                        & (edges.post >= start) & (edges.post < start + len(target)))
            found.append(_sorted(projection, source, target, widths[target.population],
                                 *(part if chosen is None or (len(part) == 1 and n != 1) else part[chosen]
                                   for part in (edges.pre, edges.post, weight, delay)), begin, start))
    return found


def _offsets(views: tuple[View, ...]) -> list[tuple[View, int]]:
    starts = np.concatenate([[0], np.cumsum([len(v) for v in views])])
    return [(v, int(s)) for v, s in zip(views, starts)]


def _each(value: Any, given: np.ndarray | None, label: str, n: int, seed: int, stream: int, what: str) -> np.ndarray:
    """Return one value for all connections, shape (1,), or one each."""
    if given is not None:
        # the values of a matrix are weights; the weight of the synapse scales them, if there is one
        if value is None or isinstance(value, float):
            return given if value is None else given * value
        raise ParameterError(f"{what}: the {label} comes from the matrix or graph; give a number that scales it, or none.")
    if getattr(value, "is_distribution", False):
        drawn = np.asarray(value.sample(seed, stream, n), dtype=float)
        if drawn.shape != (n,) or not np.all(np.isfinite(drawn)):
            raise ParameterError(f"{what}: the distribution of the {label} must give {n} finite numbers.")
        return drawn
    array = np.atleast_1d(np.asarray(value, dtype=float))
    if np.ndim(value) and array.shape != (n,):
        raise ParameterError(f"{what}: {label} has shape {array.shape}, but there are {n} connections.")
    return array


def _sorted(projection: Link, source: View, target: View, width: int, pre: np.ndarray, post: np.ndarray,
            weight: np.ndarray, delay: np.ndarray, begin: int, start: int) -> Wired:
    if begin or source.chosen is not None:
        pre = (pre - begin if source.chosen is None else source.chosen[pre - begin]).astype(np.int32)
    if start or target.chosen is not None:
        post = (post - start if target.chosen is None else target.chosen[post - start]).astype(np.int32)
    n, n_pre = len(pre), source.population.size
    weight = weight if len(weight) else np.zeros(1, weight.dtype)
    delay = delay if len(delay) else np.ones(1, delay.dtype)
    if len(delay) > 1 and delay.min() == delay.max():
        delay = delay[:1]
    if getattr(projection, "plasticity", None) is not None and len(delay) > 1:
        order = np.argsort(delay, kind="stable")
        pre, post, delay = pre[order], post[order], delay[order]
        weight = weight[order] if len(weight) > 1 else weight
    n_blocks = -(-target.population.size // width)
    first = np.zeros(n_blocks * (n_pre + 1), np.int64)
    place = np.empty(n, np.uint16)
    weights = np.empty(n, weight.dtype) if len(weight) > 1 else weight.copy()
    delays = np.empty(n, np.uint16) if len(delay) > 1 else delay.copy()
    pre, post = np.ascontiguousarray(pre, np.int32), np.ascontiguousarray(post, np.int32)
    compiled("sort_rows", weight.dtype == np.float32).bind(pre, post, width, n_pre, first, place, weight, weights, delay,
                                                           delays)(0, 0)
    return Wired(projection, source, target, begin, start, width, first, place, weights, delays)
