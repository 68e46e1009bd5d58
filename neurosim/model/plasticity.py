"""The representation of a plastic synapse.

    dx_i/dt = f_i(x, p, states of both neurons)       between events
    on_pre, on_post                                    statements at a spike of the source, of the target
    on_step                                            statements in every step

One of the variables is the weight `w`.  Statements assign to variables, send an amount to the receptor of the synapse, or
add to a state of the target neuron.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from neurosim.errors import ParameterError, listing, nearest
from neurosim.model.calculus import ZERO
from neurosim.model.expression import Node, evaluate, names_in, substitute
from neurosim.model.ir import Derived

#: the variable that every plastic synapse has
WEIGHT = "w"
#: name under which the unit of what is sent stands in `PlasticityModel.units`
TRANSMIT = "transmit"
SIDES = ("pre", "post")


@dataclass(frozen=True)
class SynapticVariable:
    """One variable of a synapse.

    Attributes:
        name: the symbol.
        unit: its unit; None when not declared.
        drift: right-hand side of its equation, unit of the variable per ms; 0 if only statements change it.
        flag: "event-driven" or "continuous" where the user insists on one of them, else None.
        text: the equation as the user wrote it.
    """

    name: str
    unit: str | None
    drift: Node = ZERO
    flag: str | None = None
    text: str = ""


@dataclass(frozen=True)
class Action:
    """One statement.

    Attributes:
        kind: "assign" (to a variable), "send" (to the receptor), "deliver" (add to a state of the target neuron).
        target: the variable, or the name with ``_post``; None for "send".
        value: the new value, or the amount.
        text: the statement as the user wrote it.
    """

    kind: str
    target: str | None
    value: Node
    text: str = ""


@dataclass(frozen=True)
class Read:
    """A name such as ``v_post``: `variable` of the neuron on `side` ("pre", "post"); `text` and `span` tell where it stands."""

    name: str
    side: str
    variable: str
    text: str = field(default="", compare=False)
    span: tuple[int, int] | None = field(default=None, compare=False)
    where: str = field(default="", compare=False)


@dataclass(frozen=True)
class PlasticityModel:
    """A rule of synaptic plasticity as data; make one by `from_equations` or take a built-in such as `ns.STDP()`.

    Attributes:
        name: name of the rule, for messages and generated code.
        variables: the weight ``w`` first, then the others in order.
        derived: algebraic quantities, each after those it uses.
        parameters: value by name: number (equal for all synapses) or distribution (one value for each).
        units: unit by name, also of what is read from the neurons and of what is sent ("transmit"); inferred where not given.
        initial: initial value by variable (w excepted): number, array, distribution or expression of parameters and w.
        on_pre, on_post, on_step: statements at a presynaptic spike, at a postsynaptic spike, in every step.
        bounds: (low, high) by variable; the statements hold them already, `on_step` and equations do not.
        reads: names with _pre or _post that are states (or derived quantities, parameters) of the neurons.
        doc: description with source.
    """

    name: str
    variables: tuple[SynapticVariable, ...]
    derived: tuple[Derived, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    units: Mapping[str, str | None] = field(default_factory=dict)
    initial: Mapping[str, Any] = field(default_factory=dict)
    on_pre: tuple[Action, ...] = ()
    on_post: tuple[Action, ...] = ()
    on_step: tuple[Action, ...] = ()
    bounds: Mapping[str, tuple[Node, Node]] = field(default_factory=dict)
    reads: tuple[Read, ...] = ()
    doc: str = ""

    def __post_init__(self):
        for name in ("parameters", "units", "initial", "bounds"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))
        numbers = {name: value for name, value in self.parameters.items() if isinstance(value, float)}
        for name, pair in self.bounds.items():
            used = names_in(pair)
            if not used <= set(numbers):
                continue
            low, high = (float(evaluate(bound, numbers)) for bound in pair)
            if not low <= high:
                given = f" with {', '.join(f'{n} = {numbers[n]:g}' for n in sorted(used))}" if used else ""
                raise ParameterError(f"{self.name}: the low bound of {name!r} ({low:g}) is above the high one "
                                     f"({high:g}){given}.")

    def __reduce__(self):
        # mapping proxies do not copy; plain dictionaries do
        values = {k: dict(v) if isinstance(v, MappingProxyType) else v for k, v in self.__dict__.items()}
        return _restore, (values,)

    def __repr__(self) -> str:
        return (f"PlasticityModel({self.name!r}, variables=[{', '.join(self.variable_names)}], "
                f"parameters=[{', '.join(self.parameters)}])")

    @property
    def variable_names(self) -> tuple[str, ...]:
        """Names of the variables, w first."""
        return tuple(v.name for v in self.variables)

    @property
    def recordable(self) -> tuple[str, ...]:
        """Names a probe can record: variables, and derived quantities that do not depend on the neurons."""
        read = {r.name for r in self.reads}
        return (*self.variable_names, *(d.name for d in self.derived if not names_in([self.expanded(d.value)]) & read))

    @property
    def actions(self) -> tuple[Action, ...]:
        """All statements."""
        return (*self.on_pre, *self.on_post, *self.on_step)

    @property
    def sends(self) -> bool:
        """Whether anything reaches the receptor of the synapse."""
        return any(a.kind == "send" for a in self.actions)

    @property
    def delivers_to(self) -> tuple[str, ...]:
        """States of the target neuron that statements add to, without the suffix."""
        return tuple(dict.fromkeys(a.target.removesuffix("_post") for a in self.actions if a.kind == "deliver"))

    def expanded(self, node: Node) -> Node:
        """Return `node` with every derived quantity written out."""
        values: dict[str, Node] = {}
        for d in self.derived:
            values[d.name] = substitute(d.value, values)
        return substitute(node, values)

    def with_parameters(self, **values: Any) -> PlasticityModel:
        """Return the rule with other values of parameters or initial values.

        Args:
            **values: parameter name = number, quantity, distribution (drawn for each synapse); or the name of a
                variable = its initial value.

        Raises:
            ParameterError: for an unknown name or an unusable value.
        """
        from neurosim.model.values import checked_value

        parameters, initial = dict(self.parameters), dict(self.initial)
        for name, value in values.items():
            if name in parameters:
                parameters[name] = checked_value(value, name, self.units.get(name), f"parameter of {self.name}")
            elif name == WEIGHT:
                raise ParameterError(f"{self.name}: the projection gives the initial weight (weight= of its synapse), not w=.")
            elif name in self.variable_names:
                initial[name] = checked_value(value, name, self.units.get(name), f"initial value in {self.name}")
            else:
                known = [*parameters, *self.variable_names[1:]]
                raise ParameterError(f"{self.name} has no parameter {name!r}.{nearest(name, known)} "
                                     f"Known: {listing(known)}.")
        return replace(self, parameters=parameters, initial=initial)

    @classmethod
    def from_equations(cls, equations: str = "", *, on_pre: str | None = None, on_post: str | None = None,
                       on_step: str | None = None, transmit: str | bool = True,
                       parameters: Mapping[str, Any] | None = None, initial: Mapping[str, Any] | None = None,
                       bounds: Mapping[str, tuple] | None = None, units: Mapping[str, str] | None = None,
                       name: str = "plasticity", doc: str = "") -> PlasticityModel:
        """Return a rule written as equations; see `neurosim.model.plasticity_text.build` for the full description."""
        from neurosim.model.plasticity_text import build

        return build(equations, on_pre=on_pre, on_post=on_post, on_step=on_step, transmit=transmit, parameters=parameters,
                     initial=initial, bounds=bounds, units=units, name=name, doc=doc)


def _restore(values: dict) -> PlasticityModel:
    return PlasticityModel(**values)
