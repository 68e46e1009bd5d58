"""The one representation of a neuron model, whichever door it came in by.

    dx_i/dt = f_i(x, p, u, t) + sum_k g_ik(x, p, u, t) xi_k(t)

with states x, parameters p, inputs u; a threshold condition, assignments at reset, a refractory period.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from neurosim.errors import ModelError, ParameterError, listing, nearest
from neurosim.model.expression import Node, substitute, symbols

#: names every equation may use without declaring them
BUILT_IN = ("t", "dt")


@dataclass(frozen=True)
class State:
    """One variable with its differential equation.

    Attributes:
        name: the symbol, such as ``v``.
        unit: unit of the state, such as ``mV``; None when not declared.
        drift: right-hand side without noise, unit of the state per ms.
        noise: pairs (noise symbol, coefficient g) for every white noise in the equation.
        held: whether the variable stands still while the neuron is refractory.
        text: the equation as the user wrote it.
    """

    name: str
    unit: str | None
    drift: Node
    noise: tuple[tuple[str, Node], ...] = ()
    held: bool = False
    text: str = ""


@dataclass(frozen=True)
class Derived:
    """An algebraic quantity, such as a rate function, used in the equations and recordable."""

    name: str
    unit: str | None
    value: Node
    text: str = ""


@dataclass(frozen=True)
class Assignment:
    """One statement of a reset: ``target = value`` (in-place operators are already written out)."""

    target: str
    value: Node
    text: str = ""


@dataclass(frozen=True)
class NeuronModel:
    """A neuron model as data; make one by `from_equations` or `from_functions`, never by hand.

    Attributes:
        name: name of the model, for messages, plots and generated code.
        states: the differential equations, in order.
        derived: algebraic quantities, in an order in which each uses only earlier ones.
        parameters: value (number, array of one value per neuron, or distribution) by name.
        units: unit by name for states, derived quantities, parameters and inputs; inferred where not declared.
        inputs: names of the inputs; stimuli and synapses add to them; 0 without any.
        initial: initial value by state: number, array, distribution or expression (`Node`) of parameters and states.
        threshold: condition for a spike, or None.
        reset: statements executed at a spike.
        refractory: expression for the refractory period in ms, or None.
        maps: value of a state after a step, by state, from values before it; takes the place of the integrator.
        floor: value below which a state does not fall, by state: an expression of parameters.
        edge: a spike is the moment in which the condition becomes true (else: each step in which it is true).
        method: the integrator the author of the model recommends, or None to choose by analysis.
        doc: description with source.
    """

    name: str
    states: tuple[State, ...]
    derived: tuple[Derived, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    units: Mapping[str, str | None] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    initial: Mapping[str, Any] = field(default_factory=dict)
    threshold: Node | None = None
    reset: tuple[Assignment, ...] = ()
    refractory: Node | None = None
    maps: Mapping[str, Node] = field(default_factory=dict)
    floor: Mapping[str, Node] = field(default_factory=dict)
    edge: bool = False
    method: str | None = None
    doc: str = ""

    def __post_init__(self):
        for name in ("parameters", "units", "initial", "maps", "floor"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    def __reduce__(self):
        # mapping proxies do not copy; plain dictionaries do
        values = {k: dict(v) if isinstance(v, MappingProxyType) else v for k, v in self.__dict__.items()}
        return _restore, (values,)

    def __repr__(self) -> str:
        return (f"NeuronModel({self.name!r}, states=[{', '.join(self.state_names)}], "
                f"parameters=[{', '.join(self.parameters)}], inputs=[{', '.join(self.inputs)}])")

    @property
    def state_names(self) -> tuple[str, ...]:
        """Names of the states in order."""
        return tuple(s.name for s in self.states)

    @property
    def recordable(self) -> tuple[str, ...]:
        """Names a probe can record: states, derived quantities and inputs."""
        return (*self.state_names, *(d.name for d in self.derived), *self.inputs)

    def expanded(self, node: Node) -> Node:
        """Return `node` with every derived quantity written out."""
        values: dict[str, Node] = {}
        for d in self.derived:
            values[d.name] = substitute(d.value, values)
        return substitute(node, values)

    def with_parameters(self, **values: Any) -> NeuronModel:
        """Return the model with other values of parameters or initial values.

        Args:
            **values: parameter name = number, array (one value per neuron), distribution, quantity; or the name of
                a state = its initial value.

        Raises:
            ParameterError: for an unknown name or an unusable value.
        """
        from neurosim.model.values import checked_value

        parameters, initial = dict(self.parameters), dict(self.initial)
        for name, value in values.items():
            if name in parameters:
                parameters[name] = checked_value(value, name, self.units.get(name), f"parameter of {self.name}")
            elif name in self.state_names:
                initial[name] = checked_value(value, name, self.units.get(name), f"initial value in {self.name}")
            else:
                known = [*parameters, *self.state_names]
                raise ParameterError(f"{self.name} has no parameter {name!r}.{nearest(name, known)} "
                                     f"Known: {listing(known)}.")
        return replace(self, parameters=parameters, initial=initial)

    @classmethod
    def from_equations(cls, equations: str, *, threshold: str | None = None, reset: str | None = None,
                       refractory: str | float | None = None, parameters: Mapping[str, Any] | None = None,
                       inputs: Mapping[str, str] | list[str] | tuple[str, ...] | None = None,
                       initial: Mapping[str, Any] | None = None, units: Mapping[str, str] | None = None,
                       maps: Mapping[str, str] | None = None, floor: Mapping[str, Any] | None = None,
                       edge: bool | None = None, method: str | None = None, name: str = "model", doc: str = "") -> NeuronModel:
        """Return a model written as equations; see `neurosim.model.equations.build` for the full description."""
        from neurosim.model.equations import build

        return build(equations, threshold=threshold, reset=reset, refractory=refractory, parameters=parameters,
                     inputs=inputs, initial=initial, units=units, maps=maps, floor=floor, edge=edge, method=method, name=name,
                     doc=doc)

    @classmethod
    def from_functions(cls, derivatives: Mapping[str, Callable], *, threshold: Callable | str | None = None,
                       reset: Mapping[str, Callable | float] | str | None = None,
                       refractory: str | float | None = None, parameters: Mapping[str, Any] | None = None,
                       inputs: Mapping[str, str] | list[str] | tuple[str, ...] | None = None,
                       initial: Mapping[str, Any] | None = None, units: Mapping[str, str] | None = None,
                       noise: Mapping[str, Callable | float] | None = None, edge: bool | None = None,
                       method: str | None = None, name: str = "model", doc: str = "") -> NeuronModel:
        """Return a model written as Python functions; see `neurosim.model.functions.build`."""
        from neurosim.model.functions import build

        return build(derivatives, threshold=threshold, reset=reset, refractory=refractory, parameters=parameters,
                     inputs=inputs, initial=initial, units=units, noise=noise, edge=edge, method=method, name=name,
                     doc=doc)


def _restore(values: dict) -> NeuronModel:
    return NeuronModel(**values)


def check_names(node: Node, known: Mapping[str, Any] | set[str], text: str, where: str) -> None:
    """Raise `ModelError` with a caret and the nearest name if `node` uses a name that is not in `known`."""
    from neurosim.model.expression import Sym, fail, walk

    unknown = symbols(node) - set(known)
    for part in walk(node):
        if isinstance(part, Sym) and part.name in unknown:
            raise fail(text, part.span, where,
                       f"{part.name!r} is not declared.{nearest(part.name, known)} Declared: {listing(sorted(known))}. "
                       "Add it to parameters= or inputs=, or define it by an equation.", ModelError)
