"""Gibbs sampling and contrastive divergence by sampling, against exact averages. Seeds are fixed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from neurosim import attractors
from neurosim.attractors import BoltzmannMachine, Trainer
from neurosim.attractors import boltzmann_exact as exact

#: false alarm of each test of this file
ALARM = 1e-5
RNG = np.random.default_rng(6)
MACHINE = BoltzmannMachine(0.8 * RNG.normal(size=(5, 4)), 0.5 * RNG.normal(size=5), 0.5 * RNG.normal(size=4))


def test_gibbs_samples_have_the_distribution_of_the_model():
    """20,000 independent chains of 60 steps: the second largest eigenvalue to the power of 60 is nothing; chi-square test."""
    left = np.sort(np.abs(np.linalg.eigvals(exact.transitions(MACHINE))))[-2] ** 60
    assert left < 1e-6
    n = 20_000
    v, _ = MACHINE.gibbs(np.zeros((n, 5)), 60, seed=1)
    counts = np.bincount((v @ 2 ** np.arange(4, -1, -1)).astype(int), minlength=32)
    wanted = n * exact.distribution(MACHINE)
    small = wanted < 5
    if small.any():
        counts = np.append(counts[~small], counts[small].sum())
        wanted = np.append(wanted[~small], wanted[small].sum())
    assert stats.chisquare(counts, wanted).pvalue > ALARM


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("data", ["one", "many"])
def test_sampled_updates_are_on_average_the_exact_ones(k, data):
    """The mean of 20,000 samples of each of the 29 changes, in one batch; Bonferroni over all of them."""
    n = 20_000
    v = np.tile([[1.0, 0, 1, 0, 0]], (n, 1)) if data == "one" else (RNG.random((n, 5)) < 0.5).astype(float)
    trainer = Trainer(MACHINE, rate=1.0, steps=k, persistent=False, seed=k)
    trainer.learn(v)
    share = np.bincount((v @ 2 ** np.arange(4, -1, -1)).astype(int), minlength=32) / n
    wanted = attractors.contrastive_gradient(MACHINE, share, k)
    sample = trainer._array("both", (2 * n, 5))[n:]
    q = MACHINE.hidden_probabilities(sample)
    parts = (np.einsum("ki,kj->kij", sample, q), sample, q)
    found = (trainer.w - MACHINE.weights, trainer.b - MACHINE.visible_bias, trainer.c - MACHINE.hidden_bias)
    limit = stats.norm.isf(ALARM / 2 / 29)
    for a, b, part in zip(found, wanted, parts):
        assert np.all(np.abs(a - b) < limit * part.std(axis=0) / np.sqrt(n))


def test_persistent_chains_give_the_gradient_of_the_likelihood():
    """At a rate of 0 chains are a sample of the model after some batches: 20,000 independent ones."""
    n = 20_000
    trainer = Trainer(MACHINE, rate=0.0, persistent=True, chains=n, seed=5)
    v = (RNG.random((50, 5)) < 0.3).astype(float)
    for _ in range(60):
        trainer.learn(v)
    sample = trainer._array("both", (50 + n, 5))[50:]
    q = MACHINE.hidden_probabilities(sample)
    model = attractors.model_statistics(MACHINE)
    limit = stats.norm.isf(ALARM / 2 / 29)
    for part, wanted in zip((np.einsum("ki,kj->kij", sample, q), sample, q), model):
        assert np.all(np.abs(part.mean(axis=0) - wanted) < limit * part.std(axis=0) / np.sqrt(n))


def test_what_is_filled_in_is_the_conditional_expectation():
    """Two units known: 400 chains of 2,000 steps; their means scatter, the standard error is taken from them."""
    known = np.array([True, True, False, False, False])
    states = exact.all_states(5)
    p = exact.distribution(MACHINE) * (states[:, 0] == 1) * (states[:, 1] == 0)
    wanted = (p / p.sum()) @ states
    filled = MACHINE.fill_in(np.tile([1.0, 0, 0, 0, 0], (400, 1)), known, 2000, seed=3)
    limit = stats.t.isf(ALARM / 2 / 3, 399)
    error = filled[:, 2:].std(axis=0, ddof=1) / 20
    assert np.all(np.abs(filled[:, 2:].mean(axis=0) - wanted[2:]) < limit * error) and np.all(error < 0.002)
