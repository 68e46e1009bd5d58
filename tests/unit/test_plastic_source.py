"""The compiled `deliver` of plastic projections against a naive simulator of single synapses."""

from __future__ import annotations

import ast

import numpy as np
import pytest
from plastic_block import Block, Synapses, random_synapses, twin

from neurosim.codegen.plastic import write_plastic_source
from neurosim.codegen.plastic_arrays import observed
from neurosim.codegen.plastic_plan import RESERVED, make_plastic_plan, needs_target
from neurosim.model.ir import NeuronModel
from neurosim.model.plasticity import PlasticityModel
from neurosim.simulator.plasticity import BCM, STDP, InhibitorySTDP, Oja, RewardSTDP, ShortTerm, TripletSTDP

make = PlasticityModel.from_equations
DT = 0.1
NEURON = NeuronModel.from_equations(
    """
    dv/dt = -v/tau_m
    dg/dt = -g/tau_m
    ddopamine/dt = -dopamine/tau_m
    depth = v_top - v
    """, parameters={"tau_m": 10.0, "v_top": 3.0}, threshold="v > v_top", reset="v = 0", name="cell")
PAIR = (NEURON, NEURON)

EVENT = make(
    """
    da/dt = -a/tau_a (event-driven)
    db/dt = (b_0 - b)/tau_b
    dage/dt = 1
    n : 1
    total = a + 2*b*w : 1
    """,
    on_pre="send(total); a += b; w = clip(w - 0.01*a, 0, 1); n += 1; age = 0",
    on_post="b += 0.1*a; a *= 0.9; n += age/100; g_post += 0.01*total; g_post -= 0.001",
    parameters={"tau_a": 5.0, "tau_b": 11.0, "b_0": 0.4}, initial={"b": "b_0*w", "n": 2.0}, name="event")
COUPLED = make(
    """
    drise/dt = (s - rise)/tau_rise
    ds/dt = -s/tau_s
    dq/dt = (u*v_post - q)/tau_s
    du/dt = -u**2/tau_s
    """,
    on_pre="s += 1; w += 0.01*q*rise", on_post="u += 0.3",
    parameters={"tau_rise": 3.0, "tau_s": 8.0}, initial={"u": 0.2}, name="coupled")
READING = make(
    "dr/dt = (v_pre - r)/tau_r\ndm/dt = (depth_post - m)/tau_r\ndw/dt = 0.001*(r*m - w*v_post**2)",
    on_pre="w += 0.01*v_top_post", on_step="send(w*v_pre)", parameters={"tau_r": 6.0}, name="reading")
DRAWN = make(
    "dx/dt = (1 - x)/tau_rec\ndc/dt = -c/tau_c\nde/dt = (c - e*v_post)/tau_c",
    on_pre="send(w*x*part); x -= part*x", on_post="c += x", parameters={"tau_rec": 20.0, "part": 0.4, "tau_c": 9.0},
    initial={"x": 1.0}, name="drawn")
LAST = make("dx/dt = -x/5\ndy/dt = -y/5\nz = x*y", transmit="w*(1 + z)",
            on_pre="w += 0.01*x; x += 1; w += 0.02*x; x *= 0.5; w -= x",
            on_post="w += y; y = 2; w -= 0.1*y*x", name="versions")

CASES = {
    "stdp": (STDP(), "homogeneous", ()),
    "stdp nearest power": (STDP("nearest", "power", mu=0.3, a_plus=0.2, a_minus=0.2), "homogeneous", ()),
    "stdp multiplicative, own delays": (STDP("all", "multiplicative", a_plus=0.2, a_minus=0.2), "axonal", ()),
    "triplet": (TripletSTDP("hippocampus"), "homogeneous", ()),
    "triplet, own delays": (TripletSTDP("visual", "nearest"), "axonal", ()),
    "inhibitory": (InhibitorySTDP(eta=0.05, w_max=2.0), "homogeneous", ()),
    "short term": (ShortTerm(tau_rec=20, tau_facil=30), "homogeneous", ()),
    "short term, delays behind": (ShortTerm(tau_rec=20, tau_facil=30), "dendritic", ()),
    "short term, delays before": (ShortTerm(False, tau_rec=20), "axonal", ()),
    "reward": (RewardSTDP(tau_c=30, tau_w=10), "homogeneous", ()),
    "oja": (Oja(), "homogeneous", ()),
    "bcm": (BCM(eta=1e-5, tau_theta=50), "homogeneous", ()),
    "event-driven": (EVENT, "homogeneous", ()),
    "event-driven, own delays": (EVENT, "axonal", ()),
    "reading": (READING, "homogeneous", ()),
    "reading, own delays": (READING, "axonal", ()),
    "one value for each": (DRAWN, "homogeneous", (("part", 0.4), ("tau_rec", 20.0), ("tau_c", 9.0))),
    "versions": (LAST, "homogeneous", ()),
    "versions, own delays": (LAST, "axonal", ()),
}


