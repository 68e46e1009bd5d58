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

from neurosim.lazy import public

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

__getattr__, __dir__, __all__ = public(__name__, _WHERE, {"networks": "networks", "pointers": "pointers"})
