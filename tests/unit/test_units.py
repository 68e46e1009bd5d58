"""Units: reading, writing, conversion, quantities of other packages, and checked values."""

from fractions import Fraction

import numpy as np
import pytest

from neurosim import units
from neurosim.errors import ParameterError, UnitError
from neurosim.model.values import check_sign, checked_value
from neurosim.units import ONE, Unit, conversion, kind, parse, quantity, show, to_number


def si(scale, **powers):
    return Unit(Fraction(scale), tuple(Fraction(powers.get(name, 0)) for name in units.BASES))


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("mV", si(-3, V=1)),
        ("uA/cm2", si(-2, A=1, m=-2)),
        ("uA/cm**2", si(-2, A=1, m=-2)),
        ("mS/cm^2", si(1, A=1, V=-1, m=-2)),
        ("uF/cm2", si(-2, A=1, s=1, V=-1, m=-2)),
        ("1/ms", si(3, s=-1)),
        ("ms**-1", si(3, s=-1)),
        ("kHz", si(3, s=-1)),
        ("Hz", si(0, s=-1)),
        ("1", ONE),
        ("MOhm", si(6, V=1, A=-1)),
        ("MΩ", si(6, V=1, A=-1)),
        ("ohm", si(0, V=1, A=-1)),
        ("µS", si(-6, A=1, V=-1)),
        ("nA*ms/mV", si(-9, A=1, s=1, V=-1)),
        ("nA ms/mV", si(-9, A=1, s=1, V=-1)),
        ("ms**-0.5", si(Fraction(3, 2), s=Fraction(-1, 2))),
        ("ms**(-1/2)", si(Fraction(3, 2), s=Fraction(-1, 2))),
        ("1/sqrt(ms)", si(Fraction(3, 2), s=Fraction(-1, 2))),
        ("1/(ms*mV)", si(6, s=-1, V=-1)),
        ("mmol/L", si(0, mol=1, m=-3)),
        ("mmol/l", si(0, mol=1, m=-3)),
        ("mM", si(0, mol=1, m=-3)),
        ("uM", si(-3, mol=1, m=-3)),
        ("cm²", si(-4, m=2)),
        ("1e-3*V", si(-3, V=1)),
        ("0.001 V", si(-3, V=1)),
        ("pC", si(-12, A=1, s=1)),
        ("°C", si(0, degC=1)),
    ],
)
def test_parse(text, unit):
    assert parse(text) == unit
    assert parse(show(unit)) == unit


def test_every_name_is_read_back_and_a_unit_passes_through():
    for name, unit in units.NAMES.items():
        assert parse(name) == unit == parse(show(unit)) == parse(unit)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mv", "no unit 'mv' in the unit of g. Did you mean 'mV'?"),
        ("msec", "Did you mean 'm?s'?"),
        ("", "is empty"),
        ("mV)", "cannot be read"),
        ("(mV", r"lacks a '\)'"),
        ("ms**", "needs a number as exponent"),
        ("ms**x", "needs a number as exponent"),
        ("3 mV", "no power of ten"),
        ("mV+mV", "cannot be read"),
        ("mV/", "cannot be read"),
        ("mV**(1/0)", "divides by zero"),
        ("m V %", "cannot be read"),
    ],
)
def test_unreadable_units_show_the_place(text, message):
    with pytest.raises(UnitError, match=message) as info:
        parse(text, "g")
    assert "^" in str(info.value)


def test_unit_must_be_text():
    with pytest.raises(UnitError, match="unit of g must be text such as 'mV', not 3"):
        parse(3, "g")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("nA*ms/mV", "nF"),
        ("A/V*1e-6", "uS"),
        ("1e-3*s", "ms"),
        ("V/A*1e6", "MOhm"),
        ("mS/cm2*mV", "uA/cm2"),
        ("ms*kHz", "1"),
        ("mV*nA/ms", "mV*nA/ms"),
        ("mV/ms", "mV/ms"),
        ("ms**-0.5", "ms**-0.5"),
        ("1/mV**3", "1/mV**3"),
    ],
)
def test_show_prefers_house_units(text, shown):
    assert show(parse(text)) == shown


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("V", "a voltage"),
        ("GOhm", "a resistance"),
        ("pA", "a current"),
        ("S/m2", "a conductance per area"),
        ("Hz", "a rate"),
        ("V**3", None),
    ],
)
def test_kind(text, words):
    assert kind(parse(text)) == words


