"""Tuning curves of populations that represent one and two numbers: each neuron fires most in the direction of its encoder."""

import sys

import matplotlib

import neurosim as ns
from neurosim import nef

matplotlib.rcParams.update(ns.plot.rc())
line, disk = nef.Ensemble(40, name="line"), nef.Ensemble(60, dimensions=2, name="disk")
built = nef.build(nef.Network([line, disk]), seed=3)

fig, axes = ns.plot.figure(2, 4, width=7.2, height=4.4, height_ratios=[1, 0.85])
grid = axes[0, 0].get_gridspec()
for ax in axes[0]:
    ax.remove()
ns.plot.tuning_curves(built[line], ax=fig.add_subplot(grid[0, :2]))
ns.plot.encoders(built[disk], ax=fig.add_subplot(grid[0, 2:]))
ns.plot.rate_maps(built[disk], neurons=range(4), axes=axes[1])
ns.plot.save(fig, sys.argv[1] if len(sys.argv) > 1 else "nef_tuning_curves.png")
