"""How active layers are: bounds on it as a part of the loss, and warnings of layers from which nothing can be learnt."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from neurosim import autodiff as ad
from neurosim.autodiff import Var
from neurosim.autodiff.graph import data
from neurosim.errors import NumericalWarning, ParameterError

#: share of steps with a spike below which a layer is said never to fire, and above which always
NEVER, ALWAYS = 1e-4, 0.9


def activity_penalty(s: Any, low: float = 0.0, high: float | None = None, strength: float = 1.0) -> Var:
    """Return a penalty of neurons that spike too little or too much, a number to be added to a loss.

        r_j = mean over samples of the number of spikes of neuron j
        strength/units sum over j of max(0, low - r_j)^2 + max(0, r_j - high)^2

    Args:
        s: spikes, shape (n, T, units).
        low, high: spikes per sample; high None for no such bound.
        strength: factor.

    Raises:
        ParameterError: the bounds are not 0 <= low <= high, or there are no samples.

    Source: Zenke & Vogels 2021 (doi:10.1162/neco_a_01367), whose bounds these are.
    """
    if not 0 <= low or (high is not None and not low <= high):
        raise ParameterError(f"activity_penalty: the bounds are low={low!r} and high={high!r}; 0 <= low <= high is needed.")
    if np.ndim(data(s)) != 3 or not np.size(data(s)):
        raise ParameterError(f"activity_penalty: spikes of shape {np.shape(data(s))}; (n, T, units), none 0, is needed.")
    rate = ad.mean(ad.sum(s, axis=1), axis=0)
    total = ad.mean(ad.square(ad.maximum(low - rate, 0.0)))
    if high is not None:
        total = total + ad.mean(ad.square(ad.maximum(rate - high, 0.0)))
    return strength*total


def warn_of_activity(layer: str, s: Any, stacklevel: int = 2) -> bool:
    """Return whether a layer never or always fires, and warn if so.

    Args:
        layer: what it is called.
        s: spikes, shape (n, T, units).
        stacklevel: as for warnings.warn.

    Warns:
        NumericalWarning: with the layer, its rate and a remedy.
    """
    values = np.asarray(data(s))
    rate = float(values.mean()) if values.size else 0.5
    if NEVER < rate < ALWAYS:
        return False
    what, remedy = (("never fires", "larger first weights, a lower threshold or a penalty on low activity") if rate <= NEVER
                    else ("always fires", "smaller first weights, a higher threshold or a penalty on high activity"))
    warnings.warn(f"{layer} {what}: {rate:.2g} spikes per neuron and step. Little can be learnt through it; use {remedy}.",
                  NumericalWarning, stacklevel=stacklevel)
    return True
