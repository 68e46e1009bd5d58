"""Continuous Hopfield networks, on the engine.

    tau dx/dt = -x + y W + b,    y = sigma(g x)
    E(y) = -y W y^T/2 - b y^T + sum_i int_0^(y_i) sigma^-1(s)/g ds

x is the potential and y the output of a neuron.  With symmetric W, E never rises; the larger the gain g, the closer are the
states of rest to those of the binary network with the same W and b (outputs -1, 1; of the logistic function 0, 1).

Source: J. J. Hopfield 1984, doi:10.1073/pnas.81.10.3088.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from neurosim.attractors import checks
from neurosim.attractors.hopfield_network import Hopfield
from neurosim.errors import ParameterError
from neurosim.model.ir import NeuronModel
from neurosim.simulator.connectivity import Matrix
from neurosim.simulator.graded import GradedProjection
from neurosim.simulator.network import Network, Probe
from neurosim.simulator.population import Population

#: neurons up to which weights are a dense matrix in any case; above, a sparse one if nine of ten weights are 0
DENSE = 200


@dataclass(frozen=True, eq=False)
class Squash:
    """An output function sigma and what the energy needs of it.

    Attributes:
        name: as shown.
        text: sigma(u) as an expression of neuron models, with ``u`` for its argument.
        value: sigma(u) for arrays.
        area: integral of sigma from 0 to u, for arrays.
    """

    name: str
    text: str
    value: Callable[[np.ndarray], np.ndarray]
    area: Callable[[np.ndarray], np.ndarray]


def _logistic(u: np.ndarray) -> np.ndarray:
    from scipy.special import expit

    return expit(u)


TANH = Squash("tanh", "tanh(u)", np.tanh, lambda u: np.logaddexp(u, -u) - math.log(2))
LOGISTIC = Squash("logistic", "logistic(u)", _logistic, lambda u: np.logaddexp(0, u) - math.log(2))
#: (2/pi) arctan(pi u/2), the function of the paper: slope 1 at 0
ARCTAN = Squash("arctan", "0.6366197723675814*arctan(1.5707963267948966*u)",
                lambda u: 2 / np.pi * np.arctan(np.pi / 2 * u),
                lambda u: 2 / np.pi * (u * np.arctan(np.pi / 2 * u) - np.log1p((np.pi / 2 * u) ** 2) / np.pi))


@cache
def _model(squash: Squash) -> NeuronModel:
    return NeuronModel.from_equations(
        f"dx/dt = (-x + i + b)/tau\nu = g*x\ny = {squash.text}",
        parameters={"tau": 10.0, "b": 0.0, "g": 1.0}, units={"tau": "ms"}, inputs=["i"], name=f"Hopfield_{squash.name}",
        doc="Unit of a continuous Hopfield network: tau dx/dt = -x + i + b, output y = sigma(g x). doi:10.1073/pnas.81.10.3088")


@dataclass(frozen=True, eq=False)
class ContinuousHopfield:
    """A network of N graded neurons.

    Args:
        weights: W (N, N), W[i, j] from i to j.
        bias: b, a number or (N,).
        gain: g, above 0.
        tau: time constant in ms.
        squash: `TANH`, `LOGISTIC` or `ARCTAN`.

    Raises:
        ParameterError: for weights that are no square matrix, and other unusable values.
    """

    weights: Any
    bias: Any = 0.0
    gain: float = 1.0
    tau: float = 10.0
    squash: Squash = TANH

    def __post_init__(self):
        checked = Hopfield(self.weights, self.bias)
        object.__setattr__(self, "weights", checked.weights)
        object.__setattr__(self, "bias", checked.bias)
        object.__setattr__(self, "gain", checks.positive(self.gain, "ContinuousHopfield: gain"))
        object.__setattr__(self, "tau", checks.positive(self.tau, "ContinuousHopfield: tau"))
        if not isinstance(self.squash, Squash):
            raise ParameterError(f"ContinuousHopfield: squash must be TANH, LOGISTIC or ARCTAN of neurosim.attractors, not "
                                 f"{self.squash!r}.")

    @property
    def size(self) -> int:
        """Number of neurons N."""
        return len(self.weights)

    def output(self, x: Any) -> np.ndarray:
        """Return y = sigma(g x) of potentials x (..., N)."""
        return self.squash.value(self.gain * checks.last_axis(x, "x", self.size))

    def energy(self, x: Any) -> np.ndarray:
        """Return E of potentials x (..., N), shape (...).

        The integral is x y - int_0^x sigma(g s) ds, which stays exact where y comes close to its bounds.
        """
        x = checks.last_axis(x, "x", self.size)
        y = self.output(x)
        kept = (x * y - self.squash.area(self.gain * x) / self.gain).sum(axis=-1)
        return -0.5 * np.einsum("...i,...i->...", y @ self.weights, y) - y @ self.bias + kept

    def population(self, initial: Any = 0.0, name: str = "units") -> Population:
        """Return the neurons alone, with potentials x at the start: a number, (N,) or a distribution."""
        return Population(self.size, _model(self.squash), name=name, initial={"x": initial},
                          parameters={"tau": self.tau, "g": self.gain, "b": self.bias})

    def network(self, initial: Any = 0.0, every: float | None = None, name: str = "units") -> Network:
        """Return the network for `neurosim.simulate`, with probes ``x`` and ``y`` of all neurons.

        Sums of outputs stand still during a step: states are those of the equations to first order in dt, states of rest
        are exact.  A dt of tau/50 is fine for most networks.

        Args:
            initial: potentials x at the start: a number, (N,) or a distribution.
            every: time between samples, ms; None for every step.
            name: of the population.
        """
        units = self.population(initial, name)
        wanted = {} if every is None else {"every": every}
        return Network([units], projections=[self.connect(units)],
                       probes=[Probe(units, "x", name="x", **wanted), Probe(units, "y", name="y", **wanted)])

    def connect(self, units: Population) -> GradedProjection:
        """Return the projection of W among the neurons of `population`, to be joined with other parts of a network."""
        w = self.weights
        sparse = self.size > DENSE and np.count_nonzero(w) < 0.1 * w.size
        return GradedProjection(units, units, Matrix(w) if sparse else np.array(w), variable="y")
