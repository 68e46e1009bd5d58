"""Neuron types of the Neural Engineering Framework: rate curves G, and gains and biases from what they shall do.

A neuron receives  J = gain <e, x>/radius + bias  and fires at G(J) Hz.  Two numbers that people care about fix gain and
bias: the rate at <e, x>/radius = 1 (max_rate, Hz) and the point at which the neuron starts to fire (intercept, in [-1, 1)).

    gain + bias = G^-1(max_rate),   gain intercept + bias = J_0

with J_0 the current at which firing starts.

Source: Eliasmith & Anderson 2003, Neural Engineering, MIT Press, chapter 2 (isbn 9780262550604).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neurosim.errors import ParameterError
from neurosim.nef import lif_rates

#: rates from which on a compiled loop is worth being loaded
MANY = 1 << 15


class NeuronType(ABC):
    """Common part of all neuron types; see the functions of the module for what they share."""

    #: current at which firing starts, which is where an intercept is put
    onset: float = 0.0

    @abstractmethod
    def rates(self, current: ArrayLike) -> np.ndarray:
        """Return G(J) in Hz for currents J of any shape."""

    @abstractmethod
    def current(self, rate: np.ndarray) -> np.ndarray:
        """Return J with G(J) = rate, for rates within `limits`."""

    def overwrite(self, currents: np.ndarray) -> None:
        """Let a matrix of currents become rates in Hz, in place."""
        currents[...] = self.rates(currents)

    def key(self) -> str | None:
        """Return a text that says everything the curve depends on, for caches; None: not known, so nothing is cached."""
        cls = type(self)
        return None if cls.__repr__ is object.__repr__ else f"{cls.__module__}.{self!r}"

    def limits(self) -> tuple[float, float]:
        """Return the rates (Hz) between which a max_rate must lie, both excluded."""
        return 0.0, np.inf

    def gain_bias(self, max_rates: ArrayLike, intercepts: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Return gains and biases, each of shape (n,).

            gain = (G^-1(max_rate) - J_0)/(1 - intercept),   bias = J_0 - gain intercept

        Args:
            max_rates: Hz, shape (n,) or a number.
            intercepts: value of <e, x>/radius at which firing starts, in [-1, 1); shape (n,) or a number.

        Raises:
            ParameterError: for values outside their limits, naming the neuron; for shapes that do not fit.
        """
        what = type(self).__name__
        rate, start = _vector(max_rates, "max_rates", what), _vector(intercepts, "intercepts", what)
        if rate.size != start.size and 1 not in (rate.size, start.size):
            raise ParameterError(f"{what}: max_rates has {rate.size} values and intercepts {start.size}. Give as many of "
                                 "both, or one number.")
        rate, start = np.broadcast_arrays(rate, start)
        low, high = self.limits()
        _within(rate, (rate > low) & (rate < high), "max_rates", what, "Hz",
                f"above {low:g} Hz" + (f" and below {high:g} Hz" if np.isfinite(high) else "") + self._why(low, high))
        _within(start, (start >= -1) & (start < 1), "intercepts", what, "",
                "at least -1 and below 1: the neuron must start to fire where x can be, before it reaches its max_rate")
        gain = (self.current(rate) - self.onset) / (1 - start)
        return gain, self.onset - gain * start

    def max_rates_intercepts(self, gain: ArrayLike, bias: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Return (max_rates in Hz, intercepts), each of shape (n,), from gains and biases: `gain_bias` backwards.

        A neuron with gain 0 has no intercept: -inf if it always fires, inf if it never does.

        Raises:
            ParameterError: for values that are not finite.
        """
        what = type(self).__name__
        gain, bias = np.broadcast_arrays(_vector(gain, "gain", what), _vector(bias, "bias", what))
        for name, values in (("gain", gain), ("bias", bias)):
            _within(values, np.isfinite(values), name, what, "", "finite")
        with np.errstate(divide="ignore", invalid="ignore"):
            intercepts = np.where(gain == 0, np.where(bias > self.onset, -np.inf, np.inf), (self.onset - bias) / gain)
        return self.rates(gain + bias), intercepts

    def _why(self, low: float, high: float) -> str:
        return ""


@dataclass(frozen=True)
class LIF(NeuronType):
    """Leaky integrate-and-fire neuron without units: threshold 1, reset 0.

        tau_m dv/dt = J - v;   spike if v > 1: v <- 0, held for t_ref;   v >= v_min
        G(J) = 1000/(t_ref + tau_m ln(J/(J - 1)))  Hz for J > 1, else 0

    Args:
        tau_m: membrane time constant, ms.
        t_ref: refractory period, ms.
        v_min: lower bound of v, without unit; at most 0.

    Raises:
        ParameterError: for tau_m <= 0, t_ref < 0, v_min > 0 or values that are not finite.
    """

    tau_m: float = 20.0
    t_ref: float = 2.0
    v_min: float = 0.0

    onset = 1.0

    def __post_init__(self):
        _positive(self, tau_m=self.tau_m)
        _positive(self, zero=True, t_ref=self.t_ref)
        if _number(self, "v_min", self.v_min) > 0:
            raise ParameterError(f"LIF: v_min is {self.v_min}, above the reset at 0. Give a number of at most 0.")

    def rates(self, current: ArrayLike) -> np.ndarray:
        """Return G(J) in Hz for currents J of any shape."""
        out = np.atleast_1d(np.asarray(current, dtype=float) - 1)
        np.maximum(out, 0, out=out)
        # at or below threshold 1/0 = inf, and thus a rate of 1000/inf = 0
        with np.errstate(divide="ignore", over="ignore"):
            np.divide(1, out, out=out)
            if self.t_ref > 1e-3 * self.tau_m:
                # log1p takes twice as long, and what it adds in precision is lost in the sum with t_ref
                out += 1
                np.log(out, out=out)
            else:
                np.log1p(out, out=out)
            out *= self.tau_m
            out += self.t_ref
            np.divide(1000, out, out=out)
        return out.reshape(np.shape(current))[()]

    def overwrite(self, currents: np.ndarray) -> None:
        """Let a matrix of currents become rates in Hz, in place; a large one by a compiled loop."""
        many = currents.size >= MANY and currents.flags.c_contiguous and type(self).rates is LIF.rates
        if not (many and lif_rates.overwrite(currents, self.tau_m, self.t_ref)):
            super().overwrite(currents)

    def current(self, rate: np.ndarray) -> np.ndarray:
        """Return J = 1/(1 - exp((t_ref - 1000/rate)/tau_m)) for 0 < rate < 1000/t_ref."""
        return -1 / np.expm1((self.t_ref - 1000 / np.asarray(rate, dtype=float)) / self.tau_m)

    def limits(self) -> tuple[float, float]:
        """Return (0, 1000/t_ref)."""
        return 0.0, 1000 / self.t_ref if self.t_ref > 0 else np.inf

    def _why(self, low: float, high: float) -> str:
        return f", the rate at which t_ref = {self.t_ref:g} ms leaves no time between spikes. Lower max_rates or t_ref"


@dataclass(frozen=True)
class RectifiedLinear(NeuronType):
    """Rectified linear neuron: G(J) = max(J, 0) Hz; the spiking form integrates G and fires at whole numbers."""

    def rates(self, current: ArrayLike) -> np.ndarray:
        """Return G(J) in Hz for currents J of any shape."""
        return np.maximum(np.asarray(current, dtype=float), 0)

    def current(self, rate: np.ndarray) -> np.ndarray:
        """Return J = rate."""
        return np.asarray(rate, dtype=float)


@dataclass(frozen=True)
class Sigmoid(NeuronType):
    """Graded neuron with a logistic curve: G(J) = (1000/t_ref)/(1 + exp(-J)) Hz.

    It never falls silent; its intercept is put at J = 0, where the rate is half of its ceiling and the curve is steepest,
    so that max_rates lie above that.

    Args:
        t_ref: ms; the ceiling is 1000/t_ref Hz.

    Raises:
        ParameterError: for t_ref <= 0.
    """

    t_ref: float = 2.5

    def __post_init__(self):
        _positive(self, t_ref=self.t_ref)

    def rates(self, current: ArrayLike) -> np.ndarray:
        """Return G(J) in Hz for currents J of any shape."""
        from scipy.special import expit

        return 1000 / self.t_ref * expit(np.asarray(current, dtype=float))

    def current(self, rate: np.ndarray) -> np.ndarray:
        """Return J = ln(rate/(1000/t_ref - rate))."""
        rate = np.asarray(rate, dtype=float)
        return np.log(rate / (1000 / self.t_ref - rate))

    def limits(self) -> tuple[float, float]:
        """Return the rate at the intercept and 1000/t_ref."""
        return float(self.rates(self.onset)), 1000 / self.t_ref

    def _why(self, low: float, high: float) -> str:
        return f": its rate at the intercept and its ceiling, 1000/t_ref, for t_ref = {self.t_ref:g} ms"


@dataclass(frozen=True)
class Tanh(NeuronType):
    """Graded neuron with a hyperbolic tangent: G(J) = (1000/t_ref) tanh(J) Hz, negative for J < 0.

    Its intercept is where the rate is 0.

    Args:
        t_ref: ms; the ceiling is 1000/t_ref Hz.

    Raises:
        ParameterError: for t_ref <= 0.
    """

    t_ref: float = 2.5

    def __post_init__(self):
        _positive(self, t_ref=self.t_ref)

    def rates(self, current: ArrayLike) -> np.ndarray:
        """Return G(J) in Hz for currents J of any shape."""
        return 1000 / self.t_ref * np.tanh(np.asarray(current, dtype=float))

    def current(self, rate: np.ndarray) -> np.ndarray:
        """Return J = artanh(rate t_ref/1000)."""
        return np.arctanh(np.asarray(rate, dtype=float) * self.t_ref / 1000)

    def limits(self) -> tuple[float, float]:
        """Return (0, 1000/t_ref)."""
        return 0.0, 1000 / self.t_ref

    def _why(self, low: float, high: float) -> str:
        return f", its ceiling 1000/t_ref for t_ref = {self.t_ref:g} ms"


def _number(owner: NeuronType, name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or not np.isfinite(value):
        raise ParameterError(f"{type(owner).__name__}: {name} must be a finite number, not {value!r}.")
    return float(value)


def _positive(owner: NeuronType, zero: bool = False, **values: Any) -> None:
    for name, value in values.items():
        if _number(owner, name, value) < 0 or (value == 0 and not zero):
            raise ParameterError(f"{type(owner).__name__}: {name} is {value}. Give a "
                                 f"{'number of at least' if zero else 'number above'} 0 ms.")


def _vector(values: ArrayLike, name: str, what: str) -> np.ndarray:
    try:
        array = np.array(values, dtype=float)
    except (TypeError, ValueError):
        raise ParameterError(f"{what}: {name} must be numbers, not {values!r:.60}.") from None
    if array.ndim > 1:
        raise ParameterError(f"{what}: {name} must be a number or have shape (n,), not {array.shape}.")
    return np.atleast_1d(array)


def _within(values: np.ndarray, good: np.ndarray, name: str, what: str, unit: str, wanted: str) -> None:
    # NaN compares false and so is never good
    if not good.all():
        k = int(np.argmin(good))
        more = f" and {(~good).sum() - 1} more" if (~good).sum() > 1 else ""
        raise ParameterError(f"{what}: {name} of neuron {k} is {values[k]:g}{' ' * bool(unit)}{unit}{more}; it must be "
                             f"{wanted}.")
