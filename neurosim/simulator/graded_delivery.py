"""How continuous projections act: through single connections, a matrix, or a product of two.

A matrix is kept as runs: places side by side that are not zero.  Where few targets sum over many sources (decoding), a run
lies along the sources; else (encoding, dense weights) along the targets.  Either way the inner loop is over neighbours in
memory and vectorises, and blocks of zeros cost nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from neurosim.codegen.library import compiled
from neurosim.codegen.native import Job
from neurosim.simulator.connectivity import Rule
from neurosim.simulator.deliveries import Events, Site
from neurosim.simulator.graded import GradedProjection
from neurosim.simulator.population import Population
from neurosim.simulator.wiring import wire

#: targets whose sums stay in the first-level cache while all sources are added
CHUNK = 512
#: zeros between two runs that are cheaper to multiply than to jump over
GAP = 4


@dataclass
class Graded(Events):
    """A continuous projection through single connections."""

    continuous = True

    @property
    def shortest(self) -> int:
        """States are seen as of the last step: every step is an epoch of its own."""
        return 0

    def effort(self, dt: float) -> float:
        """Return the work of a step in updates of a simple neuron."""
        return float(self.wired.size)

    def job(self, block: int, site: Site) -> Job:
        """Return the compiled job of a block."""
        w, p = self.wired, self.wired.projection
        width, mask, _ = site.group.geometry
        x_pre, rows, row = site.variable(self.source, p.variable)
        x_post, rows_post, row_post = site.variable(self.target, p.variable) if p.difference else (x_pre, 0, 0)
        at = site.place(site.group.arrivals.rows[p], block)
        book = np.array([w.n_pre, block * (w.n_pre + 1), at, width, mask, self.longest,
                         len(w.weight) > 1, rows, row, p.difference, rows_post, row_post, block * width], np.int64)
        return compiled("graded", site.single).bind(book, w.first, w.place, w.weight, x_pre, x_post, site.ring)


@dataclass
class _Matrix:
    """Common part of projections through matrices.

    Attributes:
        projection: where it comes from; source, target: the populations.
        longest: delay in steps; -1: within the step.
        factor: weight it was changed to.
    """

    projection: GradedProjection
    source: Population
    target: Population
    longest: int
    factor: float | None = None

    shortest = 0
    remembers = 0
    continuous = True

    @property
    def immediate(self) -> bool:
        """Whether it acts in the step itself."""
        return self.projection.immediate

    def learn(self, block: int, site: Site) -> list[Job]:
        """Return nothing: a matrix does not change."""
        return []

    def copy(self) -> Any:
        """Return itself: nothing in it changes."""
        return self

    @property
    def now(self) -> float:
        """The factor of the matrix at present: the weight of the projection, or what it was changed to."""
        return self.projection.weight if self.factor is None else self.factor

    def changed(self, values: Mapping[str, float]) -> Any:
        """Return one with another factor of the matrix."""
        return replace(self, factor=values["weight"])

    def geometry(self, block: int, site: Site) -> tuple[np.ndarray, tuple[int, ...]]:
        """Return the source's states, and: place of the ring buffer, B, L - 1, delay, R, row of the variable."""
        width, mask, _ = site.group.geometry
        x_pre, rows, row = site.variable(self.source, self.projection.variable)
        at = site.place(site.group.arrivals.rows[self.projection], block)
        return x_pre, (at, width, mask, self.longest, rows, row)


@dataclass
class LowRank(_Matrix):
    """A continuous projection through a product of two matrices.

    Attributes:
        left: (sources, d); right: (d, targets), without the factor.
    """

    left: np.ndarray = None
    right: np.ndarray = None

    @cached_property
    def scaled(self) -> np.ndarray:
        """The right matrix times the factor."""
        return self.right if self.now == 1.0 else self.right * self.right.dtype.type(self.now)

    def load(self, block: int) -> int:
        """Return the number of products of a block."""
        return self.right.size // 8 + self.left.size

    def effort(self, dt: float) -> float:
        """Return the work of a step in updates of a simple neuron: a product costs a quarter of one."""
        return (self.right.size + 2 * self.left.size) / 4

    def job(self, block: int, site: Site) -> Job:
        """Return the compiled job of a block."""
        x_pre, place = self.geometry(block, site)
        width = place[1]
        n, d = self.source.size, self.left.shape[1]
        book = np.array([n, self.target.size, d, *place, block * width, min(width, self.target.size - block * width)], np.int64)
        work = np.zeros(max(1, d), self.right.dtype)
        return compiled("graded_low_rank", site.single).bind(book, self.left.reshape(-1), self.scaled.reshape(-1), work, x_pre,
                                                             site.ring)


