"""A step whose coefficients depend on the state is made in passes; how it is cut changes no number."""

import numpy as np
import pytest

import neurosim as ns
from neurosim.codegen import constants, native, store
from neurosim.codegen.passes import final, passes
from neurosim.codegen.plan import Drive, make_plan
from neurosim.codegen.source import write_source
from neurosim.codegen.text import VECTOR
from neurosim.model.expression import calls, symbols

EQUATIONS = """
    dv/dt = g*(e - v) - d*w*v + i : 1
    dw/dt = a*(1 - w) - b*w        : 1
    a = exp(-u**2/8)/4              : 1/ms
    b = exp(u/3)/3                  : 1/ms
    u = v - shift                   : 1
"""
VALUES = dict(g=0.1, e=-1.0, d=1.0, shift=0.25, t_ref=0.5)


def own(**options) -> ns.NeuronModel:
    parameters = dict(g="0.1 1/ms", e=-1.0, d="1 1/ms", shift=0.25, **({"t_ref": "0.5 ms"} if "refractory" in options else {}))
    return ns.NeuronModel.from_equations(EQUATIONS, parameters=parameters,
                                         inputs={"i": "1/ms"}, name="own", method="exponential_euler", **options)


def plan_of(model: ns.NeuronModel, single: bool = False):
    return make_plan(model, Drive(), varying=frozenset(), single=single)


def test_pass_of_hodgkin_huxley():
    plan = plan_of(ns.HodgkinHuxley())
    parts = passes(plan)
    assert [name for name, _, _ in parts.early] == ["power_1_", "beta_m"]
    assert {"v_z", "m_z", "h_z", "n_z", "alpha_m"} <= {name for name, _, _ in parts.middle}
    # the slope of v has a name already
    assert [name for name, _, _ in parts.late] == ["v_slope"] and "dv" in parts.kept and "v_slope" not in parts.kept


def test_sums_on_the_way_to_a_function_are_made_again():
    parts = passes(plan_of(ns.TraubMiles()))
    assert [name for name, _, _ in parts.early] == ["s", "power_1_", "alpha_h"]
    assert "s" in {name for name, _, _ in parts.middle} and "s" not in parts.kept


@pytest.mark.parametrize("single", [False, True], ids=["float64", "float32"])
@pytest.mark.parametrize("model", [ns.HodgkinHuxley(), ns.TraubMiles(), ns.LIF(), ns.MorrisLecar(), own()],
                         ids=lambda m: m.name)
def test_every_pass_has_what_it_needs(model, single):
    plan = plan_of(model, single)
    parts = passes(plan)
    names = {name for name, _, _ in plan.body}
    had: set[str] = set()
    for lines, nodes in ((parts.early, []), (parts.middle, []), (parts.late, final(plan))):
        here = {name for name, _, _ in lines}
        needed = set().union(*(symbols(value) for _, value, _ in lines), *map(symbols, nodes)) & names
        assert needed - here <= had & set(parts.kept)
        had |= here
    assert sorted(parts.kept.values()) == list(range(len(parts.kept)))
    if plan.small:
        # the first pass holds functions of the state and nothing that waits for one
        values = dict((name, value) for name, value, _ in parts.early)
        assert not any(calls(values[s]) & VECTOR for v in values.values() for s in symbols(v) & set(values))
    else:
        assert parts.late == plan.body and not parts.kept


def step(v, w, i, dt):
    """Exponential Euler in NumPy, with the derivatives written by hand."""
    u = v - VALUES["shift"]
    a, b = np.exp(-u**2 / 8) / 4, np.exp(u / 3) / 3
    rate_v, rate_w = -(VALUES["g"] + w), -(a + b)
    slope_v = VALUES["g"] * (VALUES["e"] - v) - w * v + i
    return (v + slope_v * np.expm1(rate_v * dt) / rate_v, w + (a * (1 - w) - b * w) * np.expm1(rate_w * dt) / rate_w)