@pytest.mark.parametrize(
    ("source", "target", "factor"),
    [
        ("pA", "nA", 1e-3),
        ("V", "mV", 1000.0),
        ("Hz", "1/ms", 1e-3),
        ("uA/cm2", "A/m2", 0.01),
        ("nA*ms/mV", "pF", 1000.0),
        ("mM", "mol/m**3", 1.0),
        ("ms**0.5", "s**0.5", 1000**-0.5),
    ],
)
def test_conversion(source, target, factor):
    # one rounding of an exact power of ten, two for a root
    assert conversion(source, target) == pytest.approx(factor, rel=4e-16)


def test_conversion_between_different_kinds_names_both():
    with pytest.raises(
        UnitError, match=r"threshold is in nA \(a current\), but mV \(a voltage\) is needed. Give it in mV"
    ):
        conversion("nA", "mV", "threshold")
    with pytest.raises(UnitError, match="in degC .* but K"):
        conversion("degC", "K")


@pytest.mark.parametrize(
    ("value", "unit", "number"),
    [
        (3.5, "mV", 3.5),
        ("10 ms", "ms", 10.0),
        ("-70 mV", "V", -0.07),
        ("-0.07 V", "mV", -70.0),
        ("-70*mV", "mV", -70.0),
        ("1e-2s", "ms", 10.0),
        (" 5 uA/cm**2 ", "A/m2", 0.05),
        ((3, "nS"), "uS", 0.003),
        ((3, "nS"), None, 3),
        ("200 pF", None, 200.0),
        ("5 1/ms", "Hz", 5000.0),
    ],
)
def test_to_number(value, unit, number):
    assert to_number(value, unit) == number


def test_to_number_of_arrays():
    assert np.array_equal(to_number(([1, 2], "V"), "mV"), [1000.0, 2000.0])
    assert np.array_equal(to_number(((1, 2), "V"), "mV"), [1000.0, 2000.0])
    array = np.arange(3.0)
    assert to_number(array, "mV") is array


def test_to_number_leaves_what_is_no_quantity():
    for value in ("v_rest", "10", "10*x*", (1.0, 2.0), None, True):
        if value == "10*x*":
            with pytest.raises(UnitError):
                to_number(value, "mV")
        else:
            assert to_number(value, "mV") is value


def test_wrong_kind_of_quantity():
    with pytest.raises(UnitError, match=r"parameter 'v' is in nA .*mV .*Give it in mV"):
        to_number("3 nA", "mV", "parameter 'v'")
    with pytest.raises(UnitError, match="Did you mean 'ms'"):
        to_number("3 Ms", "ms")


class Foreign:
    """The least that a quantity of another package may be: `to` gives something with a magnitude."""

    def __init__(self, volts):
        self.volts = volts

    def to(self, unit):
        if unit != "mV":
            raise ValueError("cannot convert volts")
        result = type("Converted", (), {})()
        result.magnitude = self.volts * 1000
        return result


def test_anything_with_to_and_magnitude():
    assert to_number(Foreign(0.5), "mV") == 500
    with pytest.raises(UnitError, match="cannot convert volts"):
        to_number(Foreign(0.5), "nA")


class _BrianDimension:
    _dims = (2, 1, -3, -1, 0, 0, 0)  # volt in m, kg, s, A, K, mol, cd


class BrianLike(np.ndarray):
    """An array in SI units with a dimension, as Brian2 has it (brian2.units.fundamentalunits)."""

    dim = _BrianDimension()


def test_quantities_in_the_manner_of_brian():
    volts = np.array([-0.07, 0.02]).view(BrianLike)
    assert np.array_equal(to_number(volts, "mV"), [-70.0, 20.0])
    assert quantity(volts)[1] == parse("V")
    with pytest.raises(UnitError):
        to_number(volts, "nA")


