"""Rules of plasticity in whole runs, against what their papers' equations give on paper."""

from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns

DT = 0.1
#: spikes where it is told to; what synapses send adds up in g
RELAY = ns.NeuronModel.from_equations(
    "dv/dt = -v\ndg/dt = 0\nddopamine/dt = -dopamine/tau_d", parameters={"tau_d": 200.0}, threshold="v > 0.5", reset="v = 0",
    name="relay")


def told(population, steps, neurons):
    """Spikes in the given steps."""
    return ns.SpikeInput(times=np.asarray(steps) * DT, neurons=np.asarray(neurons), target=population, variable="v", weight=1.0)


def run(rule, pre, post, duration, weight=0.5, delay=1.0, n=1, more=(), **options):
    """Run n pairs of neurons, each joined by one synapse; pre and post are (steps, neurons)."""
    source, target = ns.Population(n, RELAY, name="S"), ns.Population(n, RELAY, name="T")
    synapses = ns.Projection(source, target, ns.OneToOne(), ns.Delta(weight, variable="g"), delay=delay, plasticity=rule,
                             dendritic_delay=options.pop("dendritic_delay", 0.0), name="plastic")
    stimuli = [told(p, *spikes) for p, spikes in ((source, pre), (target, post)) if len(spikes[0])]
    stimuli += [make(source, target) for make in more]
    probes = [ns.Probe(target, "g", every=DT, name="g"), ns.Probe(synapses, "w", every=10.0, name="w")]
    network = ns.Network([source, target], projections=[synapses], stimuli=stimuli, probes=probes)
    return ns.simulate(network, duration, DT, **options)


def weights(result):
    return result.connections["plastic"].weight


def poisson(rng, rate, n, n_steps):
    """Spikes of n neurons at a rate in Hz."""
    steps, neurons = np.nonzero(rng.random((n_steps, n)) < rate * DT / 1000)
    return steps, neurons


@pytest.mark.parametrize("delay,dendritic,single", [
    pytest.param(0.1, 0.0, False, marks=pytest.mark.slow), pytest.param(1.5, 0.0, False, marks=pytest.mark.slow),
    (1.5, 1.0, True), (2.0, 2.0, False)])
def test_window_of_pair_stdp(delay, dendritic, single):
    """dw = a_plus exp(-gap/tau_plus) or -a_minus exp(gap/tau_minus), where the gap is that of times at the synapse."""
    gaps = np.arange(-60, 61, 3)
    n = len(gaps)
    shift = round((delay - 2 * dendritic) / DT)
    pre, post = (np.full(n, 120), np.arange(n)), (120 + gaps + shift, np.arange(n))
    rule = ns.STDP(a_plus=0.02, a_minus=0.03, tau_plus=17.0, tau_minus=34.0, w_max=2.0)
    result = run(rule, pre, post, 30.0, delay=delay, dendritic_delay=dendritic, n=n,
                 dtype="float32" if single else "float64")
    change = 2 * np.where(gaps >= 0, 0.02 * np.exp(-gaps * DT / 17.0), -0.03 * np.exp(gaps * DT / 34.0))
    # 60 decays of one step each, every one rounded to 6e-8 (float32) or 1e-16; and w itself, of order 0.5
    np.testing.assert_allclose(weights(result) - 0.5, change, atol=1e-6 if single else 1e-14)
    # the old weight was sent; it is added in the step after spike and delay, and a probe shows it when that is over
    g = result.traces["g"].values
    arrival = 120 + 1 + round(delay / DT)
    assert not g[:arrival + 1].any()
    np.testing.assert_allclose(g[arrival + 1], 0.5, rtol=1e-7)


def test_all_pairs_and_nearest_pairs():
    """Two source spikes, then a target spike, then a source spike: which pairs count."""
    pre, post = ([100, 150, 300], [0, 0, 0]), ([200], [0])
    kernel = lambda steps, tau=20.0: np.exp(-steps * DT / tau)  # noqa: E731
    options = dict(a_plus=0.1, a_minus=0.1)
    every = run(ns.STDP("all", **options), pre, ([200], [0]), 40.0, delay=0.1)
    latest = run(ns.STDP("nearest", **options), pre, post, 40.0, delay=0.1)
    # the spike reaches the synapse a step later
    assert weights(every)[0] - 0.5 == pytest.approx(0.1 * (kernel(99) + kernel(49) - kernel(101)), rel=1e-12)
    assert weights(latest)[0] - 0.5 == pytest.approx(0.1 * (kernel(49) - kernel(101)), rel=1e-12)


