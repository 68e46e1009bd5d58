"""Models written as Python functions of scalars, read from their source and never called.

    def dv(v, w, i, g_l=0.03, e_l=-70.6, c=0.281):
        leak = g_l*(e_l - v)
        return (leak - w + i)/c

Arguments are matched by name with states, parameters, inputs, `t` and `dt`.  The result is the same
representation that `equations.build` gives for the same model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from neurosim.errors import ModelError, ParameterError, listing, nearest
from neurosim.model.assemble import assemble
from neurosim.model.draft import Draft, Line, ResetLine
from neurosim.model.equations import read_condition, read_reset
from neurosim.model.expression import Node, Num, Op, Sym, children, parse, show
from neurosim.model.ir import BUILT_IN, NeuronModel
from neurosim.model.source import Function
from neurosim.model.values import checked_value

#: an expression larger than this is a loop written out, and would be compiled for minutes
MAX_NODES = 20_000


def build(
    derivatives: Mapping[str, Callable],
    *,
    threshold: Callable | str | None = None,
    reset: Mapping[str, Callable | float] | str | None = None,
    refractory: str | float | None = None,
    parameters: Mapping[str, Any] | None = None,
    inputs: Mapping[str, str] | list[str] | tuple[str, ...] | None = None,
    initial: Mapping[str, Any] | None = None,
    units: Mapping[str, str] | None = None,
    noise: Mapping[str, Callable | float] | None = None,
    edge: bool | None = None,
    method: str | None = None,
    name: str = "model",
    doc: str = "",
) -> NeuronModel:
    """Return the model dx/dt = f_x(...) + g_x(...) xi_x with f and g given as functions.

    A function may hold assignments to local names, conditional expressions, ``if``/``elif``/``else``,
    arithmetic, and calls of the functions of `expression.FUNCTIONS` by their names in `math`, `numpy`,
    `scipy.special` or Python.

    Args:
        derivatives: f by state (unit of the state per ms): functions or lambdas; a number for a constant
            derivative.
        threshold: function that returns a condition, or text.
        reset: new value by state (function or number), assigned in order; or text.
        noise: g by state (unit of the state per sqrt(ms)), function or number; each state has a noise of its
            own.
        refractory, parameters, inputs, initial, units, edge, method, name, doc: as in `equations.build`.  A
            default value in a signature is the default of the parameter.

    Raises:
        ModelError: with line and caret, if the source is not available or holds anything else.
    """
    if not isinstance(derivatives, Mapping):
        raise ModelError(
            f"derivatives must be a mapping from state to function, not {type(derivatives).__name__}."
        )
    states = [str(s) for s in derivatives]
    given = dict(parameters or {})
    noise = dict(noise or {})
    for state in noise:
        if state not in states:
            raise ModelError(
                f"{name}: noise= names {state!r}, which is no state.{nearest(state, states)} "
                f"States: {listing(states)}."
            )
    readers = {("d" + s, s): _reader(f, f"derivative of {s}") for s, f in derivatives.items()}
    readers |= {("noise", s): _reader(f, f"noise of {s}") for s, f in noise.items()}
    if callable(threshold):
        readers["threshold", ""] = _reader(threshold, "threshold")
    if isinstance(reset, Mapping):
        readers |= {("reset", s): _reader(f, f"reset of {s}") for s, f in reset.items()}
    elif reset is not None and not isinstance(reset, str):
        raise ModelError(
            f"reset= must be a mapping from state to function or number, or text, not {reset!r}."
        )
    if threshold is not None and not callable(threshold) and not isinstance(threshold, str):
        raise ModelError(f"threshold= must be a function or text, not {threshold!r}.")
    names = {*states, *(inputs or ())}
    defaults: dict[str, float] = {}
    for reader in readers.values():
        for argument, value in reader.defaults().items():
            if argument in names:
                raise ModelError(
                    f"In the {reader.where}: the argument {argument!r} is no parameter, so it cannot have a "
                    "default value. Use initial= for states."
                )
            if argument not in given and defaults.setdefault(argument, value) != value:
                raise ParameterError(
                    f"{name}: the default value of {argument!r} is {defaults[argument]:g} in one "
                    "function and "
                    f"{value:g} in the {reader.where}. Give it once, in parameters=."
                )
    given = defaults | given
    known = {*names, *given, *BUILT_IN}
    nodes = {key: reader.node(known) for key, reader in readers.items()}
    lines = []
    for state in states:
        node = nodes["d" + state, state]
        if ("noise", state) in nodes:
            node = Op("+", (node, Op("*", (nodes["noise", state], Sym(f"xi_{state}")))))
        node, text = _reread(node, f"equation of {state}")
        lines.append(Line("state", state, None, node, text, f"d{state}/dt = {text}"))
    if ("threshold", "") in nodes:
        condition = _reread(nodes["threshold", ""], "threshold")
    else:
        condition = read_condition(threshold)
    if isinstance(reset, Mapping):
        assignments = []
        for state in reset:
            node, text = _reread(nodes["reset", state], f"reset of {state}")
            assignments.append(ResetLine(str(state), node, text, f"{state} = {text}"))
    else:
        assignments = read_reset(reset)
    return assemble(
        Draft(name, lines, condition, assignments),
        parameters=given,
        inputs=inputs,
        initial=initial,
        units=units,
        refractory=refractory,
        edge=edge,
        method=method,
        doc=doc,
    )


def _reread(node: Node, where: str) -> tuple[Node, str]:
    """Return the expression with places in its own text, which messages of later checks show."""
    try:
        _check_size(node, where)
        text = show(node)
        return parse(text, where), text
    except RecursionError:
        raise ModelError(
            f"The {where} is nested too deeply when its local names are written out. "
            "Use from_equations with derived quantities instead."
        ) from None


def _check_size(node: Node, where: str) -> None:
    sizes: dict[int, int] = {}

    def size(part: Node) -> int:
        # shared parts are counted once for each use, without walking them again
        if id(part) not in sizes:
            sizes[id(part)] = 1 + sum(map(size, children(part)))
        return sizes[id(part)]

    if size(node) > MAX_NODES:
        raise ModelError(
            f"The {where} has {size(node)} parts when its local names are written out (at most {MAX_NODES}). "
            "Use from_equations with derived quantities instead."
        )


class _Number:
    """A constant in place of a function."""

    def __init__(self, value: Any, where: str):
        if isinstance(value, str):
            raise ModelError(
                f"The {where} is the text {value!r}; give a function or a number here, or use from_equations."
            )
        number = checked_value(value, where, None, "value")
        if not isinstance(number, float):
            raise ModelError(f"The {where} is {value!r}; give a function or one number.")
        self.value, self.where = number, where

    def defaults(self) -> dict[str, float]:
        return {}

    def node(self, known: set[str]) -> Node:
        return Num(self.value)


def _reader(function: Any, where: str) -> Function | _Number:
    return Function(function, where) if callable(function) else _Number(function, where)
