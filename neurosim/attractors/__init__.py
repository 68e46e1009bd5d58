"""Attractor networks and energy models: Hopfield networks, binary, continuous and modern, and Boltzmann machines.

    from neurosim import attractors

    memory = attractors.Hopfield.storing(patterns)                       # (M, N) of -1 and 1
    found = memory.recall(corrupted, seed=1)                             # found.states, found.energy
    rbm = attractors.RBM(n_components=100, n_iter=20).fit(images)        # images (n, pixels) from 0 to 1

Row convention: patterns and states are rows, weights[i, j] is the connection from i to j.
"""

from __future__ import annotations

from neurosim.lazy import public

# no file here may be called like a public name: imported by its path, the module would hide the function

#: public names and where they live; each is imported when it is first used
_WHERE = {
    "hopfield_rules": ("hebbian", "pseudo_inverse", "storkey"),
    "hopfield_network": ("Hopfield", "Recall", "Order", "ASYNCHRONOUS", "SYNCHRONOUS"),
    "hopfield_load": ("capacity", "limit_capacity", "expected_overlap", "Capacity"),
    "hopfield_continuous": ("ContinuousHopfield", "Squash", "TANH", "LOGISTIC", "ARCTAN"),
    "hopfield_modern": ("ModernHopfield", "attention"),
    "hopfield_estimator": ("HopfieldMemory",),
    "boltzmann_machine": ("BoltzmannMachine",),
    "boltzmann_exact": ("log_partition", "log_likelihood", "log_likelihood_gradient", "model_statistics",
                        "contrastive_gradient", "contrastive_divergence", "Statistics"),
    "boltzmann_training": ("contrastive_step", "initial_machine", "Trainer"),
    "boltzmann_estimator": ("RBM",),
}

__getattr__, __dir__, __all__ = public(__name__, _WHERE)
