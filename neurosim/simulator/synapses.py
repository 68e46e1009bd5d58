"""Synapses: what a spike does to its target.

A spike that arrives at time t_p adds to a state of the target; the states of a synapse are integrated together with the
neuron (exactly, where the whole is linear).  Synapses of one kind with equal constants share their states.

    current-based       input += x(t),                  x(t) = sum_p weight h(t - t_p)
    conductance-based   input += x(t) (e_rev - v)       for synapses with a reversal potential

The weight is the peak of a single response; with ``scale="area"`` it is the integral of the response over time (weight in
input unit times ms), the form in which the filters h_n(t) = t^n exp(-t/tau)/(n! tau^(n+1)) have integral 1.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Any

import numpy as np

from neurosim.errors import NetworkError, ParameterError, listing, nearest
from neurosim.model.expression import Node, Num, Op, parse, symbols
from neurosim.model.ir import NeuronModel
from neurosim.model.values import checked_value
from neurosim.units import quantity


@dataclass(frozen=True)
class Receptor:
    """A synapse in the terms of one population.

    Attributes:
        key: equal keys mean one set of states.
        states: derivative by state; the names are local to the receptor.
        target: the state to which a spike adds its weight: one of `states`, or a state of the model.
        input: the input of the model that the current is added to, or None.
        current: the current, in states of the receptor; `potential` stands for the variable of the model named so here.
        values: constants of the expressions: number, or one value for each neuron.
        jumps: what a spike of weight 1 adds, by state; empty: 1 to `target`.
    """

    key: tuple
    states: dict[str, Node]
    target: str
    input: str | None = None
    current: Node | None = None
    values: dict[str, Any] = field(default_factory=dict)
    potential: str = "v"
    jumps: dict[str, Node] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Synapse(ABC):
    """Common part of all synapses; `weight` is a number, a distribution, or an array with one value for each connection."""

    weight: Any = None

    def __post_init__(self):
        if self.weight is None:
            # a matrix or graph may bring its own
            self.check()
            return
        # a quantity such as "100 pA" waits for the projection, whose target knows the unit; no connections have no weights
        if isinstance(self.weight, np.ndarray) and self.weight.shape == (0,):
            pass
        elif not getattr(self.weight, "is_distribution", False) and quantity(self.weight) is None:
            weight = checked_value(self.weight, "weight", None, type(self).__name__)
            object.__setattr__(self, "weight", weight)
        self.check()

    def weight_unit(self, model: NeuronModel, name: str) -> str | None:
        """Return the unit of the weight at a target, or None if it is not known."""
        return None

    def in_unit_of(self, model: NeuronModel, name: str) -> Synapse:
        """Return the synapse with its weight as plain number in the unit of a target.

        Raises:
            UnitError: if the weight is a quantity of another kind.
        """
        if self.weight is None or getattr(self.weight, "is_distribution", False) or quantity(self.weight) is None:
            return self
        unit = self.weight_unit(model, name)
        return replace(self, weight=checked_value(self.weight, "weight", unit, f"value of {name}"))

    def check(self) -> None:  # noqa: B027 (not every synapse has something to check)
        """Raise `ParameterError` for values that cannot be used."""

    @abstractmethod
    def receptor(self, model: NeuronModel, size: int, name: str) -> Receptor:
        """Return the synapse in the terms of a target population.

        Raises:
            NetworkError: if the model has not what the synapse acts on.
        """


@dataclass(frozen=True, eq=False)
class Delta(Synapse):
    """A spike adds its weight to a state of the target at once.

        x <- x + weight

    A state that stands still during refractoriness does not see what arrives then.  With ``variable="g_e"`` it drives a
    synaptic variable that the neuron model itself holds.

    Args:
        weight: number, distribution or array; unit of the state.
        variable: the state; None: ``v``, or the only one that the threshold watches.
    """

    variable: str | None = None

    def weight_unit(self, model, name):
        return model.units.get(state_of(model, self.variable, name))

    def receptor(self, model, size, name):
        return Receptor(("delta", state_of(model, self.variable, name)), {}, state_of(model, self.variable, name))


@dataclass(frozen=True, eq=False)
class Pulse(Synapse):
    """A spike is a rectangular pulse of one step on an input of the target.

        input += weight/dt   for the step in which it arrives

    Its area is the weight, whatever the step.  With a target such as dx/dt = (input - x)/tau it is the exponential filter
    sampled so that the sum over all steps is right (zero-order hold).

    Args:
        weight: number, distribution or array; unit of the input times ms.
        input: input of the model that it adds to; None: the only one.
    """

    input: str | None = None

    def weight_unit(self, model, name):
        unit = model.units.get(input_of(model, self.input, name))
        return None if unit is None else f"({unit})*ms"

    def receptor(self, model, size, name):
        where = input_of(model, self.input, name)
        return Receptor(("pulse", where), {}, "", where)


def state_of(model: NeuronModel, variable: str | None, name: str) -> str:
    """Return the state that kicks act on."""
    if variable is not None:
        if variable not in model.state_names:
            raise NetworkError(f"{name}: {model.name} has no state {variable!r}.{nearest(variable, model.state_names)} "
                               f"States: {listing(model.state_names)}.")
        return variable
    if "v" in model.state_names:
        return "v"
    watched = symbols(model.expanded(model.threshold)) & set(model.state_names) if model.threshold is not None else set()
    if len(watched) == 1:
        return watched.pop()
    if len(model.state_names) == 1:
        return model.state_names[0]
    raise NetworkError(f"{name}: name the state of {model.name} that spikes act on: variable=, one of "
                       f"{listing(model.state_names)}.")


@dataclass(frozen=True, eq=False)
class Filtered(Synapse):
    """Common part of synapses whose response lasts.

    Args:
        weight: number, distribution or array: nA for a current, uS for a conductance (of a model whose input is in nA).
        tau_syn: time constant in ms: a number, or one value for each neuron of the target population.
        e_rev: reversal potential in mV; given, the synapse is a conductance; None: a current.
        input: input of the model that it adds to; None: the only one.
        variable: the potential that the driving force refers to.
        scale: "peak" or "area", see above.
        conductance: True asks for a conductance, and for `e_rev` with it.
    """

    # time constants and e_rev are fields of the subclasses, so that they follow the weight in calls
    _: KW_ONLY
    input: str | None = None
    variable: str = "v"
    scale: str = "peak"
    conductance: bool | None = None

    def check(self):
        what = type(self).__name__
        for name in self.times():
            value = _constant(getattr(self, name), name, "ms", what)
            if not np.all(np.asarray(value) > 0):
                raise ParameterError(f"{what}: {name} must be positive, not {getattr(self, name)}.")
            object.__setattr__(self, name, value)
        if self.scale not in ("peak", "area"):
            raise ParameterError(f"{what}: scale is 'peak' or 'area', not {self.scale!r}.")
        if self.conductance and self.e_rev is None:
            raise ParameterError(f"{what} is a conductance without a reversal potential: give e_rev= in mV "
                                 "(often 0 for excitation, -80 for inhibition).")
        if self.e_rev is not None:
            if self.conductance is False:
                raise ParameterError(f"{what}: a current has no reversal potential: leave out e_rev or conductance=False.")
            object.__setattr__(self, "e_rev", _constant(self.e_rev, "e_rev", "mV", what))

    def weight_unit(self, model, name):
        unit = model.units.get(input_of(model, self.input, name))
        if unit is None:
            return None
        unit = unit if self.e_rev is None else f"({unit})/mV"
        return unit if self.scale == "peak" else f"({unit})*ms"

    def times(self) -> tuple[str, ...]:
        """Names of the time constants."""
        return ("tau_syn",)

    @abstractmethod
    def response(self) -> tuple[dict[str, str], str, dict[str, Any]]:
        """Return derivatives by state as text (the first one gets the spikes), the response as text, constants."""

    def block(self) -> str:
        """Return a factor of the current that depends on the potential, as text."""
        return "1"

    def receptor(self, model, size, name):
        where = input_of(model, self.input, name)
        for key in (*self.times(), "e_rev"):
            value = getattr(self, key)
            if isinstance(value, np.ndarray) and value.shape != (size,):
                raise ParameterError(f"{name}: {key} has shape {value.shape}, but there are {size} target neurons.")
        states, response, values = self.response()
        current = parse(response)
        if self.e_rev is not None:
            if self.variable not in model.recordable or self.variable in model.inputs:
                raise NetworkError(f"{name}: {model.name} has no potential {self.variable!r} for the driving force: give "
                                   "variable=, or leave out e_rev for a current.")
            values["e_rev"] = self.e_rev
            force, factor = parse("e_rev - potential"), parse(self.block())
            current = Op("*", (current, force)) if factor == Num(1.0) else Op("*", (Op("*", (current, factor)), force))
        used = set().union(symbols(current), *(symbols(parse(d)) for d in states.values()))
        values = {k: v for k, v in values.items() if k in used}
        key = (type(self).__name__, where, self.variable, self.e_rev is None, *states.values(), response,
               *((k, v.tobytes() if isinstance(v, np.ndarray) else v) for k, v in values.items()))
        return Receptor(key, {s: parse(d) for s, d in states.items()}, next(iter(states)), where, current, values,
                        self.variable)


def _constant(value: Any, name: str, unit: str, what: str) -> float | np.ndarray:
    value = checked_value(value, name, unit, what)
    if not isinstance(value, (float, np.ndarray)):
        raise ParameterError(f"{what}: {name} is a number, or an array with one value for each neuron of the target "
                             f"population; not {value!r:.60}. Draw the array yourself.")
    return value


def input_of(model: NeuronModel, wanted: str | None, name: str) -> str:
    """Return the input of a model that currents are added to."""
    if wanted is not None:
        if wanted not in model.inputs:
            raise NetworkError(f"{name}: {model.name} has no input {wanted!r}.{nearest(wanted, model.inputs)} "
                               f"Inputs: {listing(model.inputs) or 'none'}.")
        return wanted
    if len(model.inputs) == 1:
        return model.inputs[0]
    if not model.inputs:
        raise NetworkError(f"{name}: {model.name} has no input for a synaptic current: declare one with inputs=, or use "
                           "ns.Delta(weight, variable=...) on one of its states.")
    raise NetworkError(f"{name}: {model.name} has the inputs {listing(model.inputs)}: name one with input=.")


@dataclass(frozen=True, eq=False)
class Single(Filtered):
    """Common part of synapses with one time constant."""

    tau_syn: Any = 5.0
    e_rev: Any = None


@dataclass(frozen=True, eq=False)
class Exponential(Single):
    """Exponential response: dx/dt = -x/tau_syn, x <- x + weight at a spike.

    Arguments: see `Filtered`.  Its area is weight tau_syn.
    """

    def response(self):
        return {"x": "-x/tau_syn"}, "x" if self.scale == "peak" else "x/tau_syn", {"tau_syn": self.tau_syn}


@dataclass(frozen=True, eq=False)
class Alpha(Single):
    """Alpha function: x(t) = weight (t/tau_syn) exp(1 - t/tau_syn), with its peak at tau_syn.

        da/dt = -a/tau_syn,   dx/dt = (a - x)/tau_syn,   a <- a + weight e

    Arguments: see `Filtered`.  Its area is weight e tau_syn.
    """

    def response(self):
        factor = repr(math.e) if self.scale == "peak" else "1/tau_syn"
        return {"a": "-a/tau_syn", "x": "(a - x)/tau_syn"}, f"{factor}*x", {"tau_syn": self.tau_syn}


@dataclass(frozen=True, eq=False)
class Filter(Single):
    """The filter h_n of order n: x(t) proportional to t^n exp(-t/tau_syn); order 0 is exponential, order 1 alpha.

        dy_0/dt = -y_0/tau_syn,   dy_k/dt = (y_(k-1) - y_k)/tau_syn,   response y_n

    Args:
        order: n, from 0 to 20; the others: see `Filtered`. The peak lies at n tau_syn.
    """

    _: KW_ONLY
    order: int = 1

    def check(self):
        super().check()
        if isinstance(self.order, bool) or not isinstance(self.order, (int, np.integer)) or not 0 <= self.order <= 20:
            raise ParameterError(f"Filter: order is a whole number from 0 to 20, not {self.order!r}.")

    def response(self):
        n = int(self.order)
        states = {"y0": "-y0/tau_syn"} | {f"y{k}": f"(y{k - 1} - y{k})/tau_syn" for k in range(1, n + 1)}
        # a unit jump of y_0 makes y_n(t) = (t/tau)^n exp(-t/tau)/n!
        peak = n**n * math.exp(-n) / math.factorial(n)
        factor = repr(1 / peak) if self.scale == "peak" else "1/tau_syn"
        return states, f"{factor}*y{n}", {"tau_syn": self.tau_syn}


@dataclass(frozen=True, eq=False)
class DoubleExponential(Filtered):
    """Difference of exponentials: x(t) proportional to exp(-t/tau_decay) - exp(-t/tau_rise).

        da/dt = -a/tau_rise,   dx/dt = a/tau_rise - x/tau_decay

    Args:
        tau_rise, tau_decay: ms; if they are equal the response is an alpha function. The others: see `Filtered`.
    """

    tau_rise: Any = 1.0
    tau_decay: Any = 5.0
    e_rev: Any = None

    def times(self):
        return ("tau_rise", "tau_decay")

    def response(self):
        rise, decay = np.asarray(self.tau_rise, float), np.asarray(self.tau_decay, float)
        # a unit jump of a makes x(t) = (e^(-t/decay) - e^(-t/rise)) decay/(decay - rise), with its peak at
        # t* = log(decay/rise) rise decay/(decay - rise), where x = (rise/decay)^(rise/(decay - rise))
        gap = decay - rise
        with np.errstate(divide="ignore", invalid="ignore"):
            # the difference of nearly equal constants is exact, their ratio is not
            log = np.where(np.abs(gap) < 0.5 * decay, np.log1p(-gap / decay), np.log(rise / decay))
            height = np.where(gap == 0, math.exp(-1.0), np.exp(log * rise / np.where(gap == 0, 1.0, gap)))
        norm = 1 / (height if self.scale == "peak" else decay)
        values = {"tau_rise": self.tau_rise, "tau_decay": self.tau_decay,
                  "norm": float(norm) if norm.ndim == 0 else norm}
        return {"a": "-a/tau_rise", "x": "a/tau_rise - x/tau_decay"}, "norm*x", values


@dataclass(frozen=True, eq=False)
class NMDA(DoubleExponential):
    """NMDA conductance with magnesium block (Jahr & Stevens 1990, doi:10.1523/JNEUROSCI.10-09-03178.1990).

        input += g(t) (e_rev - v)/(1 + mg/3.57 exp(-0.062 v))

    with g(t) a difference of exponentials.  A receptor that saturates is written as equations, see
    models/wang_2002.py.

    Args:
        mg: concentration of magnesium outside in mM; e_rev: mV (0).  The others: see `DoubleExponential`.
    """

    tau_rise: Any = 2.0
    tau_decay: Any = 100.0
    e_rev: Any = 0.0
    _: KW_ONLY
    mg: Any = 1.0

    def check(self):
        super().check()
        if self.e_rev is None:
            raise ParameterError("NMDA is a conductance without a reversal potential: give e_rev= in mV (usually 0).")
        mg = checked_value(self.mg, "mg", "mM", "value of NMDA")
        if not (isinstance(mg, float) and mg >= 0):
            raise ParameterError(f"NMDA: mg is a concentration in mM, 0 or more, not {self.mg!r}.")
        object.__setattr__(self, "mg", mg)

    def block(self):
        return "1/(1 + mg/3.57*exp(-0.062*potential))"

    def response(self):
        states, response, values = super().response()
        return states, response, {**values, "mg": self.mg}
