"""Restricted Boltzmann machines: energies, conditional probabilities, Gibbs sampling, generation and filling in.

    E(v, h) = -v W h^T - b v^T - c h^T,      P(v, h) = exp(-E)/Z,      units are 0 or 1
    P(h_j = 1 | v) = logistic(v W + c)_j,    P(v_i = 1 | h) = logistic(h W^T + b)_i     (from the energy gaps)
    F(v) = -ln sum_h exp(-E) = -b v^T - sum_j ln(1 + exp((v W + c)_j)),    P(v) = exp(-F(v))/Z

Visible values between 0 and 1 count as probabilities of being 1.

Source: P. Smolensky 1986, Information processing in dynamical systems, in Parallel Distributed Processing 1, MIT Press;
G. E. Hinton 2002, doi:10.1162/089976602760128018.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.attractors import checks
from neurosim.errors import ParameterError

#: numbers of a block of hidden inputs: it stays in the cache of a core (1 MB)
BLOCK = 131_072


def logistic(z: np.ndarray) -> np.ndarray:
    """Return 1/(1 + exp(-z))."""
    from scipy.special import expit

    return expit(z)


def softplus(z: np.ndarray) -> np.ndarray:
    """Return ln(1 + exp(z)), without overflow."""
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def flips(p: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return 1 with probability p, else 0, in the type of p."""
    return (rng.random(p.shape, dtype=p.dtype) < p).astype(p.dtype)


