"""What is typed on the command line, as values: text is taken apart, never evaluated."""

from __future__ import annotations

import math
import re
from typing import Any

import click

from neurosim import units
from neurosim.errors import UnitError

_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_NAME = re.compile(r"[^\W\d]\w*")


def read_value(text: str) -> bool | int | float | str | list:
    """Return the value that `text` stands for.

        3          int                     true, false, yes, no, on, off     bool
        1e3, -0.5  float                   1,2,5                             list of numbers
        10 ms      the text itself, if it is a number with a unit            anything else: text

    Raises:
        click.BadParameter: for an empty value, a list that holds something else than numbers, an unknown unit.
    """
    text = text.strip()
    if not text:
        raise click.BadParameter("The value is empty.")
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if "," in text:
        parts = [read_value(part) for part in text.strip(",").split(",")]
        wrong = [p for p in parts if isinstance(p, (bool, str))]
        if wrong:
            raise click.BadParameter(f"A list holds numbers separated by commas; {wrong[0]!r} is none.")
        return parts
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    if re.match(r"[+-]?\.?\d", text):
        try:
            found = units.quantity(text)
        except UnitError as error:
            raise click.BadParameter(str(error)) from None
        if found is None:
            raise click.BadParameter(f"{text!r} is neither a number nor a number with a unit such as '10 ms'.")
    return text


def read_settings(pairs: tuple[str, ...]) -> dict[str, Any]:
    """Return value by name from texts ``name=value``; of a name given twice the last counts.

    Raises:
        click.BadParameter: for a text of another form.
    """
    values = {}
    for pair in pairs:
        name, sign, text = pair.partition("=")
        if not sign or not _NAME.fullmatch(name.strip()):
            raise click.BadParameter(f"{pair!r} is not of the form name=value.", param_hint="--set")
        try:
            values[name.strip()] = read_value(text)
        except click.BadParameter as error:
            raise click.BadParameter(f"{name.strip()}: {error.message}", param_hint="--set") from None
    return values


class Milliseconds(click.ParamType):
    """A positive time: a number in ms, or a quantity such as ``2 s``."""

    name = "ms"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the time in ms."""
        if isinstance(value, float):
            return value
        try:
            number = float(units.to_number(value, "ms", "time"))
        except UnitError as error:
            self.fail(str(error), param, ctx)
        except ValueError:
            self.fail(f"{value!r} is neither a number of ms nor a time such as '2 s'.", param, ctx)
        if not (math.isfinite(number) and number > 0):
            self.fail(f"{value!r} is not a positive time.", param, ctx)
        return number


MS = Milliseconds()
