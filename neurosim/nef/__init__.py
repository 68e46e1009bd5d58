"""Population coding: the Neural Engineering Framework.

Describe ensembles, nodes and connections, put them into a network, build it (gains, biases, decoders) or simulate it:

    from neurosim import nef

    x = nef.Node(lambda t: np.sin(t / 100))
    a = nef.Ensemble(200)
    p = nef.Probe(a, synapse=10)
    net = nef.Network([x, a], [nef.Connection(x, a)], [p])
    result = nef.simulate(net, 1000)

Source: Eliasmith & Anderson 2003, Neural Engineering, MIT Press (isbn 9780262550604).
"""

from __future__ import annotations

import importlib

# no file here may be called like a public name: imported by its path, the module would hide the function

#: public names and where they live; each is imported when it is first used
_WHERE = {
    "ensemble": ("Ensemble", "EnsembleArray", "Neurons"),
    "parts": ("Part",),
    "node": ("Node", "Samples"),
    "connection": ("Connection", "LearningRule"),
    "learning": ("PES", "Voja", "Oja", "BCM"),
    "probe": ("Probe",),
    "network": ("Network",),
    "building": ("build", "tuning_curves", "Built", "BuiltEnsemble"),
    "running": ("simulate", "Result"),
    "lower": ("Mode", "SPIKING", "RATE"),
    "neurons": ("LIF", "RectifiedLinear", "Sigmoid", "Tanh"),
    "curve": ("Curve",),
    "sphere": ("Sphere", "ScatteredSphere", "Ball", "ScatteredBall", "default_n_eval_points"),
    "solvers": ("L2", "LeastSquares", "Noise", "NonNegative", "SparseDrop", "Method", "AUTO", "CHOLESKY", "SVD", "BLOCK_CG"),
    "filters": ("Lowpass", "Alpha", "Gamma", "DoubleExponential", "LinearFilter"),
    "dynamics": ("recurrent", "nonlinear", "input_gain"),
}
_HOME = {name: module for module, names in _WHERE.items() for name in names}
_MODULES = ("networks", "pointers")
__all__ = sorted([*_HOME, *_MODULES])


def __getattr__(name: str):
    # a submodule imported by its path is an attribute already; these names are asked for before that
    if name in _HOME:
        value = getattr(importlib.import_module(f"neurosim.nef.{_HOME[name]}"), name)
    elif name in _MODULES:
        value = importlib.import_module(f"neurosim.nef.{name}")
    else:
        from neurosim.errors import nearest

        raise AttributeError(f"neurosim.nef has no {name!r}.{nearest(name, __all__)}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