def spikes_of(seed, n_pre, n_post, rate=0.03):
    """A function that gives the neurons that spike in a step."""
    table = {}

    def spikes(side, step):
        if (side, step) not in table:
            size = n_pre if side == "pre" else n_post
            rng = np.random.default_rng([seed, side == "post", step])
            table[side, step] = np.flatnonzero(rng.random(size) < rate)
        return table[side, step]

    return spikes


def states(side, name, step):
    """States of the neurons: smooth functions of time and neuron."""
    k = np.arange(200)
    return np.sin(0.01 * step * (1 + 0.1 * len(name)) + k) + 0.2 * (side == "post")


def build(key, folder, tag="", n_post=90, single=False, n=250, **options):
    model, delays, drawn = CASES[key]
    synapses = random_synapses(5, 11, n_post, n, delays, drawn)
    name = "plastic_" + "".join(c if c.isalnum() else "_" for c in key) + tag
    return Block(model, synapses, PAIR, delays=delays, single=single, folder=folder, name=name, **options)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("plastic")


@pytest.mark.parametrize("key", CASES)
def test_the_function_agrees_with_synapses_one_by_one(key, folder):
    """Two blocks, the second not full; the twin knows nothing of homes, events or blocks."""
    block = build(key, folder)
    spikes = spikes_of(1, 11, 90)
    found = block.run(spikes, states, 220)
    arrived, variables = twin(block.model, block.s, PAIR, spikes, states, 220, DT)
    assert np.count_nonzero(arrived) > 50
    # 220 steps of rounding errors of 1e-16 each, relative, in decays done step by step or at once
    np.testing.assert_allclose(found, arrived, rtol=1e-11, atol=1e-13)
    for name in block.plan.homes.synapse:
        if block.plan.homes.modes[name] == "event":
            continue
        np.testing.assert_allclose(block.row(name), variables[name], rtol=1e-11, atol=1e-13, err_msg=name)


@pytest.mark.parametrize("key", ["stdp", "event-driven, own delays", "reading", "stdp nearest power"])
@pytest.mark.parametrize("single", [False, True])
def test_interpreter_and_compiler_agree_to_the_bit(key, single, folder):
    one, two = (build(key, folder, f"_{tag}{single}", single=single) for tag in "ab")
    spikes = spikes_of(2, 11, 90)
    first, second = one.run(spikes, states, 60, compiled=True), two.run(spikes, states, 60)
    if "power" in key:
        # math.pow of the C library and of the interpreter may differ in the last bit
        np.testing.assert_allclose(first, second, rtol=1e-5 if single else 1e-13)
        return
    assert np.array_equal(first, second)
    for a, b in zip(one.everything(), two.everything()):
        assert np.array_equal(a, b)


@pytest.mark.parametrize("key", ["stdp", "triplet", "reward", "event-driven"])
def test_single_precision_follows_double(key, folder):
    spikes = spikes_of(3, 11, 90)
    rough, fine = build(key, folder, "_s", single=True), build(key, folder, "_d")
    a, b = rough.run(spikes, states, 150), fine.run(spikes, states, 150)
    # 150 steps of rounding errors of 6e-8 of numbers of order 1
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=2e-5)


