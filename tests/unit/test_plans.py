"""A structure is analysed once; whatever changes the code makes another plan."""

import ast
from dataclasses import replace

import numpy as np
import pytest

import neurosim as ns
from neurosim.codegen.plan import RESERVED, Drive, Signal, make_plan
from neurosim.codegen.source import write_source
from neurosim.model.expression import Num, Op, Sym

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


def _bound(source: str) -> set[str]:
    """Every name that `advance` binds or refers to, and what its module imports."""
    found = set()
    module = ast.parse(source).body
    for node in (n for part in module if getattr(part, "name", "advance") == "advance" for n in ast.walk(part)):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.alias):
            found.add(node.asname or node.name)
    return found


def _rich_source(single: bool, method: str) -> tuple[str, set[str]]:
    """A source that has every kind of line, and the names in it that belong to the user."""
    of = ns.NeuronModel.from_equations(
        """
        dv/dt = (g*(1 - v) - w*v + i + exprel(v))/tau
        dw/dt = (exp(-v) + logistic(v))/tau*(1 - w)
        depth = v - w
        """, **{**TEXT, "reset": "v = rand(); w += randn()", "parameters": dict(tau=10.0, v_th=1.0, t_ref=2.0, g=1.0)})
    signals = (Signal("table_", "table"), Signal("same_", "shared_table", slot=1), Signal("all_", "shared_normal", slot=2),
               Signal("count_", "poisson", Sym("rate_")), Signal("come_", "ring", slot=1))
    total = Sym("dc_")
    for s in signals:
        total = Op("+", (total, Sym(s.name)))
    drive = Drive(inputs={"i": total}, kicks={"v": Sym("come_")}, published=("depth",), signals=signals,
                  uniform=("dc_", "rate_"))
    made = plan(replace(of, edge=True), drive, single=single, method=method, observed=("depth", "i"), events=True)
    return write_source(made, "1"), {"v", "w", "i", "depth", "tau", "v_th", "t_ref", "g"} | {n for n, _, _ in made.body}


@pytest.mark.parametrize("single", [False, True], ids=["float64", "float32"])
@pytest.mark.parametrize("method", ["exponential_euler", "rk4"])
def test_no_name_of_a_user_means_something_else(single, method):
    """A parameter called like a variable of the generated loop would silently be another number."""
    source, own = _rich_source(single, method)
    free = {n for n in _bound(source) if not n.endswith("_") and n not in own}
    assert {"e", "k", "lane", "ev", "book", "sample"} <= free and len(free) > 60
    assert free - RESERVED == set()


def test_every_name_may_be_a_parameter():
    """e and k were counters of the loop that records; names that end in _u belong to whoever used them first."""
    def run(names):
        a, b, c = names
        cells = ns.NeuronModel.from_equations(f"dv/dt = ({a} - v)/tau + {b}*v*v/tau + {c}/tau", method="exponential_euler",
                                              parameters={a: -1.0, b: 0.25, c: 0.5, "tau": 10.0}, name="cell")
        p = ns.Population(2, cells, name="p")
        net = ns.Network([p], probes=[ns.Probe(p, "v", name="v"), ns.Probe(p, "v", name="again", every=0.2)])
        return ns.simulate(net, 2.0, 0.1, progress=False).traces["v"].values

    known = run(("alpha", "beta", "gamma"))
    for names in (("e", "k", "e_u"), ("e_u", "e", "e_u_u"), ("row", "at", "listed"), ("first", "count", "W"),
                  ("hits", "R", "tile")):
        np.testing.assert_array_equal(run(names), known)
