"""Models written as equations, the way they stand in a paper.

    dv/dt = (g_l*(e_l - v) + i)/c : mV (unless refractory)      a state
    m_inf = 1/(1 + exp(-(v + 40)/9)) : 1                        a derived quantity
    g_l : uS                                                    the unit of a parameter

Text is parsed by the standard `ast` and never executed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from neurosim.errors import ModelError, caret, nearest
from neurosim.model.assemble import assemble
from neurosim.model.draft import Draft, Line, ResetLine
from neurosim.model.expression import Op, Sym, parse
from neurosim.model.ir import NeuronModel

FLAGS = ("unless refractory",)
_NAME = r"[^\W\d]\w*"
_DERIVATIVE = re.compile(rf"d({_NAME})\s*/\s*dt\s*=(?!=)\s*(.*)$")
_DEFINITION = re.compile(rf"({_NAME})\s*=(?!=)\s*(.*)$")
_ASSIGNMENT = re.compile(rf"({_NAME})\s*(\*\*|//|[-+*/%@&|^])?=(?!=)\s*(.*)$")
_FLAG_AFTER_UNIT = re.compile(r"^(.*?)\s*\(([^()]*)\)$")
_FLAG_AFTER_RIGHT_SIDE = re.compile(r"^(.*\S)\s*\(\s*([^\W\d]+(?:\s+[^\W\d]+)+)\s*\)$")
_HANGING = re.compile(r"(?:[-+*/=<>,(]|\b(?:and|or|not|if|else))$")
_LEADING = re.compile(r"(?:[+*/<>]|-|\)|(?:and|or|else)\b)")


def build(
    equations: str,
    *,
    threshold: str | None = None,
    reset: str | None = None,
    refractory: str | float | None = None,
    parameters: Mapping[str, Any] | None = None,
    inputs: Mapping[str, str] | list[str] | tuple[str, ...] | None = None,
    initial: Mapping[str, Any] | None = None,
    units: Mapping[str, str] | None = None,
    maps: Mapping[str, str] | None = None,
    floor: Mapping[str, Any] | None = None,
    edge: bool | None = None,
    method: str | None = None,
    name: str = "model",
    doc: str = "",
) -> NeuronModel:
    """Return the model that the text describes.

    A line of `equations` is one of

        d<state>/dt = <expression> : <unit> (unless refractory)
        <derived> = <expression> : <unit>
        <parameter> : <unit>

    where unit and flag may be missing.  ``#`` begins a comment; a line goes on inside open parentheses,
    after a trailing operator or backslash, and where the next line begins with an operator.  ``xi`` and
    ``xi_<name>`` are independent white noises (ms**-0.5) that must enter linearly; one symbol is one noise.
    Unit names (``10*mV``) may be used as constants unless a symbol has that name.

    Args:
        equations: the lines.
        threshold: condition for a spike, such as ``"v > v_th"``.
        reset: assignments at a spike, separated by ``;`` or line ends, done in order:
            ``"v = v_reset; w += b"``.
        refractory: number (ms), or expression of parameters.  States flagged ``(unless refractory)`` are
            held for that time; without any flag, those that the threshold depends on and the reset assigns
            (usually v).
        parameters: value by name: number, one number per neuron, distribution, or quantity (``"10 ms"``).
        inputs: names of the inputs, or unit by name.
        initial: initial value by state: number, array, distribution, quantity, or expression of parameters,
            other states and derived quantities (evaluated with inputs and t at zero).  Default: what the
            reset assigns, if that depends on parameters only; else 0.
        units: unit by name, in addition to those in the lines.  Without any unit the unit check is off.
        maps: value after a step by state, as expression of states, inputs, parameters and dt before it.  It takes the
            place of the integrator for that state, whose equation says what the map stands for.
        floor: value by state below which it does not fall: number, quantity, or expression of parameters.  It is looked at
            once a step; a reset may go below.
        edge: whether a spike is the moment in which the threshold becomes true (else every step in which it
            is true outside of the refractory period).  Default: true for a threshold without reset.
        method: integrator the model's author recommends.
        name: name of the model.
        doc: description with source.

    Raises:
        ModelError, UnitError, ParameterError: with the place, a caret, and a remedy.
    """
    for what, value in (
        ("equations", equations),
        ("threshold", threshold),
        ("reset", reset),
        ("name", name),
        ("method", method),
        ("doc", doc),
    ):
        if not isinstance(value, str) and not (value is None and what in ("threshold", "reset", "method")):
            raise ModelError(f"{what}= must be text, not {type(value).__name__} ({value!r}).")
    if edge is not None and not isinstance(edge, bool):
        raise ModelError(f"edge= must be True, False or None, not {edge!r}.")
    lines: list[Line] = []
    declared: dict[str, str | None] = {}
    for text in logical_lines(equations):
        line = read_line(text)
        if isinstance(line, Line):
            lines.append(line)
        elif line[0] in declared:
            raise ModelError(f"{name}: {line[0]!r} is declared twice. Keep one of the lines.")
        else:
            declared[line[0]] = line[1]
    draft = Draft(name, lines, read_condition(threshold), read_reset(reset), declared)
    return assemble(
        draft,
        parameters=parameters,
        inputs=inputs,
        initial=initial,
        units=units,
        refractory=refractory,
        maps=maps,
        floor=floor,
        edge=edge,
        method=method,
        doc=doc,
    )


def read_condition(text: str | None) -> tuple | None:
    """Return (tree, text) of a threshold, or None."""
    if text is None:
        return None
    joined = " ".join(logical_lines(text))
    return parse(joined, "threshold"), joined


def logical_lines(text: str) -> list[str]:
    """Return the lines without comments, with continued lines joined."""
    joined: list[str] = []
    depth, hanging = 0, False
    for raw in text.splitlines():
        part = raw.split("#", 1)[0].strip()
        if not part:
            continue
        backslash = part.endswith("\\")
        part = part.rstrip("\\").strip()
        if joined and (depth > 0 or hanging or _LEADING.match(part)):
            joined[-1] = f"{joined[-1]} {part}".strip()
        else:
            joined.append(part)
            depth = 0
        depth += part.count("(") - part.count(")")
        # "tau : ms" ends in letters; only an expression can hang
        hanging = backslash or bool(_HANGING.search(part))
    return joined


def read_line(text: str) -> Line | tuple[str, str | None]:
    """Return the definition, or (name, unit) of a declared parameter.

    Raises:
        ModelError: if the line is none of the three kinds.
    """
    if ";" in text:
        raise _unreadable(
            text, text.index(";"), "';' does not separate equations: write one equation a line."
        )
    body, colon, tail = text.partition(":")
    body = body.strip()
    if tail.startswith("="):
        raise _unreadable(text, text.index(":"), "':=' is no assignment here: write '='.")
    unit, flag = _unit_and_flag(tail.strip()) if colon else (None, None)
    if not colon and (found := _FLAG_AFTER_RIGHT_SIDE.match(body)):
        body, flag = found[1], found[2]
    if colon and not unit and flag is None:
        raise _unreadable(
            text, text.index(":"), "A unit must follow ':'; write ': 1' for none, or leave ':' out."
        )
    held = False
    if flag is not None:
        words = " ".join(flag.split())
        if words not in FLAGS:
            raise _unreadable(
                text,
                text.rindex("("),
                f"There is no flag ({words}).{nearest(words, FLAGS)} The only flag is (unless refractory).",
                len(flag) + 2,
            )
        held = True
    if found := _DERIVATIVE.match(body):
        name, right = found[1], found[2].strip()
        return Line("state", name, unit, parse(right, f"equation of {name}"), right, text, held)
    if found := _DEFINITION.match(body):
        name, right = found[1], found[2].strip()
        if held:
            raise _unreadable(
                text, text.rindex("("), f"Only differential equations can be held: {name!r} has none."
            )
        return Line("derived", name, unit, parse(right, f"definition of {name}"), right, text)
    if re.fullmatch(_NAME, body) and unit:
        if held:
            raise _unreadable(
                text, text.rindex("("), f"Only differential equations can be held: {body!r} has none."
            )
        return body, unit
    if re.match(r"d\d*\w+\s*/\s*dt\s*(\*\*|\^)?\s*\d", body) or re.match(r"d\d", body):
        raise _unreadable(
            text, 0, "Only first derivatives are read: introduce the first derivative as a state of its own."
        )
    if re.match(rf"{_NAME}\s*'", body):
        raise _unreadable(
            text, body.index("'"), f"Write the derivative as d{body.split(chr(39))[0].strip()}/dt = ..."
        )
    if re.fullmatch(rf"d{_NAME}\s*/\s*dt", body):
        raise _unreadable(text, len(body) - 1, "The right-hand side is missing: write '= expression'.")
    raise _unreadable(
        text,
        0,
        "A line is 'dv/dt = expression : unit', 'name = expression : unit', or 'parameter : unit'.",
        len(text),
    )


def _unit_and_flag(tail: str) -> tuple[str | None, str | None]:
    found = _FLAG_AFTER_UNIT.match(tail)
    # parentheses after an operator or sqrt belong to the unit: 1/(ms*mV)
    if found and not re.search(r"(?:[*/^]|\bsqrt)\s*$", found[1]):
        return found[1].strip() or None, found[2]
    return tail or None, None


def _unreadable(text: str, column: int, message: str, width: int = 1) -> ModelError:
    return ModelError(f"This line of the equations cannot be read:\n{caret(text, column, width)}\n{message}")


def read_reset(text: str | None) -> list[ResetLine]:
    """Return the assignments of a reset, with ``+=`` and the like written out.

    Raises:
        ModelError: if a statement is not an assignment to a name.
    """
    found = []
    for statement in (s.strip() for line in logical_lines(text or "") for s in line.split(";")):
        if not statement:
            continue
        match = _ASSIGNMENT.match(statement)
        if not match or (match[2] and match[2] not in ("+", "-", "*", "/", "**")):
            known = "== compares; assign with =. " if "==" in statement else ""
            raise ModelError(
                f"This statement of the reset cannot be read:\n{caret(statement, 0, len(statement))}\n{known}"
                "A statement is 'state = expression', or with += -= *= /= ; separate them by ';'."
            )
        name, operator, right = match[1], match[2], match[3].strip()
        node = parse(right, f"reset of {name}")
        if operator:
            node = Op(operator, (Sym(name), node), span=node.span)
        found.append(ResetLine(name, node, right, statement))
    return found
