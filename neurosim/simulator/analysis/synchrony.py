"""How much neurons of a population fire together: synchrony, population Fano factor, pairs' correlations."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from neurosim.errors import ParameterError
from neurosim.simulator.analysis import inputs
from neurosim.simulator.analysis.counts import correlation_matrix


def synchrony(trains: Any, bin: float, start: float | None = None, stop: float | None = None) -> float:
    """Synchrony of spike counts, chi = sqrt(Var_t(<n_i>_i) / <Var_t(n_i)>_i).

    1 when all neurons fire the same counts; 1/sqrt(N) for N independent neurons alike.

    trains : a SpikeTrains or a list of trains, shape (n_spikes,) each, in ms
    bin : width of the bins of the counts n_i(t) in ms; a rest of the window that fills no bin is dropped
    start, stop : window in ms; by default the whole record.  Plain arrays start at 0 and need `stop`

    Returns a float from 0 to 1; NaN where no neuron's count changes.
    Raises ParameterError for a bin that is not positive or longer than the window.
    Source: Golomb & Rinzel 1993, doi:10.1103/PhysRevE.48.4810; Golomb 2007, doi:10.4249/scholarpedia.1347.
    """
    record = inputs.read(trains, "synchrony", start, stop)
    place, count, _ = inputs.bins(record, bin, "synchrony")
    kept = place >= 0
    # Only filled bins are held: memory follows the spikes, not neurons times bins.
    cells, n = np.unique(record.indices[kept].astype(np.int64) * count + place[kept], return_counts=True)
    total = np.bincount(cells // count, weights=n, minlength=record.size)
    # Whole numbers up to here; `count` squared times the variances, so that equal counts cancel exactly.
    apart = count * float((n.astype(np.float64) ** 2).sum()) - float((total**2).sum())
    pooled = np.bincount(place[kept], minlength=count).astype(np.float64)
    joint = count * float((pooled**2).sum()) - float(pooled.sum()) ** 2
    return math.sqrt(min(joint / (apart * record.size), 1.0)) if apart > 0 else math.nan


def synchrony_of_values(values: Any) -> float:
    """Synchrony of traces, chi = sqrt(Var_t(<x_i>_i) / <Var_t(x_i)>_i), such as of membrane potentials.

    values : a Trace, or samples of shape (n_times, n_neurons)

    Returns a float from 0 to 1; NaN where no value changes.
    Raises ParameterError for another shape and for values that are not finite.
    Source: Golomb & Rinzel 1993, doi:10.1103/PhysRevE.48.4810; Golomb 2007, doi:10.4249/scholarpedia.1347.
    """
    x = np.asarray(values.values if hasattr(values, "times") else values, dtype=np.float64)
    if x.ndim != 2 or 0 in x.shape:
        raise ParameterError(f"synchrony_of_values: values have shape {x.shape}. Give (n_times, n_neurons).")
    if not np.isfinite(x).all():
        raise ParameterError("synchrony_of_values: values hold NaN or infinity. Cut to where they are finite.")
    apart = float(x.var(axis=0).mean())
    return math.sqrt(min(float(x.mean(axis=1).var()) / apart, 1.0)) if apart > 0 else math.nan


def population_fano(trains: Any, bin: float, start: float | None = None, stop: float | None = None) -> float:
    """Fano factor of a population's spike histogram, F = Var_t(m) / <m>_t with m(t) = sum_i n_i(t).

    1 for independent Poisson neurons, more where neurons fire together.  With bins of 3 ms it is the synchrony
    of the cortical microcircuit.

    trains : a SpikeTrains or a list of trains, shape (n_spikes,) each, in ms
    bin : width of the bins in ms; a rest of the window that fills no bin is dropped
    start, stop : window in ms; by default the whole record.  Plain arrays start at 0 and need `stop`

    Returns a float; NaN without spikes.
    Raises ParameterError for a bin that is not positive or longer than the window.
    Source: Potjans & Diesmann 2014, doi:10.1093/cercor/bhs358.
    """
    record = inputs.read(trains, "population_fano", start, stop)
    place, count, _ = inputs.bins(record, bin, "population_fano")
    m = np.bincount(place[place >= 0], minlength=count)
    return float(m.var() / m.mean()) if m.any() else math.nan


def pairwise_correlations(
    trains: Any, bin: float, start: float | None = None, stop: float | None = None, *, neurons: Any = None
) -> np.ndarray:
    """Correlation coefficients of the binned counts of all pairs i < j, as `correlation_matrix` has them.

    trains : a SpikeTrains or a list of trains, shape (n_spikes,) each, in ms
    bin : width in ms
    start, stop : window in ms; by default the whole record.  Plain arrays start at 0 and need `stop`
    neurons : ids to correlate, shape (k,); by default all

    Returns shape (m,), m = k (k - 1) / 2 at most: pairs with a neuron whose count never changes are left out.
    Raises ParameterError for ids out of range and for more than 16384 neurons.
    Source: Cohen & Kohn 2011, doi:10.1038/nn.2842.
    """
    matrix = correlation_matrix(trains, bin, start, stop, neurons=neurons)
    pairs = matrix[np.triu_indices(matrix.shape[0], 1)]
    return pairs[np.isfinite(pairs)]
