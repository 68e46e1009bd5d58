"""Trace: a variable that a run recorded over time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neurosim.errors import NeurosimWarning, ParameterError, UnitError
from neurosim.simulator import analysis
from neurosim.simulator.analysis import inputs
from neurosim.simulator.spikes import SpikeTrains, require
from neurosim.units import to_number

# neurosim's spelling of a unit -> that of the package `quantities`, where the two differ.
_QUANTITIES = {
    "": "dimensionless",
    "1": "dimensionless",
    "MOhm": "megaohm",
    "kOhm": "kiloohm",
    "Ohm": "ohm",
    "uA/cm2": "uA/cm**2",
    "nA/cm2": "nA/cm**2",
    "uF/cm2": "uF/cm**2",
    "mS/cm2": "mS/cm**2",
    "uS/cm2": "uS/cm**2",
    "1/ms": "1/ms",
}


class Trace:
    """Values x_k(t_i) of one variable of some neurons at given times.

    times : ms, ascending without repeats, shape (n_times,)
    values : shape (n_times, n_neurons), in `unit`; (n_times,) is one neuron.  What a run recorded is kept as
        it is, NaN included
    neurons : ids of the columns, without repeats, shape (n_neurons,); by default 0, 1, ...
    variable : the name of the recorded variable, "v"
    unit : "mV"; empty if it has none
    population : the name of the recorded population
    name : of the probe

    `trace[k]` gives the values of the neuron with id k, shape (n_times,), wherever its column is; iterating
    gives the columns in order; `len(trace)` is n_times.

    Raises ParameterError for arrays that do not fit each other, times that do not ascend, and repeated ids.
    """

    __slots__ = ("_order", "name", "neurons", "population", "times", "unit", "values", "variable")

    def __init__(
        self,
        times: ArrayLike,
        values: ArrayLike,
        neurons: ArrayLike | None = None,
        variable: str = "",
        unit: str = "",
        population: str = "",
        name: str = "",
    ) -> None:
        self.variable, self.unit = str(variable), str(unit)
        self.population, self.name = str(population), str(name)
        where = self._where()
        t = np.asarray(to_number(times, "ms", f"times of {where}"))
        x = np.asarray(values)
        if t.ndim != 1 or (t.size and t.dtype.kind not in "iuf"):
            raise ParameterError(
                f"{where}: times have shape {t.shape} and type {t.dtype}. Give ms of (n_times,)."
            )
        if x.ndim == 1:
            x = x[:, None]
        if x.dtype.kind not in "biuf":
            raise ParameterError(f"{where}: values have type {x.dtype}. Give real numbers.")
        if x.ndim != 2 or x.shape[0] != t.size:
            raise ParameterError(
                f"{where}: values of shape {x.shape} do not fit {t.size} times. Give (n_times, n_neurons)."
            )
        t = t.astype(np.float64, copy=False)
        if not np.isfinite(t).all() or not np.all(t[1:] > t[:-1]):
            raise ParameterError(f"{where}: times must be finite and ascend without repeats.")
        ids = np.arange(x.shape[1]) if neurons is None else np.asarray(neurons)
        if ids.size == 0:
            ids = ids.reshape(-1).astype(np.int64)
        if ids.shape != (x.shape[1],) or ids.dtype.kind not in "iu":
            raise ParameterError(
                f"{where}: neurons of shape {ids.shape} and type {ids.dtype} do not fit {x.shape[1]} "
                "columns of values. Give one whole number for each column."
            )
        # sorted copies only where the ids do not ascend: for a million neurons a dictionary would outweigh the values
        ascending = bool(np.all(ids[1:] > ids[:-1]))
        self._order = None if ascending else np.argsort(ids, kind="stable")
        if not ascending and np.any(np.diff(ids[self._order]) == 0):
            raise ParameterError(f"{where}: neurons hold an id twice. Give each column its own.")
        self.times, self.values, self.neurons = t, x, ids

    def __len__(self) -> int:
        return self.times.size

    def __repr__(self) -> str:
        what = self.variable or "?"
        if self.population:
            what += f" of {self.population!r}"
        unit = f" in {self.unit}" if self.unit else ""
        span = f", {self.times[0]:g} to {self.times[-1]:g} ms" if self.times.size else ""
        label = f"{self.name!r}: " if self.name else ""
        return f"<Trace {label}{what}{unit}, {self.times.size} times x {self.neurons.size} neurons{span}>"

    def __getitem__(self, neuron: Any) -> np.ndarray:
        return self.values[:, self._place(neuron)]

    def __iter__(self) -> Iterator[np.ndarray]:
        return iter(self.values.T)

    @property
    def step(self) -> float | None:
        """Sampling interval in ms; None if the samples are not evenly spaced or fewer than two."""
        if self.times.size < 2:
            return None
        mean = (self.times[-1] - self.times[0]) / (self.times.size - 1)
        even = np.ptp(np.diff(self.times)) <= 1e-6 * mean
        return float(mean) if even else None

    def equals(self, other: Any) -> bool:
        """Tell whether `other` holds the same values, to the last bit, of the same variable, neurons, times.

        other : a Trace; anything else is not equal.  NaN equals NaN; `name` and `population` do not matter
        """
        return (
            isinstance(other, Trace)
            and (self.variable, self.unit) == (other.variable, other.unit)
            and np.array_equal(self.neurons, other.neurons)
            and np.array_equal(self.times, other.times)
            and np.array_equal(self.values, other.values, equal_nan=True)
        )

    def at(self, t: ArrayLike, method: str = "linear") -> np.ndarray:
        """Values at time t: x(t) = x_i + (x_(i+1) - x_i) (t - t_i) / (t_(i+1) - t_i) for t_i <= t <= t_(i+1).

        t : ms, a number or shape (m,), within the recorded times
        method : "linear"; "previous", x_i, what a step-wise variable had; or "nearest"

        Returns shape (n_neurons,), or (m, n_neurons) for several times.
        Raises ParameterError outside the recorded times, which are never extrapolated.
        """
        where = f"{self._where()}.at"
        inputs.choice(method, "method", where, ("linear", "previous", "nearest"))
        try:
            asked = np.asarray(to_number(t, "ms", f"t of {where}"), dtype=np.float64)
        except UnitError:
            raise
        except (TypeError, ValueError) as error:
            raise ParameterError(f"{where}: t must be a time in ms, not {t!r}.") from error
        if asked.ndim > 1 or not np.isfinite(asked).all():
            raise ParameterError(f"{where}: t must be one finite time, or a flat array of them.")
        if self.times.size == 0:
            raise ParameterError(f"{where}: nothing was recorded.")
        first, last = self.times[0], self.times[-1]
        outside = (asked < first - inputs.tolerance(first)) | (asked > last + inputs.tolerance(last))
        if outside.any():
            raise ParameterError(
                f"{where}: {np.atleast_1d(asked)[np.atleast_1d(outside)][0]:g} ms is outside the recorded "
                f"times, {first:g} to {last:g} ms."
            )
        # A time k*dt and its decimal may differ in the last bits: a sample is met within that.
        low = np.searchsorted(self.times, asked + inputs.tolerance(last), "right") - 1
        low = np.clip(low, 0, self.times.size - 1)
        high = np.minimum(low + 1, self.times.size - 1)
        gap = self.times[high] - self.times[low]
        share = np.divide(asked - self.times[low], gap, out=np.zeros(asked.shape), where=gap > 0)
        share = np.clip(share, 0.0, 1.0)[..., None]
        below, above = self.values[low], self.values[high]
        if method == "previous":
            return below
        if method == "nearest":
            return np.where(share > 0.5, above, below)
        below, above = below.astype(np.float64), above.astype(np.float64)
        # Exactly the sample where there is one, even if its neighbour is NaN.
        return np.where(share > 0.0, below + share * (above - below), below)

    def select(self, neurons: Any) -> Trace:
        """Return the trace of some neurons; they keep their ids.

        neurons : an id or ids, shape (k,), among `neurons`
        """
        columns = [self._place(k) for k in np.atleast_1d(np.asarray(neurons)).tolist()]
        return self._with(self.times, self.values[:, columns], self.neurons[columns])

    def window(self, start: float | None = None, stop: float | None = None) -> Trace:
        """Return the samples at start <= t < stop; without `stop`, to the last one.

        start, stop : ms
        """
        where = f"{self._where()}.window"
        low, high = 0, self.times.size
        begin = None if start is None else inputs.number(start, "start", where)
        end = None if stop is None else inputs.number(stop, "stop", where)
        if begin is not None and end is not None and not end > begin:
            raise ParameterError(f"{where}: stop ({end:g} ms) must be greater than start ({begin:g} ms).")
        if begin is not None:
            low = int(np.searchsorted(self.times, begin - inputs.tolerance(begin), "left"))
        if end is not None:
            high = int(np.searchsorted(self.times, end - inputs.tolerance(end), "left"))
        return self._with(self.times[low:high], self.values[low:high], self.neurons)

    def detect_spikes(self, threshold: float | None = None, min_prominence: float = 10.0) -> SpikeTrains:
        """Return the peaks of each column as spikes; column c is neuron c; see `analysis.spike_detect`.

        threshold, min_prominence : in the unit of the trace
        """
        if self.times.size < 2:
            raise ParameterError(
                f"{self._where()}.detect_spikes: a trace of fewer than two samples has no peaks."
            )
        found = analysis.spike_detect(self, None, threshold, min_prominence)
        return SpikeTrains.from_trains(
            found, float(self.times[0]), float(self.times[-1]), self.population or self.name
        )

    def to_dataframe(self) -> Any:
        """Return a tidy pandas DataFrame: a row a time and neuron, with `time` (ms), `neuron`, `value`.

        Raises MissingPackageError without pandas.
        """
        pandas = require("pandas", "data", f"{self._where()}.to_dataframe")
        count = self.neurons.size
        frame = pandas.DataFrame(
            {
                "time": np.repeat(self.times, count),
                "neuron": np.tile(self.neurons, self.times.size),
                "value": self.values.reshape(-1).copy(),
            }
        )
        frame.attrs.update(self._labels())
        return frame

    def to_xarray(self) -> Any:
        """Return an xarray.DataArray with dimensions time (ms) and neuron, and the unit in `attrs["units"]`.

        Raises MissingPackageError without xarray.
        """
        xarray = require("xarray", "data", f"{self._where()}.to_xarray")
        return xarray.DataArray(
            self.values.copy(),
            dims=("time", "neuron"),
            coords={"time": ("time", self.times.copy(), {"units": "ms"}), "neuron": self.neurons.copy()},
            name=self.variable or None,
            attrs={"units": self.unit, "population": self.population, "probe": self.name},
        )

    def to_neo(self) -> Any:
        """Return a neo.AnalogSignal with unit, sampling rate and t_start; IrregularlySampledSignal if uneven.

        A unit that `quantities` does not know is exported as dimensionless, with a NeurosimWarning and the
        unit in the annotations.  Raises MissingPackageError without neo.
        """
        where = f"{self._where()}.to_neo"
        neo = require("neo", "neo", where)
        quantities = require("quantities", "neo", where)
        unit = _QUANTITIES.get(self.unit, self.unit)
        try:
            quantities.Quantity(1.0, unit)
        except LookupError:
            import warnings

            warnings.warn(
                f"{where}: the package quantities has no unit {self.unit!r}. The signal is exported as "
                "dimensionless; its unit stands in annotations['unit'].",
                NeurosimWarning,
                stacklevel=2,
            )
            unit = "dimensionless"
        labels = dict(self._labels(), neurons=self.neurons.copy())
        name = labels.pop("name") or self.variable or None
        step = self.step
        values = self.values.astype(np.result_type(self.values.dtype, np.float32))
        if step is None:
            return neo.IrregularlySampledSignal(
                self.times.copy(), values, units=unit, time_units="ms", name=name, **labels
            )
        return neo.AnalogSignal(
            values,
            units=unit,
            sampling_rate=quantities.Quantity(1.0 / step, "kHz"),
            t_start=quantities.Quantity(self.times[0], "ms"),
            name=name,
            **labels,
        )

    def _labels(self) -> dict[str, Any]:
        return {
            "variable": self.variable,
            "unit": self.unit,
            "population": self.population,
            "name": self.name,
        }

    def _with(self, times: np.ndarray, values: np.ndarray, neurons: np.ndarray) -> Trace:
        return Trace(times, values, neurons, self.variable, self.unit, self.population, self.name)

    def _place(self, neuron: Any) -> int:
        whole = isinstance(neuron, int | np.integer) and not isinstance(neuron, bool)
        place = -1
        if whole and self.neurons.size:
            ids = self.neurons if self._order is None else self.neurons[self._order]
            found = min(int(np.searchsorted(ids, int(neuron))), ids.size - 1)
            if ids[found] == int(neuron):
                place = found if self._order is None else int(self._order[found])
        if place < 0:
            known = ", ".join(str(k) for k in self.neurons[:10].tolist()) or "(none)"
            more = ", ..." if self.neurons.size > 10 else ""
            raise ParameterError(
                f"{self._where()}: neuron {neuron!r} was not recorded. Recorded: {known}{more}. "
                "Use trace.values[:, c] for columns."
            )
        return place

    def _where(self) -> str:
        return f"Trace {self.name or self.variable!r}" if self.name or self.variable else "Trace"
