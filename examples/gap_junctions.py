"""Gap junctions bring oscillating neurons of different frequency into step."""

import sys

import matplotlib
import numpy as np

import neurosim as ns

matplotlib.rcParams.update(ns.plot.rc())

fig, axes = ns.plot.figure(2, 2, width=7.2, height=3.4, sharex=True, sharey="row")
for column, (g, title) in enumerate([(0.0, "Uncoupled"), (0.03, "Coupled by gap junctions")]):  # mS/cm2
    cells = ns.Population(30, ns.HodgkinHuxley(), name="cells", initial={"v": ns.Uniform(-75, -50)})
    drive = ns.DC(np.linspace(8, 11, cells.size), target=cells)  # uA/cm2
    net = ns.Network([cells], projections=[ns.GapJunctions(cells, cells, ns.SmallWorld(6, 0.2), weight=g)],
                     stimuli=[drive], probes=[ns.Probe(cells, "v", neurons=[0, 15, 29], every=0.1)])
    result = ns.simulate(net, duration=400, dt=0.02, seed=1)
    ns.plot.voltage(result.traces["v"], ax=axes[0, column], window=(200, 400))
    axes[0, column].get_legend().remove()
    axes[0, column].set(title=title, xlabel="")
    ns.plot.raster(result, ax=axes[1, column], window=(200, 400))
ns.plot.save(fig, sys.argv[1] if len(sys.argv) > 1 else "gap_junctions.png")
