"""What is read from spikes: membranes that do not spike, numbers of spikes, and times of first spikes.

    leaky_integrator   I_t = alpha I_(t-1) + s_t w + b,  U_t = beta U_(t-1) + I_t; then .max(axis=1), .mean(axis=1) or [:, -1]
    spike_count        sum of s_t
    first_spike        number of steps before the first spike, T if there is none

Cross entropy is made of them by `neurosim.learning.categorical_cross_entropy`: of the membrane, of the count, or of minus the
time, each as logits.

Source of the first: Zenke & Vogels 2021 (doi:10.1162/neco_a_01367).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim import autodiff as ad
from neurosim.autodiff import Var
from neurosim.autodiff.graph import data, record
from neurosim.errors import ParameterError
from neurosim.spiking import compiled


def leaky_integrator(s: Any, w: Any, b: Any = None, *, alpha: float = 0.0, beta: float = 0.95, feedback: Any = None) -> Var:
    """Return U, shape (n, T, units), of neurons that only integrate.

    Gradients run backwards through the same recursion: dU_t = g_t + beta dU_(t+1), dI_t = dU_t + alpha dI_(t+1).

    Args:
        s: spikes or numbers, shape (n, T, n_in).
        w: weights, shape (n_in, units).
        b: constant input, shape (units,), or None.
        alpha, beta: decays per step, from 0 to 1.
        feedback: what carries gradients back to s instead of w, same shape; None: w.

    Raises:
        ParameterError: shapes that do not fit, numbers out of range.
    """
    for name, value in (("alpha", alpha), ("beta", beta)):
        if not 0 <= value <= 1:
            raise ParameterError(f"leaky_integrator: {name} must lie from 0 to 1, not {value!r}.")
    _demand_time("leaky_integrator", s)
    z = ad.affine(s, w, b) if feedback is None else _fed_back(s, w, b, np.asarray(data(feedback)))
    if z.dtype not in (np.float32, np.float64):
        z = record("widened", z.value.astype(np.float64), (z,), lambda g: g)
    n, steps, units = z.shape
    single = z.dtype == np.float32
    decays = np.full(units, alpha, z.dtype), np.full(units, beta, z.dtype)

    def through(values: np.ndarray, backwards: bool) -> np.ndarray:
        out = np.array(values, z.dtype, order="C")
        compiled.integrate(single).bind(steps, units, int(backwards), *decays, out.reshape(-1))(0, n)
        return out

    return record("leaky_integrator", through(z.value, False), (z,), lambda g: through(g, True))


def spike_count(s: Any) -> Var:
    """Return the number of spikes of each neuron, (n, units), from spikes (n, T, units); ds_t = g."""
    _demand_time("spike_count", s)
    return ad.sum(s, axis=1)


def first_spike(s: Any) -> Var:
    """Return the number of steps before the first spike of each neuron, (n, units), T without one, from spikes (n, T, units).

        f = sum over t of (1 - s_1)(1 - s_2) ... (1 - s_t)
        df/ds_k = - sum over t >= k of the product without its factor k

    A spike more, before the first at step f, would come f - k earlier; the first one left out would leave it to the second.
    """
    _demand_time("first_spike", s)
    x = np.asarray(data(s))
    none_yet = np.cumprod(1 - x, axis=1)

    def pull(g: np.ndarray) -> np.ndarray:
        # the product of all factors before k, times the sum over t >= k of the products of those after k, from the end
        steps = x.shape[1]
        d = np.empty_like(none_yet)
        after = np.zeros_like(none_yet[:, 0]) if steps else None
        for k in range(steps - 1, -1, -1):
            after = 1 + (1 - x[:, k + 1])*after if k + 1 < steps else np.ones_like(after)
            d[:, k] = -after*(none_yet[:, k - 1] if k else 1)
        return d*g[:, np.newaxis]

    return record("first_spike", none_yet.sum(axis=1), (s,), pull)


def _fed_back(s: Any, w: Any, b: Any, feedback: np.ndarray) -> Var:
    """Return s w + b, whose gradient goes back to s through other weights."""
    if feedback.shape != np.shape(data(w)):
        raise ParameterError(f"leaky_integrator: feedback has shape {feedback.shape}; {np.shape(data(w))} is needed, as w has.")
    own = ad.affine(s.detach() if isinstance(s, Var) else s, w, b)
    # adds nothing to the value; the first operation has no way back to s
    return record("feedback", own.value, (own, s), lambda g: g, lambda g: g @ feedback.T)


def _demand_time(name: str, s: Any) -> None:
    if np.ndim(data(s)) != 3:
        raise ParameterError(f"{name}: spikes have shape {np.shape(data(s))}; (n, T, units) is needed.")
