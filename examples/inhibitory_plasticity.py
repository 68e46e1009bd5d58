"""Inhibitory plasticity brings every neuron to the same rate, however strongly it is excited."""

import sys

import matplotlib
import numpy as np

import neurosim as ns

matplotlib.rcParams.update(ns.plot.rc())

cells = ns.Population(100, ns.LIF(tau_m=20, r_m=100, v_rest=-60, v_reset=-60), name="cells")
inh = ns.Population(200, ns.Poisson(rate=20), name="inhibition")
rule = ns.InhibitorySTDP(rho_0=5, eta=1e-5, w_max=0.02)  # Hz, uS
learn = ns.Projection(inh, cells, ns.Bernoulli(0.5), ns.Exponential(0.0, tau_syn=10, e_rev=-80), plasticity=rule)
drive = ns.OrnsteinUhlenbeck(mean=np.linspace(0.12, 0.3, cells.size), sigma=0.05, tau=5, target=cells)  # nA
net = ns.Network([inh, cells], projections=[learn], stimuli=[drive], probes=[ns.Probe(learn, "w", every=200)])
result = ns.simulate(net, duration=20_000, dt=0.2, seed=5)

spikes = result.spikes["cells"]
fig, axes = ns.plot.figure(1, 2, width=7.2, height=2.5)
for k, (start, stop) in enumerate([(0, 1000), (2000, 4000), (10_000, 20_000)]):
    axes[0, 0].plot(drive.mean, spikes.rates(start, stop), ".", ms=4, color=ns.plot.PALETTE[k],
                    label=f"{start//1000} to {stop//1000} s")
axes[0, 0].axhline(5, color="#8C8C8C", lw=0.7, zorder=0)
axes[0, 0].set(xlabel="Mean excitatory current (nA)", ylabel="Firing rate (Hz)", ylim=(0, None))
axes[0, 0].legend(frameon=False, loc="upper left")
ns.plot.weight_evolution(result.traces["w"], kind="band", unit="uS", ax=axes[0, 1])
ns.plot.save(fig, sys.argv[1] if len(sys.argv) > 1 else "inhibitory_plasticity.png")
