"""Spiking networks that learn by surrogate gradients: spike codings, layers of neurons, readouts, and data to learn.

    from neurosim import spiking

    x = spiking.latency_code(images, steps=50)                          # (n, 50, pixels), one spike for each bright pixel
    s = spiking.lif(x, w, b, beta=0.9)                                  # w, b: variables of neurosim.autodiff
    z = spiking.leaky_integrator(s, w_out, beta=0.95).max(axis=1)       # what a readout neuron reaches
    learning.categorical_cross_entropy(z, labels).backward()

As layers of a model: `neurosim.learning.Spiking` and its like; as an estimator: `neurosim.learning.SurrogateClassifier`.
"""

from __future__ import annotations

from neurosim.lazy import public

# no file here may be called like a public name: imported by its path, the module would hide the function

#: public names and where they live; each is imported when it is first used
_WHERE = {
    "surrogates": ("SURROGATES", "Surrogate"),
    "neurons": ("lif",),
    "adaptive": ("adaptive_lif",),
    "readouts": ("leaky_integrator", "spike_count", "first_spike"),
    "activity": ("activity_penalty", "warn_of_activity"),
    "intensity_codes": ("rate_code", "rate_decode", "latency_code", "latency_decode", "phase_code", "phase_decode"),
    "signal_codes": ("delta_code", "delta_decode", "population_code", "population_decode"),
    "events": ("to_events", "to_dense"),
    "manifolds": ("random_manifolds",),
}

__getattr__, __dir__, __all__ = public(__name__, _WHERE)