@dataclass
class Runs(_Matrix):
    """A continuous projection through a matrix.

    Attributes:
        along: whether runs lie along the targets (else: along the sources).
        line: (runs,) source of a run along the targets, or target within its block; begin: its first target within the block,
            or its first source; length: (runs,); offset: (runs,) place of its weights.
        first: (blocks + 1,) first run of each block.
        weight: weights of all runs, without the factor.
    """

    along: bool = True
    line: np.ndarray = None
    begin: np.ndarray = None
    length: np.ndarray = None
    offset: np.ndarray = None
    first: np.ndarray = None
    weight: np.ndarray = None

    @cached_property
    def scaled(self) -> np.ndarray:
        """The weights times the factor."""
        return self.weight if self.now == 1.0 else self.weight * self.weight.dtype.type(self.now)

    def load(self, block: int) -> int:
        """Return the number of products of a block, in events."""
        low, high = self.first[block], self.first[block + 1]
        return int(self.length[low:high].sum()) // 8 + 4 * int(high - low)

    def effort(self, dt: float) -> float:
        """Return the work of a step in updates of a simple neuron: a product costs a quarter of one, a run four."""
        return self.weight.size / 4 + 4 * len(self.line)

    def job(self, block: int, site: Site) -> Job:
        """Return the compiled job of a block."""
        x_pre, place = self.geometry(block, site)
        low, high = int(self.first[block]), int(self.first[block + 1])
        book = np.array([high - low, *place], np.int64)
        runs = np.stack([self.line[low:high], self.begin[low:high], self.length[low:high]], axis=1).astype(np.int32).reshape(-1)
        offset = np.ascontiguousarray(self.offset[low:high]) if high > low else np.zeros(1, np.int64)
        runs = runs if high > low else np.zeros(3, np.int32)
        if self.along:
            return compiled("graded_runs", site.single).bind(book, runs, offset, self.scaled, x_pre, site.ring)
        work = np.zeros(64, self.weight.dtype)
        return compiled("graded_sums", site.single).bind(book, runs, offset, self.scaled, work, x_pre, site.ring)


def graded(projection: GradedProjection, widths: dict[Population, int], dt: float, seed: int, stream: int, single: bool,
           threads: int, what: str) -> list[Any]:
    """Return the deliveries of a continuous projection, one for each pair of populations."""
    if isinstance(projection.connectivity, Rule):
        common = (widths, dt, seed, stream, single, threads, what)
        return [Graded(w) for w in wire(projection, *common, projection.weight, projection.delay) if w.size]
    real = np.float32 if single else np.float64
    *left, right = projection.connectivity
    lag = -1 if projection.immediate else round(projection.delay / dt)
    found, begin = [], 0
    for s in projection.sources:
        start = 0
        rows = slice(begin, begin + len(s))
        begin += len(s)
        for t in projection.targets:
            columns = slice(start, start + len(t))
            start += len(t)
            common = (projection, s.population, t.population, lag)
            if left:
                # what is not in the part of a population counts with 0
                first = np.zeros((s.population.size, left[0].shape[1]), real)
                first[s.indices] = left[0][rows]
                second = np.zeros((right.shape[0], t.population.size), real)
                second[:, t.indices] = right[:, columns]
                found.append(LowRank(*common, left=first, right=second))
                continue
            part = right[rows, columns].tocoo() if hasattr(right, "tocsr") else _entries(right[rows, columns])
            pre, post, weight = s.indices[part.row], t.indices[part.col], part.data
            if weight.size:
                found.append(_runs(common, pre, post, weight.astype(real), widths[t.population]))
    return found


def _entries(dense: np.ndarray) -> Any:
    from scipy.sparse import coo_array

    return coo_array(dense)


def _runs(common: tuple, pre: np.ndarray, post: np.ndarray, weight: np.ndarray, width: int) -> Runs:
    """Return the runs of a matrix given by its entries."""
    _, source, target, _ = common
    block, inside = post // width, post % width
    # few targets, many sources: sums along the sources are longer
    along = target.size >= source.size
    line, place = (pre, inside) if along else (inside, pre)
    group = place // CHUNK
    order = np.lexsort((place, line, group, block))
    block, line, place, group, weight = block[order], line[order], place[order], group[order], weight[order]
    new = np.ones(len(line), bool)
    # neighbours in a tile of sources lie side by side; a run along sources therefore ends with its tile
    cut = place // (CHUNK if along else 64)
    new[1:] = ((block[1:] != block[:-1]) | (line[1:] != line[:-1]) | (cut[1:] != cut[:-1]) | (place[1:] - place[:-1] > GAP))
    first = np.flatnonzero(new)
    last = np.append(first[1:], len(line)) - 1
    length = place[last] - place[first] + 1
    offset = np.concatenate([[0], np.cumsum(length)])
    values = np.zeros(int(offset[-1]), weight.dtype)
    run = np.cumsum(new) - 1
    # entries of equal place add up, as in SciPy
    np.add.at(values, offset[run] + place - place[first][run], weight)
    n_blocks = -(-target.size // width)
    return Runs(*common, along=along, line=line[first], begin=place[first], length=length, offset=offset[:-1].astype(np.int64),
                first=np.searchsorted(block[first], np.arange(n_blocks + 1)), weight=values)
