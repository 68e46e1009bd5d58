"""Where numbers ceased to be finite, and what helps."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim import autodiff as ad
from neurosim.learning.layers import Mode
from neurosim.learning.models import Model
from neurosim.learning.optimisers import Optimiser


def described(model: Model, x: Any, loss: float, epoch: int, optimiser: Optimiser, rng: np.random.Generator | None) -> str:
    """Return which layer was the first whose weights or outputs are not finite, and a remedy.

    Args:
        model: as it was then.
        x: inputs of the batch.
        loss: its loss.
        epoch: number of the epoch, from 0.
        optimiser: of the training.
        rng: random numbers, or None when not training.
    """
    where, steepest = "", 0.0
    kept = {k: v.copy() for k, v in model.memory.items()}
    with ad.no_grad(), np.errstate(all="ignore"):
        before = _size(x)
        for key, layer, value in model.through(x, Mode(rng is not None, rng)):
            name = f"layer {key} ({type(layer).__name__}"
            own = {n: v.value for n, v in model.parameters.items() if n.split(".")[0] == key}
            size = _size(value.value)
            if wild := [n for n, v in own.items() if not np.isfinite(v).all()]:
                where = f"weights of {name}, parameter {wild[0]!r})"
                break
            if not np.isfinite(size):
                where = f"outputs of {name}, largest weight {max(map(_size, own.values()), default=0.0):.3g})"
                break
            # outputs are finite and the loss is not: it was the layer that made them grow most
            if size > steepest*before:
                where = f"the loss; outputs grow most in {name}, where they reach {size:.3g})"
                steepest = size/max(before, 1e-300)
            before = size
    for name, v in kept.items():
        model.memory[name][...] = v
    size = _size(x)
    remedy = f"Use a lower learning rate (now {optimiser.rate}) or clip=1"
    if size > 100:
        remedy += f"; standardise the inputs, which reach {size:.3g}"
    return (f"Training stopped in epoch {epoch}: the loss is {loss:.4g}, first not finite: {where}. What was learnt before "
            f"this epoch is kept. {remedy}.")


def _size(values: Any) -> float:
    return float(np.max(np.abs(values))) if np.size(values) else 0.0
