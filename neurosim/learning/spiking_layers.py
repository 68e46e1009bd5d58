"""Layers of spiking neurons, as steps of a model: samples are (T, n_in), time first, and so is what comes out.

    model = learning.build([learning.Spiking(128), learning.Integrator(10)], inputs=(50, 64))
    model = learning.build([learning.Repeat(25), learning.Spiking(128), learning.Integrator(10)], inputs=64)

The operations behind them are those of `neurosim.spiking`; gradients are surrogate gradients.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim import autodiff as ad
from neurosim.autodiff import Var
from neurosim.autodiff.graph import data, record
from neurosim.errors import ParameterError, listing, nearest
from neurosim.learning.initialisers import Initialiser, initialiser_of
from neurosim.learning.layers import Layer, Mode, Shape, Tree, whole
from neurosim.spiking import adaptive_lif, first_spike, leaky_integrator, lif, spike_count
from neurosim.spiking.neurons import reset_of
from neurosim.spiking.surrogates import surrogate_of

#: what can be read of integrators
READS = ("max", "mean", "last", "all")


@dataclass(frozen=True)
class Repeat(Layer):
    """A constant current: a sample (n_in,) at each of T steps, (T, n_in), without copies of it.

    Args:
        steps: T.
    """

    steps: int

    def __post_init__(self):
        whole("Repeat: steps", self.steps)

    def shape(self, inputs: Shape) -> Shape:
        if len(inputs) != 1 or inputs[0] is None:
            raise ParameterError(f"Repeat needs samples of shape (n_in,), not {inputs}. What has steps already needs none.")
        return (self.steps, *inputs)

    def forward(self, x: Any, weights: Mapping[str, Any], memory: Tree, mode: Mode) -> Var:
        value = np.asarray(data(x))
        wide = np.broadcast_to(value[:, np.newaxis], (len(value), self.steps, value.shape[1]))
        return record("repeat", wide, (x,), lambda g: g.sum(axis=1))


@dataclass(frozen=True)
class Spiking(Layer):
    """Leaky integrate-and-fire neurons that send spikes: s of `neurosim.spiking.lif`, (T, units).

        I_t = alpha I_(t-1) + x_t W + b + s_(t-1) V,   U_t = beta U_(t-1) - theta s_(t-1) + I_t,   s_t = [U_t > theta]
        beta = e^(-1/tau),   alpha = e^(-1/tau_synapse)

    Args:
        units: number of neurons.
        tau: time constant of the membrane in steps; inf: no leak.
        tau_synapse: time constant of the synaptic current in steps; None: none, alpha = 0.
        recurrent: whether there is V, which begins orthogonal, times 1/2.
        learn_tau: let each neuron learn its own beta = logistic(leak).
        threshold, reset, surrogate, steepness, through_reset, local: see `neurosim.spiking.lif`.
        initial: initialiser of W; None: "he".

    Raises:
        ParameterError: numbers out of range, or unknown names.

    Sources: Neftci, Mostafa & Zenke 2019 (doi:10.1109/MSP.2019.2931595); learnt time constants: Perez-Nieves et al. 2021
    (doi:10.1038/s41467-021-26022-3).
    """

    units: int
    tau: float = 10.0
    tau_synapse: float | None = None
    recurrent: bool = False
    learn_tau: bool = False
    threshold: float = 1.0
    reset: str = "subtract"
    surrogate: str = "fast_sigmoid"
    steepness: float = 10.0
    through_reset: bool = False
    local: bool = False
    initial: str | Initialiser | None = None

    def __post_init__(self):
        whole("Spiking: units", self.units)
        decay("Spiking: tau", self.tau)
        decay("Spiking: tau_synapse", self.tau_synapse)
        initialiser_of(self.initial)
        surrogate_of(self.surrogate)
        reset_of("Spiking", self.reset)

    def shape(self, inputs: Shape) -> Shape:
        return _sequence(self, inputs), self.units

    def weights(self, inputs: Shape, rng: np.random.Generator, dtype: np.dtype) -> Tree:
        found = _spiking_weights(self, inputs, rng, dtype)
        if self.learn_tau:
            # beta = 1 is out of reach of the logistic function
            beta = min(decay("Spiking: tau", self.tau), 1 - 1e-6)
            found["leak"] = np.full(self.units, math.log(beta/(1 - beta)), dtype)
        return found

    def forward(self, x: Any, weights: Mapping[str, Any], memory: Tree, mode: Mode) -> Var:
        beta = ad.logistic(weights["leak"]) if self.learn_tau else decay("Spiking: tau", self.tau)
        return lif(x, weights["w"], weights["b"], weights.get("v"), beta=beta,
                   alpha=decay("Spiking: tau_synapse", self.tau_synapse), threshold=self.threshold, reset=self.reset,
                   surrogate=self.surrogate, steepness=self.steepness, through_reset=self.through_reset,
                   local=self.local)


@dataclass(frozen=True)
class AdaptiveSpiking(Layer):
    """Leaky integrate-and-fire neurons whose thresholds rise with each spike: s of `neurosim.spiking.adaptive_lif`, (T, units).

        I_t = alpha I_(t-1) + x_t W + b + s_(t-1) V,   U_t = beta U_(t-1) - theta s_(t-1) + I_t
        a_t = rho a_(t-1) + s_(t-1),   s_t = [U_t > theta + kappa a_t]
        beta = e^(-1/tau),   alpha = e^(-1/tau_synapse),   rho = e^(-1/tau_adaptation)

    Args:
        units: number of neurons.
        tau, tau_synapse: time constants of membrane and synaptic current in steps; inf: no leak; None: no such current.
        tau_adaptation: time constant of the threshold in steps.
        strength: kappa.
        share: part of the neurons that adapt, the last ones, from 0 to 1; the others have kappa = 0.
        refractory: steps after a spike in which there is none.
        recurrent: whether there is V, which begins orthogonal, times 1/2.
        threshold, reset, surrogate, steepness, dampening, local: see `neurosim.spiking.adaptive_lif`.
        initial: initialiser of W; None: "he".

    Raises:
        ParameterError: numbers out of range, or unknown names.

    Source: Bellec et al. 2020 (doi:10.1038/s41467-020-17236-y).
    """

    units: int
    tau: float = 20.0
    tau_adaptation: float = 200.0
    strength: float = 0.1
    share: float = 1.0
    tau_synapse: float | None = None
    refractory: int = 0
    recurrent: bool = False
    threshold: float = 1.0
    reset: str = "subtract"
    surrogate: str = "triangular"
    steepness: float = 1.0
    dampening: float = 0.3
    local: bool = False
    initial: str | Initialiser | None = None

    def __post_init__(self):
        whole("AdaptiveSpiking: units", self.units)
        whole("AdaptiveSpiking: refractory", self.refractory, 0)
        for name in ("tau", "tau_synapse", "tau_adaptation"):
            decay(f"AdaptiveSpiking: {name}", getattr(self, name))
        initialiser_of(self.initial)
        surrogate_of(self.surrogate)
        reset_of("AdaptiveSpiking", self.reset)
        if not 0 <= self.share <= 1:
            raise ParameterError(f"AdaptiveSpiking: share={self.share!r} must be from 0 to 1.")
        if not 0 <= self.strength < math.inf:
            raise ParameterError(f"AdaptiveSpiking: strength={self.strength!r} must be 0 or more.")

    def shape(self, inputs: Shape) -> Shape:
        return _sequence(self, inputs), self.units

    def weights(self, inputs: Shape, rng: np.random.Generator, dtype: np.dtype) -> Tree:
        return _spiking_weights(self, inputs, rng, dtype)

    def forward(self, x: Any, weights: Mapping[str, Any], memory: Tree, mode: Mode) -> Var:
        kappa = np.where(np.arange(self.units) < self.units - round(self.share*self.units), 0.0, self.strength)
        return adaptive_lif(x, weights["w"], weights["b"], weights.get("v"), beta=decay("AdaptiveSpiking: tau", self.tau),
                            alpha=decay("AdaptiveSpiking: tau_synapse", self.tau_synapse),
                            rho=decay("AdaptiveSpiking: tau_adaptation", self.tau_adaptation), strength=kappa,
                            threshold=self.threshold, reset=self.reset, refractory=self.refractory, surrogate=self.surrogate,
                            steepness=self.steepness, dampening=self.dampening, local=self.local)


@dataclass(frozen=True)
class Integrator(Layer):
    """Leaky neurons that send no spikes and whose membrane is read: the usual end of a spiking network.

        I_t = alpha I_(t-1) + x_t W + b,   U_t = beta U_(t-1) + I_t

    Args:
        units: number of neurons.
        tau: time constant of the membrane in steps; inf: no leak.
        tau_synapse: time constant of the synaptic current in steps; None: none.
        read: "max", "mean" or "last" of U over time, (units,), or "all" of it, (T, units).
        feedback: seed of fixed random weights that carry gradients back instead of W; None: W carries them.
        initial: initialiser of W; None: "lecun".

    Raises:
        ParameterError: numbers out of range, or unknown names.
    """

    units: int
    tau: float = 20.0
    tau_synapse: float | None = None
    read: str = "max"
    feedback: int | None = None
    initial: str | Initialiser | None = "lecun"

    def __post_init__(self):
        whole("Integrator: units", self.units)
        decay("Integrator: tau", self.tau)
        decay("Integrator: tau_synapse", self.tau_synapse)
        initialiser_of(self.initial)
        if self.feedback is not None:
            whole("Integrator: feedback", self.feedback, 0)
        if self.read not in READS:
            raise ParameterError(f"Integrator: read={self.read!r} is not known.{nearest(str(self.read), READS)} Use one of: "
                                 f"{listing(READS)}.")

    def shape(self, inputs: Shape) -> Shape:
        steps = _sequence(self, inputs)
        return (steps, self.units) if self.read == "all" else (self.units,)

    def weights(self, inputs: Shape, rng: np.random.Generator, dtype: np.dtype) -> Tree:
        return {"w": _first(self.initial, inputs[1], self.units, rng, dtype), "b": np.zeros(self.units, dtype)}

    def memory(self, inputs: Shape, dtype: np.dtype) -> Tree:
        if self.feedback is None:
            return {}
        return {"feedback": _first(self.initial, inputs[1], self.units, np.random.default_rng(self.feedback), dtype)}

    def forward(self, x: Any, weights: Mapping[str, Any], memory: Tree, mode: Mode) -> Var:
        if self.read != "all" and data(x).shape[1] == 0:
            raise ParameterError("Integrator: sequences of no steps have no membrane to read. Leave them out.")
        u = leaky_integrator(x, weights["w"], weights["b"], alpha=decay("Integrator: tau_synapse", self.tau_synapse),
                             beta=decay("Integrator: tau", self.tau), feedback=memory.get("feedback"))
        return {"max": lambda: ad.max(u, axis=1), "mean": lambda: ad.mean(u, axis=1), "last": lambda: u[:, -1],
                "all": lambda: u}[self.read]()


@dataclass(frozen=True)
class SpikeCount(Layer):
    """Number of spikes of each neuron, (units,): the larger, the likelier the class."""

    def shape(self, inputs: Shape) -> Shape:
        _sequence(self, inputs)
        return (inputs[1],)

    def forward(self, x: Any, weights: Mapping[str, Any], memory: Tree, mode: Mode) -> Var:
        return spike_count(x)


@dataclass(frozen=True)
class FirstSpike(Layer):
    """Minus the number of steps before the first spike of each neuron, (units,): the earlier, the likelier the class."""

    def shape(self, inputs: Shape) -> Shape:
        _sequence(self, inputs)
        return (inputs[1],)

    def forward(self, x: Any, weights: Mapping[str, Any], memory: Tree, mode: Mode) -> Var:
        return -first_spike(x)


def decay(what: str, tau: float | None) -> float:
    """Return e^(-1/tau), 0 for None.

    Raises:
        ParameterError: tau is no positive number.
    """
    if tau is None:
        return 0.0
    if isinstance(tau, bool) or not isinstance(tau, (int, float, np.number)) or not tau > 0:
        raise ParameterError(f"{what} must be a positive number of steps, not {tau!r}.")
    return math.exp(-1/tau)


def _spiking_weights(layer: Spiking | AdaptiveSpiking, inputs: Shape, rng: np.random.Generator, dtype: np.dtype) -> Tree:
    found = {"w": _first(layer.initial, inputs[1], layer.units, rng, dtype), "b": np.zeros(layer.units, dtype)}
    if layer.recurrent:
        found["v"] = (initialiser_of("orthogonal")((layer.units, layer.units), rng)/2).astype(dtype)
    return found


def _first(initial: Any, n_in: int, units: int, rng: np.random.Generator, dtype: np.dtype) -> np.ndarray:
    return initialiser_of("he" if initial is None else initial)((n_in, units), rng).astype(dtype)


def _sequence(layer: Any, inputs: Shape) -> int | None:
    if len(inputs) != 2 or inputs[1] is None:
        raise ParameterError(f"{type(layer).__name__} needs samples of shape (T, n_in), not {inputs}. Put time first; T may be "
                             "None. Repeat(T) makes a constant current of (n_in,).")
    return inputs[0]
