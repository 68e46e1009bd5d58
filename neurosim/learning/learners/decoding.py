"""What learners share whose answers are decoded from one population of LIF neurons: y = a D.

    rate mode     a = G(J), the rate of a constant current, Hz
    spiking mode  a = spikes in `duration` ms/duration, counted on the engine

Decoders D (neurons, answers) learn, encoders stand still.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.errors import ParameterError, nearest
from neurosim.estimators import validated
from neurosim.learning.learners.tuning import DT, Tuning
from neurosim.nef.neurons import LIF

#: what the parameters encoders and mode may be
ENCODERS = ("differences", "sphere")
MODES = ("rate", "spiking")


class DecodedPopulation:
    """A population of neurons and its decoders; stands before a class of `base`, whose `_output` it gives.

    Parameters of the learner: n_neurons; encoders, "differences" of samples or directions on the "sphere"; max_rates (Hz) and
    intercepts, the two ends between which they are drawn; tau_m, t_ref (ms); mode, "rate" or "spiking"; duration (ms).
    """

    def _tune(self, x: np.ndarray, rng: np.random.Generator) -> None:
        self._choice("mode", MODES)
        neurons = LIF(self._number("tau_m", open_low=True), self._number("t_ref"))
        self._tuning = Tuning.of(x, self._whole("n_neurons", 1), rng, self._choice("encoders", ENCODERS) == "differences",
                                 self._ends("max_rates", *neurons.limits()), self._ends("intercepts", -1.0, 1.0), neurons)

    def _choice(self, name: str, known: tuple[str, ...]) -> str:
        value = getattr(self, name)
        if value not in known:
            raise ParameterError(f"{type(self).__name__}: {name} must be one of {', '.join(map(repr, known))}, not {value!r}."
                                 f"{nearest(str(value), known)}")
        return value

    def _ends(self, name: str, low: float, high: float) -> tuple[float, float]:
        value = getattr(self, name)
        good = isinstance(value, (tuple, list)) and len(value) == 2 and all(
            isinstance(v, (int, float, np.number)) and not isinstance(v, bool) for v in value)
        if not good or not low <= value[0] <= value[1] < high or (name == "max_rates" and value[0] <= low):
            raise ParameterError(f"{type(self).__name__}: {name} must be two numbers, the lower one first, from {low:g} to "
                                 f"below {high:g}, not {value!r}.")
        return float(value[0]), float(value[1])

    def _activities(self, x: np.ndarray) -> np.ndarray:
        """Return a (n_samples, neurons) in Hz, in the mode chosen."""
        if self._choice("mode", MODES) == "rate":
            return self._tuning.rates(x)
        return self._tuning.counts(x, self._time())*(1000/self._time())

    def _time(self) -> float:
        # whole steps of the engine
        return max(DT, round(self._number("duration", open_low=True)/DT)*DT)

    def spikes_per_inference(self, X: Any) -> dict[str, float]:
        """Return what answers to samples X cost in spikes, means over samples.

        spikes: of the population in `duration` ms (the samples themselves come as currents); synaptic_events: each spike
        reaches every answer once.
        """
        spikes = self._tuning.counts(validated(self, X, False, dtype=np.float64), self._time()).sum(axis=1).mean()
        return {"spikes": float(spikes), "synaptic_events": float(spikes*self._decoders.shape[1])}


def simplex(y: np.ndarray) -> np.ndarray:
    """Return for each row the nearest probabilities: what is decoded estimates P(class | x), but may leave [0, 1].

        p = max(y - c, 0) with the c for which p sums to 1

    Source: Duchi et al. 2008, doi:10.1145/1390156.1390191.
    """
    down = -np.sort(-y, axis=1)
    over = (down.cumsum(axis=1) - 1)/np.arange(1, y.shape[1] + 1)
    last = (down > over).sum(axis=1) - 1
    return np.maximum(y - over[np.arange(len(y)), last][:, None], 0)
