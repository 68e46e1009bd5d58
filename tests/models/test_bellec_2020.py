"""Bellec et al. 2020 (e-prop): its numbers, and what can be known of its tasks and networks beforehand."""

from __future__ import annotations

import numpy as np
import pytest
from outcomes import outcome

import neurosim as ns
from neurosim import learning, published

NAME = "bellec_2020"
MODEL = published.load(NAME)
SMALL = {"lessons": 12, "networks": 1, "steps": 200, "units": 20, "cues": 3, "spacing": 50, "cue": 40, "delay": 100,
         "answer": 50, "most": 6, "tests": 20, "batch": 10}


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


def test_patterns_are_sums_of_four_sines():
    p = MODEL.Parameters()
    x, y = MODEL.patterns(p, np.random.default_rng(0))
    power = np.abs(np.fft.rfft(y[0], axis=0)) ** 2
    assert set(np.argsort(power[:, 0])[-4:]) == {1, 2, 3, 5}
    # float32
    assert power[[1, 2, 3, 5]].sum() > (1 - 1e-6) * power.sum() and np.abs(y).max(axis=1) == pytest.approx(1)
    # one group at a time, each neuron every 10 ms
    assert all(x[0, 200 * k:200 * (k + 1), 4 * k:4 * (k + 1)].sum() == 80 for k in range(5)) and x.sum() == 400


def test_trials_are_as_described():
    """Counts of spikes of Poisson kind: the bound of 5 standard deviations is passed less than once in a million numbers."""
    p = MODEL.Parameters(delay=200)
    x, side = MODEL.trials(p, 400, np.random.default_rng(0))
    assert x.shape == (400, 7 * 150 + 200 + 150, 40)
    cues = np.stack([x[:, 150 * k:150 * k + 100] for k in range(7)], axis=1)
    left, right = cues[..., :10].sum(axis=(2, 3)), cues[..., 10:20].sum(axis=(2, 3))
    assert not np.any((left > 0) & (right > 0)), "a cue comes from one side"
    assert np.array_equal(side, (right > left).sum(axis=1) > 3)
    assert abs((left + right).mean() - 40) < 5 * np.sqrt(40 / (400 * 7))
    assert not x[:, 1050:, :20].any() and not x[:, :-150, 20:30].any()
    assert 0.4 < side.mean() < 0.6


def test_cues_of_one_side_are_learnt_by_adaptive_neurons():
    """3 cues and 200 ms of silence, ten times as long as membranes remember.

    Chance is 50 %, and the standard error of 320 answers 2.8 %: 70 % by chance comes less than once in a million.
    """
    p = MODEL.Parameters(cues=3, spacing=50, cue=40, delay=200, answer=50, memory=500.0, most=60, tests=320, batch=64)
    _, right, new = MODEL.learn_cues(p, "symmetric", 0)
    assert new > 0.7 and right[:3].mean() < 0.7


def test_eprop_is_exact_without_recurrent_weights():
    """Of a network whose neurons are not connected to each other, e-prop leaves nothing out: its gradient is that of BPTT."""
    p = MODEL.Parameters(steps=150, units=12, share=0.5, kappa=0.2)
    x, y = MODEL.patterns(p, np.random.default_rng(1))
    found = {}
    for rule in ("BPTT", "symmetric"):
        model = MODEL.pattern_network(p, rule, 3)
        hidden, end = model.layers.layers
        alone = learning.build([type(hidden)(**{**vars(hidden), "recurrent": False}), end], model.inputs, seed=3)
        alone.parameters["0.w"].value *= 6.0
        watched = []
        learning.squared_error(alone(x, training=True, watched=watched), y).backward()
        assert watched[0][1].value.mean() > 0.005
        found[rule] = {name: v.grad for name, v in alone.parameters.items()}
    for name, grad in found["BPTT"].items():
        np.testing.assert_array_equal(grad, found["symmetric"][name], err_msg=name)
        assert grad.any()


def test_random_feedback_changes_the_signal_alone():
    p = MODEL.Parameters(steps=100, units=10)
    x, y = MODEL.patterns(p, np.random.default_rng(1))
    grads = {}
    for rule in ("symmetric", "random"):
        model = MODEL.pattern_network(p, rule, 2)
        learning.squared_error(model(x, training=True), y).backward()
        grads[rule] = {name: v.grad for name, v in model.parameters.items()}
    np.testing.assert_allclose(grads["symmetric"]["1.w"], grads["random"]["1.w"], rtol=1e-5)
    assert not np.allclose(grads["symmetric"]["0.w"], grads["random"]["0.w"], rtol=0.1)
