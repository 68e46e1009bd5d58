"""Published models: found by name, run with other parameters, and held against the numbers of their papers.

Each is one module of the folder ``models`` (``author_year.py``) with the five names of `CONTRACT`; models/README.md is
the full description.  The folder travels with the package, so that it is found in a checkout and after `pip install`.

    REFERENCE    `Reference`: citation, DOI, the published numbers with their tolerances
    Parameters   frozen dataclass of numbers, strings, booleans and tuples; the defaults are those of the paper
    build        build(parameters) -> Network, of populations or, with `neurosim.nef`, of ensembles
    run          run(parameters, *, duration, seed, threads, progress) -> `Outcome`
    figure       figure(outcome) -> matplotlib Figure
"""

from __future__ import annotations

import dataclasses
import importlib
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

from neurosim import units
from neurosim.errors import ModelError, ParameterError, listing, nearest

CONTRACT = ("REFERENCE", "Parameters", "build", "run", "figure")
#: units that a quantity is converted to when a parameter does not say which it has
HOUSE = ("mV", "ms", "nA", "nF", "uS", "MOhm", "Hz", "uA/cm2", "uF/cm2", "mS/cm2", "degC", "1")
_PACKAGE = "neurosim.models"


@dataclass(frozen=True)
class Number:
    """A number that a paper states: it is reproduced if |measured - value| <= tolerance.

    Attributes:
        value: as published, in `unit`.
        tolerance: absolute, in `unit`.
        unit: such as ``Hz``; empty if it has none.
        note: where the paper states it, and why the tolerance is what it is.
    """

    value: float
    tolerance: float
    unit: str = ""
    note: str = ""

    def __post_init__(self):
        if not (math.isfinite(self.value) and math.isfinite(self.tolerance) and self.tolerance >= 0):
            raise ParameterError(f"A published number needs a finite value and a tolerance of 0 or more, not "
                                 f"{self.value!r} with tolerance {self.tolerance!r}.")

    def agrees(self, measured: float) -> bool:
        """Return whether `measured` is the published value within its tolerance; NaN is not."""
        return bool(abs(float(measured) - self.value) <= self.tolerance)


@dataclass(frozen=True)
class Reference:
    """Where a model was published.

    Attributes:
        citation: authors (year), title, journal, volume, pages.
        doi: without ``https://doi.org/``; empty if there is none.
        numbers: published number by name.
    """

    citation: str
    doi: str = ""
    numbers: Mapping[str, Number] = field(default_factory=dict)

    def __post_init__(self):
        object.__setattr__(self, "numbers", MappingProxyType(dict(self.numbers)))


@dataclass(frozen=True)
class Outcome:
    """What a published model gave.

    Attributes:
        measured: number by name; those with the names of `Reference.numbers` are compared.
        results: what the figure is made of: `Result`, arrays, numbers, by name.
        parameters: the Parameters of the run.
    """

    measured: Mapping[str, float]
    results: Mapping[str, Any] = field(default_factory=dict, repr=False)
    parameters: Any = None


@dataclass(frozen=True)
class Row:
    """One line of a comparison; `measured` is NaN and `ok` False if the number was not measured."""

    name: str
    published: float
    measured: float
    tolerance: float
    unit: str
    ok: bool
    note: str = ""


def folder(name: str = "models") -> Path | None:
    """Return the folder of the published models (or another that travels with the package), or None.

    name: ``models`` or ``benchmarks``; looked for in the package and then, in a checkout, beside it.
    """
    package = Path(__file__).resolve().parent
    if (package / name).is_dir():
        return package / name
    root = package.parent
    # without this a foreign package of the same name in site-packages would be taken for ours
    if (root / "pyproject.toml").is_file() and (root / name).is_dir():
        return root / name
    return None


def names() -> tuple[str, ...]:
    """Return the names of the published models, in order."""
    home = folder()
    return () if home is None else tuple(sorted(p.stem for p in home.glob("*.py") if not p.stem.startswith("_")))


