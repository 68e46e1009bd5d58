"""How connections act: each kind of projection becomes deliveries, which make a compiled job for every block of targets.

A delivery has
    source, target      the two populations
    shortest            steps from what happens at the source to the earliest effect, less one: it bounds the epoch
    longest             the same for the latest effect: slots that the ring buffer needs
    remembers           steps for which it looks back at spikes
    continuous          whether it acts at every step, also before the first one
    immediate           whether it acts in the step itself, between its source and its target
    learn(block, site)  jobs that change its weights at the end of a step
    load(block)         work, to share blocks among threads
    effort(dt)          work of a step, in updates of a simple neuron
    job(block, site)    the compiled job
    copy()              one whose changing arrays are its own
    changed(values)     one with other values: "weight", or parameters of a rule
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from neurosim.codegen.library import compiled
from neurosim.codegen.native import Job
from neurosim.simulator.graded import GradedProjection
from neurosim.simulator.lower import Group
from neurosim.simulator.population import Population
from neurosim.simulator.wiring import Wired, wire


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
    def immediate(self) -> bool:
        """Whether it acts in the step itself."""
        return self.wired.projection.immediate

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
        """Longest delay in steps; -1: within the step."""
        return -1 if self.immediate else int(self.wired.delay.max())

    def load(self, block: int) -> int:
        """Return the number of connections onto a block."""
        return self.wired.load(block)

    def effort(self, dt: float) -> float:
        """Return the work of a step in updates of a simple neuron, at some 10 Hz."""
        return 4 * 0.01 * dt * self.wired.size

    def job(self, block: int, site: Site) -> Job:
        """Return the compiled job of a block."""
        w = self.wired
        width, mask, _ = site.group.geometry
        log, count = site.logs[self.source], site.counts[self.source]
        at = site.place(site.group.arrivals.rows[w.projection], block)
        lag = -1 if self.immediate else w.delay[0]
        if (rows := self.rows) is not None:
            d, low, high = rows
            begin = np.ascontiguousarray(w.place[::d])
            # one target of all, such as what an ensemble represents: nothing to look up
            begin = begin[:1] if (begin == begin[0]).all() else begin
            book = np.array([w.n_pre, len(count) - 1, at, width, mask, lag, d, low, high])
            return compiled("deliver_rows", site.single).bind(book, begin, w.weight, log, count, site.ring)
        book = np.array([w.n_pre, len(count) - 1, block * (w.n_pre + 1), at, width, mask, lag, len(w.weight) > 1,
                         len(w.delay) > 1], np.int64)
        return compiled("deliver", site.single).bind(book, w.first, w.place, w.weight, w.delay, log, count, site.ring)

    @cached_property
    def rows(self) -> tuple[int, int, int] | None:
        """Number of targets of a source, first source and end of a range, if those of the range have as many, side by side,
        with weights of their own, and no other source has any; else None."""
        w = self.wired
        if len(w.first) != w.n_pre + 1 or len(w.delay) > 1 or len(w.weight) == 1:
            return None
        many = np.diff(w.first)
        low, high = (int(k) for k in np.flatnonzero(many)[[0, -1]])
        d = int(many[low])
        if not (many[low:high + 1] == d).all():
            return None
        places = w.place.reshape(-1, d)
        return (d, low, high + 1) if np.all(places[:, :1] + np.arange(d, dtype=places.dtype) == places) else None

    def learn(self, block: int, site: Site) -> list[Job]:
        """Return the compiled job that changes the weights onto a block, if they change."""
        rule = self.wired.projection.learning
        return [] if rule is None else [rule.job(self.wired, block, site, site.group.program.dt)]

    def copy(self) -> Events:
        """Return one whose weights are its own; itself, if nothing in it changes."""
        if self.wired.projection.learning is None:
            return self
        return replace(self, wired=replace(self.wired, weight=self.wired.weight.copy()))

    def changed(self, values: Mapping[str, float]) -> Events:
        """Return one with another weight, the same for all connections."""
        learns = self.wired.projection.learning is not None
        weight = np.full(self.wired.size if learns else 1, values["weight"], self.wired.weight.dtype)
        return replace(self, wired=replace(self.wired, weight=weight))


def deliveries(projection: Any, widths: dict[Population, int], dt: float, seed: int, stream: int, single: bool, threads: int,
               what: str) -> list[Any]:
    """Return the deliveries of a projection, one for each pair of populations."""
    common = (widths, dt, seed, stream, single, threads, what)
    if not isinstance(projection, GradedProjection):
        found = wire(projection, *common, projection.synapse.weight, projection.delay)
        if projection.plasticity is None:
            return [Events(w) for w in found if w.size]
        from neurosim.simulator.plastic_delivery import plastic

        made = [plastic(w, *common) for w in found if w.size]
        given = {name: value for name, value in projection.plasticity.initial.items() if isinstance(value, np.ndarray)}
        # wired once more: the way of the connections through all sorting is that of a weight that is their place
        places = wire(projection, *common, None, projection.delay, places=True) if given else []
        for d, w in zip(made, (w for w in places if w.size)):
            for name, value in given.items():
                d.syn[d.plan.synapse_rows.index(name)] = value[w.weight.astype(np.int64)]
        return made
    from neurosim.simulator.graded_delivery import graded

    return graded(projection, *common)
