"""Published attractor networks: their numbers, and small runs with other parameters."""

from __future__ import annotations

import numpy as np
import pytest
from outcomes import outcome
from scipy.optimize import brentq
from scipy.special import ndtr

import neurosim as ns
from neurosim import published

NAMES = ("hinton_2002", "hopfield_1982", "hopfield_1984", "ramsauer_2021")
SMALL = {
    "hinton_2002": {"networks": 10, "epochs": 2, "hidden": 5, "train": 300},
    "hopfield_1982": {"networks": 5, "starts": 5, "sizes": (60, 100), "limit_networks": (2, 2)},
    "hopfield_1984": {"grid": 3, "n": 13, "starts": 4},
    "ramsauer_2021": {"draws": 3, "dimensions": (4, 6), "numbers": 6, "shown": 12},
}


@pytest.mark.parametrize("name", NAMES)
def test_published_numbers_are_reproduced(name):
    """Deterministic runs of seed 0; statistical tolerances are in the notes of the numbers."""
    rows = published.check(outcome(name), published.load(name).REFERENCE)
    wrong = [f"{r.name}: measured {r.measured:g}, published {r.published:g} +- {r.tolerance:g}" for r in rows if not r.ok]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", NAMES)
def test_small_runs_have_figures(name, tmp_path):
    module = published.load(name)
    found = module.run(published.parameters(module, SMALL[name]), seed=1, progress=False)
    assert set(module.REFERENCE.numbers) <= set(found.measured)
    ns.plot.save(module.figure(found), tmp_path / "figure.png", dpi=60)
    assert (tmp_path / "figure.png").stat().st_size > 10_000


def test_error_probability_of_1982_is_the_normal_tail():
    module = published.load("hopfield_1982")
    for m, n in ((10, 100), (5, 30), (15, 100)):
        assert module.bit_error(m, n) == pytest.approx(ndtr(-(n / 2) / np.sqrt((m - 1) * n / 2)), rel=1e-12)


def test_both_forms_of_1982_are_the_paper_written_out():
    """V_i of 0 and 1 with T: who is above and below the threshold, by sums written out."""
    module, rng = published.load("hopfield_1982"), np.random.default_rng(1)
    t = module.matrix(module.memories(3, 8, rng))
    t[0, 1] += 1.0
    v = rng.integers(0, 2, 8)
    h = np.array([sum(t[i, j] * v[j] for j in range(8)) for i in range(8)])
    np.testing.assert_allclose(module.network(t).fields(2 * v - 1.0), h, atol=1e-12)
    mu = np.array([sum(t[i, j] * (2 * v[j] - 1) for j in range(8)) for i in range(8)])
    np.testing.assert_allclose(module.network(t, mu=True).fields(2 * v - 1.0), mu, atol=1e-12)


def test_rest_of_1984_is_a_root_and_the_lowest_energy_is_its():
    module = published.load("hopfield_1984")
    for gain in (1.2, 1.4, 3.0):
        v = brentq(lambda x, g=gain: x - 2 / np.pi * np.arctan(np.pi / 2 * g * x), 1e-3, 1.0)
        assert module.rest(gain) == pytest.approx(v, abs=1e-12)
        one = module.pairs(module.Parameters(), gain)
        assert one.energy(module.potential(np.array([v, v]), gain)) == pytest.approx(module.lowest(gain), abs=1e-12)
    assert module.rest(0.9) == 0.0


def test_base_of_ramsauer_solves_its_equation():
    """c = b/W0(exp(a + ln b)) means a + ln c = b/c."""
    module = published.load("ramsauer_2021")
    for beta, k, d, p in ((1.0, 3.0, 20, 0.001), (2.0, 1.0, 50, 0.01)):
        c, exponent = module.base(beta, k, d, p)
        b = 2 * k * k * beta / 5
        a = exponent - np.log(b)
        assert a + np.log(c) == pytest.approx(b / c, rel=1e-10)