@pytest.mark.parametrize("dt", [0.1, 4.0], ids=["small", "large"])
def test_step_is_that_of_numpy(dt):
    """For |dt df/dx| below and above one half, where another function takes over.

    Tolerance: both round each of some fifty operations a step, and the equations contract: 1e-13 of numbers of size one.
    """
    n, steps = 130, 40
    i = np.linspace(-0.5, 0.5, n)
    cells = ns.Population(n, own(), name="cells")
    net = ns.Network([cells], stimuli=[ns.DC(i, target=cells)],
                     probes=[ns.Probe(cells, "v", name="v"), ns.Probe(cells, "w", name="w")])
    found = ns.simulate(net, steps * dt, dt, seed=1, progress=False).traces
    v, w = np.zeros(n), np.zeros(n)
    for k in range(steps):
        np.testing.assert_allclose(found["v"].values[k], v, rtol=0, atol=1e-13)
        np.testing.assert_allclose(found["w"].values[k], w, rtol=0, atol=1e-13)
        v, w = step(v, w, i, dt)


def test_spikes_arrive_before_the_first_pass():
    """A spike moves v before anything is computed from it, but not while v is held.  Tolerance as above."""
    dt, weight, sent = 0.1, 3.0, (10, 12, 20)
    source = ns.Population(1, ns.NeuronModel.from_equations("dv/dt = 0", threshold="v > 0.5", reset="v = 0", name="relay"),
                           name="source")
    cells = ns.Population(3, own(threshold="v > 2", reset="v = 0", refractory="t_ref"), name="cells")
    net = ns.Network([source, cells], [ns.Projection(source, cells, ns.AllToAll(), ns.Delta(weight), delay=dt)],
                     [ns.SpikeInput(times=np.array(sent) * dt, neurons=np.zeros(3, int), weight=1.0, target=source)],
                     [ns.Probe(cells, "v", name="v"), ns.Probe(cells, "w", name="w")])
    result = ns.simulate(net, 30 * dt, dt, progress=False)
    v, w, free = 0.0, 0.0, 0
    times = []
    for k in range(30):
        assert result.traces["v"].values[k, 1] == pytest.approx(v, abs=1e-13)
        assert result.traces["w"].values[k, 1] == pytest.approx(w, abs=1e-13)
        active = k >= free
        if k - 2 in sent and active:
            v += weight
        ahead, w = step(v, w, 0.0, dt)
        v = ahead if active else v
        if active and v > 2:
            times.append(k)
            v, free = 0.0, k + 1 + round(VALUES["t_ref"] / dt)
    assert len(times) == 2  # the second spike finds the neuron refractory
    # a spike of step k has the time (k + 1) dt
    assert np.rint(result.spikes["cells"][1] / dt).astype(int).tolist() == [k + 1 for k in times]


# -- constants ----------------------------------------------------------------------------------------------------

def test_constants_of_long_blocks_are_loaded():
    uses = "\n".join(f"  %x{k} = fmul <4 x double> %a, splat (double {k}.5e+00)" for k in range(9))
    again = uses.splitlines()[0]
    text = f"define void @f(<4 x double> %a) {{\nentry:\n{uses}\n  br label %next\n\nnext:\n{again}\n  ret void\n}}"
    made = constants.in_memory(text)
    assert made.count("internal global <4 x double>") == 9 == made.count("load <4 x double>")
    # the block with one constant keeps it
    assert made[made.index("next:"):].count("splat") == 1


def test_few_constants_stay_where_they_are():
    text = "define void @f(<8 x float> %a) {\nentry:\n  %x = fadd <8 x float> %a, splat (float 1.0)\n  ret void\n}"
    assert constants.in_memory(text) == text


@pytest.mark.skipif(store.interpreted(), reason="plain Python is not compiled")
@pytest.mark.parametrize("single", [False, True], ids=["float64", "float32"])
def test_where_constants_lie_changes_no_bit(monkeypatch, tmp_path, single):
    def run():
        store._loaded.clear()
        cells = ns.Population(200, ns.HodgkinHuxley(), name="cells")
        net = ns.Network([cells], stimuli=[ns.DC(np.linspace(0, 30, 200), target=cells)],
                         probes=[ns.Probe(cells, "v", name="v"), ns.Probe(cells, "m", name="m")])
        result = ns.simulate(net, 30.0, 0.02, dtype="float32" if single else "float64", progress=False)
        return result.traces["v"].values, result.traces["m"].values, result.spikes["cells"].times

    first = run()
    monkeypatch.setattr(native, "in_memory", lambda text: text)
    monkeypatch.setattr(ns.config.settings, "cache_dir", tmp_path)
    second = run()
    store._loaded.clear()
    assert all(np.array_equal(a, b) for a, b in zip(first, second)) and len(first[2]) > 100


def test_source_is_the_same_each_time():
    assert write_source(plan_of(own()), "1") == write_source(plan_of(own()), "1")
