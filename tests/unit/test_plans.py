"""A structure is analysed once; whatever changes the code makes another plan."""

from dataclasses import replace

import pytest

import neurosim as ns
from neurosim.codegen.plan import Drive, make_plan
from neurosim.codegen.source import write_source
from neurosim.model.expression import Num, Sym

TEXT = dict(threshold="v > v_th", reset="v = 0", refractory="t_ref", parameters=dict(tau=10.0, v_th=1.0, t_ref=2.0),
            inputs=["i"], name="cell")


def model(equations: str = "dv/dt = (i - v)/tau", **changes) -> ns.NeuronModel:
    return ns.NeuronModel.from_equations(equations, **{**TEXT, **changes})


def free(of):
    """Return the model with states that move, or stand still, during refractoriness where they did not."""
    return replace(of, states=tuple(replace(s, held=not s.held) for s in of.states))


def plan(of=None, drive=None, **options):
    return make_plan(of or model(), drive or Drive(inputs={"i": Sym("dc_")}, uniform=("dc_",)),
                     **{"varying": frozenset(), **options})


def test_values_do_not_matter():
    first = plan()
    again = plan(model(parameters=dict(tau=3.0, v_th=2.0, t_ref=0.0), initial=dict(v=0.5), doc="another"))
    assert again is first and write_source(again, "1") is write_source(first, "1")


@pytest.mark.parametrize("change", [
    dict(of=model("dv/dt = (i - v)/(2*tau)")), dict(of=model(threshold="v > 2*v_th")), dict(of=model(reset="v = 0.1")),
    dict(of=replace(model(), refractory=None)), dict(of=free(model())),
    dict(of=model(name="other")), dict(of=replace(model(), edge=True)), dict(of=replace(model(), maps={"v": Sym("i")})),
    dict(of=replace(model(), floor={"v": Num(0.0)})), dict(of=replace(model(), method="rk4")), dict(method="euler"),
    dict(varying=frozenset({"tau"})), dict(single=True), dict(observed=("i",)), dict(events=True),
    dict(drive=Drive()), dict(drive=Drive(inputs={"i": Sym("dc_")}, varying=("dc_",))),
    dict(drive=Drive(inputs={"i": Sym("dc_")}, uniform=("dc_",), kicks={"v": Sym("dc_")}))],
    ids=lambda change: next(iter(change)))
def test_structure_matters(change):
    first, other = plan(), plan(**change)
    assert other is not first
    same = plan(**change)
    assert same is other
