"""How connections act: each kind of projection becomes deliveries, which make a compiled job for every block of targets.

A delivery has
    source, target      the two populations
    shortest            steps from what happens at the source to the earliest effect, less one: it bounds the epoch
    longest             the same for the latest effect: slots that the ring buffer needs
    remembers           steps for which it looks back at spikes
    continuous          whether it acts at every step, also before the first one
    load(block)         work, to share blocks among threads; load_all(): of all of them
    job(block, site)    the compiled job
    copy()              one whose changing arrays are its own
    changed(values)     one with other values: "weight", or parameters of a rule
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from neurosim import kernels
from neurosim.codegen.native import Interpreted, Job, Native
from neurosim.codegen.store import load
from neurosim.errors import ParameterError
from neurosim.simulator.connectivity import Rule
from neurosim.simulator.graded import GradedProjection
from neurosim.simulator.lower import Group
from neurosim.simulator.population import Population
from neurosim.simulator.wiring import Wired, wire

#: arguments of the functions of kernels/delivery.py after step0 and n_steps
_SIGNATURES = {"collect": "QQIQQQQ", "clear": "QR", "deliver": "QQHRHIQR", "graded": "QQHRRRR", "graded_matrix": "QRRRRR"}


@cache
def compiled(name: str, single: bool) -> Native | Interpreted:
    """Return a compiled function of kernels/delivery.py."""
    text = (Path(kernels.__file__).parent / "delivery.py").read_text(encoding="utf-8")
    # the store knows one function by one text
    return load(f"{text}\n# {name}, {'float32' if single else 'float64'}\n", single, name, _SIGNATURES[name])


@dataclass
class Site:
    """What deliveries onto one population find there.

    Attributes:
        group: the target; groups: all groups by population.
        ring: ring buffer of the target; logs, counts: spike logs by population.
    """

    group: Group
    groups: Mapping[Population, Group]
    ring: np.ndarray
    logs: Mapping[Population, np.ndarray]
    counts: Mapping[Population, np.ndarray]

    @property
    def single(self) -> bool:
        """Whether the run is in float32."""
        return self.group.program.plan.single

    def place(self, row: int, block: int) -> int:
        """Return where a block's part of a row of the ring buffer begins."""
        width, mask, n_blocks = self.group.geometry
        return (row * n_blocks + block) * (mask + 1) * width

    def variable(self, population: Population, name: str) -> tuple[np.ndarray, int, int]:
        """Return the states of a population, the rows of a tile, and the row of a state or published quantity."""
        program = self.groups[population].program
        own = program.plan.names[name]
        row = program.rows[own] if own in program.plan.states else program.rows[f"{name}_published_"]
        return program.x.reshape(-1), program.plan.n_rows, row


@dataclass
class Events:
    """Spikes through static connections."""

    wired: Wired
    remembers: int = 0
    #: whether it acts at every step, also before the first one (with the initial values)
    continuous = False

    @property
    def source(self) -> Population:
        """Population that spikes."""
        return self.wired.source.population

    @property
    def target(self) -> Population:
        """Population that receives."""
        return self.wired.target.population

    @property
    def shortest(self) -> int:
        """Shortest delay in steps."""
        return int(self.wired.delay.min())

    @property
    def longest(self) -> int:
        """Longest delay in steps."""
        return int(self.wired.delay.max())

    def load(self, block: int) -> int:
        """Return the number of connections onto a block."""
        return self.wired.load(block)

    def load_all(self) -> int:
        """Return the number of connections."""
        return self.wired.size

    def job(self, block: int, site: Site) -> Job:
        """Return the compiled job of a block."""
        w = self.wired
        width, mask, _ = site.group.geometry
        log, count = site.logs[self.source], site.counts[self.source]
        at = site.place(site.group.arrivals.rows[w.projection], block)
        book = np.array([w.n_pre, len(count) - 1, block * (w.n_pre + 1), at, width, mask, w.delay[0], len(w.weight) > 1,
                         len(w.delay) > 1], np.int64)
        return compiled("deliver", site.single).bind(book, w.first, w.place, w.weight, w.delay, log, count, site.ring)

    def copy(self) -> Events:
        """Return itself: nothing in it changes."""
        return self

    def changed(self, values: Mapping[str, float]) -> Events:
        """Return one with another weight, the same for all connections."""
        weight = np.full(1, values["weight"], self.wired.weight.dtype)
        return replace(self, wired=replace(self.wired, weight=weight))


