"""What the plots accept: recordings reduced to plain arrays, checked once, with one message for each mistake.

Recordings are taken by their attributes, not by their class: spikes have ``times`` (ms), ``indices`` and
``size``, a trace has ``times`` (ms) and ``values`` (n_times, n_neurons).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.errors import ParameterError, listing, nearest


@dataclass(frozen=True)
class Samples:
    """A trace as arrays: `times` (n_times,) ms, `values` (n_times, n_neurons), `neurons` their numbers."""

    times: np.ndarray
    values: np.ndarray
    neurons: np.ndarray
    variable: str
    unit: str


def array_1d(value: Any, name: str) -> np.ndarray:
    """Return `value` as a 1-D float64 array, or raise ParameterError."""
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"{name} must be numbers, and is {type(value).__name__}: {error}.") from error
    if array.ndim != 1:
        raise ParameterError(
            f"{name} has shape {array.shape}; one dimension is needed. "
            f"Select or flatten, for example {name}[:, 0]."
        )
    return array


def window_of(window: Any, start: float, stop: float) -> tuple[float, float]:
    """Return the part (ms) of `window` that was recorded, all of [start, stop] if `window` is None.

    Raises ParameterError if it is not a pair in rising order, or lies wholly outside of [start, stop].
    """
    if window is None:
        return start, stop
    try:
        first, last = (float(edge) for edge in window)
    except (TypeError, ValueError):
        raise ParameterError(
            f"window={window!r} is not a pair (start, stop) in ms, such as (1000, 1200)."
        ) from None
    if not first < last:
        raise ParameterError(
            f"window=({first:g}, {last:g}) ms is empty. Give (start, stop) with start < stop."
        )
    if stop > start and (first >= stop or last <= start):
        raise ParameterError(
            f"window=({first:g}, {last:g}) ms holds nothing: the recording runs from {start:g} to {stop:g} "
            "ms. Choose a window inside it."
        )
    return max(first, start), min(last, stop)


def samples_of(trace: Any, neurons: Any = None, window: Any = None, name: str = "trace") -> Samples:
    """Return the chosen neurons and times of a trace as arrays.

    Arguments
        trace: has `times` (n_times,) ms and `values` (n_times, n_neurons) or (n_times,)
        neurons: numbers of the neurons wanted, as in ``trace.neurons``; None for all
        window: (start, stop) in ms; None for all

    Raises ParameterError for something that is no trace, for neurons not recorded, and for a window without
    samples.
    """
    if not (hasattr(trace, "times") and hasattr(trace, "values")) or callable(trace.values):
        raise ParameterError(
            f"{name} is {type(trace).__name__}, not a recorded trace. Pass one of result.traces, "
            'such as result.traces["v"].'
        )
    times = array_1d(trace.times, f"{name}.times")
    values = np.asarray(trace.values)
    values = values[:, np.newaxis] if values.ndim == 1 else values
    if values.ndim != 2 or values.shape[0] != times.size:
        raise ParameterError(
            f"{name}.values has shape {values.shape} for {times.size} times; (n_times, n_neurons) is needed."
        )
    recorded = getattr(trace, "neurons", None)
    recorded = np.arange(values.shape[1]) if recorded is None else np.atleast_1d(np.asarray(recorded))
    if recorded.size != values.shape[1]:
        raise ParameterError(
            f"{name}.neurons names {recorded.size} neurons and {name}.values has {values.shape[1]} columns; "
            "one column for each neuron is needed."
        )
    if neurons is not None:
        wanted = np.atleast_1d(np.asarray(neurons))
        column = {number: k for k, number in enumerate(recorded.tolist())}
        missing = [number for number in wanted.tolist() if number not in column]
        if missing:
            raise ParameterError(
                f"neuron {missing[0]} is not in this trace, which holds {_some(recorded.tolist())}. "
                "Choose among those, or record it with a Probe."
            )
        values = values[:, [column[number] for number in wanted.tolist()]]
        recorded = wanted
    if times.size:
        first, last = window_of(window, float(times[0]), float(times[-1]))
        # k dt and its decimal differ in the last bits: a sample at an edge of the window is inside.
        hair = 1e-9 * max(abs(first), abs(last), 1.0)
        low = np.searchsorted(times, first - hair, "left")
        high = np.searchsorted(times, last + hair, "right")
        if low == high:
            raise ParameterError(
                f"window=({first:g}, {last:g}) ms holds no sample of {name}. Widen it, or record more often."
            )
        times, values = times[low:high], values[low:high]
    variable = str(getattr(trace, "variable", "") or getattr(trace, "name", "") or "")
    return Samples(times, values, recorded, variable, str(getattr(trace, "unit", "") or ""))


def time_limits(times: np.ndarray) -> tuple[float, float] | None:
    """Return the ends of a time axis; samples start or end one step inside of what was simulated."""
    if times.size < 2:
        return None
    step = float(times[1] - times[0])
    first, last = float(times[0]), float(times[-1])
    if step > 0.01 * (last - first):
        return first, last
    return (0.0 if 0 < first <= 1.001 * step else first), last + step


def _some(numbers: Sequence[int], limit: int = 6) -> str:
    shown = ", ".join(str(n) for n in numbers[:limit])
    return f"{shown} ... ({len(numbers)} neurons)" if len(numbers) > limit else shown or "none"


def is_spikes(value: Any) -> bool:
    """Return whether `value` looks like spike trains: it has times, indices and size."""
    return all(hasattr(value, attribute) for attribute in ("times", "indices", "size"))


@dataclass(frozen=True)
class Spikes:
    """Spikes of one population: `times` (n,) ms, `indices` (n,), of `size` neurons, recorded from `start` to
    `stop`."""

    times: np.ndarray
    indices: np.ndarray
    size: int
    start: float
    stop: float


def spikes_of(trains: Any, name: str = "spikes") -> Spikes:
    """Return spike trains as arrays; raise ParameterError if they are not well formed."""
    if not is_spikes(trains):
        raise ParameterError(
            f"{name} is {type(trains).__name__}, not spike trains. Pass one of result.spikes, "
            'such as result.spikes["E"].'
        )
    times = array_1d(trains.times, f"{name}.times")
    indices = np.asarray(trains.indices)
    size = int(trains.size)
    if indices.shape != times.shape:
        raise ParameterError(
            f"{name} has {times.size} times and {indices.size} indices; each spike needs both."
        )
    if times.size and (int(indices.min()) < 0 or int(indices.max()) >= size):
        raise ParameterError(
            f"{name} has spikes of neurons {int(indices.min())} to {int(indices.max())}, and {size} neurons. "
            "Indices run from 0 to size - 1."
        )
    start, stop = getattr(trains, "start", None), getattr(trains, "stop", None)
    start = (min(0.0, float(times.min())) if times.size else 0.0) if start is None else float(start)
    stop = (float(times.max()) if times.size else start) if stop is None else float(stop)
    return Spikes(times, indices, size, start, stop)


def populations_of(source: Any, populations: Iterable[str] | None = None) -> dict[str, Spikes]:
    """Return the spikes of a result, of a dict of spike trains, or of one, by population, in order.

    Arguments
        source: has ``spikes`` (a mapping), is a mapping of name to spike trains, or is spike trains
        populations: names wanted, in the order wanted; None for all

    Raises ParameterError for anything else, for an unknown name, and where no spikes were recorded at all.
    """
    if isinstance(source, Mapping):
        found = _by_name(source)
    elif is_spikes(source):
        found = {str(getattr(source, "name", "") or ""): source}
    elif isinstance(getattr(source, "spikes", None), Mapping):
        found = _by_name(source.spikes)
    else:
        raise ParameterError(
            f"no spikes in {type(source).__name__}. Pass a result of ns.simulate, its .spikes, or one of its "
            "spike trains."
        )
    if not found:
        raise ParameterError("no population's spikes were recorded. Record at least one population.")
    if populations is not None:
        wanted = [populations] if isinstance(populations, str) else list(populations)
        for name in wanted:
            if name not in found:
                raise ParameterError(
                    f"no spikes of a population {name!r}.{nearest(str(name), found)} "
                    f"There are: {listing(found)}."
                )
        found = {name: found[name] for name in wanted}
        if not found:
            raise ParameterError("populations is empty. Name at least one, or leave it out for all.")
    return {str(name): spikes_of(trains, f"spikes[{name!r}]") for name, trains in found.items()}


def _by_name(trains: Mapping) -> dict[str, Any]:
    """Return spike trains by name; results of population coding have them by ensemble."""
    return {key if isinstance(key, str) else getattr(item, "name", None) or str(key): item for key, item in trains.items()}


def envelope(times: np.ndarray, values: np.ndarray, columns: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Return a line with at most 2 `columns` points that looks the same: lowest and highest value of each
    column.

    Arguments
        times: (n,) in rising order
        values: (n,)
        columns: parts the time is cut into; more than the pixels the line will cross

    A line of a million samples takes seconds to draw and looks no different; its extremes, and so its spikes,
    stay.
    """
    n = times.size
    if n <= 4 * columns:
        return times, values
    edges = np.linspace(0, n, columns + 1).astype(np.int64)[:-1]
    finite = np.isfinite(values)
    low = np.minimum.reduceat(np.where(finite, values, np.inf), edges)
    high = np.maximum.reduceat(np.where(finite, values, -np.inf), edges)
    empty = ~np.isfinite(low)
    low[empty] = high[empty] = np.nan
    rising = values[np.minimum(edges + np.diff(np.append(edges, n)) - 1, n - 1)] >= values[edges]
    pairs = np.where(rising[:, np.newaxis], np.stack([low, high], 1), np.stack([high, low], 1))
    middle = times[np.minimum(edges + (n // columns) // 2, n - 1)]
    return np.stack([times[edges], middle], 1).ravel(), pairs.ravel()
