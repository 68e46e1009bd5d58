"""Tuning curves of leaky integrate-and-fire neurons against their closed form.

The rate is 1/(t_ref + tau_m ln(x/(x - 1))) for an input x > 1; gain and bias say how a stimulus becomes that input.
"""

import sys

import matplotlib
import numpy as np

import neurosim as ns

matplotlib.rcParams.update(ns.plot.rc())
stimulus = np.linspace(-1, 1, 41)
encoder, gain, bias = np.array([1, 1, -1, -1, 1]), np.array([2, 4, 3, 6, 8]), np.array([1.5, 0.5, 1.2, -1.0, -5.0])
drive = gain*encoder*stimulus[:, None] + bias                  # one row for each stimulus, one column for each neuron

cells = ns.Population(drive.size, ns.DimensionlessLIF(tau_m=20, t_ref=2), name="cells")
net = ns.Network([cells], stimuli=[ns.DC(drive.ravel(), target=cells)])
rates = ns.simulate(net, duration=5000, dt=0.05).spikes["cells"].rates(start=200).reshape(drive.shape)

x = np.linspace(-1, 1, 1001)
inner = gain*encoder*x[:, None] + bias
above = np.maximum(inner, 1 + 1e-12)
closed = np.where(inner > 1, 1000/(2 + 20*np.log(above/(above - 1))), 0)    # Hz
ax = ns.plot.tuning_curves(x, closed, label="neuron")
ax.plot(stimulus, rates, "k.", ms=2.5, zorder=3)
ns.plot.save(ax, sys.argv[1] if len(sys.argv) > 1 else "lif_tuning_curve.png")
