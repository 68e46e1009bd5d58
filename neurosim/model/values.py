"""Values that users give for parameters and initial values: checked once, at the door.

A value is a number, one number per neuron (1-D), or a distribution to draw them from.  Time constants and
capacitances divide in every equation, so those that are not positive are refused here instead of becoming
NaN in a run.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from neurosim import units as unit_text
from neurosim.errors import ParameterError, UnitError


def is_distribution(value: Any) -> bool:
    """Return whether `value` is a distribution: `is_distribution` is true, or it has a `sample`."""
    if isinstance(value, (type, np.ndarray, np.generic)):
        return False
    return (
        bool(getattr(value, "is_distribution", False))
        or callable(getattr(value, "sample", None))
        and not hasattr(value, "__array__")
    )


def checked_value(value: Any, name: str, unit: str | None = None, what: str = "parameter") -> Any:
    """Return a value as float, as read-only 1-D float64 array (one per neuron), or as given (distribution).

    Args:
        value: number, sequence of numbers, quantity (see `neurosim.units.to_number`), or distribution.
        name: the symbol, for messages.
        unit: its unit; quantities are converted to it.
        what: what the value is, for messages; when it begins with "parameter", the sign is checked as well.

    Raises:
        ParameterError: for text that is no quantity, NaN, infinities, booleans, complex numbers, 2-D arrays
            and what else is not a number; for a time constant or capacitance that is not positive.
        UnitError: for a quantity of another kind than `unit`, or where `unit` is not known.
    """
    if is_distribution(value):
        return value
    label = label_of(what, name)
    number = to_known(value, unit, label)
    wanted = f" in {unit}" if unit and unit != "1" else ""
    remedy = f"Give a number{wanted}, one number per neuron (1-D), or a distribution."
    if isinstance(number, str):
        try:
            number = float(number)
        except ValueError:
            raise ParameterError(
                f"The {label} is the text {number!r}, which is no number with a unit. {remedy}"
            ) from None
    if number is None or isinstance(number, (bool, np.bool_, dict, set, bytes)) or callable(number):
        raise ParameterError(f"The {label} is {number!r} ({type(number).__name__}), not a number. {remedy}")
    try:
        array = np.asarray(number)
    except (ValueError, TypeError):
        raise ParameterError(f"The {label} is not a regular array of numbers. {remedy}") from None
    if np.ma.isMaskedArray(number) and np.ma.count_masked(number):
        first = int(np.flatnonzero(np.ma.getmaskarray(number))[0])
        raise ParameterError(f"The {label} is masked at index {first}. Fill in a number there.")
    if array.dtype.kind == "O":
        if any(isinstance(x, (bool, np.bool_, str, complex)) for x in array.flat):
            raise ParameterError(f"The {label} holds something that is not a number. {remedy}")
        try:
            array = array.astype(float)
        except (TypeError, ValueError, OverflowError):
            raise ParameterError(
                f"The {label} is {_short(number)}, not a number that fits float64. {remedy}"
            ) from None
    if array.dtype.kind not in "iuf":
        kinds = {
            "c": "complex",
            "b": "boolean",
            "U": "text",
            "S": "bytes",
            "M": "a date",
            "m": "a time difference",
        }
        raise ParameterError(
            f"The {label} is {kinds.get(array.dtype.kind, array.dtype)}, not real numbers. {remedy}"
        )
    if array.ndim > 1:
        raise ParameterError(
            f"The {label} has shape {array.shape}; one number or one number per neuron is needed. "
            "Use .ravel() or pick a row."
        )
    if array.size == 0:
        raise ParameterError(f"The {label} is empty. {remedy}")
    array = np.array(array, dtype=np.float64)
    check_finite(array, label)
    if what.startswith("parameter"):
        check_sign(array, name, unit, label)
    if array.ndim == 0:
        return float(array)
    array.flags.writeable = False
    return array


def to_known(value: Any, unit: str | None, label: str) -> Any:
    """Return a value as `neurosim.units.to_number` does; a quantity needs a declared unit to be converted to.

    Raises:
        UnitError: for a quantity where no unit is declared, or of another kind.
    """
    found = unit_text.quantity(value) if unit is None else None
    if found is not None and found[1] != unit_text.parse("1"):
        raise UnitError(
            f"The {label} is given in {unit_text.show(found[1])}, but no unit is declared for it, so that it "
            "cannot be converted. Give a plain number, or declare its unit where that is possible."
        )
    return unit_text.to_number(value, unit, label)


def label_of(what: str, name: str) -> str:
    """Return ``"parameter 'tau' of lif"`` for ``"parameter of lif"`` and ``"tau"``."""
    found = re.match(r"(.*?)( (?:of|in) .*)?$", what)
    return f"{found[1]} {name!r}{found[2] or ''}"


def check_finite(array: np.ndarray | float, label: str) -> None:
    """Raise `ParameterError` naming the first neuron whose value is NaN or infinite."""
    _refuse(~np.isfinite(array), array, label, "which is not finite. Give a finite number.")


def check_sign(array: np.ndarray | float, name: str, unit: str | None, label: str, each: str = "neuron") -> None:
    """Raise `ParameterError` for a time constant or capacitance <= 0, or a refractory period < 0; one value for `each`.

    Time constants are the names that begin with ``tau``, refractory periods those that begin with ``t_ref``;
    capacitances are ``c_m`` and whatever is declared in farad.  (``c`` alone may be the reset of
    Izhikevich's model.)
    """
    lowered = name.lower()
    if lowered.startswith("t_ref"):
        _refuse(
            np.less(array, 0), array, label, "but a refractory period cannot be negative. Give 0 or more.", each
        )
    elif lowered.startswith("tau"):
        _refuse(
            np.less_equal(array, 0),
            array,
            label,
            "but a time constant must be positive. Give a number above 0.",
            each,
        )
    elif lowered == "c_m" or _is_capacitance(unit):
        _refuse(
            np.less_equal(array, 0),
            array,
            label,
            "but a capacitance must be positive. Give a number above 0.",
            each,
        )


def _is_capacitance(unit: str | None) -> bool:
    if unit is None:
        return False
    try:
        parsed = unit_text.parse(unit)
    except UnitError:
        return False
    return any(parsed.compatible(unit_text.parse(text)) for text in ("nF", "uF/cm2"))


def _refuse(wrong: np.ndarray, array: np.ndarray | float, label: str, message: str, each: str = "neuron") -> None:
    if np.any(wrong):
        if np.ndim(array) == 0:
            raise ParameterError(f"The {label} is {float(array):g}, {message}")
        first = int(np.flatnonzero(wrong)[0])
        count = int(np.count_nonzero(wrong))
        more = f" (and {count - 1} more)" if count > 1 else ""
        raise ParameterError(
            f"The {label} is {float(np.asarray(array)[first]):g} for {each} {first}{more}, {message}"
        )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
