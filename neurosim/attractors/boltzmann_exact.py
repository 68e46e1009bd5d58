"""Exact sums over all states of small Boltzmann machines: the truth that sampling is held against.

    ln P(v) = -F(v) - ln Z,    d ln P/dW = <v^T q(h|v)>_data - <v^T q(h|v)>_model,    likewise b, c

The model's average runs over all 2^n states of the smaller layer (n up to 24).  Averages after k steps of Gibbs sampling, which
contrastive divergence uses instead, need the transition matrix between all visible states (n_visible up to 12):

    P(v -> v') = sum_h P(h|v) P(v'|h),     Q_k = Q_0 P^k,     CD_k = KL(Q_0, Q_inf) - KL(Q_k, Q_inf)

Source: G. E. Hinton 2002, doi:10.1162/089976602760128018.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from neurosim.attractors import checks
from neurosim.attractors.boltzmann_machine import BoltzmannMachine, logistic, softplus
from neurosim.errors import ParameterError

#: units of the smaller layer, and visible units where all pairs of states are needed
LARGEST, LARGEST_PAIRS = 24, 12
#: states at a time
CHUNK = 1 << 14


class Statistics(NamedTuple):
    """Averages, or a gradient: for W (n_visible, n_hidden), b (n_visible,) and c (n_hidden,)."""

    weights: np.ndarray
    visible: np.ndarray
    hidden: np.ndarray

    def minus(self, other: Statistics) -> Statistics:
        """Return the differences."""
        return Statistics(*(a - b for a, b in zip(self, other)))


def all_states(n: int) -> np.ndarray:
    """Return all 2^n states of n units, (2^n, n) of 0 and 1; unit 0 changes slowest."""
    return np.concatenate(list(_chunks(n)))


def _chunks(n: int) -> Iterator[np.ndarray]:
    for a in range(0, 1 << n, CHUNK):
        k = np.arange(a, min(a + CHUNK, 1 << n))
        yield ((k[:, None] >> np.arange(n - 1, -1, -1)) & 1).astype(float)


def _small(machine: BoltzmannMachine) -> tuple[np.ndarray, np.ndarray, np.ndarray, bool]:
    """Return W, biases of the layer that is summed over and of the other one, and whether the first is the visible one."""
    n = min(machine.weights.shape)
    if n > LARGEST:
        raise ParameterError(f"Exact sums over 2^{n} states: a machine of {machine.n_visible} visible and {machine.n_hidden} "
                             f"hidden units is too large. One layer must have at most {LARGEST} units; use "
                             "pseudo_log_likelihood.")
    w, b, c = (np.asarray(a, float) for a in (machine.weights, machine.visible_bias, machine.hidden_bias))
    visible = machine.n_visible <= machine.n_hidden
    return (w, b, c, True) if visible else (w.T, c, b, False)


def log_partition(machine: BoltzmannMachine) -> float:
    """Return ln Z, Z = sum over v and h of exp(-E(v, h)).

    Raises:
        ParameterError: if both layers have more than 24 units.
    """
    w, inner, outer, _ = _small(machine)
    total = -np.inf
    for s in _chunks(len(inner)):
        a = s @ inner + softplus(s @ w + outer).sum(axis=1)
        top = a.max()
        total = np.logaddexp(total, top + np.log(np.exp(a - top).sum()))
    return float(total)


def log_likelihood(machine: BoltzmannMachine, v: Any) -> np.ndarray:
    """Return ln P(v) of visible states of 0 and 1 (..., n_visible), shape (...)."""
    return -machine.free_energy(v) - log_partition(machine)


def model_statistics(machine: BoltzmannMachine) -> Statistics:
    """Return <v^T h>, <v> and <h> under P(v, h).

    Raises:
        ParameterError: if both layers have more than 24 units.
    """
    w, inner, outer, visible = _small(machine)
    log_z = log_partition(machine)
    both, one, other = np.zeros(w.shape), np.zeros(len(inner)), np.zeros(len(outer))
    for s in _chunks(len(inner)):
        z = s @ w + outer
        p = np.exp(s @ inner + softplus(z).sum(axis=1) - log_z)
        q = logistic(z) * p[:, None]
        both += s.T @ q
        one += p @ s
        other += q.sum(axis=0)
    return Statistics(both, one, other) if visible else Statistics(both.T, other, one)


def data_statistics(machine: BoltzmannMachine, v: Any, share: np.ndarray | None = None) -> Statistics:
    """Return <v^T q(h|v)>, <v> and <q(h|v)> over rows v (m, n_visible), with equal or given shares (m,)."""
    v = checks.rows(v, "v", machine.n_visible)
    if not len(v):
        raise ParameterError("v has no rows. Give at least one visible state.")
    share = np.full(len(v), 1 / len(v)) if share is None else share
    q = machine.hidden_probabilities(v)
    return Statistics((v * share[:, None]).T @ q, share @ v, share @ q)


def log_likelihood_gradient(machine: BoltzmannMachine, v: Any) -> Statistics:
    """Return the gradient of the mean of ln P over rows v (m, n_visible) of 0 and 1, with respect to W, b and c."""
    return data_statistics(machine, v).minus(model_statistics(machine))


def distribution(machine: BoltzmannMachine) -> np.ndarray:
    """Return P(v) of all visible states, (2^n_visible,), in the order of `all_states`."""
    _pairs(machine)
    f = machine.free_energy(all_states(machine.n_visible)).astype(float)
    p = np.exp(f.min() - f)
    return p / p.sum()


def transitions(machine: BoltzmannMachine) -> np.ndarray:
    """Return P(v -> v') of one step of Gibbs sampling, (2^n_visible, 2^n_visible): rows sum to 1."""
    up, down = _halves(machine)
    return up @ down


def _halves(machine: BoltzmannMachine) -> tuple[np.ndarray, np.ndarray]:
    """Return P(h|v) (2^n_visible, 2^n_hidden) and P(v|h), the other way round."""
    _pairs(machine)
    if machine.n_hidden > LARGEST_PAIRS:
        raise ParameterError(f"{machine.n_hidden} hidden units have 2^{machine.n_hidden} states, too many to list: at most "
                             f"{LARGEST_PAIRS} units.")
    v, h = all_states(machine.n_visible), all_states(machine.n_hidden)
    return _given(machine.hidden_probabilities(v), h), _given(machine.visible_probabilities(h), v)


def _after(machine: BoltzmannMachine, q: np.ndarray, k: int) -> np.ndarray:
    """Return Q_k of Q_0 = q."""
    up, down = _halves(machine)
    if checks.whole(k, "k", 1) > 100:
        return q @ np.linalg.matrix_power(up @ down, k)
    for _ in range(k):
        q = (q @ up) @ down
    return q


def _given(p: np.ndarray, states: np.ndarray) -> np.ndarray:
    """Return the probability of each state (columns) if units are 1 with p, a row for each row of p."""
    with np.errstate(divide="ignore"):
        log_p, log_q = np.log(p), np.log1p(-p)
    # -inf times 0 would be NaN: an impossible unit counts only where it is asked for
    low = -745.0 * 2
    return np.exp(np.maximum(log_p, low) @ states.T + np.maximum(log_q, low) @ (1 - states).T)


def _pairs(machine: BoltzmannMachine) -> None:
    if machine.n_visible > LARGEST_PAIRS:
        raise ParameterError(f"{machine.n_visible} visible units have 2^{machine.n_visible} states, too many to list: at most "
                             f"{LARGEST_PAIRS} units.")


def contrastive_gradient(machine: BoltzmannMachine, share: Any, k: int = 1) -> Statistics:
    """Return what the updates of CD-k are on average: <v^T q(h|v)> under Q_0 minus the same under Q_k, likewise b and c.

    Args:
        share: Q_0, the data's probability of all visible states, (2^n_visible,), in the order of `all_states`.
        k: steps of Gibbs sampling.

    Raises:
        ParameterError: for more than 12 units in a layer, or shares that are no probabilities.
    """
    q0, v = _share(machine, share), all_states(machine.n_visible)
    q = _after(machine, q0, k)
    return data_statistics(machine, v, q0).minus(data_statistics(machine, v, q))


def contrastive_divergence(machine: BoltzmannMachine, share: Any, k: int = 1) -> float:
    """Return CD_k = KL(Q_0, Q_inf) - KL(Q_k, Q_inf), 0 or more; arguments as of `contrastive_gradient`."""
    q0, model = _share(machine, share), distribution(machine)
    q = _after(machine, q0, k)
    return kullback_leibler(q0, model) - kullback_leibler(q, model)


def kullback_leibler(p: np.ndarray, q: np.ndarray) -> float:
    """Return sum p ln(p/q), in nats; 0 where p is 0, infinity where only q is 0."""
    some = p > 0
    with np.errstate(divide="ignore"):
        return float(np.sum(p[some] * (np.log(p[some]) - np.log(q[some]))))


def _share(machine: BoltzmannMachine, share: Any) -> np.ndarray:
    _pairs(machine)
    q = checks.last_axis(share, "share", 1 << machine.n_visible)
    if q.ndim != 1 or (q < 0).any() or abs(q.sum() - 1) > 1e-9:
        raise ParameterError(f"share must hold {1 << machine.n_visible} probabilities that add up to 1; their sum is "
                             f"{q.sum():g}.")
    return q
