"""Learning rules of connections: what they change, and the equations of the units that drive the change.

a_j, a_i: activities in Hz of the neurons before and after, filtered by pre_synapse and post_synapse; n: neurons before.
Rates of learning are per second, as in the literature of the NEF.

    PES    d D_jk/dt = -kappa/n a_j e_k                          decoders follow the error e = actual - wanted
    Voja   d e_i/dt = kappa a_i (gain_i/radius x - e_i)          encoders (times gain/radius) move to inputs that excite them
    Oja    d W_ij/dt = kappa (a_j a_i - beta a_i^2 W_ij)         Hebbian with forgetting: the first principal component
    BCM    d W_ij/dt = kappa a_j a_i (a_i - theta_i)             theta: a_i filtered by theta_synapse

All are rank-one rules of the engine (`neurosim.simulator.adaptation`), stepped with the signals at the end of each step.

Sources: PES: MacNeil & Eliasmith 2011, doi:10.1371/journal.pone.0022885; Voja: Voelker, Crawford & Eliasmith 2014 (UCNC);
Oja 1982, doi:10.1007/BF00275687; Bienenstock, Cooper & Munro 1982, doi:10.1523/JNEUROSCI.02-01-00032.1982.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from typing import Any, ClassVar

import numpy as np

from neurosim.errors import ParameterError
from neurosim.model.ir import NeuronModel
from neurosim.nef.connection import Adapts, LearningRule, as_synapse
from neurosim.nef.filters import Lowpass

#: whether the time lies in the window of the rule, and the rule is switched on
_ON = "active = on*where(t >= start, 1, 0)*where(t < stop, 1, 0)"
#: ms, a time after every run, in single precision too
NEVER = 1e30


@dataclass(frozen=True, eq=False)
class Rule(LearningRule):
    """Common part of the learning rules.

    Args:
        learning_rate: kappa, per second.
        pre_synapse, post_synapse: filters of the activities (or ms).
        start, stop: ms; the rule acts in between; stop None: to the end.

    Raises:
        ParameterError: for a rate that is not a finite number of at least 0, or a window that is none.
    """

    learning_rate: float = 1e-4
    _: KW_ONLY
    pre_synapse: Any = field(default_factory=lambda: Lowpass(5.0))
    start: float = 0.0
    stop: float | None = None

    #: whether the rule needs the activity of the neurons after the connection
    takes_post: ClassVar[bool] = False

    def __post_init__(self):
        what = type(self).__name__
        for name in ("learning_rate", *self._numbers()):
            value = getattr(self, name)
            good = isinstance(value, (int, float, np.number)) and not isinstance(value, (bool, np.bool_))
            if not (good and 0 <= value < np.inf):
                raise ParameterError(f"{what}: {name} must be a finite number of at least 0, not {value!r}.")
        for name in ("pre_synapse", "post_synapse", "theta_synapse"):
            if hasattr(self, name):
                object.__setattr__(self, name, as_synapse(getattr(self, name), f"{what}: {name}"))
        if not np.isfinite(self.start) or (self.stop is not None and not self.stop > self.start):
            raise ParameterError(f"{what}: start ({self.start}) and stop ({self.stop}) are times in ms, stop after start.")

    def _numbers(self) -> tuple[str, ...]:
        return ()

    def window(self) -> dict[str, float]:
        """Return the parameters of the window."""
        return {"on": 1.0, "start": float(self.start) - 1e-6, "stop": NEVER if self.stop is None else float(self.stop) - 1e-6}


@dataclass(frozen=True, eq=False)
class PES(Rule):
    """Prescribed error sensitivity: decoders follow an error signal, d D_jk/dt = -kappa/n a_j e_k.

    The error is connected to ``connection.error``: what the connection gives minus what it should give.

    Args:
        learning_rate: kappa, per second. The others: see `Rule`.
    """

    adapts: ClassVar[Adapts] = Adapts.DECODERS
    takes_error: ClassVar[bool] = True

    def units(self, n: int, factor: float) -> NeuronModel:
        """Return the model of the error units; weights are decoders times `factor`, n: neurons before."""
        return NeuronModel.from_equations(f"y = u\n{_ON}\na = -k*u*active", inputs=["u"], name="error",
                                          parameters={"k": self.learning_rate * factor / (1000.0 * n), **self.window()})


@dataclass(frozen=True, eq=False)
class Voja(Rule):
    """Vector Oja: encoders of the ensemble behind the connection move towards the inputs that excite them.

        d e_i/dt = kappa a_i (gain_i/radius x - e_i),   e_i: encoder times gain_i/radius

    x is the whole input of the ensemble.

    Args:
        learning_rate: kappa, per second. post_synapse: filter of a_i. The others: see `Rule`.
    """

    learning_rate: float = 1e-2
    _: KW_ONLY
    post_synapse: Any = field(default_factory=lambda: Lowpass(5.0))

    adapts: ClassVar[Adapts] = Adapts.ENCODERS
    takes_post: ClassVar[bool] = True

    def units(self, scale: np.ndarray) -> NeuronModel:
        """Return the model of the units behind the connection; scale: gain/radius of each neuron."""
        return NeuronModel.from_equations(f"{_ON}\na = k*u*scale*active\nb = -k*u*active", inputs=["u"], name="voja",
                                          parameters={"k": self.learning_rate / 1000.0, "scale": scale, **self.window()})


@dataclass(frozen=True, eq=False)
class Oja(Rule):
    """Oja's rule for weights between neurons: d W_ij/dt = kappa (a_j a_i - beta a_i^2 W_ij).

    Args:
        learning_rate: kappa, per second and Hz. beta: strength of forgetting. post_synapse: filter of a_i.
        The others: see `Rule`.
    """

    learning_rate: float = 1e-6
    beta: float = 1.0
    _: KW_ONLY
    post_synapse: Any = field(default_factory=lambda: Lowpass(5.0))

    adapts: ClassVar[Adapts] = Adapts.WEIGHTS
    takes_post: ClassVar[bool] = True

    def _numbers(self):
        return ("beta",)

    def units(self, factor: float) -> NeuronModel:
        """Return the model of the units behind the connection; the engine's weights are W times `factor`."""
        return NeuronModel.from_equations(f"{_ON}\na = k*factor*u*active\nb = -k*beta*u*u*active", inputs=["u"], name="oja",
                                          parameters={"k": self.learning_rate / 1000.0, "beta": self.beta, "factor": factor,
                                                      **self.window()})


