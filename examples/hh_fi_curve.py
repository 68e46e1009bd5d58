"""Firing rate of the Hodgkin-Huxley neuron against current: it sets in at 52 Hz, not at zero (type II)."""

import sys

import numpy as np

import neurosim as ns

current = np.linspace(0, 20, 101)                              # uA/cm2
cells = ns.Population(current.size, ns.HodgkinHuxley(), name="cells")
net = ns.Network([cells], stimuli=[ns.DC(current, target=cells)])
result = ns.simulate(net, duration=2000, dt=0.01)              # ms
ax = ns.plot.fi_curve(current, result.spikes["cells"].rates(start=500), unit="uA/cm2")

ns.plot.save(ax, sys.argv[1] if len(sys.argv) > 1 else "hh_fi_curve.png")
