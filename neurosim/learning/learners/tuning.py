"""A population of LIF neurons in front of samples: tuning curves, rates, and counts of spikes on the engine.

    J_i = gain_i z_i + bias_i,   z_i = <e_i, x - mean>/(3 sd_i),   a_i = G(J_i) Hz

sd_i is the standard deviation of <e_i, x - mean> over the samples seen first, so that z_i lies within [-1, 1] but for outliers,
whatever the units of the features; where a neuron starts to fire (its intercept) and its rate at z = 1 are drawn.  Encoders
e_i have length 1 and are differences of two of those samples, which look where the data differ, or any directions.

In spikes, every sample meets a copy of the population: constant currents for `duration` ms, all copies in one run.  Potentials
begin somewhere between reset and threshold, each neuron at its own place and the same for every sample: otherwise all would
have to charge first, and counts would be half a spike too small.

Source: Eliasmith & Anderson 2003, Neural Engineering, MIT Press, chapter 2 (isbn 9780262550604).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.nef.models import spiking
from neurosim.nef.neurons import LIF
from neurosim.simulator.network import Network
from neurosim.simulator.population import Population
from neurosim.simulator.simulate import simulate
from neurosim.simulator.stimuli import DC

#: neurons in one run
AT_ONCE = 400_000
#: standard deviations that z = 1 stands for
REACH = 3.0
#: step in ms; the model finds the time of a spike within a step
DT = 1.0


@dataclass(frozen=True, eq=False)
class Tuning:
    """Tuning curves.

    Attributes:
        directions: e_i, shape (n, d), of length 1.
        gain, bias: of J = gain <e, x> + bias, shape (n,): mean and sd are part of them.
        starts: potentials at the beginning, shape (n,).
        neurons: the neuron type.
    """

    directions: np.ndarray
    gain: np.ndarray
    bias: np.ndarray
    starts: np.ndarray
    neurons: LIF

    @classmethod
    def of(cls, x: np.ndarray, n: int, rng: np.random.Generator, differences: bool, max_rates: tuple[float, float],
           intercepts: tuple[float, float], neurons: LIF) -> Tuning:
        """Return n tuning curves for samples x (m, d); rates in Hz and intercepts are drawn between two numbers each."""
        d = x.shape[1]
        directions = rng.standard_normal((n, d))
        if differences and len(x) > 1:
            first = rng.integers(len(x), size=n)
            apart = x[first] - x[(first + rng.integers(1, len(x), size=n)) % len(x)]
            # two equal samples have no direction
            directions = np.where(np.abs(apart).max(axis=1, keepdims=True) > 0, apart, directions)
        # squares of tiny or huge features would leave the range of floats
        directions /= np.abs(directions).max(axis=1, keepdims=True)
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        mean = x.mean(axis=0)
        sd = ((x - mean) @ directions.T).std(axis=0)
        sd[sd == 0] = 1.0
        gain, bias = neurons.gain_bias(rng.uniform(*max_rates, n), rng.uniform(*intercepts, n))
        gain = gain/(REACH*sd)
        return cls(directions, gain, bias - gain*(directions @ mean), rng.uniform(0, 1, n), neurons)

    @property
    def size(self) -> int:
        """Number of neurons."""
        return len(self.gain)

    def currents(self, x: np.ndarray) -> np.ndarray:
        """Return J for samples, shape (m, n)."""
        return (x @ self.directions.T)*self.gain + self.bias

    def rates(self, x: np.ndarray) -> np.ndarray:
        """Return G(J) in Hz, shape (m, n)."""
        return self.neurons.rates(self.currents(x))

    def counts(self, x: np.ndarray, duration: float) -> np.ndarray:
        """Return spikes of each neuron in `duration` ms in front of each sample, shape (m, n)."""
        rows = max(1, AT_ONCE//self.size)
        return np.concatenate([self._counts(x[k:k + rows], duration) for k in range(0, len(x), rows)])

    def _counts(self, x: np.ndarray, duration: float) -> np.ndarray:
        copies = Population(x.shape[0]*self.size, spiking(self.neurons), name="copies",
                            initial={"v": np.tile(self.starts, len(x))})
        network = Network([copies], stimuli=[DC(self.currents(x).ravel(), target=copies)])
        found = simulate(network, duration, DT, progress=False).spikes["copies"]
        return np.bincount(found.indices, minlength=copies.size).reshape(len(x), self.size)