@pytest.mark.parametrize("kind,power", [("additive", 0.0), ("multiplicative", 1.0), ("power", 0.4)])
def test_dependence_on_the_weight(kind, power):
    """Changes f_plus(u), f_minus(u) of u = (w - w_min)/(w_max - w_min) with bounds that are not 0 and 1."""
    options = {"mu": 0.4} if kind == "power" else {}
    rule = ns.STDP(weight_dependence=kind, w_min=1.0, w_max=5.0, a_plus=0.01, a_minus=0.02, **options)
    result = run(rule, ([100, 101], [0, 1]), ([101, 100], [0, 1]), 20.0, weight=2.0, delay=0.1, n=2)
    up, down = weights(result) - 2.0
    # gaps of 0 and of 2 steps at the synapse
    assert up == pytest.approx(4 * 0.01 * 0.75**power, rel=1e-12)
    assert down == pytest.approx(-4 * 0.02 * 0.25**power * np.exp(-0.2 / 20), rel=1e-12)


def test_weights_stay_within_bounds():
    rng = np.random.default_rng(1)
    result = run(ns.STDP(a_plus=0.4, a_minus=0.4, w_min=0.2, w_max=0.8), poisson(rng, 80, 50, 5000), poisson(rng, 80, 50, 5000),
                 500.0, n=50)
    values = result.traces["w"].values
    assert values.min() == 0.2 and values.max() == 0.8


def test_triplets():
    """Pfister & Gerstner's equations 3 and 4 summed over spikes on paper, for post-pre-post and pre-post-pre."""
    p = dict(a2_plus=0.01, a3_plus=0.05, a2_minus=0.02, a3_minus=0.04, tau_plus=16.8, tau_minus=33.7, tau_x=101.0, tau_y=125.0,
             w_max=10.0)
    e = lambda steps, tau: np.exp(-steps * DT / tau)  # noqa: E731
    # at the synapse: neuron 0 has post 100, pre 201, post 250; neuron 1 has pre 101, post 180, pre 241
    result = run(ns.TripletSTDP(**p), ([200, 100, 240], [0, 1, 1]), ([100, 250, 180], [0, 0, 1]), 40.0, delay=0.1, n=2)
    first = -e(101, 33.7) * 0.02 + e(49, 16.8) * (0.01 + 0.05 * e(150, 125.0))
    second = e(79, 16.8) * 0.01 - e(61, 33.7) * (0.02 + 0.04 * e(140, 101.0))
    np.testing.assert_allclose(weights(result) - 0.5, [first, second], rtol=1e-11)


def test_inhibitory_plasticity_pair_and_lone_spike():
    """eta (exp(-|gap|/tau) - alpha) for a pair in either order, -eta alpha for a source spike alone; alpha = 2 rho_0 tau."""
    rule = ns.InhibitorySTDP(eta=0.1, w_max=5.0, rho_0=5.0, tau=20.0)
    result = run(rule, ([100, 100, 100], [0, 1, 2]), ([150, 60], [0, 1]), 30.0, delay=0.1, n=3)
    alpha = 2 * 0.005 * 20.0
    kernel = np.array([np.exp(-4.9 / 20), np.exp(-4.1 / 20), 0.0])
    np.testing.assert_allclose(weights(result) - 0.5, 0.1 * (kernel - alpha), rtol=1e-11)


def test_inhibitory_plasticity_balances_at_its_rate():
    """For independent Poisson spikes the mean change is eta r_pre T (2 tau (r_post - rho_0))."""
    rng, n, n_steps, eta = np.random.default_rng(7), 400, 20_000, 1e-3
    for rate in (4.0, 10.0, 16.0):
        result = run(ns.InhibitorySTDP(eta=eta, rho_0=10.0, w_max=50.0), poisson(rng, 20.0, n, n_steps),
                     poisson(rng, rate, n, n_steps), n_steps * DT, n=n)
        change = weights(result) - 0.5
        T = n_steps * DT / 1000
        expected = eta * 20.0 * T * 2 * 0.02 * (rate - 10.0)
        # mean of 400 independent synapses; 4.5 standard errors: false alarm 7e-6 each. The start without traces lacks
        # eta r_pre r_post 2 tau tau = 0.02/2 = 1 % of the first term at most
        assert abs(change.mean() - expected) < 4.5 * change.std() / np.sqrt(n) + 0.01 * eta * 20.0 * T * 0.04 * rate


