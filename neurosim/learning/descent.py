"""Steps of an optimiser over many parameters at once.

All parameters are put into one flat array, of which their values become views: a step is then a few passes over one array, in
pieces that stay in a cache, however many parameters there are.  A rule with a compiled form makes one pass over a large array,
and takes the gradients where they are.  Weights (two axes and more) lie in front of biases and gains.
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
        self._bind()

    def _bind(self) -> None:
        """Make the values of the parameters views of x, and bind the rule to the flat arrays."""
        self._slots, end = [], 0
        for v in self.parameters:
            start, end = end, end + v.size
            view = self.x[start:end].reshape(v.shape)
            view[...] = v.value
            v.value = view
            self._slots.append((v, self.g[start:end].reshape(v.shape), start))
        self._gradients = [slot for _, slot, _ in self._slots]
        self._compiled = self.optimiser.compiled(self.x, self.state) if end > PIECE else None
        pieces = [slice(k, k + PIECE) for k in range(0, end, PIECE)]
        self._pieces = [(self.x[p], self.g[p], {name: a[p] for name, a in self.state.items()}) for p in pieces]

    def __getstate__(self) -> dict[str, Any]:
        # what is bound to addresses in memory is made anew
        bound = ("_slots", "_gradients", "_compiled", "_pieces")
        return {name: value for name, value in self.__dict__.items() if name not in bound}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        # arrays that were mapped from a file may be read-only
        self.x, self.g = (np.require(a, requirements="W") for a in (self.x, self.g))
        self.state = {name: np.require(a, requirements="W") for name, a in self.state.items()}
        self._bind()

    def step(self, epoch: float = 0.0) -> float:
        """Make a step along the gradients, clear them, and return the learning rate.

        Args:
            epoch: time, for schedules.
        """
        # the compiled rule takes gradients where they are, unless something is done to all of them before
        gather = self._compiled is None or self.clip is not None or self.l1 or self.l2
        for k, (v, slot, _) in enumerate(self._slots):
            g, v.grad = v.grad, None
            if g is None:
                slot.fill(0)
                g = slot
            elif gather or g.dtype != slot.dtype or not g.flags.c_contiguous:
                np.copyto(slot, g)
                g = slot
            self._gradients[k] = g
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
        if self._compiled is None:
            for x, g, state in self._pieces:
                self.optimiser.update(x, g, state, rate, self.steps, self._scratch[:x.size])
        else:
            for (_, _, start), g in zip(self._slots, self._gradients):
                self._compiled(start, g, rate, self.steps)
        return rate

    def penalty(self) -> float:
        """Return l1 sum |w| + l2/2 sum w^2."""
        w = self.x[:self.weights]
        return float((self.l1*np.abs(w).sum() if self.l1 else 0.0) + (self.l2/2*np.dot(w, w) if self.l2 else 0.0))

    def norms(self, names: Iterable[Any] | None = None) -> dict[Any, float]:
        """Return the norm of the gradient of each parameter in the last step, by the name of the variable."""
        keys = [v.name or k for k, v in enumerate(self.parameters)] if names is None else list(names)
        return {key: float(np.linalg.norm(g)) for key, g in zip(keys, self._gradients)}
