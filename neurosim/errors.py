"""Every error and warning that neurosim raises on purpose.

A message says what is wrong, where, and what to do about it.  All errors derive from
`NeurosimError`; those about a value are `ValueError` too, so that generic code can catch them.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class NeurosimError(Exception):
    """Base of all errors of neurosim."""


class ModelError(NeurosimError, ValueError):
    """A model's equations, functions, threshold or reset are not valid."""


class UnitError(ModelError):
    """The two sides of an equation, or the terms of a sum, have different units."""


class ParameterError(NeurosimError, ValueError):
    """A parameter has a wrong name, shape, unit or value."""


class NetworkError(NeurosimError, ValueError):
    """Populations, stimuli and probes do not fit together."""


class SimulationError(NeurosimError, RuntimeError):
    """A run cannot start."""


class StorageError(NeurosimError, OSError):
    """A file is missing, damaged, foreign, or cannot be written."""


class MissingPackageError(NeurosimError, ImportError):
    """An optional package is needed and not installed."""


class NeurosimWarning(UserWarning):
    """Base of all warnings of neurosim."""


class NumericalWarning(NeurosimWarning, RuntimeWarning):
    """A run was stopped, or its numbers deserve doubt."""


def nearest(name: str, candidates: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the candidate most like `name`, or an empty string."""
    names = [str(c) for c in candidates]
    found = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if not found:
        lowered = {c.lower(): c for c in reversed(names)}
        close = difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=0.6)
        found = [lowered[c] for c in close]
    return f" Did you mean {found[0]!r}?" if found else ""


def listing(names: Iterable[str]) -> str:
    """Return the names joined for a message: ``a, b, c`` or ``(none)``."""
    return ", ".join(names) or "(none)"


def caret(text: str, column: int, width: int = 1) -> str:
    """Return `text` with a line of carets under `width` characters from `column` on (0-based)."""
    width = max(1, min(width, len(text) - column))
    return f"    {text}\n    {' ' * column}{'^' * width}"