def test_depression_and_facilitation_settle():
    U, rec, facil, every = 0.15, 120.0, 400.0, 250
    for delay in (1.0, 3.7):
        spikes = np.arange(0, 40_000, every), np.zeros(160, int)
        result = run(ns.ShortTerm(U=U, tau_rec=rec, tau_facil=facil), spikes, ([], []), 4010.0, weight=2.0, delay=delay)
        sent = np.diff(result.traces["g"].values[:, 0])
        arrivals = np.flatnonzero(sent)
        assert arrivals.tolist() == list(range(1 + round(delay / DT), 40_001 + round(delay / DT), every))
        T = every * DT
        u = U / (1 - (1 - U) * np.exp(-T / facil))
        x = (1 - np.exp(-T / rec)) / (1 - (1 - u) * np.exp(-T / rec))
        # differences of a sum of about 100: rounding 1e-14
        assert sent[arrivals[0]] == pytest.approx(2.0 * U, rel=1e-12)
        # 160 spikes, each of which shrinks the distance by (1 - U) exp(-T/tau_facil) or faster
        assert sent[arrivals[-1]] == pytest.approx(2.0 * u * x, rel=1e-9)
        assert (weights(result) == 2.0).all()


def test_short_term_plasticity_does_not_depend_on_where_it_is_kept():
    """Own delays, own values: variables of the synapse; common values: of the source. The sums are the same."""
    rng = np.random.default_rng(3)
    steps, neurons = poisson(rng, 40, 30, 3000)
    sums = []
    for part in (0.3, ns.Choice([0.3])):
        source, target = ns.Population(30, RELAY, name="S"), ns.Population(20, RELAY, name="T")
        rule, synapse = ns.ShortTerm(U=part, tau_rec=60.0), ns.Delta(0.1, variable="g")
        both = [ns.Projection(source, target, ns.Bernoulli(0.5), synapse, delay=d, plasticity=rule, name=name)
                for d, name in ((1.2, "p"), (ns.Uniform(0.3, 4.0), "q"))]
        net = ns.Network([source, target], projections=both, stimuli=[told(source, steps, neurons)],
                         probes=[ns.Probe(target, "g", every=DT, name="g")])
        sums.append(ns.simulate(net, 310.0, DT, seed=3).traces["g"].values)
    assert sums[0][-1].min() > 1.0
    np.testing.assert_allclose(sums[0], sums[1], rtol=1e-10)


def test_reward_finds_the_pair_that_came_before():
    """w changes by c0 d0/(tau_w (1/tau_c + 1/tau_d)) after the reward; without reward it stays."""
    rule = ns.RewardSTDP(tau_c=100.0, tau_w=50.0, a_plus=0.2, a_minus=0.1, w_max=3.0, w_min=-3.0)
    pre, post = ([100, 140, 100], [0, 1, 2]), ([120, 110, 120], [0, 1, 2])
    reward = lambda source, target: ns.SpikeInput(times=[50.0, 50.0], neurons=np.array([0, 1]), target=target,  # noqa: E731
                                                  variable="dopamine", weight=0.5)
    result = run(rule, pre, post, 2500.0, delay=0.1, n=3, more=[reward])
    # eligibility at the reward, 500 steps on: the pair was complete in step 120, or in step 141 (one step of delay)
    c = np.array([6 * 0.2 * np.exp(-1.9 / 20) * np.exp(-(500 - 121) * DT / 100),
                  -6 * 0.1 * np.exp(-3.1 / 20) * np.exp(-(500 - 142) * DT / 100), 0.0])
    change = c * 0.5 / 50.0 / (1 / 100 + 1 / 200)
    # first order in the step: dt (1/tau_c + 1/tau_d)/2 = 0.08 %, and one step of each trace 0.1 %
    np.testing.assert_allclose(weights(result) - 0.5, change, rtol=3e-3, atol=1e-15)


def test_oja_settles_where_its_equation_says():
    """Independent Poisson spikes: the mean weight tends to x/(alpha y)."""
    rng, n, n_steps = np.random.default_rng(11), 300, 60_000
    result = run(ns.Oja(eta=3e-5, alpha=2.0), poisson(rng, 20.0, n, n_steps), poisson(rng, 10.0, n, n_steps), n_steps * DT, n=n,
                 weight=0.2)
    # E[dw/dt] = eta y (x - alpha y w) with x, y in Hz and dt in s; the traces start at 0 and lack tau = 0.1 s of the time
    T, x, y = n_steps * DT / 1000, 20.0, 10.0
    rest, rate = x / (2.0 * y), 3e-5 * 2.0 * y * y
    expected = rest + (0.2 - rest) * np.exp(-rate * T)
    w = weights(result)
    lost = 0.1 * 3e-5 * y * x
    assert abs(w.mean() - expected) < 4.5 * w.std() / np.sqrt(n) + lost


