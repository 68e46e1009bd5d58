"""Distal reward: weights against a loop that moves them in every step, the observer by hand, and full size marked slow."""

from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns
from neurosim import published

MODULE = published.load("izhikevich_2007")
SMALL = {"n_e": 24, "n_i": 6, "synapses": 8, "noise": 4.5}


def watched(p, rewards):
    return MODULE.Observer(p, np.random.default_rng(0), rewards)


def test_weights_are_those_of_a_loop_over_steps():
    """Two stretches, rewards that saturate some weights; sums of 20,000 terms in another order: 1e-9."""
    p = MODULE.Parameters(**SMALL, amount=5.0)
    rewards = {1500.0, 4000.0, 9995.0, 14_000.0}
    network = MODULE.build(p, observer=watched(p, rewards))
    result, moved, spikes = None, {}, []
    for _ in range(2):
        result = ns.simulate(network, MODULE.STRETCH, 1.0, seed=3, progress=False, resume=result,
                             changes={MODULE.SYNAPSES: moved} if moved else None)
        moved = MODULE.consolidated(result, p)
        spikes.append((result.spikes["E"], result.spikes["I"]))
    links = result.connections[MODULE.SYNAPSES]
    fired = np.zeros((round(2 * MODULE.STRETCH) + 2, p.n_e + p.n_i), bool)
    for e, i in spikes:
        fired[np.round(e.times).astype(int), e.indices] = True
        fired[np.round(i.times).astype(int), i.indices + p.n_e] = True
    m = len(links)
    w, c, x, y, d = np.full(m, p.w_e), np.zeros(m), np.zeros(m), np.zeros(m), 0.0
    low = high = 0
    for t in range(round(2 * MODULE.STRETCH)):
        w = np.clip(w + c * (p.tonic + d) / p.tau_w, 0.0, p.w_max)
        low, high = max(low, (w == 0).sum()), max(high, (w == p.w_max).sum())
        d += -d / p.tau_d + (p.amount / MODULE.LOOK if MODULE.LOOK * (t // MODULE.LOOK) in rewards else 0.0)
        c, x, y = c * np.exp(-1 / p.tau_c), x * np.exp(-1 / p.tau), y * np.exp(-1 / p.tau)
        # the spikes of the step before arrive, then those of this step are seen
        pre, post = fired[t, links.pre], fired[t + 1, links.post]
        c[pre] -= p.ratio * p.a * y[pre]
        x[pre] = 1.0
        c[post] += p.a * x[post]
        y[post] = 1.0
    assert low > 0 and high > 0
    np.testing.assert_allclose(moved["w"], w, atol=1e-9)
    np.testing.assert_allclose(moved["q"], c, atol=1e-9)


def test_rewards_follow_n2_after_n1():
    """Looks at 5, 10, ... ms; the times since n1 and n2 fired are seen, and the answer is the reward in each of 5 ms."""
    p = MODULE.Parameters()
    observer = MODULE.Observer(p, np.random.default_rng(1))
    # neither; n1 alone; n2 before n1; both at once; n2 11 ms after n1; seen already
    for since in ((1e9, 1e9), (3.0, 1e9), (1.0, 4.0), (2.0, 2.0), (13.0, 2.0), (15.0, 5.0)):
        assert observer(100.0, [np.array([x]) for x in since]) == 0.0
    assert not observer.due
    assert observer(200.0, [np.array([14.0]), np.array([4.0])]) == 0.0
    assert observer.causes == [196.0]
    (due,) = observer.due
    assert 1196 - 2.5 <= due <= 3196 + 2.5 and due % MODULE.LOOK == 0
    none = [np.array([1e9]), np.array([1e9])]
    assert observer(due, none) == pytest.approx(p.amount / 5) and observer(due + 5, none) == 0.0
    yoked = watched(p, [400.0])
    assert yoked(200.0, [np.array([14.0]), np.array([4.0])]) == 0.0 and yoked.due == {400.0} and yoked.causes == [196.0]


def rewarded(seed: int) -> tuple[float, np.ndarray]:
    """Return how far the chosen synapse and all others have moved; n1 and n2 are made to fire 5 ms apart, every 2 s."""
    p = MODULE.Parameters(n_e=80, n_i=20, synapses=20)
    chosen, n2, w = MODULE.choose(p, seed)
    built = MODULE.build(p, pair=(0, n2), observer=MODULE.Observer(p, np.random.default_rng(seed)))
    exc, at = built.populations[0], np.arange(500.0, 4 * MODULE.STRETCH - 3000, 2000.0)
    kicks = ns.SpikeInput(times=np.concatenate([at, at + 5]), neurons=np.repeat([0, n2], len(at)), weight=60.0, variable="i_in",
                          target=exc)
    network = ns.Network(built.populations, projections=built.projections, stimuli=[*built.stimuli, kicks])
    result, moved = None, {"w": w}
    for _ in range(4):
        result = ns.simulate(network, MODULE.STRETCH, 1.0, seed=seed, progress=False, resume=result,
                             changes={MODULE.SYNAPSES: moved})
        moved = MODULE.consolidated(result, p)
    change = moved["w"] - w
    return change[chosen], np.delete(change, chosen)


def test_the_synapse_that_is_rewarded_is_singled_out():
    """By chance it goes further than 99 % of the others once in 100 times; of 10 seeds it went furthest in all, 3.4 to 4 mV."""
    chosen, others = rewarded(seed=0)
    assert chosen > 3.0 and chosen > np.quantile(others, 0.99)


def test_small_run_has_a_figure(tmp_path):
    found = MODULE.run(MODULE.Parameters(**SMALL), duration=20_000.0, seed=1, progress=False)
    assert set(MODULE.REFERENCE.numbers) <= set(found.measured)
    ns.plot.save(MODULE.figure(found), tmp_path / "figure.png", dpi=90)
    assert (tmp_path / "figure.png").stat().st_size > 10_000


@pytest.mark.slow
def test_published_numbers_at_full_size():
    """An hour of 1000 neurons, and the control. Of 2 seeds none missed a number after half an hour."""
    rows = published.check(MODULE.run(progress=False), MODULE.REFERENCE)
    wrong = [f"{r.name}: measured {r.measured:g}, published {r.published:g} +- {r.tolerance:g}" for r in rows if not r.ok]
    assert not wrong, "\n".join(wrong)
