"""Where numbers ceased to be finite, which spiking layers are silent or always fire, and what helps."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim import autodiff as ad
from neurosim.learning.layers import Mode
from neurosim.learning.models import Model
from neurosim.learning.optimisers import Optimiser


class Explosion(Exception):
    """Numbers ceased to be finite.

    Attributes:
        place: the loss, and the first layer whose weights or outputs are not finite.
        remedy: what helps against it.
    """

    def __init__(self, place: str, remedy: str):
        super().__init__(place, remedy)
        self.place, self.remedy = place, remedy

    def told(self, epoch: int) -> str:
        """Return a message for the epoch of this number, counted from 0."""
        return f"Training stopped in epoch {epoch}: {self.place}. What was learnt before this epoch is kept. {self.remedy}."


def explosion(model: Model, x: Any, loss: float, optimiser: Optimiser, rng: np.random.Generator | None) -> Explosion:
    """Return what tells which layer was the first whose weights or outputs are not finite, and a remedy.

    Args:
        model: as it was then.
        x: inputs of the batch.
        loss: its loss.
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
    return Explosion(f"the loss is {loss:.4g}, first not finite: {where}", remedy)


def told_of_activity(model: Model, x: Any, epoch: int) -> bool:
    """Return whether a spiking layer never or always fires for samples x, and warn if so (`spiking.warn_of_activity`).

    Args:
        model: as it is after the epoch of this number, counted from 0.
        x: some inputs.
        epoch: for the message.
    """
    from neurosim.learning.spiking_layers import AdaptiveSpiking, Spiking
    from neurosim.spiking import warn_of_activity

    kinds = (Spiking, AdaptiveSpiking)
    if not any(isinstance(layer, kinds) for layer in model.layers.layers):
        return False
    told = False
    with ad.no_grad():
        for key, layer, value in model.through(x, Mode()):
            if isinstance(layer, kinds):
                told |= warn_of_activity(f"train: after epoch {epoch}, layer {key} ({type(layer).__name__})", value, 4)
    return told


def _size(values: Any) -> float:
    return float(np.max(np.abs(values))) if np.size(values) else 0.0
