"""What the analysis functions take: one spike train, several, or a recorded SpikeTrains; checked once, here.

A window is half-open, [start, stop), so that windows laid side by side count every spike once.  One
exception: a window that reaches the end of a record also holds the spikes stamped exactly at that end, as the
last bin of a histogram does.  Times are compared with an edge to one part in 1e9, because a time k*dt and
the decimal number a user writes may differ in their last bits.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from neurosim.errors import ParameterError, UnitError, listing, nearest
from neurosim.units import to_number

EDGE = 1e-9


class Record(NamedTuple):
    """Spikes of `size` neurons, ascending in time, all of them in the window from start to stop (ms)."""

    times: np.ndarray
    indices: np.ndarray
    size: int
    start: float
    stop: float
    single: bool

    @property
    def span(self) -> float:
        """Length of the window in ms."""
        return self.stop - self.start

    def shaped(self, values: np.ndarray) -> Any:
        """Give per-neuron values back as a float for one train and as an array for several."""
        return values[0].item() if self.single else values


def tolerance(edge: float) -> float:
    """How far a time may lie from `edge` (ms) and still be taken as equal to it."""
    return EDGE * max(1.0, abs(edge)) if math.isfinite(edge) else 0.0


def number(
    value: Any,
    name: str,
    where: str,
    *,
    above: float | None = None,
    least: float | None = None,
    unit: str = "ms",
) -> float:
    """Return `value` as a finite float, or raise ParameterError saying which argument of what is wrong.

    value : a number in `unit`; a quantity is converted to it, and one of another kind raises UnitError
    above, least : exclusive and inclusive lower bounds
    """
    try:
        result = float(to_number(value, unit, f"{name} of {where}"))
    except UnitError:
        raise
    except (TypeError, ValueError) as error:
        raise ParameterError(f"{where}: {name} must be one number, not {value!r}.") from error
    if not math.isfinite(result):
        raise ParameterError(f"{where}: {name} is {result}. Give a finite number.")
    if above is not None and not result > above:
        raise ParameterError(f"{where}: {name} is {result:g}. Give a number greater than {above:g}.")
    if least is not None and not result >= least:
        raise ParameterError(f"{where}: {name} is {result:g}. Give a number of at least {least:g}.")
    return result


def choice(value: Any, name: str, where: str, options: Iterable[str]) -> str:
    """Return `value` if it is one of the options, or raise ParameterError that lists them."""
    names = list(options)
    if value not in names:
        raise ParameterError(
            f"{where}: unknown {name} {value!r}.{nearest(str(value), names)} Known: {listing(names)}."
        )
    return value


def train(values: ArrayLike, where: str, name: str = "spike times") -> np.ndarray:
    """Return one spike train as ascending float64 times in ms.

    values : shape (n_spikes,), sorted if need be; or a SpikeTrains, whose neurons are then pooled

    Raises ParameterError for NaN, infinity and any other shape.
    """
    if is_record(values):
        return np.asarray(values.times, dtype=np.float64)
    try:
        times = np.asarray(to_number(values, "ms", f"{name} of {where}"), dtype=np.float64)
    except UnitError:
        raise
    except (TypeError, ValueError) as error:
        raise ParameterError(f"{where}: {name} must be numbers in ms, one train in a flat array.") from error
    if times.ndim != 1:
        raise ParameterError(
            f"{where}: {name} have shape {times.shape}. Give one train as an array of shape (n_spikes,), "
            "several as a list of such arrays."
        )
    if not np.isfinite(times).all():
        bad = int(np.flatnonzero(~np.isfinite(times))[0])
        raise ParameterError(f"{where}: {name}[{bad}] is {times[bad]}. Remove what is not a finite time.")
    return times if np.all(times[1:] >= times[:-1]) else np.sort(times)


def is_record(trains: Any) -> bool:
    """Tell whether `trains` has what a SpikeTrains has."""
    return all(hasattr(trains, name) for name in ("times", "indices", "size", "start", "stop"))


def gather(trains: Any, where: str) -> Record:
    """Return all the spikes of `trains`; plain arrays know of no window, theirs is infinite.

    trains : a SpikeTrains; or one train, shape (n_spikes,); or a list of trains, one a neuron
    """
    if is_record(trains):
        return Record(trains.times, trains.indices, trains.size, trains.start, trains.stop, False)
    trains = to_number(trains, "ms", f"spike times of {where}")
    several = isinstance(trains, list | tuple) and any(np.ndim(t) > 0 for t in trains)
    if not several:
        times = train(trains, where)
        return Record(times, np.zeros(times.size, np.int32), 1, -math.inf, math.inf, True)
    parts = [train(t, where, f"spike times of train {k}") for k, t in enumerate(trains)]
    times = np.concatenate(parts)
    indices = np.repeat(np.arange(len(parts), dtype=np.int32), [p.size for p in parts])
    order = np.argsort(times, kind="stable")
    return Record(times[order], indices[order], len(parts), -math.inf, math.inf, False)


def window(record: Record, where: str, start: Any = None, stop: Any = None, *, finite: bool = True) -> Record:
    """Return the spikes of `record` with start <= t < stop, or up to and with the end of the record.

    start, stop : ms; by default the record's own.  Plain arrays start at 0 and need a `stop`
    finite : whether the measure needs the length of the window
    """
    begin, end = record.start, record.stop
    if start is not None:
        begin = number(start, "start", where)
    elif finite and math.isinf(begin):
        begin = 0.0
    if stop is not None:
        end = number(stop, "stop", where)
    elif finite and math.isinf(end):
        raise ParameterError(
            f"{where}: the end of the window is missing. Give stop= in ms, or a SpikeTrains."
        )
    if not end > begin:
        raise ParameterError(
            f"{where}: the window from start={begin:g} to stop={end:g} ms is empty. "
            "Give a stop greater than start."
        )
    if begin < record.start - tolerance(record.start) or end > record.stop + tolerance(record.stop):
        raise ParameterError(
            f"{where}: the window from {begin:g} to {end:g} ms reaches beyond what was recorded, "
            f"{record.start:g} to {record.stop:g} ms. Give a window within it."
        )
    low = int(np.searchsorted(record.times, begin - tolerance(begin), "left"))
    if begin <= record.start:
        low = 0
    high = int(np.searchsorted(record.times, end - tolerance(end), "left"))
    if end >= record.stop - tolerance(record.stop):
        high = record.times.size
    part = slice(low, max(low, high))
    return Record(record.times[part], record.indices[part], record.size, begin, end, record.single)


def read(trains: Any, where: str, start: Any = None, stop: Any = None, *, finite: bool = True) -> Record:
    """Return the spikes of `trains` in a window: `gather`, then `window`."""
    return window(gather(trains, where), where, start, stop, finite=finite)


def bins(record: Record, width: Any, where: str, name: str = "bin") -> tuple[np.ndarray, int, float]:
    """Return the bin of each spike, the number of whole bins and their width.

    width : ms.  What is left at the end of the window and fills no bin is dropped: spikes there have bin -1
    """
    step = number(width, name, where, above=0.0)
    count = math.floor(record.span / step * (1.0 + EDGE) + EDGE)
    if count < 1:
        raise ParameterError(
            f"{where}: {name} ({step:g} ms) is longer than the window ({record.span:g} ms). "
            f"Give a shorter {name} or a longer window."
        )
    place = np.floor((record.times - record.start + tolerance(record.stop)) / step).astype(np.int64)
    np.maximum(place, 0, out=place)
    last = record.start + count * step
    if abs(last - record.stop) <= tolerance(record.stop):
        np.minimum(place, count - 1, out=place)
    else:
        place[place >= count] = -1
    return place, count, step


def by_neuron(record: Record) -> tuple[np.ndarray, np.ndarray]:
    """Return the spike times sorted by neuron and then by time, and the neuron of each."""
    if record.size == 1:
        return record.times, record.indices
    order = neuron_order(record.indices)
    return record.times[order], record.indices[order]


def neuron_order(indices: np.ndarray) -> np.ndarray:
    """Return the permutation that sorts spikes by neuron and keeps the order of each: a stable argsort."""
    # Distinct 64-bit keys let the plain sort do it, several times faster than the stable argsort of numpy.
    keys = (indices.astype(np.int64) << 32) | np.arange(indices.size)
    keys.sort()
    return keys & 0xFFFFFFFF


def pair(a: Any, b: Any, where: str, start: Any = None, stop: Any = None) -> tuple[Record, Record]:
    """Return the spikes of two trains in one window, by default the one in which both were recorded."""
    first, second = gather(a, where), gather(b, where)
    begin, end = max(first.start, second.start), min(first.stop, second.stop)
    if start is None:
        start = 0.0 if math.isinf(begin) else begin
    if stop is None and not math.isinf(end):
        stop = end
    return window(first, where, start, stop), window(second, where, start, stop)


def ids(neurons: Any, size: int, where: str) -> np.ndarray:
    """Return ids as int64 from a number, a slice, a mask of shape (size,) or a list; -1 is the last."""
    if isinstance(neurons, slice):
        return np.arange(size, dtype=np.int64)[neurons]
    wanted = np.atleast_1d(np.asarray(neurons))
    if wanted.dtype == bool:
        if wanted.shape != (size,):
            raise ParameterError(f"{where}: the mask has shape {wanted.shape}. Give one of shape ({size},).")
        return np.flatnonzero(wanted)
    if wanted.size == 0:
        return np.zeros(0, np.int64)
    if wanted.ndim != 1 or wanted.dtype.kind not in "iu":
        raise ParameterError(f"{where}: neurons must be whole numbers in a flat list, not {neurons!r}.")
    wanted = wanted.astype(np.int64)
    beyond = (wanted < -size) | (wanted >= size)
    if beyond.any():
        raise ParameterError(
            f"{where}: there is no neuron {wanted[beyond][0]} among {size}. Give ids from 0 to {size - 1}."
            if size
            else f"{where}: there is no neuron {wanted[beyond][0]}, the population is empty."
        )
    return np.where(wanted < 0, wanted + size, wanted)
