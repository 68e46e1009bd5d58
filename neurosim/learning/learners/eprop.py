"""Networks of spiking neurons that learn by e-prop: eligibility traces in the synapses, and a signal to each neuron.

    hidden    s_t = [U_t > theta], recurrent LIF neurons; see `neurosim.learning.Spiking`
    answer    leaky integrators read over time:  z,  p = softmax(z),  E = -log p_label
    traces    of the synapse from i to j:  a_t = alpha a_(t-1) + s_i,   eps_t = beta eps_(t-1) + a_t,
              e_t = psi(U_t - theta) eps_t
    signal    to neuron j at step t:  L_t = sum_k B_jk dE/dI_k(t),  I the currents of the answers, B their weights or random
    learning  dW_ij = -sum_t L_t e_t

What a spike does to other neurons of the layer, and through them to later spikes, is left out: nothing runs back in time.  The
sum is computed here by a recursion from the last step to the first, which gives the same numbers without a trace for every
synapse and sample; the test holds both ways side by side.

Source: Bellec et al. 2020 (doi:10.1038/s41467-020-17236-y).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from neurosim.errors import ParameterError, nearest
from neurosim.learning.layers import Layer
from neurosim.learning.learners.surrogate import SurrogateClassifier
from neurosim.learning.learners.traits import Traits
from neurosim.learning.models import build
from neurosim.learning.spiking_layers import Integrator, Spiking

FEEDBACKS = ("random", "symmetric")


class EPropClassifier(SurrogateClassifier):
    """Recurrent spiking network that learns by e-prop.

    Args:
        hidden_layer_sizes: neurons of the hidden layer: (128,) or one number; one layer.
        coding, steps: see `SurrogateClassifier`.
        readout: "mean", "max" or "last" of leaky integrators.
        feedback: what brings the signal to the hidden neurons: fixed "random" weights, or those of the answer, "symmetric".
        tau, tau_synapse, threshold, reset, surrogate, steepness: of hidden neurons, see `learning.Spiking`.
        tau_readout: time constant of the integrators, in steps.
        low, high, penalty, optimiser, learning_rate, clip, dtype: see `SurrogateClassifier`.
        max_iter, batch_size, early_stopping, validation_fraction, n_iter_no_change, random_state: see `Learner`.

    Attributes (after fit): as for `SurrogateClassifier`.

    Raises:
        ValueError: for samples and answers that do not fit; ParameterError, a ValueError too, for parameters.

    Warns:
        NumericalWarning: the hidden layer never or always fires after an epoch; once for each fit.
    """

    traits = Traits(
        rule="dW_ij = -sum_t L_j(t) e_ij(t), e_ij = psi(U_j) times a filter of the spikes of i", local=True,
        needs="fixed random feedback", phases=1, error_signal="one signal for each neuron, broadcast from the answers",
        spiking=True, source_doi="10.1038/s41467-020-17236-y",
        notes="Each synapse keeps a trace that runs forward in time. The signal is read when the sample has ended.")

    def __init__(self, hidden_layer_sizes: Any = (128,), coding: str = "current", *, steps: int = 16, readout: str = "mean",
                 feedback: str = "random", tau: float = 10.0, tau_synapse: float | None = None, threshold: float = 1.0,
                 reset: str = "subtract", surrogate: str = "fast_sigmoid", steepness: float = 10.0, tau_readout: float = 20.0,
                 low: float = 0.0, high: float | None = None, penalty: float = 0.0, optimiser: Any = "adam",
                 learning_rate: Any = 0.001, clip: float | None = None, dtype: str = "float32", max_iter: int = 60,
                 batch_size: int = 32, early_stopping: bool = False, validation_fraction: float = 0.1,
                 n_iter_no_change: int = 10, random_state: Any = None):
        super().__init__(hidden_layer_sizes, coding, steps=steps, readout=readout, tau=tau, tau_synapse=tau_synapse,
                         recurrent=True, threshold=threshold, reset=reset, surrogate=surrogate, steepness=steepness,
                         tau_readout=tau_readout, low=low, high=high, penalty=penalty, optimiser=optimiser,
                         learning_rate=learning_rate, clip=clip, dtype=dtype, max_iter=max_iter, batch_size=batch_size,
                         early_stopping=early_stopping, validation_fraction=validation_fraction,
                         n_iter_no_change=n_iter_no_change, random_state=random_state)
        self.feedback = feedback

    def _layers(self, outputs: int) -> list[Layer]:
        who, layers = type(self).__name__, super()._layers(outputs)
        if len(self._sizes()) != 1 or not isinstance(layers[-1], Integrator):
            raise ParameterError(f"{who}: one hidden layer and a readout 'mean', 'max' or 'last' is what e-prop is for, not "
                                 f"hidden_layer_sizes={self.hidden_layer_sizes!r} and readout={self.readout!r}.")
        if self.feedback not in FEEDBACKS:
            raise ParameterError(f"{who}: there is no feedback {self.feedback!r}.{nearest(str(self.feedback), FEEDBACKS)} Use "
                                 "'random' or 'symmetric'.")
        # another seed than that of the weights, which begin otherwise
        seed = self._seed % 2**32 if self.feedback == "random" else None
        return [replace(layer, local=True) if isinstance(layer, Spiking) else
                replace(layer, feedback=seed) if isinstance(layer, Integrator) else layer for layer in layers]

    def _updates(self, x: np.ndarray, t: np.ndarray) -> list[np.ndarray]:
        return super()._gradients(x, t)

    def _gradients(self, x: np.ndarray, t: np.ndarray) -> list[np.ndarray]:
        with self._through_time(t.shape[1]):
            return super()._gradients(x, t)

    def _input_gradient(self, x: np.ndarray, t: np.ndarray) -> np.ndarray:
        with self._through_time(t.shape[1]):
            return super()._input_gradient(x, t)

    @contextmanager
    def _through_time(self, outputs: int) -> Iterator[None]:
        """Have the same network with all gradients, for a while."""
        own = self.model_
        exact = build(super()._layers(outputs), own.inputs, dtype=own.dtype)
        exact.load({name: v.value for name, v in own.parameters.items()})
        self.model_ = exact
        try:
            yield
        finally:
            self.model_ = own