def load(name: str) -> ModuleType:
    """Return the module of a published model.

    Raises:
        ParameterError: if there is none of this name; with the nearest one.
        ModelError: if the module lacks one of the names of `CONTRACT`.
    """
    known = names()
    if name not in known:
        raise ParameterError(f"There is no published model {name!r}.{nearest(name, known)} Known: {listing(known)}.")
    if _PACKAGE not in sys.modules:
        # in a checkout the folder lies outside of the package; models may import each other all the same
        package = ModuleType(_PACKAGE)
        package.__path__ = [str(folder())]
        sys.modules[_PACKAGE] = package
    module = importlib.import_module(f"{_PACKAGE}.{name}")
    missing = [n for n in CONTRACT if not hasattr(module, n)]
    if missing:
        raise ModelError(f"The published model {name!r} ({module.__file__}) lacks {listing(missing)}: see models/README.md.")
    return module


def parameters(module: ModuleType, values: Mapping[str, Any]) -> Any:
    """Return the Parameters of a published model with some values replaced.

    module: as `load` returns it.
    values: new value by name: number, boolean, text, sequence of numbers, or quantity such as ``"10 ms"``, which is
        converted to the ``unit`` in the metadata of the field or else to the unit neurosim uses for its kind.

    Raises:
        ParameterError: for an unknown name (with the nearest one) or a value of another type than the default.
        UnitError: for a quantity of another kind than the parameter.
    """
    default = module.Parameters()
    fields = {f.name: f for f in dataclasses.fields(default)}
    title = module.__name__.rpartition(".")[2]
    changed = {}
    for name, value in values.items():
        if name not in fields:
            raise ParameterError(f"{title} has no parameter {name!r}.{nearest(name, fields)} Known: {listing(fields)}.")
        unit = fields[name].metadata.get("unit")
        changed[name] = _like(getattr(default, name), value, unit, f"parameter {name!r} of {title}")
    return dataclasses.replace(default, **changed)


def _like(default: Any, value: Any, unit: str | None, what: str) -> Any:
    """Return `value` in the type of `default`."""
    if isinstance(value, str) and not isinstance(default, str):
        found = units.quantity(value)
        if found is None:
            raise ParameterError(f"The {what} is the text {value!r}; {_kind(default)} is needed, like {default!r}.")
        house = unit or next((h for h in HOUSE if units.parse(h).compatible(found[1])), None)
        value = units.to_number(value, house, what)
    if isinstance(default, tuple):
        items = value if isinstance(value, (list, tuple)) else [value]
        return tuple(_like(default[0] if default else 0.0, item, unit, what) for item in items)
    if isinstance(default, bool) or isinstance(value, bool) or isinstance(default, str):
        if type(value) is not type(default):
            raise ParameterError(f"The {what} is {value!r}; {_kind(default)} is needed, like {default!r}.")
        return value
    if isinstance(value, (list, tuple)):
        raise ParameterError(f"The {what} is {value!r}; one number is needed, like {default!r}.")
    if not math.isfinite(value):
        raise ParameterError(f"The {what} is {value}, which is not finite. Give a finite number.")
    if isinstance(default, int):
        if value != int(value):
            raise ParameterError(f"The {what} is {value!r}; a whole number is needed, like {default!r}.")
        return int(value)
    return float(value)


def _kind(default: Any) -> str:
    kinds = {bool: "true or false", str: "a text", int: "a whole number", tuple: "a list of numbers"}
    return kinds.get(type(default), "a number")


def check(outcome: Outcome, reference: Reference) -> list[Row]:
    """Return one `Row` for each published number, in the order of the reference.

    A number is reproduced if |measured - published| <= tolerance; one that was not measured is not.
    """
    rows = []
    for name, number in reference.numbers.items():
        measured = float(outcome.measured.get(name, math.nan))
        rows.append(Row(name, number.value, measured, number.tolerance, number.unit, number.agrees(measured), number.note))
    return rows
