"""Stimuli made of events: each adds a weight to a state at the start of a step.

Events that meet a state which stands still during refractoriness are lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.codegen.plan import Signal
from neurosim.errors import NetworkError, ParameterError, listing, nearest
from neurosim.model.calculus import ONE, mul
from neurosim.model.expression import Node, Op, Sym, parse, symbols
from neurosim.simulator.population import targets
from neurosim.simulator.stimuli import Context, Lowered, Stimulus, finite, name_of, numbers
from neurosim.simulator.synapses import Synapse
from neurosim.units import to_number


@dataclass(frozen=True, eq=False, kw_only=True)
class Events(Stimulus):
    """Common part of stimuli made of events, each of which adds `weight` to a state.

    Args:
        weight: number, or one value for each target; unit of the state.
        variable: the state; by default ``v``, or the one the threshold watches.
        synapse: instead of a state, a synapse such as ``ns.Exponential(tau_syn=5)`` through which the events act; projections
            with an equal synapse share its states. Its own weight is not used.
    """

    weight: Any = 0.0
    variable: str | None = None
    synapse: Any = None
    is_current = False

    def __post_init__(self):
        if self.synapse is not None:
            if not isinstance(self.synapse, Synapse):
                raise NetworkError(f"{name_of(self)}: synapse must be one such as ns.Exponential(tau_syn=5), not "
                                   f"{type(self.synapse).__name__}.")
            if self.variable is not None:
                raise NetworkError(f"{name_of(self)}: give either variable= or synapse=, not both.")
        super().__post_init__()

    def entries(self, context: Context) -> Mapping[str, Node]:
        """Return what an event of weight 1 adds, by state."""
        return context.entry if context.entry is not None else {self.state(context): ONE}

    def unit_of(self, name, context):
        if name != "weight":
            return super().unit_of(name, context)
        model = context.view.population.model
        if self.synapse is not None:
            return self.synapse.weight_unit(model, name_of(self))
        return model.units.get(self.state(context))

    def state(self, context: Context) -> str:
        """Return the name of the state the events act on."""
        model = context.view.population.model
        if self.variable is not None:
            if self.variable not in model.state_names:
                raise NetworkError(f"{name_of(self)}: {model.name} has no state {self.variable!r}."
                                   f"{nearest(self.variable, model.state_names)} States: {listing(model.state_names)}.")
            return self.variable
        if "v" in model.state_names:
            return "v"
        watched = symbols(model.expanded(model.threshold)) & set(model.state_names) if model.threshold is not None else set()
        if len(watched) == 1:
            return watched.pop()
        raise NetworkError(f"{name_of(self)}: name the state of {model.name} that events act on: variable=, one of "
                           f"{listing(model.state_names)}.")


@dataclass(frozen=True, eq=False, kw_only=True)
class PoissonInput(Events):
    """Independent Poisson events for every target: x += weight K, K ~ Poisson(rate dt), at the start of a step.

    Args:
        rate: events per second for one neuron (many sources add up: 1000 at 20 Hz make 20,000 Hz).
        weight, variable: see `Events`.
    """

    rate: Any = 0.0

    def check(self):
        rate = numbers(self, "rate", self.rate, "Hz")
        if not np.all(np.asarray(rate) >= 0):
            raise ParameterError(f"PoissonInput: rate must not be negative; it is {self.rate}.")
        object.__setattr__(self, "rate", rate)

    def numbers(self):
        return {"rate": self.rate, "weight": self.weight}

    def lower(self, context):
        p = context.prefix
        out = super().lower(context)
        count = p + "count"
        rate = self._local(parse("rate*dt/1000"), context, out)
        out.signals.append(Signal(count, "poisson", rate=rate))
        node = self.gated(Op("*", (Sym(p + "weight"), Sym(count))), context, out)
        for state, factor in self.entries(context).items():
            out.kicks[state] = mul(factor, node)
        return out


@dataclass(frozen=True, eq=False, kw_only=True)
class SpikeInput(Events):
    """Events at given times: x += weight at the start of the step that holds the time.

    Args:
        times: ms, any order.
        neurons: for each time the target neuron, counted within the targets; None: each event reaches all targets.
        weight: number, one value for each target, or one for each event (then with neurons or a single target).
    """

    times: Any = ()
    neurons: Any = None

    def check(self):
        times = finite(self, "times", to_number(self.times, "ms", "times of SpikeInput"))
        object.__setattr__(self, "times", times)
        if times.ndim != 1:
            raise ParameterError(f"SpikeInput: times must be one-dimensional, not of shape {times.shape}.")
        if times.size and times.min() < 0:
            raise ParameterError(f"SpikeInput: times must not be negative; the first is {times.min()}.")
        if self.neurons is not None:
            neurons = np.asarray(self.neurons)
            n = sum(len(v) for v in targets(self.target))
            if neurons.shape != times.shape:
                raise ParameterError(f"SpikeInput: neurons has shape {neurons.shape}, times {times.shape}; they must agree.")
            if neurons.size and (not np.issubdtype(neurons.dtype, np.integer) or neurons.min() < 0 or neurons.max() >= n):
                raise ParameterError(f"SpikeInput: neurons must be whole numbers from 0 to {n - 1}.")

    def lower(self, context):
        times = np.asarray(self.times, dtype=float)
        weight = np.asarray(numbers(self, "weight", self.weight, self.unit_of("weight", context)))
        n, first = len(context.view), context.first_column
        if self.neurons is None:
            columns = np.tile(np.arange(first, first + n), times.size)
            which = np.repeat(np.arange(times.size), n)
        else:
            which = np.flatnonzero((np.asarray(self.neurons) >= first) & (np.asarray(self.neurons) < first + n))
            columns = np.asarray(self.neurons)[which]
        if weight.ndim == 0:
            add = np.full(which.size, float(weight))
        elif weight.shape == times.shape and (self.neurons is not None or context.n_targets == 1):
            add = weight[which]
        elif weight.shape == (context.n_targets,):
            add = weight[columns]
        else:
            raise ParameterError(f"SpikeInput: weight has shape {weight.shape}; give a number, one value for each of "
                                 f"{context.n_targets} targets, or one for each of {times.size} events.")
        at = times[which]
        keep = (at >= self.start) & (at < (np.inf if self.stop is None else self.stop))
        out = Lowered()
        (state, factor), *more = self.entries(context).items()
        if more or factor != ONE:
            raise NetworkError("SpikeInput: a synapse with several jumps or a factor cannot be driven by single events; put "
                               "the factor into the weights.")
        out.events.append((at[keep], context.view.indices[columns[keep] - first], add[keep], state))
        return out