@dataclass
class Graded(Events):
    """A continuous projection through single connections."""

    continuous = True

    @property
    def shortest(self) -> int:
        """States are seen as of the last step: every step is an epoch of its own."""
        return 0

    def job(self, block: int, site: Site) -> Job:
        """Return the compiled job of a block."""
        w, p = self.wired, self.wired.projection
        width, mask, _ = site.group.geometry
        x_pre, rows, row = site.variable(self.source, p.variable)
        x_post, rows_post, row_post = site.variable(self.target, p.variable) if p.difference else (x_pre, 0, 0)
        at = site.place(site.group.arrivals.rows[p], block)
        book = np.array([w.n_pre, block * (w.n_pre + 1), at, width, mask, w.delay[0],
                         len(w.weight) > 1, rows, row, p.difference, rows_post, row_post, block * width], np.int64)
        return compiled("graded", site.single).bind(book, w.first, w.place, w.weight, x_pre, x_post, site.ring)


@dataclass
class GradedMatrix:
    """A continuous projection through a matrix, or a product of two.

    Attributes:
        projection, source, target: as in `Wired`.
        left: (sources, d) or (0, 0); right: (d or sources, targets).
        longest: delay in steps.
        factor: weight it was changed to.
    """

    projection: GradedProjection
    source: Population
    target: Population
    left: np.ndarray
    right: np.ndarray
    longest: int
    shortest: int = 0
    remembers: int = 0
    factor: float | None = None
    continuous = True

    def load(self, block: int) -> int:
        """Return the number of products of a block."""
        return self.right.size // 8 + self.left.size

    def load_all(self) -> int:
        """Return the number of products, in events of some 10 Hz at dt 0.1 ms."""
        return 1000 * (self.right.size // 8 + self.left.size)

    def job(self, block: int, site: Site) -> Job:
        """Return the compiled job of a block."""
        width, mask, _ = site.group.geometry
        x_pre, rows, row = site.variable(self.source, self.projection.variable)
        n, d = self.source.size, self.left.shape[1]
        at = site.place(site.group.arrivals.rows[self.projection], block)
        book = np.array([n, self.target.size, d, at, width, mask, self.longest, rows, row, block * width,
                         min(width, self.target.size - block * width)], np.int64)
        work = np.zeros(max(1, d), self.right.dtype)
        return compiled("graded_matrix", site.single).bind(book, self.left.reshape(-1), self.right.reshape(-1), work, x_pre,
                                                           site.ring)

    def copy(self) -> GradedMatrix:
        """Return itself: nothing in it changes."""
        return self

    def changed(self, values: Mapping[str, float]) -> GradedMatrix:
        """Return one with another factor of the matrix."""
        before = self.projection.weight if self.factor is None else self.factor
        if before == 0.0:
            raise ParameterError("A matrix whose factor is 0 cannot be scaled: give it another weight to begin with.")
        return replace(self, right=self.right * (values["weight"] / before), factor=values["weight"])


def deliveries(projection: Any, widths: dict[Population, int], dt: float, seed: int, stream: int, single: bool, threads: int,
               what: str) -> list[Any]:
    """Return the deliveries of a projection, one for each pair of populations."""
    common = (widths, dt, seed, stream, single, threads, what)
    if not isinstance(projection, GradedProjection):
        found = wire(projection, *common, projection.synapse.weight, projection.delay)
        if projection.plasticity is None:
            return [Events(w) for w in found if w.size]
        from neurosim.simulator.plastic_delivery import plastic

        return [plastic(w, *common) for w in found if w.size]
    if isinstance(projection.connectivity, Rule):
        return [Graded(w) for w in wire(projection, *common, projection.weight, projection.delay, lowest=0) if w.size]
    return _matrices(projection, dt, single)


def _matrices(projection: GradedProjection, dt: float, single: bool) -> list[GradedMatrix]:
    real = np.float32 if single else np.float64
    *left, right = projection.connectivity
    lag = round(projection.delay / dt)
    found, begin = [], 0
    for s in projection.sources:
        start = 0
        rows = slice(begin, begin + len(s))
        begin += len(s)
        for t in projection.targets:
            columns = slice(start, start + len(t))
            start += len(t)
            if left:
                # what is not in the part of a population counts with 0
                first = np.zeros((s.population.size, left[0].shape[1]), real)
                first[s.indices] = left[0][rows]
                second = np.zeros((right.shape[0], t.population.size), real)
                second[:, t.indices] = projection.weight * right[:, columns]
            else:
                first = np.zeros((0, 0), real)
                second = np.zeros((s.population.size, t.population.size), real)
                second[np.ix_(s.indices, t.indices)] = projection.weight * right[rows, columns]
            found.append(GradedMatrix(projection, s.population, t.population, first, second, lag))
    return found
