"""Plastic projections: the arrays of their synapses, and the jobs that take them through a step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from neurosim import __version__
from neurosim.codegen.library import compiled
from neurosim.codegen.native import Job
from neurosim.codegen.plastic import SIGNATURE, write_plastic_source
from neurosim.codegen.plastic_arrays import initial_rows, make_plastic_book, observed, plastic_constants
from neurosim.codegen.plastic_plan import PlasticPlan, make_plastic_plan, needs_target
from neurosim.codegen.store import load
from neurosim.errors import ParameterError
from neurosim.model.plasticity import PlasticityModel
from neurosim.model.values import check_sign
from neurosim.simulator.deliveries import Events, Site
from neurosim.simulator.population import Population
from neurosim.simulator.wiring import Wired

#: random streams of parameters and of initial values that differ between synapses
PARAMETER_STREAM, INITIAL_STREAM = 3 << 20, 4 << 20


@dataclass
class Plastic(Events):
    """Spikes through plastic connections.

    Attributes:
        plan: the compiled form of the rule.
        values: parameters of the rule: number, or one value for each synapse.
        lags: steps from source to synapse and from synapse to target, shapes (n,) or (1,).
        pu, syn, last, pre_var, post_var, back_first, back_index, back_source: see codegen/plastic.py.
        dt: ms.
    """

    plan: PlasticPlan | None = None
    values: Mapping[str, Any] | None = None
    lags: tuple[np.ndarray, np.ndarray] | None = None
    pu: np.ndarray | None = None
    syn: np.ndarray | None = None
    last: np.ndarray | None = None
    pre_var: np.ndarray | None = None
    post_var: np.ndarray | None = None
    back_first: np.ndarray | None = None
    back_index: np.ndarray | None = None
    back_source: np.ndarray | None = None
    dt: float = 0.1

    @property
    def shortest(self) -> int:
        """Steps between the synapse and the neuron; none if the rule looks at neurons, which must not be ahead of it."""
        return 0 if self.plan.reads_neurons else int(self.lags[1].min())

    @property
    def longest(self) -> int:
        """Longest way from synapse to neuron in steps."""
        return int(self.lags[1].max())

    @property
    def model(self) -> PlasticityModel:
        """The rule."""
        return self.wired.projection.plasticity

    def job(self, block: int, site: Site) -> Job:
        """Return the compiled job of a block."""
        w, plan = self.wired, self.plan
        width, mask, n_blocks = site.group.geometry
        pre, post = site.groups[self.source].program, site.group.program
        arrivals = site.group.arrivals
        axonal, dendritic = self.lags
        distinct = [int(d) for d in np.unique(axonal)] if plan.delays == "axonal" else []
        book = make_plastic_book(
            plan, n_pre=w.n_pre, n_post=self.target.size, n_synapses=w.size, block=block, n_blocks=n_blocks, B=width,
            ring_mask=mask, pre_mask=len(site.counts[self.source]) - 1, post_mask=len(site.counts[self.target]) - 1,
            R_pre=pre.plan.n_rows, R_post=post.plan.n_rows, first_neuron=block * width,
            block_size=min(width, self.target.size - block * width), axonal=int(axonal[0]), dendritic=int(dendritic[0]),
            receptor_row=arrivals.rows[w.projection], distinct=distinct,
            written_rows={s: arrivals.direct[s] for s in plan.delivers_to},
            pre_rows={s: pre.rows[pre.plan.names[s]] for s in plan.pre_reads},
            post_rows={s: post.rows[post.plan.names[s]] for s in plan.post_reads})
        delay = dendritic if plan.delays == "dendritic" else axonal
        function = load(write_plastic_source(plan, __version__), plan.single, "deliver", SIGNATURE)
        return function.bind(self.pu, book, self.syn.reshape(-1), self.last, self.pre_var, self.post_var, w.first, w.place,
                             delay.astype(np.uint16), self.back_first, self.back_index, self.back_source,
                             site.logs[self.source],
                             site.counts[self.source], site.logs[self.target], site.counts[self.target],
                             pre.x.reshape(-1), post.x.reshape(-1), site.ring)

    def copy(self) -> Plastic:
        """Return one with arrays of its own."""
        return replace(self, syn=self.syn.copy(), last=self.last.copy(), pre_var=self.pre_var.copy(),
                       post_var=self.post_var.copy())

    def assign(self, variable: str, values: np.ndarray) -> None:
        """Set a variable of all synapses.

        Raises:
            ParameterError: for a variable that is not kept at the synapse, or that is known only as of the last spike.
        """
        plan = self.plan
        if variable not in plan.synapse_rows or plan.homes.modes.get(variable) == "event":
            kept = [n for n in plan.synapse_rows if plan.homes.modes.get(n, "") != "event" and n in self.model.variable_names]
            raise ParameterError(f"{self.model.name}: {variable!r} cannot be set between runs; it belongs to a neuron or "
                                 f"decays "
                                 f"from spike to spike. Known: {', '.join(kept)}.")
        self.syn[plan.synapse_rows.index(variable)] = values

    def changed(self, values: Mapping[str, float]) -> Plastic:
        """Return one with other parameters of the rule, equal for all synapses."""
        if own := [name for name in values if isinstance(self.values[name], np.ndarray)]:
            raise ParameterError(f"{self.model.name}: {', '.join(own)} was drawn for each synapse and stays as it is.")
        now = {**self.values, **{name: float(v) for name, v in values.items()}}
        pu = plastic_constants(self.plan, now, self.dt, self.source.model.parameters, self.target.model.parameters)
        return replace(self, values=now, pu=pu)

    @cached_property
    def _pairs(self) -> tuple[np.ndarray, np.ndarray]:
        return self.wired.pairs()

    def present(self, name: str, step: int) -> np.ndarray:
        """Return the values of a variable of all synapses before a step, shape (n,)."""
        plan, n = self.plan, self.wired.size
        stored: dict[str, Any] = {row: self.syn[k] for k, row in enumerate(plan.synapse_rows)}
        if name in plan.synapse_rows and plan.homes.modes.get(name) != "event":
            return self.syn[plan.synapse_rows.index(name)]
        sources, targets = self._pairs
        n_blocks = -(-self.target.size // self.wired.width)
        block = targets // self.wired.width
        for k, row in enumerate(plan.pre_rows):
            stored[row] = self.pre_var[(block * len(plan.pre_rows) + k) * self.wired.n_pre + sources]
        for k, row in enumerate(plan.post_rows):
            stored[row] = self.post_var[k * n_blocks * self.wired.width + targets]
        elapsed = np.maximum(step - 1 - self.last, 0) if plan.uses_last else 0
        return np.broadcast_to(observed(plan, self.model, name, stored, elapsed, self.values, self.dt), (n,))


def plastic(wired: Wired, widths: Mapping[Population, int], dt: float, seed: int, stream: int, single: bool, threads: int,
            what: str) -> Plastic:
    """Return the delivery of a plastic projection.

    Raises:
        ModelError, UnitError, ParameterError: if the rule does not fit the neurons or the delays.
    """
    projection = wired.projection
    model = projection.plasticity
    lags, delays = _lags(projection, wired.delay.astype(np.int64), dt, what)
    real = np.float32 if single else np.float64
    n = wired.size
    values, initial = {}, {}
    for k, (name, value) in enumerate(model.parameters.items()):
        values[name] = _drawn(value, seed, stream + PARAMETER_STREAM + k, n, f"{what}: {name}")
        if isinstance(values[name], np.ndarray):
            check_sign(values[name], name, model.units.get(name), f"parameter {name!r} of {what}, drawn from {value!r:.80},",
                       "synapse")
    for k, (name, value) in enumerate(model.initial.items()):
        if getattr(value, "is_distribution", False):
            initial[name] = _drawn(value, seed, stream + INITIAL_STREAM + k, n, f"{what}: {name}")
        elif isinstance(value, np.ndarray):
            # `deliveries` knows all parts of the projection, over which it is spread
            initial[name] = 0.0
    varying = {name for name, value in values.items() if isinstance(value, np.ndarray)}
    source, target = wired.source.population, wired.target.population
    unit = projection.synapse.weight_unit(target.model, what)
    plan = make_plastic_plan(model, source.model, target.model, varying=varying, delays=delays, single=single,
                             receptor_unit=unit)
    weight = wired.weight.astype(float) if len(wired.weight) > 1 else float(wired.weight[0])
    rows = initial_rows(plan, model, weight, values, initial)
    n_blocks = -(-target.size // wired.width)
    syn = np.empty((len(plan.synapse_rows), n), real)
    for k, name in enumerate(plan.synapse_rows):
        syn[k] = rows[name]
    pre_var = np.empty((n_blocks, max(1, len(plan.pre_rows)), source.size), real)
    for k, name in enumerate(plan.pre_rows):
        pre_var[:, k] = rows[name]
    post_var = np.empty((max(1, len(plan.post_rows)), n_blocks * wired.width), real)
    for k, name in enumerate(plan.post_rows):
        post_var[k] = rows[name]
    back_first = np.zeros(n_blocks * (wired.width + 1) if plan.uses_back else 1, np.int64)
    back_index = np.zeros(n if plan.uses_back else 1, np.int32)
    if plan.uses_back:
        compiled("backward").bind(wired.first, wired.place, wired.width, source.size, back_first, back_index)(0, 0)
    back_source = np.zeros(n if plan.uses_source else 1, np.int32)
    if plan.uses_source:
        source_of = np.empty(n, np.int32)
        compiled("sources_of").bind(wired.first, source.size, source_of)(0, 0)
        back_source = source_of[back_index]
    last = np.full(n if plan.uses_last else 1, -1, np.int64)
    pu = plastic_constants(plan, values, dt, source.model.parameters, target.model.parameters)
    remembers = int(max(lags[0].max(), lags[1].max()))
    return Plastic(wired, remembers, plan, values, lags, pu, syn, last, pre_var.reshape(-1), post_var.reshape(-1), back_first,
                   back_index, back_source, dt)


def _lags(projection: Any, total: np.ndarray, dt: float, what: str) -> tuple[tuple[np.ndarray, np.ndarray], str]:
    """Return the steps before and behind the synapse, and the kind of delays for the plan."""
    dendritic = round(projection.dendritic_delay / dt)
    if abs(dendritic * dt - projection.dendritic_delay) > 1e-6 * dt * max(1, dendritic):
        raise ParameterError(f"{what}: dendritic_delay={projection.dendritic_delay} ms is not a multiple of dt={dt:g} ms.")
    if not needs_target(projection.plasticity):
        # nothing at the synapse depends on its target: the spike may be there at once, which lets epochs be long
        return (np.zeros(1, np.int64), total), "homogeneous" if len(total) == 1 else "dendritic"
    if dendritic > total.min():
        raise ParameterError(f"{what}: dendritic_delay ({projection.dendritic_delay} ms) is longer than the shortest delay "
                             f"({total.min() * dt:g} ms).")
    return (total - dendritic, np.array([dendritic])), "homogeneous" if len(total) == 1 else "axonal"


def _drawn(value: Any, seed: int, stream: int, n: int, what: str) -> Any:
    if getattr(value, "is_distribution", False):
        drawn = np.asarray(value.sample(seed, stream, n), dtype=float)
        if drawn.shape != (n,) or not np.all(np.isfinite(drawn)):
            raise ParameterError(f"{what}: a distribution must give {n} finite numbers.")
        return drawn
    if isinstance(value, np.ndarray):
        raise ParameterError(f"{what} has one value for each synapse: give a number or a distribution.")
    return value
