"""Neurons of any model of the engine: their rate curve G is measured.

One run with a neuron for each of some hundred currents, denser near the rheobase, gives rates; they are made monotone
(isotonic regression) and joined by monotone cubics (PCHIP).  Below the rheobase G = 0, so that it may jump there (type II);
above the current of the highest rate it stays at that rate.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from neurosim.errors import ParameterError
from neurosim.model.ir import NeuronModel
from neurosim.nef import files
from neurosim.nef.neurons import NeuronType

#: currents a curve is measured at, and rounds of doubling until a current is found at which a model fires
POINTS, DOUBLINGS = 256, 24
#: Hz; the search for the range of currents ends at this rate, above what real neurons fire at in the long run
FAST = 500.0
#: the first current tried, in the unit of the input: small against the rheobase of every model in common units
FIRST = 1e-3

_measured: dict[str, Samples] = {}


class Samples(NamedTuple):
    """A measured curve: currents ascending from the rheobase, rates in Hz not falling."""

    currents: np.ndarray
    rates: np.ndarray


@dataclass(frozen=True, eq=False)
class Curve(NeuronType):
    """Neurons of a model of the engine, such as AdEx, Izhikevich or Hodgkin-Huxley, with a measured rate curve.

        J = gain <e, x>/radius + bias   in the unit of the input,   rate = G(J)

    G is the rate at constant input that sets in at t = 0 from the initial state of the model: spikes from `start` to
    `duration`, as the inverse of their mean interval.  An intercept is put at the rheobase.  Rates between 0 and that at the
    rheobase, and above the highest one, cannot be asked for.  Curves are kept, in memory and on disk.

    G says what lasts.  Signals that change within the time constant of an adaptation (AdEx, Izhikevich), or that pass slowly
    through a range where rest and firing are both stable (Hodgkin-Huxley, 6.3 to 9.8 uA/cm2), meet other rates than G.

    Args:
        model: parameters are single numbers.
        input: name of the input; may be left out if there is just one.
        currents: (low, high), silent and highest current, unit of the input; None: found by doubling, up to 500 Hz or
            the highest rate.
        duration, start: ms; spikes before start do not count: adaptation has come to rest by then.
        dt: ms; that of the simulation to come, so that the curve has the errors of its integrator in it; a simulation with
            spikes in longer steps warns.

    Raises:
        ParameterError: for a model without spikes or input, with distributions or arrays as parameters, or that never fires;
            a range of currents that is not ascending; a low current that fires, a high one that does not.
    """

    model: NeuronModel
    input: str | None = None
    currents: tuple[float, float] | None = None
    duration: float = 1500.0
    start: float = 500.0
    dt: float = 0.05

    def __post_init__(self):
        from neurosim.errors import listing, nearest
        from neurosim.simulator.analysis import inputs

        model = self.model
        if not isinstance(model, NeuronModel):
            raise ParameterError(f"Curve: a NeuronModel such as ns.AdEx() is needed, not {model!r:.60}.")
        if model.threshold is None:
            raise ParameterError(f"Curve: {model.name} has no threshold and thus no spikes. Give it one.")
        if self.input is None and len(model.inputs) != 1:
            raise ParameterError(f"Curve: {model.name} has the inputs {listing(model.inputs)}. Say which one: input=...")
        if self.input is not None and self.input not in model.inputs:
            raise ParameterError(f"Curve: {model.name} has no input {self.input!r}.{nearest(self.input, model.inputs)} Its "
                                 f"inputs: {listing(model.inputs)}.")
        object.__setattr__(self, "input", self.input or model.inputs[0])
        for name, value in (*model.parameters.items(), *model.initial.items()):
            if getattr(value, "is_distribution", False) or np.size(value) != 1:
                raise ParameterError(f"Curve: {name} of {model.name} differs from neuron to neuron, but one curve stands for "
                                     "all. Give one number.")
        for name, above in (("duration", 0.0), ("dt", 0.0)):
            object.__setattr__(self, name, inputs.number(getattr(self, name), name, "Curve", above=above))
        object.__setattr__(self, "start", inputs.number(self.start, "start", "Curve", least=0.0))
        if not self.start < self.duration:
            raise ParameterError(f"Curve: start ({self.start:g} ms) must lie before the end ({self.duration:g} ms).")
        if self.currents is not None:
            try:
                low, high = (inputs.number(c, "currents", "Curve", unit=model.units.get(self.input) or "1")
                             for c in self.currents)
            except (TypeError, ValueError) as error:
                raise ParameterError(f"Curve: currents must be two numbers (low, high), not {self.currents!r:.60}.") from error
            if not low < high:
                raise ParameterError(f"Curve: the low current ({low:g}) must be below the high one ({high:g}).")
            object.__setattr__(self, "currents", (low, high))

    def __repr__(self) -> str:
        return f"Curve({self.model.name}, input={self.input!r})"

    @cached_property
    def samples(self) -> Samples:
        """The measured curve: (currents from the rheobase to that of the highest rate, rates in Hz)."""
        key = f"curve_{hashlib.blake2b(self.key().encode(), digest_size=20).hexdigest()}"
        if key not in _measured:
            stored = files.read(key)
            if stored is None or stored.keys() != {"currents", "rates"} or stored["currents"].shape != stored["rates"].shape:
                found = self._measure()
                files.write(key, found._asdict())
            else:
                found = Samples(**stored)
            _measured[key] = found
        return _measured[key]

    @property
    def onset(self) -> float:
        """The rheobase, unit of the input."""
        return float(self.samples.currents[0])

    def rates(self, current: ArrayLike) -> np.ndarray:
        """Return G(J) in Hz for currents J of any shape, in the unit of the input."""
        currents, _ = self.samples
        j = np.asarray(current, dtype=float)
        return np.where(j < currents[0], 0.0, self._cubics(np.clip(j, currents[0], currents[-1])))[()]

    def current(self, rate: np.ndarray) -> np.ndarray:
        """Return the least J with G(J) = rate, by halving intervals, for rates within `limits`."""
        currents, rates = self.samples
        rate = np.asarray(rate, dtype=float)
        k = np.clip(np.searchsorted(rates, rate, side="left"), 1, len(rates) - 1)
        low, high = currents[k - 1], currents[k]
        for _ in range(60):
            middle = (low + high) / 2
            below = self._cubics(middle) < rate
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return high

    def limits(self) -> tuple[float, float]:
        """Return the rates at the rheobase and at the highest current, in Hz."""
        rates = self.samples.rates
        return float(rates[0]), float(rates[-1])

    def spiking_model(self) -> NeuronModel:
        """Return the model itself; `input` names its input."""
        return self.model

    def rate_model(self) -> NeuronModel:
        """Return a model with the same input whose derived quantity ``rate`` is G in Hz, joined by straight lines.

            rate = r_0 + sum_k s_k max(min(i, c_K) - c_k, 0)  for i >= c_0, else 0

        At most 64 of the samples c_k are taken, those without which the lines would stray furthest.
        """
        c, r = _corners(*self.samples)
        slopes = np.diff(r) / np.diff(c)
        kinks = np.diff(slopes, prepend=0.0)
        terms = " + ".join(f"({s!r})*maximum(top - ({k!r}), 0)" for k, s in zip(c[:-1].tolist(), kinks.tolist()))
        name = self.input
        return NeuronModel.from_equations(
            f"top = minimum({name}, {float(c[-1])!r})\nrate = where({name} >= {float(c[0])!r}, {float(r[0])!r} + {terms}, 0)",
            inputs=[name], name=f"{self.model.name}Rate", doc=f"Measured rate curve of {self.model.name}.")

    def key(self) -> str:
        """Return a text with everything the curve depends on: model, settings, and the code that runs it."""
        values = [f"{f.name}={_plain(getattr(self.model, f.name))}" for f in fields(NeuronModel) if f.name != "doc"]
        return "\0".join(("Curve", *values, repr((self.input, self.currents, self.duration, self.start, self.dt)), _engine()))

    def _why(self, low: float, high: float) -> str:
        return (f": the rates that {self.model.name} can keep up, from its rheobase at {self.onset:.4g} {self._unit} to "
                f"{self.samples.currents[-1]:.4g} {self._unit}")

    @cached_property
    def _cubics(self) -> Callable[[np.ndarray], np.ndarray]:
        from scipy.interpolate import PchipInterpolator

        return PchipInterpolator(*self.samples)

    def _measure(self) -> Samples:
        from scipy.optimize import isotonic_regression

        low, high = self.currents or self._range()
        ends = self._fire(np.array([low, high]))
        if ends[0] > 0:
            raise ParameterError(f"Curve: {self.model.name} fires at the low current {low:g} {self._unit} already. "
                                 "Give a lower one.")
        first = self._rheobase(low, high)
        # a rate that rises like a root is even in the square root of the distance
        currents = first + (high - first) * np.linspace(0, 1, POINTS) ** 2
        rates = self._fire(currents)
        top = int(np.argmax(rates))
        if top < 2:
            raise ParameterError(f"Curve: {self.model.name} does not fire faster with more current between {first:g} and "
                                 f"{high:g} {self._unit}. Give another range: currents=(low, high).")
        rates = isotonic_regression(rates[:top + 1]).x
        # where rates stay equal, only the ends of the stretch say something
        inner = np.r_[True, (rates[1:-1] > rates[:-2]) | (rates[1:-1] < rates[2:]), True]
        return Samples(currents[:top + 1][inner], rates[inner])

    def _rheobase(self, low: float, high: float) -> float:
        """Return the least current at which firing goes on, to 1 part in 1e5 of what is added to the low one."""
        whole = high - low
        while high - low > 1e-5 * min(whole, abs(high)):
            tried = np.linspace(low, high, 34)
            firing = self._fire(tried) > 0
            if not firing.any():
                raise ParameterError(f"Curve: {self.model.name} does not go on firing at any current from {low:g} to {high:g} "
                                     f"{self._unit}. Give other currents=(low, high), or a longer "
                                     "duration.")
            k = int(np.argmax(firing))
            low, high = float(tried[max(k - 1, 0)]), float(tried[k])
        return high

    def _range(self) -> tuple[float, float]:
        """Return a silent current and a high one, by doubling."""
        low, sign = 0.0, 1.0
        if self._fire(np.zeros(1))[0] > 0:
            sign = -1.0
        steps = sign * FIRST * 2.0 ** np.arange(DOUBLINGS)
        if sign < 0:
            for low in steps:
                if self._fire(np.array([low]))[0] == 0:
                    break
            else:
                raise ParameterError(f"Curve: {self.model.name} fires without input, and {low:g} {self._unit} does not stop "
                                     "it. Give currents=(low, high).")
        best, high = 0.0, None
        for current in low + FIRST * 2.0 ** np.arange(DOUBLINGS):
            try:
                rate = float(self._fire(np.array([current]))[0])
            except ParameterError:
                # too much for the integrator
                break
            if rate > best or best == 0:
                best = max(rate, best)
                high = current if rate > 0 else high
                if rate < FAST:
                    continue
            elif high is not None:
                # the highest rate lies between the last two
                high = current
            break
        if high is None:
            raise ParameterError(f"Curve: {self.model.name} does not fire at any current from {low + FIRST:g} to {current:g} "
                                 f"{self._unit}. Give currents=(low, high).")
        return float(low), float(high)

    @property
    def _unit(self) -> str:
        return self.model.units.get(self.input) or ""

    def _fire(self, currents: np.ndarray) -> np.ndarray:
        """Return the rate for each current, Hz; 0 where firing does not last until the end."""
        from neurosim.simulator.network import Network
        from neurosim.simulator.population import Population
        from neurosim.simulator.simulate import simulate
        from neurosim.simulator.stimuli import DC

        cells = Population(currents.size, self.model, name="cells")
        result = simulate(Network([cells], stimuli=[DC(currents, target=cells, input=self.input)]), self.duration, self.dt,
                          progress=False)
        if not result.completed:
            raise ParameterError(f"Curve: the run of {self.model.name} stopped at {result.time:g} ms: {result.problem}. Use a "
                                 "smaller dt, or other currents=(low, high).")
        spikes = result.spikes["cells"]
        rates = np.asarray(spikes.rates_from_isi(self.start, self.duration, silent=0.0), dtype=float)
        last = np.zeros(currents.size)
        # times ascend, so that the last one of each neuron stays
        last[spikes.indices] = spikes.times
        return np.where((self.duration - last) * rates < 2 * 1000, rates, 0.0)


def _corners(x: np.ndarray, y: np.ndarray, most: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """Return the points of a curve between which straight lines come closest to all, found one by one."""
    kept = [0, len(x) - 1]
    while len(kept) < min(most, len(x)):
        error = np.abs(np.interp(x, x[kept], y[kept]) - y)
        worst = int(np.argmax(error))
        if error[worst] <= 1e-4 * y[-1]:
            break
        kept = sorted({*kept, worst})
    return x[kept], y[kept]


def _plain(value: Any) -> str:
    return repr(sorted((k, repr(v)) for k, v in value.items()) if hasattr(value, "items") else value)


def _engine() -> str:
    """Return a hash of the code by which models are run."""
    from neurosim.codegen import store

    digest = hashlib.blake2b(digest_size=16)
    for path in (*sorted(Path(store.__file__).parent.glob("*.py")), Path(__file__)):
        digest.update(path.read_bytes())
    return store.key_of(digest.hexdigest())