def test_blocks_are_independent_of_each_other_and_of_the_split_of_a_run(folder):
    spikes = spikes_of(4, 11, 200)
    whole = build("event-driven", folder, "_w", n_post=200)
    parts = build("event-driven", folder, "_p", n_post=200)
    expected = whole.run(spikes, states, 120)
    first = parts.run(spikes, states, 50, blocks=[2, 0, 1, 3])
    second = parts.run(spikes, states, 70, blocks=[3, 1, 2, 0], first_step=50)
    assert np.array_equal(np.concatenate([first, second]), expected)
    for a, b in zip(whole.everything(), parts.everything()):
        assert np.array_equal(a, b)


def test_the_size_of_blocks_changes_nothing_but_the_order_of_sums(folder):
    spikes = spikes_of(6, 11, 200)
    small = build("stdp", folder, "_64", n_post=200).run(spikes, states, 100)
    large = build("stdp", folder, "_256", n_post=200, B=256).run(spikes, states, 100)
    np.testing.assert_allclose(small, large, rtol=1e-14, atol=1e-15)


def test_coupled_equations_of_a_neuron_are_advanced_exactly(folder):
    """rise' = (s - rise)/tau_rise, s' = -s/tau_s after one spike: a difference of exponentials."""
    one = Synapses(*(np.array([k]) for k in (0, 0)), np.array([1.0]), np.array([0]), np.array([0]), 1, 1)
    block = Block(COUPLED, one, PAIR, folder=folder, name="plastic_coupled")
    assert block.plan.homes.pre == ("rise", "s") and block.plan.homes.post == ("q", "u")
    block.run(lambda side, q: [0] if side == "pre" and q == 0 else [], states, 101)
    t = 100 * DT
    exact = 8.0 / (8.0 - 3.0) * (np.exp(-t / 8.0) - np.exp(-t / 3.0))
    np.testing.assert_allclose(block.pre_var[0], exact, rtol=1e-12)
    np.testing.assert_allclose(block.pre_var[1], np.exp(-t / 8.0), rtol=1e-12)
    # u' = -u**2/tau: first order, at step 0.1 of tau 8 and u 0.2 an error of about (dt u/tau)/2 relative
    np.testing.assert_allclose(block.post_var[64], 0.2 / (1 + 0.2 * 10.1 / 8.0), rtol=2e-3)


def test_present_values_of_event_driven_variables(folder):
    block = build("event-driven, own delays", folder, "_now")
    spikes = spikes_of(1, 11, 90)
    block.run(spikes, states, 130)
    _, variables = twin(block.model, block.s, PAIR, spikes, states, 130, DT)
    assert block.plan.homes.modes == {"w": "constant", "a": "event", "b": "event", "age": "event", "n": "constant"}
    elapsed = np.empty(len(block.order))
    elapsed[block.order] = 129 - block.last
    assert elapsed.max() > 20
    stored = {name: block.row(name) for name in block.plan.homes.synapse}
    variables["total"] = variables["a"] + 2 * variables["b"] * variables["w"]
    for name in block.model.recordable:
        found = observed(block.plan, block.model, name, stored, elapsed, block.model.parameters, DT)
        np.testing.assert_allclose(found, variables[name], rtol=1e-11, atol=1e-15, err_msg=name)


def test_silence_does_not_leave_subnormal_numbers(folder):
    block = build("stdp", folder, "_quiet")
    block.pre_var[:], block.post_var[:] = 1e-285, -1e-285
    block.run(lambda side, q: [], states, 3000)
    assert not block.pre_var.any() and not block.post_var[:block.s.n_post].any()


def test_no_connections_at_all(folder):
    empty = Synapses(*(np.zeros(0, int) for _ in range(2)), np.zeros(0), *(np.zeros(0, int) for _ in range(2)), 3, 5)
    block = Block(STDP(), empty, PAIR, folder=folder, name="plastic_empty")
    assert not block.run(spikes_of(1, 3, 5, 0.5), states, 20).any()


def one_synapse(model, pre_steps, post_steps, folder, name, *, n_steps, weight=0.5, axonal=0, dendritic=0, where=states):
    one = Synapses(np.array([0]), np.array([0]), np.array([weight]), np.array([axonal]), np.array([dendritic]), 1, 1)
    block = Block(model, one, PAIR, folder=folder, name=name)
    steps = {"pre": set(pre_steps), "post": set(post_steps)}
    arrived = block.run(lambda side, q: [0] if q in steps[side] else [], where, n_steps)
    return block.row("w")[0], arrived[:, 0, 0]


