"""Modern (dense) Hopfield networks: one update is attention.

    x <- softmax(beta x X^T) X
    E(x) = -lse(beta, x X^T) + x x^T/2 + ln(M)/beta + max_k |x_k|^2/2,   lse(beta, z) = ln(sum_k exp(beta z_k))/beta

X (M, N) holds a pattern in each row, x (..., N) states.  E never rises; it is 0 or more.  With queries x, keys X and values X,
and beta = 1/sqrt(N), an update is the attention of transformers.

Source: H. Ramsauer et al. 2021, Hopfield networks is all you need, ICLR, doi:10.48550/arXiv.2008.02217.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.attractors import checks
from neurosim.errors import ParameterError

#: numbers of a block of similarities, so that many states at once need no more than this (8 MB)
BLOCK = 1_000_000


def attention(queries: Any, keys: Any, values: Any, beta: float | None = None) -> np.ndarray:
    """Return softmax(beta Q K^T) V.

    Args:
        queries: Q (..., N).
        keys: K (M, N), at least one.
        values: V (M, L).
        beta: inverse temperature; None for 1/sqrt(N).

    Raises:
        ParameterError: for shapes that do not fit, NaN, infinity, or a beta that is not above 0.

    Source: A. Vaswani et al. 2017, doi:10.48550/arXiv.1706.03762.
    """
    k = checks.rows(keys, "keys")
    v = checks.rows(values, "values")
    if not len(k) or len(v) != len(k):
        raise ParameterError(f"attention: {len(k)} keys and {len(v)} values; one value for each key is needed, "
                             "and at least one.")
    q = checks.last_axis(queries, "queries", k.shape[1])
    beta = 1 / np.sqrt(k.shape[1]) if beta is None else checks.positive(beta, "beta")
    return _attend(q.reshape(-1, k.shape[1]), k, v, beta).reshape(*q.shape[:-1], v.shape[1])


def _attend(q: np.ndarray, k: np.ndarray, v: np.ndarray, beta: float) -> np.ndarray:
    out = np.empty((len(q), v.shape[1]), np.result_type(q, v))
    step = max(1, BLOCK // len(k))
    for a in range(0, len(q), step):
        out[a:a + step] = softmax(beta * (q[a:a + step] @ k.T)) @ v
    return out


def softmax(z: np.ndarray) -> np.ndarray:
    """Return exp(z_k)/sum_l exp(z_l) over the last axis; the largest is taken out first, so nothing overflows."""
    p = np.exp(z - z.max(axis=-1, keepdims=True))
    p /= p.sum(axis=-1, keepdims=True)
    return p


@dataclass(frozen=True, eq=False)
class ModernHopfield:
    """A memory of real-valued patterns.

    Args:
        patterns: X (M, N), at least one.
        beta: inverse temperature, above 0: the larger, the fewer patterns are mixed in a state of rest.

    Raises:
        ParameterError: for anything else.
    """

    patterns: Any
    beta: float = 1.0

    def __post_init__(self):
        x = checks.rows(self.patterns, "ModernHopfield: patterns")
        if not len(x):
            raise ParameterError("ModernHopfield: patterns has no rows. Give at least one pattern.")
        x = np.array(x)
        x.flags.writeable = False
        object.__setattr__(self, "patterns", x)
        object.__setattr__(self, "beta", checks.positive(self.beta, "ModernHopfield: beta"))

    def energy(self, states: Any) -> np.ndarray:
        """Return E of states x (..., N), shape (...)."""
        x = checks.last_axis(states, "states", self.patterns.shape[1])
        z = self.beta * (x @ self.patterns.T)
        top = z.max(axis=-1)
        lse = (top + np.log(np.exp(z - top[..., None]).sum(axis=-1))) / self.beta
        largest = 0.5 * (self.patterns**2).sum(axis=1).max()
        return -lse + 0.5 * (x * x).sum(axis=-1) + np.log(len(self.patterns)) / self.beta + largest

    def weights(self, states: Any) -> np.ndarray:
        """Return softmax(beta x X^T) of states x (..., N): the part of each pattern, (..., M)."""
        x = checks.last_axis(states, "states", self.patterns.shape[1])
        return softmax(self.beta * (x @ self.patterns.T))

    def update(self, states: Any) -> np.ndarray:
        """Return softmax(beta x X^T) X for states x (..., N)."""
        return attention(states, self.patterns, self.patterns, self.beta)

    def recall(self, states: Any, updates: int = 100, tolerance: float = 1e-12) -> np.ndarray:
        """Return the states of rest that states x (..., N) run into.

        updates: at most so many; tolerance: a state is at rest when no value changes by more than this times the largest of
        the patterns.

        Raises:
            ParameterError: for states of another shape, and unusable arguments.
        """
        updates = checks.whole(updates, "updates", 1)
        limit = checks.positive(tolerance, "tolerance", zero=True) * float(np.abs(self.patterns).max())
        n = self.patterns.shape[1]
        states = checks.last_axis(states, "states", n)
        x = np.array(states.reshape(-1, n))
        going = np.arange(len(x))
        for _ in range(updates):
            if not going.size:
                break
            new = _attend(x[going], self.patterns, self.patterns, self.beta)
            moved = np.abs(new - x[going]).max(axis=1) > limit
            x[going] = new
            going = going[moved]
        return x.reshape(states.shape)

    def separation(self) -> np.ndarray:
        """Return Delta_k = x_k x_k^T - max over l != k of x_k x_l^T of each pattern, (M,); infinity for a single one."""
        gram = self.patterns @ self.patterns.T
        own = np.diag(gram).copy()
        np.fill_diagonal(gram, -np.inf)
        return own - gram.max(axis=1)
