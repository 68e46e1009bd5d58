"""Stimuli: what reaches neurons from outside.

Currents add to an input of the model, in the unit of that input; events add to a state.  Each stimulus is a small
description; `lower` turns it into an expression with constants of its own, which is compiled into the same loop as the
neurons (see codegen/plan.py).  All work on a whole population, a part of one or a list; every number may be one value
for all targets or an array with one value for each.

Jumps (start, stop, steps, timed arrays, noise) take effect at the step that begins at that time; smooth currents are
evaluated wherever the integrator asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim.codegen.plan import Signal
from neurosim.errors import NetworkError, ParameterError, listing, nearest
from neurosim.model.expression import Node, Op, Sym, parse, substitute, symbols
from neurosim.model.values import checked_value, to_known
from neurosim.simulator.population import Population, View, targets
from neurosim.units import quantity, to_number


@dataclass
class Lowered:
    """A stimulus in the terms of one population.

    Attributes:
        current: expression added to the input, or None.
        values: the constants the expressions use: number or array of shape (size,).
        signals, states, kicks: see `codegen.plan.Drive`.
        initial: for each of those states, the number of the stimulus if its targets share the initial value (else None), and
            its standard deviation.
        tables: (samples of shape (n, columns), start, interval) for each table signal, in order.
        events: (times, neurons, weights, state), each an array but for the last.
        live: (stimulus, table, view, first column, number of targets) for tables that Python fills while the network runs.
    """

    current: Node | None = None
    values: dict[str, Any] = field(default_factory=dict)
    signals: list[Signal] = field(default_factory=list)
    states: dict[str, Node] = field(default_factory=dict)
    initial: dict[str, Any] = field(default_factory=dict)
    kicks: dict[str, Node] = field(default_factory=dict)
    tables: list[tuple[np.ndarray, float, float]] = field(default_factory=list)
    events: list[tuple[np.ndarray, np.ndarray, np.ndarray, str]] = field(default_factory=list)
    live: list[tuple[Any, int, View, int, int]] = field(default_factory=list)


@dataclass(frozen=True)
class Context:
    """What a stimulus needs to know while it is lowered.

    Attributes:
        view: the targets within one population.
        prefix: start of all names it makes.
        dt: time step in ms.
        input: name of the input it adds to.
        first_column: number of targets in earlier populations of its list.
        n_targets: number of targets in all populations of its list.
        n_tables: tables already taken in this population.
        number: place of the stimulus among those of the network.
        entry: for events through a synapse: what an event of weight 1 adds, by state of the synapse.
    """

    view: View
    prefix: str
    dt: float
    input: str | None
    first_column: int
    n_targets: int
    n_tables: int
    number: int
    entry: Mapping[str, Node] | None = None

    def spread(self, value, what: str):
        """Return a value given for all targets as a number, or an array over the whole population (0 elsewhere)."""
        value = np.asarray(value, dtype=float)
        if value.ndim == 0:
            return float(value)
        if value.shape != (self.n_targets,):
            raise ParameterError(f"{what} has shape {value.shape}, but there are {self.n_targets} target neurons: give "
                                 f"one number, or an array of shape ({self.n_targets},).")
        if self.view.chosen is None:
            return value[self.first_column:self.first_column + len(self.view)]
        whole = np.zeros(self.view.population.size)
        whole[self.view.indices] = value[self.first_column:self.first_column + len(self.view)]
        return whole


@dataclass(frozen=True, eq=False, kw_only=True)
class Stimulus:
    """Common part of all stimuli.

    Args:
        target: a population, a part of one (``cells[:10]``) or a list of these.
        input: the input of the model it adds to; may be left out if the model has just one.
        start, stop: window in ms in which it acts; by default always.
    """

    target: Any = None
    input: str | None = None
    start: float = 0.0
    stop: float | None = None

    #: whether it adds to an input (else: events that add to a state)
    is_current = True

    def __post_init__(self):
        targets(self.target)
        object.__setattr__(self, "start", _number(self.start, "start", self))
        if self.stop is not None:
            object.__setattr__(self, "stop", _number(self.stop, "stop", self))
        if self.stop is not None and not self.stop > self.start:
            raise ParameterError(f"{name_of(self)}: stop ({self.stop}) must come after start ({self.start}).")
        self.check()

    def check(self) -> None:
        """Raise `ParameterError` for values that cannot be used."""

    def numbers(self) -> dict[str, Any]:
        """Return the constants that the expression of `current` uses."""
        return {}

    def current(self) -> str | None:
        """Return the current as text in its constants, `t` and `elapsed` (ms since start)."""
        return None

    def unit_of(self, name: str, context: Context) -> str | None:
        """Return the unit of a constant, or None if it is not known."""
        return context.view.population.model.units.get(context.input) if name in _LIKE_INPUT else _UNITS.get(name)

    def lower(self, context: Context) -> Lowered:
        """Return the stimulus in the terms of one population."""
        out = Lowered()
        for name, value in self.numbers().items():
            checked = numbers(self, name, value, self.unit_of(name, context))
            out.values[context.prefix + name] = context.spread(checked, f"{name_of(self)}: {name}")
        text = self.current()
        if text is not None:
            node = self._local(parse(text, name_of(self)), context, out)
            out.current = self.gated(node, context, out)
        return out

    def _local(self, node: Node, context: Context, out: Lowered) -> Node:
        names = {name: Sym(context.prefix + name) for name in self.numbers()}
        if "elapsed" in symbols(node):
            out.values[context.prefix + "onset"] = float(self.start)
            names["elapsed"] = Op("-", (Sym("t"), Sym(context.prefix + "onset")))
        return substitute(node, names)

    def gated(self, node: Node, context: Context, out: Lowered) -> Node:
        """Return the expression restricted to the window and to the target neurons."""
        p = context.prefix
        # a millionth of a step guards against rounding of t = k dt
        guard = 1e-6 * context.dt
        window = []
        if self.start > 0:
            out.values[p + "start"] = float(self.start) - guard
            window.append(f"t_step_ >= {p}start")
        if self.stop is not None:
            out.values[p + "stop"] = float(self.stop) - guard
            window.append(f"t_step_ < {p}stop")
        if window:
            node = Op("*", (parse(f"where({' and '.join(window)}, 1, 0)"), node))
        if len(context.view) < context.view.population.size:
            on = np.zeros(context.view.population.size)
            on[context.view.indices] = 1.0
            out.values[p + "on"] = on
            node = Op("*", (Sym(p + "on"), node))
        return node


_LIKE_INPUT = {"amplitude", "offset", "first", "last", "mean", "sigma_ou"}
_UNITS = {"frequency": "Hz", "f_start": "Hz", "f_stop": "Hz", "rate": "Hz", "phase": "1", "tau": "ms", "length": "ms"}


def name_of(stimulus: Stimulus) -> str:
    """Return the name of the kind of stimulus, for messages."""
    return type(stimulus).__name__


def _number(value, name: str, owner) -> float:
    value = to_number(value, "ms", f"{name} of {name_of(owner)}")
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ParameterError(f"{name_of(owner)}: {name} must be a number in ms, not {value!r}.") from None
    if not np.isfinite(number):
        raise ParameterError(f"{name_of(owner)}: {name} must be finite, not {number}.")
    return number


def positive(owner, **values) -> None:
    """Raise `ParameterError` for a time that is not positive; keep times as plain numbers in ms."""
    for name, value in values.items():
        plain = numbers(owner, name, value, "ms")
        if not np.all(np.asarray(plain) > 0):
            raise ParameterError(f"{name_of(owner)}: {name} must be positive; it is {value}.")
        object.__setattr__(owner, name, plain)


def numbers(owner: Stimulus, name: str, value: Any, unit: str | None) -> float | np.ndarray:
    """Return a value as number or array of numbers in a unit.

    Raises:
        ParameterError: for what is not finite or no number; for a distribution.
        UnitError: for a quantity of another kind, or without a known unit.
    """
    if isinstance(value, np.ndarray) and value.dtype == float:
        # an array is only read here: large ones are not copied
        return finite(owner, name, value)
    found = checked_value(value, name, unit, f"value of {name_of(owner)}")
    if not isinstance(found, (float, np.ndarray)):
        raise ParameterError(f"{name_of(owner)}: {name} must be a number or an array, not {value!r:.60}. Draw the array "
                             "yourself: one value for each target.")
    return found


def finite(owner: Stimulus, name: str, value: Any) -> np.ndarray:
    """Return a value as an array of float64; raise `ParameterError` for NaN, infinity and what is no array of numbers."""
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        array = None
    if array is None or value is None:
        raise ParameterError(f"{name_of(owner)}: {name} must be an array of numbers, not {value!r:.60}.")
    if not np.all(np.isfinite(array)):
        place = np.argwhere(~np.isfinite(array))[0].tolist()
        raise ParameterError(f"{name_of(owner)}: {name} has NaN or infinity at {place}.")
    return array


@dataclass(frozen=True, eq=False)
class DC(Stimulus):
    """Constant current: I = amplitude.

    Args:
        amplitude: number, or one value for each target; unit of the input.
    """

    amplitude: Any = 0.0

    def numbers(self):
        return {"amplitude": self.amplitude}

    def current(self):
        return "amplitude"


@dataclass(frozen=True, eq=False)
class Step(DC):
    """Current step: I = amplitude for start <= t < stop, else 0. The same as `DC`, with the window in mind."""


@dataclass(frozen=True, eq=False)
class Ramp(Stimulus):
    """Linear ramp: from `first` at start to `last` at stop, and `last` from then on; `first` before.

    Args:
        first, last: number, or one value for each target; unit of the input.
    """

    first: Any = 0.0
    last: Any = 0.0

    def check(self):
        if self.stop is None:
            raise ParameterError("Ramp: give stop=, the time at which `last` is reached.")

    def numbers(self):
        return {"first": self.first, "last": self.last, "length": float(self.stop) - float(self.start)}

    def current(self):
        return "first + (last - first)*clip(elapsed/length, 0, 1)"

    def gated(self, node, context, out):
        return Stimulus.gated(_always(self), node, context, out)


@dataclass(frozen=True, eq=False)
class Sine(Stimulus):
    """I = offset + amplitude sin(2 pi frequency (t - start) + phase).

    Args:
        amplitude, offset: number, or one value for each target; unit of the input.
        frequency: Hz.
        phase: rad.
    """

    amplitude: Any = 0.0
    frequency: Any = 10.0
    phase: Any = 0.0
    offset: Any = 0.0

    def numbers(self):
        return {"amplitude": self.amplitude, "frequency": self.frequency, "phase": self.phase, "offset": self.offset}

    def current(self):
        return "offset + amplitude*sin(2*pi*frequency*elapsed/1000 + phase)"


@dataclass(frozen=True, eq=False)
class Chirp(Stimulus):
    """Sine whose frequency runs linearly from f_start to f_stop between start and stop.

    I = offset + amplitude sin(2 pi (f_start s + (f_stop - f_start) s^2 / (2 T))), s = t - start, T = stop - start.

    Args:
        amplitude, offset: unit of the input.
        f_start, f_stop: Hz.
    """

    amplitude: Any = 0.0
    f_start: Any = 1.0
    f_stop: Any = 100.0
    offset: Any = 0.0

    def check(self):
        if self.stop is None:
            raise ParameterError("Chirp: give stop=, the time at which f_stop is reached.")

    def numbers(self):
        return {"amplitude": self.amplitude, "offset": self.offset, "f_start": self.f_start, "f_stop": self.f_stop,
                "length": float(self.stop) - float(self.start)}

    def current(self):
        return "offset + amplitude*sin(2*pi*elapsed/1000*(f_start + (f_stop - f_start)*elapsed/(2*length)))"


@dataclass(frozen=True, eq=False)
class Waveform(Stimulus):
    """A current of your own, as an expression of `t` (ms), `elapsed` (ms since start) and parameters.

    Args:
        expression: such as ``"a*exp(-elapsed/tau)"``; unit of the input.
        parameters: value by name: number, or one value for each target.
    """

    expression: str = "0"
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def check(self):
        known = {*self.parameters, "t", "elapsed"}
        for name in symbols(parse(self.expression, "Waveform")) - known:
            raise ParameterError(f"Waveform: {name!r} is not declared.{nearest(name, known)} Give it in parameters=.")

    def unit_of(self, name, context):
        # what an expression does with a parameter of its own is not known
        return None

    def numbers(self):
        return dict(self.parameters)

    def current(self):
        return self.expression


@dataclass(frozen=True, eq=False)
class TimedArray(Stimulus):
    """Sampled current: row k of `values` for start + k interval <= t < start + (k+1) interval.

    Before `start` the first row holds, after the end the last one.

    Args:
        values: shape (n_times,), the same for all targets, or (n_times, n_targets); unit of the input.
        interval: time between samples in ms.
    """

    values: Any = None
    interval: float = 1.0

    def check(self):
        found = quantity(self.values)
        array = finite(self, "values", self.values if found is None else found[0])
        if array.ndim not in (1, 2) or not array.size:
            raise ParameterError(f"TimedArray: values has shape {array.shape}; it must be (n_times,) or (n_times, "
                                 "n_targets) and not empty.")
        positive(self, interval=self.interval)

    def lower(self, context):
        out = Lowered()
        values = to_known(self.values, context.view.population.model.units.get(context.input), "values of TimedArray")
        array = finite(self, "values", values)
        shared = array.ndim == 1
        if not shared:
            if array.shape[1] != context.n_targets:
                raise ParameterError(f"TimedArray: values has {array.shape[1]} columns, but there are "
                                     f"{context.n_targets} target neurons.")
            whole = np.zeros((array.shape[0], context.view.population.size))
            columns = slice(context.first_column, context.first_column + len(context.view))
            whole[:, context.view.indices] = array[:, columns]
            array = whole
        name = context.prefix + "sample"
        out.signals.append(Signal(name, "shared_table" if shared else "table", slot=context.n_tables))
        out.tables.append((array.reshape(len(array), -1), float(self.start), float(self.interval)))
        always = self if self.stop is not None else _always(self)
        out.current = Stimulus.gated(_from_zero(always), Sym(name), context, out)
        return out


def _always(stimulus: Stimulus) -> Stimulus:
    """Return a stimulus with the same targets and no window."""
    return Stimulus(target=stimulus.target, input=stimulus.input)


def _from_zero(stimulus: Stimulus) -> Stimulus:
    return Stimulus(target=stimulus.target, input=stimulus.input, stop=stimulus.stop)


def input_of(stimulus: Stimulus, population: Population) -> str | None:
    """Return the input of the population's model that a stimulus adds to.

    Raises:
        NetworkError: if the model has no such input, or several and none is named.
    """
    if not stimulus.is_current:
        return None
    model = population.model
    if stimulus.input is not None:
        if stimulus.input not in model.inputs:
            raise NetworkError(f"{name_of(stimulus)}: {model.name} has no input {stimulus.input!r}."
                               f"{nearest(stimulus.input, model.inputs)} Inputs: {listing(model.inputs)}.")
        return stimulus.input
    if len(model.inputs) == 1:
        return model.inputs[0]
    if not model.inputs:
        raise NetworkError(f"{name_of(stimulus)}: {model.name} has no input to add a current to; declare one with inputs=.")
    raise NetworkError(f"{name_of(stimulus)}: {model.name} has several inputs; name one with input=: {listing(model.inputs)}.")
