"""Spike counts: in windows and bins, their Fano factor, and their correlation between neurons."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neurosim.errors import ParameterError
from neurosim.simulator.analysis import inputs

# A matrix over this many neurons already takes 2 GiB.
_MOST_NEURONS = 16384


def spike_counts(trains: Any, start: float | None = None, stop: float | None = None) -> Any:
    """Number of spikes in [start, stop).

    trains : a SpikeTrains, one train of shape (n_spikes,) in ms, or a list of trains
    start, stop : window in ms; by default everything recorded

    Returns an int for one train, int64 of shape (size,) for several.
    Raises ParameterError for times that are not finite and for a window that is empty or not recorded.
    """
    record = inputs.read(trains, "spike_counts", start, stop, finite=False)
    return record.shaped(np.bincount(record.indices, minlength=record.size))


def binned_counts(
    trains: Any, bin: float, start: float | None = None, stop: float | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Number of spikes of each neuron in each bin [start + b bin, start + (b + 1) bin).

    trains : a SpikeTrains, one train of shape (n_spikes,) in ms, or a list of trains
    bin : width in ms; a rest of the window that fills no bin is dropped
    start, stop : window in ms; by default the whole record.  Plain arrays start at 0 and need `stop`

    Returns (left edges in ms, shape (n_bins,); counts, int64, shape (n_bins,) for one train and
    (n_bins, size) for several).
    Raises ParameterError for a bin that is not positive or longer than the window.
    """
    record = inputs.read(trains, "binned_counts", start, stop)
    place, count, width = inputs.bins(record, bin, "binned_counts")
    edges = record.start + np.arange(count) * width
    kept = place >= 0
    flat = place[kept] * record.size + record.indices[kept]
    counts = np.bincount(flat, minlength=count * record.size)
    return edges, counts if record.single else counts.reshape(count, record.size)


def fano_factor(
    trains: Any, window: float, start: float | None = None, stop: float | None = None, *, ddof: int = 1
) -> Any:
    """Fano factor F = Var(n) / mean(n) of the counts n of each neuron in successive windows.

    1 for a Poisson process; for a renewal process and long windows it tends to CV^2.

    trains : a SpikeTrains, one train of shape (n_spikes,) in ms, or a list of trains
    window : length of each counting window in ms; a rest that fills no window is dropped
    start, stop : ms; by default the whole record.  Plain arrays start at 0 and need `stop`
    ddof : 1 for the unbiased variance, 0 for the moment of the sample

    Returns a float for one train, shape (size,) for several; NaN for a silent neuron and where there are no
    more than `ddof` windows.
    Raises ParameterError for a window that is not positive or longer than the record.
    Source: Fano 1947, doi:10.1103/PhysRev.72.26; Nawrot et al. 2008, doi:10.1016/j.jneumeth.2007.10.013.
    """
    record = inputs.read(trains, "fano_factor", start, stop)
    place, count, _ = inputs.bins(record, window, "fano_factor", "window")
    less = inputs.number(ddof, "ddof", "fano_factor", least=0.0, unit="1")
    kept = place >= 0
    # Only filled windows are held: memory follows the spikes, not neurons times windows.
    filled, n = np.unique(record.indices[kept].astype(np.int64) * count + place[kept], return_counts=True)
    owner = filled // count
    total = np.bincount(owner, weights=n, minlength=record.size)
    squares = np.bincount(owner, weights=n.astype(np.float64) ** 2, minlength=record.size)
    result = np.full(record.size, np.nan)
    if count > less:
        variance = (squares - total**2 / count) / (count - less)
        np.divide(variance, total / count, out=result, where=total > 0)
    return record.shaped(result)


def fano_of_counts(counts: ArrayLike, axis: int = 0, *, ddof: int = 1) -> Any:
    """Fano factor F = Var(n) / mean(n) of counts at hand, for instance over trials.

    counts : numbers of spikes, any shape
    axis : the axis of the trials
    ddof : 1 for the unbiased variance, 0 for the moment of the sample

    Returns the shape of `counts` without `axis` (a float if nothing is left); NaN where all counts are 0 and
    where there are no more than `ddof` trials.
    Raises ParameterError for counts that are negative or not finite and for an axis they do not have.
    Source: Fano 1947, doi:10.1103/PhysRev.72.26.
    """
    n = np.asarray(counts, dtype=np.float64)
    if n.ndim == 0 or not -n.ndim <= axis < n.ndim:
        raise ParameterError(f"fano_of_counts: counts of shape {n.shape} have no axis {axis}.")
    if not (np.isfinite(n).all() and (n >= 0).all()):
        raise ParameterError("fano_of_counts: counts must be finite and not negative. Remove the others.")
    trials = n.shape[axis]
    result = np.full(np.delete(n.shape, axis), np.nan)
    if trials > inputs.number(ddof, "ddof", "fano_of_counts", least=0.0, unit="1"):
        mean = n.mean(axis=axis)
        np.divide(n.var(axis=axis, ddof=ddof), mean, out=result, where=mean > 0)
    return result.item() if result.ndim == 0 else result


def correlation_matrix(
    trains: Any, bin: float, start: float | None = None, stop: float | None = None, *, neurons: Any = None
) -> np.ndarray:
    """Pearson correlation of the binned counts: C_ij = cov(n_i, n_j) / sqrt(var n_i var n_j).

    trains : a SpikeTrains or a list of trains, shape (n_spikes,) each, in ms
    bin : width in ms
    start, stop : window in ms; by default the whole record.  Plain arrays start at 0 and need `stop`
    neurons : ids to correlate, shape (k,); by default all

    Returns shape (k, k), symmetric, 1 on the diagonal; rows and columns of neurons whose count never changes
    (silent ones above all) are NaN.
    Raises ParameterError for ids out of range and for more than 16384 neurons, whose matrix would not fit.
    Source: Cohen & Kohn 2011, doi:10.1038/nn.2842.
    """
    from scipy.sparse import csr_array

    where = "correlation_matrix"
    record = inputs.read(trains, where, start, stop)
    place, count, _ = inputs.bins(record, bin, where)
    ids = np.arange(record.size) if neurons is None else inputs.ids(neurons, record.size, where)
    if ids.size > _MOST_NEURONS:
        raise ParameterError(
            f"{where}: a matrix of {ids.size} neurons is too large. "
            f"Name at most {_MOST_NEURONS} with neurons=."
        )
    column = np.full(record.size, -1)
    unique, back = np.unique(ids, return_inverse=True)
    column[unique] = np.arange(unique.size)
    kept = (place >= 0) & (column[record.indices] >= 0)
    ones = np.ones(np.count_nonzero(kept))
    n = csr_array((ones, (column[record.indices[kept]], place[kept])), shape=(unique.size, count))
    total = np.asarray(n.sum(axis=1)).reshape(-1)
    # Sums of products of counts are whole numbers, so nothing is lost before this line.
    scatter = count * (n @ n.T).toarray() - np.outer(total, total)
    spread = np.sqrt(np.diagonal(scatter))
    product = np.outer(spread, spread)
    result = np.divide(scatter, product, out=np.full(scatter.shape, np.nan), where=product > 0)
    moving = np.flatnonzero(spread > 0)
    result[moving, moving] = 1.0
    return np.clip(result, -1.0, 1.0)[np.ix_(back, back)]
