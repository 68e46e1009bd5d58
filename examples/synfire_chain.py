"""A synfire chain: a volley of enough spikes takes hold of one group after the other, a smaller one dies out."""

import sys

import matplotlib

import neurosim as ns

matplotlib.rcParams.update(ns.plot.rc())

GROUPS, SIZE = 10, 100
lif = ns.LIF(tau_m=10, r_m=40, v_rest=-70, v_reset=-70, v_th=-55)
fig, axes = ns.plot.figure(1, 2, width=7.2, height=2.6, sharey=True)
for ax, volley in zip(axes[0], (65, 45)):
    chain = ns.Population(GROUPS*SIZE, lif, name="chain")
    groups = [chain[k*SIZE:(k + 1)*SIZE] for k in range(GROUPS)]
    links = [ns.Projection(a, b, ns.AllToAll(), ns.Alpha(0.045, tau_syn=0.33), delay=5, name=f"link {k}")  # nA, ms
             for k, (a, b) in enumerate(zip(groups, groups[1:]))]
    noise = ns.OrnsteinUhlenbeck(mean=0.2, sigma=0.2, tau=2, target=chain)
    start = ns.SpikeInput(times=[20], weight=30, target=chain[:volley])  # mV
    result = ns.simulate(ns.Network([chain], projections=links, stimuli=[noise, start]), duration=100, seed=2)
    ns.plot.raster(result, ax=ax)
    ax.set(title=f"{volley} spikes", yticks=[SIZE*k for k in range(GROUPS + 1)], ylabel="Neuron")
ns.plot.save(fig, sys.argv[1] if len(sys.argv) > 1 else "synfire_chain.png")
