"""Why deep networks were hard to train: how large the gradient is in each of 20 layers, at the start of learning.

Weights that are too small, or units that saturate, shrink it from layer to layer on its way back; weights that are too large
let it explode. Weights of variance 2/(n_in + n_out) (Glorot) for tanh, or 2/n_in (He) for relu, keep it about level.
"""

import sys

import numpy as np

import neurosim as ns
from neurosim import learning, published

images, labels = published.load("diehl_cook_2015").digits()             # (1797, 64) from 0 to 1


def scaled(gain):
    """Weights of standard deviation gain/sqrt(n_in)."""
    return lambda shape, rng: gain*rng.standard_normal(shape)/np.sqrt(shape[0])


fig, axes = ns.plot.figure(1, 1, width=4.6, height=2.8)
ax = axes[0, 0]
for name, activation, initial in (("logistic, Glorot", "logistic", "glorot"), ("tanh, sd 0.5", "tanh", scaled(0.5)),
                                  ("tanh, Glorot", "tanh", "glorot"), ("relu, He", "relu", "he"),
                                  ("relu, sd 2.5", "relu", scaled(2.5))):
    layers = [learning.Dense(64, activation, initial=initial) for _ in range(20)]
    model = learning.build([*layers, learning.Dense(10)], inputs=64, seed=1)
    norms = learning.gradient_norms(model, images[:200], labels[:200], learning.categorical_cross_entropy)
    ax.semilogy(np.arange(1, 21), norms.deltas[:20], "o-", ms=2.5, label=name)
ax.set(xlabel="Layer (20 is next to the output)", ylabel="Gradient at the layer's output (norm)", xticks=[1, 5, 10, 15, 20])
ax.legend(loc="upper left", bbox_to_anchor=(1.02, 1), frameon=False, fontsize=7)
ns.plot.save(fig, sys.argv[1] if len(sys.argv) > 1 else "vanishing_gradients.png")