@pytest.mark.peers
def test_pint():
    ureg = pytest.importorskip("pint").UnitRegistry()
    assert to_number(ureg.Quantity(10, "pF"), "nF") == 0.01
    assert to_number(ureg.Quantity(5, "uA/cm**2"), "A/m2") == 0.05
    assert to_number(ureg.Quantity(2, "Hz"), "1/ms") == 0.002
    assert np.array_equal(to_number(ureg.Quantity([1.0, 2.0], "Mohm"), "MOhm"), [1.0, 2.0])
    # pint knows minutes, we do not
    assert to_number(ureg.Quantity(2, "minute"), "s") == 120
    assert checked_value(ureg.Quantity(20, "mmol/L"), "k", "mM") == 20.0
    with pytest.raises(UnitError, match="ms .*mV"):
        to_number(ureg.Quantity(3, "ms"), "mV", "parameter 'v'")


@pytest.mark.peers
def test_astropy():
    au = pytest.importorskip("astropy.units")
    assert to_number(3 * au.s, "ms") == 3000
    assert to_number(1 / au.ms, "Hz") == 1000
    assert np.array_equal(checked_value([1, 2] * au.uA / au.cm**2, "i", "uA/cm2"), [1.0, 2.0])
    assert to_number(2 * au.min, "s") == pytest.approx(120, rel=1e-15)


@pytest.mark.peers
def test_quantities_package():
    pq = pytest.importorskip("quantities")
    assert to_number(3 * pq.s, "ms") == 3000
    with pytest.raises(UnitError):
        checked_value([1, 2] * pq.nA, "v", "mV")


# -- checked values


def test_checked_value_gives_float_or_read_only_copy():
    assert type(checked_value(np.int32(3), "g")) is float
    assert type(checked_value(np.array(3), "g")) is float
    given = np.array([1, 2])
    array = checked_value(given, "g")
    assert array.dtype == np.float64 and not array.flags.writeable
    given[0] = 9
    assert array[0] == 1.0
    assert np.array_equal(checked_value([1, 2.5], "g"), [1, 2.5])
    assert np.array_equal(checked_value((1, 2.5), "g"), [1, 2.5])
    assert checked_value("3", "g") == 3.0
    assert checked_value(10**30, "g") == 1e30


def test_distributions_pass():
    class Uniform:
        is_distribution = True

    class Normal:
        def sample(self, rng):
            return rng.normal()

    for thing in (Uniform(), Normal()):
        assert checked_value(thing, "tau") is thing


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (float("nan"), "parameter 'g' of lif is nan, which is not finite"),
        (float("inf"), "is inf"),
        ([1.0, np.nan, np.nan], r"is nan for neuron 1 \(and 1 more\)"),
        (True, "is True"),
        (np.bool_(False), "not a number"),
        ([True, False], "boolean"),
        (1j, "complex"),
        (np.array([1j]), "complex"),
        ("fast", "is the text 'fast', which is no number with a unit"),
        (np.zeros((2, 2)), r"has shape \(2, 2\)"),
        ([[1], [2, 3]], "not a regular array"),
        ([], "is empty"),
        (None, "is None"),
        ({"a": 1}, "dict"),
        (len, "not a number"),
        ([1, "a"], "text"),
        ([1, None], "is nan for neuron 1"),
        (10**400, "fits float64"),
        (np.array(["2020-01-01"], dtype="M8[D]"), "a date"),
        (np.ma.masked_array([1.0, 2.0], [False, True]), "masked at index 1"),
    ],
)
def test_values_refused(value, message):
    with pytest.raises(ParameterError, match=message):
        checked_value(value, "g", "nS", "parameter of lif")


@pytest.mark.parametrize(
    ("name", "unit", "value", "message"),
    [
        ("tau", None, 0, "is 0, but a time constant must be positive"),
        ("tau_m", "ms", [1.0, -2.0], "is -2 for neuron 1, but a time constant"),
        ("t_ref", "ms", -1, "is -1, but a refractory period cannot be negative"),
        ("c_m", None, 0.0, "a capacitance must be positive"),
        ("c", "nF", -1.0, "a capacitance must be positive"),
        ("c", "uF/cm2", -1.0, "a capacitance must be positive"),
    ],
)
def test_signs(name, unit, value, message):
    with pytest.raises(ParameterError, match=message):
        checked_value(value, name, unit, "parameter")
    checked_value(value, name, unit, "initial value")


def test_signs_that_are_fine():
    check_sign(0.0, "t_ref", "ms", "t_ref")
    check_sign(-65.0, "c", "mV", "c")  # Izhikevich's reset
    check_sign(-65.0, "c", None, "c")
