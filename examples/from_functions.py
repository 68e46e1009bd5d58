"""A model of your own, as Python functions: the theta neuron (Ermentrout & Kopell 1986, doi:10.1137/0146017).

Near its onset the rate grows with the square root of the current, sqrt(i)/pi per unit of time.
"""

import math
import sys

import numpy as np

import neurosim as ns


def dtheta(theta, i, tau=10.0):
    """Phase on a circle; arguments are matched by name, a default value is the default of the parameter."""
    rest = 1.0 - math.cos(theta)
    return (rest + (1.0 + math.cos(theta))*i)/tau


theta_neuron = ns.NeuronModel.from_functions(
    {"theta": dtheta}, threshold=lambda theta: theta > math.pi, reset={"theta": lambda theta: theta - 2*math.pi},
    inputs=["i"], initial={"theta": -3.0}, name="theta neuron")

current = np.linspace(-0.02, 0.1, 61)
cells = ns.Population(current.size, theta_neuron, name="cells")
net = ns.Network([cells], stimuli=[ns.DC(current, target=cells)])
rates = ns.simulate(net, duration=20_000, dt=0.05).spikes["cells"].rates(start=1000)

closed = 1000*np.sqrt(np.maximum(current, 0))/(math.pi*10.0)   # Hz
ax = ns.plot.fi_curve(current, rates, reference=(current[::5], closed[::5], "sqrt(i)/(pi tau)"), label="theta neuron")
ns.plot.save(ax, sys.argv[1] if len(sys.argv) > 1 else "from_functions.png")
