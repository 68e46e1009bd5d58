"""Two ways to build any continuous function on [0, 1] without learning: steps of thresholds, decoders of LIF neurons.

Universal approximation by construction: f is nearer than epsilon to a sum of steps, one unit each. The Neural Engineering
Framework draws units at random, and solves for the sum by least squares. Right: error against the number of units.
"""

import sys

import numpy as np

import neurosim as ns
from neurosim import learning, nef

f, x = lambda x: np.sin(2*np.pi*x)*np.exp(-x) + 0.3*x, np.linspace(0, 1, 1001)
rms = lambda y: np.sqrt(np.mean(y**2))


def decoded(n, seed=0):
    ensemble = nef.Ensemble(n, eval_points=2*x[:, None] - 1, seed=seed)
    value = nef.Probe(ensemble, function=lambda y: f((y + 1)/2), solver=nef.L2(reg=0.003))
    built = nef.build(nef.Network([ensemble], probes=[value]))
    return (built[ensemble].rates(2*x[:, None] - 1) @ built.decoders(value))[:, 0]


sizes = np.array([8, 16, 32, 64, 128, 256, 512])
steps = [learning.universal_approximation(f, epsilon) for epsilon in np.geomspace(0.8, 0.01, 9)]
fig, axes = ns.plot.figure(1, 2, width=7.2, height=2.4)
shown, (left, right) = min(steps, key=lambda s: abs(len(s.values) - 32)), axes[0]
left.plot(x, f(x), color="0.8", lw=3, label="f")
left.plot(x, shown(x), lw=0.9, label=f"{len(shown.values)} thresholds")
left.plot(x, decoded(32), lw=0.9, label="32 LIF neurons")
left.set(xlabel="x", ylabel="f(x)")
left.legend(frameon=False, fontsize=7)
right.loglog([len(s.values) for s in steps], [rms(s(x) - f(x)) for s in steps], "o-", ms=3, label="thresholds")
right.loglog(sizes, [np.median([rms(decoded(n, k) - f(x)) for k in range(5)]) for n in sizes], "s-", ms=3,
             label="LIF neurons, decoded")
right.set(xlabel="Units", ylabel="Root mean square error")
right.legend(frameon=False, fontsize=7)
ns.plot.save(fig, sys.argv[1] if len(sys.argv) > 1 else "universal_approximation.png")
