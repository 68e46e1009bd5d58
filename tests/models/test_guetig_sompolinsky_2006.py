"""Tempotrons in front of random latencies, small; at full size marked slow."""

from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns
from neurosim import published
from neurosim.learning.rules.tempotron import Patterns

MODULE = published.load("guetig_sompolinsky_2006")


def learnt(seed: int, load: float, n: int = 100, cycles: int = 400):
    """Return the parameters, latencies, labels, the neuron and its mistakes in each cycle."""
    p, rng = MODULE.Parameters(n=n), np.random.default_rng(seed)
    count = round(load * n)
    latencies, labels = rng.uniform(0, p.window, (count, n)), rng.random(count) < 0.5
    return p, latencies, labels, *MODULE.learn(p, latencies, labels, cycles, rng)


@pytest.mark.parametrize("load", [0.5, 1.0, 1.5])
def test_random_patterns_are_learnt(load):
    """Of 20 draws none took more than 105 cycles at load 1.5, where 400 are allowed: by chance far fewer than 1 in 20 fail."""
    _, latencies, labels, neuron, wrong = learnt(1, load)
    assert wrong[-1] == 0 and len(wrong) < 400
    assert (neuron.fires(Patterns.of_latencies(latencies)) == labels).all()


def test_more_patterns_take_longer():
    """Means of 5 draws: 22 +- 2.5 and 77 +- 15 cycles; chance turns them round in fewer than 1 of 1000 draws."""
    cycles = [np.mean([len(learnt(seed, load)[4]) for seed in range(5)]) for load in (0.3, 1.7)]
    assert cycles[0] < cycles[1]


def test_wrong_answers_grow_with_displacement():
    """10 draws: 0, 6 +- 1.4, 22 +- 1.4 and 41 +- 2.6 % at 0, 1, 5 and 20 ms; bounds are four of these away."""
    p, latencies, labels, neuron, _ = learnt(2, 1.0)
    wrong = MODULE._displaced(neuron, latencies, labels, np.random.default_rng(0))
    at = dict(zip(MODULE.JITTERS, wrong))
    assert at[0.0] == 0 < at[1.0] < at[5.0] < at[20.0] and at[1.0] < 15 and at[20.0] > 30


def test_neurons_on_the_engine_answer_alike():
    """Potentials next to the threshold may cross it by the 0.05 ms that a spike is moved on average: 1 of 100 is allowed."""
    p, latencies, labels, neuron, _ = learnt(3, 1.0)
    result = ns.simulate(MODULE.build(p, weights=neuron.weights, latencies=latencies), 560.0, 0.1, progress=False)
    assert np.sum((result.spikes["tempotrons"].counts() > 0) != labels) <= 1


def test_small_run_has_a_figure(tmp_path):
    p = MODULE.Parameters(n=60, loads=(0.5, 1.0), cycles=150, noisy_cycles=20)
    found = MODULE.run(p, seed=1, progress=False)
    assert set(MODULE.REFERENCE.numbers) <= set(found.measured) and found.measured["capacity"] == 1.0
    assert found.measured["engine"] >= 98
    ns.plot.save(MODULE.figure(found), tmp_path / "figure.png", dpi=90)
    assert (tmp_path / "figure.png").stat().st_size > 10_000


@pytest.mark.slow
def test_published_numbers_at_full_size():
    """500 inputs and up to 1500 patterns."""
    rows = published.check(MODULE.run(progress=False), MODULE.REFERENCE)
    wrong = [f"{r.name}: measured {r.measured:g}, published {r.published:g} +- {r.tolerance:g}" for r in rows if not r.ok]
    assert not wrong, "\n".join(wrong)
