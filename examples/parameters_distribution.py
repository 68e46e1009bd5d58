"""Parameters that differ from neuron to neuron, drawn from distributions: the same seed gives the same neurons."""

import sys

import numpy as np

import neurosim as ns

cells = ns.Population(2000, ns.LIF(), name="cells", parameters={
    "tau_m": ns.LogNormal(np.log(15), 0.25),                   # ms
    "v_th": ns.Normal(-50, 1.5, low=-55, high=-45)})           # mV, cut off on both sides
net = ns.Network([cells], stimuli=[ns.DC(1.7, target=cells)], probes=[ns.Probe(cells, "v", neurons=range(4))])
result = ns.simulate(net, duration=2100, dt=0.1, seed=11)
rates = result.spikes["cells"].rates(start=100)

fig, axes = ns.plot.figure(1, 2, width=7.2, height=2.4, width_ratios=[3, 2])
ns.plot.voltage(result.traces["v"], result.spikes["cells"], ax=axes[0, 0], window=(0, 120), spike_height=-20)
axes[0, 1].hist(rates, bins=np.arange(-0.25, 90, 2.5), color=ns.plot.PALETTE[0])
axes[0, 1].set(xlabel="Firing rate (Hz)", ylabel="Neurons")
ns.plot.save(fig, sys.argv[1] if len(sys.argv) > 1 else "parameters_distribution.png")
