"""One pass over the samples: what training and the learners do in an epoch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from neurosim.autodiff import Var
from neurosim.learning import faults
from neurosim.learning.descent import Descent
from neurosim.learning.models import Model

Loss = Callable[[Any, Any], Var]
Seen = Callable[[Var, np.ndarray, float, int], None]


def one_pass(model: Model, loss: Loss, descent: Descent, x: np.ndarray, t: np.ndarray, parts: Iterable[np.ndarray], epoch: int,
             noise: np.random.Generator, seen: Seen | None = None) -> tuple[float, float]:
    """Make a step for each part of the samples.

    Args:
        model: whose parameters `descent` changes.
        loss: function of outputs and targets, mean over samples.
        descent: the optimiser with the parameters.
        x, t: inputs in the dtype of the model, and targets.
        parts: numbers of the samples of each step, all of them once.
        epoch: number of the pass, from 0, for learning rates that change.
        noise: random numbers of the layers.
        seen: called after each step with outputs, targets, mean loss so far and number of samples so far.

    Returns:
        The mean loss, and the last learning rate.

    Raises:
        Explosion: the loss or a parameter is not finite.
    """
    n, done, total, rate = len(x), 0, 0.0, 0.0
    for chosen in parts:
        part, goal = x[chosen], t[chosen]
        z = model(part, True, noise)
        error = loss(z, goal)
        value = float(error.value)
        if not math.isfinite(value):
            raise faults.explosion(model, part, value, descent.optimiser, noise)
        error.backward(release=True)
        done += len(chosen)
        rate = descent.step(epoch + done/n)
        total += value*len(chosen)
        if seen is not None:
            seen(z, goal, total/done, done)
    if not np.isfinite(descent.x).all():
        raise faults.explosion(model, part, value, descent.optimiser, noise)
    return total/n, float(rate)
