"""Networks of predictive coding: layers, which end is predicted, weights.

    mu^i = sigma(x^(i+1)) M^i + beta^i,   i = 0 ... L-1

Layer 0 is the predicted end, layer L the top.  Two directions:

    generative        x^0 = data,  x^L = label: labels predict data (Rao & Ballard 1999); generating is one pass down
    discriminative    x^0 = label, x^L = data: data predict labels (Whittington & Bogacz 2017); inferring is one pass down,
                      and the network is a multilayer perceptron: the same output, and updates near backprop's
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from neurosim.errors import ParameterError, nearest
from neurosim.predictive.activation import activation as activation_of

GENERATIVE, DISCRIMINATIVE = "generative", "discriminative"
#: what the predicted end is made of: F^0 is the squared error, or the cross-entropy less the entropy of x^0
OUTPUTS = ("linear", "logistic", "softmax")
FEEDBACKS = ("transposed", "learned")


class PredictiveNetwork:
    """Layers of value and error nodes with their weights.

    The energy of one sample is

        F = sum_i F^i,   F^i = 1/2 sum_k nu^i_k (e^i_k)^2 = 1/2 sum_k (x^i_k - mu^i_k)^2/nu^i_k
        F^0 with output "logistic":  sum_k KL(x^0_k || p_k)/nu^0,   p = logistic(mu^0),   e^0 = (x^0 - p)/nu^0
        F^0 with output "softmax":   KL(x^0 || p)/nu^0,             p = softmax(mu^0),    e^0 = (x^0 - p)/nu^0
        F^L with a prior:            1/2 sum_k (x^L_k - m)^2/prior, m = prior_mean,       e^L = (x^L - m)/prior

    so that in every case e^i = dF/dx^i of the layer's own term (linear), and -dF/dmu^i = e^i.

    Args:
        sizes: units of each layer from the data end to the label end, in both directions: (64, 100, 10).
        activation: sigma of the hidden layers: a name of `ACTIVATIONS`, or one for each from the data to the label end.
        direction: GENERATIVE (data are predicted) or DISCRIMINATIVE (labels are predicted).
        top_activation: sigma of layer L, "identity" or any other; the equations above have no exception: then the same as
            `activation`.
        output: "linear", or "logistic" (x^0 in [0, 1], each unit by itself), or "softmax" (x^0 a distribution, all of it known
            or nothing).
        nu: variance of the errors: a number, or one for each layer 0 ... L-1, each a number or one value for each unit.
        prior: variance of a Gaussian prior of layer L where it is not clamped; None: none.
        prior_mean: its mean.
        feedback: "transposed": W^i = (M^i)^T; "learned": weights of their own, drawn independently (no weight transport).
        seed: of the first weights: normal of variance 2/(n_in + n_out), twice that for relu; beta 0.
        dtype: "float64" or "float32".

    Attributes:
        layers: units of layer 0 ... L.
        M: list of arrays (layers[i+1], layers[i]); beta: list of (layers[i],); W: list of (layers[i], layers[i+1]), for
            "transposed" views of M.
        parameters: the arrays that are learned, which an optimiser changes in place: M, beta of layer 0, of layer 1 ...;
            then W, if it is learned.

    Raises:
        ParameterError: for whatever has a wrong value or shape.

    Sources: Rao & Ballard 1999, doi:10.1038/4580; Whittington & Bogacz 2017, doi:10.1162/NECO_a_00949;
    other outputs: Pinchetti et al. 2022, arXiv:2211.03481.
    """

    def __init__(self, sizes: Iterable[int], activation: str | Iterable[str] = "tanh", *, direction: str = DISCRIMINATIVE,
                 top_activation: str = "identity", output: str = "linear", nu: Any = 1.0, prior: float | None = None,
                 prior_mean: float = 0.0, feedback: str = "transposed", seed: int | None = 0, dtype: Any = "float64"):
        what = "PredictiveNetwork"
        sizes = tuple(sizes) if isinstance(sizes, Iterable) and not isinstance(sizes, str) else (sizes,)
        if len(sizes) < 2 or not all(isinstance(n, (int, np.integer)) and n > 0 for n in sizes):
            raise ParameterError(f"{what}: sizes must be at least two positive integers, from the data end to the label end "
                                 f"such as (64, 100, 10), not {sizes!r:.80}.")
        for name, value, known in (("direction", direction, (GENERATIVE, DISCRIMINATIVE)), ("output", output, OUTPUTS),
                                   ("feedback", feedback, FEEDBACKS)):
            if value not in known:
                raise ParameterError(f"{what}: {name} must be one of {', '.join(map(repr, known))}, not {value!r}."
                                     f"{nearest(str(value), known)}")
        self.direction, self.output, self.feedback = direction, output, feedback
        self.dtype = np.dtype(dtype)
        if self.dtype not in (np.dtype("float64"), np.dtype("float32")):
            raise ParameterError(f"{what}: dtype must be float64 or float32, not {dtype!r}.")
        upward = direction == GENERATIVE
        self.layers = tuple(int(n) for n in (sizes if upward else sizes[::-1]))
        hidden = len(sizes) - 2
        names = (activation,) * hidden if isinstance(activation, str) else tuple(activation)
        if len(names) != hidden:
            raise ParameterError(f"{what}: {len(names)} activations for {hidden} hidden layers: give one name for all, or one "
                                 "for each.")
        if isinstance(activation, str):
            activation_of(activation, f"{what}: activation")
        #: sigma of layer i, for i = 1 ... L; layer 0 predicts nothing
        self.activations = (None, *(activation_of(n, f"{what}: activation") for n in (names if upward else names[::-1])),
                            activation_of(top_activation, f"{what}: top_activation"))
        self.nu = _variances(nu, self.layers[:-1], self.dtype)
        for name, value in (("prior", prior), ("prior_mean", prior_mean)):
            good = value is None and name == "prior" or np.isscalar(value) and np.isfinite(value)
            if not good or name == "prior" and value is not None and value <= 0:
                raise ParameterError(f"{what}: {name} must be a {'positive' if name == 'prior' else 'finite'} number, not "
                                     f"{value!r}.")
        if output == "softmax" and np.ptp(self.nu[0]):
            raise ParameterError(f"{what}: with output 'softmax' all units of layer 0 have the same nu.")
        self.prior, self.prior_mean = prior, float(prior_mean)
        rng = np.random.default_rng(seed)
        self.M, self.beta, own = [], [], []
        for i, n in enumerate(self.layers[:-1]):
            above = self.layers[i + 1]
            width = np.sqrt(2*self.activations[i + 1].gain/(n + above))
            self.M.append(rng.normal(0, width, (above, n)).astype(self.dtype))
            self.beta.append(np.zeros(n, self.dtype))
            if feedback == "learned":
                own.append(rng.normal(0, width, (n, above)).astype(self.dtype))
        self._own = own or None
        #: scratch of `settle` by number of samples, taken out while it is used
        self._spaces: dict = {}

    @property
    def W(self) -> list[np.ndarray]:
        """Feedback weights of layer i onto layer i+1, (layers[i], layers[i+1])."""
        return self._own if self._own is not None else [m.T for m in self.M]

    @property
    def top(self) -> int:
        """L, the number of the last layer."""
        return len(self.layers) - 1

    @property
    def data_end(self) -> int:
        """Number of the layer that holds the data: 0 or L."""
        return 0 if self.direction == GENERATIVE else self.top

    @property
    def label_end(self) -> int:
        """Number of the layer that holds the label: L or 0."""
        return self.top - self.data_end

    @property
    def largest(self) -> int:
        """Number of weights between the two layers that have the most."""
        return max(m.size for m in self.M)

    @property
    def parameters(self) -> list[np.ndarray]:
        """The arrays that are learned, in the order of `Changes.arrays`."""
        pairs = [a for pair in zip(self.M, self.beta) for a in pair]
        return pairs + (self._own or [])

    def share(self, arrays: list[np.ndarray]) -> None:
        """Learn in these arrays from now on, in the order of `parameters`; they are not copied."""
        pairs = 2*self.top
        self.M, self.beta = list(arrays[0:pairs:2]), list(arrays[1:pairs:2])
        self._own = list(arrays[pairs:]) or None

    def copy(self) -> PredictiveNetwork:
        """Return a network with weights of its own."""
        other = object.__new__(PredictiveNetwork)
        other.__dict__.update(self.__dict__)
        other.M, other.beta = ([a.copy() for a in arrays] for arrays in (self.M, self.beta))
        other._own = None if self._own is None else [a.copy() for a in self._own]
        other._spaces = {}
        return other

    def predict(self, i: int, y: np.ndarray) -> np.ndarray:
        """Return mu^i (rows, layers[i]) for y = sigma(x^(i+1)) of shape (rows, layers[i+1])."""
        mu = y @ self.M[i]
        mu += self.beta[i]
        return mu

    def mean_of(self, mu: np.ndarray) -> np.ndarray:
        """Return what the output makes of mu^0: mu^0 itself, or probabilities."""
        if self.output == "linear":
            return mu
        if self.output == "logistic":
            return activation_of("logistic", "").value(mu)
        powers = np.exp(mu - mu.max(axis=1, keepdims=True)) if mu.size else np.exp(mu)
        powers /= powers.sum(axis=1, keepdims=True)
        return powers

    def __repr__(self) -> str:
        sizes = self.layers if self.direction == GENERATIVE else self.layers[::-1]
        return f"PredictiveNetwork({sizes}, direction={self.direction!r})"

    def __getstate__(self) -> dict:
        # scratch holds addresses of memory
        return {**self.__dict__, "_spaces": {}, "activations": [a and a.name for a in self.activations]}

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state)
        self.activations = tuple(n and activation_of(n, "PredictiveNetwork") for n in state["activations"])


def _variances(nu: Any, layers: tuple[int, ...], dtype: np.dtype) -> list[np.ndarray]:
    """Return nu of each layer as array (layers[i],)."""
    each = [nu] * len(layers) if np.isscalar(nu) else list(nu) if isinstance(nu, Iterable) else None
    if each is None or len(each) != len(layers):
        raise ParameterError(f"PredictiveNetwork: nu must be a number, or {len(layers)} of them, one for each of the layers "
                             f"that are predicted, not {nu!r:.80}.")
    found = []
    for i, (value, n) in enumerate(zip(each, layers)):
        try:
            value = np.asarray(value, dtype=float)
        except (TypeError, ValueError):
            value = np.array(np.nan)
        if value.shape not in ((), (n,)) or not (np.isfinite(value).all() and (value > 0).all()):
            raise ParameterError(f"PredictiveNetwork: nu of layer {i} must be positive, a number or {n} of them.")
        found.append(np.broadcast_to(value, (n,)).astype(dtype))
    return found