@dataclass(frozen=True, eq=False)
class BCM(Rule):
    """Rule of Bienenstock, Cooper and Munro for weights between neurons: d W_ij/dt = kappa a_j a_i (a_i - theta_i).

    Args:
        learning_rate: kappa, per second and Hz^2. post_synapse: filter of a_i; theta_synapse: a `Lowpass` (or ms) by which
            theta follows a_i. The others: see `Rule`.
    """

    learning_rate: float = 1e-9
    _: KW_ONLY
    post_synapse: Any = field(default_factory=lambda: Lowpass(5.0))
    theta_synapse: Any = field(default_factory=lambda: Lowpass(1000.0))

    adapts: ClassVar[Adapts] = Adapts.WEIGHTS
    takes_post: ClassVar[bool] = True

    def __post_init__(self):
        super().__post_init__()
        if not isinstance(self.theta_synapse, Lowpass):
            raise ParameterError("BCM: theta_synapse must be a nef.Lowpass or a time constant in ms above 0.")

    def units(self, factor: float) -> NeuronModel:
        """Return the model of the units behind the connection; the engine's weights are W times `factor`."""
        return NeuronModel.from_equations(
            f"dtheta/dt = (u - theta)/tau_theta\n{_ON}\na = k*factor*u*(u - theta)*active", inputs=["u"], name="bcm",
            parameters={"k": self.learning_rate / 1000.0, "factor": factor, "tau_theta": self.theta_synapse.tau,
                        **self.window()})
