"""Learning in restricted Boltzmann machines: contrastive divergence (CD-k) and persistent contrastive divergence (PCD).

    W += eta (V^T q(h|V) - v^T q(h|v)),   b += eta (V - v),   c += eta (q(h|V) - q(h|v)),    means over a batch

V are data; v comes from k steps of Gibbs sampling that begin at the data (CD-k) or where those of the last batch ended (PCD).

Source: G. E. Hinton 2002, doi:10.1162/089976602760128018; T. Tieleman 2008, doi:10.1145/1390156.1390290.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.attractors import checks
from neurosim.attractors.boltzmann_machine import BoltzmannMachine
from neurosim.errors import ParameterError

#: standard deviation of the first weights (G. E. Hinton 2012, doi:10.1007/978-3-642-35289-8_32)
FIRST = 0.01


def initial_machine(n_visible: int, n_hidden: int, seed: Any = 0, dtype: Any = np.float64) -> BoltzmannMachine:
    """Return a machine with weights from a normal distribution of standard deviation 0.01 and biases of 0.

    n_visible, n_hidden: units; seed: a whole number or a NumPy Generator; dtype: float64 or float32.
    """
    shape = checks.whole(n_visible, "n_visible", 1), checks.whole(n_hidden, "n_hidden", 1)
    return BoltzmannMachine((FIRST * checks.generator(seed).standard_normal(shape)).astype(dtype))


def _probabilities(z: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Return logistic(z + bias) in the place of z, as (1 + tanh(z/2))/2, for which NumPy has vector code."""
    z += bias
    z *= 0.5
    np.tanh(z, out=z)
    z *= 0.5
    z += 0.5
    return z


class Trainer:
    """Learns batch by batch; its parameters change in place.

    Args:
        machine: to start with.
        rate: eta, 0 or more.
        steps: k of CD-k, or Gibbs steps a batch of PCD.
        persistent: PCD, else CD.
        chains: of PCD, states that go on from batch to batch.
        momentum: part of the last change that is made again, from 0 to below 1.
        decay: weights shrink by rate times decay times themselves (L2).
        sample_data: data are probabilities of 1, and 0 or 1 is drawn by them whenever they are shown; else they are taken as
            they are.
        seed: a whole number or a NumPy Generator.

    Raises:
        ParameterError: for unusable values.
    """

    def __init__(self, machine: BoltzmannMachine, *, rate: float = 0.1, steps: int = 1, persistent: bool = True,
                 chains: int = 10, momentum: float = 0.0, decay: float = 0.0, sample_data: bool = False, seed: Any = 0):
        self.rate = checks.positive(rate, "rate", zero=True)
        self.steps, chains = checks.whole(steps, "steps", 1), checks.whole(chains, "chains", 1)
        self.momentum, self.decay = checks.positive(momentum, "momentum", zero=True), checks.positive(decay, "decay", zero=True)
        if self.momentum >= 1:
            raise ParameterError(f"momentum must be below 1, not {momentum!r}.")
        self.sample_data = bool(sample_data)
        self.rng = checks.generator(seed)
        self.w, self.b, self.c = (np.array(a) for a in (machine.weights, machine.visible_bias, machine.hidden_bias))
        self.hidden = np.zeros((chains, machine.n_hidden), self.w.dtype) if persistent else None
        self._speed = [np.zeros_like(a) for a in (self.w, self.b, self.c)] if self.momentum else None
        self._room: dict[Any, np.ndarray] = {}

    @property
    def machine(self) -> BoltzmannMachine:
        """The machine as it is now, a copy."""
        return BoltzmannMachine(self.w, self.b, self.c)

    def learn(self, v: np.ndarray) -> None:
        """Make one update by a batch v (m, n_visible) of the type of the weights; shape and values are not checked."""
        m, k = len(v), len(v) if self.hidden is None else len(self.hidden)
        # data and samples in one matrix: one product gives both averages
        both = self._array("both", (m + k, v.shape[1]))
        q = self._array("q", (m + k, self.c.size))
        if self.sample_data:
            v = self._draw(v, both[:m])
        else:
            both[:m] = v
        sample = both[m:]
        if self.hidden is None:
            chain = self._draw(self._hidden(v, q[:m]), self._array("chain", q[m:].shape))
            for i in range(self.steps):
                self._draw(self._visible(chain), sample)
                self._hidden(sample, q[m:])
                if i + 1 < self.steps:
                    self._draw(q[m:], chain)
        else:
            for i in range(self.steps):
                self._draw(self._visible(self.hidden), sample)
                if i + 1 < self.steps:
                    self._draw(self._hidden(sample, q[m:]), self.hidden)
            self._hidden(both, q)
            self._draw(q[m:], self.hidden)
        self._change(both, q, m)

    def _change(self, both: np.ndarray, q: np.ndarray, m: int) -> None:
        """Change the parameters by states `both` and hidden probabilities q, of which the first m rows are of the data."""
        share = self._array("share", (len(both),))
        share[:m], share[m:] = self.rate / m, -self.rate / (len(both) - m)
        q *= share[:, None]
        if self._speed is None:
            if self.decay:
                self.w *= 1 - self.rate * self.decay
            self.w += np.matmul(both.T, q, out=self._array("w", self.w.shape))
            self.b += share @ both
            self.c += q.sum(axis=0)
            return
        changes = both.T @ q - self.rate * self.decay * self.w, share @ both, q.sum(axis=0)
        for array, speed, change in zip((self.w, self.b, self.c), self._speed, changes):
            speed *= self.momentum
            speed += change
            array += speed

    def _array(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        # batches of one size share their arrays: small updates would spend their time on memory otherwise
        key = name, shape
        if key not in self._room:
            self._room[key] = np.empty(shape, self.w.dtype)
        return self._room[key]

    def _hidden(self, v: np.ndarray, out: np.ndarray) -> np.ndarray:
        return _probabilities(np.matmul(v, self.w, out=out), self.c)

    def _visible(self, h: np.ndarray) -> np.ndarray:
        return _probabilities(np.matmul(h, self.w.T, out=self._array("p", (len(h), self.b.size))), self.b)

    def _draw(self, p: np.ndarray, out: np.ndarray) -> np.ndarray:
        """Write 1 with probability p, else 0, into `out`."""
        return np.less(self.rng.random(out=self._array("u", p.shape), dtype=p.dtype), p, out=out)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_room": {}}


def contrastive_step(machine: BoltzmannMachine, v: Any, *, rate: float = 0.1, steps: int = 1,
                     seed: Any = 0) -> BoltzmannMachine:
    """Return the machine after one update by CD-k on a batch v (m, n_visible).

    rate: eta; steps: k; seed: a whole number or a NumPy Generator.

    Raises:
        ParameterError: for unusable values.
    """
    v = checks.rows(v, "v", machine.n_visible, machine.weights.dtype)
    if not len(v):
        raise ParameterError("v has no rows. Give at least one visible state.")
    trainer = Trainer(machine, rate=rate, steps=steps, persistent=False, seed=seed)
    trainer.learn(v)
    return trainer.machine
