"""Predictive coding: networks that predict their own activity, and learn from what they did not predict.

    prediction   mu^i = sigma(x^(i+1)) M^i + beta^i
    error        e^i  = (x^i - mu^i)/nu^i
    state        dx^i/dt = sigma'(x^i) o (e^(i-1) W^(i-1)) - e^i,   W^i = (M^i)^T or learned beside it
    energy       F = 1/2 sum_i nu^i |e^i|^2,   which the states lower, and then the weights:
    learning     dM^i = sigma(x^(i+1))^T e^i,   dW^i = (e^i)^T sigma(x^(i+1)),   dbeta^i = e^i

Layer 0 is predicted by layer 1, and so on; the top, layer L, predicts and is not predicted.  One network in three forms:

    from neurosim import predictive

    net = predictive.PredictiveNetwork((64, 64, 10), direction="generative", seed=1)
    predictive.train(net, images, digits, epochs=20)              # many samples at once, BLAS
    predictive.generate(net, range(10))
    predictive.simulate(net, 500, data=images[:1])                # equations on the engine
    predictive.spiking(net, data=images[:1])                      # populations of spiking neurons

Sources: Rao & Ballard 1999, doi:10.1038/4580; Whittington & Bogacz 2017, doi:10.1162/NECO_a_00949.
"""

from __future__ import annotations

from neurosim.lazy import public

# no file here may be called like a public name: imported by its path, the module would hide the function

#: public names and where they live; each is imported when it is first used
_WHERE = {
    "network": ("PredictiveNetwork", "GENERATIVE", "DISCRIMINATIVE"),
    "activation": ("ACTIVATIONS",),
    "settling": ("settle", "State"),
    "schedules": ("changes", "Changes", "SCHEDULES"),
    "comparison": ("backprop", "cosines"),
    "answers": ("infer", "generate", "infill", "energies"),
    "training": ("train", "History"),
    "ode": ("simulate", "OdeResult"),
    "spiking_form": ("spiking", "SpikingForm"),
}

__getattr__, __dir__, __all__ = public(__name__, _WHERE)
