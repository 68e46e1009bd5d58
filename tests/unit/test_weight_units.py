"""Weights with units: converted to what the target takes, whatever the synapse; the wrong kind is refused with both units."""

import numpy as np
import pytest

import neurosim as ns
from neurosim import units

SOURCE = ns.Population(2, ns.LIF(), name="S")
#: current in nA; current density; no units at all; two inputs
TARGETS = {
    "nA": ns.LIF(),
    "uA/cm2": ns.HodgkinHuxley(),
    "none": ns.NeuronModel.from_equations("dv/dt = -v + i", inputs=["i"], name="bare"),
    "two": ns.NeuronModel.from_equations("dv/dt = (-v + r*i_e)/tau + s*i_i : mV\ndg/dt = -g/tau : nS",
                                         inputs={"i_e": "nA", "i_i": "pA"}, parameters={"r": 1.0, "tau": 10.0, "s": 1.0},
                                         units={"r": "MOhm", "tau": "ms", "s": "mV/ms/pA"}, name="two"),
}


def weight(synapse, target="nA"):
    cells = ns.Population(3, TARGETS[target], name="T")
    return ns.Projection(SOURCE, cells, ns.AllToAll(), synapse, name="p").synapse.weight


CURRENT = [ns.Exponential, ns.Alpha, ns.Filter, ns.DoubleExponential]


@pytest.mark.parametrize("make, given, target, number", [
    *((cls, "100 pA", "nA", 0.1) for cls in CURRENT),
    *((lambda w, cls=cls: cls(w, e_rev=0.0), "2 nS", "nA", 0.002) for cls in CURRENT),
    (ns.NMDA, "2 nS", "nA", 0.002),
    (ns.Exponential, "-0.5 nA", "nA", -0.5),
    (ns.Exponential, "2 nA/cm2", "uA/cm2", 0.002),
    (lambda w: ns.Exponential(w, e_rev=0.0), "0.3 mS/cm2", "uA/cm2", 0.3),
    (lambda w: ns.Exponential(w, e_rev=0.0), "3 S/m2", "uA/cm2", 0.3),
    (lambda w: ns.Exponential(w, scale="area"), "3 pC", "nA", 3.0),
    (lambda w: ns.Exponential(w, e_rev=0.0, scale="area"), "3 nS*ms", "nA", 0.003),
    (ns.Delta, "100 uV", "nA", 0.1),
    (ns.Delta, "-0.001 V", "nA", -1.0),
    (lambda w: ns.Delta(w, variable="g"), "3 uS", "two", 3000.0),
    (lambda w: ns.Exponential(w, input="i_e"), "3 pA", "two", 0.003),
    (lambda w: ns.Exponential(w, input="i_i"), "3 nA", "two", 3000.0),
    (lambda w: ns.Exponential(w, input="i_i", e_rev=0.0), "3 nS", "two", 3.0),
    (lambda w: ns.EquationSynapse(w, "dg/dt = -g/tau : nS", "g += w", "g*(e - v)/1000", {"tau": 5.0, "e": 0.0}), "3 uS", "none",
     3000.0),
])
def test_a_weight_is_converted(make, given, target, number):
    # one multiplication or division by a power of ten
    assert weight(make(given), target) == pytest.approx(number, rel=4e-16)


def test_pairs_arrays_and_quantities_of_packages():
    for given in ((np.array([100, 200, 300, 400, 500, 600]), "pA"), ([100.0, 200.0, 300.0, 400.0, 500.0, 600.0], "pA")):
        np.testing.assert_allclose(weight(ns.Exponential(given)), 0.1 * np.arange(1, 7), rtol=4e-16)
    assert weight(ns.Exponential((100, "pA"))) == pytest.approx(0.1, rel=4e-16)

    class Foreign:
        """A quantity as pint and others have it."""

        magnitude, units = 2.0, "nS"

        def to(self, unit):
            raise AssertionError("our own conversion is exact")

    assert weight(ns.NMDA(Foreign())) == pytest.approx(0.002, rel=4e-16)


