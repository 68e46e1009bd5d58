"""Zenke & Ganguli 2018 (SuperSpike): its numbers, and what can be known of its tasks beforehand."""

from __future__ import annotations

import numpy as np
import pytest
from outcomes import outcome

import neurosim as ns
from neurosim import published
from neurosim.spiking import adaptive_lif

NAME = "zenke_ganguli_2018"
MODEL = published.load(NAME)
SMALL = {"neurons": 3, "lessons": 12, "networks": 1, "xor_lessons": 12, "hidden": 6, "wide": 6, "outputs": 4,
         "wide_networks": 1, "inputs": 20, "length": 200.0}


@pytest.mark.slow
def test_published_numbers_are_reproduced():
    """A deterministic run of seed 0; what other seeds do is in the docstring of the model."""
    rows = published.check(outcome(NAME), MODEL.REFERENCE)
    wrong = [f"{r.name}: measured {r.measured:g}, published {r.published:g} +- {r.tolerance:g}" for r in rows if not r.ok]
    assert not wrong, "\n".join(wrong)


def test_small_run_has_a_figure(tmp_path):
    found = MODEL.run(published.parameters(MODEL, SMALL), seed=1, progress=False)
    assert set(MODEL.REFERENCE.numbers) <= set(found.measured)
    ns.plot.save(MODEL.figure(found), tmp_path / "figure.png", dpi=90)
    assert (tmp_path / "figure.png").stat().st_size > 10_000


def test_hidden_layer_learns_exclusive_or():
    """A deterministic lesson: at most one of four patterns wrong, and half of the cost of silence."""
    p = MODEL.Parameters()
    x, wanted = MODEL.xor_task(p)
    layers = MODEL.layers_of((15, 32, 1), p, 300, np.random.default_rng(0))
    before, _, after = MODEL.learn(layers, p, x, wanted, None, 300)
    assert MODEL.wrong_patterns(after.spikes[-1], wanted, p) <= 0.25
    # a missing spike costs 1/2, and is wanted in two of four patterns: silence costs 1/4
    assert after.costs.mean() < 0.125 < before[0]


def test_no_neuron_knows_exclusive_or_alone():
    """The proof in the docstring: 4000 neurons with random weights of every size, none right about all of the four patterns."""
    p = MODEL.Parameters()
    x, wanted = MODEL.xor_task(p)
    rng = np.random.default_rng(0)
    w = rng.normal(0, 1, (15, 4000)) * np.exp(rng.uniform(-4, 1, 4000))
    s = adaptive_lif(x, w, alpha=np.exp(-p.dt / p.tau_synapse), beta=np.exp(-p.dt / p.tau), strength=0.0,
                     refractory=round(p.refractory / p.dt)).value
    fires = s.any(axis=1)
    right = (fires == wanted.any(axis=1)).sum(axis=0)
    assert right.max() == 3 and fires.any(axis=1).all()


def test_wrong_patterns_are_counted():
    p = MODEL.Parameters()
    _, wanted = MODEL.xor_task(p)
    assert MODEL.wrong_patterns(wanted, wanted, p) == 0
    assert MODEL.wrong_patterns(0 * wanted, wanted, p) == 0.5
    late = np.roll(wanted, round(5 / p.dt), axis=1)
    assert MODEL.wrong_patterns(late, wanted, p) == 0
    assert MODEL.wrong_patterns(np.roll(late, 1, axis=1), wanted, p) == 0.5
    twice = wanted.copy()
    twice[:, -1] = 1
    assert MODEL.wrong_patterns(twice, wanted, p) == 1


def test_wanted_spikes_are_apart():
    p = MODEL.Parameters()
    x, wanted = MODEL.poisson_task(p, 30, np.random.default_rng(0))
    assert x.shape == (1, 1000, 100) and (wanted.sum(axis=1) == p.spikes).all()
    step, unit = np.nonzero(wanted[0].T)[::-1]
    assert np.diff(step)[np.diff(unit) == 0].min() >= round(20 / p.dt)
    # 500 spikes of 100 inputs of 10 Hz; a Poisson number is further than 5 standard deviations from it once in two million
    assert abs(x.sum() - 500) < 5 * np.sqrt(500)
