"""Networks of spiking neurons that learn by surrogate gradients.

    code      numbers scaled to 0 ... 1 by the features' ranges in the first samples  ->  currents or spikes in T steps
    hidden    LIF neurons, s_t = [U_t > theta]; see `neurosim.learning.Spiking`
    answer    leaky integrators, or spikes, read over time:  z,  p = softmax(z),  E = -log p_label
    learning  backpropagation through time with ds/dU = psi(U - theta)

To E, the mean over a batch, comes a penalty on hidden neurons that spike less or more than wanted; the gradient goes to an
optimiser.

Sources: Neftci, Mostafa & Zenke 2019 (doi:10.1109/MSP.2019.2931595); Zenke & Ganguli 2018 (doi:10.1162/neco_a_01086); Zenke &
Vogels 2021 (doi:10.1162/neco_a_01367).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim import autodiff as ad
from neurosim.autodiff import Var
from neurosim.blas import one_thread
from neurosim.errors import ParameterError, listing, nearest
from neurosim.estimators import validated
from neurosim.learning.descent import Descent
from neurosim.learning.layers import Layer, Mode
from neurosim.learning.learners.base import Diverged, LearnerClassifier
from neurosim.learning.learners.traits import Traits
from neurosim.learning.losses import categorical_cross_entropy
from neurosim.learning.models import build
from neurosim.learning.spiking_layers import FirstSpike, Integrator, Repeat, SpikeCount, Spiking
from neurosim.spiking import activity_penalty, latency_code, phase_code, population_code, rate_code, warn_of_activity

CODINGS = ("current", "rate", "latency", "phase", "population")
READOUTS = ("mean", "max", "last", "count", "first")
#: samples that are answered at a time
AT_ONCE = 256


class SurrogateClassifier(LearnerClassifier):
    """Spiking network with hidden layers of LIF neurons, trained by surrogate gradients.

    Args:
        hidden_layer_sizes: neurons of the hidden layers: (128,), (100, 50) or one number; at least one layer.
        coding: of the features: "current" (constant currents), "rate" (spikes by chance, drawn anew in each epoch), "latency"
            (one spike, the earlier the larger), "phase" (one spike per period), or "population" (receptive fields, whose
            activity sets the time of one spike).
        steps: T.
        readout: "mean", "max" or "last" of leaky integrators, or spikes of the answer's neurons: their "count", or the time of
            the "first".
        tau, tau_synapse, recurrent, learn_tau, threshold, reset, surrogate, steepness: of hidden neurons, see `Spiking`.
        tau_readout: time constant of the integrators, in steps.
        low, high: spikes per sample below and above which a hidden neuron is penalised; high None: no such bound.
        penalty: strength of that; 0 for none.
        optimiser: name or description, see `BackpropClassifier`.
        learning_rate: of an optimiser given by its name.
        clip: greatest norm of the gradient of a batch; None: any.
        dtype: of the network, "float32" or "float64".
        max_iter, batch_size, early_stopping, validation_fraction, n_iter_no_change, random_state: see `Learner`.

    Attributes (after fit):
        classes_, n_features_in_, n_iter_, loss_curve_, validation_scores_, problem_: see `Learner`.
        model_: the network, `learning.Model`.
        coefs_, intercepts_: weights (n_in, n_out) and biases of each layer.
        rates_: spikes per neuron and step of each hidden layer, in the last batch.

    Raises:
        ValueError: for samples and answers that do not fit; ParameterError, a ValueError too, for parameters.

    Warns:
        NumericalWarning: a hidden layer never or always fires after an epoch; once for each fit.
    """

    traits = Traits(
        rule="dW = sum_t x_t^T dI_t, dI by backpropagation through time with psi(U - theta) for ds/dU", local=False,
        needs="transposed weights", phases=2, error_signal="exact gradient of a smoothed network, back through layers and time",
        spiking=True, source_doi="10.1109/MSP.2019.2931595",
        notes="Neurons send spikes, but learning goes backward in time and needs the membranes of all steps.")

    def __init__(self, hidden_layer_sizes: Any = (128,), coding: str = "current", *, steps: int = 16, readout: str = "mean",
                 tau: float = 10.0, tau_synapse: float | None = None, recurrent: bool = False, learn_tau: bool = False,
                 threshold: float = 1.0, reset: str = "subtract", surrogate: str = "fast_sigmoid", steepness: float = 10.0,
                 tau_readout: float = 20.0, low: float = 0.0, high: float | None = None, penalty: float = 0.0,
                 optimiser: Any = "adam", learning_rate: Any = 0.002, clip: float | None = None, dtype: str = "float32",
                 max_iter: int = 60, batch_size: int = 32, early_stopping: bool = False, validation_fraction: float = 0.1,
                 n_iter_no_change: int = 10, random_state: Any = None):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.coding = coding
        self.steps = steps
        self.readout = readout
        self.tau = tau
        self.tau_synapse = tau_synapse
        self.recurrent = recurrent
        self.learn_tau = learn_tau
        self.threshold = threshold
        self.reset = reset
        self.surrogate = surrogate
        self.steepness = steepness
        self.tau_readout = tau_readout
        self.low = low
        self.high = high
        self.penalty = penalty
        self.optimiser = optimiser
        self.learning_rate = learning_rate
        self.clip = clip
        self.dtype = dtype
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.random_state = random_state

    @property
    def coefs_(self) -> list[np.ndarray]:
        """Weights of each layer, (n_in, n_out), from the data to the answer."""
        return [w.value for w in self._weights()]

    @property
    def intercepts_(self) -> list[np.ndarray]:
        """Biases of each layer, (n_out,)."""
        return [v.value for name, v in self.model_.parameters.items() if name.endswith(".b")]

    def spikes_per_inference(self, X: Any) -> dict[str, Any]:
        """Return what answering a sample costs, as means over samples X.

        Returns:
            spikes: of all; spikes_per_layer: of the input (0 for currents) and of each layer that spikes, a list;
            synaptic_events: each spike times the synapses that it meets; multiplications: of currents with weights, once for a
            sample.
        """
        x, steady = validated(self, X, False, dtype=np.float64), self.coding == "current"
        joined = [layer for layer in self.model_.layers.layers if isinstance(layer, (Spiking, Integrator))]
        total = np.zeros(1 + sum(isinstance(layer, Spiking) for layer in joined))
        for k in range(0, len(x), AT_ONCE):
            inputs = self._coded(x[k:k + AT_ONCE], np.random.default_rng([self._seed, 3, k]))
            sent = [s.sum(dtype=np.float64) for layer, s in self._through(inputs) if isinstance(layer, Spiking)]
            total += [0.0 if steady else inputs.sum(dtype=np.float64), *sent]
        total /= len(x)
        events = sum(n*layer.units for n, layer in zip(total, joined))
        events += sum(n*layer.units for n, layer in zip(total[1:], joined) if getattr(layer, "recurrent", False))
        return {"spikes": float(total.sum()), "spikes_per_layer": total.tolist(), "synaptic_events": float(events),
                "multiplications": float(joined[0].units*x.shape[1]) if steady else 0.0}

    def _weights(self) -> list[Var]:
        return [v for name, v in self.model_.parameters.items() if name.endswith(".w")]

    def _hidden(self) -> list[int]:
        """Return the numbers of the hidden layers of the model."""
        spiking = [k for k, layer in enumerate(self.model_.layers.layers) if isinstance(layer, Spiking)]
        return spiking[:len(self._sizes())]

    def _layers(self, outputs: int) -> list[Layer]:
        who, sizes = type(self).__name__, self._sizes()
        if not sizes:
            raise ParameterError(f"{who}: hidden_layer_sizes is empty. A spiking network needs a hidden layer, such as (128,).")
        for name, known in (("coding", CODINGS), ("readout", READOUTS)):
            if (value := getattr(self, name)) not in known:
                raise ParameterError(f"{who}: there is no {name} {value!r}.{nearest(str(value), known)} Use one of: "
                                     f"{listing(known)}.")
        neurons = {name: getattr(self, name) for name in ("tau", "tau_synapse", "learn_tau", "threshold", "reset", "surrogate",
                                                          "steepness")}
        layers: list[Layer] = [Repeat(self._whole("steps", 1))] if self.coding == "current" else []
        layers += [Spiking(n, recurrent=bool(self.recurrent), **neurons) for n in sizes]
        if self.readout in ("count", "first"):
            return [*layers, Spiking(outputs, **neurons), SpikeCount() if self.readout == "count" else FirstSpike()]
        return [*layers, Integrator(outputs, self.tau_readout, read=self.readout)]

    def _begin(self, x: np.ndarray, t: np.ndarray, rng: np.random.Generator) -> None:
        optimiser = self._optimiser()
        clip = None if self.clip is None else self._number("clip", open_low=True)
        for name in ("threshold", "steepness"):
            self._number(name, open_low=True)
        self._number("penalty")
        layers = self._layers(t.shape[1])
        self._low, high = x.min(axis=0), x.max(axis=0)
        with np.errstate(over="ignore"):
            spread = high - self._low
        # a feature that is the same for all samples says nothing
        self._spread = np.where((spread > 0) & np.isfinite(spread), spread, np.inf)
        shape = self._coded(x[:1], np.random.default_rng(0)).shape[1:]
        self.model_ = build(layers, shape, int(rng.integers(2**63)), self._dtype())
        self._descent = Descent(self.model_.parameters.values(), optimiser, clip=clip)
        # an array, so that it is put back with the weights
        self._steps = np.zeros(1, np.int64)
        self._told = False

    def _coded(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return currents (n, d) or spikes (n, T, d)."""
        x, steps = np.clip((x - self._low)/self._spread, 0, 1), self._whole("steps", 1)
        if self.coding == "rate":
            return rate_code(x, steps, seed=int(rng.integers(2**63)))
        if self.coding == "population":
            x = population_code(x)
        if self.coding in ("latency", "population"):
            return latency_code(x, steps)
        return phase_code(x, steps, min(10, steps)) if self.coding == "phase" else x

    def _loss(self, x: np.ndarray, t: np.ndarray, rng: np.random.Generator | None) -> tuple[Var, list[Var]]:
        """Return the loss of coded samples, and the spikes of the hidden layers."""
        hidden, own, z = [], self._hidden(), None
        for key, _, z in self.model_.through(x, Mode(rng is not None, rng)):
            if int(key) in own:
                hidden.append(z)
        error = categorical_cross_entropy(z, t)
        if self.penalty:
            for s in hidden:
                error = error + activity_penalty(s, self.low, self.high, self.penalty)
        return error, hidden

    def _epoch(self, x: np.ndarray, t: np.ndarray, order: np.ndarray, rng: np.random.Generator) -> float:
        model, total = self.model_, 0.0
        x, t = model.as_inputs(self._coded(x, rng)), t.astype(model.dtype)
        self._descent.steps = int(self._steps[0])
        with self._one_thread(min(len(x), int(self.batch_size))):
            for rows in self._parts(order):
                error, hidden = self._loss(x[rows], t[rows], rng)
                if not np.isfinite(error.value):
                    raise Diverged(self._fault())
                error.backward(release=True)
                self._descent.step(self.n_iter_)
                total += float(error.value)*len(rows)
        self._steps[0] = self._descent.steps
        self.rates_ = [float(s.value.mean()) for s in hidden]
        if not self._told:
            for k, s in enumerate(hidden, 1):
                self._told |= warn_of_activity(f"{type(self).__name__}: in epoch {self.n_iter_ + 1}, hidden layer {k}", s, 6)
        return total/len(order)

    def _fault(self) -> str:
        for name, v in self.model_.parameters.items():
            if not np.isfinite(v.value).all():
                return (f"the weights of {self.model_.layer_of(name)} ceased to be finite. Use a lower learning rate than "
                        f"{self.learning_rate}, or clip=1.")
        return f"the loss ceased to be finite. Use a lower learning rate than {self.learning_rate}, or clip=1."

    def _learnt(self) -> list[np.ndarray]:
        return [self._descent.x, *self._descent.state.values(), self._steps]

    def _through(self, inputs: np.ndarray) -> list[tuple[Layer, np.ndarray]]:
        """Return each layer with what it gives for coded samples."""
        with ad.no_grad(), self._one_thread(len(inputs)):
            return [(layer, value.value) for _, layer, value in self.model_.through(inputs, Mode())]

    def _output(self, x: np.ndarray) -> np.ndarray:
        found = np.empty((len(x), len(self.classes_)))
        for k in range(0, len(x), AT_ONCE):
            # what is drawn is the same for every call
            inputs = self._coded(x[k:k + AT_ONCE], np.random.default_rng([self._seed, 3, k]))
            z = self._through(inputs)[-1][1].astype(np.float64)
            p = np.exp(z - z.max(axis=1, keepdims=True))
            found[k:k + AT_ONCE] = p/p.sum(axis=1, keepdims=True)
        return found

    def _gradients(self, x: np.ndarray, t: np.ndarray) -> list[np.ndarray]:
        inputs = self.model_.as_inputs(self._coded(x, np.random.default_rng([self._seed, 3, 0])))
        with self._one_thread(len(x)):
            self._loss(inputs, t.astype(self.model_.dtype), None)[0].backward()
        found = [-w.grad for w in self._weights()]
        for v in self.model_.parameters.values():
            v.grad = None
        return found

    def _input_gradient(self, x: np.ndarray, t: np.ndarray) -> np.ndarray:
        # times and chances of spikes have no slope by x
        if self.coding != "current":
            return super()._input_gradient(x, t)
        samples = Var(self.model_.as_inputs(self._coded(x, np.random.default_rng(0))))
        with self._one_thread(len(x)):
            categorical_cross_entropy(self.model_(samples), t.astype(self.model_.dtype)).backward()
        for v in self.model_.parameters.values():
            v.grad = None
        # beyond the range of the first samples currents stand still; the loss is a mean over samples
        inside = (x >= self._low) & (x <= self._low + self._spread)
        return np.where(inside, samples.grad/self._spread*len(x), 0.0)

    def _updates(self, x: np.ndarray, t: np.ndarray) -> list[np.ndarray]:
        return self._gradients(x, t)

    def _one_thread(self, rows: int):
        return one_thread(max(w.size for w in self._weights())*rows*int(self.steps))
