"""SuperSpike: layers of integrate-and-fire neurons learn to fire at given times.

    cost      E = 1/2 sum_t (alpha * (s^ - s))_t^2        distance of van Rossum between wanted spikes s^ and spikes s
    layer L   e = alpha * (s^ - s)                        error, heard until alpha has faded
    below     e^l = alpha * ((s^ - s) B^l)                through W^T of the layers between (symmetric), random or equal weights
    change    dW_ij = sum_t e_j(t) (alpha * (psi(U_j - theta) (epsilon * s_i)))(t)

alpha is a double exponential of energy sum_t alpha_t^2 = 1: a spike too many or too few, far from others, costs 1/2.  epsilon
is how current and membrane filter spikes, psi 1/(1 + k |U - theta|)^2.  A synapse needs only what runs forward in time,
alpha * (psi epsilon * s_i), and the error of its neuron.

The sum is computed here the other way round, which gives the same numbers without a trace for each synapse: with g_t the sum
over later t' of alpha_(t' - t) e_t', it is that of g_t psi_t (epsilon * s_i)_t; the test holds both ways side by side.  For
layer L it is minus the gradient of E with psi for the slope of a spike, where resets are taken as given.

Source: Zenke & Ganguli 2018 (doi:10.1162/neco_a_01086).  There the membrane rests after a spike; here it goes on, less theta,
and fires no more until the refractory steps are over.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from neurosim import autodiff as ad
from neurosim.autodiff import Var
from neurosim.errors import ParameterError
from neurosim.learning.optimisers import Optimiser
from neurosim.learning.rules.feedback_alignment import chain, transposed
from neurosim.learning.schedules import Schedule, demand_rate, positive
from neurosim.spiking import adaptive_lif, compiled


@dataclass(frozen=True)
class Kernel:
    """alpha_t = (b^(t+1) - a^(t+1))/(b - a) times what makes sum_t alpha_t^2 = 1, a = e^(-1/rise), b = e^(-1/decay).

    Args:
        rise, decay: time constants in steps; they may be equal.

    Raises:
        ParameterError: one is not positive.
    """

    rise: float = 5.0
    decay: float = 10.0

    def __post_init__(self):
        positive("Kernel", rise=self.rise, decay=self.decay)

    @cached_property
    def _numbers(self) -> tuple[float, float, float]:
        a, b = math.exp(-1/self.rise), math.exp(-1/self.decay)
        # sum over t of (a^t * b^t)^2, in closed form
        return a, b, math.sqrt((1 - a*a)*(1 - b*b)*(1 - a*b)/(1 + a*b))

    def __call__(self, z: np.ndarray, backwards: bool = False) -> np.ndarray:
        """Return alpha * z, shape (n, T, units); backwards: sum over t' >= t of alpha_(t' - t) z_t'."""
        a, b, scale = self._numbers
        out = np.array(z, np.float64, order="C")
        n, steps, units = out.shape
        decays = np.full(units, a), np.full(units, b)
        compiled.integrate(False).bind(steps, units, int(backwards), *decays, out.reshape(-1))(0, n)
        return scale*out


@dataclass(frozen=True)
class Neurons:
    """Integrate-and-fire neurons with exponential currents; see `neurosim.spiking.adaptive_lif`, of which none adapts.

    Args:
        tau, tau_synapse: time constants of membrane and current, in steps.
        refractory: steps after a spike in which there is none.
        steepness: k of psi, for a threshold of 1.

    Raises:
        ParameterError: numbers out of range.
    """

    tau: float = 10.0
    tau_synapse: float = 5.0
    refractory: int = 5
    steepness: float = 10.0

    def __post_init__(self):
        positive("Neurons", tau=self.tau, tau_synapse=self.tau_synapse, steepness=self.steepness)

    def spikes(self, x: np.ndarray, w: Var | np.ndarray) -> Var:
        """Return spikes (n, T, units) from those below, whose gradient in w is local."""
        return adaptive_lif(x, w, alpha=math.exp(-1/self.tau_synapse), beta=math.exp(-1/self.tau), rho=0.0, strength=0.0,
                            refractory=self.refractory, surrogate="fast_sigmoid", steepness=self.steepness, dampening=1.0,
                            local=True)


@dataclass(frozen=True)
class Lesson:
    """What a lesson gave.

    Attributes:
        spikes: of each layer, (n, T, units).
        costs: E of each sample and neuron of the last layer, (n, units).
        changes: of the weights of each layer, to be added, times a rate.
    """

    spikes: list[np.ndarray]
    costs: np.ndarray
    changes: list[np.ndarray]


def lesson(weights: Sequence[np.ndarray], x: np.ndarray, wanted: np.ndarray, neurons: Neurons = Neurons(),
           kernel: Kernel = Kernel(), back: Sequence[np.ndarray] | None = None) -> Lesson:
    """Return spikes, costs and changes of weights.

    Args:
        weights: of layers 1 ... L, (n_in, n_out).
        x: spikes that come in, shape (n, T, n_0).
        wanted: spikes of the last layer, shape (n, T, n_L), 0 or 1.
        neurons: of all layers.
        kernel: alpha.
        back: matrices (n_l, n_(l-1)) that carry the error of layer l = 2 ... L to the layer below; None: W^T, symmetric.

    Raises:
        ParameterError: shapes that do not fit.
    """
    variables, layers, s = [Var(w) for w in weights], [], x
    for w in variables:
        layers.append(neurons.spikes(s, w))
        s = layers[-1].value
    if wanted.shape != s.shape:
        raise ParameterError(f"superspike: wanted spikes have shape {wanted.shape}, the last layer {s.shape}; both must "
                             "be the same.")
    back = transposed(weights) if back is None else back
    if [b.shape for b in back] != [w.shape[::-1] for w in weights[1:]]:
        raise ParameterError(f"superspike: feedback has shapes {[b.shape for b in back]}; "
                             f"{[w.shape[::-1] for w in weights[1:]]} are needed.")
    error = kernel(wanted - s)
    # filters and feedback are both linear: the error may be filtered before it is handed down
    signals = chain(kernel(error, backwards=True), [1.0]*len(back), back)
    for spikes, signal in zip(layers, signals):
        ad.sum(spikes*signal).backward()
    return Lesson([spikes.value for spikes in layers], (error**2).sum(axis=1)/2, [w.grad for w in variables])


@dataclass(frozen=True)
class RMaxProp(Optimiser):
    """s <- max(g^2, rho s), x <- x - rate g/(sqrt(s) + epsilon): no step is longer than the rate.

    Source: Zenke & Ganguli 2018, doi:10.1162/neco_a_01086.
    """

    rate: float | Schedule = 0.001
    rho: float = 0.98
    epsilon: float = 1e-12
    slots: ClassVar[tuple[str, ...]] = ("s",)

    def __post_init__(self):
        demand_rate("RMaxProp", self.rate)
        if not 0 <= self.rho < 1:
            raise ParameterError(f"RMaxProp: rho={self.rho!r} must be at least 0 and less than 1.")

    def update(self, x: np.ndarray, g: np.ndarray, state: dict[str, np.ndarray], rate: float, t: int,
               scratch: np.ndarray) -> None:
        s = state["s"]
        np.multiply(s, self.rho, s)
        np.multiply(g, g, scratch)
        np.maximum(s, scratch, out=s)
        np.sqrt(s, scratch)
        np.add(scratch, self.epsilon, scratch)
        np.divide(g, scratch, scratch)
        np.multiply(scratch, rate, scratch)
        np.subtract(x, scratch, x)
