"""Published learning rules beside backpropagation: their numbers, and small runs with other parameters."""

from __future__ import annotations

import numpy as np
import pytest
from outcomes import outcome

import neurosim as ns
from neurosim import published

SMALL = {
    "lee_2015": {"layers": 2, "units": 16, "epochs": 2, "train": 300},
    "lillicrap_2016": {"networks": 2, "steps": 120, "hidden": 20, "epochs": 2, "train": 300},
    "nokland_2016": {"layers": 2, "units": 16, "epochs": 2, "train": 300},
    "scellier_bengio_2017": {"hidden": 20, "epochs": 2, "train": 300},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_published_numbers_are_reproduced(name):
    """Deterministic runs of seed 0; what other seeds would do is in the docstrings of the models."""
    rows = published.check(outcome(name), published.load(name).REFERENCE)
    wrong = [f"{r.name}: measured {r.measured:g}, published {r.published:g} +- {r.tolerance:g}" for r in rows if not r.ok]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", SMALL)
def test_small_runs_have_figures(name, tmp_path):
    module = published.load(name)
    found = module.run(published.parameters(module, SMALL[name]), seed=1, progress=False)
    assert set(module.REFERENCE.numbers) <= set(found.measured)
    ns.plot.save(module.figure(found), tmp_path / "figure.png", dpi=90)
    assert (tmp_path / "figure.png").stat().st_size > 10_000


def test_what_is_conserved_is_so_for_short_steps():
    """Supplementary proof of 2016: a tenth of the rate leaves a tenth of the error, which is of the first order."""
    module = published.load("lillicrap_2016")
    gaps = [module._aligning(module.Parameters(steps=steps, rate=rate), np.random.default_rng(0))[1]
            for rate, steps in ((0.02, 200), (0.002, 2000))]
    assert gaps[1] < 0.2 * gaps[0] and gaps[0] < 0.1


def test_nothing_comes_through_zeros():
    """Backprop in a network of zeros changes last biases alone; direct feedback changes the first layer too."""
    from neurosim.learning.initialisers import zeros
    from neurosim.learning.rules.feedback_alignment import direct, direct_feedback

    module = published.load("nokland_2016")
    layers = module.deep(module.Parameters(layers=2, units=5), zeros, 0)
    x, t = np.random.default_rng(0).random((20, 64)), np.eye(10)[np.arange(20) % 10]
    weights, biases = module.by_deltas(layers, "tanh")(x, t)
    assert not any(w.any() for w in weights) and not any(b.any() for b in biases[:-1])
    t = np.eye(10)[np.zeros(20, int)]
    back = direct_feedback(layers.sizes, 1.0, np.random.default_rng(1))
    assert module.by_deltas(layers, "tanh", direct, back)(x, t)[0][0].all()
