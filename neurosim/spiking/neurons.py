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
from neurosim.spiking.products import product_of
from neurosim.spiking.surrogates import surrogate_of

#: elements of u that are worked on at a time: with two more arrays as large they fit into a cache of 1 MiB
BLOCK = 1 << 16
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
    if reset not in RESETS:
        raise ParameterError(f"lif: reset {reset!r} is not known.{nearest(str(reset), RESETS)} Use one of: {listing(RESETS)}.")
    for name, value in (("threshold", threshold), ("steepness", steepness)):
        if not value > 0 or not np.isfinite(value):
            raise ParameterError(f"lif: {name} must be a positive number, not {value!r}.")
    weights = np.ascontiguousarray(data(w))
    dtype = weights.dtype
    inputs = np.asarray(data(x), dtype)
    if inputs.ndim != 3 or weights.ndim != 2 or inputs.shape[2] != weights.shape[0]:
        raise ParameterError(f"lif: x has shape {inputs.shape}, w {weights.shape}; needed are (n, T, n_in) and (n_in, units).")
    n, steps, _ = inputs.shape
    units = weights.shape[1]
    offset = _row("b", 0.0 if b is None else b, units, dtype)
    decays = [_row(name, value, units, dtype) for name, value in (("alpha", alpha), ("beta", beta))]
    for name, value in zip(("alpha", "beta"), decays):
        if not np.all((value >= 0) & (value <= 1)):
            raise ParameterError(f"lif: {name} must lie from 0 to 1, not {value.min():g} to {value.max():g}.")
    loop = np.zeros((0, units), dtype) if v is None else np.ascontiguousarray(data(v), dtype)
    if v is not None and loop.shape != (units, units):
        raise ParameterError(f"lif: v has shape {loop.shape}; ({units}, {units}) is needed.")

    single = dtype == np.float32
    source = product_of(inputs)
    u, s = np.empty((2, n, steps, units), dtype)
    run = compiled.forward(reset, v is not None, single).bind(
        steps, units, offset, *decays, threshold, loop.reshape(-1), np.empty(units, dtype), np.empty(units, dtype),
        np.empty(units, np.int64), u.reshape(-1), s.reshape(-1))
    for start, count in _blocks(n, steps*units):
        source.forward(weights, u, start, count)
        run(start, count)

    def together(g: np.ndarray, wanted: list[bool]) -> tuple:
        return _gradients(source, weights, loop if v is not None else None, decays, threshold,
                          (psi, reset, wanted[4] or wanted[5]), (steepness, float(through_reset)), local, u, s,
                          np.ascontiguousarray(g, dtype), wanted, [np.ndim(data(a)) for a in (alpha, beta)])

    empty = np.zeros(0, dtype)
    return record("lif", s, (x, w, empty if b is None else b, empty if v is None else v, alpha, beta), together=together)


def _gradients(source: Any, w: np.ndarray, v: np.ndarray | None, decays: list[np.ndarray], threshold: float, kind: tuple,
               numbers: tuple, local: bool, u: np.ndarray, s: np.ndarray, g: np.ndarray, wanted: list[bool],
               axes: list[int]) -> tuple:
    """Return the gradients of x, w, b, v, alpha and beta."""
    n, steps, units = s.shape
    dtype, single = s.dtype, s.dtype == np.float32
    dx = np.empty((n, steps, len(w)), dtype) if wanted[0] else None
    dw, db, dv = np.zeros_like(w), np.zeros(units, dtype), None if v is None else np.zeros_like(v)
    # products within the layer have as many rows as a block has samples
    through = v is not None and not local
    blocks = _blocks(n, steps*units//16 if through else steps*units)
    most = max((count for _, count in blocks), default=0)
    room, clock = np.empty((most, steps, units), dtype), np.array([0, steps])
    carried = np.zeros((3, most, units), dtype)
    sums = [np.zeros((most, units), dtype) for _ in range(2*kind[2])]
    run = compiled.backward(*kind, single).bind(
        clock, steps, units, *decays, threshold, *numbers, g.reshape(-1), carried[0].reshape(-1), np.empty(units, dtype),
        u.reshape(-1), s.reshape(-1), room.reshape(-1), *(a.reshape(-1) for a in carried[1:]), *(a.reshape(-1) for a in sums))
    spikes = product_of(s, lag=1) if v is not None and wanted[3] else None
    for start, count in blocks:
        dz = room[:count]
        carried[...] = 0
        if not through:
            run(start, count)
        else:
            for t in range(steps - 1, -1, -1):
                clock[:] = t, t + 1
                if t < steps - 1:
                    np.matmul(dz[:, t + 1], v.T, out=carried[0, :count])
                run(start, count)
        if wanted[1]:
            source.backward(dz, dw, start, count)
        if wanted[2]:
            db += dz.reshape(-1, units).sum(axis=0)
        if spikes is not None:
            spikes.backward(dz, dv, start, count)
        if dx is not None:
            np.matmul(dz.reshape(-1, units), w.T, out=dx[start:start + count].reshape(-1, len(w)))
    totals = [a.sum() if ndim == 0 else a.sum(axis=0) for a, ndim in zip(sums, axes)] or [None, None]
    return dx, dw, db, dv, *totals


def _blocks(n: int, size: int) -> list[tuple[int, int]]:
    """Return first sample and number of samples of each block, where a sample has `size` elements."""
    most = max(1, BLOCK//max(size, 1))
    return [(k, min(most, n - k)) for k in range(0, n, most)]


def _row(name: str, value: Any, units: int, dtype: np.dtype) -> np.ndarray:
    value = np.asarray(data(value), dtype)
    if value.shape not in ((), (units,)):
        raise ParameterError(f"lif: {name} has shape {value.shape}; a number or shape ({units},) is needed.")
    return np.full(units, value, dtype) if value.ndim == 0 else np.ascontiguousarray(value)
