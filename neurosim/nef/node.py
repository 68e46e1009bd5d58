"""Nodes: values from outside an ensemble - constants, functions of time, samples, callbacks - and relays that pass on sums."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from enum import Enum
from typing import Any

import numpy as np

from neurosim.errors import ParameterError
from neurosim.nef.parts import End, a_name, numbers, positive, positive_integer


class Kind(Enum):
    """What a node does."""

    RELAY = "relay"
    CONSTANT = "constant"
    SAMPLES = "samples"
    FUNCTION = "function of time"
    CALLBACK = "callback"


RELAY, CONSTANT, SAMPLES, FUNCTION, CALLBACK = Kind.RELAY, Kind.CONSTANT, Kind.SAMPLES, Kind.FUNCTION, Kind.CALLBACK


@dataclass(frozen=True, eq=False)
class Samples:
    """A signal given by its samples: row k holds for k interval <= t < (k + 1) interval, the last one for ever.

    Args:
        values: shape (n_times, d), or (n_times,) for one dimension.
        interval: time between samples, ms.

    Raises:
        ParameterError: for shapes that do not fit, values that are not finite, interval <= 0.
    """

    values: Any
    interval: float = 1.0

    def __post_init__(self):
        values = numbers(self.values, "Samples: values", "Give an array of shape (n_times, d).")
        if values.ndim == 1:
            values = values[:, None]
        if values.ndim != 2 or not values.size:
            raise ParameterError(f"Samples: values have shape {values.shape}; give (n_times, d), neither of them 0.")
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "interval", positive(self.interval, "Samples: interval", "ms"))

    def at(self, times: np.ndarray) -> np.ndarray:
        """Return the values at times in ms, shape (len(times), d)."""
        row = index_of(times, self.interval)
        return self.values[np.clip(row, 0, len(self.values) - 1)]


@dataclass(frozen=True, eq=False)
class Node(End):
    """Values from outside of the ensembles, or a relay.

    Args:
        output: a number or an array (d,): constant.  A function f(t) of the time in ms that returns a number or (d,): its
            value at k dt holds in the step k dt ... (k+1) dt; it must depend on t alone, for it is called up to a thousand
            steps ahead.  `Samples`.  With `size_in`, a function f(t, x): a callback, called every `every` ms with what the
            node receives then, its answer held in between; it may return None if nothing is connected from it.  None: a
            relay, which passes on the sum of what it receives without delay.
        size_in: dimensions that it takes; for callbacks and relays only.
        size_out: dimensions that it gives.  None: found by a call with t = 0 (and x = 0).
        every: ms; of a callback (needed), or of a function of time that is to be called less often than each step.
        name: for messages and results.

    Raises:
        ParameterError: for wrong sizes, values that are not finite, every missing or not positive.
    """

    output: Any = None
    _: KW_ONLY
    size_in: int | None = None
    size_out: int | None = None
    every: float | None = None
    name: str | None = None

    def __post_init__(self):
        a_name(self.name, "Node")
        put = lambda key, value: object.__setattr__(self, key, value)
        given_out = self.size_out is not None
        if given_out and not (self.size_out == 0 and not isinstance(self.size_out, bool)):
            positive_integer(self.size_out, f"{self.describe()}: size_out")
        if self.size_in is not None and not (self.size_in == 0 and not isinstance(self.size_in, bool)):
            positive_integer(self.size_in, f"{self.describe()}: size_in")
        if self.every is not None:
            put("every", positive(self.every, f"{self.describe()}: every", "ms"))
        kind = self._kind_of()
        put("kind", kind)
        if kind is Kind.RELAY:
            size = self._relay_size()
        elif kind is Kind.CONSTANT:
            value = numbers(self.output, f"{self.describe()}: output", "Give a number, an array (d,), a function or "
                            "nef.Samples.")
            if value.ndim > 1 or not value.size:
                raise ParameterError(f"{self.describe()}: the constant output has shape {value.shape}; give a number or (d,). "
                                     "Values over time are nef.Samples(values, interval).")
            put("output", np.atleast_1d(value))
            size = self.output.size
        elif kind is Kind.SAMPLES:
            size = self.output.values.shape[1]
        else:
            size = self.size_out if kind is Kind.CALLBACK and given_out else self._first_call(kind)
        if given_out and size != self.size_out:
            raise ParameterError(f"{self.describe()}: output gives {size} numbers, but size_out is {self.size_out}.")
        put("size_in", int(self.size_in or 0))
        put("size_out", int(size))

    def _kind_of(self) -> Kind:
        takes = bool(self.size_in)
        if self.output is None:
            if self.every is not None:
                raise ParameterError(f"{self.describe()}: a relay has no every=.")
            return Kind.RELAY
        if callable(self.output) and not isinstance(self.output, Samples):
            if takes and self.every is None:
                raise ParameterError(f"{self.describe()}: a function f(t, x) of what the node receives is called at an "
                                     "interval of its own. Give every= in ms.")
            return Kind.CALLBACK if takes else Kind.FUNCTION
        if takes:
            raise ParameterError(f"{self.describe()}: size_in is {self.size_in}, but the output does not depend on what the "
                                 "node receives. Give a function f(t, x), or leave size_in out.")
        if self.every is not None:
            raise ParameterError(f"{self.describe()}: every= is for functions. The interval of samples is given in "
                                 "nef.Samples.")
        return Kind.SAMPLES if isinstance(self.output, Samples) else Kind.CONSTANT

    def _relay_size(self) -> int:
        if not self.size_in:
            raise ParameterError(f"{self.describe()}: a relay (output None) needs size_in=, the number of dimensions that it "
                                 "passes on.")
        return self.size_in

    def _first_call(self, kind: Kind) -> int:
        args = (0.0,) if kind is Kind.FUNCTION else (0.0, np.zeros(self.size_in))
        try:
            answer = self.output(*args)
        except Exception as problem:
            form, hint = "f(t, x)", ""
            if kind is Kind.FUNCTION:
                form, hint = "f(t)", " A function f(t, x) of what the node receives needs size_in= and every=."
            raise ParameterError(f"{self.describe()}: its function, called as {form}, fails at t = 0 ms: "
                                 f"{type(problem).__name__}: {problem}.{hint}") from problem
        return 0 if answer is None and kind is Kind.CALLBACK else self.checked(answer, 0.0).size

    def _answer(self, t: float, args: tuple) -> np.ndarray:
        return self.checked(self.output(*args), t)

    def checked(self, answer: Any, t: float) -> np.ndarray:
        """Return an answer of the node's function as an array (d,).

        Raises:
            ParameterError: if it is not numeric, not finite, or not of the size that the node has.
        """
        where = f"{self.describe()}: its function"
        if answer is None:
            raise ParameterError(f"{where} returns None at t = {t:g} ms; it must return numbers.")
        try:
            value = np.atleast_1d(np.asarray(answer, dtype=float))
        except (TypeError, ValueError):
            raise ParameterError(f"{where} returns {answer!r:.60} at t = {t:g} ms; it must return numbers.") from None
        if value.ndim != 1:
            raise ParameterError(f"{where} returns shape {value.shape} at t = {t:g} ms; it must be a number or (d,).")
        if isinstance(self.size_out, (int, np.integer)) and value.size != self.size_out:
            raise ParameterError(f"{where} returns {value.size} numbers at t = {t:g} ms, but the node has size_out = "
                                 f"{self.size_out}.")
        if not np.isfinite(value).all():
            raise ParameterError(f"{where} returns {value.tolist()} at t = {t:g} ms; it must be finite.")
        return value

    def values(self, times: np.ndarray) -> np.ndarray:
        """Return the output at times in ms, shape (len(times), size_out), of a node that does not depend on others.

        Raises:
            ParameterError: for an answer of the function that is not numeric, of wrong size or not finite; the time is named.
        """
        times = np.asarray(times, dtype=float)
        if self.kind is Kind.CONSTANT:
            return np.broadcast_to(self.output, (len(times), self.size_out))
        if self.kind is Kind.SAMPLES:
            return self.output.at(times)
        if self.kind is not Kind.FUNCTION:
            raise ParameterError(f"{self.describe()} is a {self.kind.value}: its output depends on what it receives.")
        if self.every is not None:
            row = index_of(times, self.every)
            first, place = np.unique(row, return_inverse=True)
            times = first * self.every
        out = np.empty((len(times), self.size_out))
        for k, t in enumerate(times.tolist()):
            out[k] = self._answer(t, (t,))
        return out if self.every is None else out[place]


def index_of(times: np.ndarray, interval: float) -> np.ndarray:
    """Return floor(t/interval), counting a time that rounding put just below a multiple as the multiple."""
    return np.floor(np.asarray(times, dtype=float) / interval * (1 + 1e-12) + 1e-9).astype(np.int64)
