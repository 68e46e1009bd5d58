"""Energies of attractor networks never rise, whatever the weights, states and orders."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.attractors import SYNCHRONOUS, Hopfield, ModernHopfield, hebbian, pseudo_inverse, storkey

EPS = np.finfo(float).eps
SEEDS = st.integers(0, 2**32 - 1)


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, n=st.integers(1, 40), scale=st.sampled_from([1e-6, 1.0, 1e6]), diagonal=st.booleans())
def test_asynchronous_updates_never_raise_the_energy(seed, n, scale, diagonal):
    rng = np.random.default_rng(seed)
    w = scale * rng.normal(size=(n, n))
    w = w + w.T
    np.fill_diagonal(w, np.abs(np.diag(w)) if diagonal else 0.0)
    net = Hopfield(w, scale * rng.normal(size=n))
    found = net.recall(rng.integers(0, 2, (5, n)) * 2.0 - 1.0, seed=seed, every_update=True)
    # a change that lowers E is larger than the rounding of adding it up
    assert np.all(np.diff(found.energy, axis=0) <= EPS * np.abs(found.energy[1:]))
    assert np.all(found.converged) and net.stable(found.states).all()


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, n=st.integers(2, 30), m=st.integers(1, 6), rule=st.sampled_from([hebbian, storkey, pseudo_inverse]))
def test_recall_ends_in_a_minimum_of_whatever_was_learnt(seed, n, m, rule):
    rng = np.random.default_rng(seed)
    m = min(m, n - 1)
    x = rng.integers(0, 2, (m, n)) * 2.0 - 1.0
    net = Hopfield.storing(x, rule)
    found = net.recall(rng.integers(0, 2, (4, n)) * 2.0 - 1.0, seed=seed)
    size = np.abs(net.weights).sum() + 1
    for state, energy in zip(found.states, found.energy[-1]):
        # one neuron turned over in each row
        turned = np.where(np.eye(n, dtype=bool), -state, state)
        assert np.all(net.energy(turned) >= energy - 1e-11 * size)


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, n=st.integers(1, 30))
def test_synchronous_updates_end_in_a_cycle_of_at_most_two(seed, n):
    rng = np.random.default_rng(seed)
    w = rng.normal(size=(n, n))
    found = Hopfield(w + w.T, rng.normal(size=n)).recall(rng.integers(0, 2, (6, n)) * 2.0 - 1.0, SYNCHRONOUS, sweeps=2000)
    assert set(found.period) <= {1, 2}


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, n=st.integers(1, 12), m=st.integers(1, 20), beta=st.floats(1e-3, 1e3))
def test_updates_of_modern_networks_never_raise_the_energy(seed, n, m, beta):
    """And E is at least 0, and at most 2 M^2 for means of patterns (Ramsauer et al. 2021, lemma A1)."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(m, n))
    net = ModernHopfield(x, beta)
    q = rng.dirichlet(np.ones(m), 5) @ x
    before, after = net.energy(q), net.energy(net.update(q))
    size = (x**2).sum(axis=1).max()
    slack = 1e-12 * (size + 1 / beta)
    assert np.all(after <= before + slack)
    assert np.all(before >= -slack) and np.all(before <= 2 * size + slack)
