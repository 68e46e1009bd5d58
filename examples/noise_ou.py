"""Correlated noise: irregular firing below threshold, and the spectrum of the current, 4 sigma^2 tau/(1 + (2 pi f tau)^2)."""

import sys

import numpy as np

import neurosim as ns

mean, sigma, tau = 1.4, 0.8, 5.0                               # nA, nA, ms
cells = ns.Population(200, ns.LIF(tau_m=20), name="cells")
noise = ns.OrnsteinUhlenbeck(mean=mean, sigma=sigma, tau=tau, target=cells)
net = ns.Network([cells], stimuli=[noise], probes=[ns.Probe(cells, name, neurons=range(50)) for name in ("v", "i")])
result = ns.simulate(net, duration=5000, dt=0.1, seed=3)

fig, axes = ns.plot.figure(2, 2, width=7.2, height=4.2)
ns.plot.voltage(result.traces["v"], result.spikes["cells"], neurons=[0], ax=axes[0, 0], window=(0, 300), spike_height=-10)
ns.plot.voltage(result.traces["i"], neurons=[0], ax=axes[1, 0], window=(0, 300), color=ns.plot.PALETTE[2])
ns.plot.isi_histogram(result.spikes["cells"], ax=axes[0, 1], log=True)
freqs, power = ns.analysis.power_spectrum(result.traces["i"], segment=500)
keep = (freqs > 3) & (freqs < 500)
ns.plot.power_spectrum(freqs[keep], power[keep].mean(axis=1), ax=axes[1, 1], unit="nA", label="measured")
theory = 4*sigma**2*tau/1000/(1 + (2*np.pi*freqs*tau/1000)**2)
ns.plot.power_spectrum(freqs[keep], theory[keep], ax=axes[1, 1], unit="nA", label="closed form", color="black")
ns.plot.save(fig, sys.argv[1] if len(sys.argv) > 1 else "noise_ou.png")