@dataclass(frozen=True, eq=False)
class BoltzmannMachine:
    """A restricted Boltzmann machine with given parameters.

    Args:
        weights: W (n_visible, n_hidden).
        visible_bias: b (n_visible,) or a number.
        hidden_bias: c (n_hidden,) or a number.

    float32 weights make everything float32, others float64.

    Raises:
        ParameterError: for shapes that do not fit, NaN or infinity.
    """

    weights: Any
    visible_bias: Any = 0.0
    hidden_bias: Any = 0.0

    def __post_init__(self):
        kind = np.float32 if getattr(self.weights, "dtype", None) == np.float32 else np.float64
        w = checks.rows(self.weights, "BoltzmannMachine: weights", dtype=kind)
        if not len(w):
            raise ParameterError("BoltzmannMachine: weights has no rows; at least one visible unit is needed.")
        object.__setattr__(self, "weights", np.array(w))
        for name, n in (("visible_bias", w.shape[0]), ("hidden_bias", w.shape[1])):
            bias = checks.numbers(getattr(self, name), f"BoltzmannMachine: {name}", kind)
            if bias.shape not in ((), (n,)):
                raise ParameterError(f"BoltzmannMachine: {name} has shape {bias.shape}; a number or ({n},) is needed for "
                                     f"weights of shape {w.shape}.")
            object.__setattr__(self, name, np.array(np.broadcast_to(bias, n)))

    @property
    def n_visible(self) -> int:
        """Number of visible units."""
        return self.weights.shape[0]

    @property
    def n_hidden(self) -> int:
        """Number of hidden units."""
        return self.weights.shape[1]

    def _visible(self, v: Any, what: str = "v") -> np.ndarray:
        return checks.last_axis(v, what, self.n_visible, self.weights.dtype)

    def _hidden(self, h: Any, what: str = "h") -> np.ndarray:
        return checks.last_axis(h, what, self.n_hidden, self.weights.dtype)

    def energy(self, v: Any, h: Any) -> np.ndarray:
        """Return E(v, h) of states v (..., n_visible) and h (..., n_hidden), shape (...)."""
        v, h = self._visible(v), self._hidden(h)
        return -((v @ self.weights) * h).sum(axis=-1) - v @ self.visible_bias - h @ self.hidden_bias

    def free_energy(self, v: Any) -> np.ndarray:
        """Return F(v) of visible states (..., n_visible), shape (...)."""
        v = self._visible(v)
        return -softplus(v @ self.weights + self.hidden_bias).sum(axis=-1) - v @ self.visible_bias

    def hidden_probabilities(self, v: Any) -> np.ndarray:
        """Return P(h_j = 1 | v), shape (..., n_hidden)."""
        return logistic(self._visible(v) @ self.weights + self.hidden_bias)

    def visible_probabilities(self, h: Any) -> np.ndarray:
        """Return P(v_i = 1 | h), shape (..., n_visible)."""
        return logistic(self._hidden(h) @ self.weights.T + self.visible_bias)

    def pseudo_log_likelihood(self, v: Any) -> np.ndarray:
        """Return sum over i of ln P(v_i | all other v), shape (...): each visible unit turned over in its turn, none left out.

            P(v_i | others) = logistic(F(v with v_i turned) - F(v))

        Values between 0 and 1 are turned to 1 - v_i.  Source: J. Besag 1975, doi:10.2307/2987782.
        """
        v = self._visible(v)
        rows = v.reshape(-1, self.n_visible)
        total = np.zeros(len(rows))
        step = max(1, BLOCK // self.n_hidden)
        for a in range(0, len(rows), step):
            part = rows[a:a + step]
            z = part @ self.weights + self.hidden_bias
            base = softplus(z).sum(axis=1)
            for i in range(self.n_visible):
                turn = 1 - 2 * part[:, i]
                gap = base - softplus(z + turn[:, None] * self.weights[i]).sum(axis=1) - turn * self.visible_bias[i]
                total[a:a + step] -= softplus(-gap)
        return total.reshape(v.shape[:-1])

    def gibbs(self, v: Any, steps: int = 1, seed: Any = 0, known: Any = None) -> tuple[np.ndarray, np.ndarray]:
        """Sample hidden from visible and visible from hidden units, `steps` times.

        Args:
            v: states to start at, (..., n_visible).
            steps: 1 or more.
            seed: a whole number or a NumPy Generator.
            known: flags (n_visible,) or (..., n_visible) of units that keep their value; None for none.

        Returns:
            The visible states, and the probabilities that they were drawn with; both as v.

        Raises:
            ParameterError: for other shapes or values.
        """
        v, rng = self._visible(v), checks.generator(seed)
        keep = self._known(known, v.shape)
        state, p = v, v
        for _ in range(checks.whole(steps, "steps", 1)):
            h = flips(logistic(state @ self.weights + self.hidden_bias), rng)
            p = logistic(h @ self.weights.T + self.visible_bias)
            state = flips(p, rng)
            if keep is not None:
                p, state = np.where(keep, v, p), np.where(keep, v, state)
        return state, p

    def generate(self, n: int, steps: int = 1000, seed: Any = 0, start: Any = None) -> np.ndarray:
        """Return n fantasies: probabilities P(v_i = 1 | h) after `steps` of Gibbs sampling, (n, n_visible).

        start: visible states (m, n_visible) that chains begin at, drawn from at random, such as data; None for noise.
        """
        rng, n = checks.generator(seed), checks.whole(n, "n", 0)
        if start is None:
            v = rng.integers(0, 2, (n, self.n_visible)).astype(self.weights.dtype)
        else:
            start = checks.rows(start, "start", self.n_visible, self.weights.dtype)
            if not len(start):
                raise ParameterError("start has no rows. Give at least one visible state, or None for noise.")
            v = start[rng.integers(0, len(start), n)]
        return self.gibbs(v, steps, rng)[1]

    def fill_in(self, v: Any, known: Any, steps: int = 200, seed: Any = 0) -> np.ndarray:
        """Return v with its unknown parts replaced by their expectation given the known ones, (..., n_visible).

        The mean of P(v_i = 1 | h) over the second half of `steps` of Gibbs sampling with the known units held.

        Args:
            v: visible states; what is unknown may hold anything, NaN too.
            known: flags, (n_visible,) or (..., n_visible).
            steps: 2 or more.
            seed: a whole number or a NumPy Generator.
        """
        v = np.asarray(v)
        keep, rng = np.asarray(known), checks.generator(seed)
        half = checks.whole(steps, "steps", 2) // 2
        if keep.dtype == bool and v.dtype.kind in "biuf" and keep.shape in (v.shape, v.shape[-1:]):
            # from noise: whatever stands in the unknown part must not matter
            v = np.where(keep, v, rng.integers(0, 2, v.shape))
        state, p = self.gibbs(v, steps - half, rng, keep)
        total = np.zeros_like(p)
        for _ in range(half):
            state, p = self.gibbs(state, 1, rng, keep)
            total += p
        return total / half

    def _known(self, known: Any, shape: tuple[int, ...]) -> np.ndarray | None:
        if known is None:
            return None
        keep = np.asarray(known)
        if keep.dtype != bool or keep.shape not in (shape, shape[-1:]):
            raise ParameterError(f"known has type {keep.dtype} and shape {keep.shape}; flags of shape {shape[-1:]} or {shape} "
                                 "are needed, True where the value is known.")
        return keep
