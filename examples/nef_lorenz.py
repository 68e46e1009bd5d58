"""The Lorenz attractor in 2000 spiking neurons: its equations are decoded by a loop of the population onto itself."""

import sys

import numpy as np

import neurosim as ns
from neurosim import nef

sigma, beta, rho = 10.0, 8/3, 28.0
# Spirals grow by 0.09 per unit of Lorenz's time only. LIF neurons answer to a change about 1 ms early, which damps a little,
# hence a unit of 2 s; slopes decoded from 2000 neurons are off by some 0.3, so that with some seeds the state comes to rest.
unit, tau = 2000.0, 300.0                                                    # ms


def velocity(points):
    """Return the derivatives (1/ms) at points of shape (m, 3), with z counted from rho, which centres the attractor."""
    x, y, z = points.T
    return np.stack([sigma*(y - x), -x*z - y, x*y - beta*(z + rho)], axis=-1)/unit


state = nef.Ensemble(2000, dimensions=3, radius=35, name="state")
probe = nef.Probe(state, synapse=20)
loop = nef.Connection(state, state, function=nef.nonlinear(velocity, tau), synapse=tau)     # decodes x + tau dx/dt
net = nef.Network([state], [loop], [probe])
trace = nef.simulate(net, duration=40_000, seed=15)[probe]

ax = ns.plot.trajectory_3d(trace, window=(1000, 40_000), labels=("x", "y", "z − 28"))
ns.plot.save(ax, sys.argv[1] if len(sys.argv) > 1 else "nef_lorenz.png")
