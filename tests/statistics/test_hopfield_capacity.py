"""How many patterns fit, held against the theory for infinitely many neurons. Seeds are fixed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import erf

from neurosim.attractors import Capacity, capacity, expected_overlap, limit_capacity, pseudo_inverse, storkey
from neurosim.errors import ParameterError


def test_theory_has_its_limit_at_0_138():
    """D. J. Amit, H. Gutfreund & H. Sompolinsky 1985: alpha_c = 0.138 and m = 0.967 there (1.5 % of the bits are wrong)."""
    assert not np.isnan(expected_overlap(0.1379)) and np.isnan(expected_overlap(0.1380))
    assert float(expected_overlap(0.1379)) == pytest.approx(0.967, abs=0.002)
    # the equation is satisfied
    m = float(expected_overlap(0.1))
    y = np.linspace(1.5, 4, 200_001)
    root = y[np.argmin(np.abs(erf(y) - m))]
    assert root * (np.sqrt(0.2) + 2 / np.sqrt(np.pi) * np.exp(-root**2)) == pytest.approx(m, abs=1e-4)


def test_overlap_below_the_limit():
    """N = 1000 at alpha = 0.1: five standard errors of the mean over ten networks; by Student's distribution with nine degrees
    of freedom the false alarm is 7e-4. The error must be so small that this says something: m = 0.998."""
    found = capacity(1000, [0.1], networks=10, probes=100, seed=2).overlaps[0]
    error = found.std(ddof=1) / np.sqrt(found.size)
    assert error < 3e-4
    assert abs(found.mean() - float(expected_overlap(0.1))) < 5 * error


def test_the_sweep_finds_the_limit():
    """alpha_c of theory is 0.138. Fits to several sets of sizes from 200 to 2000 gave 0.144 to 0.148, the law being one of
    large N; the standard error of this one is 0.003 (bootstrap over networks), and 0.02 is four of these above 0.146: 6e-5."""
    loads = np.arange(0.13, 0.22, 0.015)
    found = [capacity(n, loads, networks=k, probes=50, seed=n) for n, k in ((250, 12), (1000, 3))]
    limit, shift = limit_capacity(found)
    assert abs(limit - 0.138) < 0.02 and shift > 0


def test_far_from_the_limit_all_or_nothing():
    low, high = capacity(1000, [0.10, 0.25], networks=2, probes=60, seed=4).retained.mean(axis=1)
    # at 0.10 a pattern of 1000 neurons is lost with less than 1e-4, at 0.25 it is kept with less than 1e-2
    assert low >= 0.99 and high <= 0.05


@pytest.mark.parametrize("rule", [pseudo_inverse, storkey])
def test_other_rules_hold_more(rule):
    """At alpha = 0.2 of 200 neurons; Hebb's rule keeps less than half."""
    assert capacity(200, [0.2], networks=4, seed=1).retained.mean() < 0.6
    assert capacity(200, [0.2], networks=2, rule=rule, seed=1).retained.mean() > 0.95


def test_noise_at_the_start_is_corrected():
    # basins at alpha = 0.05 reach much farther than 20 % of the bits
    assert capacity(500, [0.05], noise=0.2, seed=1).retained.mean() == 1.0


def test_critical_load_is_where_half_is_left():
    """Known points: 1, 0.75, 0.25 at 0.1, 0.2, 0.3 pass one half at 0.25; a value out of order is pooled with its neighbour."""
    loads = np.array([0.1, 0.2, 0.3])

    def one(kept, n=100):
        kept = np.array(kept)[:, None]
        return Capacity(n, loads, kept, kept)

    assert one([1, 0.75, 0.25]).critical == pytest.approx(0.25)
    assert one([0.8, 0.9, 0.0]).critical == pytest.approx(0.2 + 0.1 * 0.35 / 0.85)
    assert np.isnan(one([1, 1, 0.6]).critical) and np.isnan(one([0.4, 0.3, 0.2]).critical)
    steps = np.array([[1.0], [0.0]])
    line = [Capacity(n, np.array([0.0, 2 * (0.138 + 2 * n ** (-2 / 3))]), steps, steps) for n in (100, 200, 400)]
    assert limit_capacity(line) == pytest.approx((0.138, 2.0))
    with pytest.raises(ParameterError, match="two sizes"):
        limit_capacity(line[:1])
    with pytest.raises(ParameterError, match="100 neurons.*wider range"):
        limit_capacity([one([1, 1, 0.6]), *line[1:]])