@pytest.mark.parametrize("axonal,dendritic", [(0, 0), (15, 0), (5, 10), (0, 15)])
def test_window_of_pair_stdp(axonal, dendritic, folder):
    """dw = a_plus exp(-dt/tau_plus), -a_minus exp(dt/tau_minus); dt is the difference of times at the synapse."""
    model = STDP(tau_plus=17.0, tau_minus=34.0, a_plus=0.01, a_minus=0.006)
    for gap in (-400, -37, -1, 0, 1, 55, 300):
        pre, post = 450, 450 + gap + axonal - dendritic
        w, sent = one_synapse(model, [pre], [post], folder, f"plastic_window_{axonal}_{dendritic}_{gap}", n_steps=900,
                              axonal=axonal, dendritic=dendritic)
        # in the same step the source comes first
        change = 0.01 * np.exp(-gap * DT / 17.0) if gap >= 0 else -0.006 * np.exp(gap * DT / 34.0)
        assert w - 0.5 == pytest.approx(change, rel=1e-11)
        assert np.flatnonzero(sent).tolist() == [pre + 1 + axonal + dendritic]
        assert sent.max() == 0.5


def test_steady_state_of_short_term_plasticity(folder):
    U, rec, facil, steps, w = 0.2, 100.0, 300.0, 400, 0.7
    model = ShortTerm(U=U, tau_rec=rec, tau_facil=facil)
    _, sent = one_synapse(model, range(0, 40_000, steps), [], folder, "plastic_steady", n_steps=40_000, weight=w, dendritic=3)
    T = steps * DT
    u = U / (1 - (1 - U) * np.exp(-T / facil))
    x = (1 - np.exp(-T / rec)) / (1 - (1 - u) * np.exp(-T / rec))
    amounts = sent[sent > 0]
    assert len(amounts) == 100
    assert amounts[0] == pytest.approx(w * U, rel=1e-14)
    # the distance to the steady state shrinks by exp(-T/300) = 0.88 a spike: 2e-6 after 100
    assert amounts[-1] == pytest.approx(w * u * x, rel=1e-5)


def test_reward_after_a_pair(folder):
    """The integral of c0 exp(-t/tau_c) d0 exp(-t/tau_d)/tau_w, to the first order of the step."""
    model = RewardSTDP(tau_c=50.0, tau_w=20.0, a_plus=0.1)
    decay = lambda side, name, q: np.full(1, 0.4 * np.exp(-(q - 12) * DT / 30.0) * (q >= 12))  # noqa: E731
    w, _ = one_synapse(model, [2], [11], folder, "plastic_reward", n_steps=6000, where=decay)
    c0 = 0.1 * np.exp(-0.9 / 20.0)
    exact = c0 * 0.4 / 20.0 / (1 / 50.0 + 1 / 30.0)
    # dt (1/tau_c + 1/tau_d)/2 = 0.3 %
    assert w - 0.5 == pytest.approx(exact, rel=4e-3)


def test_what_short_term_plasticity_needs():
    assert not needs_target(ShortTerm()) and needs_target(STDP()) and needs_target(READING)
    assert not needs_target(make("dx/dt = -x/5", on_pre="x += 1; g_post += w*x"))


@pytest.mark.parametrize("key", CASES)
def test_no_name_of_a_user_means_something_else(key):
    """A parameter called like a variable of the generated function would silently be another number."""
    model, delays, drawn = CASES[key]
    plan = make_plastic_plan(model, *PAIR, delays=delays, varying={name for name, _ in drawn})
    module = ast.parse(write_plastic_source(plan, "1"))
    used = {n.id for n in ast.walk(module) if isinstance(n, ast.Name)}
    used |= {n.arg for n in ast.walk(module) if isinstance(n, ast.arg)}
    used |= {n.asname or n.name for n in ast.walk(module) if isinstance(n, ast.alias)}
    free = {n for n in used if not n.endswith("_")} - set(plan.names.values())
    assert {"e", "q", "first"} <= free and free - RESERVED == set()
