"""What learners whose rules are in `learning.rules` share: layers, batches, and where divergence is seen."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from neurosim.blas import one_thread
from neurosim.learning.initialisers import Initialiser, initialiser_of
from neurosim.learning.learners.base import Diverged, Learner, LearnerClassifier
from neurosim.learning.learners.traits import Traits
from neurosim.learning.rules.layers import Layers


class LayeredLearner(Learner):
    """A learner whose network is a chain of layers, and that learns batch by batch.

    Attributes:
        traits: what the rule asks of a brain.
        layers_: weights and biases, `rules.layers.Layers`.
        coefs_, intercepts_: weights (n_in, n_out) and biases of each layer, as scikit-learn's networks have them.
    """

    traits: ClassVar[Traits]
    layers_: Layers

    @abstractmethod
    def _lesson(self, x: np.ndarray, t: np.ndarray, rng: np.random.Generator) -> float:
        """Change the weights by one batch and return its mean loss before."""

    @abstractmethod
    def _answer(self, x: np.ndarray) -> np.ndarray:
        """Return what `_output` does, for samples of the network's dtype."""

    @abstractmethod
    def _change(self, x: np.ndarray, t: np.ndarray) -> list[np.ndarray]:
        """Return what `_updates` does, likewise."""

    @abstractmethod
    def _descend(self, x: np.ndarray, t: np.ndarray) -> list[np.ndarray]:
        """Return what `_gradients` does, likewise."""

    @property
    def coefs_(self) -> list[np.ndarray]:
        """Weights of each layer, (n_in, n_out)."""
        return self.layers_.weights

    @property
    def intercepts_(self) -> list[np.ndarray]:
        """Biases of each layer, (n_out,)."""
        return self.layers_.biases

    @property
    def _kind(self) -> str:
        return "softmax" if isinstance(self, LearnerClassifier) else "linear"

    def _network_sizes(self, x: np.ndarray, t: np.ndarray) -> tuple[int, ...]:
        return (x.shape[1], *self._sizes(), t.shape[1])

    def _first_weights(self) -> Initialiser:
        return initialiser_of(self.initialiser, self.activation)

    def _cast(self, a: np.ndarray) -> np.ndarray:
        return a.astype(self.layers_.x.dtype, copy=False)

    def _one_thread(self, rows: int):
        return one_thread(max(w.size for w in self.layers_.weights)*rows)

    def _epoch(self, x: np.ndarray, t: np.ndarray, order: np.ndarray, rng: np.random.Generator) -> float:
        x, t, total, loss = self._cast(x), self._cast(t), 0.0, 0.0
        with self._one_thread(min(len(x), self.batch_size)):
            for rows in self._parts(order):
                loss = self._lesson(x[rows], t[rows], rng)
                if not np.isfinite(loss):
                    break
                total += loss*len(rows)
        for k, w in enumerate(self.layers_.weights, 1):
            if not np.isfinite(w).all():
                raise Diverged(f"the weights of layer {k} ({w.shape[0]} to {w.shape[1]} units) ceased to be finite. Use a "
                               f"lower learning rate than {self.learning_rate}, or scale X to about 1.")
        return total/len(order) if np.isfinite(loss) else loss

    def _learnt(self) -> list[np.ndarray]:
        return self.layers_.learnt()

    def _output(self, x: np.ndarray) -> np.ndarray:
        with self._one_thread(len(x)):
            return self._answer(self._cast(x))

    def _updates(self, x: np.ndarray, t: np.ndarray) -> list[np.ndarray]:
        with self._one_thread(len(x)):
            return self._change(self._cast(x), self._cast(t))

    def _gradients(self, x: np.ndarray, t: np.ndarray) -> list[np.ndarray]:
        with self._one_thread(len(x)):
            return self._descend(self._cast(x), self._cast(t))