def test_bcm_changes_sign_at_the_threshold():
    """With theta nearly fixed at rho_0 the mean change is eta x y (y - theta) T: negative below, positive above."""
    rng, n, n_steps = np.random.default_rng(13), 300, 20_000
    for rate in (8.0, 40.0):
        rule = ns.BCM(rho_0=20.0, tau_theta=1e9, eta=1e-7, w_max=10.0, w_min=-10.0)
        result = run(rule, poisson(rng, 30.0, n, n_steps), poisson(rng, rate, n, n_steps), n_steps * DT, n=n)
        change, T = weights(result) - 0.5, n_steps * DT / 1000
        expected = 1e-7 * 30.0 * rate * (rate - 20.0) * T
        # 4.5 standard errors (7e-6); the traces lack about tau = 0.1 s of T = 2 s, twice in the product
        assert abs(change.mean() - expected) < 4.5 * change.std() / np.sqrt(n) + 0.1 * 1e-7 * 30.0 * rate * max(rate, 20.0) * T
        assert np.sign(change.mean()) == np.sign(rate - 20.0)


def test_bcm_threshold_follows_the_square_of_the_rate():
    """Regular spikes of 50 Hz, tau = 1000 ms: theta tends to the mean of y**2 over rho_0."""
    spikes = np.arange(0, 120_000, 200), np.zeros(600, int)
    result = run(ns.BCM(tau=1000.0, tau_theta=500.0, rho_0=10.0), ([], []), spikes, 12_000.0)
    y = np.array([result.connections["plastic"]["y"][0]])
    # y rises by 1 at every spike and decays by exp(-20/1000) in between: from 49.5 to 50.5
    assert 49.4 < y[0] < 50.6
    assert result.connections["plastic"]["theta"][0] == pytest.approx(50.0**2 / 10.0, rel=5e-3)


def test_oja_between_graded_neurons():
    """y = w x with constant x: w tends to x/(|x| sqrt(alpha)), whatever it was."""
    x = np.array([0.3, -0.8, 0.5, 1.1])
    still = ns.NeuronModel.from_equations("dx/dt = 0", name="still")
    graded = ns.NeuronModel.from_equations("dx/dt = -x/tau_x", parameters={"tau_x": 2.0}, name="graded")
    rule = ns.PlasticityModel.from_equations("dw/dt = eta*x_post*(x_pre - alpha*x_post*w)", on_step="send(w*x_pre*dt/tau_x)",
                                             parameters=dict(eta=0.01, alpha=4.0, tau_x=2.0), name="oja_graded")
    source, target = ns.Population(4, still, name="S", initial={"x": x}), ns.Population(1, graded, name="T")
    p = ns.Projection(source, target, ns.AllToAll(), ns.Delta(0.3, variable="x"), delay=DT, plasticity=rule, name="p")
    result = ns.simulate(ns.Network([source, target], projections=[p]), 2000.0, DT)
    # x_post is added in steps and decays in between: y = k w x with k = P dt/tau_x/(1 - P), P = exp(-dt/tau_x)
    P = np.exp(-DT / 2.0)
    gain = P * (DT / 2.0) / (1 - P)
    # relaxation rate eta |x|**2 = 0.022 per ms: exp(-44) is left
    np.testing.assert_allclose(result.connections["p"].weight, x / np.linalg.norm(x) / np.sqrt(4.0 * gain), rtol=1e-10)


@pytest.mark.parametrize("rule", [ns.STDP(a_plus=0.1), ns.TripletSTDP("hippocampus"), ns.InhibitorySTDP(eta=0.01, w_max=2.0),
                                  ns.ShortTerm(), ns.RewardSTDP(), ns.Oja(eta=1e-3), ns.BCM(eta=1e-5)],
                         ids=lambda rule: rule.name)
@pytest.mark.parametrize("delay", [1.3, pytest.param(None, marks=pytest.mark.slow)], ids=["one delay", "own delays"])
def test_threads_and_splits_change_no_bit(rule, delay):
    rng = np.random.default_rng(17)
    source, target = ns.Population(70, RELAY, name="S"), ns.Population(1300, RELAY, name="T")
    p = ns.Projection(source, target, ns.Bernoulli(0.2), ns.Delta(ns.Uniform(0.2, 0.6), variable="g"),
                      delay=ns.Choice([0.3, 0.5, 1.1]) if delay is None else delay, plasticity=rule, name="p")
    stimuli = [told(source, *poisson(rng, 60, 70, 400)), told(target, *poisson(rng, 60, 1300, 400)),
               ns.SpikeInput(times=[5.0, 22.0], target=target, variable="dopamine", weight=0.3)]
    net = ns.Network([source, target], projections=[p], stimuli=stimuli, probes=[ns.Probe(target, "g", neurons=[3], every=DT)])
    found = []
    for threads, parts in ((1, (40.0,)), (2, (40.0,)), (3, (13.7, 26.3)), (1, (0.1, 39.9))):
        result = None
        for part in parts:
            result = ns.simulate(net, part, DT, seed=5, threads=threads, resume=result)
        found.append((result.final("T", "g"), result.connections["p"].weight))
    assert np.unique(found[0][1]).size > 1000
    for g, w in found[1:]:
        assert np.array_equal(g, found[0][0]) and np.array_equal(w, found[0][1])
