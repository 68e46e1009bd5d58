"""Connected networks: rings, logs and jobs of all populations and projections, and the loop over their epochs.

An epoch lasts as long as the shortest delay, so that what happens in it cannot reach another neuron before its end.  Each
thread has its tiles of every population and its blocks of targets; what a block receives is added by one thread, in an order
that depends on the network alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim.codegen.driver import Driver, Share
from neurosim.codegen.library import compiled
from neurosim.codegen.plan import LANES
from neurosim.simulator.changes import Changes
from neurosim.simulator.connections import Connections
from neurosim.simulator.connectivity import Rule
from neurosim.simulator.deliveries import Site, deliveries
from neurosim.simulator.interruption import Interruption
from neurosim.simulator.lower import STREAMS, Group
from neurosim.simulator.network import Network
from neurosim.simulator.population import Population
from neurosim.simulator.progress import Progress
from neurosim.simulator.projection import Link, ranks
from neurosim.simulator.runaway import Watch
from neurosim.simulator.wiring import block_width, check_delay

#: streams of projections begin where no population has any
PROJECTION_STREAM = 1 << 48
#: spikes that can be recorded before the loop comes back to Python
RECORD = 1 << 20
#: neurons times steps of an epoch, so that spike buffers stay small
MOST = 1 << 22
#: steps of an epoch, so that the ring buffers of networks with few connections stay small
LONG = 1 << 12
#: seconds a stretch should last
STRETCH = 0.15
#: updates of a simple neuron in an epoch that are worth a thread: with less, threads only wait for each other
WORTH = 6000


def power(n: int) -> int:
    """Return the smallest power of two that is at least n."""
    return 1 << max(0, int(n - 1).bit_length())


@dataclass
class Wires:
    """What a connected network keeps between runs besides the states of its neurons.

    Attributes:
        deliveries: by projection.
        rings, logs, counts: by population: what is under way, who spiked lately.
        geometry: by population: width of a block of the ring buffer, slots - 1, blocks.
        epoch: steps of an epoch.
        off: projections that are switched off.
        answers: what callbacks answered last, by stimulus.
    """

    deliveries: dict[Link, list[Any]] = field(default_factory=dict)
    rings: dict[Population, np.ndarray] = field(default_factory=dict)
    logs: dict[Population, np.ndarray] = field(default_factory=dict)
    counts: dict[Population, np.ndarray] = field(default_factory=dict)
    geometry: dict[Population, tuple[int, int, int]] = field(default_factory=dict)
    epoch: int = 1
    off: frozenset[Link] = frozenset()
    answers: dict[Any, np.ndarray] = field(default_factory=dict)

    def apply(self, now: Changes, name_of: Callable[[Link], str]) -> None:
        """Take over what was changed.

        Raises:
            ParameterError: for a variable that cannot be set, or values that do not fit the connections.
        """
        self.off = now.off
        for projection, values in now.set_now.items():
            connections = Connections(projection, name_of(projection), self.deliveries[projection], 0, 0.0)
            for variable, value in values.items():
                for d, part in zip(self.deliveries[projection], connections.spread(value, variable)):
                    d.assign(variable, part)
        for projection, values in now.values.items():
            self.deliveries[projection] = [d.changed(values) for d in self.deliveries[projection]]

    def copy(self) -> Wires:
        """Return a copy whose arrays may be changed; connections that never change are shared."""
        def own(table):
            return {k: v.copy() for k, v in table.items()}

        return Wires({p: [d.copy() for d in found] for p, found in self.deliveries.items()}, own(self.rings), own(self.logs),
                     own(self.counts), self.geometry, self.epoch, self.off, own(self.answers))

    @property
    def every(self) -> list[Any]:
        """All deliveries that are switched on, in the order of the projections."""
        return [d for p, found in self.deliveries.items() for d in found if p not in self.off]


def connect(network: Network, groups: list[Group], dt: float, seed: int, single: bool, threads: int) -> Wires:
    """Draw all connections and make room for what is under way."""
    for p in network.projections:
        check_delay(p, dt, network.name_of(p))
    widths = block_widths(network)
    wires = Wires()
    for k, p in enumerate(network.projections):
        wires.deliveries[p] = deliveries(p, widths, dt, seed, PROJECTION_STREAM + k * STREAMS, single, threads,
                                         network.name_of(p))
    total = sum(p.size for p in network.populations)
    wires.epoch = max(1, min([MOST // total, LONG, *(d.shortest + 1 for d in wires.every)]))
    for group in groups:
        population, width = group.population, widths[group.population]
        slots = power(wires.epoch + 1 + max([0, *(d.longest for d in wires.every if d.target is population)]))
        n_blocks = -(-population.size // width)
        rows = max(1, len(group.arrivals.signals))
        wires.rings[population] = np.zeros(rows * n_blocks * slots * width, group.program.real)
        wires.geometry[population] = (width, slots - 1, n_blocks)
        seen = [d.remembers for d in wires.every if population in (d.source, d.target)]
        depth = power(wires.epoch + 1 + max(seen, default=0))
        wires.logs[population] = np.zeros(depth * population.size, np.int32)
        wires.counts[population] = np.zeros(depth, np.int64)
    return wires


def block_widths(network: Network) -> dict[Population, int]:
    """Return the width of a block of targets by population; it depends on the network, not on what is drawn."""
    rows: dict[Population, float] = dict.fromkeys(network.populations, 0.0)
    scattered: set[Population] = set()
    for p in network.projections:
        pre, post = p.sides()
        n_pre, n_post = pre.size, post.size
        rule = p.connectivity if isinstance(p.connectivity, Rule) else None
        for v in p.targets:
            if not isinstance(p.delay, float):
                scattered.add(v.population)
            # connections of one source onto this population, for the projection that has most
            share = (rule.expected(n_pre, n_post, pre, post) / n_pre if rule else n_post) * len(v) / n_post
            rows[v.population] = max(rows[v.population], share)
    return {p: block_width(p.size, rows[p], p in scattered) for p in network.populations}


class _Part:
    """One group in the epoch loop: buffers, jobs and recorded spikes."""

    def __init__(self, group: Group, wires: Wires, epoch: int, threads: int, common: tuple, shared: np.ndarray, first: int):
        self.group, self.program = group, group.program
        program, n, plan = group.program, group.program.n, group.program.plan
        fires = plan.fire is not None
        edges = np.linspace(0, program.n_tiles, min(threads, program.n_tiles) + 1).astype(int)
        low, high = edges[:-1], edges[1:]
        starts = low * LANES * epoch if fires else low * 0
        self.spikes = np.empty(max(1, n * epoch if fires else 1), np.int64)
        self.cursors = np.zeros(6 * len(low), np.int64)
        self.ring = wires.rings[group.population]
        log, count = wires.logs[group.population], wires.counts[group.population]
        self.recorded = bool(group.spikes and fires)
        self.room = n * epoch if self.recorded else 0
        self.record = np.empty(max(1, min(RECORD + self.room, 1 << 40)) if self.recorded else 1, np.int64)
        self.book = np.array([n, len(count) - 1, len(low), self.recorded, first, self.room, 0, 0,
                              *np.stack([starts, low], axis=1).ravel()], np.int64)
        self.base = first
        self.chunks: list[tuple[np.ndarray, np.ndarray]] = []
        self.advance = []
        for k, (a, b) in enumerate(zip(low, high)):
            cursor = self.cursors[6 * k:6 * k + 6]
            cursor[:] = a, 0, b, -1, 0, 0
            end = min(n, b * LANES) * epoch if fires else 1
            self.advance.append(program.advance.bind(
                program.x.reshape(-1), program.hold, program.pu, group.tab, group.timing, group.book, group.rec,
                self.spikes[starts[k]:max(end, starts[k])], cursor, *program.scratch(), self.ring, n, *common, group.stream))
        self.collect = compiled("collect", plan.single).bind(self.cursors, self.spikes, log, count, self.record, self.book,
                                                             shared)

    def drain(self, step: int) -> None:
        """Move recorded spikes out of the record; the next ones are counted from `step`."""
        n = int(self.book[6])
        if n:
            packed = self.record[:n]
            self.chunks.append(((packed >> 32) + self.base, (packed & 0xFFFFFFFF).astype(np.int32)))
        self.book[6], self.book[4], self.base = 0, step, step

    @property
    def bad(self) -> tuple[int, int, int] | None:
        """First bad step, its neuron and row."""
        found = [tuple(int(v) for v in c[3:]) for c in self.cursors.reshape(-1, 6) if c[3] >= 0]
        return min(found) if found else None


def worthwhile(groups: list[Group], wires: Wires, dt: float, ranks: int) -> int:
    """Return how many threads have enough to do between two meetings, by a rough count of the work of an epoch.

    Three meetings an epoch, and up to three more for each further rank of populations.

    The bits of a run do not depend on it.  A current-based network of 4,000 neurons with delays of one step took half as long
    on one thread as on two.
    """
    work = 0.0
    for g in groups:
        plan = g.program.plan
        # a nonlinear variable costs about four linear ones, a stage of a Runge-Kutta method as much as a step
        work += g.program.n * (1 + 4 * len(plan.small)) * {"heun": 2, "rk4": 4}.get(plan.method, 1) * wires.epoch
    work += sum(wires.epoch * d.effort(dt) for d in wires.every)
    return max(1, int(min(work / (WORTH * ranks), 1024)))


def _dealt(blocks: list[tuple[int, list]], threads: int) -> Iterator[tuple[list, int]]:
    """Deal blocks out to threads: the one with most connections goes to the thread that has fewest."""
    loads = [0] * threads
    for load, calls in sorted(blocks, key=lambda b: -b[0]):
        t = int(np.argmin(loads))
        loads[t] += load
        yield calls, t


class EpochLoop:
    """A connected network, ready to run.

    Args:
        groups, wires: what runs.
        threads: number of threads.
        common: origin, time0, dt, seed: arguments of `advance`.
        first: first step.
        fresh: whether the network has not run before.
    """

    def __init__(self, groups: list[Group], wires: Wires, threads: int, common: tuple, first: int, fresh: bool):
        self.wires = wires
        rank = ranks(wires.deliveries, [g.population for g in groups])
        threads = min(threads, worthwhile(groups, wires, common[2], 1 + max(rank.values())))
        self.epoch = wires.epoch
        self.shared = np.zeros(32, np.int64)
        self.parts = [_Part(g, wires, self.epoch, threads, common, self.shared, first) for g in groups]
        blocks, sent = self._blocks(fresh, rank)
        early = {d.source for d in wires.every if d.immediate and not d.continuous}
        shares = [Share([], [], []) for _ in range(threads)]

        def stage(dealt: Iterable[tuple[list, int]]) -> None:
            for share in shares:
                share.stages.append([])
            for jobs, t in dealt:
                shares[t].stages[-1] += jobs

        for r in range(max(rank.values()) + 1):
            members = [p for p in self.parts if rank[p.group.population] == r]
            stage(([job], t) for p in members for t, job in enumerate(p.advance))
            if first_seen := [p for p in members if p.group.population in early]:
                # others need their spikes within the step
                stage(([p.collect], k % threads) for k, p in enumerate(first_seen))
            if r in sent:
                stage(_dealt(sent[r], threads))
        for k, part in enumerate(p for p in self.parts if p.group.population not in early):
            shares[k % threads].collect.append(part.collect)
        for calls, t in _dealt(blocks, threads):
            shares[t].blocks.append(calls)
        self.driver = Driver(shares, self.epoch, self.shared)

    def _blocks(self, fresh: bool, rank: dict[Population, int]) -> tuple[list, dict[int, list]]:
        """Return work and calls of a step for every block of targets; and of those within the step, by rank of the source."""
        groups = {part.group.population: part.group for part in self.parts}
        found, sent = [], {}
        for part in self.parts:
            group = part.group
            width, mask, n_blocks = group.geometry
            rows = len(group.arrivals.signals)
            if not rows:
                continue
            site = Site(group, groups, part.ring, self.wires.logs, self.wires.counts)
            onto = [d for d in self.wires.every if d.target is group.population and not d.immediate]
            at_once: dict[int, list[Any]] = {}
            for d in self.wires.every:
                if d.target is group.population and d.immediate:
                    at_once.setdefault(rank[d.source], []).append(d)
            for b in range(n_blocks):
                book = np.array([rows, n_blocks, b, width, mask], np.int64)
                calls = [compiled("clear", site.single).bind(book, part.ring), *(d.job(b, site) for d in onto)]
                for d, job in zip(onto, list(calls[1:])) if fresh else ():
                    # before the beginning, continuous projections saw the initial values
                    for q in range(-1 - d.longest, 0) if d.continuous else ():
                        job(q, 1)
                calls += [job for d in self.wires.every if d.target is group.population for job in d.learn(b, site)]
                found.append((width + sum(d.load(b) for d in onto), calls))
                for r, several in at_once.items():
                    sent.setdefault(r, []).append((sum(d.load(b) for d in several), [d.job(b, site) for d in several]))
        return found, sent

    def run(self, first: int, n_steps: int, bar: Progress, samplers: list[Any],
            max_rate: float | None) -> tuple[int, str]:
        """Run; return the step reached and why it stopped early ('' if it did not)."""
        dt = self.parts[0].program.dt
        watch = [Watch(p.group.name, p.program.n, dt, first, max_rate) for p in self.parts]
        step, end = first, first + n_steps
        length = min(max(n_steps, 1), 16 * self.epoch)
        problem = ""
        with Interruption() as interrupted, bar:
            while step < end and not problem:
                if interrupted():
                    problem = "interrupted by Ctrl-C"
                    break
                began, before = time.perf_counter(), step
                for sampler in samplers:
                    sampler.take(step)
                ahead = [s.next() for s in samplers if s.next() > step]
                ahead += [w.next() for w in watch if max_rate is not None]
                step = self.driver(step, min(step + length, end, *ahead))
                for part in self.parts:
                    part.drain(step)
                problem = next(filter(None, [w.look(int(p.book[7]), step) for w, p in zip(watch, self.parts)]), "")
                bad = [(p.bad, p) for p in self.parts if p.bad is not None]
                if bad:
                    (at, neuron, row), part = min(bad, key=lambda b: b[0])
                    # the bad step itself belongs to what is kept: its state shows the fault
                    step = at + 1
                    problem = (f"{part.program.plan.states[row]} of neuron {neuron} in population {part.group.name!r} is no "
                               "longer finite")
                took = max(time.perf_counter() - began, 1e-6)
                length = max(self.epoch, int((step - before) * min(4.0, STRETCH / took)))
                bar.update((step - first) * dt)
        self.driver.close()
        return step, problem
