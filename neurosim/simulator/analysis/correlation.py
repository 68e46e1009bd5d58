"""Correlograms: how often spikes follow spikes at each lag, within a train and between two."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from neurosim.errors import ParameterError
from neurosim.simulator.analysis import inputs

_NORMS = ("counts", "coefficient")


def cross_correlation(
    a: Any,
    b: Any,
    bin: float = 1.0,
    max_lag: float = 50.0,
    start: float | None = None,
    stop: float | None = None,
    *,
    normalise: str = "counts",
    edge_correction: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Correlogram of two spike trains in bins: R(l) = sum_i n_a(i) n_b(i + l), at lags l bin.

    A peak at a positive lag means that b fires after a.  With normalise="coefficient",

        rho(l) = (R(l) - N_a N_b / B) / sqrt((sum n_a^2 - N_a^2 / B) (sum n_b^2 - N_b^2 / B))

    where N is the number of spikes and B that of bins; rho(0) is Pearson's correlation of the counts.

    a, b : one train each, shape (n_spikes,) in ms; a SpikeTrains stands for all its neurons pooled
    bin : ms
    max_lag : largest lag in ms, rounded down to whole bins
    start, stop : window in ms; by default where both were recorded.  Plain arrays start at 0 and need `stop`
    normalise : "counts" or "coefficient"
    edge_correction : multiply R(l) by B / (B - |l|), to make up for the bins that have no partner at lag l

    Returns (lags in ms, shape (2 m + 1,), from -m bin to m bin; values of the same shape).  Without spikes
    the counts are 0 and the coefficient is NaN.
    Raises ParameterError for bin or max_lag out of range and for max_lag beyond the window.
    Source: Perkel, Gerstein & Moore 1967, doi:10.1016/S0006-3495(67)86597-4.
    """
    where = "cross_correlation"
    first, second = inputs.pair(a, b, where, start, stop)
    x, y = _binned(first, bin, where), _binned(second, bin, where)
    return _correlate(x, y, bin, max_lag, normalise, edge_correction, where)


def autocorrelation(
    train: Any,
    bin: float = 1.0,
    max_lag: float = 50.0,
    start: float | None = None,
    stop: float | None = None,
    *,
    normalise: str = "counts",
    edge_correction: bool = False,
    keep_zero: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Correlogram of a spike train with itself: R(l) = sum_i n(i) n(i + l), at lags l bin.

    At lag 0 every spike meets itself.  These N pairs say nothing of the train and hide all else, so they are
    taken off: what stays there is the pairs of different spikes in one bin.

    train : one train, shape (n_spikes,) in ms; a SpikeTrains stands for all its neurons pooled
    bin, max_lag : ms
    start, stop : window in ms; by default the whole record.  Plain arrays start at 0 and need `stop`
    normalise, edge_correction : as in `cross_correlation`
    keep_zero : leave each spike's pair with itself in; the coefficient at lag 0 is then 1

    Returns (lags in ms, shape (2 m + 1,); values of the same shape).
    Raises ParameterError for bin or max_lag out of range and for max_lag beyond the window.
    Source: Perkel, Gerstein & Moore 1967, part I, doi:10.1016/S0006-3495(67)86596-2.
    """
    where = "autocorrelation"
    x = _binned(inputs.read(train, where, start, stop), bin, where)
    drop = 0.0 if keep_zero else float(x.sum())
    return _correlate(x, x, bin, max_lag, normalise, edge_correction, where, drop)


def _binned(record: inputs.Record, bin: Any, where: str) -> np.ndarray:
    place, count, _ = inputs.bins(record, bin, where)
    return np.bincount(place[place >= 0], minlength=count).astype(np.float64)


def _correlate(
    x: np.ndarray,
    y: np.ndarray,
    bin: Any,
    max_lag: Any,
    normalise: str,
    edges: bool,
    where: str,
    drop: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    from scipy.fft import irfft, next_fast_len, rfft

    inputs.choice(normalise, "normalisation", where, _NORMS)
    width = inputs.number(bin, "bin", where, above=0.0)
    most = math.floor(inputs.number(max_lag, "max_lag", where, least=0.0) / width * (1.0 + inputs.EDGE))
    count = x.size
    if most >= count:
        raise ParameterError(
            f"{where}: max_lag ({most * width:g} ms) reaches beyond the window ({count * width:g} ms). "
            "Give a smaller max_lag or a longer window."
        )
    length = next_fast_len(count + most, real=True)
    product = irfft(np.conj(rfft(x, length)) * rfft(y, length), length)
    # Sums of products of counts are whole numbers: rounding takes the error of the transform away.
    pairs = np.rint(np.concatenate([product[length - most :], product[: most + 1]])) + 0.0
    lags = np.arange(-most, most + 1)
    pairs[most] -= drop
    if edges:
        pairs *= count / (count - np.abs(lags))
    if normalise == "coefficient":
        total_x, total_y = x.sum(), y.sum()
        spread = (x @ x - total_x**2 / count) * (y @ y - total_y**2 / count)
        pairs = (pairs - total_x * total_y / count) / (math.sqrt(spread) if spread > 0 else math.nan)
    return lags * width, pairs
