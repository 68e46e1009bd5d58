"""A model as written: parsed statements before any check across them.  Both doors end here."""

from __future__ import annotations

import keyword
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from neurosim.errors import ModelError
from neurosim.model.expression import ALIASES, CONSTANTS, FUNCTIONS, Node
from neurosim.model.noise import is_noise


class Line(NamedTuple):
    """One definition: `kind` is "state" (node is the derivative) or "derived"; node was read from `text`."""

    kind: str
    name: str
    unit: str | None
    node: Node
    text: str
    whole: str
    held: bool = False

    @property
    def where(self) -> str:
        """Place for messages."""
        return f"equation of {self.name}" if self.kind == "state" else f"definition of {self.name}"


class ResetLine(NamedTuple):
    """One assignment of the reset."""

    target: str
    node: Node
    text: str
    whole: str


@dataclass
class Draft:
    """A model as written, before any check across statements."""

    name: str
    lines: list[Line]
    threshold: tuple[Node, str] | None = None
    reset: Sequence[ResetLine] = ()
    #: parameters and inputs declared by a line of their own, with unit
    declared: dict[str, str | None] = field(default_factory=dict)

    @property
    def states(self) -> list[Line]:
        """Lines that are differential equations."""
        return [line for line in self.lines if line.kind == "state"]

    @property
    def derived(self) -> list[Line]:
        """Lines that are algebraic definitions."""
        return [line for line in self.lines if line.kind == "derived"]


def check_name(name: Any, what: str) -> str:
    """Return the name in the normal form of Python's parser.

    Raises:
        ModelError: if it is not an identifier, or reserved.
    """
    if not isinstance(name, str) or not name.isidentifier():
        raise ModelError(
            f"{name!r} cannot be the name of a {what}: use letters, digits and '_', not beginning with a "
            "digit."
        )
    name = unicodedata.normalize("NFKC", name)
    reason = (
        "a keyword of Python"
        if keyword.iskeyword(name)
        else "the time"
        if name == "t"
        else "the time step"
        if name == "dt"
        else "a white noise"
        if is_noise(name)
        else "a function"
        if name in FUNCTIONS or name in ALIASES
        else "a constant"
        if name in CONSTANTS
        else None
    )
    if reason:
        raise ModelError(
            f"{name!r} cannot be the name of a {what}: it is {reason}. Choose another name, such as "
            f"{name + '_0'!r}."
        )
    return name
