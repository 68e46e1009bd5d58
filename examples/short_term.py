"""Short-term plasticity: the same train of spikes through a depressing and a facilitating synapse."""

import sys

import matplotlib
import numpy as np

import neurosim as ns

matplotlib.rcParams.update(ns.plot.rc())

parrot = ns.NeuronModel.from_equations("dv/dt = -v/tau : 1", threshold="v > 0.5", reset="v = 0", parameters=dict(tau=1.0))
source = ns.Population(1, parrot, name="source")
cells = {name: ns.Population(1, ns.LIF(tau_m=20, r_m=40), name=name) for name in ("depressing", "facilitating")}
rules = [ns.ShortTerm(U=0.5, tau_rec=400, tau_facil=20), ns.ShortTerm(U=0.05, tau_rec=50, tau_facil=600)]
links = [ns.Projection(source, cell, ns.AllToAll(), ns.Exponential(weight, tau_syn=3), plasticity=rule)
         for cell, rule, weight in zip(cells.values(), rules, [0.5, 2.0])]  # nA
times = np.append(np.arange(50, 500, 50), 900)  # 20 Hz, then a pause
probes = [ns.Probe(cell, "v", name=name) for name, cell in cells.items()]
probes += [ns.Probe(link, x, every=1, name=f"{x} {name}") for name, link in zip(cells, links) for x in "ux"]
net = ns.Network([source, *cells.values()], projections=links, stimuli=[ns.SpikeInput(times=times, weight=1, target=source)],
                 probes=probes)
traces = ns.simulate(net, duration=1000).traces

fig, axes = ns.plot.figure(2, 2, width=7.2, height=3.4, sharex=True, sharey="row", height_ratios=[3, 2])
for column, name in enumerate(cells):
    ns.plot.voltage(traces[name], ax=axes[0, column])
    axes[0, column].set(title=name.capitalize(), xlabel="")
    for variable, meaning, color in (("u", "released part u", 0), ("x", "available part x", 1)):
        trace = traces[f"{variable} {name}"]
        axes[1, column].plot(trace.times, trace.values[:, 0], color=ns.plot.PALETTE[color], label=meaning)
    axes[1, column].set(xlabel="Time (ms)", ylim=(0, 1.05))
axes[1, 0].set_ylabel("Fraction")
axes[1, 1].legend(frameon=False, loc="center right")
ns.plot.save(fig, sys.argv[1] if len(sys.argv) > 1 else "short_term.png")
