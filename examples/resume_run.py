"""A run in two pieces: the second goes on where the first ended, and the two equal one long run to the last bit."""

import sys

import matplotlib
import numpy as np

import neurosim as ns

matplotlib.rcParams.update(ns.plot.rc())

cells = ns.Population(20, ns.LIF(), name="cells", initial={"v": ns.Uniform(-70, -50)})
net = ns.Network([cells], stimuli=[ns.OrnsteinUhlenbeck(mean=1.4, sigma=0.6, tau=5.0, target=cells)],
                 probes=[ns.Probe(cells, "v", neurons=[0])])

first = ns.simulate(net, duration=150, seed=4)
second = ns.simulate(net, duration=150, seed=4, resume=first)
whole = ns.simulate(net, duration=300, seed=4)
assert np.array_equal(second.final("cells", "v"), whole.final("cells", "v"))

fig, axes = ns.plot.figure(width=5, height=2.2)
for k, (part, name) in enumerate([(whole, "one run"), (first, "first part"), (second, "resumed")]):
    trace = part.traces["v"]
    axes[0, 0].plot(trace.times, trace[0], lw=4 if k == 0 else 1, color=["#CCCCCC", *ns.plot.PALETTE][k], label=name)
axes[0, 0].set(xlim=(0, 300), xlabel="Time (ms)", ylabel="Membrane potential (mV)")
axes[0, 0].legend(frameon=False, ncols=3, loc="lower left", bbox_to_anchor=(0, 1))
ns.plot.save(fig, sys.argv[1] if len(sys.argv) > 1 else "resume_run.png")
