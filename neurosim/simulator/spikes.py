"""SpikeTrains: the spikes that a run recorded from one population."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from importlib import import_module
from itertools import pairwise
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neurosim.errors import MissingPackageError, ParameterError
from neurosim.simulator import analysis
from neurosim.simulator.analysis import inputs
from neurosim.units import to_number


class SpikeTrains:
    """Spikes of `size` neurons as pairs (t_j, i_j), ascending in t_j, recorded over a window of time.

    Times are on one clock with the run, in ms.  Windows are half-open, [start, stop), so that adjoining
    windows count each spike once; only a window that reaches the end of the record also holds spikes
    stamped exactly at that end.

    times : spike times in ms, shape (n_spikes,)
    indices : the neuron of each spike, 0 <= i < size, shape (n_spikes,)
    size : number of neurons, silent ones included
    start, stop : the recorded window in ms; `stop` must be given
    name : of the probe or population, for messages and exports
    dt : time step of the run in ms, None if spikes are not on a grid

    Arrays that are float64 and int32 already, and ascending, are not copied; spikes out of order are sorted,
    those at one time keep their order.  What the attributes `times` and `indices` give is read-only.

    `trains[k]` gives the times of neuron k as an array, `trains[-1]` those of the last; `trains[2:5]`, a mask
    or a list of ids give the SpikeTrains of these neurons (as `select`).  Iterating gives the trains of
    neuron 0, 1, ...  `len(trains)` is the number of spikes.

    Raises ParameterError for times that are not finite or outside the window, ids out of range, arrays of
    other shapes, and stop < start.
    """

    __slots__ = ("_rows", "dt", "indices", "name", "size", "start", "stop", "times")

    def __init__(
        self,
        times: ArrayLike,
        indices: ArrayLike,
        size: int,
        start: float = 0.0,
        stop: float | None = None,
        name: str = "",
        dt: float | None = None,
    ) -> None:
        where = f"SpikeTrains {name!r}" if name else "SpikeTrains"
        if isinstance(size, bool) or not isinstance(size, int | np.integer) or not 0 <= size < 2**31:
            raise ParameterError(
                f"{where}: size is {size!r}. Give the number of neurons, a whole number >= 0."
            )
        if stop is None:
            raise ParameterError(f"{where}: stop is missing. Give the end of the recorded window in ms.")
        self.size = int(size)
        self.start = inputs.number(start, "start", where)
        self.stop = inputs.number(stop, "stop", where, least=self.start)
        self.name = str(name)
        self.dt = None if dt is None else inputs.number(dt, "dt", where, above=0.0)
        t = _flat(to_number(times, "ms", f"times of {where}"), "times", where)
        i = _flat(indices, "indices", where)
        if t.shape != i.shape:
            raise ParameterError(
                f"{where}: {t.size} times but {i.size} indices. Give one index for each spike."
            )
        t = t.astype(np.float64, copy=False)
        ids = _ids(i, self.size, where)
        if not np.all(t[1:] >= t[:-1]):
            if not np.isfinite(t).all():
                raise ParameterError(f"{where}: times hold NaN or infinity. Give finite times in ms.")
            order = np.argsort(t, kind="stable")
            t, ids = t[order], ids[order]
        if t.size and not (math.isfinite(t[0]) and math.isfinite(t[-1])):
            raise ParameterError(f"{where}: times hold NaN or infinity. Give finite times in ms.")
        early, late = self.start - inputs.tolerance(self.start), self.stop + inputs.tolerance(self.stop)
        if t.size and (t[0] < early or t[-1] > late):
            outside = t[0] if t[0] < early else t[-1]
            raise ParameterError(
                f"{where}: a spike at {outside:g} ms lies outside the window from {self.start:g} to "
                f"{self.stop:g} ms. Check the unit (ms), start and stop."
            )
        self.times, self.indices = _locked(t), _locked(ids)
        self._rows: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None

    @classmethod
    def from_trains(
        cls,
        trains: Iterable[ArrayLike],
        start: float = 0.0,
        stop: float | None = None,
        name: str = "",
        dt: float | None = None,
    ) -> SpikeTrains:
        """Make a SpikeTrains of one array of spike times for each neuron.

        trains : arrays in ms, shape (n_spikes,) each; the k-th is neuron k
        start, stop, name, dt : as for the class
        """
        where = "SpikeTrains.from_trains"
        parts = [inputs.train(t, where, f"spike times of neuron {k}") for k, t in enumerate(trains)]
        times = np.concatenate([np.zeros(0), *parts])
        indices = np.repeat(np.arange(len(parts), dtype=np.int32), [p.size for p in parts])
        return cls(times, indices, len(parts), start, stop, name, dt)

    def __len__(self) -> int:
        return self.times.size

    def __repr__(self) -> str:
        label = f"{self.name!r}, " if self.name else ""
        text = f"<SpikeTrains {label}{len(self)} spikes of {self.size} neurons"
        text += f", {self.start:g} to {self.stop:g} ms"
        if self.size and self.stop > self.start:
            rate = len(self) / self.size / (self.stop - self.start) * 1000.0
            text += f", {rate:.3g} Hz"
        return text + ">"

    def __iter__(self) -> Iterator[np.ndarray]:
        _, times, offsets = self._csr()
        return (times[low:high] for low, high in pairwise(offsets.tolist()))

    def __getitem__(self, neuron: Any) -> Any:
        if isinstance(neuron, int | np.integer) and not isinstance(neuron, bool):
            k = int(neuron)
            if not -self.size <= k < self.size:
                raise ParameterError(f"{self._where()}: there is no neuron {k} among {self.size}.")
            _, times, offsets = self._csr()
            k %= self.size
            return times[offsets[k] : offsets[k + 1]]
        return self.select(neuron)

    def equals(self, other: Any) -> bool:
        """Tell whether `other` holds the same spikes, to the last bit, of as many neurons in the same window.

        other : a SpikeTrains; anything else is not equal.  `name` and `dt` do not matter
        """
        return (
            isinstance(other, SpikeTrains)
            and (self.size, self.start, self.stop) == (other.size, other.start, other.stop)
            and np.array_equal(self.times, other.times)
            and np.array_equal(self.indices, other.indices)
        )

    def select(self, neurons: Any) -> SpikeTrains:
        """Return the trains of some neurons, renumbered 0, 1, ... in the order given.

        neurons : an id, a slice, a mask of shape (size,) or ids, shape (k,); negative ids count from the end
        """
        ids = inputs.ids(neurons, self.size, self._where())
        order, _, offsets = self._csr()
        counts = offsets[ids + 1] - offsets[ids]
        shift = np.repeat(offsets[ids] - np.cumsum(counts) + counts, counts)
        spikes = order[shift + np.arange(shift.size)]
        renumbered = np.repeat(np.arange(ids.size, dtype=np.int32), counts)
        back = np.argsort(spikes, kind="stable")
        times = self.times[spikes[back]]
        return SpikeTrains(times, renumbered[back], ids.size, self.start, self.stop, self.name, self.dt)

    def window(self, start: float | None = None, stop: float | None = None) -> SpikeTrains:
        """Return the spikes in [start, stop), as a record of that window; the clock stays the same.

        start, stop : ms; by default those of the record
        """
        part = inputs.read(self, f"{self._where()}.window", start, stop)
        return SpikeTrains(part.times, part.indices, self.size, part.start, part.stop, self.name, self.dt)

    def counts(self, start: float | None = None, stop: float | None = None) -> np.ndarray:
        """Number of spikes of each neuron in [start, stop), shape (size,); see `analysis.spike_counts`."""
        return analysis.spike_counts(self, start, stop)

    def rates(self, start: float | None = None, stop: float | None = None) -> np.ndarray:
        """Mean rate of each neuron in [start, stop) in Hz, shape (size,); see `analysis.mean_rate`."""
        return analysis.mean_rate(self, start, stop)

    def rates_from_isi(
        self, start: float | None = None, stop: float | None = None, *, silent: float = math.nan
    ) -> np.ndarray:
        """Rate of each neuron by its intervals in Hz, shape (size,); see `analysis.rate_from_isi`."""
        return analysis.rate_from_isi(self, start, stop, silent=silent)

    def population_rate(
        self, bin: float = 1.0, start: float | None = None, stop: float | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Mean rate of the neurons in bins: centres in ms and rate in Hz; see `analysis.binned_rate`."""
        return analysis.binned_rate(self, bin, start, stop)

    def isi(self, k: int | None = None, start: float | None = None, stop: float | None = None) -> np.ndarray:
        """Intervals in ms of neuron k, or of all neurons one after the other; see `analysis.isi`."""
        return analysis.isi(self if k is None else self._one(k), start, stop)

    def cv_isi(self, start: float | None = None, stop: float | None = None) -> np.ndarray:
        """CV of each neuron's intervals, shape (size,), NaN with fewer than 3 spikes; see `analysis.cv`."""
        return analysis.cv(self, start, stop)

    def cv2(self, start: float | None = None, stop: float | None = None) -> np.ndarray:
        """CV2 of each neuron, shape (size,), NaN with fewer than 3 spikes; see `analysis.cv2`."""
        return analysis.cv2(self, start, stop)

    def lv(self, start: float | None = None, stop: float | None = None) -> np.ndarray:
        """Local variation of each neuron, shape (size,), NaN with fewer than 3 spikes; see `analysis.lv`."""
        return analysis.lv(self, start, stop)

    def fano(self, window: float, start: float | None = None, stop: float | None = None) -> np.ndarray:
        """Fano factor of each neuron's counts in windows (ms), shape (size,); see `analysis.fano_factor`."""
        return analysis.fano_factor(self, window, start, stop)

    def correlation(
        self, bin: float, start: float | None = None, stop: float | None = None, *, neurons: Any = None
    ) -> np.ndarray:
        """Correlation of counts in bins (ms), shape (k, k); see `analysis.correlation_matrix`."""
        return analysis.correlation_matrix(self, bin, start, stop, neurons=neurons)

    def to_dataframe(self) -> Any:
        """Return a pandas DataFrame with a row a spike: `time` (ms) and `neuron`.

        Raises MissingPackageError without pandas.
        """
        pandas = require("pandas", "data", f"{self._where()}.to_dataframe")
        frame = pandas.DataFrame({"time": self.times.copy(), "neuron": self.indices.copy()})
        frame.attrs.update(name=self.name, size=self.size, start=self.start, stop=self.stop, unit="ms")
        return frame

    def to_neo(self) -> list[Any]:
        """Return a neo.SpikeTrain in ms for each neuron, silent ones included, with t_start and t_stop.

        Raises MissingPackageError without neo.
        """
        neo = require("neo", "neo", f"{self._where()}.to_neo")
        # neo refuses a spike one rounding error beyond the window.
        return [
            neo.SpikeTrain(
                np.clip(times, self.start, self.stop),
                units="ms",
                t_start=self.start,
                t_stop=self.stop,
                name=f"{self.name}[{k}]" if self.name else str(k),
                neuron=k,
            )
            for k, times in enumerate(self)
        ]

    def _one(self, k: int) -> SpikeTrains:
        if isinstance(k, bool) or not isinstance(k, int | np.integer):
            raise ParameterError(f"{self._where()}: {k!r} is not the id of a neuron. Give a whole number.")
        return SpikeTrains.from_trains([self[k]], self.start, self.stop, self.name, self.dt)

    def _where(self) -> str:
        return f"SpikeTrains {self.name!r}" if self.name else "SpikeTrains"

    def _csr(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Spikes in the order of neurons, their times in that order, and where each neuron's begin."""
        if self._rows is None:
            order = inputs.neuron_order(self.indices)
            ends = np.cumsum(np.bincount(self.indices, minlength=self.size))
            self._rows = order, _locked(self.times[order]), np.concatenate([[0], ends])
        return self._rows


def require(module: str, extra: str, where: str) -> ModuleType:
    """Import an optional package, or raise MissingPackageError that says how to install it.

    module : what to import
    extra : the extra of neurosim that brings it
    where : who asks
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingPackageError(
            f"{where} needs {module}, which cannot be imported ({error}). "
            f"Install it with: pip install 'neurosim[{extra}]'"
        ) from error


def _flat(values: Any, name: str, where: str) -> np.ndarray:
    array = np.asarray(values)
    if array.size == 0 and array.ndim == 1:
        return array if array.dtype.kind in "iuf" else np.zeros(0)
    if array.ndim != 1 or array.dtype.kind not in "iuf":
        raise ParameterError(
            f"{where}: {name} have shape {array.shape} and type {array.dtype}. "
            "Give numbers of shape (n_spikes,)."
        )
    return array


def _ids(indices: np.ndarray, size: int, where: str) -> np.ndarray:
    if indices.size == 0:
        return indices.astype(np.int32, copy=False)
    if indices.dtype.kind == "f" and not np.all(indices == np.floor(indices)):
        raise ParameterError(f"{where}: indices must be whole numbers.")
    low, high = indices.min(), indices.max()
    if low < 0 or high >= size:
        raise ParameterError(
            f"{where}: index {low if low < 0 else high} is out of range for {size} neurons. "
            "Give ids from 0 to size - 1, or a larger size."
        )
    return indices.astype(np.int32, copy=False)


def _locked(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.flags.writeable = False
    return view
