"""Leaky integrate-and-fire neurons in discrete time, as one operation of the autodiff, forwards and backwards compiled.

    I_t = alpha I_(t-1) + x_t w + b + s_(t-1) v              current of the synapses; I_0 = U_0 = s_0 = 0
    U_t = beta U_(t-1) - theta s_(t-1) + I_t                 reset "subtract"
    U_t = beta U_(t-1) (1 - s_(t-1)) + I_t                   reset "zero"
    U_t = beta U_(t-1) + I_t                                 reset "none"
    s_t = 1 if U_t > theta, else 0

With "subtract" these are snnTorch's Synaptic (alpha = 0: Leaky) neurons.  Time constants tau in steps give beta = e^(-1/tau).

The gradient is that of backpropagation through time with ds/dU = psi(U - theta), a surrogate.  With d the gradient of the loss,
g_t that of s_t from above:

    ds_t = g_t + dI_(t+1) v^T [+ dU_(t+1) times the derivative of the reset by s_t, if through_reset]
    dU_t = psi ds_t + beta dU_(t+1) [(1 - s_t) for "zero"]
    dI_t = dU_t + alpha dI_(t+1)
    dw = sum x_t^T dI_t,  db = sum dI_t,  dv = sum s_(t-1)^T dI_t,  dx_t = dI_t w^T,
    dalpha = sum dI_t I_(t-1),  dbeta = sum dU_t U_(t-1) [(1 - s_(t-1)) for "zero"]

Only U and s of all steps are kept.  Sums run over samples in order: the same numbers in every run.

Sources: Neftci, Mostafa & Zenke 2019 (doi:10.1109/MSP.2019.2931595); Eshraghian et al. 2023
(doi:10.1109/JPROC.2023.3308088), snnTorch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.autodiff import Var
from neurosim.autodiff.graph import data, record
from neurosim.errors import ParameterError, listing, nearest
from neurosim.spiking import compiled
from neurosim.spiking.products import Product, product_of
from neurosim.spiking.surrogates import surrogate_of
from neurosim.spiking.through_time import Run, blocks_of, decays_of, demand_positive, gradients, layer_arrays

RESETS = tuple(compiled.KEPT)


def lif(x: Any, w: Any, b: Any = None, v: Any = None, *, alpha: Any = 0.0, beta: Any = 0.9, threshold: float = 1.0,
        reset: str = "subtract", surrogate: str = "fast_sigmoid", steepness: float = 10.0, through_reset: bool = False,
        local: bool = False) -> Var:
    """Return the spikes s, shape (n, T, units), 0 or 1, of a layer.

    Args:
        x: what comes in, shape (n, T, n_in): spikes, or any numbers.
        w: weights, shape (n_in, units).
        b: constant input, shape (units,), or None.
        v: weights from the layer to itself, shape (units, units), or None.
        alpha: decay of the current per step, from 0 to 1, a number or shape (units,).
        beta: decay of the membrane per step, likewise.
        threshold: theta.
        reset: "subtract", "zero" or "none".
        surrogate: name of psi, see `neurosim.spiking.SURROGATES`.
        steepness: k of psi.
        through_reset: whether gradients go through the reset too; Zenke & Vogels 2021 advise against it.
        local: leave out the term dI_(t+1) v^T: what a spike does to other neurons of the layer.  The gradient is then that of
            e-prop, sum over t of g_t times an eligibility trace that runs forward in time, of which this is a quicker way to
            the same numbers (Bellec et al. 2020, doi:10.1038/s41467-020-17236-y).

    Raises:
        ParameterError: shapes that do not fit, numbers out of range, unknown names.
    """
    psi = surrogate_of(surrogate).name
    reset_of("lif", reset)
    demand_positive("lif", threshold=threshold, steepness=steepness)
    inputs, weights, offset, loop = layer_arrays("lif", x, w, b, v)
    (n, steps, _), units, dtype = inputs.shape, weights.shape[1], weights.dtype
    decays = decays_of("lif", units, dtype, alpha=alpha, beta=beta)

    single = dtype == np.float32
    source = product_of(inputs)
    # two arrays: the C library gives memory back to the system, to be cleared again, from 32 MiB on
    u, s = np.empty((2, n, steps, units), dtype)
    run = compiled.forward(reset, v is not None, single).bind(
        steps, units, offset, *decays, threshold, loop.reshape(-1), np.empty(units, dtype), np.empty(units, dtype),
        np.empty(units, np.int64), u.reshape(-1), s.reshape(-1))
    multiply = source.forward(weights, u)
    for start, count in blocks_of(n, steps*units):
        multiply(start, count)
        run(start, count)

    def together(g: np.ndarray, wanted: list[bool]) -> tuple:
        return _gradients(source, weights, loop if v is not None else None, decays, threshold,
                          (psi, reset, wanted[4] or wanted[5]), (steepness, float(through_reset)), local, u, s,
                          np.ascontiguousarray(g, dtype), wanted, [np.ndim(data(a)) for a in (alpha, beta)])

    empty = np.zeros(0, dtype)
    return record("lif", s, (x, w, empty if b is None else b, empty if v is None else v, alpha, beta), together=together)


def reset_of(who: str, name: str) -> str:
    """Return the name of a reset.

    Raises:
        ParameterError: it is not known.
    """
    if name not in RESETS:
        raise ParameterError(f"{who}: reset {name!r} is not known.{nearest(str(name), RESETS)} Use one of: {listing(RESETS)}.")
    return name


def _gradients(source: Product, w: np.ndarray, v: np.ndarray | None, decays: list[np.ndarray], threshold: float, kind: tuple,
               numbers: tuple, local: bool, u: np.ndarray, s: np.ndarray, g: np.ndarray, wanted: list[bool],
               axes: list[int]) -> tuple:
    """Return the gradients of x, w, b, v, alpha and beta."""
    units, sums = s.shape[2], []

    def bind(clock: np.ndarray, fed: np.ndarray, dz: np.ndarray, carried: np.ndarray) -> Run:
        sums.extend(np.zeros((len(dz), units), s.dtype) for _ in range(2*kind[2]))
        return compiled.backward(*kind, s.dtype == np.float32).bind(
            clock, s.shape[1], units, *decays, threshold, *numbers, g.reshape(-1), fed.reshape(-1), np.empty(units, s.dtype),
            u.reshape(-1), s.reshape(-1), dz.reshape(-1), *(a.reshape(-1) for a in carried[:2]),
            *(a.reshape(-1) for a in sums))

    found = gradients(source, w, v, s, bind, wanted, local)
    return *found, *([a.sum() if ndim == 0 else a.sum(axis=0) for a, ndim in zip(sums, axes)] or [None, None])
