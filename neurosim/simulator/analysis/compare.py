"""How far apart: two samples of numbers, or two spike trains."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neurosim.errors import ParameterError
from neurosim.simulator.analysis import inputs


def ks_distance(a: ArrayLike, b: ArrayLike, *, nan: str = "raise") -> float:
    """Two-sample Kolmogorov-Smirnov statistic D = sup_x |F_a(x) - F_b(x)|, exact, ties included.

    F(x) is the share of a sample that is <= x.  For two samples of one continuous law, sqrt(n m / (n + m)) D
    exceeds 1.36 with probability 0.05 and 1.95 with 0.001, for large n and m.

    a, b : samples of any shape and unit, the same for both (rates, CVs, correlations)
    nan : "raise", or "omit" to leave NaN out (a silent neuron has no CV)

    Returns D from 0 (same distribution) to 1 (no overlap); NaN if a sample is empty.
    Raises ParameterError for NaN unless omitted.
    Source: Smirnov 1948, doi:10.1214/aoms/1177730256.
    """
    where = "ks_distance"
    inputs.choice(nan, "nan", where, ("raise", "omit"))
    x, y = (_sample(values, name, nan, where) for values, name in ((a, "a"), (b, "b")))
    if x.size == 0 or y.size == 0:
        return math.nan
    at = np.concatenate([x, y])
    # Whole numbers until the last division, so that equal shares give exactly 0.
    gap = np.searchsorted(x, at, "right") * y.size - np.searchsorted(y, at, "right") * x.size
    return int(np.abs(gap).max()) / (x.size * y.size)


def van_rossum_distance(a: Any, b: Any, tau: float) -> float:
    """Van Rossum distance D^2 = (1/tau) int (f_a - f_b)^2 dt, with f(t) = sum_(t_j <= t) exp(-(t - t_j)/tau).

    The integral is exact: with w_k = +1 for the spikes of a and -1 for those of b,
    D^2 = (1/2) sum_k sum_l w_k w_l exp(-|t_k - t_l|/tau), in one pass over the sorted spikes.  One spike
    against none has D^2 = 1/2, two far apart 1.

    a, b : one train each, shape (n_spikes,) in ms; a SpikeTrains stands for all its neurons pooled
    tau : ms; short asks for coincident spikes, long compares the numbers of spikes.  Infinite tau is not
        allowed: D grows without bound in it unless the numbers agree

    Returns D, not D^2; 0 for equal trains.
    Raises ParameterError for times that are not finite and a tau that is not positive.
    Source: van Rossum 2001, doi:10.1162/089976601300014321; Houghton & Kreuz 2012,
    doi:10.3109/0954898X.2012.673048.
    """
    where = "van_rossum_distance"
    constant = inputs.number(tau, "tau", where, above=0.0)
    x, y = inputs.train(a, where, "spike times of a"), inputs.train(b, where, "spike times of b")
    times, place = np.unique(np.concatenate([x, y]), return_inverse=True)
    weight = np.bincount(place, weights=np.repeat([1.0, -1.0], [x.size, y.size]), minlength=times.size)
    # Coincident spikes cancel before the sum, so that equal trains are at distance 0 without rounding.
    times, weight = times[weight != 0.0], weight[weight != 0.0]
    decay = np.exp(-np.diff(times, prepend=times[:1]) / constant)
    total = trace = previous = 0.0
    for w, d in zip(weight.tolist(), decay.tolist(), strict=True):
        trace = (trace + previous) * d
        total += w * (0.5 * w + trace)
        previous = w
    return math.sqrt(max(0.0, total))


def victor_purpura_distance(a: Any, b: Any, cost: float) -> float:
    """Victor-Purpura distance: the least cost of turning one train into the other.

    Deleting or inserting a spike costs 1, moving it by dt costs q |dt|:

        G(i, j) = min(G(i-1, j) + 1, G(i, j-1) + 1, G(i-1, j-1) + q |a_i - b_j|)

    a, b : one train each, shape (n_spikes,) in ms; a SpikeTrains stands for all its neurons pooled
    cost : q in 1/ms; 0 counts spikes, |n_a - n_b|, and infinity counts the spikes without exact partner

    Returns the distance; time and memory grow as n_a n_b and n_b.
    Raises ParameterError for times that are not finite and a negative cost.
    Source: Victor & Purpura 1996, doi:10.1152/jn.1996.76.2.1310.
    """
    where = "victor_purpura_distance"
    q = math.inf if isinstance(cost, float | int) and cost == math.inf else None
    q = inputs.number(cost, "cost", where, least=0.0, unit="1/ms") if q is None else q
    x, y = inputs.train(a, where, "spike times of a"), inputs.train(b, where, "spike times of b")
    if x.size < y.size:
        x, y = y, x
    if q == 0.0:
        return float(x.size - y.size)
    steps = np.arange(y.size + 1, dtype=np.float64)
    row = steps.copy()
    for i, t in enumerate(x):
        gap = np.abs(t - y)
        move = np.where(gap == 0.0, 0.0, 2.0) if math.isinf(q) else q * gap
        best = np.concatenate([[i + 1.0], np.minimum(row[1:] + 1.0, row[:-1] + move)])
        # The insertions along the row, G(i, j) = min over k <= j of best(k) + j - k, in one sweep.
        row = np.minimum(best, np.minimum.accumulate(best - steps) + steps)
    return float(row[-1])


def coincidence_factor(
    data: Any, model: Any, precision: float, start: float | None = None, stop: float | None = None
) -> float:
    """Coincidence factor: Gamma = (n - <n>) / ((N_data + N_model) / 2) / (1 - 2 nu Delta).

    n is the number of spikes of `data` that meet a spike of `model` within Delta, each spike used once;
    <n> = 2 nu Delta N_data is what a Poisson process with the model's rate nu would meet by chance.  Gamma is
    1 for equal trains, 0 at chance and negative below it.

    data, model : one train each, shape (n_spikes,) in ms; a SpikeTrains stands for all its neurons pooled
    precision : Delta in ms, often 2
    start, stop : window in ms; by default where both were recorded.  Plain arrays start at 0 and need `stop`

    Returns Gamma; 0 if one train is empty; NaN if both are, or if 2 nu Delta >= 1, where chance meets all.
    Raises ParameterError for a precision that is not positive and an empty window.
    Source: Kistler, Gerstner & van Hemmen 1997, doi:10.1162/neco.1997.9.5.1015.
    """
    where = "coincidence_factor"
    delta = inputs.number(precision, "precision", where, above=0.0)
    first, second = inputs.pair(data, model, where, start, stop)
    x, y = first.times, second.times
    chance = 2.0 * delta * y.size / first.span
    if chance >= 1.0 or x.size + y.size == 0:
        return math.nan
    met = _coincidences(x, y, delta)
    return (met - chance * x.size) / (0.5 * (x.size + y.size)) / (1.0 - chance)


def _coincidences(x: np.ndarray, y: np.ndarray, delta: float) -> int:
    # Windows of equal width: pairing the earliest spikes first gives the largest number of pairs.
    reach = delta + inputs.tolerance(max(abs(x).max(initial=0.0), abs(y).max(initial=0.0)))
    left, right = x.tolist(), y.tolist()
    i = j = met = 0
    while i < len(left) and j < len(right):
        gap = left[i] - right[j]
        if abs(gap) <= reach:
            met, i, j = met + 1, i + 1, j + 1
        elif gap < 0:
            i += 1
        else:
            j += 1
    return met


def _sample(values: ArrayLike, name: str, nan: str, where: str) -> np.ndarray:
    try:
        sample = np.asarray(values, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"{where}: {name} must hold numbers.") from error
    missing = np.isnan(sample)
    if missing.any() and nan == "raise":
        raise ParameterError(f"{where}: {name} holds {missing.sum()} NaN. Remove them, or pass nan='omit'.")
    return np.sort(sample[~missing])
