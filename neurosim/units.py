"""Units as data: a power of ten and the exponents of the base dimensions, read from text.

    unit = 10^scale * V^a A^b s^c m^d mol^e K^f degC^g

House units are mV, ms, nA, nF, uS, MOhm and Hz (densities: uA/cm2, uF/cm2, mS/cm2).  Arrays stay plain
floats; this module converts what comes in at the boundary.  K and degC are kept apart, since their zero
points differ.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from neurosim.errors import UnitError, caret, nearest

BASES = ("V", "A", "s", "m", "mol", "K", "degC")
_ZERO = Fraction(0)


@dataclass(frozen=True)
class Unit:
    """A unit: ``10**scale`` times the product of the `BASES` to their `powers`."""

    scale: Fraction = _ZERO
    powers: tuple[Fraction, ...] = (_ZERO,) * len(BASES)

    def __mul__(self, other: Unit) -> Unit:
        return Unit(
            self.scale + other.scale, tuple(a + b for a, b in zip(self.powers, other.powers, strict=True))
        )

    def __truediv__(self, other: Unit) -> Unit:
        return Unit(
            self.scale - other.scale, tuple(a - b for a, b in zip(self.powers, other.powers, strict=True))
        )

    def __pow__(self, exponent: Fraction | int) -> Unit:
        return Unit(self.scale * exponent, tuple(a * exponent for a in self.powers))

    @property
    def dimensionless(self) -> bool:
        """Whether no base dimension occurs (a power of ten may)."""
        return not any(self.powers)

    def compatible(self, other: Unit) -> bool:
        """Whether both measure the same thing, such as mV and V."""
        return self.powers == other.powers


ONE = Unit()


def _base(scale: int = 0, **powers: int) -> Unit:
    return Unit(Fraction(scale), tuple(Fraction(powers.get(name, 0)) for name in BASES))


_PREFIX = {"f": -15, "p": -12, "n": -9, "u": -6, "m": -3, "c": -2, "": 0, "k": 3, "M": 6, "G": 9}
#: symbol -> (unit, prefixes in use)
# fmt: off
_SYMBOLS: dict[str, tuple[Unit, str]] = {
    "V": (_base(V=1), "numk"), "A": (_base(A=1), "fpnum"), "s": (_base(s=1), "num"),
    "m": (_base(m=1), "numc"), "mol": (_base(mol=1), "fpnum"), "K": (_base(K=1), ""),
    "degC": (_base(degC=1), ""), "S": (_base(A=1, V=-1), "fpnum"), "F": (_base(A=1, s=1, V=-1), "fpnum"),
    "ohm": (_base(V=1, A=-1), "mkMG"), "Ohm": (_base(V=1, A=-1), "mkMG"), "Hz": (_base(s=-1), "mkMG"),
    "C": (_base(A=1, s=1), "fpnum"), "M": (_base(3, mol=1, m=-3), "pnum"), "L": (_base(-3, m=3), "num"),
    "J": (_base(V=1, A=1, s=1), "fpnum"), "W": (_base(V=1, A=1), "fpnum"),
}
# fmt: on
#: every unit name that can be written
NAMES: dict[str, Unit] = {
    prefix + symbol: _base(_PREFIX[prefix]) * unit
    for symbol, (unit, prefixes) in _SYMBOLS.items()
    for prefix in ("", *prefixes)
}

_TOKEN = re.compile(
    r"\s*(?:(?P<name>[^\W\d_]+)(?P<digits>\d+)?|(?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)"
    r"|(?P<op>\*\*|[*/^()+\-·]))"
)
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_QUANTITY = re.compile(rf"\s*({_NUMBER})\s*(\*?)\s*(\S.*)?$", re.DOTALL)


def parse(text: str, where: str = "") -> Unit:
    """Return the unit written as `text`.

    Args:
        text: such as ``"mV"``, ``"uA/cm2"``, ``"mS/cm**2"``, ``"1/ms"``, ``"ms**-0.5"``, ``"nA*ms/mV"`` or
            ``"1"``.
        where: what has this unit, for messages.

    Raises:
        UnitError: for an unknown name or unreadable text, with the nearest name.
    """
    if isinstance(text, Unit):
        return text
    if not isinstance(text, str):
        raise UnitError(
            f"The unit{' of ' + where if where else ''} must be text such as 'mV', "
            f"not {text!r} ({type(text).__name__})."
        )
    return _parse(text, where)


@lru_cache(maxsize=1024)
def _parse(text: str, where: str) -> Unit:
    return _Reader(text, where).read()


class _Reader:
    """Recursive descent over the tokens of a unit."""

    def __init__(self, text: str, where: str):
        # NFKC turns superscript digits, the two signs for micro and the Ohm sign into one spelling each
        self.text = unicodedata.normalize("NFKC", text).replace("\u2212", "-").replace("\u00b0C", "degC")
        self.where = f" of {where}" if where else ""
        self.tokens: list[tuple[str, str, int]] = []
        at = 0
        while self.text[at:].strip():
            found = _TOKEN.match(self.text, at)
            if not found:
                raise self.wrong(at + len(self.text[at:]) - len(self.text[at:].lstrip()), "cannot be read")
            for kind in ("name", "digits", "number", "op"):
                if found[kind] is not None:
                    self.tokens.append((kind, found[kind], found.start(kind)))
            at = found.end()
        self.tokens.append(("end", "", len(self.text)))
        self.next = 0

    def wrong(self, column: int, what: str) -> UnitError:
        return UnitError(
            f"The unit{self.where} {what}:\n{caret(self.text or ' ', column)}\n"
            "Write units such as mV, 1/ms, uA/cm2, mS/cm**2, ms**-0.5, nA*ms/mV; 1 means none."
        )

    def peek(self) -> tuple[str, str, int]:
        return self.tokens[self.next]

    def take(self, *values: str) -> bool:
        if self.peek()[0] in ("op", "name") and self.peek()[1] in values:
            self.next += 1
            return True
        return False

    def read(self) -> Unit:
        if len(self.tokens) == 1:
            raise self.wrong(0, "is empty")
        unit = self.product()
        if self.peek()[0] != "end":
            raise self.wrong(self.peek()[2], "cannot be read")
        return unit

    def product(self) -> Unit:
        unit = self.power()
        while True:
            if self.take("*", "·"):
                unit = unit * self.power()
            elif self.take("/"):
                unit = unit / self.power()
            elif self.peek()[0] == "name":
                unit = unit * self.power()
            else:
                return unit

    def power(self) -> Unit:
        unit = self.atom()
        if self.peek()[0] == "digits":
            unit = unit ** int(self.peek()[1])
            self.next += 1
        if self.take("**", "^"):
            unit = unit ** self.exponent()
        return unit

    def exponent(self) -> Fraction:
        if self.take("("):
            value = self.exponent()
            if self.take("/"):
                below = self.exponent()
                if not below:
                    raise self.wrong(self.peek()[2], "divides by zero")
                value /= below
            if not self.take(")"):
                raise self.wrong(self.peek()[2], "lacks a ')'")
            return value
        sign = -1 if self.take("-") else 1
        self.take("+")
        kind, value, column = self.peek()
        if kind != "number":
            raise self.wrong(column, "needs a number as exponent")
        self.next += 1
        return sign * Fraction(value)

    def atom(self) -> Unit:
        kind, value, column = self.peek()
        self.next += 1
        if kind == "number":
            power = _power_of_ten(Fraction(value))
            if power is None:
                raise self.wrong(column, f"has the factor {value}, no power of ten,")
            return Unit(Fraction(power))
        if kind == "op" and value == "(" or kind == "name" and value == "sqrt" and self.take("("):
            unit = self.product()
            if not self.take(")"):
                raise self.wrong(self.peek()[2], "lacks a ')'")
            return unit ** Fraction(1, 2) if kind == "name" else unit
        if kind != "name":
            raise self.wrong(column, "cannot be read")
        name = value.replace("\u03bc", "u").replace("\u03a9", "ohm")
        if name.endswith("l") and name[:-1] + "L" in NAMES:
            name = name[:-1] + "L"
        if name not in NAMES:
            raise UnitError(
                f"There is no unit {value!r}{' in the unit' + self.where if self.where else ''}."
                f"{_nearest(name)}\n{caret(self.text, column, len(value))}"
            )
        return NAMES[name]


def _nearest(name: str) -> str:
    for candidate in NAMES:
        # mv, MV and msec differ from a common unit by case or length only
        if candidate.lower() == name.lower():
            return f" Did you mean {candidate!r}?"
    return nearest(name, NAMES)


def _power_of_ten(value: Fraction) -> int | None:
    if value <= 0:
        return None
    power = len(str(value.numerator)) - len(str(value.denominator))
    return power if Fraction(10) ** power == value else None


def constant(name: str) -> Unit | None:
    """Return the unit a bare name in an equation stands for (``mV``, ``cm2``), or None."""
    if name in NAMES:
        return NAMES[name]
    if name[-1:] in ("2", "3") and name[:-1] in ("nm", "um", "mm", "cm", "m"):
        return NAMES[name[:-1]] ** int(name[-1])
    return None


# -- writing ---------------------------------------------------------------------------------------

#: units shown as they stand, the most usual first
_HOUSE = (
    "1 mV ms 1/ms nA nF uS MOhm Hz uA/cm2 uF/cm2 mS/cm2 V s pA pF nS uA uF mS ohm GOhm kOhm mA A F S "
    "mM uM nM M mol umol cm um m mm cm2 um2 m2 cm3 um3 pC nC fC K degC us uV fA fF pS kHz MHz nm "
    "A/m2 F/m2 S/m2 nA/um2 kOhm*cm2 ohm*cm nW pW fJ pJ"
).split()
#: one name for each of the BASES
_FACTORS = ("mV", "nA", "ms", "cm", "umol", "K", "degC")


@lru_cache(maxsize=1)
def _house_names() -> dict[Unit, str]:
    names: dict[Unit, str] = {}
    for text in _HOUSE:
        names.setdefault(parse(text), text)
    for text in ("mV", "ms", "nA", "nF", "uS", "MOhm", "pA", "nS", "uA/cm2", "mM"):
        for power in ("-0.5", "0.5", "2", "-1", "-2", "3"):
            inner = text if "/" not in text else f"({text})"
            names.setdefault(
                parse(text) ** Fraction(power), f"1/{inner}" if power == "-1" else f"{inner}**{power}"
            )
    simple = ("mV", "ms", "nA", "nF", "uS", "pA", "nS", "mM", "uA/cm2", "mS/cm2", "uF/cm2", "um", "cm")
    for a in simple:
        for b in (*simple, "s"):
            below = f"({b})" if "/" in b else b
            names.setdefault(parse(a) / parse(b), f"{a}/{below}")
    for a in simple:
        for b in simple:
            names.setdefault(parse(a) * parse(b), f"{a}*{b}")
    return names


def show(unit: Unit) -> str:
    """Return readable text for a unit, in house units where possible; `parse` reads it back."""
    known = _house_names().get(unit)
    if known:
        return known
    above, below, scale = [], [], unit.scale
    for name, power in zip(_FACTORS, unit.powers, strict=True):
        if power:
            scale -= NAMES[name].scale * power
            size = abs(power)
            (above if power > 0 else below).append(name if size == 1 else f"{name}**{_fraction(size)}")
    if scale:
        above.insert(0, f"1e{scale}" if scale.denominator == 1 else f"10**{_fraction(scale)}")
    return "/".join(["*".join(above) or "1", *below])


def _fraction(value: Fraction) -> str:
    if value.denominator == 1:
        return str(value.numerator)
    return (
        str(float(value))
        if value.denominator in (2, 4, 5, 10)
        else f"({value.numerator}/{value.denominator})"
    )


# fmt: off
_KINDS = {
    "mV": "a voltage", "ms": "a time", "nA": "a current", "nF": "a capacitance", "uS": "a conductance",
    "MOhm": "a resistance", "1/ms": "a rate", "uA/cm2": "a current density",
    "uF/cm2": "a capacitance per area", "mS/cm2": "a conductance per area",
    "kOhm*cm2": "a resistance times area", "cm": "a length", "cm2": "an area", "mM": "a concentration",
    "pC": "a charge", "1": "a plain number", "K": "a temperature", "degC": "a temperature",
}
# fmt: on


def kind(unit: Unit) -> str | None:
    """Return what a unit measures, in words such as ``"a resistance"``, or None."""
    return next((words for text, words in _KINDS.items() if parse(text).compatible(unit)), None)


# -- values ----------------------------------------------------------------------------------------


def conversion(source: str | Unit, target: str | Unit, what: str = "value") -> float:
    """Return the factor that turns a number in `source` into a number in `target`.

    Raises:
        UnitError: if the two measure different things.
    """
    return float(_convert(1.0, parse(source), parse(target), what))


def _convert(value: Any, source: Unit, target: Unit, what: str) -> Any:
    if not source.compatible(target):
        raise UnitError(
            f"The {what} is in {_words(source)}, but {_words(target)} is needed. Give it in {show(target)}."
        )
    power = source.scale - target.scale
    if power.denominator != 1:
        return value * 10.0 ** float(power)
    # a division by an exact power of ten rounds once; a product with 1e-3 rounds twice
    return value * float(10 ** int(power)) if power >= 0 else value / float(10 ** int(-power))


def _words(unit: Unit) -> str:
    words = kind(unit)
    return (
        f"{show(unit)} ({words})" if words and show(unit) != "1" else "no unit" if unit == ONE else show(unit)
    )


def quantity(value: Any) -> tuple[Any, Unit] | None:
    """Return number (or array) and unit of a quantity, or None if `value` is not one.

    Quantities are text such as ``"10 ms"``, pairs ``(10, "ms")``, and objects of pint, astropy, quantities
    or Brian2.
    """
    if isinstance(value, str):
        found = _QUANTITY.match(value)
        if not found or not found[3] or (found[3][0] in "*/+-"):
            return None
        return float(found[1]), parse(found[3].strip(), f"the quantity {value!r}")
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], (str, Unit)):
        inner = value[0]
        return (list(inner) if isinstance(inner, tuple) else inner), parse(value[1], "the quantity")
    if _is_brian(value):
        return np.array(value, dtype=float), _brian_unit(value)
    units = getattr(value, "units", None) if hasattr(value, "magnitude") else getattr(value, "unit", None)
    if units is None or isinstance(value, type) or not (hasattr(value, "to") or hasattr(value, "rescale")):
        return None
    magnitude = value.magnitude if hasattr(value, "magnitude") else value.value
    return magnitude, parse(_foreign_text(units), "the quantity")


def to_number(value: Any, unit: str | Unit | None, what: str = "value") -> Any:
    """Return `value` as plain number or array in `unit`.

    Args:
        value: a number or array (taken to be in `unit`), text ``"10 ms"``, a pair ``(10, "ms")``, or a
            quantity.
        unit: the unit wanted; None leaves the number of a quantity as it is.
        what: what the value is, for messages.

    Raises:
        UnitError: if the quantity measures something else than `unit`, naming both units.
    """
    target = None if unit is None else parse(unit, what)
    try:
        found = quantity(value)
    except UnitError:
        # a package may know more units than we do (mmHg, degF); let it convert then
        if target is None or not hasattr(value, "to") or isinstance(value, (str, tuple)):
            raise
        return _converted_by_package(value, target, what)
    if found is None:
        if target is not None and callable(getattr(value, "to", None)) and not hasattr(value, "__array__"):
            return _asked(value, show(target), target, what)
        return value
    number, source = found
    if target is None or source == target:
        return number
    number = np.asarray(number, dtype=float) if not np.isscalar(number) else number
    return _convert(number, source, target, what)


def _converted_by_package(value: Any, target: Unit, what: str) -> Any:
    names = [f"{name}**({power})" for name, power in zip(BASES, target.powers, strict=True) if power]
    number = _asked(value, " * ".join(names) or "dimensionless", target, what)
    return _convert(np.asarray(number, dtype=float)[()], Unit(_ZERO, target.powers), target, what)


def _asked(value: Any, text: str, target: Unit, what: str) -> Any:
    try:
        number = value.to(text)
        return number.magnitude if hasattr(number, "magnitude") else number.value
    except Exception as error:
        # every package raises its own kind; its words are kept
        raise UnitError(
            f"The {what} is {value}, but {_words(target)} is needed ({error}). Give it in {show(target)}."
        ) from error


def _foreign_text(units: Any) -> str:
    for spec in ("~C", ""):
        try:
            text = format(units, spec)
        except (TypeError, ValueError, KeyError):
            continue
        return {"dimensionless": "1", "": "1"}.get(text, re.sub(r"^1(?:\.0)?\s+(?![/*])", "", text))
    return str(units)


def _is_brian(value: Any) -> bool:
    return (
        isinstance(value, np.ndarray)
        and hasattr(value, "dim")
        and hasattr(getattr(value, "dim", None), "_dims")
    )


def _brian_unit(value: Any) -> Unit:
    # SI exponents (m, kg, s, A, K, mol, cd); V = kg m2 s-3 A-1
    length, mass, time, current, kelvin, amount, light = (
        Fraction(x).limit_denominator(1000) for x in value.dim._dims
    )
    if light:
        raise UnitError(f"The quantity {value} has a unit that neurosim does not know (candela).")
    return Unit(_ZERO, (mass, current + mass, time + 3 * mass, length - 2 * mass, amount, kelvin, _ZERO))
