"""Additive STDP under Poisson inputs: the inputs of a neuron compete, and their weights part into strong and weak ones."""

import sys

import matplotlib

import neurosim as ns

matplotlib.rcParams.update(ns.plot.rc())

exc, inh = ns.Population(1000, ns.Poisson(rate=10), name="E"), ns.Population(200, ns.Poisson(rate=10), name="I")
# weights are in units of the leak conductance, 1 uS
cell = ns.Population(1, ns.LIF(tau_m=20, r_m=1, v_rest=-70, v_reset=-60, v_th=-54, t_ref=1), name="cell")
w_max = 0.015
learning = ns.Projection(exc, cell, ns.AllToAll(), ns.Exponential(ns.Uniform(0, w_max), tau_syn=5, e_rev=0),
                         plasticity=ns.STDP(w_max=w_max, a_plus=0.01, a_minus=0.0107))
inhibition = ns.Projection(inh, cell, ns.AllToAll(), ns.Exponential(0.05, tau_syn=5, e_rev=-70))
net = ns.Network([exc, inh, cell], projections=[learning, inhibition], probes=[ns.Probe(learning, "w", every=2000)],
                 record_spikes=[cell])
result = ns.simulate(net, duration=400_000, dt=1, seed=3)

weights = result.traces["w"]
fig, axes = ns.plot.figure(1, 2, width=7.2, height=2.5, width_ratios=[3, 2])
ns.plot.weight_evolution(weights, ax=axes[0, 0], unit="leak")
ns.plot.weight_histogram(result.connections["E->cell"], before=weights.values[0], bins=25, ax=axes[0, 1], unit="leak")
ns.plot.save(fig, sys.argv[1] if len(sys.argv) > 1 else "stdp_poisson.png")
