"""Leaky integrate-and-fire neurons whose threshold rises with each of their spikes, as one operation of the autodiff.

    I_t = alpha I_(t-1) + x_t w + b + s_(t-1) v              current of the synapses; I_0 = U_0 = a_0 = s_0 = 0
    U_t = beta U_(t-1) - theta s_(t-1) + I_t                 reset "subtract"; "zero" and "none" as for `neurosim.spiking.lif`
    a_t = rho a_(t-1) + s_(t-1)                              each spike raises the threshold, by what decays slowly
    s_t = 1 if U_t > theta + kappa a_t, and no spike in the last `refractory` steps; else 0

With kappa = 0 and no refractory steps these are the neurons of `lif`.  The slow decay rho is a memory: what a neuron has done
shows in its threshold long after its membrane has forgotten it.

The gradient is that of backpropagation through time, with ds/dU = Psi_t = gamma psi(U_t - theta - kappa a_t), 0 in refractory
steps.  With d the gradient of the loss, g_t that of s_t from above:

    ds_t = g_t + dI_(t+1) v^T + da_(t+1)
    da_t = rho da_(t+1) - kappa Psi_t ds_t
    dU_t = Psi_t ds_t + beta dU_(t+1) [(1 - s_t) for "zero"],     dI_t = dU_t + alpha dI_(t+1)

and sums for w, b, v and x as in `lif`.  Gradients do not go through the reset.  Without the term of v, this is e-prop, which
keeps what a spike does to its own threshold: the sum over t of g_t times the eligibility trace e_t, where

    e_t = Psi_t (eps_t - kappa eta_t),    eta_(t+1) = Psi_t eps_t + (rho - kappa Psi_t) eta_t

and eps_t is what comes in, filtered as the membrane filters it.

Source: Bellec et al. 2020 (doi:10.1038/s41467-020-17236-y).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.autodiff import Var
from neurosim.autodiff.graph import record
from neurosim.errors import ParameterError
from neurosim.spiking import compiled_adaptive
from neurosim.spiking.checks import whole_steps
from neurosim.spiking.neurons import reset_of
from neurosim.spiking.products import product_of
from neurosim.spiking.surrogates import surrogate_of
from neurosim.spiking.through_time import Run, blocks_of, decays_of, demand_positive, gradients, layer_arrays, per_unit


def adaptive_lif(x: Any, w: Any, b: Any = None, v: Any = None, *, alpha: Any = 0.0, beta: Any = 0.95, rho: Any = 0.995,
                 strength: Any = 0.1, threshold: float = 1.0, reset: str = "subtract", refractory: int = 0,
                 surrogate: str = "triangular", steepness: float = 1.0, dampening: float = 0.3, local: bool = False) -> Var:
    """Return the spikes s, shape (n, T, units), 0 or 1, of a layer.

    Args:
        x: what comes in, shape (n, T, n_in): spikes, or any numbers.
        w: weights, shape (n_in, units).
        b: constant input, shape (units,), or None.
        v: weights from the layer to itself, shape (units, units), or None.
        alpha, beta, rho: decays of current, membrane and threshold per step, from 0 to 1, numbers or shape (units,).
        strength: kappa, by how much a spike raises the threshold, a number or shape (units,), 0 for neurons that do not adapt.
        threshold: theta.
        reset: "subtract", "zero" or "none".
        refractory: steps after a spike in which there is none.
        surrogate: name of psi, see `neurosim.spiking.SURROGATES`.
        steepness: k of psi.
        dampening: gamma, which keeps gradients from growing on their way back.
        local: leave out what a spike does to other neurons of the layer: the gradient of e-prop.

    Only x, w, b and v have gradients.

    Raises:
        ParameterError: shapes that do not fit, numbers out of range, unknown names, or a variable for what has no gradient.
    """
    who = "adaptive_lif"
    psi, reset, refractory = surrogate_of(surrogate).name, reset_of(who, reset), whole_steps(who, "refractory", refractory, 0)
    demand_positive(who, threshold=threshold, steepness=steepness, dampening=dampening)
    for name, value in (("alpha", alpha), ("beta", beta), ("rho", rho), ("strength", strength)):
        if isinstance(value, Var) and value.tracked:
            raise ParameterError(f"{who}: {name} has no gradient. Pass its .value; lif has gradients of alpha and beta.")
    inputs, weights, offset, loop = layer_arrays(who, x, w, b, v)
    (n, steps, _), units, dtype = inputs.shape, weights.shape[1], weights.dtype
    decays = decays_of(who, units, dtype, alpha=alpha, beta=beta, rho=rho)
    kappa = per_unit(who, "strength", strength, units, dtype)
    if not np.all((kappa >= 0) & np.isfinite(kappa)):
        raise ParameterError(f"{who}: strength must be 0 or more, not {kappa.min():g}.")

    single = dtype == np.float32
    source = product_of(inputs)
    excess, s = np.empty((2, n, steps, units), dtype)
    run = compiled_adaptive.forward(reset, v is not None, single).bind(
        steps, units, offset, *decays, kappa, threshold, float(refractory), loop.reshape(-1), *np.empty((4, units), dtype),
        np.empty(units, np.int64), excess.reshape(-1), s.reshape(-1))
    multiply = source.forward(weights, excess)
    for start, count in blocks_of(n, steps*units):
        multiply(start, count)
        run(start, count)

    def together(g: np.ndarray, wanted: list[bool]) -> tuple:
        from_above = np.ascontiguousarray(g, dtype).reshape(-1)

        def bind(clock: np.ndarray, fed: np.ndarray, dz: np.ndarray, carried: np.ndarray) -> Run:
            return compiled_adaptive.backward(psi, reset, single).bind(
                clock, steps, units, *decays, kappa, steepness, dampening, from_above, fed.reshape(-1), np.empty(units, dtype),
                excess.reshape(-1), dz.reshape(-1), *(a.reshape(-1) for a in carried))

        return gradients(source, weights, loop if v is not None else None, s, bind, wanted, local)

    empty = np.zeros(0, dtype)
    return record(who, s, (x, w, empty if b is None else b, empty if v is None else v), together=together)
