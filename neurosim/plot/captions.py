"""Short texts that tell how a projection connects: its rule and its delay."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from neurosim.errors import ParameterError

#: Longest text of one part of a caption; longer ones are cut.
LONGEST = 26


def caption_of(projection: Any) -> str:
    """Return rule and delay (ms) of a projection, one a line; what it has not is left out."""
    lines = []
    rule = getattr(projection, "connectivity", None)
    if rule is not None:
        lines.append(short(rule))
    delay = getattr(projection, "delay", None)
    if delay is not None:
        lines.append(f"{values_text(delay)} ms")
    return "\n".join(lines)


def values_text(value: Any) -> str:
    """Return a number, the range of an array, or what a distribution calls itself."""
    if isinstance(value, int | float | np.number):
        return f"{value:g}"
    if isinstance(value, np.ndarray | list | tuple):
        array = np.asarray(value)
        if array.dtype.kind not in "iuf" or not array.size:
            return "…"
        low, high = float(array.min()), float(array.max())
        return f"{low:g}" if low == high else f"{low:g} to {high:g}"
    return short(value)


def short(value: Any) -> str:
    """Return an object in a few words: its class and what differs from its defaults, ``Bernoulli(0.1)``."""
    name = type(value).__name__
    if not dataclasses.is_dataclass(value):
        text = value if isinstance(value, str) else repr(value)
        return name if text.startswith("<") else _cut(text)
    parts = []
    for k, field in enumerate(dataclasses.fields(value)):
        own = getattr(value, field.name)
        if not field.repr or isinstance(own, np.ndarray) or own is field.default:
            continue
        if isinstance(own, bool | str) or own is None:
            text = str(own)
        else:
            text = values_text(own) if isinstance(own, int | float | np.number | list | tuple) else type(own).__name__
        if field.default is dataclasses.MISSING or text != str(field.default):
            parts.append(text if k == 0 else f"{field.name}={text}")
    return _cut(f"{name}({', '.join(parts)})" if parts else name)


def number_of(value: Any, name: str) -> float:
    """Return a finite number, or raise ParameterError."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ParameterError(f"{name} is {type(value).__name__}; a number or connections are needed.") from None
    if not np.isfinite(number):
        raise ParameterError(f"{name} is {number}; a finite number is needed.")
    return number


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