def test_numbers_and_distributions_are_in_the_unit_of_the_target():
    drawn = ns.Uniform(0, 1)
    assert weight(ns.Exponential(0.25)) == 0.25 and weight(ns.Exponential(drawn)) is drawn
    assert weight(ns.Exponential(0.25), "none") == 0.25 and weight(ns.Delta("0.25"), "none") == 0.25


@pytest.mark.parametrize("synapse, target, have, need", [
    (ns.Exponential("100 pA", e_rev=0.0), "nA", "pA (a current)", "uS (a conductance)"),
    (ns.Exponential("2 nS"), "nA", "nS (a conductance)", "nA (a current)"),
    (ns.Exponential("2 nA"), "uA/cm2", "nA (a current)", "uA/cm2 (a current density)"),
    (ns.NMDA("2 mV"), "nA", "mV (a voltage)", "uS (a conductance)"),
    (ns.Delta("2 nA"), "nA", "nA (a current)", "mV (a voltage)"),
    (ns.Delta("2 mV", variable="g"), "two", "mV (a voltage)", "nS (a conductance)"),
    (ns.Exponential("3 nA", scale="area"), "nA", "nA (a current)", "pC (a charge)"),
    (ns.Exponential(([1.0, 2.0], "mV")), "nA", "mV (a voltage)", "nA (a current)"),
])
def test_a_weight_of_the_wrong_kind_is_refused(synapse, target, have, need):
    with pytest.raises(ns.UnitError) as caught:
        weight(synapse, target)
    assert f"The value 'weight' of p is in {have}, but {need} is needed. Give it in" in str(caught.value)


@pytest.mark.parametrize("synapse", [ns.Exponential("2 nA"), ns.Exponential("2 nS", e_rev=0.0), ns.Pulse("2 pC"),
                                     ns.Delta("2 mV")])
def test_a_quantity_needs_a_target_with_units(synapse):
    with pytest.raises(ns.UnitError, match="The value 'weight' of p is given in .*no unit is declared for it.*plain number"):
        weight(synapse, "none")


def test_unknown_units():
    with pytest.raises(ns.UnitError, match="There is no unit 'pa'.* Did you mean 'pA'|There is no unit 'pa'"):
        ns.Exponential("100 pa")


@pytest.mark.parametrize("cls", [*CURRENT, ns.NMDA, ns.Delta])
def test_the_unit_of_a_weight_times_its_response_is_that_of_the_input(cls):
    """unit(weight) = unit(input), divided by mV with a reversal potential, times ms for areas."""
    model = TARGETS["nA"]
    if cls is ns.Delta:
        assert cls(0.1).weight_unit(model, "p") == "mV"
        return
    for e_rev in (None, 0.0) if cls is not ns.NMDA else (0.0,):
        for scale in ("peak", "area"):
            wanted = ("nA" if e_rev is None else "uS") + ("*ms" if scale == "area" else "")
            assert units.parse(cls(0.1, e_rev=e_rev, scale=scale).weight_unit(model, "p")) == units.parse(wanted)


def test_continuous_weights_take_the_unit_of_input_by_variable() -> None:
    """2 nS are 0.002 uS = nA/mV, for sums as for gap junctions; another kind of quantity is refused."""
    cells = ns.Population(2, ns.LIF(), name="cells")
    assert ns.GapJunctions(cells, cells, ns.OneToOne(), "2 nS").weight == pytest.approx(0.002, rel=1e-12)
    assert ns.GradedProjection(cells, cells, np.eye(2), "2 nS", "v").weight == pytest.approx(0.002, rel=1e-12)
    with pytest.raises(ns.UnitError):
        ns.GradedProjection(cells, cells, np.eye(2), "2 pA", "v")


def test_all_targets_of_a_list_must_take_the_quantity() -> None:
    lif, hh = ns.Population(1, ns.LIF(), name="lif"), ns.Population(1, ns.HodgkinHuxley(), name="hh")
    for targets in ([lif, hh], [hh, lif]):
        with pytest.raises(ns.UnitError):
            ns.Projection(lif, targets, ns.AllToAll(), ns.Exponential("100 pA", tau_syn=5))
