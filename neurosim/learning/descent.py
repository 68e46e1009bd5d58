"""Steps of an optimiser over many parameters at once.

All parameters are put into one flat array, of which their values become views: a step is then a few passes over one array, in
pieces that stay in a cache, however many parameters there are.  Weights (two axes and more) lie in front of biases and gains.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from neurosim.autodiff import Var
from neurosim.errors import ParameterError
from neurosim.learning.optimisers import Optimiser
from neurosim.learning.schedules import demand_rate, rate_at

#: elements of a piece: four arrays of this many float64 fit into a cache of 512 kB
PIECE = 16384


class Descent:
    """Parameters and an optimiser.

        descent = Descent([w, b], Adam(0.01), l2=1e-4)
        loss.backward()
        descent.step()                  # changes w.value and b.value, and clears their gradients

    With L1 and L2 the gradient belongs to loss + l1 sum |w| + l2/2 sum w^2 over all weights w; biases are left alone.

    Args:
        parameters: variables, all of one dtype; their values become views of one array.
        optimiser: description of the rule.
        l1, l2: strengths of the penalties.
        clip: if the norm of the whole gradient (of the loss) is above this, it is scaled down to it; None: never.

    Attributes:
        state: what the optimiser carries, flat arrays by name.
        steps: how many there were.

    Raises:
        ParameterError: no parameters, several dtypes, or numbers out of range.

    Source of clipping: Pascanu, Mikolov & Bengio 2013, arXiv:1211.5063.
    """

    def __init__(self, parameters: Iterable[Var], optimiser: Optimiser, l1: float = 0.0, l2: float = 0.0,
                 clip: float | None = None):
        found = sorted((v for v in parameters if v.tracked), key=lambda v: v.ndim < 2)
        if not found or len({v.dtype for v in found}) > 1 or len({id(v) for v in found}) < len(found):
            raise ParameterError("Descent: parameters must be variables of one dtype, at least one, none of them twice.")
        if not isinstance(optimiser, Optimiser):
            raise ParameterError(f"Descent: {optimiser!r} is no optimiser. Pass one such as Adam(0.001).")
        demand_rate("Descent: l1 as", l1)
        demand_rate("Descent: l2 as", l2)
        if clip is not None and not clip > 0:
            raise ParameterError(f"Descent: clip={clip!r} must be positive, or None.")
        self.optimiser, self.l1, self.l2, self.clip, self.parameters, self.steps = optimiser, l1, l2, clip, found, 0
        n, dtype = sum(v.size for v in found), found[0].dtype
        self.weights = sum(v.size for v in found if v.ndim >= 2)
        self.x, self.g = np.empty(n, dtype), np.zeros(n, dtype)
        self.state = {name: np.zeros(n, dtype) for name in optimiser.slots}
        self._scratch = np.empty(min(n, PIECE), dtype)
        self._slots, end = [], 0
        for v in found:
            start, end = end, end + v.size
            view = self.x[start:end].reshape(v.shape)
            view[...] = v.value
            v.value = view
            self._slots.append((v, self.g[start:end].reshape(v.shape)))

    def step(self, epoch: float = 0.0) -> float:
        """Make a step along the gradients, clear them, and return the learning rate.

        Args:
            epoch: time, for schedules.
        """
        for v, slot in self._slots:
            if v.grad is None:
                slot.fill(0)
            else:
                np.copyto(slot, v.grad)
                v.grad = None
        self.steps += 1
        rate = rate_at(self.optimiser.rate, epoch)
        if self.clip is not None and (size := math.sqrt(float(np.dot(self.g, self.g)))) > self.clip:
            self.g *= self.clip/size
        if self.weights and (self.l1 or self.l2):
            x, g = self.x[:self.weights], self.g[:self.weights]
            if self.l2:
                g += self.l2*x
            if self.l1:
                g += self.l1*np.sign(x)
        if (decay := getattr(self.optimiser, "decay", 0.0)) and self.weights:
            self.x[:self.weights] *= 1 - rate*decay
        if self.x.size <= PIECE:
            self.optimiser.update(self.x, self.g, self.state, rate, self.steps, self._scratch)
            return rate
        for k in range(0, self.x.size, PIECE):
            piece = slice(k, k + PIECE)
            x = self.x[piece]
            self.optimiser.update(x, self.g[piece], {name: a[piece] for name, a in self.state.items()}, rate, self.steps,
                                  self._scratch[:x.size])
        return rate

    def penalty(self) -> float:
        """Return l1 sum |w| + l2/2 sum w^2."""
        w = self.x[:self.weights]
        return float((self.l1*np.abs(w).sum() if self.l1 else 0.0) + (self.l2/2*np.dot(w, w) if self.l2 else 0.0))

    def norms(self, names: Iterable[Any] | None = None) -> dict[Any, float]:
        """Return the norm of the gradient of each parameter in the last step, by the name of the variable."""
        keys = [v.name or k for k, (v, _) in enumerate(self._slots)] if names is None else list(names)
        return {key: float(np.linalg.norm(slot)) for key, (_, slot) in zip(keys, self._slots)}
